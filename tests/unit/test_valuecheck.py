"""Value checks agree with a check of one value after the other."""

from __future__ import annotations

import calendar
import json
import math
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.route.mapping import Limits
from bridge.transform.value import check_values
from connectors.table import Kind, Type

STRICT = Limits(False, False, False, False, 1, 9999)
LOOSE = Limits(True, True, True, True, -4712, 294276, long_times=True)
TEXT = Type(Kind.TEXT)

Verdict = tuple[str | None, str | None]
"""The text that goes on, and the reason against it."""


def verdicts(
    values: list[str | None], kind: Type, limits: Limits, before: Type | None = None
) -> list[Verdict]:
    """The first finding of each row; the column is part of a longer one."""
    column = pa.array(["?", *values, None, "?"], pa.string()).slice(1, len(values))
    result, findings = check_values(column, kind, before or kind, limits)
    found: list[str | None] = [None] * len(values)
    for reason, rows in findings:
        assert rows.shape == (len(values),)
        for row in rows.nonzero()[0]:
            found[row] = found[row] or str(reason)
    return list(zip(result.to_pylist(), found, strict=True))


def judged(text: str | None, kind: Type, limits: Limits) -> Verdict:
    """The same in plain Python, one value at a time; a refused value goes on in any form."""
    if text is None:
        return None, None
    match kind.kind:
        case Kind.INTEGER:
            return judged_integer(text, kind)
        case Kind.DECIMAL:
            return judged_decimal(text, kind, limits)
        case Kind.FLOAT:
            return text, float_reason(text, kind, limits)
        case _:
            return judged_temporal(text, kind, limits)


def judged_integer(text: str, kind: Type) -> Verdict:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return text, "malformed"
    number = int(text)
    low = 0 if kind.unsigned else -(2 ** (kind.bits - 1))
    high = 2 ** (kind.bits if kind.unsigned else kind.bits - 1) - 1
    return str(number), None if low <= number <= high else "out_of_range"


