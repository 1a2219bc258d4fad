"""The catalogue of Oracle, and of DM, which has the same views: what a table looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from connectors.allowed import bytes_within
from connectors.table import Column, Filling, Index, Kind, Table, TableName, Type

__all__ = [
    "COLUMNS",
    "CONDITIONS",
    "FILLING",
    "INDEXES",
    "LEADING",
    "OBJECT",
    "PRIMARY",
    "TABLES",
    "TRIGGERED",
    "filling_of",
    "relation_of",
    "type_of",
]

_OWNER = "NVL({}, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'))"

# schema (twice)
TABLES = f"""
SELECT owner, table_name FROM all_tables WHERE owner = {_OWNER.format(":v")}
UNION
SELECT owner, view_name FROM all_views WHERE owner = {_OWNER.format(":v")}
ORDER BY 1, 2
"""

# schema, name: number, kind, schema
OBJECT = f"""
SELECT object_id, object_type, owner
FROM all_objects
WHERE owner = {_OWNER.format(":v")} AND object_name = :v
AND object_type IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW')
ORDER BY object_type
"""

# schema, name: name, type, bytes, characters, precision, scale, nullable, comment
COLUMNS = """
SELECT c.column_name, c.data_type, c.data_length, c.char_length, c.data_precision, c.data_scale,
  c.nullable, m.comments
FROM all_tab_columns c
LEFT JOIN all_col_comments m
  ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name
WHERE c.owner = :v AND c.table_name = :v
ORDER BY c.column_id
"""

# schema, name: column
PRIMARY = """
SELECT x.column_name
FROM all_constraints k
JOIN all_cons_columns x ON x.owner = k.owner AND x.constraint_name = k.constraint_name
WHERE k.owner = :v AND k.table_name = :v AND k.constraint_type = 'P' AND k.status = 'ENABLED'
ORDER BY x.position
"""

# schema, name: index, whether it is unique, column
INDEXES = """
SELECT i.index_name, i.uniqueness, x.column_name
FROM all_indexes i
JOIN all_ind_columns x ON x.index_owner = i.owner AND x.index_name = i.index_name
WHERE i.table_owner = :v AND i.table_name = :v
ORDER BY i.index_name, x.column_position
"""

# schema, name: name, schema and name of the table that has it, what becomes of its rows
LEADING = """
SELECT k.constraint_name, k.owner, k.table_name, k.delete_rule
FROM all_constraints k
JOIN all_constraints r ON r.owner = k.r_owner AND r.constraint_name = k.r_constraint_name
WHERE r.owner = :v AND r.table_name = :v AND k.constraint_type = 'R' AND k.status = 'ENABLED'
ORDER BY 2, 3, 1
"""

# a trigger that may fill a column before its row is inserted
TRIGGERED = """EXISTS (
    SELECT 1 FROM all_triggers g
    WHERE g.table_owner = c.owner AND g.table_name = c.table_name AND g.status <> 'DISABLED'
    AND INSTR(g.trigger_type, 'AFTER') = 0 AND INSTR(g.triggering_event, 'INSERT') > 0)"""

# schema, name: column, nullable, default, whether the store alone fills it, whether a trigger may
FILLING = f"""
SELECT c.column_name, c.nullable, c.data_default,
  CASE WHEN c.virtual_column = 'YES' OR i.generation_type = 'ALWAYS' THEN 1 ELSE 0 END,
  CASE WHEN {TRIGGERED} THEN 1 ELSE 0 END
FROM all_tab_cols c
LEFT JOIN all_tab_identity_cols i
  ON i.owner = c.owner AND i.table_name = c.table_name AND i.column_name = c.column_name
