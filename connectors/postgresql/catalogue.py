"""PostgreSQL's catalogue: what a table or query looks like."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.allowed import any_of
from connectors.postgresql.types import Types, base_name, type_of
from connectors.table import Column, Filling, Index, Kind, Table, TableName

__all__ = [
    "COLUMNS",
    "DISOWNED",
    "HOLDERS",
    "IDENTITY",
    "KEYS",
    "LEADING",
    "LOOKED_IN",
    "RIGHTS",
    "TABLES",
    "TYPES",
    "column_of",
    "read_by_bytes",
    "relation_of",
]

TABLES = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
AND n.nspname = coalesce(%s, n.nspname)
AND c.relname NOT LIKE 'bh\\_%%'
AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
"""

# name, type, typmod, not null, sorts by bytes, comment, table comment, kind, rows, collation where
# it is not the database's, whether it or that of a unique index folds, who fills it (a trigger of
# type 7 is called before the insert of each row), schema, the tables that inherit from it and are
# neither its partitions nor TimescaleDB's chunks of it
COLUMNS = """
SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull,
  a.attcollation = 0 OR coalesce(
    CASE WHEN l.collname = 'default'
      THEN coalesce(
        to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', d.datcollate)
      ELSE l.collname END
    IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8', 'ucs_basic', 'pg_c_utf8'), false),
  coalesce(col_description(a.attrelid, a.attnum), ''),
  coalesce(obj_description(a.attrelid, 'pg_class'), ''), r.relkind, r.reltuples::bigint,
  CASE WHEN l.collname <> 'default' THEN quote_ident(s.nspname) || '.' || quote_ident(l.collname)
    ELSE '' END,
  NOT coalesce(l.collisdeterministic, true) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_index i
    CROSS JOIN unnest(i.indkey::int2[], i.indcollation::oid[]) k(n, c)
    JOIN pg_catalog.pg_collation f ON f.oid = k.c
    WHERE i.indrelid = a.attrelid AND i.indisunique AND k.n = a.attnum
    AND NOT f.collisdeterministic),
  CASE WHEN to_jsonb(a) ->> 'attidentity' = 'a' OR to_jsonb(a) ->> 'attgenerated' <> ''
    THEN 'store'
  WHEN (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND t.typdefault IS NULL
    AND coalesce(to_jsonb(a) ->> 'attidentity', '') = '' AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_trigger g
      WHERE g.tgrelid = a.attrelid AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A'))
    THEN 'needed'
  ELSE 'free' END, h.nspname,
  coalesce((SELECT string_agg(c.relname, ', ' ORDER BY c.relname)
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE i.inhparent = r.oid AND r.relkind = 'r'
    AND n.nspname <> '_timescaledb_internal'), '')
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class r ON r.oid = a.attrelid
JOIN pg_catalog.pg_namespace h ON h.oid = r.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_database d ON d.datname = current_database()
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

# is primary, is a plain unique one, columns, name
KEYS = """
SELECT i.indisprimary, i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL,
  CAST(to_json(ARRAY(SELECT a.attname
    FROM unnest(i.indkey[0 : i.indnkeyatts - 1]) WITH ORDINALITY k(n, o)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
    ORDER BY k.o)) AS text),
  x.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = %s AND i.indisvalid
ORDER BY i.indisprimary DESC, x.relname
"""

# oid, name, class, base type, base typmod, element, category, belongs to the server itself, how it
# is spelled, the labels of an enum as JSON
TYPES = """
SELECT t.oid::bigint, t.typname, t.typtype::text, t.typbasetype::bigint, t.typtypmod,
  t.typelem::bigint, t.typcategory::text, t.oid < 16384, format_type(t.oid, NULL),
  (SELECT CAST(array_to_json(array_agg(CAST(e.enumlabel AS text))) AS text)
   FROM pg_catalog.pg_enum e
   WHERE e.enumtypid = t.oid)
