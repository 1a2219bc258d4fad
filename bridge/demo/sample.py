"""Made-up records of two registers, true to the standards and the same for the same seed.

People and enterprises are invented; only counties, codes and check characters are real.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from bridge.demo import vocabulary as words

__all__ = [
    "Enterprise",
    "Person",
    "address",
    "credit_code",
    "enterprises",
    "population",
    "resident_id",
]

# Every date and stamp lies before this day, so that no record comes from the future.
_LAST_DAY = date(2024, 12, 31)
_OLDEST_BIRTH = date(1932, 1, 1)

_RESIDENT_WEIGHTS = [pow(2, 17 - i, 11) for i in range(17)]
_RESIDENT_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = [pow(3, i, 31) for i in range(17)]
_ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]


class Person(NamedTuple):
    """One row of the population register (人口基础信息)."""

    id_no: str
    name: str
    sex: str
    ethnicity: str
    birth_date: date
    county_code: str
    address: str
    phone: str | None
    education: str
    marital_status: str
    household_no: str
    registered_on: date
    income: Decimal | None
    remark: str | None
    updated_at: datetime


class Enterprise(NamedTuple):
    """One row of the enterprise register (企业基础信息)."""

    credit_code: str
    name: str
    type: str
    legal_representative: str
    registered_capital: Decimal
    established_on: date
    county_code: str
    address: str
    industry_code: str
    status: str
    updated_at: datetime


def population(count: int, seed: int = 1, taken: Collection[str] = ()) -> Iterator[Person]:
    """`count` people whose id numbers differ from each other and from those `taken`."""
    random = Random(f"population {seed}")
    used = set(taken)
    surnames = _Weighted(words.SURNAMES)
    ethnicities = _Weighted(words.ETHNICITIES)
    education, marital = _Weighted(words.EDUCATION), _Weighted(words.MARITAL)
    for _ in range(count):
        county = random.choice(words.COUNTIES)
        male = random.random() < 0.51
        born = _day_between(random, _OLDEST_BIRTH, _LAST_DAY)
        ethnicity = ethnicities.pick(random)
        age = _LAST_DAY.year - born.year
        grown = age >= 22
        registered = _day_between(random, born, _LAST_DAY)
        yield Person(
            id_no=_new_resident_id(random, _birthplace(random, county[0]), born, male, used),
            name=_person_name(random, surnames, ethnicity),
            sex="男" if male else "女",
            ethnicity=ethnicity,
            birth_date=born,
            county_code=county[0],
            address=address(random, county),
            phone=_phone(random) if random.random() < 0.93 else None,
            education=education.pick(random) if grown else _schooling(age),
            marital_status=marital.pick(random) if grown else "10",
            household_no=f"{county[0]}{random.randrange(10**8):08d}",
            registered_on=registered,
            income=_income(random) if grown and random.random() < 0.8 else None,
            remark=random.choice(words.REMARKS) if random.random() < 0.05 else None,
            updated_at=_stamp(random, registered),
        )


def enterprises(count: int, seed: int = 1, taken: Collection[str] = ()) -> Iterator[Enterprise]:
    """`count` enterprises whose codes differ from each other and from those `taken`."""
    random = Random(f"enterprises {seed}")
    used = set(taken)
    surnames = _Weighted(words.SURNAMES)
    types, statuses = _Weighted(words.ENTERPRISE_TYPES), _Weighted(words.STATUSES)
    for _ in range(count):
        county = random.choice(words.COUNTIES)
        established = _day_between(random, date(1984, 1, 1), _LAST_DAY)
        business, industry = random.choice(words.BUSINESSES)
        kind = types.pick(random)
        yield Enterprise(
            credit_code=_new_credit_code(random, county[0], kind, used),
            name=_enterprise_name(random, county, business, kind),
            type=kind,
            legal_representative=_person_name(random, surnames, "01"),
            registered_capital=Decimal(random.randrange(1, 50_000_000)).scaleb(-4),
            established_on=established,
            county_code=county[0],
            address=address(random, county),
            industry_code=industry,
            status=statuses.pick(random),
            updated_at=_stamp(random, established),
        )


def resident_id(county: str, born: date, sequence: int) -> str:
    """A citizen's number by GB 11643; `sequence` 0 to 999 is odd for men."""
    body = f"{county}{born:%Y%m%d}{sequence:03d}"
    total = sum(w * int(c) for w, c in zip(_RESIDENT_WEIGHTS, body, strict=True))
    return body + _RESIDENT_CHECKS[total % 11]


