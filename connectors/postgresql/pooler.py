"""A pooler between us and the server must hand out whole sessions: locks, settings and temporary
tables are the session's, and the next transaction may find another one's.

Cursors are those of any driver, whose `execute` gives what `fetchone` is asked of.
"""

from __future__ import annotations

import secrets
from typing import Any

from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["answering_process", "is_marked", "mark_session", "not_whole"]

_FOUND = (
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('bridgehead.session', true)"
)


def answering_process(cursor: Any, endpoint: Endpoint) -> int:
    """The number of the server's process behind a new session. A pooler gives another one with the
    login. ConfigurationError where the session is not a new one, but bears a mark of ours still."""
    process, found = cursor.execute(_FOUND).fetchone()
    if found:
        raise not_whole(endpoint)
    return int(process)


def mark_session(cursor: Any) -> str:
    """What the session is known by from now on."""
    mark = secrets.token_hex(8)
    cursor.execute(f"SELECT pg_catalog.set_config('bridgehead.session', '{mark}', false)")
    return mark


def is_marked(cursor: Any, mark: str, unknown: type[Exception]) -> bool:
    """Whether what answers is still the session that was marked. The transaction may be a snapshot
    yet: SHOW is no query. `unknown`: what the driver raises for a setting that is not there."""
    try:
        (found,) = cursor.execute("SHOW bridgehead.session").fetchone()
    except unknown:
        return False
    return bool(found == mark)


def not_whole(endpoint: Endpoint) -> ConfigurationError:
    return ConfigurationError(
        "a pooler in between hands out sessions that others use as well",
        endpoint=str(endpoint),
        remedy="have it hand out whole ones (PgBouncer: pool_mode = session), or name the server",
    )
