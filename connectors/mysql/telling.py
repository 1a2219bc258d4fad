"""What a MariaDB or MySQL server tells of its disks, of who writes a column, of a query, and of
whether anybody may write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.table import TableName
from connectors.telling import Room, Stamping, room_of_server, stamping_of

__all__ = ["Answer", "answer", "is_read_only", "room", "stamping"]

Answer: TypeAlias = list[tuple[Any, ...]]
"""Name, type and size of each column, as the driver has them from the server."""

_STAMPED = """
SELECT column_default, extra
FROM information_schema.columns
WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s AND column_name = %s
"""

# only those of tables for which the login has the right TRIGGER
_TRIGGERS = """
SELECT trigger_name, event_manipulation, action_statement
FROM information_schema.triggers
WHERE event_object_schema = COALESCE(%s, DATABASE()) AND event_object_table = %s
AND action_timing = 'BEFORE'
ORDER BY action_order
"""
_ON_UPDATE = "ON UPDATE"
_READ_ONLY = (
    "SHOW GLOBAL VARIABLES "
    "WHERE variable_name IN ('read_only', 'super_read_only', 'innodb_read_only')"
)
_WRITABLE = {"OFF", "0"}
_EXEMPT = {"ALL PRIVILEGES", "SUPER", "READ ONLY ADMIN", "READ_ONLY ADMIN", "CONNECTION_ADMIN"}


def room(session: Connector) -> Room:
    return room_of_server(session.endpoint.host, str(session.value("SELECT @@datadir")), "")


def stamping(session: Connector, name: TableName, column: str) -> Stamping:
    place = (name.schema or session.endpoint.schema, name.name)
    found = session.rows(Statement(_STAMPED, (*place, column)))
    default, extra = found[0] if found else (None, "")
    _, on_update, moment = str(extra or "").upper().partition(_ON_UPDATE)
    triggers = [
        (str(trigger), str(event), str(body))
        for trigger, event, body in session.rows(Statement(_TRIGGERS, place))
    ]
    given = None if default is None else str(default)
    return stamping_of(column, triggers, given, f"{_ON_UPDATE}{moment}" if on_update else None)


def answer(session: Connector, query: str) -> Answer:
    """How a query would be answered now. Inside a transaction, nobody alters its tables from then
    on."""
    text = query.replace("%", "%%")
    return session.columns(f"SELECT * FROM ({text}\n) q\nLIMIT 0")


def is_read_only(session: Connector, grants: Iterable[tuple[list[str], str]]) -> bool:
    """Whether the server takes no changes of a login with these grants: `read_only` lets those
    through who look after the server."""
    known = {str(name).lower(): str(value).upper() for name, value in session.rows(_READ_ONLY)}
    on = {name for name, value in known.items() if value not in _WRITABLE}
    given = {right for rights, place in grants if place == "*.*" for right in rights}
    return bool(on - {"read_only"} if given & _EXEMPT else on)
