"""A session through ODBC: the contract without COPY, without temporary tables, without MERGE.

What is behind the driver answers the questions of the contract in its own SQL (see `server.py`);
here is how any statement travels. Values are bound as text and come back as text that the server
has written, since most drivers change numbers, times or booleans on the way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import Any, ClassVar, TypeAlias, cast
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pyodbc
from sqlalchemy import Connection, Engine, create_engine

from connectors.connector import Chunk, Connector, RowStream
from connectors.deadline import silent, unanswered
from connectors.dialect import Dialect, KeyRange, Statement
from connectors.endpoint import Endpoint
from connectors.errors import BridgeheadError, ConfigurationError, PermanentError, RowRefused
from connectors.fetched import FetchedRows
from connectors.odbc.errors import of_login, of_server
from connectors.odbc.pages import Key, PagedCursor
from connectors.odbc.watched import WatchedSession
from connectors.selection import Format, Output, Selection, select
from connectors.table import Column, TableName, Type

__all__ = ["CANARY", "OdbcSession", "OrdinaryStages"]

CANARY = "𠮷䶮 é\u0301" * 500
"""A text that a driver must carry both ways before it is trusted with a row. It is long: some
drivers carry short texts and spoil those that they are given in portions."""

Page: TypeAlias = Callable[[Key | None, int], Sequence[Any]]

_MARK = re.compile(r"%(%|s)")
_STATEMENT_BYTES = 1 << 20


class OrdinaryStages(Dialect):
    """Stages are ordinary tables, each named after the table it is for, made before a run's first
    batch and emptied inside every transaction. No statement hands rows to another."""

    returns_changes: ClassVar[bool] = False

    def stage_name(self, name: str, owner: TableName) -> str:
        mark = hashlib.sha256(str(owner).encode()).hexdigest()[:16]
        return f"{name}_{mark}"

    def prepare_stage(self, name: str, body: str) -> Sequence[str]:
        table = self.quote(name)
        return (self.drop(table), f"CREATE TABLE {table} ({body})")

    def temporary(self, name: str, body: str) -> Sequence[str]:
        return self.clear_stage(name)

    def clear_stage(self, name: str) -> Sequence[str]:
        return (f"DELETE FROM {self.quote(name)}",)


class OdbcSession(Connector):
    """What every DBMS behind ODBC shares. `names`: what SQLGetInfo calls it, in lower case.
    `rows_at_once` and `values_at_once` bound one INSERT. `canary` sends CANARY to the server and
    asks for it back: false, the hex of its UTF-8 as it arrived, and CANARY made from `{hex}`."""

    names: ClassVar[tuple[str, ...]] = ()
    alchemy: ClassVar[str]
    canary: ClassVar[str] = ""
    session_statements: ClassVar[tuple[str, ...]] = ()
    rows_at_once: ClassVar[int] = 500
    values_at_once: ClassVar[int] = 4000

    def __init__(self, endpoint: Endpoint, opened: WatchedSession) -> None:
        self._opened = opened
        super().__init__(endpoint)
        opened.watch.limit = endpoint.silence_limit

    def missing_stage_rights(self) -> list[str]:
        """Stages are no temporary tables here."""
        return []

    def _descriptor(self) -> int | None:
        return self._opened.watch.descriptor

    def _open(self) -> WatchedSession:
        self._prepare_session(self._opened.cursor())
        self._opened.commit()
        return self._opened

    def _version(self, opened: Any) -> Hashable:
        return (opened.getinfo(pyodbc.SQL_DBMS_NAME), opened.getinfo(pyodbc.SQL_DBMS_VER))

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine(f"{self.alchemy}://", **handing)

    def _prepare_session(self, cursor: Any) -> None:
        for statement in self.session_statements:
            cursor.execute(statement)
        if self.canary:
            self._try_canary(cursor)

    def _try_canary(self, cursor: Any) -> None:
        code = CANARY.encode().hex()
        sql = _marked(self.canary.format(hex=code), self.dialect)
        false, arrived, found = cursor.execute(sql, [CANARY]).fetchone()
        if str(arrived).lower() != code or found != CANARY or false not in (False, 0):
            driver = self._opened.getinfo(pyodbc.SQL_DRIVER_NAME)
            raise ConfigurationError(
                f"the ODBC driver {driver} changes values: a test text or a boolean came back "
                "as another",
                endpoint=str(self.endpoint),
                remedy="use the Unicode driver, and UTF-8 in its options",
            )

    def _connected(self) -> Connection:
        """The watch sees to it: a driver may crash if a second thread uses it meanwhile."""
        return self._established()

    def _driver_error(self) -> type[Exception]:
        found: type[Exception] = pyodbc.Error
        return found

    def translate(self, error: BaseException) -> BridgeheadError:
        is_open = hasattr(self, "connection")
        if self._opened.watch.has_ended:
            return silent(self.endpoint) if is_open else unanswered(self.endpoint)
        if not is_open:
            return of_login(error, self.endpoint)
        return of_server(error, self.endpoint, self._opened.watch.statement)

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        cursor = self.driver.cursor()
        marked = _marked(sql, self.dialect)
        return cursor.execute(marked, list(values)) if values else cursor.execute(marked)

    # -- rows --------------------------------------------------------------------------------

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        expressions = [self._output(output) for output in selection.outputs]
        with self._decoded():
            cursor = self._rows_of(selection, expressions)
        renderings = [None] * len(expressions)
        self._stream = FetchedRows(cursor, selection.outputs, renderings, self._decoded)
        return self._stream

    def _rows_of(self, selection: Selection, expressions: Sequence[str]) -> Any:
        """Has `fetchmany` and `close`. A driver that keeps a whole result is asked for it page by
        page."""
        return PagedCursor(self._pages(selection, expressions), len(expressions))

    @contextmanager
    def _decoded(self) -> Iterator[None]:
        """A store may hold what it alone takes for UTF-8; a driver hands over all or nothing."""
        try:
            with self._translated():
                yield
        except UnicodeDecodeError as error:
            raise PermanentError(
                "a text cannot be read: its bytes are no UTF-8",
                endpoint=str(self.endpoint),
                remedy="set source.charset to utf-8: texts are then read by their bytes, and a row "
                "of which that is not possible is set aside",
            ) from error

    def _pages(self, selection: Selection, expressions: Sequence[str]) -> Page:
        """One page of a selection: what is above a key, with each row's key behind it."""
        d = self.dialect
        texts = [*expressions, *(d.render(d.quote(c.name), c.type) for c in selection.key)]

        def page(low: Key | None, limit: int) -> Sequence[Any]:
            known = selection.keys
            keys = known if low is None else KeyRange(cast("tuple[str, ...]", low), known.high)
            query = select(d, replace(selection, keys=keys), texts, self._zone)
            return self.rows(Statement(d.first(query.sql, limit), query.values))

        return page

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        """INSERT of many rows at once. The driver's own arrays (`fast_executemany`) are not used:
        they cut a text by the size of the first one, or refuse it."""
        constants = constants or {}
        names = self.dialect.columns([*(c.name for c in columns), *constants])
        into = f"INSERT INTO {self.dialect.table(table)} ({names})\nVALUES "
        places = [self._stored(c.type) for c in columns]
        one = f"({', '.join([*places, *(str(int(n)) for n in constants.values())])})"
        total = 0
        with self._translated():
            for chunk in chunks:
                self._refuse_nul(columns, chunk)
                self._insert(into, one, chunk, places)
                total += chunk.num_rows
        return total

    def _insert(self, into: str, one: str, chunk: Any, places: Sequence[str]) -> None:
        """Binds each value as often as its place asks for it."""
        columns = [
            column
            for column, place in zip(chunk.columns, places, strict=False)
            for _ in range(place.count(self.dialect.placeholder))
        ]
        width = len(columns)
        at_once = min(self.rows_at_once, max(1, self.values_at_once // max(1, width)))
        at_once = min(at_once, max(1, _STATEMENT_BYTES * chunk.num_rows // (chunk.nbytes + 1)))
        cursor = self.driver.cursor()
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        while part := list(islice(rows, at_once)):
            sql = _marked(into + ", ".join([one] * len(part)), self.dialect)
            cursor.execute(sql, list(chain.from_iterable(part)))

    def _stored(self, kind: Type) -> str:
        """A bound canonical text as the value of a column."""
        return self.dialect.placeholder

    def _refuse_nul(self, columns: Sequence[Column], chunk: Any) -> None:
        """Drivers end a text there."""
        for column, array in zip(columns, chunk.columns, strict=False):
            if pc.any(pc.match_substring(array, "\0")).as_py():
                raise RowRefused(
                    f"a text of column {column.name} holds a NUL character",
                    endpoint=str(self.endpoint),
                )

    def _output(self, output: Output) -> str:
        """An expression for the canonical text of an output."""
        raise NotImplementedError

    def _zone(self) -> ZoneInfo:
        raise NotImplementedError


def _marked(sql: str, dialect: Dialect) -> str:
    """With the placeholders of ODBC."""
    if dialect.placeholder == "?":
        return sql
    return _MARK.sub(lambda found: "?" if found[1] == "s" else "%", sql)
