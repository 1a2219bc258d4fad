"""What a table looks like, from MariaDB's and MySQL's information_schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from connectors.allowed import YEARS, any_of, bytes_of, set_of
from connectors.mysql.dialect import UTC_MARK
from connectors.table import Column, Filling, Index, Kind, Table, TableName, Type

__all__ = [
    "COLUMNS",
    "FILLERS",
    "IDENTITY",
    "INDEXES",
    "JSON_CHECKS",
    "LEADING",
    "LOSSY",
    "TABLE",
    "TABLES",
    "WITHOUT_TRANSACTIONS",
    "like_catalogue",
    "relation_of",
]

TABLES = """
SELECT table_name
FROM information_schema.tables
WHERE table_schema = COALESCE(%s, DATABASE()) AND LEFT(table_name, 3) <> 'bh_'
AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
ORDER BY 1
"""

# type, comment, rows, engine, whether that knows transactions (both NULL for a view)
TABLE = """
SELECT t.table_type, t.table_comment, t.table_rows, t.engine, e.transactions
FROM information_schema.tables t
LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = COALESCE(%s, DATABASE()) AND t.table_name = %s
"""

# those of a database whose engine knows no transactions
WITHOUT_TRANSACTIONS = """
SELECT t.table_name
FROM information_schema.tables t
JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = COALESCE(%s, DATABASE()) AND t.table_name IN ({})
AND e.transactions = 'NO'
"""

# name, spelled type, type, nullable, length, precision, scale, fraction, collation, comment, who
# fills it; an ENUM without a default begins with its first value
COLUMNS = """
SELECT column_name, column_type, data_type, is_nullable, character_maximum_length,
  numeric_precision, numeric_scale, datetime_precision, collation_name, column_comment,
  CASE WHEN REPLACE(extra, 'DEFAULT_GENERATED', '') LIKE '%%GENERATED%%' THEN 'store'
  WHEN is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%%auto_increment%%'
    AND data_type <> 'enum' THEN 'needed'
  ELSE 'free' END
FROM information_schema.columns
WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s
ORDER BY ordinal_position
"""

# index, is unique, column (NULL: an expression), length of its prefix
INDEXES = """
SELECT index_name, non_unique = 0, column_name, sub_part
FROM information_schema.statistics
WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s
ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index
"""

# triggers that may fill a column before its row is inserted
FILLERS = """
SELECT trigger_name
FROM information_schema.triggers
WHERE event_object_schema = COALESCE(%s, DATABASE()) AND event_object_table = %s
AND action_timing = 'BEFORE' AND event_manipulation = 'INSERT'
"""

# name, database and table that has it, what becomes of its rows
LEADING = """
SELECT constraint_name, constraint_schema, table_name, delete_rule
FROM information_schema.referential_constraints
WHERE unique_constraint_schema = COALESCE(%s, DATABASE()) AND referenced_table_name = %s
ORDER BY 2, 3, 1
"""

# MariaDB's JSON is a LONGTEXT with a check
JSON_CHECKS = """
SELECT check_clause
FROM information_schema.check_constraints
WHERE constraint_schema = COALESCE(%s, DATABASE()) AND table_name = %s
AND check_clause LIKE 'json_valid(%%'
"""

# tells one server from any other; names are told apart as the server does it
IDENTITY = """
SELECT CONCAT_WS('/', @@hostname, @@port, @@datadir,
  CASE WHEN @@lower_case_table_names = 0 THEN CONCAT(COALESCE(%s, DATABASE()), '/', %s)
  ELSE LOWER(CONCAT(COALESCE(%s, DATABASE()), '/', %s)) END)