FROM pg_catalog.pg_type t
WHERE t.oid = ANY(CAST(%s AS oid[]))
"""

# name, schema and name of the table that has it, what becomes of its rows
LEADING = """
SELECT k.conname, n.nspname, r.relname,
  CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
    WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class r ON r.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE k.contype = 'f' AND k.confrelid = %s
ORDER BY 2, 3, 1
"""

RIGHTS = """
SELECT r
FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r
WHERE NOT has_table_privilege(%s, r)
"""

# whether somebody else owns it
DISOWNED = """
SELECT NOT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = %s
"""

# virtual transaction, pid, user, application, state, begin
HOLDERS = """
SELECT l.virtualtransaction, l.pid, a.usename, a.application_name, a.state, a.xact_start
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid'
"""

# the schemas in which a name without one is looked for, as text that the ledger has room for
LOOKED_IN = """
SELECT CASE WHEN length(path) > 128 THEN left(path, 96) || md5(path) ELSE path END
FROM (SELECT array_to_string(current_schemas(false), ', ') AS path) there
"""

# tells one server and database from any other, without any right
IDENTITY = """
SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()), oid)
FROM pg_catalog.pg_database
WHERE datname = current_database()
"""

_TEXTS = frozenset({Kind.TEXT, Kind.JSON, Kind.NATIVE})


def relation_of(
    name: TableName, columns: Sequence[Any], keys: Sequence[Any], types: Types
) -> Table:
    """A table from its rows of COLUMNS, KEYS and TYPES."""
    found = tuple(column_of(row, types) for row in columns)
    required = {c.name for c in found if not c.nullable}
    keys = [
        (primary, unique, tuple(_listed(names)), index) for primary, unique, names, index in keys
    ]
    unique = [names for _, is_unique, names, _ in keys if is_unique and names]
    primary = next((names for is_primary, _, names, _ in keys if is_primary), ())
    first = columns[0]
    return Table(
        name,
        found,
        key=primary,
        unique=tuple(k for k in unique if k != primary and required.issuperset(k)),
        indexed=frozenset(names[0] for _, _, names, _ in keys if names),
        is_view=first[7] in ("v", "m", "f"),
        comment=first[6],
        row_estimate=max(0, first[8]),
        indexes=tuple(Index(index, names, bool(is_unique)) for _, is_unique, names, index in keys),
        schema=first[12],
        heirs=first[13],
    )


def read_by_bytes(table: Table) -> Table:
    """The table whose texts are looked at before they are believed to be UTF-8."""
    columns = [replace(c, charset="utf-8") if c.type.kind in _TEXTS else c for c in table.columns]
    return replace(table, columns=tuple(columns))


def _listed(names: Any) -> list[str]:
    """An array of names, or the JSON of one: not every driver knows arrays."""
    found: list[str] = json.loads(names) if isinstance(names, str) else list(names)
    return found


def column_of(row: Sequence[Any], types: Types) -> Column:
    name, oid, typmod, required, bytewise, comment = row[:6]
    collation, folds, filling = row[9:12] if len(row) > 9 else ("", False, Filling.FREE)
    base = base_name(int(oid), types)
    is_citext = base == "citext"
    kind = type_of(int(oid), int(typmod), types)
    is_another = kind.kind is Kind.TEXT and types[int(oid)][6] != "S"  # a string
    return Column(
        name,
        kind,
        not required,
        bool(bytewise) and not is_citext and not is_another,
        native=base if base == "money" else types[int(oid)][8],
        comment=comment,
        collation=collation,
        folds=bool(folds) or is_citext,
        filling=Filling(filling),
        allowed=_labels(int(oid), types),
    )


def _labels(oid: int, types: Types) -> str:
    """The pattern of an enum, or of what a domain is made of."""
    kind, base, labels = types[oid][2], types[oid][3], types[oid][9]
    if kind == "d":
        return _labels(base, types)
    return any_of(json.loads(labels)) if labels else ""
