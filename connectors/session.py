"""One session with a store: its connection, its transactions, and statements in them."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors.deadline import Lifetime, connect_within, outlasted
from connectors.dialect import Dialect, Statement
from connectors.endpoint import Endpoint
from connectors.errors import BridgeheadError, ConnectionLost, Unreachable
from connectors.stream import RowStream

__all__ = ["Session"]

_OWNER = "bridgehead_session"

# A pool tells, with a traceback, that a session which broke could not be rolled back.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class Session(ABC):
    """One connection, used by one thread. Every error that leaves it is one of ours."""

    dialect: Dialect
    _stream: RowStream | None = None
    _lifetime: Lifetime | None = None

    def __init__(self, endpoint: Endpoint) -> None:
        """Connects; raises Unreachable, LoginRefused, MissingObject or StatementTimeout."""
        self.endpoint = endpoint
        self._engine = self._create_engine()
        event.listen(self._engine, "handle_error", self._note_owner)
        try:
            with self._translated():
                self.connection: Connection = self._connected()
        except ConnectionLost as error:
            self._engine.dispose()
            raise Unreachable(
                error.message,
                endpoint=error.endpoint,
                remedy="check host, port, firewall, and that the right server is up",
            ) from error
        except BaseException:
            self._engine.dispose()
            raise
        self._lifetime = Lifetime(self._descriptor(), endpoint.session_timeout)

    def _descriptor(self) -> int | None:
        """Of the session's socket; None for a file, and where the driver does not tell."""
        tell = getattr(self.driver, "fileno", None)
        return None if tell is None else int(tell())

    def _connected(self) -> Connection:
        """A peer may fall silent also after the login. A file has none."""
        if self.endpoint.path is not None:
            return self._engine.connect()
        connected: Connection = connect_within(self.endpoint, self._engine.connect)
        return connected

    # -- the session -------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the session and every lock it holds. Never raises; may be called twice."""
        if self._lifetime is not None:
            self._lifetime.cancel()
        try:
            self.connection.close()
        except SQLAlchemyError:
            self.connection.invalidate()
        finally:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside commits together, or not at all. If the commit itself is cut off,
        ConnectionLost: whether it happened can only be learnt over a new session."""
        with self._translated(), self.connection.begin(), self._stream_ended():
            yield self.connection

    def definition(self) -> AbstractContextManager[Connection]:
        """A transaction that makes or changes tables other than temporary ones.

        Where that cannot be taken back (`transactional_ddl`), each such statement commits what
        stands before it: what is done inside must be fit to be done again from its beginning.
        """
        return self.transaction()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Every read inside sees the same committed state. Nothing can be changed inside."""
        with self._translated(), self.connection.begin() as transaction:
            with self._stream_ended():
                self._freeze_snapshot()
                yield
            transaction.rollback()

    @contextmanager
    def _stream_ended(self) -> Iterator[None]:
        """A stream half read would keep the session busy, and its transaction from ending."""
        try:
            yield
        finally:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """An error of another session, inside whose transaction this one lies, is left to that."""
        try:
            yield
        except BridgeheadError:
            raise
        except DBAPIError as error:
            if getattr(error.orig, _OWNER, self) is not self:
                raise
            raise self._told(error.orig or error) from error
        except self._driver_error() as error:
            raise self._told(error) from error

    def _told(self, error: BaseException) -> BridgeheadError:
        """Whatever a driver says of a socket that was ended under it."""
        if self._lifetime is not None and self._lifetime.is_over:
            return outlasted(self.endpoint)
        return self.translate(error)

    def _note_owner(self, context: ExceptionContext) -> None:
        setattr(context.original_exception, _OWNER, self)

    @property
    def is_lost(self) -> bool:
        """Whether the session broke. Its locks went with it; another would be opened in its place
        by the next transaction."""
        return self.connection.closed or self.connection.invalidated

    # -- what a family must bring ------------------------------------------------------------

    @abstractmethod
    def _create_engine(self) -> Engine:
        """An engine without pool, with session settings fixed: UTC, UTF-8, plain formats."""

    @abstractmethod
    def _driver_error(self) -> type[Exception]:
        """The root of the driver's own exceptions."""

    @abstractmethod
    def translate(self, error: BaseException) -> BridgeheadError:
        """Ours for every exception of the driver, naming endpoint and remedy, no row's values."""

    @abstractmethod
    def _freeze_snapshot(self) -> None:
        """Makes the transaction just begun read-only, all its statements seeing one state."""

    # -- statements --------------------------------------------------------------------------

    def execute(self, statement: Statement | str) -> None:
        self._cursor(statement)

    def execute_all(self, statements: Sequence[Statement | str]) -> None:
        for statement in statements:
            self._cursor(statement)

    def rows(self, statement: Statement | str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._cursor(statement).fetchall()]

    def value(self, statement: Statement | str) -> Any:
        """The first column of the first row, or None."""
        row = self._cursor(statement).fetchone()
        return row[0] if row else None

    @property
    def driver_error(self) -> type[Exception]:
        """The root of the driver's own exceptions, for who must catch one before it is ours."""
        return self._driver_error()

    @property
    def driver(self) -> Any:
        """The driver's own connection under `connection`."""
        return self.connection.connection.driver_connection

    def _cursor(self, statement: Statement | str) -> Any:
        if isinstance(statement, str):
            statement = Statement(statement)
        return self._execute(statement.sql, statement.values)

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        """A cursor after `sql`; psycopg and sqlite3 both take values by position."""
        cursor = self.driver.cursor()
        cursor.execute(sql, values)
        return cursor
