"""The session with a MariaDB or MySQL database."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import MySQLdb
from MySQLdb.constants import CLIENT
from sqlalchemy import Connection, Engine, create_engine, event

from connectors.connector import Capabilities, Chunk, RowStream
from connectors.deadline import notice_dead_peer
from connectors.dialect import Statement
from connectors.errors import BridgeheadError
from connectors.mysql.errors import of_mysql
from connectors.mysql.line import csv_line, sorts_alike, unlike_bytes
from connectors.mysql.rows import MysqlRows
from connectors.mysql.session import MysqlSession
from connectors.options import taken_by_driver
from connectors.selection import Format, Selection, in_span, select
from connectors.table import Column, TableName

__all__ = ["MysqlConnector"]

_WITHOUT = ("DISABLED", "PREFERRED")
"""Modes of TLS that do without it."""


class MysqlConnector(MysqlSession):
    """A session with a MariaDB or MySQL database."""

    capabilities = Capabilities(
        reads=frozenset({Format.CSV}),
        loads=frozenset({Format.CSV}),
        strict=True,
        unreal_dates=True,
        long_times=True,
        special_floats=False,
        transactional_ddl=False,
    )

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("mysql+mysqldb://", **handing)

    def _version(self, opened: Any) -> Hashable:
        return str(opened.get_server_info())

    def _open(self, silence_limit: float | None = None) -> Any:
        e = self.endpoint
        limit = max(1, math.ceil(silence_limit or e.silence_limit))
        place: dict[str, Any] = {"host": e.host or "127.0.0.1", "port": e.port or 3306}
        login = {"user": e.user or "", "password": e.password.reveal() if e.password else ""}
        tls = dict(e.secured("mode", required="REQUIRED", authority="ca", verified="VERIFY_CA"))
        mode = tls.pop("mode", _WITHOUT[0])
        secured: dict[str, Any] = {"ssl_mode": mode, "ssl": tls} if e.tls else {}
        with taken_by_driver(e, MySQLdb.NotSupportedError):
            session = MySQLdb.connect(
                database=e.database or "",
                connect_timeout=max(1, round(e.connect_timeout)),
                read_timeout=limit,
                write_timeout=limit,
                charset="utf8mb4",
                client_flag=CLIENT.FOUND_ROWS,
                autocommit=True,
                local_infile=int(e.is_filled),
                **{**place, **login, **secured, **e.options},
            )
        with ExitStack() as stack:
            stack.callback(session.close)
            notice_dead_peer(session.fileno())
            with closing(session.cursor()) as cursor:
                if mode not in _WITHOUT:
                    self._refuse_unencrypted(cursor)
                # SQLAlchemy quotes as the session's mode says.
                for statement in self._session_statements("MariaDB" in session.get_server_info()):
                    cursor.execute(statement, ())
            stack.pop_all()
        return session

    def _prepare(self, opened: Any, connection: Connection) -> None:
        event.listen(connection.engine, "begin", self._begin_transaction)

    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = MySQLdb.Error
        return error

    def translate(self, error: BaseException) -> BridgeheadError:
        return of_mysql(error, self.endpoint, connected=hasattr(self, "connection"))

    # -- rows --------------------------------------------------------------------------------

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        selection = self._in_own_order(selection)
        line = csv_line(self.dialect, selection.outputs, marks_bytes=format is Format.CSV)
        query = select(self.dialect, selection, [line], self._zone)
        chunk_of: Callable[[list[bytes]], Chunk] = list
        if format is Format.ARROW:
            names = [output.name for output in selection.outputs]
            charsets = [output.column.charset for output in selection.outputs]
            chunk_of = partial(_arrow().batch_of, names=names, charsets=charsets)
        sql = self.driver.cursor().mogrify(query.sql, query.values)
        stop = partial(self._stop, self.driver.thread_id())
        with self._translated():
            self._stream = MysqlRows(self.driver, sql, format, chunk_of, self._translated, stop)
        return self._stream

    def _in_own_order(self, selection: Selection) -> Selection:
        """Keys of digits and capital letters, as identity numbers are, sort alike everywhere: then
        the key's index serves, and nothing is sorted. Looked at in all rows of a table or span."""
        table, key, keys = selection.table, selection.key, selection.keys
        bounds = [bound for bound in (keys.low, keys.high) if bound is not None]
        compared = [[bound[place] for bound in bounds] for place in range(len(key))]
        part = table.query or selection.among or selection.where
        if part or all(c.bytewise for c in key) or not all(map(sorts_alike, key, compared)):
            return selection
        others = [unlike_bytes(self.dialect, c) for c in key if not c.bytewise]
        condition = Statement(" OR ".join(others))
        if selection.span is not None:
            span = in_span(self.dialect, selection.span, self._zone)
            condition = Statement(f"{span.sql} AND ({condition.sql})", span.values)
        found = f"SELECT 1\nFROM {self.dialect.table(table.name)}\nWHERE {condition.sql}"
        if self.value(Statement(self.dialect.first(found, 1), condition.values)) is not None:
            return selection
        return replace(selection, key=tuple(replace(c, bytewise=True) for c in key))

    def _stop(self, thread: int) -> None:
        with closing(self._open(self.endpoint.connect_timeout)) as other:
            other.cursor().execute(f"KILL QUERY {thread:d}")

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        loading = importlib.import_module("connectors.mysql.load")  # Arrow loads slowly
        cursor = self.driver.cursor()

        def check(rows: int) -> None:
            refused = loading.warning_of(cursor, rows, self.endpoint)
            if refused is not None:
                raise refused

        with self._translated():
            if not self._takes_files:
                inserting = importlib.import_module("connectors.mysql.insert")
                place = (self.dialect, table, columns, constants or {})
                rows: int = inserting.insert(cursor, *place, chunks, format, check)
                return rows
            blocks = loading.blocks_of(chunks, columns, format, self.endpoint)
            statement = loading.load_statement(self.dialect, table, columns, constants or {})
            rows = loading.send(cursor, statement, blocks)
            check(rows)
        return rows

    @cached_property
    def _takes_files(self) -> bool:
        return self.endpoint.is_filled and bool(self.value("SELECT @@local_infile"))


def _arrow() -> Any:
    """Arrow costs a quarter of a second."""
    return importlib.import_module("connectors.csvlines")
