"""Spans of time as operators write them: 90s, 10m, 1h, 1d, or plain seconds."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from bridge.configuration.problem import shown

__all__ = ["DAY", "YEAR", "Duration", "LongDuration", "Sweep", "seconds_of"]

DAY = 86_400
YEAR = 366 * DAY  # no calendar year is longer

_PATTERN = r"[0-9]{1,9}[smhd]?"
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY}
_LONGEST = YEAR
_SWEEPS: dict[str, int | None] = {"every_run": 0, "daily": DAY, "off": None}


def seconds_of(value: object, longest: int = _LONGEST) -> int:
    """Seconds in `value`, from 0 to 366 days. Raises ValueError with what to write instead."""
    text = str(value)
    if isinstance(value, bool) or re.fullmatch(_PATTERN, text) is None:
        message = f"{shown(value)} is not a duration; write 90s, 10m, 1h, 1d or plain seconds"
        raise ValueError(message)
    unit = text.lstrip("0123456789")
    seconds = int(text.removesuffix(unit)) * _UNITS[unit]
    if seconds > longest:
        raise ValueError(f"{shown(value)} is longer than {longest // DAY}d")
    return seconds


def _long(value: object) -> int:
    years = re.fullmatch(r"([0-9]{1,2})y", str(value))
    return int(years[1]) * YEAR if years else seconds_of(value, 99 * YEAR)


def _sweep(value: object) -> int | None:
    if value is None or (isinstance(value, str) and value in _SWEEPS):
        return None if value is None else _SWEEPS[str(value)]
    try:
        return seconds_of(value)
    except ValueError:
        words = ", ".join(_SWEEPS)
        message = f"{shown(value)} is not a sweep; write {words} or an interval such as 1h"
        raise ValueError(message) from None


Duration = Annotated[
    int,
    BeforeValidator(seconds_of),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 0, "pattern": f"^{_PATTERN}$"}),
]

# The same, or years: 15y.
LongDuration = Annotated[
    int,
    BeforeValidator(_long),
    WithJsonSchema(
        {"type": ["integer", "string"], "minimum": 0, "pattern": f"^({_PATTERN}|[0-9]{{1,2}}y)$"}
    ),
]

# Seconds between two sweeps; 0 is every run, None is off.
Sweep = Annotated[
    int | None,
    BeforeValidator(_sweep),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_SWEEPS)},
                {"type": ["integer", "string"], "minimum": 0, "pattern": f"^{_PATTERN}$"},
            ]
        }
    ),
]
