"""openGauss's catalogue, asked in the SQL of PostgreSQL 9.2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

__all__ = ["COLUMNS", "INDEXES", "OID", "keys_of"]

OID = """
SELECT CAST(c.oid AS bigint)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND (n.nspname = %s OR (CAST(%s AS text) IS NULL AND pg_catalog.pg_table_is_visible(c.oid)))
"""

# name, type, typmod, not null, sorts by bytes, comment, table comment, kind, rows, collation where
# it is not the database's, whether it folds, who fills it, schema, and no tables that inherit from
# it, for there are none; what marks a computed column differs by release
COLUMNS = """
SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull,
  a.attcollation = 0 OR coalesce(
    CASE WHEN l.collname = 'default' THEN d.datcollate ELSE l.collname END
    IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8', 'ucs_basic'), false),
  coalesce(col_description(a.attrelid, a.attnum), ''),
  coalesce(obj_description(a.attrelid, 'pg_class'), ''), r.relkind, CAST(r.reltuples AS bigint),
  CASE WHEN l.collname <> 'default' THEN quote_ident(s.nspname) || '.' || quote_ident(l.collname)
    ELSE '' END,
  coalesce(l.collname LIKE '%%\\_ci', false),
  CASE WHEN concat(row_to_json(a), row_to_json(f)) ~
      '"(adgencol|attgenerated)":"[a-z]|"attidentity":"a"'
    THEN 'store'
  WHEN (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND t.typdefault IS NULL
    AND CAST(row_to_json(a) AS text) NOT LIKE '%%"attidentity":"d"%%' AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_trigger g
      WHERE g.tgrelid = a.attrelid AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A'))
    THEN 'needed'
  ELSE 'free' END, h.nspname, ''
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class r ON r.oid = a.attrelid
JOIN pg_catalog.pg_namespace h ON h.oid = r.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_catalog.pg_database d ON d.datname = current_database()
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

# index, is primary, is a plain unique one, numbers of its columns in order, a column's number and
# name, the name of the index
INDEXES = """
SELECT CAST(i.indexrelid AS bigint), i.indisprimary,
  i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL, CAST(i.indkey AS text),
  a.attnum, a.attname, x.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = %s AND i.indisvalid
ORDER BY i.indisprimary DESC, i.indexrelid
"""


def keys_of(rows: Sequence[Any]) -> list[tuple[bool, bool, list[str], str]]:
    """Whether each index is the primary key, whether it is unique, its columns in order, and its
    name. An expression has no column."""
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        columns = list(group)
        names = {row[4]: row[5] for row in columns}
        numbers = map(int, columns[0][3].split())
        listed = [names[n] for n in numbers if n in names]
        found.append((columns[0][1], columns[0][2], listed, columns[0][6]))
    return found
