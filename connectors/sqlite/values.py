"""The functions that SQLite lacks: canonical texts of its values, decimals in order, lane sums.

A value that is not what its column declares comes back as the text it is, so that whoever checks
it finds it. Texts arrive as bytes, since a text in SQLite need not be valid UTF-8.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from connectors.canonical import canonical_float

__all__ = ["Interruption", "register"]

_OFFSET = r" ?(Z|[+-]\d\d(?::?\d\d)?)?"
_CLOCK = r"(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?"
_STAMP = re.compile(rf"(\d{{4}}-\d\d-\d\d)(?:[ T]{_CLOCK}{_OFFSET})?".encode())
_TIME = re.compile(_CLOCK.encode())
_MIDNIGHT = re.compile(rb"[ T]00:00(:00(\.0{1,9})?)?")
Text = str | bytes | None


Taken = ParamSpec("Taken")
Given = TypeVar("Given")


class Interruption:
    """What came out of a signal while SQLite was calling one of the functions: of that SQLite tells
    as of an error in the function, if at all."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def noticed(self, function: Callable[Taken, Given]) -> Callable[Taken, Given]:
        @wraps(function)
        def called(*values: Taken.args, **named: Taken.kwargs) -> Given:
            try:
                return function(*values, **named)
            except Exception:
                raise
            except BaseException as error:
                self.error = error
                raise

        return called


def register(connection: Any, interruption: Interruption) -> None:
    """Makes the functions known to a session of the driver."""
    for name, arguments, function in (
        ("bh_bytes", 1, lambda text: None if text is None else bytes.fromhex(text)),
        ("bh_date", 1, canonical_date),
        ("bh_decimal", 1, canonical_decimal),
        ("bh_float", 1, canonical_float),
        ("bh_instant", 2, utc_stamp),
        ("bh_real", 1, lambda text: None if text is None else float(text)),
        ("bh_stamp", 2, canonical_stamp),
        ("bh_time", 1, canonical_time),
        ("bh_uuid", 2, canonical_uuid),
    ):
        noticed = interruption.noticed(function)
        connection.create_function(name, arguments, noticed, deterministic=True)
    lanes = type("Lanes", (LaneSums,), {"step": interruption.noticed(LaneSums.step)})
    connection.create_aggregate("bh_lanes", 1, lanes)
    connection.create_collation("bh_decimal", interruption.noticed(compare_decimals))


def canonical_stamp(value: bytes | None, zoned: int) -> Text:
    """A timestamp in the canonical form. One that carries an offset is turned into UTC, one
    without is taken as it stands: in UTC where the column is `zoned`."""
    found = None if value is None else _moment(value)
    if found is None:
        return _plain(value)
    moment, _, fraction = found
    return f"{moment.isoformat(' ')}{_dotted(fraction)}{'+00' if zoned else ''}"


def utc_stamp(value: bytes | None, zone: str) -> str | None:
    """The instant of a timestamp in UTC; one without offset is local time of `zone`. NULL for a
    malformed one. Where clocks are put back the later instant is meant: a row may then be read
    late, never missed."""
    found = None if value is None else _moment(value)
    if found is None:
        return None
    moment, has_offset, fraction = found
    if not has_offset:
        local = moment.replace(tzinfo=_zone(zone), fold=1)
        try:
            moment = local.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            return None
    return moment.isoformat(" ") + _dotted(fraction)


def canonical_date(value: bytes | None) -> Text:
    """A date; midnight of a day is that day."""
    if value is None or not (len(value) == 10 or _MIDNIGHT.fullmatch(value[10:])):
        return _plain(value)
    found = _moment(value[:10])
    return found[0].date().isoformat() if found else _plain(value)


def canonical_time(value: bytes | None) -> Text:
    match = _TIME.fullmatch(value) if value else None
    if match is None:
        return _plain(value)
    minutes, seconds, fraction = match.groups(b"")
    text = (minutes + (seconds or b":00")).decode()
    try:
        time.fromisoformat(text)
    except ValueError:
        return _plain(value)
    return text + _dotted(fraction.decode())


def canonical_uuid(value: bytes | None, raw: int) -> Text:
    """A UUID from its text, or from its sixteen bytes where they are `raw`."""
    if value is None:
        return None
    try:
        return str(UUID(bytes=value) if raw and len(value) == 16 else UUID(value.decode("ascii")))
    except ValueError:
        return _plain(value)


def canonical_decimal(value: bytes | float | None) -> Text:
    """Plain digits of a number: of a REAL, those of its shortest text."""
    if isinstance(value, float):
        if value - value != 0:
            return canonical_float(value)
        return _digits(Decimal(repr(value)))
    if value is None or not re.fullmatch(rb"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", value, re.I):
        return _plain(value)
    return _digits(Decimal(value.decode()))


def compare_decimals(left: str, right: str) -> int:
    """The order of decimals kept as text; what is no number comes last, in its own order."""
    one, two = _number(left), _number(right)
    if one is None or two is None:
        if (one is None) == (two is None):
            return (left > right) - (left < right)
        return 1 if one is None else -1
    return (one > two) - (one < two)


class LaneSums:
    """The aggregate behind a digest: both lane sums, in one text of two parts of 20 digits."""

    _words = struct.Struct(">QQ")

    def __init__(self) -> None:
        self._high = self._low = 0

    def step(self, line: bytes) -> None:
        high, low = self._words.unpack_from(hashlib.sha256(line).digest())
        self._high += high
        self._low += low

    def finalize(self) -> str:
        modulus = 1 << 64
        return f"{self._high % modulus:020d}{self._low % modulus:020d}"


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _moment(value: bytes) -> tuple[datetime, bool, str] | None:
    """The moment to the second, in UTC if the text had an offset; and the digits behind it."""
    match = _STAMP.fullmatch(value)
    if match is None:
        return None
    day, minutes, seconds, fraction, offset = (part.decode() for part in match.groups(b""))
    try:
        moment = datetime.fromisoformat(f"{day} {minutes or '00:00'}{seconds or ':00'}")
        return moment - _shift(offset), bool(offset), fraction
    except (ValueError, OverflowError):
        return None


def _shift(offset: str) -> timedelta:
    if offset in ("", "Z"):
        return timedelta()
    digits = offset[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -shift if offset[0] == "-" else shift


def _dotted(fraction: str) -> str:
    digits = fraction.rstrip("0")
    return f".{digits}" if digits else ""


def _digits(number: Decimal) -> str:
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _plain(value: bytes | None) -> Text:
    """As text, for all that it is not what it should be; bytes that are no text stay bytes."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value
