"""PostgreSQL's types as the shared ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.table import Kind, Type

__all__ = ["Types", "base_name", "type_of"]

Types = Mapping[int, tuple[Any, ...]]
"""The rows of the catalogue's TYPES, by the number of the type."""

_HEADER = 4  # a typmod of a length or precision counts its header in
_INTEGER_BITS = {"int2": 16, "int4": 32, "int8": 64}
_FLOAT_BITS = {"float4": 32, "float8": 64}
_FIXED: dict[str, Type] = {
    "bool": Type(Kind.BOOLEAN),
    "bytea": Type(Kind.BINARY),
    "date": Type(Kind.DATE),
    "uuid": Type(Kind.UUID),
    "json": Type(Kind.JSON, family="postgresql", native="json"),
    "jsonb": Type(Kind.JSON, family="postgresql", native="jsonb"),
    "text": Type(Kind.TEXT),
    "name": Type(Kind.TEXT, length=63),
    "char": Type(Kind.TEXT, length=4),  # a byte above 127 is four characters there
    "money": Type(Kind.DECIMAL, precision=19, scale=2),
    "xml": Type(Kind.TEXT),
}

_OF_THIS_DATABASE = re.compile("_?(reg|aclitem$)")  # regclass, regrole, …, and their arrays


def base_name(oid: int, types: Types) -> str:
    """The name of a type, or of what a domain is made of."""
    _, name, kind, base, *_ = types[oid]
    return base_name(base, types) if kind == "d" else str(name)


def type_of(oid: int, typmod: int, types: Types) -> Type:
    """The shared type; a domain is its base. An enum, a type of an extension and what names an
    object of this database (whose number is another one's elsewhere) are text."""
    _, name, kind, base, base_typmod, element, category, built_in, spelled, _ = types[oid]
    if kind == "d":
        return type_of(base, base_typmod if typmod < 0 else typmod, types)
    if kind not in ("b", "r", "m") or not built_in or _OF_THIS_DATABASE.match(name):
        return Type(Kind.TEXT)
    if name in _FIXED:
        return _FIXED[name]
    if name in _INTEGER_BITS:
        return Type(Kind.INTEGER, bits=_INTEGER_BITS[name])
    if name in _FLOAT_BITS:
        return Type(Kind.FLOAT, bits=_FLOAT_BITS[name])
    if name in ("varchar", "bpchar"):
        length = typmod - _HEADER if typmod >= _HEADER else None
        return Type(Kind.TEXT, length=length, padded=name == "bpchar" and length is not None)
    if name == "numeric":
        return _numeric(typmod)
    if name in ("time", "timestamp", "timestamptz"):
        temporal = Kind.TIME if name == "time" else Kind.TIMESTAMP
        return Type(
            temporal, fraction=min(typmod, 6) if typmod >= 0 else 6, zoned=name[-2:] == "tz"
        )
    if category == "A" and element not in types and element >= 16384:
        return Type(Kind.TEXT)
    return Type(Kind.NATIVE, family="postgresql", native=_spelled(spelled, typmod))


def _numeric(typmod: int) -> Type:
    if typmod < _HEADER:
        return Type(Kind.DECIMAL)
    precision, scale = (typmod - _HEADER) >> 16 & 0xFFFF, (typmod - _HEADER) & 0x7FF
    if scale >= 1 << 10:  # a negative scale, or one above the precision: no plain decimal
        return Type(Kind.DECIMAL)
    return Type(Kind.DECIMAL, precision=max(precision, scale), scale=scale)


_OF_ANY_LENGTH = {"character[]": "bpchar[]", "bit[]": "varbit[]"}


def _spelled(name: str, typmod: int) -> str:
    """`bit(8)`, `bit varying(8)` and arrays of `char(8)` and `bit(8)` keep their length; others are
    unlimited without typmod. `character` and `bit` alone would mean a length of one."""
    if name == "character[]" and typmod > _HEADER:
        return f"character({typmod - _HEADER})[]"
    if name == "bit[]" and typmod > 0:
        return f"bit({typmod})[]"
    if name in _OF_ANY_LENGTH:
        return _OF_ANY_LENGTH[name]
    if typmod > 0 and re.fullmatch(r"bit( varying)?", name):
        return f"{name}({typmod})"
    return "bit varying" if name == '"bit"' or name == "bit" else name
