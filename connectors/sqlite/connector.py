"""The session with a SQLite file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event

from connectors.connector import Capabilities, Chunk, Connector, RowStream, wait_for
from connectors.dialect import Statement
from connectors.endpoint import Endpoint
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConfigurationError,
    MissingObject,
    MissingRight,
    RowRefused,
    nearest,
)
from connectors.selection import Format, Selection, select
from connectors.sqlite.catalogue import COLUMNS, INDEXES, TABLES, columns_of, relation_of
from connectors.sqlite.dialect import SqliteDialect
from connectors.sqlite.errors import of_sqlite
from connectors.sqlite.rows import SqliteRows
from connectors.sqlite.telling import stamping
from connectors.sqlite.values import Interruption, register
from connectors.table import Column, Kind, Table, TableName
from connectors.telling import Room, Stamping, room_at

__all__ = ["SqliteConnector"]

_OF_ITS_OWNER = 0o600  # it will hold rows of persons; its log is as readable as the file itself
_TEXTS = (Kind.TEXT, Kind.JSON, Kind.NATIVE)


_READING, _WRITING = "BEGIN", "BEGIN IMMEDIATE"


class SqliteConnector(Connector):
    """A session with a SQLite file.

    The file must exist, unless the endpoint's option `create` is "true": then it is made, with a
    write-ahead log, so that readers and the writer do not wait for each other. The journal mode of
    a file that exists is left as it is.
    """

    dialect = SqliteDialect()
    capabilities = Capabilities(concurrent=False, schemas=False, special_floats=False)
    _begin = _usual_begin = _WRITING

    def __init__(self, endpoint: Endpoint) -> None:
        self._locks: list[FileLock] = []
        self._path = Path(endpoint.path or "").absolute()
        self._interruption = Interruption()
        super().__init__(endpoint)

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("sqlite+pysqlite://", **handing)

    def _likeness(self) -> Hashable:
        """One file is like another."""
        return None

    def _prepare(self, opened: Any, connection: Connection) -> None:
        event.listen(connection.engine, "begin", lambda _: opened.execute(self._begin))

    def _open(self) -> sqlite3.Connection:
        create = self.endpoint.options.get("create") == "true" and self._is_to_be_made()
        if create:
            with suppress(OSError):  # SQLite will say why not
                self._path.touch(_OF_ITS_OWNER)
        connection = sqlite3.connect(
            self._location("rwc" if create else "rw"),
            uri=True,
            timeout=self.endpoint.connect_timeout,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time: a push may take the session over
        )
        if create:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM sqlite_master")
        connection.execute("PRAGMA foreign_keys = OFF")  # a row is deleted to be inserted again
        register(connection, self._interruption)
        return connection

    def _is_to_be_made(self) -> bool:
        """An empty one was begun by whoever was killed then."""
        return not self._path.exists() or self._path.stat().st_size == 0

    def _location(self, mode: str) -> str:
        return f"{self._path.as_uri()}?mode={mode}"

    def _driver_error(self) -> type[Exception]:
        return sqlite3.Error

    def _told(self, error: BaseException) -> BridgeheadError:
        interrupted, self._interruption.error = self._interruption.error, None
        if interrupted is not None:
            raise interrupted
        return super()._told(error)

    def translate(self, error: BaseException) -> BridgeheadError:
        kind, message, remedy = of_sqlite(error, self._path)
        return kind(message, endpoint=str(self.endpoint), remedy=remedy)

    def close(self) -> None:
        super().close()
        while self._locks:
            self._locks.pop().release(force=True)

    # -- sessions, time and work -------------------------------------------------------------

    def only_read(self) -> None:
        self._begin = self._usual_begin = _READING

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._begin = _READING
        try:
            with super().snapshot():
                yield
        finally:
            self._begin = self._usual_begin
            if not self.connection.closed:
                self.execute("PRAGMA query_only = OFF")

    def _freeze_snapshot(self) -> None:
        """BEGIN alone fixes nothing: the state is that of the first read."""
        self.execute("PRAGMA query_only = ON")
        self.value("SELECT count(*) FROM sqlite_master")

    def clock(self) -> datetime:
        """SQLite stamps with the clock of the machine it runs on, which is this one."""
        return datetime.now(UTC)

    def open_work(self) -> frozenset[str]:
        """Whether somebody holds the write lock. Its holder has no name: a writer that follows
        close on another keeps the token open, so that the horizon stays rather than errs. A stamp
        is taken under the lock, so a reader that begins to write later stamps later."""
        if self.driver.in_transaction and self._begin == _WRITING:
            return frozenset()
        if not os.access(self._path, os.W_OK):
            raise MissingRight(
                "the file is read-only here: whether somebody writes to it cannot be known",
                endpoint=str(self.endpoint),
                remedy="give this account the right to write to it, or use capture method compare",
            )
        with self._translated(), closing(self._open()) as probe:
            probe.execute("PRAGMA busy_timeout = 0")
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                if not isinstance(self.translate(error), Busy):
                    raise
                return frozenset({"write lock"})
        return frozenset()

    def timezone(self) -> str:
        """That of CURRENT_TIMESTAMP."""
        return "UTC"

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        """A lock of the operating system on a file beside the database."""
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        lock = FileLock(self._path.with_name(f".{self._path.name}.{mark}.lock"))
        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        wait_for(lambda: self._acquired(lock), wait_seconds, busy)
        self._locks.append(lock)
        try:
            yield
        finally:
            lock.release()
            if lock in self._locks:
                self._locks.remove(lock)

    def _acquired(self, lock: FileLock) -> bool:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise MissingRight(
                f"no lock file can be made beside {self._path.name}",
                endpoint=str(self.endpoint),
                remedy="give this account the right to write to the file's directory",
            ) from error
        return True

    def hindrance(self, other: Connector, *, writes: bool) -> str | None:
        place = TableName("")
        if not isinstance(other, SqliteConnector) or self.identity(place) != other.identity(place):
            return None
        if writes:
            return "a SQLite file takes one writer at a time"
        if self.value("PRAGMA journal_mode") == "wal":
            return None
        return "without PRAGMA journal_mode = WAL a reader and the writer wait for each other"

    def missing_rights(self, table: TableName | None) -> list[str]:
        return [] if os.access(self._path, os.W_OK) else ["write to the file"]

    def room(self) -> Room:
        return room_at(self._path.parent)

    def stamping(self, table: Table, column: str) -> Stamping | None:
        return None if table.is_view else stamping(self, table.name, column)

    def settings_problem(self) -> str | None:
        encoding = self.value("PRAGMA encoding")
        if encoding != "UTF-8":
            return f"the file's encoding is {encoding}: its order of texts is not that of UTF-8"
        return None

    # -- structure ---------------------------------------------------------------------------

    def tables(self, schema: str | None = None) -> list[TableName]:
        return [TableName(name) for name, _ in self.rows(TABLES)]

    def exists(self, name: TableName) -> bool:
        return bool(self.rows(Statement(COLUMNS, (name.name,))))

    def identity(self, name: TableName) -> str:
        file = self._path.stat()
        return f"{file.st_dev}/{file.st_ino}/{name.name.casefold()}"

    def describe(self, name: TableName) -> Table:
        columns = self.rows(Statement(COLUMNS, (name.name,)))
        known: dict[str, str] = dict(self.rows(TABLES))
        if not columns:
            raise MissingObject(
                f"there is no table {name}",
                endpoint=str(self.endpoint),
                remedy=nearest(name.name, known) or "check the table's name and the file",
            )
        indexes = self.rows(Statement(INDEXES, (name.name,)))
        return relation_of(name, columns, indexes, is_view=known.get(name.name) == "view")

    def _described_again(self, table: Table) -> Table:
        """No view is made in a snapshot; each value that is read is looked at."""
        return super()._described_again(table) if table.query is None else table

    def describe_query(self, query: str) -> Table:
        """By way of a temporary view, which keeps the declared types of plain columns."""
        text = query.strip().rstrip(";")
        drop = "DROP VIEW IF EXISTS temp.bh_query"
        try:
            self.execute_all([drop, f"CREATE TEMPORARY VIEW bh_query AS {text}"])
            rows = self.rows(Statement(COLUMNS, ("bh_query",)))
        except MissingObject:
            raise
        except BridgeheadError as error:
            raise ConfigurationError(
                f"SQLite does not understand this query: {error.message}",
                endpoint=str(self.endpoint),
                remedy="write one SELECT, without parameters",
            ) from error
        finally:
            self.execute(drop)
        return Table(TableName("query"), columns_of(rows), query=text)

    # -- rows --------------------------------------------------------------------------------

    def rows(self, statement: Statement | str) -> list[tuple[Any, ...]]:
        with self._translated():
            return super().rows(statement)

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        with self._translated():
            return super()._execute(sql, values)

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        expressions = [self.dialect.output(output) for output in selection.outputs]
        expressions.append(self.dialect.unreadable(selection.outputs))
        if selection.span is not None:
            span = self.dialect.in_span(selection.span, selection.span.timezone or self.timezone())
            more = selection.where or Statement("1 = 1")
            where = Statement(f"{span.sql} AND {more.sql}", (*span.values, *more.values))
            selection = replace(selection, span=None, where=where)
        query = select(self.dialect, selection, expressions, lambda: ZoneInfo(self.timezone()))
        names = [output.name for output in selection.outputs]
        charsets = [output.column.charset for output in selection.outputs]
        self._stream = SqliteRows(self._cursor(query), names, charsets, self._translated)
        return self._stream

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        constants = constants or {}
        names = self.dialect.columns([*(c.name for c in columns), *constants])
        places = [self.dialect.stored("?", c.type) for c in columns] + ["?"] * len(constants)
        sql = f"INSERT INTO {self.dialect.table(table)} ({names})\nVALUES ({', '.join(places)})"
        rows = 0
        with self._translated():
            for chunk in chunks:
                arrays = chunk.columns[: len(columns)]
                self._refuse_nul(columns, arrays)
                rows += chunk.num_rows
                fields = [array.to_pylist() for array in arrays]
                lines = zip(*fields, *(repeat(v) for v in constants.values()), strict=False)
                self.driver.executemany(sql, lines)
        return rows

    def _refuse_nul(self, columns: Sequence[Column], arrays: Sequence[Any]) -> None:
        """SQLite would take it, and its functions then end the text there."""
        for column, array in zip(columns, arrays, strict=True):
            if column.type.kind in _TEXTS and pc.any(pc.match_substring(array, "\0")).as_py():
                raise RowRefused(
                    f"a text of column {column.name} holds a NUL character",
                    endpoint=str(self.endpoint),
                )
