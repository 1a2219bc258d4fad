"""The session with a PostgreSQL database."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import ClientCursor
from psycopg.errors import UndefinedObject
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, Transaction, create_engine

from connectors.connector import (
    Capabilities,
    Chunk,
    RowStream,
)
from connectors.deadline import silent
from connectors.errors import (
    BridgeheadError,
    PermanentError,
)
from connectors.postgresql.copy import CopyOut, CopyStream, line_blocks, raw_blocks
from connectors.postgresql.dialect import Postgresql18Dialect
from connectors.postgresql.errors import of_connection, of_login, of_server
from connectors.postgresql.pooler import answering_process, is_marked, mark_session, not_whole
from connectors.postgresql.server import SESSION, PostgresqlServer
from connectors.postgresql.session import BoundedSession, Silent
from connectors.selection import Format, Selection, select
from connectors.table import Column, Table, TableName

__all__ = ["PostgresqlConnector"]

_BYTES_CAST_TO_INTEGERS = 180000
_OPTIONS = {
    Format.PGCOPY: "FORMAT binary",
    Format.ARROW: "FORMAT csv",
    Format.CSV: "FORMAT csv, NULL 'NULL'",
}
_BLOCKS = {Format.PGCOPY: raw_blocks, Format.CSV: line_blocks}


class PostgresqlConnector(PostgresqlServer):
    """A session with a PostgreSQL database."""

    capabilities = Capabilities(
        reads=frozenset({Format.PGCOPY, Format.CSV}),
        loads=frozenset({Format.PGCOPY, Format.CSV}),
        strict=True,
        infinite_times=True,
        special_decimals=True,
        year_low=-4712,
        year_high=294276,
    )

    _mark: str | None = None
    """What a session that a pooler handed out is known by."""

    def _open(self) -> Any:
        return BoundedSession.at(self.endpoint)

    def _version(self, opened: Any) -> Hashable:
        return int(opened.info.server_version)

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("postgresql+psycopg://", use_native_hstore=False, **handing)

    def _prepare(self, opened: Any, connection: Connection) -> None:
        if opened.info.server_version >= _BYTES_CAST_TO_INTEGERS:
            self.dialect = Postgresql18Dialect()
        with opened.cursor() as cursor:
            if answering_process(cursor, self.endpoint) != opened.info.backend_pid:
                self._mark = mark_session(cursor)
            limit = round(self.endpoint.statement_timeout * 1000)
            cursor.execute(f"SET statement_timeout = {limit};\n{SESSION}")
            if self.endpoint.schema:
                schema = self.dialect.quote(self.endpoint.schema).replace("%%", "%")
                cursor.execute(f"SET search_path = {schema}")
        opened.commit()

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        with super()._begun() as transaction:
            if self._mark is not None:
                with self.driver.cursor() as cursor:
                    if not is_marked(cursor, self._mark, UndefinedObject):
                        raise not_whole(self.endpoint)
            yield transaction

    def _driver_error(self) -> type[Exception]:
        return psycopg.Error

    def translate(self, error: BaseException) -> BridgeheadError:
        if isinstance(error, Silent):
            return silent(self.endpoint)
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return of_server(error, state, self.endpoint)
        if not hasattr(self, "connection"):
            return of_login(error, self.endpoint)
        if isinstance(error, psycopg.OperationalError):
            return of_connection(error, self.endpoint)
        return PermanentError(type(error).__name__, endpoint=self.endpoint.name)

    @property
    def _encoding(self) -> str:
        return str(self.driver.info.parameter_status("server_encoding"))

    def describe_query(self, query: str) -> Table:
        with self.transaction():
            sql = f"SELECT * FROM ({query}\n) q LIMIT 0".replace("%", "%%")
            described = self._execute(sql, ()).description
            columns = [
                (c.name, c.type_code, -1 if c._fmod is None else c._fmod, False, False, "")
                for c in described
            ]
            return self._query(query, columns)

    # -- rows --------------------------------------------------------------------------------

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        expressions = [self.dialect.output(output, format) for output in selection.outputs]
        query = select(self.dialect, selection, expressions, self._zone)
        options = _OPTIONS[format]
        if format is Format.CSV:
            options += ", FORCE_QUOTE *"
        with ClientCursor(self.driver) as cursor:
            sql = cursor.mogrify(f"COPY ({query.sql}) TO STDOUT ({options})", query.values)
        if self.driver.info.transaction_status == TransactionStatus.IDLE:
            self.execute("SELECT 1")  # the driver opens the transaction with its first statement
        chunk_of: Callable[[list[bytes]], Chunk] = list
        if format is Format.ARROW:
            names = [output.name for output in selection.outputs]
            charsets = [output.column.charset for output in selection.outputs]
            chunk_of = partial(_csv().batch_of, names=names, charsets=charsets)
        copy = CopyOut(self.driver, sql.encode())
        self._stream = CopyStream(copy, format, chunk_of, super()._translated)
        return self._stream

    def _copy(self, sql: str, values: Sequence[object] = ()) -> AbstractContextManager[Any]:
        """COPY takes no parameters from the server: they are bound by the client."""
        with ClientCursor(self.driver) as cursor:
            text = cursor.mogrify(sql, values)
        copy: AbstractContextManager[Any] = self.driver.cursor().copy(text)
        return copy

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        constants = constants or {}
        names = [*(c.name for c in columns), *constants]
        if format is Format.CSV:
            names = [*constants, *(c.name for c in columns)]
        sql = f"COPY {self.dialect.table(table)} ({self.dialect.columns(names)})"
        blocks = _BLOCKS.get(format) or _csv().csv_blocks
        rows = 0
        with super()._translated(), self._copy(f"{sql} FROM STDIN ({_OPTIONS[format]})") as copy:
            for count, block in blocks(chunks, columns, constants):
                copy.write(block)
                rows += count
        return rows


def _csv() -> Any:
    """The CSV half of COPY, loaded with the first batch: Arrow costs a quarter of a second."""
    return importlib.import_module("connectors.postgresql.text")
