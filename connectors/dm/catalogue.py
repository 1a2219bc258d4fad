"""What DM's own types mean; its catalogue views are Oracle's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.oracle.catalogue import type_of
from connectors.table import Kind, Type

__all__ = ["dm_type"]

_FIXED: Mapping[str, Type] = {
    "TINYINT": Type(Kind.INTEGER, bits=16),
    "BYTE": Type(Kind.INTEGER, bits=16),
    "SMALLINT": Type(Kind.INTEGER, bits=16),
    "INT": Type(Kind.INTEGER, bits=32),
    "INTEGER": Type(Kind.INTEGER, bits=32),
    "BIGINT": Type(Kind.INTEGER),
    "BIT": Type(Kind.INTEGER, bits=16),
    "DOUBLE": Type(Kind.FLOAT),
    "DOUBLE PRECISION": Type(Kind.FLOAT),
    "FLOAT": Type(Kind.FLOAT),
    "REAL": Type(Kind.FLOAT, bits=32),
    "TEXT": Type(Kind.TEXT),
    "LONGVARCHAR": Type(Kind.TEXT),
    "IMAGE": Type(Kind.BINARY),
    "LONGVARBINARY": Type(Kind.BINARY),
    "DATE": Type(Kind.DATE),
}
_NUMBERS = ("NUMERIC", "DECIMAL", "DEC", "NUMBER")


def dm_type(row: Sequence[Any]) -> Type:
    """The shared type of a row of the catalogue's columns."""
    name, native, size, characters, precision, scale = row[:6]
    word = native.partition("(")[0].strip().upper()
    if word in _FIXED:
        return _FIXED[word]
    if word in _NUMBERS:
        return type_of((name, "NUMBER", size, characters, precision or None, scale), frozenset())
    if word in ("VARBINARY", "BINARY"):
        return Type(Kind.BINARY, length=size)
    if word in ("TIME", "DATETIME", "TIMESTAMP") or word.startswith(("TIMESTAMP", "DATETIME")):
        kind = Kind.TIME if word == "TIME" else Kind.TIMESTAMP
        fraction = 6 if scale is None else min(int(scale), 6)
        return Type(kind, fraction=fraction, zoned="TIME ZONE" in native.upper())
    return type_of((name, word, size, characters, precision, scale), frozenset())
