"""What SQLite's declared types mean.

SQLite keeps any value in any column: a column's declared type only says what should be there.
"""

from __future__ import annotations

import re

from connectors.table import Kind, Type

__all__ = ["declared_type", "has_text_affinity", "makes_numbers"]

_DECLARED = re.compile(r"([^()]*?)\s*(?:\(\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?\))?")
_ZONED = frozenset({"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET"})
_INTEGER_BITS = {"SMALLINT": 16, "INT2": 16, "TINYINT": 16, "INT4": 32, "MEDIUMINT": 32}
_KINDS = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), Kind.BOOLEAN),
    **dict.fromkeys(("DECIMAL_TEXT", "DECIMAL", "NUMERIC", "NUMBER", "DEC"), Kind.DECIMAL),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "FLOAT4"), Kind.FLOAT),
    **dict.fromkeys(("BLOB", "BINARY", "VARBINARY", "BYTEA", "RAW", "IMAGE"), Kind.BINARY),
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "DATETIME2", "TIMESTAMPTZ"), Kind.TIMESTAMP),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET"), Kind.TIMESTAMP),
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    "TIME WITH TIME ZONE": Kind.TEXT,
    **dict.fromkeys(("UUID", "GUID", "UNIQUEIDENTIFIER"), Kind.UUID),
    **dict.fromkeys(("JSON_TEXT", "JSON", "JSONB"), Kind.JSON),
}
# https://www.sqlite.org/datatype3.html#determination_of_column_affinity, in this order
_AFFINITIES = (
    ("INT", Kind.INTEGER),
    ("CHAR", Kind.TEXT),
    ("CLOB", Kind.TEXT),
    ("TEXT", Kind.TEXT),
    ("BLOB", Kind.BINARY),
    ("REAL", Kind.FLOAT),
    ("FLOA", Kind.FLOAT),
    ("DOUB", Kind.FLOAT),
)


def declared_type(declared: str) -> Type:
    """The type that a declaration means; text for one that says nothing we know.

    CHAR(n) is not padded: SQLite neither adds blanks nor takes them away.
    """
    match = _DECLARED.fullmatch(" ".join(declared.upper().split()))
    word, first, second = match.groups() if match else (declared.upper(), None, None)
    word = word.removesuffix(" WITHOUT TIME ZONE")
    size = int(first) if first else None
    match _KINDS.get(word) or _by_affinity(word):
        case Kind.DECIMAL:
            scale = int(second or 0) if size is not None else None
            return Type(Kind.DECIMAL, precision=size, scale=scale)
        case Kind.INTEGER:
            return Type(Kind.INTEGER, bits=_INTEGER_BITS.get(word, 64))
        case Kind.FLOAT:
            return Type(Kind.FLOAT, bits=32 if word == "FLOAT4" else 64)
        case Kind.TIME | Kind.TIMESTAMP as kind:
            return Type(kind, fraction=6 if size is None else size, zoned=word in _ZONED)
        case Kind.TEXT | Kind.BINARY as kind:
            return Type(kind, length=size)
        case kind:
            return Type(kind)


def _by_affinity(word: str) -> Kind:
    return next((kind for part, kind in _AFFINITIES if part in word), Kind.TEXT)


def has_text_affinity(declared: str) -> bool:
    """Whether the column keeps every number put into it as text."""
    word = declared.upper()
    return "INT" not in word and any(part in word for part in ("CHAR", "CLOB", "TEXT"))


def makes_numbers(declared: str) -> bool:
    """Whether the column makes a number of each text that looks like one, and of `007` another
    text, though its declaration names no number: STRING, as many write it."""
    word = declared.upper().partition("(")[0].strip()
    is_known = word in _KINDS or any(part in word for part, _ in _AFFINITIES)
    return word not in ("", "ANY") and not is_known