def judged_decimal(text: str, kind: Type, limits: Limits) -> Verdict:
    if text == "NaN":
        return text, None if limits.special_decimals else "not_a_number"
    if text in ("Infinity", "-Infinity"):
        fits = limits.special_decimals and kind.precision is None
        return text, None if fits else "infinite"
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text):
        return text, "malformed"
    number = Fraction(text.rstrip("."))
    plain = format(Decimal(text), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    plain = "0" if number == 0 else plain
    if kind.precision is None:
        return plain, None
    scale = kind.scale or 0
    if abs(number) >= Fraction(10) ** (kind.precision - scale):
        return plain, "out_of_range"
    exact = (number * Fraction(10) ** scale).denominator == 1
    return plain, None if exact else "too_many_digits"


def float_reason(text: str, kind: Type, limits: Limits) -> str | None:
    if text == "NaN":
        return None if limits.special_floats else "not_a_number"
    if text in ("Infinity", "-Infinity"):
        return None if limits.special_floats else "infinite"
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", text):
        return "malformed"
    number = float(text)
    if math.isinf(number):
        return "out_of_range"
    if kind.bits == 64:
        return None
    with np.errstate(over="ignore"):
        narrow = np.float32(number)
    if np.isinf(narrow):
        return "out_of_range"
    # numpy prints the shortest text that still means this float of 32 bits.
    return None if float(np.format_float_scientific(narrow)) == number else "too_many_digits"


def judged_time(text: str, kind: Type, limits: Limits) -> Verdict:
    match = re.fullmatch(r"(-?[0-9]{2,3}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?", text)
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        return text, "malformed"
    hour, fraction = match[1], (match[4] or "").rstrip("0").rstrip(".")
    text = ":".join(match.groups()[:3]) + fraction
    daily = re.fullmatch("[0-9]{2}", hour) and (int(hour) < 24 or text == "24:00:00")
    size = (abs(int(hour)), match[2], match[3], fraction)
    if not daily and not (limits.long_times and size <= (838, "59", "59", "")):
        return text, "out_of_range"
    return text, "too_many_digits" if len(fraction) > kind.fraction + 1 else None


def judged_temporal(text: str, kind: Type, limits: Limits) -> Verdict:
    if kind.kind is Kind.TIME and not kind.zoned:
        return judged_time(text, kind, limits)
    if kind.kind is not Kind.TIME and text in ("infinity", "-infinity"):
        return text, None if limits.infinite_times else "infinite"
    day, clock = r"([0-9]{4,7})-([0-9]{2})-([0-9]{2})", r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
    zone = r"\+00" if kind.zoned else ""
    pattern = {
        Kind.DATE: rf"{day}(?: BC)?",
        Kind.TIME: rf"{clock}(\.[0-9]+)?{zone}",
        Kind.TIMESTAMP: rf"{day} {clock}(\.[0-9]+)?{zone}(?: BC)?",
    }[kind.kind]
    match = re.fullmatch(pattern, text)
    if match is None:
        return text, "malformed"
    parts = list(match.groups())
    year = None
    if kind.kind is not Kind.TIME:
        written, month, day_of_month = parts.pop(0), int(parts.pop(0)), int(parts.pop(0))
        if int(written) == 0 or (len(written) > 4 and written[0] == "0") or not 1 <= month <= 12:
            return text, "malformed"
        year = 1 - int(written) if text.endswith("BC") else int(written)
        # The calendar repeats after 400 years.
        if not 1 <= day_of_month <= calendar.monthrange(2000 + year % 400, month)[1]:
            return text, "malformed"
    fraction = ""
    if kind.kind is not Kind.DATE:
        hour, minute, second = (int(part) for part in parts[:3])
        fraction = (parts[3] or "").rstrip("0").rstrip(".")
        midnight = kind.kind is Kind.TIME and (hour, minute, second, fraction) == (24, 0, 0, "")
        if not midnight and (hour > 23 or minute > 59 or second > 59):
            return text, "malformed"
        text = re.sub(r"\.[0-9]+", fraction, text)
    if year is not None and not limits.year_low <= year <= limits.year_high:
        return text, "out_of_range"
    return text, "too_many_digits" if len(fraction) > kind.fraction + 1 else None


def mutated(good: st.SearchStrategy[str], characters: str) -> st.SearchStrategy[str | None]:
    """A good text, or one with a character put in, taken out or changed, or none at all."""

    def change(parts: tuple[str, int, int, str]) -> str:
        text, place, drop, put = parts
        place = place % (len(text) + 1)
        return text[:place] + put + text[place + drop :]

    put = st.text(characters, max_size=2)
    changed = st.tuples(good, st.integers(0, 40), st.integers(0, 2), put).map(change)
    return st.one_of(good, good, changed, st.none(), st.text(characters, max_size=6))


def compared(values: list[str | None], kind: Type, limits: Limits) -> None:
    for value, actual in zip(values, verdicts(values, kind, limits), strict=True):
        expected = judged(value, kind, limits)
        assert actual[1] == expected[1], (value, kind)
        if actual[1] is None:
            assert actual[0] == expected[0], (value, kind)


LIMITS = st.sampled_from([STRICT, LOOSE])
EDGES = [2**n + d for n in (0, 15, 16, 31, 32, 63, 64, 80) for d in (-1, 0, 1)]
WHOLE = st.one_of(st.integers(), st.sampled_from([*EDGES, *(-e for e in EDGES)])).map(str)


@given(
    st.lists(mutated(WHOLE, "0123456789+-.ex \0张"), max_size=30),
    st.builds(Type, st.just(Kind.INTEGER), st.sampled_from([16, 32, 64]), st.booleans()),
)
@settings(deadline=None, max_examples=150)
def test_integers(values: list[str | None], kind: Type) -> None:
    compared(values, kind, STRICT)


DIGITS = st.tuples(
    st.sampled_from(["", "-", "+"]),
    st.text("0123456789", max_size=7),
    st.sampled_from(["", "."]),
    st.text("0059", max_size=7),
).map("".join)
SPECIAL = st.sampled_from(["NaN", "Infinity", "-Infinity", "nan", "inf", "0", "-0.0"])


@st.composite
def decimals(draw: st.DrawFn) -> Type:
    precision = draw(st.none() | st.integers(1, 8))
    scale = None if precision is None else draw(st.none() | st.integers(-4, 10))
    return Type(Kind.DECIMAL, precision=precision, scale=scale)


@given(
    st.lists(mutated(st.one_of(DIGITS, SPECIAL), "0123456789+-.e 张"), max_size=30),
    decimals(),
    LIMITS,
)
@settings(deadline=None, max_examples=200)
@example(["1.005"], Type(Kind.DECIMAL, precision=10, scale=2), STRICT)
def test_decimals(values: list[str | None], kind: Type, limits: Limits) -> None:
    compared(values, kind, limits)


FLOATS = st.one_of(
    st.floats().map(repr),
    st.floats(width=32).map(repr),
    st.integers(-1000, 1000).map(lambda n: repr(n / 8)),
    SPECIAL,
    st.sampled_from(["1e400", "-1e+400", "3.4028235e+38", "3.4028236e+38", "0.1", "1e-46"]),
)


@given(
    st.lists(mutated(FLOATS, "0123456789+-.eE_ 张"), max_size=30),
    st.sampled_from([Type(Kind.FLOAT), Type(Kind.FLOAT, bits=32)]),
    LIMITS,
)
@settings(deadline=None, max_examples=150)
def test_floats(values: list[str | None], kind: Type, limits: Limits) -> None:
    column = verdicts(values, kind, limits, before=Type(Kind.FLOAT))
    assert [v[1] for v in column] == [judged(value, kind, limits)[1] for value in values]
    assert [v[0] for v in column] == values


def test_a_float_that_came_from_32_bits_goes_back_into_them() -> None:
    narrow = Type(Kind.FLOAT, bits=32)
    assert verdicts(["0.10000000149011612"], narrow, STRICT) == [("0.10000000149011612", None)]
    whole = Type(Kind.INTEGER, bits=32)  # as many bits, and other numbers
    found = verdicts(["16777216", "16777217"], narrow, STRICT, before=whole)
    assert [reason for _, reason in found] == [None, "too_many_digits"]


YEARS = st.one_of(
    st.sampled_from([0, 1, 4, 5, 100, 1900, 2000, 2023, 2024, 4713, 4714, 9999, 10000, 294276]),
    st.integers(0, 300_000),
).map("{:04d}".format)
TWO = st.one_of(st.integers(0, 31), st.sampled_from([0, 1, 2, 12, 23, 24, 28, 29, 30, 59, 60]))
DATES = st.tuples(YEARS, TWO, TWO).map(lambda t: f"{t[0]}-{t[1]:02d}-{t[2]:02d}")
CLOCKS = st.tuples(
    st.sampled_from(
        ["00:00:00", "24:00:00", "23:59:59", "24:00:01", "12:60:00", "838:59:59", "-25:00:00"]
    )
    | st.tuples(TWO, TWO, TWO).map(lambda t: "{:02d}:{:02d}:{:02d}".format(*t)),
    st.just("") | st.text("0059", max_size=8).map(".{}".format),
    st.sampled_from(["", "", "+00", "+08"]),
).map("".join)
STAMPS = st.tuples(DATES, CLOCKS).map(" ".join)
INFINITE = st.sampled_from(["infinity", "-infinity", "Infinity"])
SOMETIME = st.one_of(DATES, CLOCKS, STAMPS, STAMPS, INFINITE)
ERA = st.tuples(SOMETIME, st.sampled_from(["", "", "", " BC"])).map("".join)
TEMPORAL = st.one_of(
    st.just(Type(Kind.DATE)),
    st.builds(
        Type,
        st.sampled_from([Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMP]),
        fraction=st.integers(0, 6),
        zoned=st.booleans(),
    ),
)


@given(st.lists(mutated(ERA, "0123456789-: .+BCT张\0"), max_size=40), TEMPORAL, LIMITS)
@settings(deadline=None, max_examples=400)
@example(["2020-02-30", "0000-00-00", "2020-13-01"], Type(Kind.DATE), STRICT)
@example(["0001-02-29 BC", "0005-02-29 BC", "0004-02-29 BC"], Type(Kind.DATE), LOOSE)
@example(["24:00:00", "24:00:01", "24:00:00.0"], Type(Kind.TIME), STRICT)
def test_dates_and_times(values: list[str | None], kind: Type, limits: Limits) -> None:
    compared(values, kind, limits)


def test_long_times_go_as_far_as_838_hours_and_no_further() -> None:
    hours = ("00", "23", "24", "99", "100", "799", "837", "838", "839", "840", "849", "900", "999")
    rest = ("00:00", "00:00.5", "59:59", "59:59.000", "59:59.000001", "60:00", "00:60")
    texts: list[str | None] = [f"{s}{h}:{r}" for s in ("", "-") for h in hours for r in rest]
    for limits in (STRICT, LOOSE):
        compared(texts, Type(Kind.TIME, fraction=6), limits)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0000-00-00", None),
        ("2024-00-00", None),
        ("2024-05-00", None),
        ("0000-05-01", None),
        ("2024-02-30", "malformed"),
        ("2024-13-00", "malformed"),
        ("2024-00-32", "malformed"),
        ("10000-01-01", "out_of_range"),
    ],
)
def test_dates_that_some_stores_have_and_no_calendar(text: str, reason: str | None) -> None:
    some = replace(STRICT, unreal_dates=True)
    assert verdicts([text], Type(Kind.DATE), some) == [(text, reason)]
    stamp = f"{text} 12:00:00"
    assert verdicts([stamp], Type(Kind.TIMESTAMP), some) == [(stamp, reason)]
    assert verdicts(["0000-00-00"], Type(Kind.DATE), STRICT) == [("0000-00-00", "malformed")]


