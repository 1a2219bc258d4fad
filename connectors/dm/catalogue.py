"""What DM's own types mean; its catalogue views are Oracle's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.oracle.catalogue import TRIGGERED, type_of
from connectors.table import Kind, Type

__all__ = ["FILLING", "dm_type", "queried_type"]

# schema, name: column, nullable, default, whether the store alone fills it (an identity; a virtual
# column is marked nowhere that we know), whether a trigger may
FILLING = f"""
SELECT c.column_name, c.nullable, c.data_default,
  CASE WHEN EXISTS (
    SELECT 1 FROM sys.syscolumns x
    JOIN sys.sysobjects o ON o.id = x.id
    JOIN sys.sysobjects s ON s.id = o.schid
    WHERE s.name = c.owner AND o.name = c.table_name AND x.name = c.column_name
    AND BITAND(x.info2, 1) = 1) THEN 1 ELSE 0 END,
  CASE WHEN {TRIGGERED} THEN 1 ELSE 0 END
FROM all_tab_columns c
WHERE c.owner = :v AND c.table_name = :v
"""

_FIXED: Mapping[str, Type] = {
    "TINYINT": Type(Kind.INTEGER, bits=8),
    "BYTE": Type(Kind.INTEGER, bits=8),
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
# How the driver calls them, where that is not their name; of any number only that it is one.
_QUERIED: Mapping[str, str] = {
    "STRING": "VARCHAR",
    "FIXED_STRING": "CHAR",
    "LONG_STRING": "CLOB",
    "BINARY": "VARBINARY",
    "FIXED_BINARY": "VARBINARY",
    "LONG_BINARY": "BLOB",
    "BOOLEAN": "BIT",
    "DECIMAL": "NUMBER",
    "TIMESTAMP_WITH_TIMEZONE": "TIMESTAMP WITH TIME ZONE",
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


def queried_type(name: str, driver_type: str, size: int | None) -> Type:
    """That of a column of a query, by what the driver calls it."""
    word = _QUERIED.get(driver_type, driver_type)
    return dm_type((name, word, size or None, size or None, None, None))
