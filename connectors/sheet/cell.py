"""A cell's value as the canonical text of its column, or why there is none.

A spreadsheet keeps every number as a double and shows 15 digits of it. A whole number of more has
lost its last ones before it came here, so none is taken for what it seems to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from connectors.canonical import canonical_float
from connectors.table import Kind, Type

__all__ = ["DIGITS_LOST", "DOUBTFUL_DATE", "Bad", "Cell", "read_cell", "reader_of"]

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta

DIGITS_LOST = "digits_lost"
DOUBTFUL_DATE = "doubtful_date"

_MOST_DIGITS = 15
_BEYOND = 10.0**_MOST_DIGITS
_FIRST_SURE_DAY = date(1900, 3, 1)  # before it programs disagree by a day: 1900 was no leap year
_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT})
_TRUTHS = {"true": "true", "false": "false", "1": "true", "0": "false", "是": "true", "否": "false"}
_DAY = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d\d)(\d\d))")
_WHOLE = re.compile(r"([+-]?)0*(\d+)")


class Bad(Exception):
    """The cell has no value that its column could bear; `why` is a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_cell(cell: Cell, kind: Type, digits: int = 0) -> str | None:
    """The canonical text for a column of that type; None for an empty cell. What is no value of the
    type stays the text it is, for others to refuse. Raises Bad where no text can be trusted. A
    whole number shown with at least so many `digits` is that text in a column of text."""
    if isinstance(cell, str):
        return reader_of(kind)(cell) if cell else None
    if isinstance(cell, bool):
        return _truth(cell, kind)
    if isinstance(cell, int | float):
        text = _number(float(cell), kind)
        return text.zfill(digits) if kind.kind is Kind.TEXT and text.isdigit() else text
    return _moment(cell, kind)


def reader_of(kind: Type) -> Callable[[str], str | None]:
    """How a text that is not empty becomes a value of the type. Text stays byte for byte; where a
    person wrote a date, a number or yes, blanks around it are none of the value."""
    return _READERS.get(kind.kind, str)


def _truth(cell: bool, kind: Type) -> str:
    if kind.kind in _NUMBERS:
        return str(int(cell))
    return "true" if cell else "false"


def _number(cell: float, kind: Type) -> str:
    if cell.is_integer() and -_BEYOND < cell < _BEYOND and kind.kind is not Kind.BOOLEAN:
        return str(int(cell))
    text = canonical_float(cell)
    if kind.kind is Kind.FLOAT:
        return text
    if abs(cell) >= _BEYOND or _digits(text) > _MOST_DIGITS:
        raise Bad(DIGITS_LOST)
    if kind.kind is Kind.BOOLEAN:
        return _TRUTHS.get(text, text)
    return _plain(text)


def _digits(text: str) -> int:
    mantissa = text.partition("e")[0].lstrip("-").replace(".", "")
    return len(mantissa.strip("0"))


def _plain(text: str) -> str:
    """Without an exponent: a number as small as that is written with its zeros."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    return f"{sign}0.{'0' * (-int(exponent) - 1)}{digits}"


def _moment(cell: date | datetime | time | timedelta, kind: Type) -> str:
    if isinstance(cell, timedelta):
        return _duration(cell)
    if isinstance(cell, date) and (cell.date() if isinstance(cell, datetime) else cell) < (
        _FIRST_SURE_DAY
    ):
        raise Bad(DOUBTFUL_DATE)
    if isinstance(cell, datetime):
        midnight = cell.time() == time()
        if midnight and kind.kind is not Kind.TIMESTAMP:
            return cell.date().isoformat()
        return _fraction(cell.isoformat(" "))
    if isinstance(cell, date):
        return f"{cell.isoformat()} 00:00:00" if kind.kind is Kind.TIMESTAMP else cell.isoformat()
    return _fraction(cell.isoformat())


def _duration(cell: timedelta) -> str:
    seconds = cell.days * 86400 + cell.seconds
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return _fraction(f"{clock}.{cell.microseconds:06d}") if cell.microseconds else clock


def _fraction(text: str) -> str:
    return text.rstrip("0") if "." in text else text


def _date_text(text: str) -> str:
    """Spellings that begin with the year mean one day wherever they are read."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return text
    year, _, *parts = found.groups()
    month, day = (part for part in parts if part is not None)
    return f"{year}-{month:0>2}-{day:0>2}"


def _timestamp_text(text: str) -> str:
    day, _, clock = text.strip().replace("T", " ", 1).partition(" ")
    dated = _date_text(day)
    if dated == day and not _DAY.fullmatch(day):
        return text
    clock = clock.strip() or "00:00:00"
    return f"{dated} {clock}:00" if clock.count(":") == 1 else f"{dated} {clock}"


def _integer_text(text: str) -> str:
    """`01` and `1` are one number, and one key."""
    found = _WHOLE.fullmatch(text.strip())
    if found is None:
        return text
    sign, digits = found.groups()
    return f"-{digits}" if sign == "-" and digits != "0" else digits


_READERS: dict[Kind, Callable[[str], str | None]] = {
    Kind.DATE: _date_text,
    Kind.TIMESTAMP: _timestamp_text,
    Kind.INTEGER: _integer_text,
    Kind.DECIMAL: str.strip,
    Kind.FLOAT: str.strip,
    Kind.BOOLEAN: lambda text: _TRUTHS.get(text.strip().lower(), text),
    Kind.UUID: lambda text: text.strip().lower(),
}