@given(
    st.lists(st.none() | st.text("a 张𠮷\0", max_size=6), max_size=30),
    st.none() | st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    LIMITS,
)
@settings(deadline=None, max_examples=150)
def test_texts(
    values: list[str | None], length: int | None, padded: bool, was_padded: bool, limits: Limits
) -> None:
    def reason(text: str | None) -> str | None:
        if text is None:
            return None
        if "\0" in text and not limits.nul_in_text:
            return "nul_in_text"
        if length is not None and len(text) > length:
            return "too_long"
        return "trailing_blank" if padded and not was_padded and text[-1:] == " " else None

    kind = Type(Kind.TEXT, length=length, padded=padded)
    before = Type(Kind.TEXT, padded=was_padded)
    assert verdicts(values, kind, limits, before) == [(text, reason(text)) for text in values]


@given(st.lists(st.none() | st.binary(max_size=6).map(bytes.hex), max_size=20))
@settings(deadline=None, max_examples=50)
def test_bytes(values: list[str | None]) -> None:
    expected = [(v, "too_long" if v and len(v) > 8 else None) for v in values]
    assert verdicts(values, Type(Kind.BINARY, length=4), STRICT) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Type(Kind.BINARY), "abc", ("abc", "malformed")),
        (Type(Kind.BINARY), "AB", ("AB", "malformed")),
        (Type(Kind.BOOLEAN), "true", ("true", None)),
        (Type(Kind.BOOLEAN), "t", ("t", "malformed")),
        (Type(Kind.BOOLEAN), "", ("", "malformed")),
        (
            Type(Kind.UUID),
            "0F8FAD5B-d9cb-469f-a165-70867728950e",
            ("0f8fad5b-d9cb-469f-a165-70867728950e", None),
        ),
        (
            Type(Kind.UUID),
            "{0f8fad5b-d9cb-469f-a165-70867728950e}",
            ("{0f8fad5b-d9cb-469f-a165-70867728950e}", "malformed"),
        ),
        (Type(Kind.NATIVE, native="inet"), "10.0.0.1", ("10.0.0.1", None)),
        (Type(Kind.NATIVE, native="inet"), "a\0", ("a\0", "nul_in_text")),
    ],
)
def test_other_kinds(kind: Type, text: str, expected: Verdict) -> None:
    assert verdicts([None, text], kind, STRICT) == [(None, None), expected]


