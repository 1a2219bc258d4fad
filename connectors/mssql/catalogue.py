"""SQL Server's catalogue: what a table or query looks like, and who is at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from connectors.allowed import MINUTES, TICKS
from connectors.table import Column, Filling, Index, Kind, Table, TableName, Type

__all__ = [
    "COLUMNS",
    "INDEXES",
    "LEADING",
    "QUERY",
    "SESSIONS",
    "TABLES",
    "relation_of",
    "type_of",
]

TABLES = """
SELECT s.name, o.name
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name = coalesce(?, s.name)
AND o.name NOT LIKE 'bh[_]%' AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name),
  'OBJECT', 'SELECT') = 1
ORDER BY s.name, o.name
"""

# object: name, type, bytes, precision, scale, nullable, collation, comment, table comment, kind,
# who fills it, schema; 189 is rowversion, and the property is NULL where a server does not know it
COLUMNS = """
SELECT c.name, TYPE_NAME(c.system_type_id), c.max_length, c.precision, c.scale, c.is_nullable,
  c.collation_name, CONVERT(nvarchar(4000), m.value), CONVERT(nvarchar(4000), tm.value), o.type,
  CASE WHEN c.is_identity = 1 OR c.is_computed = 1 OR c.system_type_id = 189
    OR COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType') > 0 THEN 'store'
  WHEN c.is_nullable = 0 AND c.default_object_id = 0 AND NOT EXISTS (
    SELECT 1 FROM sys.triggers g
    JOIN sys.trigger_events e ON e.object_id = g.object_id AND e.type = 1
    WHERE g.parent_id = c.object_id AND g.is_instead_of_trigger = 1 AND g.is_disabled = 0)
    THEN 'needed'
  ELSE 'free' END, OBJECT_SCHEMA_NAME(c.object_id)
FROM sys.columns c
JOIN sys.objects o ON o.object_id = c.object_id
LEFT JOIN sys.extended_properties m ON m.class = 1 AND m.major_id = c.object_id
  AND m.minor_id = c.column_id AND m.name = 'MS_Description'
LEFT JOIN sys.extended_properties tm ON tm.class = 1 AND tm.major_id = c.object_id
  AND tm.minor_id = 0 AND tm.name = 'MS_Description'
WHERE c.object_id = ?
ORDER BY c.column_id
"""

# object: index, is primary, is unique, column, name
INDEXES = """
SELECT i.index_id, i.is_primary_key, CASE WHEN i.has_filter = 0 THEN i.is_unique ELSE 0 END, c.name,
  i.name
FROM sys.indexes i
JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id
JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id
WHERE i.object_id = ? AND x.key_ordinal > 0 AND i.is_disabled = 0
ORDER BY i.is_primary_key DESC, i.index_id, x.key_ordinal
"""

# object: name, schema and name of the table that has it, what becomes of its rows
LEADING = """
SELECT f.name, OBJECT_SCHEMA_NAME(f.parent_object_id), OBJECT_NAME(f.parent_object_id),
  REPLACE(f.delete_referential_action_desc, '_', ' ')
FROM sys.foreign_keys f
WHERE f.referenced_object_id = ? AND f.is_disabled = 0
ORDER BY 2, 3, 1
"""

# query, as it will stand behind FROM: name, type, bytes, precision, scale, nullable, collation
QUERY = """
SELECT name, TYPE_NAME(system_type_id), max_length, precision, scale, is_nullable, collation_name,
  NULL, NULL, 'Q', 'free', NULL
FROM sys.dm_exec_describe_first_result_set(?, NULL, 0)
WHERE is_hidden = 0
ORDER BY column_ordinal
"""

# A statement fixes its time before it writes: a session counts while it has a request or a
# transaction. One that only waits for the clock has none. Transactions without session: DTC.
SESSIONS = """
SELECT CONCAT('session ', s.session_id, '/', CONVERT(varchar(27), s.login_time, 126)),
  CONCAT('session ', s.session_id, ' of ', s.login_name, ', ', s.program_name)
FROM sys.dm_exec_sessions s
LEFT JOIN sys.dm_exec_requests r ON r.session_id = s.session_id
WHERE s.is_user_process = 1 AND s.session_id <> @@SPID
AND (s.open_transaction_count > 0 OR (r.session_id IS NOT NULL AND r.command <> 'WAITFOR'))
AND (s.database_id = DB_ID() OR r.database_id = DB_ID() OR EXISTS (
  SELECT 1 FROM sys.dm_tran_session_transactions x
  JOIN sys.dm_tran_database_transactions d ON d.transaction_id = x.transaction_id
  WHERE x.session_id = s.session_id AND d.database_id = DB_ID()))