WHERE c.owner = :v AND c.table_name = :v AND c.hidden_column = 'NO'
"""

# schema, name: the condition of a check constraint
CONDITIONS = """
SELECT {condition}
FROM all_constraints
WHERE owner = :v AND table_name = :v AND constraint_type = 'C' AND status = 'ENABLED'
"""

_FIXED: Mapping[str, Type] = {
    "BINARY_DOUBLE": Type(Kind.FLOAT),
    "BINARY_FLOAT": Type(Kind.FLOAT, bits=32),
    "CLOB": Type(Kind.TEXT),
    "NCLOB": Type(Kind.TEXT),
    "LONG": Type(Kind.TEXT),
    "BLOB": Type(Kind.BINARY),
    "LONG RAW": Type(Kind.BINARY),
    "DATE": Type(Kind.TIMESTAMP, fraction=0),
    "FLOAT": Type(Kind.DECIMAL),
}
_MOST_BYTES = 4000  # of a text that is kept in its row
_IN_BYTES = ("VARCHAR2", "CHAR")
_NATIONAL = ("NVARCHAR2", "NCHAR")


def relation_of(
    name: TableName,
    columns: Sequence[Any],
    primary: Sequence[Any],
    indexes: Sequence[Any],
    types: Iterable[Type],
    filling: Mapping[str, Filling],
    *,
    is_view: bool,
    is_utf8: bool,
    counts_bytes: bool,
) -> Table:
    """A table from its rows of COLUMNS, PRIMARY and INDEXES, the types of its columns, and by their
    names who fills them. `counts_bytes`: a text may have no more bytes than its row says, too."""
    found = tuple(
        Column(
            row[0],
            kind,
            nullable=row[6] == "Y",
            bytewise=kind.kind is not Kind.TEXT or (is_utf8 and row[1] not in _NATIONAL),
            native=row[1],
            comment=row[7] or "",
            filling=filling.get(row[0], Filling.FREE),
            allowed=_of_few_bytes(row) if counts_bytes else "",
        )
        for row, kind in zip(columns, types, strict=True)
    )
    names = {c.name for c in found}
    required = {c.name for c in found if not c.nullable}
    key = tuple(column for (column,) in primary)
    grouped = [list(rows) for _, rows in groupby(indexes, key=lambda row: row[0])]
    unique = [tuple(r[2] for r in rows) for rows in grouped if rows[0][1] == "UNIQUE"]
    return Table(
        name,
        found,
        key=key,
        unique=tuple(k for k in unique if k != key and required.issuperset(k)),
        indexed=frozenset(rows[0][2] for rows in grouped) & names,
        is_view=is_view,
        indexes=tuple(
            Index(rows[0][0], tuple(r[2] for r in rows), rows[0][1] == "UNIQUE") for rows in grouped
        ),
    )


def _of_few_bytes(row: Sequence[Any]) -> str:
    """In a database of UTF-8, of a column whose characters cannot all have four bytes."""
    _, native, size, characters = row[:4]
    counts = native in _IN_BYTES and size < 4 * characters and size <= _MOST_BYTES
    return bytes_within(size) if counts else ""


def filling_of(rows: Iterable[Sequence[Any]]) -> dict[str, Filling]:
    """By column, from the rows of FILLING. A default that was taken away stands there as NULL."""
    found = {}
    for name, nullable, default, by_store, by_trigger in rows:
        has_default = (default or "NULL").strip().upper() != "NULL"
        needed = nullable == "N" and not has_default and not by_trigger
        found[name] = Filling.NEEDED if needed else Filling.FREE
        if by_store:
            found[name] = Filling.STORE
    return found


def type_of(row: Sequence[Any], days: frozenset[str]) -> Type:
    """The shared type of a row of COLUMNS. `days` are the DATE columns without a time of day."""
    name, native, size, characters, precision, scale = row[:6]
    word = native.partition("(")[0].strip()
    if word == "DATE" and name in days:
        return Type(Kind.DATE)
    if word in _FIXED:
        return _FIXED[word]
    if word == "NUMBER":
        return _number(precision, scale)
    if word in ("VARCHAR2", "NVARCHAR2", "VARCHAR"):
        return Type(Kind.TEXT, length=characters or size)
    if word in ("CHAR", "NCHAR"):
        return Type(Kind.TEXT, length=characters or size, padded=True)
    if word == "RAW":
        return Type(Kind.BINARY, length=size)
    if word == "TIMESTAMP":
        fraction = 6 if scale is None else scale
        return Type(Kind.TIMESTAMP, fraction=fraction, zoned="TIME ZONE" in native)
    return Type(Kind.NATIVE, family="oracle", native=native)


def _number(precision: int | None, scale: int | None) -> Type:
    """Without precision INTEGER alone has a scale: it keeps 38 digits. A negative scale only
    rounds, and one above the precision only limits."""
    if precision is None:
        return Type(Kind.DECIMAL, precision=38, scale=0) if scale == 0 else Type(Kind.DECIMAL)
    scale = scale or 0
    if scale < 0:
        return Type(Kind.DECIMAL, precision=precision - scale, scale=0)
    return Type(Kind.DECIMAL, precision=max(precision, scale), scale=scale)
