"""Who writes a column of a SQLite table, by its declaration and its triggers."""

from __future__ import annotations

import re

from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.table import TableName
from connectors.telling import Stamping, stamping_of

__all__ = ["stamping"]

_DEFAULT = "SELECT dflt_value FROM pragma_table_xinfo(?) WHERE name = ?"
_TRIGGERS = """
SELECT name, sql
FROM sqlite_master
WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE
"""
_HEAD = re.compile(r"\b(INSERT|UPDATE)\b(\s+OF\b)?.*?\bBEGIN\b", re.IGNORECASE | re.DOTALL)
_WHEN = re.compile(r"\bWHEN\b", re.IGNORECASE)


def stamping(session: Connector, name: TableName, column: str) -> Stamping:
    """A trigger that looks at some columns or some rows only does not count."""
    default = session.value(Statement(_DEFAULT, (name.name, column)))
    triggers = []
    for trigger, sql in session.rows(Statement(_TRIGGERS, (name.name,))):
        head = _HEAD.search(sql)
        if head is not None and not head[2] and not _WHEN.search(head[0]):
            triggers.append((trigger, head[1], sql[head.end() :]))
    return stamping_of(column, triggers, default)