UNION
SELECT CONCAT('prepared ', a.transaction_id), CONCAT('distributed transaction ', a.transaction_id)
FROM sys.dm_tran_active_transactions a
JOIN sys.dm_tran_database_transactions d ON d.transaction_id = a.transaction_id
WHERE d.database_id = DB_ID() AND a.transaction_type = 4 AND NOT EXISTS (
  SELECT 1 FROM sys.dm_tran_session_transactions x WHERE x.transaction_id = a.transaction_id)
"""

_FIXED: Mapping[str, Type] = {
    "bit": Type(Kind.BOOLEAN),
    "tinyint": Type(Kind.INTEGER, bits=8, unsigned=True),
    "smallint": Type(Kind.INTEGER, bits=16),
    "int": Type(Kind.INTEGER, bits=32),
    "bigint": Type(Kind.INTEGER),
    "money": Type(Kind.DECIMAL, precision=19, scale=4),
    "smallmoney": Type(Kind.DECIMAL, precision=10, scale=4),
    "real": Type(Kind.FLOAT, bits=32),
    "float": Type(Kind.FLOAT),
    "date": Type(Kind.DATE),
    "datetime": Type(Kind.TIMESTAMP, fraction=3),
    "smalldatetime": Type(Kind.TIMESTAMP, fraction=0),
    "uniqueidentifier": Type(Kind.UUID),
    "text": Type(Kind.TEXT),
    "ntext": Type(Kind.TEXT),
    "xml": Type(Kind.TEXT),
    "image": Type(Kind.BINARY),
    "timestamp": Type(Kind.BINARY, length=8),  # rowversion
}
_ALLOWED = {"datetime": TICKS, "smalldatetime": MINUTES}
_BYTEWISE = "_BIN2_UTF8"


def relation_of(name: TableName, columns: Sequence[Any], indexes: Sequence[Any]) -> Table:
    """A table from its rows of COLUMNS and INDEXES."""
    found = tuple(_column(row) for row in columns)
    required = {c.name for c in found if not c.nullable}
    grouped = [list(rows) for _, rows in groupby(indexes, key=lambda row: row[0])]
    key = next((tuple(r[3] for r in rows) for rows in grouped if rows[0][1]), ())
    unique = [tuple(r[3] for r in rows) for rows in grouped if rows[0][2]]
    return Table(
        name,
        found,
        key=key,
        unique=tuple(k for k in unique if k != key and required.issuperset(k)),
        indexed=frozenset(rows[0][3] for rows in grouped),
        is_view=columns[0][9].strip() == "V",
        comment=columns[0][8] or "",
        indexes=tuple(
            Index(rows[0][4], tuple(r[3] for r in rows), bool(rows[0][2])) for rows in grouped
        ),
        schema=columns[0][11] or "",
    )


def _column(row: Sequence[Any]) -> Column:
    kind = type_of(row)
    collation = row[6] or ""
    plain = not collation or collation.endswith(_BYTEWISE)
    return Column(
        row[0],
        kind,
        nullable=bool(row[5]),
        bytewise=plain and kind.kind is not Kind.UUID,
        native=row[1],
        comment=row[7] or "",
        collation="" if plain else collation,
        folds=not plain and "_BIN" not in collation,
        filling=Filling(row[10]),
        allowed=_ALLOWED.get(row[1], ""),
    )


def type_of(row: Sequence[Any]) -> Type:
    """The shared type of a row of COLUMNS. A length of -1 is `max`; one of nvarchar is in bytes."""
    _, native, size, precision, scale = row[:5]
    if native in _FIXED:
        return _FIXED[native]
    if native in ("decimal", "numeric"):
        return Type(Kind.DECIMAL, precision=precision, scale=scale)
    length = None if size < 0 else size
    if native in ("nvarchar", "nchar"):
        return Type(Kind.TEXT, length=length and length // 2, padded=native == "nchar")
    if native in ("varchar", "char"):
        return Type(Kind.TEXT, length=length, padded=native == "char")
    if native in ("varbinary", "binary"):
        return Type(Kind.BINARY, length=length)
    if native in ("datetime2", "datetimeoffset"):
        return Type(Kind.TIMESTAMP, fraction=scale, zoned=native == "datetimeoffset")
    if native == "time":
        return Type(Kind.TIME, fraction=scale)
    return Type(Kind.NATIVE, family="mssql", native=native or "sql_variant")
