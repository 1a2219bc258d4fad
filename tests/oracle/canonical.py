"""The published form of a row (docs/canonical.md), written down a second time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

__all__ = ["canonical", "digest_of", "is_known", "line_of"]

_INEXACT = re.compile(r"float.*|geometry|bit.*")  # its text is not the value
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def is_known(native: str, *, mysql: bool) -> bool:
    """Whether the store's own text of a value of this type leads to the canonical one."""
    return not (mysql and _INEXACT.fullmatch(native))


def canonical(text: str | None, native: str) -> str | None:
    """The canonical text of what the store wrote for a value of that type."""
    if text is None:
        return None
    word = re.sub(r"\(.*?\)", "", native)
    if word == "boolean":
        return {"1": "true", "0": "false"}.get(text, text)
    if word in ("numeric", "decimal", "decimal_text", "money"):
        return _decimal(text.replace("$", "").replace(",", ""))
    if word in ("double", "double precision", "real", "float4"):
        return _float(float(text))
    if word == "bytea":
        return text.removeprefix("\\x")
    if word.startswith(("time", "datetime")) and not re.search("zone|tz", word) and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text}+00" if word.endswith(" in utc") else text


def line_of(fields: Sequence[str | None]) -> str:
    """Fields by TAB; NULL is backslash N, a backslash two, a TAB backslash t."""
    return "\t".join(
        "\\N" if field is None else field.replace("\\", "\\\\").replace("\t", "\\t")
        for field in fields
    )


def digest_of(lines: Iterable[str]) -> str:
    """The sums of the first two 64-bit words of each line's SHA-256, each modulo 2**64."""
    high = low = 0
    for line in lines:
        hashed = hashlib.sha256(line.encode()).hexdigest()
        high, low = high + int(hashed[:16], 16), low + int(hashed[16:32], 16)
    return f"{high % (1 << 64):016x}{low % (1 << 64):016x}"


def _decimal(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text  # NaN, Infinity, or what is none
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _float(value: float) -> str:
    """The shortest text; an exponent from 1e+15 up and below 1e-04."""
    if value != value or value - value != 0:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0:
        return "0"
    exact = Decimal(repr(value)).normalize()
    if 1e-4 <= abs(value) < 1e15:
        return f"{exact:f}"
    sign, digits, _ = exact.as_tuple()
    mantissa = f"{digits[0]}.{''.join(map(str, digits[1:]))}".rstrip(".")
    return f"{'-' * sign}{mantissa}e{exact.adjusted():+03d}"
