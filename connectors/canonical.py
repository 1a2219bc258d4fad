r"""The canonical form of a row and the digest of a set of rows: the same for every family.

A value's canonical text: integers and decimals in plain digits without trailing zeros of a
fraction; booleans `true`/`false`; dates `YYYY-MM-DD`; times `HH:MM:SS[.ffffff]` without trailing
zeros; timestamps date, space, time, and `+00` (in UTC) when zoned; bytes in lower-case hex; floats
as the shortest text that reads back to the same number, with an exponent from 1e+15 up and below
1e-04; UUIDs in lower case with hyphens; text as it is, CHAR without its padding.

The canonical line joins the fields by TAB; NULL is `\N`; inside a field a backslash is `\\` and a
TAB is `\t`. The line of a key that must be absent is its key fields followed by the field `\D`.

A digest is the sum, over all lines, of the first two 64-bit words of SHA-256(line), each lane
modulo 2^64: additive and independent of order; two equal lines do not cancel (as XOR would).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "ABSENT",
    "NULL",
    "PLACE",
    "SHORT_POWERS",
    "UNREADABLE",
    "WHY",
    "Digest",
    "canonical_float",
    "canonical_line",
]

NULL = "\\N"
ABSENT = "\\D"
UNREADABLE = "bh_unreadable"
"""A further column of a record batch: the first column of the row that no text can stand for."""
PLACE, WHY = "bh_place", "bh_why"
"""Where in its file a row stands, and a stable word for why it is unreadable."""

_MODULUS = 1 << 64
_WORDS = struct.Struct(">QQ")


@dataclass(frozen=True)
class Digest:
    """Two lanes modulo 2^64. Digests of disjoint sets of rows add up."""

    high: int = 0
    low: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest((self.high + other.high) % _MODULUS, (self.low + other.low) % _MODULUS)

    def __sub__(self, other: Digest) -> Digest:
        return Digest((self.high - other.high) % _MODULUS, (self.low - other.low) % _MODULUS)

    def __str__(self) -> str:
        return f"{self.high:016x}{self.low:016x}"

    @classmethod
    def of_sums(cls, high: int | str | None, low: int | str | None) -> Digest:
        """From a server's lane sums, signed or not; None (no rows) is zero."""
        return cls(int(high or 0) % _MODULUS, int(low or 0) % _MODULUS)

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> Digest:
        high = low = 0
        for line in lines:
            one, two = _WORDS.unpack_from(hashlib.sha256(line.encode("utf-8")).digest())
            high += one
            low += two
        return cls(high % _MODULUS, low % _MODULUS)


SHORT_POWERS = (1.2621775e-29, 1.5474251e26, 1.2379401e27)
"""Powers of two whose shortest text as a single-precision number is not that of the nearest decimal
with so many digits: below a power of two numbers lie closer. No other number has this; a test looks
at every one that could."""


def canonical_line(fields: Sequence[str | None]) -> str:
    """The canonical line of ready canonical texts."""
    return "\t".join(
        NULL if field is None else field.replace("\\", "\\\\").replace("\t", "\\t")
        for field in fields
    )


def canonical_float(value: float) -> str:
    """Shortest text that reads back to the same double, in the published notation."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    sign, digits, exponent = _split(text)
    if digits == "0":
        return "0"
    if -4 <= exponent < 15:
        return sign + _positional(digits, exponent)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _split(text: str) -> tuple[str, str, int]:
    """Sign, significant digits and the decimal exponent of the first digit."""
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    exponent = len(whole) - 1 - leading + int(power or 0)
    digits = digits.rstrip("0")
    return sign, digits or "0", exponent


def _positional(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits))
    return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"
