"""Rules agree with a reading of the standards one number at a time."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.configuration.jobparts import Rule
from bridge.demo.sample import enterprises, population
from bridge.transform.refusal import Reason
from bridge.transform.rule import RULES, rule_findings

PEOPLE = [person.id_no for person in population(300)]
ENTERPRISES = [enterprise.credit_code for enterprise in enterprises(300)]
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def reasons(values: list[str | None], rule: str) -> list[str | None]:
    """The first finding of each row; the column is part of a longer one."""
    column = pa.array(["x", *values, None], pa.string()).slice(1, len(values))
    found: list[str | None] = [None] * len(values)
    for reason, rows in rule_findings(column, rule):
        for row in rows.nonzero()[0]:
            found[row] = found[row] or str(reason)
    return found


def resident_id(value: str | None) -> str | None:
    """GB 11643, with the check of ISO 7064: the weighted sum of all places is 1 modulo 11."""
    if value is None:
        return None
    if len(value) != 18 or not all(c in "0123456789" for c in value[:17]):
        return "bad_value"
    try:
        datetime.strptime(value[6:14], "%Y%m%d")
    except ValueError:
        return "bad_value"
    if value[17] not in "0123456789X":
        return "bad_value"
    numbers = [10 if c == "X" else int(c) for c in value]
    total = sum(n * 2 ** (17 - i) for i, n in enumerate(numbers))
    return None if total % 11 == 1 else "check_digit"


def credit_code(value: str | None) -> str | None:
    """GB 32100: all 18 values with weights 3**i sum to 0 modulo 31. GB 11714: the organisation
    code's own sum with its check is 0 modulo 11."""
    if value is None:
        return None
    if len(value) != 18 or not all(c in ALPHABET for c in value):
        return "bad_value"
    if not all(c in "0123456789" for c in value[2:8]):
        return "bad_value"
    weights = [3**i % 31 for i in range(17)] + [1]
    overall = sum(ALPHABET.index(c) * w for c, w in zip(value, weights, strict=True))
    numbers = [10 + ord(c) - ord("A") if c.isalpha() else int(c) for c in value[8:16]]
    check = {"X": 10}.get(value[16], int(value[16]) if value[16].isdigit() else 99)
    own = sum(n * w for n, w in zip(numbers, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) + check
    return None if overall % 31 == 0 and own % 11 == 0 and check <= 10 else "check_digit"


ORACLES = {"resident_id": (resident_id, PEOPLE), "credit_code": (credit_code, ENTERPRISES)}


def spoiled(good: list[str]) -> st.SearchStrategy[str | None]:
    """A good number, one with a character changed, one cut or made longer, or none at all."""
    number = st.sampled_from(good)
    character = st.sampled_from("0123456789ABIOSVXZx 张\0")
    changed = st.tuples(number, st.integers(0, 17), character).map(
        lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
    )
    other_length = st.tuples(number, st.integers(0, 20)).map(lambda t: (t[0] + "000")[: t[1]])
    return st.one_of(number, changed, changed, other_length, st.none(), st.text(max_size=19))


def test_every_rule_of_the_configuration_is_here() -> None:
    assert set(get_args(Rule)) == set(RULES) == set(ORACLES)


@pytest.mark.parametrize("rule", ORACLES)
def test_numbers_of_the_standards_hold(rule: str) -> None:
    assert set(reasons([*ORACLES[rule][1], None], rule)) == {None}


@pytest.mark.parametrize("rule", ORACLES)
@given(data=st.data())
@settings(deadline=None, max_examples=80)
def test_each_row_is_judged_as_the_standard_says(rule: str, data: st.DataObject) -> None:
    oracle, good = ORACLES[rule]
    values = data.draw(st.lists(spoiled(good), max_size=40))
    assert reasons(values, rule) == [oracle(value) for value in values]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("11010519491231002X", None),
        ("440524188001010014", None),
        ("11010519491231002x", Reason.BAD_VALUE),
        ("110105194912310021", Reason.CHECK_DIGIT),
        ("110105491231002", Reason.BAD_VALUE),  # fifteen digits, not issued since 1999
        ("11010519490229002X", Reason.BAD_VALUE),  # no leap year
        ("11010500001231002X", Reason.BAD_VALUE),
        ("１１０１０５", Reason.BAD_VALUE),  # 18 bytes, and full-width
    ],
)
def test_resident_ids(value: str, expected: Reason | None) -> None:
    assert reasons([value], "resident_id") == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("91350100M000100Y43", None),
        ("91350100M000100Y44", Reason.CHECK_DIGIT),
        ("91350100M000100Y53", Reason.CHECK_DIGIT),
        ("91350100I000100Y43", Reason.BAD_VALUE),
        ("9135010AM000100Y43", Reason.BAD_VALUE),
        ("91350100m000100y43", Reason.BAD_VALUE),
    ],
)
def test_credit_codes(value: str, expected: Reason | None) -> None:
    assert reasons([value], "credit_code") == [expected]


def test_a_wrong_organisation_check_is_found_under_a_right_overall_check() -> None:
    body = "91350100M000100Y5"
    total = sum(ALPHABET.index(c) * 3**i for i, c in enumerate(body))
    value = body + ALPHABET[-total % 31]
    assert reasons([value], "credit_code") == ["check_digit"]


@pytest.mark.parametrize("place", range(18))
def test_any_single_wrong_character_is_found(place: int) -> None:
    """What both check systems promise."""
    for good in PEOPLE[:20]:
        wrong = [good[:place] + d + good[place + 1 :] for d in "0123456789" if d != good[place]]
        assert None not in reasons(list(wrong), "resident_id")
