"""Does a column hold numbers that the stores can hold as they are, without rounding?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bridge.route.mapping import Limits
from bridge.transform.refusal import Finding, Reason
from bridge.transform.textarray import Rows, TextArray, byte_lengths, matches, pc, rows_of
from connectors.table import Kind, Type

__all__ = ["decimal_findings", "float_findings", "integer_findings"]

_NAN = "NaN"
_INFINITE = pa.array(["Infinity", "-Infinity"])
_FLOAT = r"^-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?$"
_LONGEST_INTEGER = 20  # digits of 2**64 - 1
_SAFE_DIGITS = {8: 2, 16: 4, 24: 6, 32: 9, 64: 18}  # this many fit whatever they are


def integer_findings(values: TextArray, kind: Type) -> tuple[TextArray, list[Finding]]:
    """The values in plain digits, and what is wrong with them."""
    values, shaped = _plain(values, r"^(?:0|-?[1-9][0-9]*)$", r"^[+-]?[0-9]+$")
    findings = [_malformed(values, shaped)]
    if kind.unsigned or byte_lengths(values).max(initial=0) > _SAFE_DIGITS[kind.bits]:
        findings.append(Finding(Reason.OUT_OF_RANGE, _beyond(values, shaped, kind)))
    return values, findings


def decimal_findings(
    values: TextArray, kind: Type, limits: Limits
) -> tuple[TextArray, list[Finding]]:
    """The values in plain digits, and what is wrong with them.

    An infinite value fits into no decimal with a precision, also where the store has them.
    """
    values, shaped = _plain(
        values,
        r"^(?:0|-?[1-9][0-9]*(?:\.[0-9]*[1-9])?|-?0\.[0-9]*[1-9])$",
        r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$",
    )
    special = not shaped.all()
    nan = rows_of(pc.equal(values, _NAN)) if special else ~shaped
    infinite = rows_of(pc.is_in(values, value_set=_INFINITE)) if special else ~shaped
    findings = [_malformed(values, shaped | nan | infinite)]
    if not limits.special_decimals:
        findings.append(Finding(Reason.NOT_A_NUMBER, nan))
    if not limits.special_decimals or kind.precision is not None:
        findings.append(Finding(Reason.INFINITE, infinite))
    if kind.precision is not None:
        findings += _digit_findings(values, shaped, kind.precision, kind.scale or 0)
    return values, findings


def float_findings(values: TextArray, kind: Type, before: Type, limits: Limits) -> list[Finding]:
    """What is wrong with floats. A double whose text a float(32) would change is refused."""
    nan = rows_of(pc.equal(values, _NAN))
    infinite = rows_of(pc.is_in(values, value_set=_INFINITE))
    shaped = matches(values, _FLOAT)
    findings = [_malformed(values, shaped | nan | infinite)]
    if not limits.special_floats:
        findings += [Finding(Reason.NOT_A_NUMBER, nan), Finding(Reason.INFINITE, infinite)]
    numbers = _where(shaped, values).cast(pa.float64()).fill_null(0.0).to_numpy()
    findings.append(Finding(Reason.OUT_OF_RANGE, np.isinf(numbers)))
    if kind.bits == 32:
        with np.errstate(over="ignore", under="ignore"):
            narrow = numbers.astype(np.float32)
        findings.append(Finding(Reason.OUT_OF_RANGE, np.isinf(narrow)))
        if not (before.kind is Kind.FLOAT and before.bits == 32):
            findings.append(Finding(Reason.TOO_MANY_DIGITS, _shortest(narrow) != numbers))
    return findings


def _shortest(narrow: NDArray[np.float32]) -> NDArray[np.float64]:
    """The doubles that the shortest texts of these floats read back to, as stores print them."""
    texts = pa.array(narrow).cast(pa.string())
    numbers: NDArray[np.float64] = texts.cast(pa.float64()).to_numpy()
    return numbers


def _plain(values: TextArray, canonical: str, accepted: str) -> tuple[TextArray, Rows]:
    """The values without needless signs and zeros, and the rows that are numbers."""
    shaped = matches(values, canonical)
    if shaped.sum() == len(values) - values.null_count:
        return values, shaped
    shaped = matches(values, accepted)
    plain = pc.replace_substring_regex(values, r"^\+", "")
    plain = pc.replace_substring_regex(plain, r"^(-?)0*([0-9])", r"\1\2")
    plain = pc.replace_substring_regex(plain, r"^(-?)\.", r"\10.")
    plain = pc.replace_substring_regex(plain, r"(\.[0-9]*[1-9])0+$", r"\1")
    plain = pc.replace_substring_regex(plain, r"\.0*$", "")
    plain = pc.replace_substring_regex(plain, r"^-0$", "0")
    return pc.if_else(pa.array(shaped), plain, values), shaped


def _malformed(values: TextArray, good: Rows) -> Finding:
    return Finding(Reason.MALFORMED, rows_of(values.is_valid()) & ~good)


def _where(rows: Rows, values: TextArray) -> TextArray:
    """The values of these rows; NULL in the others."""
    chosen: TextArray = pc.if_else(pa.array(rows), values, pa.scalar(None, pa.string()))
    return chosen


def _beyond(values: TextArray, shaped: Rows, kind: Type) -> Rows:
    """Rows of plain digits outside the integer type's range."""
    low = 0 if kind.unsigned else -(1 << (kind.bits - 1))
    high = (1 << kind.bits) - 1 if kind.unsigned else (1 << (kind.bits - 1)) - 1
    long = shaped & (byte_lengths(values) > _LONGEST_INTEGER)
    numbers = _where(shaped & ~long, values).cast(pa.decimal128(38, 0))
    below = pc.less(numbers, pa.scalar(low).cast(pa.decimal128(38, 0)))
    above = pc.greater(numbers, pa.scalar(high, pa.uint64()).cast(pa.decimal128(38, 0)))
    return long | rows_of(below) | rows_of(above)


def _digit_findings(values: TextArray, shaped: Rows, precision: int, scale: int) -> list[Finding]:
    """Rows of plain digits that a decimal(precision, scale) cannot hold as they are.

    A scale may be negative (Oracle, PostgreSQL: hundreds and up) or above the precision (so many
    zeros must follow the point).
    """
    whole, fraction = _places(values)
    room = precision - scale
    beyond = whole > max(room, 0)
    if room < 0:
        beyond |= ~matches(values, rf"^(?:0$|-?0\.0{{{-room}}})")
    finer = fraction > max(scale, 0)
    if scale < 0:
        finer |= ~matches(values, rf"^0$|0{{{-scale}}}$")
    return [
        Finding(Reason.OUT_OF_RANGE, shaped & beyond),
        Finding(Reason.TOO_MANY_DIGITS, shaped & finer),
    ]


def _places(values: TextArray) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Digits before the point (a lone 0 is none) and behind it, of plain digits."""
    length = byte_lengths(values)
    dot = pc.find_substring(values, ".").fill_null(-1).to_numpy(zero_copy_only=False)
    sign = rows_of(pc.starts_with(values, "-"))
    whole = np.where(dot < 0, length, dot) - sign
    whole[matches(values, r"^-?0")] = 0
    return whole, np.where(dot < 0, 0, length - dot - 1)
