"""Sample records are reproducible, distinct and true to the standards they claim."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from bridge.configuration.creditcode import credit_code_fault
from bridge.demo import vocabulary
from bridge.demo.sample import credit_code, enterprises, population, resident_id

PEOPLE = list(population(5000))
COMPANIES = list(enterprises(3000))


def test_the_examples_of_the_standards() -> None:
    """GB 11643 (its annex) and the code of a well-known company."""
    assert resident_id("110105", datetime(1949, 12, 31).date(), 2) == "11010519491231002X"
    assert resident_id("440524", datetime(1880, 1, 1).date(), 1) == "440524188001010014"
    assert credit_code("91", "350100", "M000100Y") == "91350100M000100Y43"


def test_every_id_number_satisfies_the_standard() -> None:
    """ISO 7064 MOD 11-2: the whole number, read with weights 2**(17-i), is 1 modulo 11."""
    for person in PEOPLE:
        digits = [10 if c == "X" else int(c) for c in person.id_no]
        assert sum(d * 2 ** (17 - i) for i, d in enumerate(digits)) % 11 == 1
        assert person.id_no[6:14] == f"{person.birth_date:%Y%m%d}"
        assert (int(person.id_no[16]) % 2 == 1) == (person.sex == "男")


def test_every_credit_code_satisfies_the_standard() -> None:
    assert [c.credit_code for c in COMPANIES if credit_code_fault(c.credit_code)] == []


def test_keys_are_distinct_and_avoid_those_taken() -> None:
    keys = {person.id_no for person in PEOPLE}
    assert len(keys) == 5000
    again = [person.id_no for person in population(5000, taken=keys)]
    assert not keys & set(again)
    codes = {company.credit_code for company in COMPANIES}
    assert len(codes) == 3000
    assert not codes & {company.credit_code for company in enterprises(3000, taken=codes)}


def test_a_seed_gives_the_same_rows_again_and_another_seed_others() -> None:
    assert list(population(200, seed=7)) == list(population(200, seed=7))
    assert list(population(200, seed=7)) != list(population(200, seed=8))
    assert list(population(100)) == PEOPLE[:100]
    assert list(enterprises(100)) == COMPANIES[:100]


@pytest.mark.parametrize("character", vocabulary.RARE_GIVEN)
def test_names_hold_characters_that_gbk_has_not(character: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        character.encode("gbk")
    assert any(character in person.name for person in PEOPLE)


def test_values_fit_their_columns() -> None:
    for person in PEOPLE:
        assert len(person.name) <= 50
        assert person.income is None or (0 < person.income < 10**10)
        assert person.income is None or person.income.as_tuple().exponent == -2
        assert person.birth_date <= person.registered_on
    for company in COMPANIES:
        assert len(company.industry_code) == 5
        assert company.registered_capital.as_tuple().exponent == -4


def test_no_row_comes_from_the_future() -> None:
    end = datetime(2025, 1, 1, tzinfo=UTC)
    assert max(person.updated_at for person in PEOPLE) < end
    assert max(company.updated_at for company in COMPANIES) < end


def test_remarks_hold_what_breaks_careless_copying() -> None:
    remarks = {person.remark for person in PEOPLE}
    assert None in remarks
    assert "" in remarks
    for character in "\t\n\\'":
        assert any(character in remark for remark in remarks if remark)


def test_counties_are_codes_of_zhejiang() -> None:
    codes = [code for code, _, _ in vocabulary.COUNTIES]
    assert len(set(codes)) == len(codes) == 90
    assert all(code.isdigit() and len(code) == 6 for code in codes)
    assert {code[:2] for code in codes} == {"33"}


def test_fifty_thousand_rows_take_seconds() -> None:
    began = time.process_time()
    assert sum(1 for _ in population(40_000)) + sum(1 for _ in enterprises(10_000)) == 50_000
    assert time.process_time() - began < 10
