"""Does a column hold dates and times that exist and that the stores can hold?

The shapes are those of the canonical form: four digits of a year or more, ` BC` behind a year
before our era, `+00` behind a zoned time, `infinity` and `-infinity` as PostgreSQL writes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bridge.route.mapping import Limits
from bridge.transform.refusal import Finding, Reason
from bridge.transform.textarray import (
    Rows,
    TextArray,
    byte_lengths,
    digits_at,
    matches,
    pc,
    rows_of,
)
from connectors.table import Kind, Type

__all__ = ["is_real_date", "temporal_findings"]

_DATE = r"(?:[0-9]{4}|[1-9][0-9]{4,6})-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_ERA = r"(?: BC)?"
_FRACTION = r"(?:\.[0-9]*[1-9])?"
_PADDED_FRACTION = r"(?:\.[0-9]+)?"
_LONG_TIME = r":[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?$"
_BEYOND_TIME = r"^-?(?:839|8[4-9][0-9]|9[0-9][0-9])|^-?838:59:59\."
_UNREAL = (
    r"^(?:0000-(?:0[0-9]|1[0-2])|[0-9]{4}-00)-(?:[0-2][0-9]|3[01])|^[0-9]{4}-(?:0[0-9]|1[0-2])-00"
)
_INFINITE = pa.array(["infinity", "-infinity"])
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.uint8)
_ZONE_LENGTH = _ERA_LENGTH = 3


def is_real_date(year: Any, month: Any, day: Any) -> Rows:
    """Whether each day stands in the Gregorian calendar, which has no year 0."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _MONTH_DAYS[np.minimum(month, 12)] - ((month == 2) & ~leap)
    real: Rows = (year != 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    return real


def temporal_findings(
    values: TextArray, kind: Type, limits: Limits
) -> tuple[TextArray, list[Finding]]:
    """The values without trailing zeros of a fraction, and what is wrong with them."""
    if kind.kind is Kind.TIME and not kind.zoned:
        return _time_findings(values, kind, limits)
    infinite = _infinite(values, kind)
    values, shaped = _shaped(values, kind)
    rows = np.flatnonzero(shaped)
    dash = _place(values, "-")[rows] if kind.kind is not Kind.TIME else np.zeros(0, np.int32)
    real, years = np.ones(len(rows), dtype=bool), np.ones(0, dtype=np.int64)
    if kind.kind is not Kind.TIME:
        real, years = _days(values, rows, dash)
        if limits.unreal_dates:
            real |= matches(values, _UNREAL)[rows]
    if kind.kind is not Kind.DATE:
        start = dash + len("-mm-dd ") if kind.kind is Kind.TIMESTAMP else 0
        real &= _clocks(values, rows, start, midnight_ends=kind.kind is Kind.TIME)
    good = _scattered(len(values), rows, real)
    findings = [Finding(Reason.MALFORMED, rows_of(values.is_valid()) & ~good & ~infinite)]
    if not limits.infinite_times:
        findings.append(Finding(Reason.INFINITE, infinite))
    if kind.kind is not Kind.TIME:
        outside = real & ((years < limits.year_low) | (years > limits.year_high))
        outside &= years != 0 if limits.unreal_dates else True
        findings.append(Finding(Reason.OUT_OF_RANGE, _scattered(len(values), rows, outside)))
    if kind.kind is not Kind.DATE:
        findings.append(Finding(Reason.TOO_MANY_DIGITS, good & _finer(values, kind)))
    return values, findings


def _time_findings(
    values: TextArray, kind: Type, limits: Limits
) -> tuple[TextArray, list[Finding]]:
    """Times of a day, up to 24:00:00; where the stores have them, also longer and negative ones."""
    values, shaped = _shaped(values, kind)
    rows = np.flatnonzero(shaped & matches(values, r"^[0-9]{2}:"))
    good = _scattered(len(values), rows, _clocks(values, rows, 0, midnight_ends=True))
    findings: list[Finding] = []
    if good.sum() != len(values) - values.null_count:
        long = shaped & ~good & matches(values, _LONG_TIME)
        beyond = long & matches(values, _BEYOND_TIME) if limits.long_times else long
        findings.append(Finding(Reason.OUT_OF_RANGE, beyond))
        good |= long
    findings.insert(0, Finding(Reason.MALFORMED, rows_of(values.is_valid()) & ~good))
    findings.append(Finding(Reason.TOO_MANY_DIGITS, good & _finer(values, kind)))
    return values, findings


def _infinite(values: TextArray, kind: Type) -> Rows:
    if kind.kind is Kind.TIME:
        return np.zeros(len(values), dtype=bool)
    return rows_of(pc.is_in(values, value_set=_INFINITE))


def _shaped(values: TextArray, kind: Type) -> tuple[TextArray, Rows]:
    """The values, fractions without trailing zeros, and the rows that have the right shape."""
    shaped = matches(values, _pattern(kind, _FRACTION))
    if kind.kind is Kind.DATE or shaped.sum() == len(values) - values.null_count:
        return values, shaped
    shaped = matches(values, _pattern(kind, _PADDED_FRACTION))
    end = r"((?:\+00)?(?: BC)?)$"
    bare = pc.replace_substring_regex(values, r"(\.[0-9]*[1-9])0+" + end, r"\1\2")
    bare = pc.replace_substring_regex(bare, r"\.0+" + end, r"\1")
    return pc.if_else(pa.array(shaped), bare, values), shaped


def _pattern(kind: Type, fraction: str) -> str:
    zone = r"\+00" if kind.zoned else ""
    match kind.kind:
        case Kind.DATE:
            return f"^{_DATE}{_ERA}$"
        case Kind.TIME if kind.zoned:
            return f"^{_CLOCK}{fraction}{zone}$"
        case Kind.TIME:
            return f"^-?[0-9]?{_CLOCK}{fraction}$"
        case _:
            return f"^{_DATE} {_CLOCK}{fraction}{zone}{_ERA}$"


def _days(
    values: TextArray, rows: NDArray[np.intp], dash: NDArray[np.int32]
) -> tuple[Rows, NDArray[np.int64]]:
    """Of rows of the right shape: whether the day exists, and its year (1 BC is 0)."""
    digits = digits_at(values, rows, len("yyyy-mm-dd"), dash - 4)
    month, day = _pair(digits, 5), _pair(digits, 8)
    years = _pair(digits, 0).astype(np.int64) * 100 + _pair(digits, 2)
    ancient = rows_of(pc.ends_with(values, " BC"))[rows]
    odd = np.flatnonzero((dash > 4) | ancient)
    if len(odd):
        parts = pc.extract_regex(values.take(rows[odd]), r"^(?P<year>[0-9]+)-")
        years[odd] = pc.struct_field(parts, "year").cast(pa.int64()).to_numpy()
    exists = years != 0
    years = np.where(ancient, 1 - years, years)
    # A leap year before our era is counted astronomically; that year 0 exists.
    return exists & is_real_date(np.where(years == 0, 400, years), month, day), years


def _clocks(values: TextArray, rows: NDArray[np.intp], start: Any, midnight_ends: bool) -> Rows:
    """Of rows of the right shape: whether the time of day exists. 24:00:00 is a TIME's end."""
    digits = digits_at(values, rows, len("hh:mm:ss"), start)
    hour, minute, second = _pair(digits, 0), _pair(digits, 3), _pair(digits, 6)
    real: Rows = (hour <= 23) & (minute <= 59) & (second <= 59)
    if midnight_ends and not real.all():
        real |= matches(values, r"^24:00:00(?:\+00)?$")[rows]
    return real


def _finer(values: TextArray, kind: Type) -> Rows:
    """Rows with more digits of a second than the type keeps."""
    dot = _place(values, ".")
    digits = byte_lengths(values) - dot - 1 - (_ZONE_LENGTH if kind.zoned else 0)
    digits -= _ERA_LENGTH * rows_of(pc.ends_with(values, " BC"))
    return (dot >= 0) & (digits > kind.fraction)


def _pair(digits: NDArray[np.uint8], place: int) -> NDArray[np.uint8]:
    pair: NDArray[np.uint8] = digits[place] * 10 + digits[place + 1]
    return pair


def _place(values: TextArray, character: str) -> NDArray[np.int32]:
    """The byte where the character first stands; -1 for none and for NULL."""
    places = pc.find_substring(values, character).fill_null(-1)
    found: NDArray[np.int32] = places.to_numpy(zero_copy_only=False)
    return found


def _scattered(length: int, rows: NDArray[np.intp], flags: Rows) -> Rows:
    whole = np.zeros(length, dtype=bool)
    whole[rows] = flags
    return whole
