"""SQLAlchemy's engines: what they have compiled and learnt of a server outlives the sessions."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import NullPool

__all__ = ["Lost", "connection_over", "of_engine"]

_MOST = 64
_OWNER = "bridgehead_engine"
_kept: dict[Hashable, Engine] = {}
_opened: ContextVar[Any] = ContextVar("opened", default=None)


class Lost(Exception):
    """A connection broke, and SQLAlchemy asked for another in its place: it would have no locks."""


def connection_over(opened: Any, likeness: Hashable, create: Callable[..., Engine]) -> Connection:
    """SQLAlchemy's connection over the driver's, by an engine that connections of one likeness
    share. Events of `connection.engine` are this connection's alone.

    An engine is kept once it has a connection: nobody waits for what another asks its server, nor
    meets half of what it answered. It holds no connection, so a forked process may go on with it,
    and does not know how to log in.
    """
    engine = _kept.get(likeness)
    if engine is None:
        engine = create(creator=_handed_over, poolclass=NullPool)
        event.listen(engine, "handle_error", _note_engine)
    before = _opened.set(opened)
    try:
        connection = engine.execution_options().connect()
    finally:
        _opened.reset(before)
    _kept.setdefault(likeness, engine)
    for oldest in list(_kept)[:-_MOST]:
        _kept.pop(oldest, None)
    return connection


def of_engine(error: BaseException | None) -> Engine | None:
    """Through which connection's engine an error of a driver came."""
    found: Engine | None = getattr(error, _OWNER, None)
    return found


def _handed_over() -> Any:
    opened = _opened.get()
    if opened is None:
        raise Lost
    return opened


def _note_engine(context: Any) -> None:
    setattr(context.original_exception, _OWNER, context.engine)
