"""One session with a store: its connection, its transactions, and statements in them."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Self

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors.deadline import Lifetime, connect_within, outlasted
from connectors.dialect import Dialect, Statement
from connectors.endpoint import Endpoint
from connectors.engine import Lost, connection_over, of_engine
from connectors.errors import BridgeheadError, ConnectionLost, Unreachable
from connectors.stream import RowStream

__all__ = ["Session"]

# A pool tells, with a traceback, that a session which broke could not be rolled back.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class Session(ABC):
    """One connection, used by one thread. Every error that leaves it is one of ours."""

    dialect: Dialect
    _stream: RowStream | None = None
    _lifetime: Lifetime | None = None
    _in_snapshot = False

    def __init__(self, endpoint: Endpoint) -> None:
        """Connects; raises Unreachable, LoginRefused, MissingObject or StatementTimeout."""
        self.endpoint = endpoint
        try:
            with self._translated():
                self.connection: Connection = self._connected()
        except ConnectionLost as error:
            of_server = "check host, port, firewall, and that the right server is up"
            remedy = of_server if endpoint.path is None else error.remedy
            raise Unreachable(error.message, endpoint=error.endpoint, remedy=remedy) from error
        self._lifetime = Lifetime(self._descriptor(), endpoint.session_timeout)

    def _descriptor(self) -> int | None:
        """Of the session's socket; None for a file, and where the driver does not tell."""
        tell = getattr(self.driver, "fileno", None)
        return None if tell is None else int(tell())

    def _connected(self) -> Connection:
        """A peer may fall silent also after the login. A file has none."""
        if self.endpoint.path is not None:
            return self._established()
        connected: Connection = connect_within(self.endpoint, self._established)
        return connected

    def _established(self) -> Connection:
        opened = self._open()
        likeness = (type(self), self._likeness(), self._version(opened))
        connection = connection_over(opened, likeness, self._create_engine)
        try:
            self._prepare(opened, connection)
        except BaseException:
            connection.invalidate()
            raise
        return connection

    # -- the session -------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the session and every lock it holds. Never raises; may be called twice."""
        if self._lifetime is not None:
            self._lifetime.cancel()
        try:
            self.connection.close()
        except SQLAlchemyError:
            self.connection.invalidate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside commits together, or not at all. If the commit itself is cut off,
        ConnectionLost: whether it happened can only be learnt over a new session.

        Inside a snapshot it is the snapshot's: a table may be described there as it is there."""
        if self._in_snapshot:
            yield self.connection
            return
        with self._begun(), self._stream_ended():
            yield self.connection

    def definition(self) -> AbstractContextManager[Connection]:
        """A transaction that makes or changes tables other than temporary ones.

        Where that cannot be taken back (`transactional_ddl`), each such statement commits what
        stands before it: what is done inside must be fit to be done again from its beginning.
        """
        return self.transaction()

    def only_read(self) -> None:  # noqa: B027 — most stores let readers go on beside writers
        """From now on nothing is written in this session, and none of its transactions waits for
        somebody who writes."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Every read inside sees the same committed state. Nothing can be changed inside."""
        with self._begun() as transaction:
            with self._stream_ended():
                self._freeze_snapshot()
                self._in_snapshot = True
                try:
                    yield
                finally:
                    self._in_snapshot = False
            transaction.rollback()

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        """SQLAlchemy would open another connection in the place of one that broke. What went wrong
        first is told, here or in another store, and not that nothing could be rolled back after
        that."""
        with self._translated():
            if self.is_lost:
                raise Lost
            first: BaseException | None = None
            try:
                with self.connection.begin() as transaction:
                    try:
                        yield transaction
                    except BaseException as error:
                        first = error
                        raise
            except DBAPIError as error:
                if first is None or first is error:
                    raise
                raise first from error

    @contextmanager
    def _stream_ended(self) -> Iterator[None]:
        """A stream half read would keep the session busy, and its transaction from ending."""
        try:
            yield
        except BaseException:
            with suppress(ConnectionLost, DBAPIError, self._driver_error()):
                self._end_stream()
            raise
        self._end_stream()

    def _end_stream(self) -> None:
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
        except Lost as error:
            raise self._told(error) from error
        except DBAPIError as error:
            if self._is_of_another(error):
                raise
            raise self._told(error.orig or error) from error
        except self._driver_error() as error:
            raise self._told(error) from error

    def _told(self, error: BaseException) -> BridgeheadError:
        """Whatever a driver says of a socket that was ended under it."""
        if self._lifetime is not None and self._lifetime.is_over:
            return outlasted(self.endpoint)
        if isinstance(error, Lost):
            return ConnectionLost(
                "the connection is closed",
                endpoint=str(self.endpoint),
                remedy="try again over a new session",
            )
        return self.translate(error)

    def _is_of_another(self, error: DBAPIError) -> bool:
        """Whoever is still connecting is inside nobody's transaction with what it does."""
        own = self.connection.engine if hasattr(self, "connection") else None
        return own is not None and of_engine(error.orig) not in (None, own)

    @property
    def is_lost(self) -> bool:
        """Whether the session broke. Its locks went with it, so no other takes its place: whatever
        is still asked of it is ConnectionLost."""
        return self.connection.closed or self.connection.invalidated

    # -- what a family must bring ------------------------------------------------------------

    @abstractmethod
    def _open(self) -> Any:
        """The driver's own connection."""

    def _prepare(self, opened: Any, connection: Connection) -> None:  # noqa: B027 — may be nothing
        """Fixes what `_open` has left of the session's settings: UTC, UTF-8, plain formats. By then
        SQLAlchemy has made its own."""

    @abstractmethod
    def _create_engine(self, **handing: Any) -> Engine:
        """SQLAlchemy's engine for sessions like this one; `create_engine` wants `handing`."""

    def _likeness(self) -> Hashable:
        """Sessions for which this, and `_version`, are equal find the same defaults at the same
        kind of server, and share an engine. No secret is part of it."""
        return (*self.endpoint.store, self.endpoint.driver, self.endpoint.user)

    def _version(self, opened: Any) -> Hashable:
        """What the server called itself when `opened` logged in, as the driver remembers it."""
        return None

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

    def columns(self, statement: Statement | str) -> list[tuple[Any, ...]]:
        """What the driver says of the columns of what comes, which is no rows."""
        cursor = self._cursor(statement)
        cursor.fetchall()
        return [tuple(column) for column in cursor.description]

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
