"""Patterns (RE2) of the canonical texts that a column takes, where its type does not say it all."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["MINUTES", "TICKS", "YEARS", "any_of", "bytes_of", "bytes_within", "set_of"]

YEARS = "^(?:190[1-9]|19[1-9][0-9]|20[0-9]{2}|21[0-4][0-9]|215[0-5])$"
"""MariaDB's YEAR, but for its 0: a text of it becomes 2000 there."""

TICKS = "^(?:175[3-9]|17[6-9][0-9]|1[89][0-9]{2}|[2-9][0-9]{3})-.{14}(?:[.](?:..?|..[37]))?$"
"""SQL Server's datetime: thousandths that end in 0, 3 or 7. It rounds others."""

MINUTES = "^(?:19[0-9]{2}|20[0-7][0-9])-.{11}:00$"
"""SQL Server's smalldatetime. It rounds seconds."""

_COUNTED = 1000
_LONGEST = 100_000  # characters; the engine takes some more, but not any number


def any_of(texts: Sequence[str]) -> str:
    """One of these. Of more than the engine takes there is no pattern: the store itself refuses."""
    return _whole([re.escape(text) for text in texts])


def set_of(members: Sequence[str]) -> str:
    """Some of these or none, in their order, with commas between them."""
    escaped = [re.escape(member) for member in members]
    rest = ""
    beginnings = []
    for member in reversed(escaped):
        beginnings.append(member + rest)
        rest = f"(?:,{member})?{rest}"
        if len(rest) > _LONGEST:
            return ""
    return _whole(["", *beginnings])


def bytes_of(length: int) -> str:
    """So many, no more and no fewer: MariaDB's BINARY fills up what is shorter with zeros."""
    return f"^[0-9a-f]{{{2 * length}}}$"


def bytes_within(most: int) -> str:
    """Texts of no more bytes of UTF-8. The engine counts to a thousand at once."""
    return f"^(?:{_bytes_within(most)})$"


def _bytes_within(most: int) -> str:
    if most <= _COUNTED:
        return rf"\C{{0,{most}}}"
    return rf"\C{{0,{_COUNTED}}}|\C{{{_COUNTED}}}(?:{_bytes_within(most - _COUNTED)})"


def _whole(choices: Sequence[str]) -> str:
    pattern = f"^(?:{'|'.join(choices)})$"
    return pattern if len(pattern) <= _LONGEST else ""