JSON_TEXTS = [
    '{"a": [1, null]}',
    "1e999",
    "1" * 5000,
    "NaN",
    "[Infinity]",
    "{a: 1}",
    "",
    "[" * 10**5,
]


def test_json_from_another_type_is_read() -> None:
    found = verdicts(["null", *JSON_TEXTS], Type(Kind.JSON, native="jsonb"), STRICT, before=TEXT)
    assert [v[1] for v in found] == [None] * 4 + ["malformed"] * 5
    assert json.loads(JSON_TEXTS[0]) == {"a": [1, None]}


def test_json_from_the_same_store_is_not_read_again() -> None:
    kind = Type(Kind.JSON, family="postgresql", native="json")
    assert {v[1] for v in verdicts(JSON_TEXTS, kind, STRICT)} == {None}


def test_json_is_read_where_the_store_has_not_looked_at_it() -> None:
    assert verdicts(["{1}", "{}"], Type(Kind.JSON), STRICT) == [("{1}", "malformed"), ("{}", None)]


@pytest.mark.parametrize("kind", [Type(k, native="x") for k in Kind])
def test_columns_of_nothing(kind: Type) -> None:
    """No rows at all, and rows that are all NULL."""
    assert verdicts([], kind, STRICT) == []
    assert verdicts([None, None], kind, STRICT, before=TEXT) == [(None, None)] * 2
    empty = pa.nulls(3, pa.string())
    values, findings = check_values(empty, kind, TEXT, STRICT)
    assert values.to_pylist() == [None] * 3
    assert not any(f.rows.any() for f in findings)


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 64])
@pytest.mark.parametrize("unsigned", [False, True])
def test_the_outermost_integers(bits: int, unsigned: bool) -> None:
    kind = Type(Kind.INTEGER, bits=bits, unsigned=unsigned)
    low = 0 if unsigned else -(2 ** (bits - 1))
    high = low + 2**bits - 1
    found = verdicts([str(n) for n in (low - 1, low, high, high + 1)], kind, STRICT)
    assert [why for _, why in found] == ["out_of_range", None, None, "out_of_range"]