"""

_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_UNICODE = ("utf8mb4_", "utf8mb3_", "utf8_", "ascii_")
_USUAL = "utf8mb4_"
_BYTEWISE = ("_nopad_bin", "_0900_bin")
LOSSY = {"ascii": "us-ascii", "gbk": "gbk", "gb2312": "gb2312"}
"""Charsets in which the server keeps bytes that it then reads as "?", and codecs that agree with it
on everything else."""

# Members of an ENUM or SET, and what stands in them for something else, as the catalogue spells it.
_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"''|\\.", re.DOTALL)
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\0": "\0"}

_OF_THEIR_OWN_ORDER = frozenset({"char", "enum", "set", "uuid", "inet4", "inet6"})
_SPATIAL = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
        *("multipolygon", "geometrycollection", "geomcollection"),
    }
)


def relation_of(
    name: TableName,
    about: Sequence[Any],
    columns: Sequence[Any],
    indexes: Sequence[Any],
    checks: Sequence[Any],
    fillers: Sequence[Any],
) -> Table:
    """A table from its rows of TABLE, COLUMNS, INDEXES, JSON_CHECKS and FILLERS."""
    kind, comment, rows, _, transactions = about
    json = {re.sub(r"^json_valid\(`(.*)`\)$", r"\1", c).replace("``", "`") for (c,) in checks}
    found = tuple(_column_of(row, row[0] in json, bool(fillers)) for row in columns)
    required = {c.name for c in found if not c.nullable}
    grouped = {i: list(g) for i, g in groupby(indexes, key=lambda row: row[0])}
    keys = {
        index: [(unique, column) for _, unique, column, prefix in group if prefix is None]
        for index, group in grouped.items()
        if all(row[3] is None and row[2] is not None for row in group)
    }
    primary = tuple(column for _, column in keys.pop("PRIMARY", []))
    unique = [tuple(column for _, column in parts) for parts in keys.values() if parts[0][0]]
    return Table(
        name,
        found,
        key=primary,
        unique=tuple(k for k in unique if required.issuperset(k)),
        indexed=frozenset([*primary[:1], *(parts[0][1] for parts in keys.values())]),
        is_view=kind == "VIEW",
        comment="" if kind == "VIEW" else comment,
        row_estimate=rows,
        transactional=transactions != "NO",
        indexes=tuple(
            Index(index, tuple(row[2] for row in group if row[2]), bool(group[0][1]))
            for index, group in grouped.items()
        ),
    )


def _column_of(row: Sequence[Any], is_json: bool, is_triggered: bool) -> Column:
    name, spelled, data, nullable, length, precision, scale, fraction = row[:8]
    collation, comment, word = row[8:]
    filling = Filling(word)
    is_utc = data == "datetime" and comment.endswith(UTC_MARK)
    kind = Type(Kind.JSON) if is_json else _type_of(data, spelled, length, precision, scale)
    if kind.kind in (Kind.TIME, Kind.TIMESTAMP):
        kind = Type(kind.kind, fraction=fraction or 0, zoned=data == "timestamp" or is_utc)
    exact = not collation or collation.endswith(_BYTEWISE)
    return Column(
        name,
        kind,
        nullable == "YES",
        bytewise=data not in _OF_THEIR_OWN_ORDER
        and (not collation or (exact and collation.startswith(_UNICODE))),
        native=spelled,
        comment=comment.removesuffix(UTC_MARK).rstrip() if is_utc else comment,
        collation="" if exact and (collation or _USUAL).startswith(_USUAL) else collation,
        folds=not exact,
        charset=LOSSY.get((collation or "").partition("_")[0], ""),
        filling=Filling.FREE if is_triggered and filling is Filling.NEEDED else filling,
        allowed=_allowed(data, spelled, length),
    )


def _allowed(data: str, spelled: str, length: int | None) -> str:
    """Nothing where the catalogue may have lost a member's character: it knows none of four bytes,
    and spells it as "?"."""
    if "?" in spelled:
        return ""
    members = [_ESCAPED.sub(_unescaped, member) for member in _MEMBER.findall(spelled)]
    match data:
        case "enum":
            return any_of(members)
        case "set":
            return set_of(members)
        case "binary":
            return bytes_of(length or 0)
        case _:
            return YEARS if data == "year" else ""


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], found[0][-1])


_SPELLED = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)


def like_catalogue(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of SHOW FULL COLUMNS as one of COLUMNS: temporary tables are in no catalogue."""
    name, spelled, collation, nullable = (None if v is None else str(v) for v in row[:4])
    match = _SPELLED.match(spelled or "")
    data, size = (match[1], match[2]) if match else ("", None)
    numbers = [int(n) for n in (size or "").split(",") if n.strip().isdigit()]
    first = numbers[0] if numbers else None
    scale = numbers[1] if len(numbers) > 1 else None
    if data in ("enum", "set"):
        first = len(size or "")
    precision = first if data in ("decimal", "bit") else None
    length = first if precision is None else None
    fraction = first if data in ("time", "datetime", "timestamp") else None
    return (
        name,
        spelled,
        data,
        nullable,
        length,
        precision,
        scale,
        fraction,
        collation,
        str(row[8]),
        "free",
    )


def _type_of(
    data: str, spelled: str, length: int | None, precision: int | None, scale: int | None
) -> Type:
    match data:
        case "bit" if precision == 1:
            return Type(Kind.BOOLEAN)
        case "bit":
            return Type(Kind.NATIVE, family="mysql", native=f"bit({precision})")
        case "decimal":
            return Type(Kind.DECIMAL, precision=precision, scale=scale)
        case "float" | "double":
            return Type(Kind.FLOAT, bits=32 if data == "float" else 64)
        case "char":
            return Type(Kind.TEXT, length=length, padded=True)
        case "varchar" | "enum" | "set":
            return Type(Kind.TEXT, length=length)
        case "tinytext" | "text" | "mediumtext" | "longtext":
            return Type(Kind.TEXT)
        case "binary" | "varbinary":
            return Type(Kind.BINARY, length=length)
        case "tinyblob" | "blob" | "mediumblob" | "longblob":
            return Type(Kind.BINARY)
        case "date":
            return Type(Kind.DATE)
        case "time":
            return Type(Kind.TIME)
        case "datetime" | "timestamp":
            return Type(Kind.TIMESTAMP)
        case "year":
            return Type(Kind.INTEGER, bits=16)
        case "uuid":
            return Type(Kind.UUID)
        case "json":
            return Type(Kind.JSON, family="mysql", native="json")
        case _ if data in _INTEGER_BITS:
            return Type(Kind.INTEGER, bits=_INTEGER_BITS[data], unsigned="unsigned" in spelled)
        case _ if data in _SPATIAL:
            return Type(Kind.NATIVE, family="mysql", native="geometry")
        case _:
            return Type(Kind.NATIVE, family="mysql", native=data)
