"""A pooler between us and the server must hand out whole sessions: locks, settings and temporary
tables are the session's, and the next transaction may find another one's."""

from __future__ import annotations

import secrets
from typing import Any

from psycopg.errors import UndefinedObject

from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["is_marked", "mark_session", "not_whole"]

_FOUND = (
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('bridgehead.session', true)"
)
_MARK = "SELECT pg_catalog.set_config('bridgehead.session', %s, false)"


def mark_session(session: Any, endpoint: Endpoint) -> str | None:
    """Marks a new session of psycopg that a pooler handed out; None where the server itself does:
    only it knows the number of the process that answers. ConfigurationError where the session is
    not a new one, but bears a mark of ours still."""
    with session.cursor() as cursor:
        process, found = cursor.execute(_FOUND).fetchone()
        if found:
            raise not_whole(endpoint)
        if process == session.info.backend_pid:
            return None
        mark = secrets.token_hex(8)
        cursor.execute(_MARK, (mark,))
        return mark


def is_marked(session: Any, mark: str) -> bool:
    """Whether what answers is still the session that was marked. The transaction may be a snapshot
    yet: SHOW is no query."""
    with session.cursor() as cursor:
        try:
            (found,) = cursor.execute("SHOW bridgehead.session").fetchone()
        except UndefinedObject:
            return False
        return bool(found == mark)


def not_whole(endpoint: Endpoint) -> ConfigurationError:
    return ConfigurationError(
        "a pooler in between hands out sessions that others use as well",
        endpoint=str(endpoint),
        remedy="have it hand out whole ones (PgBouncer: pool_mode = session), or name the server",
    )