def credit_code(kind: str, county: str, organisation: str) -> str:
    """A unified social credit code by GB 32100; the organisation code (GB 11714) has 8 places."""
    weighted = zip(_ORGANISATION_WEIGHTS, organisation, strict=True)
    total = sum(weight * int(character, 36) for weight, character in weighted)
    body = kind + county + organisation + "0123456789X"[-total % 11]
    total = sum(w * _CREDIT_VALUES[c] for w, c in zip(_CREDIT_WEIGHTS, body, strict=True))
    return body + _CREDIT_ALPHABET[-total % 31]


def address(random: Random, county: tuple[str, str, str]) -> str:
    """An address in the county: province, city, county, road, number."""
    _, city, name = county
    room = f"{random.randrange(1, 30)}幢{random.randrange(1, 29)}{random.randrange(1, 7):02d}室"
    number = random.randrange(1, 999)
    return f"浙江省{city}{name}{random.choice(words.ROADS)}{number}号{room}"


class _Weighted:
    """Values with how often each occurs."""

    def __init__(self, shares: Mapping[str, int]) -> None:
        self._values = list(shares)
        self._bounds: list[int] = []
        total = 0
        for share in shares.values():
            total += share
            self._bounds.append(total)

    def pick(self, random: Random) -> str:
        return random.choices(self._values, cum_weights=self._bounds)[0]


def _new_resident_id(random: Random, county: str, born: date, male: bool, used: set[str]) -> str:
    while True:
        number = resident_id(county, born, random.randrange(500) * 2 + male)
        if number not in used:
            used.add(number)
            return number


def _new_credit_code(random: Random, county: str, kind: str, used: set[str]) -> str:
    prefix = "93" if "合作社" in kind else "91"
    while True:
        organisation = "MA" + _letters(random, 6) if random.random() < 0.7 else _digits(random, 8)
        code = credit_code(prefix, county, organisation)
        if code not in used:
            used.add(code)
            return code


def _letters(random: Random, count: int) -> str:
    return "".join(random.choices(_CREDIT_ALPHABET, k=count))


def _digits(random: Random, count: int) -> str:
    return f"{random.randrange(10**count):0{count}d}"


def _birthplace(random: Random, home: str) -> str:
    return home if random.random() < 0.75 else random.choice(words.BIRTHPLACES)


def _person_name(random: Random, surnames: _Weighted, ethnicity: str) -> str:
    if ethnicity == "05":
        return random.choice(words.UYGUR_NAMES)
    given = "".join(random.choices(words.GIVEN, k=1 if random.random() < 0.2 else 2))
    if random.random() < 0.004:
        given = given[:-1] + random.choice(words.RARE_GIVEN)
    return surnames.pick(random) + given


def _enterprise_name(random: Random, county: tuple[str, str, str], business: str, kind: str) -> str:
    place = random.choice([county[1], county[2], "浙江"])
    word = random.choice(words.TRADE_WORDS)
    if random.random() < 0.004:
        word += random.choice(words.RARE_GIVEN)
    return f"{place}{word}{business}{_legal_form(kind)}"


def _legal_form(kind: str) -> str:
    forms: Sequence[tuple[str, str]] = (
        ("股份", "股份有限公司"),
        ("有限责任", "有限公司"),
        ("合伙", "合伙企业（有限合伙）"),
        ("合作社", "专业合作社"),
    )
    return next((form for word, form in forms if word in kind), "厂")


def _schooling(age: int) -> str:
    """The education of someone who is still at school."""
    steps = ((18, "60"), (15, "70"), (12, "80"))
    return next((code for least, code in steps if age >= least), "90")


def _phone(random: Random) -> str:
    return f"1{random.choice('3578')}{random.randrange(10**9):09d}"


def _income(random: Random) -> Decimal:
    return Decimal(int(random.lognormvariate(15.9, 0.6))).scaleb(-2)


def _day_between(random: Random, first: date, last: date) -> date:
    return first + timedelta(days=random.randrange((last - first).days + 1))


def _stamp(random: Random, earliest: date) -> datetime:
    """When the row was last changed, in the five years that the register has been kept here."""
    day = _day_between(random, max(earliest, date(2020, 1, 1)), _LAST_DAY)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight + timedelta(microseconds=random.randrange(86_400_000_000))
