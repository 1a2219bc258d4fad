"""The type of a file's values, as a job file spells it."""

from __future__ import annotations

import re

from connectors.table import Kind, Type

__all__ = ["value_type"]

_SHAPE = re.compile(r"([a-z]+)(?:\((\d{1,5})(?:,\s*(\d{1,2}))?\))?")
_PLAIN = {
    "integer": Type(Kind.INTEGER),
    "float": Type(Kind.FLOAT),
    "boolean": Type(Kind.BOOLEAN),
    "date": Type(Kind.DATE),
    "time": Type(Kind.TIME),
    "timestamp": Type(Kind.TIMESTAMP),
    "decimal": Type(Kind.DECIMAL),
    "text": Type(Kind.TEXT),
}


def value_type(text: str) -> Type:
    """`text`, `text(18)`, `decimal(12,2)`, … Raises ValueError naming what there is."""
    found = _SHAPE.fullmatch(text.strip())
    if found is not None:
        name, length, scale = found.groups()
        if length is None and name in _PLAIN:
            return _PLAIN[name]
        if name == "text" and scale is None and int(length) > 0:
            return Type(Kind.TEXT, length=int(length))
        if name == "decimal" and 0 < int(length) <= 38 and int(scale or 0) <= int(length):
            return Type(Kind.DECIMAL, precision=int(length), scale=int(scale or 0))
    known = f"{', '.join(_PLAIN)}, text(LENGTH), decimal(DIGITS,SCALE)"
    raise ValueError(f"{text!r} is not a type of value; there are {known}")
