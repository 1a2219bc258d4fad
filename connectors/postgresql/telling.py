"""What a PostgreSQL server tells of its tables' size, its disks, who writes a column, what a crash
empties, what brings rows late, and what numbers rows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.selection import relation
from connectors.table import Table, TableName
from connectors.telling import Room, Stamping, room_of_server, stamping_of

__all__ = ["estimate_rows", "next_number", "room", "stamping", "unlogged", "without_horizon"]

# The row is there only for who may read all settings.
_DIRECTORY = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'"

_DEFAULT = """
SELECT pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_attrdef d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = %s AND a.attname = %s
"""

# name, kind, function, what it runs, its arguments: of triggers that see each row before it is
# written, enabled, and for every column
_TRIGGERS = """
SELECT t.tgname, t.tgtype, p.proname, p.prosrc, encode(t.tgargs, 'escape'),
  pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = %s AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
AND t.tgtype & 67 = 3 AND coalesce(array_length(t.tgattr::int2[], 1), 0) = 0
ORDER BY t.tgname
"""
# schema, name, whether it is found without its schema: of tables that are, or have a partition at
# whatever depth that is, emptied by a crash
_UNLOGGED = """
WITH RECURSIVE emptied (oid) AS (
  SELECT oid FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND relpersistence = 'u'
  UNION
  SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN emptied ON emptied.oid = i.inhrelid)
SELECT n.nspname, c.relname, CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN 1 ELSE 0 END
FROM emptied
JOIN pg_catalog.pg_class c ON c.oid = emptied.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""
# kind and place of what brings rows late, of a table or view, its partitions and what lies under it
_WITHOUT_HORIZON = """
WITH RECURSIVE seen (oid) AS (
  SELECT CAST(%s AS oid)
  UNION
  SELECT found.part_oid FROM seen JOIN (
    SELECT r.ev_class, d.refobjid
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_depend d ON d.objid = r.oid
    WHERE r.ev_type = '1' AND d.classid = CAST('pg_catalog.pg_rewrite' AS regclass)
    AND d.refclassid = CAST('pg_catalog.pg_class' AS regclass)
    UNION ALL
    SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits
  ) found (whole_oid, part_oid) ON found.whole_oid = seen.oid)
SELECT CAST(c.relkind AS text), n.nspname, c.relname
FROM seen
JOIN pg_catalog.pg_class c ON c.oid = seen.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('m', 'f'){}
ORDER BY 2, 3
"""
# 3: before each row, 20: insert and update; other triggers do not see what a subscription brings
_SUBSCRIBED = """
OR EXISTS (SELECT 1 FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = c.oid)
AND coalesce((
  SELECT bit_or(t.tgtype & 20) FROM pg_catalog.pg_trigger t
  WHERE t.tgrelid = c.oid AND t.tgenabled IN ('A', 'R') AND t.tgtype & 3 = 3), 0) <> 20"""
_INSERT, _UPDATE = 4, 16
_STAMPING_FUNCTION = "moddatetime"  # of the contrib module spi: its argument is the column
_ANY_CHANGE = re.compile(
    r"WHEN \(+(old\.\* IS DISTINCT FROM new\.\*|new\.\* IS DISTINCT FROM old\.\*)\)+", re.IGNORECASE
)
_PLANNED = re.compile(r"\brows=(\d+)")


def estimate_rows(session: Connector, table: Table) -> int:
    """As the planner sees it: for views and queries, too, and for tables not analyzed yet."""
    with session.transaction():
        plan = session.value(f"EXPLAIN SELECT * FROM {relation(session.dialect, table)}")
    found = _PLANNED.search(str(plan))
    return int(found[1]) if found else 0


def room(session: Connector) -> Room:
    with session.transaction():
        directory = session.value(_DIRECTORY)
    host = session.endpoint.host
    return room_of_server(host, directory, "the role pg_read_all_settings")


def stamping(session: Connector, table: int, column: str) -> Stamping:
    """A trigger that looks at some columns or some rows only does not count, but for one that looks
    whether the row has changed at all."""
    with session.transaction():
        default = session.value(Statement(_DEFAULT, (table, column)))
        rows = session.rows(Statement(_TRIGGERS, (table,)))
    triggers = []
    for name, kind, function, body, arguments, definition in rows:
        if " WHEN (" in definition and not _ANY_CHANGE.search(definition):
            continue
        events = [e for bit, e in ((_INSERT, "INSERT"), (_UPDATE, "UPDATE")) if int(kind) & bit]
        given = str(arguments).split("\\000")[0]
        if function == _STAMPING_FUNCTION and given == column:
            body = f"{column} :="
        triggers.append((str(name), " ".join(events), str(body)))
    return stamping_of(column, triggers, default)


def unlogged(session: Connector, names: Sequence[TableName]) -> list[TableName]:
    with session.transaction():
        rows = session.rows(_UNLOGGED)
    found = {TableName(name, schema) for schema, name, _ in rows}
    found |= {TableName(name) for _, name, is_visible in rows if int(is_visible)}
    return [name for name in names if name in found]


def without_horizon(session: Connector, table: int, *, subscribes: bool = True) -> str:
    """The first materialized view, foreign table, or table that a subscription fills and no trigger
    stamps as it does, in a table or view or under it."""
    query = _WITHOUT_HORIZON.format(_SUBSCRIBED if subscribes else "")
    with session.transaction():
        rows = session.rows(Statement(query, (table,)))
    for kind, schema, name in rows:
        place = f"{schema}.{name}"
        if kind == "m":
            return f"materialized view {place}"
        return f"foreign table {place}" if kind == "f" else f"table {place} of a subscription"
    return ""


def next_number(session: Connector, table: str, column: str) -> int | None:
    """Sequences stand apart from their tables: one that was set back, or that a replication has not
    brought along, gives numbers once more. None, too, for a login that may not see it."""
    place = (table.replace("%%", "%"), column)
    with session.transaction():
        name = session.value(Statement("SELECT pg_get_serial_sequence(%s, %s)", place))
        may = "SELECT has_sequence_privilege(%s, 'SELECT')"
        if name is None or not session.value(Statement(may, (name,))):
            return None
        given = "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM "
        return int(session.value(given + str(name).replace("%", "%%")))
