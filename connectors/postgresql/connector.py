"""The session with a PostgreSQL database."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from connectors.connector import (
    Capabilities,
    Chunk,
    Connector,
    RowStream,
    wait_for,
)
from connectors.dialect import Statement
from connectors.errors import (
    BridgeheadError,
    Busy,
    MissingObject,
    MissingRight,
    PermanentError,
    nearest,
)
from connectors.postgresql.catalogue import (
    COLUMNS,
    HOLDERS,
    IDENTITY,
    KEYS,
    RIGHTS,
    TABLES,
    TYPES,
    column_of,
    relation_of,
)
from connectors.postgresql.copy import CopyOut, CopyStream, raw_blocks
from connectors.postgresql.dialect import PostgresqlDialect
from connectors.postgresql.errors import of_connection, of_login, of_server
from connectors.selection import Format, Selection, select
from connectors.table import Column, Table, TableName

__all__ = ["PostgresqlConnector"]

_SESSION = """
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET standard_conforming_strings = on;
SET jit = off;
SET work_mem = '32MB';
SET temp_buffers = '32MB'
"""


class PostgresqlConnector(Connector):
    """A session with a PostgreSQL database."""

    dialect = PostgresqlDialect()
    capabilities = Capabilities(
        reads=frozenset({Format.PGCOPY}),
        loads=frozenset({Format.PGCOPY}),
        infinite_times=True,
        special_decimals=True,
        year_low=-4712,
        year_high=294276,
    )

    def _create_engine(self) -> Engine:
        e = self.endpoint
        url = URL.create(
            "postgresql+psycopg",
            username=e.user,
            password=e.password.reveal() if e.password else None,
            host=e.host or "localhost",
            port=e.port,
            database=e.database,
        )
        arguments: dict[str, Any] = {
            "connect_timeout": max(1, round(e.connect_timeout)),
            "application_name": "bridgehead",
            "prepare_threshold": None,
            "client_encoding": "UTF8",
            "options": f"-c statement_timeout={round(e.statement_timeout * 1000)}",
            "keepalives_idle": "30",
            **e.tls,
            **e.options,
        }
        engine = create_engine(
            url, poolclass=NullPool, connect_args=arguments, use_native_hstore=False
        )
        event.listen(engine, "connect", self._prepare_session)
        return engine

    def _prepare_session(self, connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
            if self.endpoint.schema:
                schema = self.dialect.quote(self.endpoint.schema).replace("%%", "%")
                cursor.execute(f"SET search_path = {schema}")
        connection.commit()

    def _driver_error(self) -> type[Exception]:
        return psycopg.Error

    def translate(self, error: BaseException) -> BridgeheadError:
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return of_server(error, state, self.endpoint)
        if not hasattr(self, "connection"):
            return of_login(error, self.endpoint)
        if isinstance(error, psycopg.OperationalError):
            return of_connection(error, self.endpoint)
        return PermanentError(type(error).__name__, endpoint=self.endpoint.name)

    # -- sessions, time and work -------------------------------------------------------------

    def _freeze_snapshot(self) -> None:
        self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def clock(self) -> datetime:
        with self.transaction():
            moment: datetime = self.value("SELECT clock_timestamp()")
        return moment.astimezone(UTC)

    def open_work(self) -> frozenset[str]:
        """Virtual transactions first, then prepared ones: PREPARE turns one into the other."""
        with self.transaction():
            if self.value("SELECT pg_is_in_recovery()"):
                raise PermanentError(
                    "the source is a replica: open transactions of its primary cannot be seen",
                    endpoint=str(self.endpoint),
                    remedy="point the endpoint at the primary, or use capture method compare",
                )
            running = self.rows(
                "SELECT l.virtualtransaction\n"
                "FROM pg_catalog.pg_locks l\n"
                "LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid\n"
                "WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()\n"
                "AND (a.pid IS NULL OR (a.usesysid IS NOT NULL AND a.datid = "
                "(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))\n"
                "AND l.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_replication)"
            )
            prepared = self.rows(
                "SELECT gid\nFROM pg_catalog.pg_prepared_xacts\nWHERE database = current_database()"
            )
        return frozenset([f"vxid {v}" for (v,) in running] + [f"prepared {g}" for (g,) in prepared])

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        """With what the role may see of each session."""
        with self.transaction():
            found = {
                f"vxid {row[0]}": f"session pid {row[1]}, user {row[2]}, {row[3] or 'unknown'}"
                f"{f', {row[4]}' if row[4] else ''}, since {row[5] or 'unknown'}"
                for row in self.rows(HOLDERS)
            }
        return sorted(found.get(token, token) for token in tokens)

    def timezone(self) -> str:
        with self.transaction():
            return str(
                self.value("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'")
            )

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)

        def attempt() -> bool:
            with self.transaction():
                return bool(
                    self.value(Statement("SELECT pg_try_advisory_lock(%s::bigint)", (number,)))
                )

        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        wait_for(attempt, wait_seconds, busy)
        try:
            yield
        finally:
            if not self.connection.closed and not self.driver.closed:
                with self.transaction():
                    self.execute(Statement("SELECT pg_advisory_unlock(%s::bigint)", (number,)))

    def missing_rights(self, table: TableName | None) -> list[str]:
        with self.transaction():
            if table is None:
                may = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
                return [] if self.value(may) else ["CREATE in the schema"]
            return [str(right) for (right,) in self.rows(Statement(RIGHTS, (self._oid(table),)))]

    def settings_problem(self) -> str | None:
        with self.transaction():
            if self.value("SHOW server_encoding") == "SQL_ASCII":
                return "the database is SQL_ASCII: its text has no known encoding"
            if self.value("SHOW fsync") == "off":
                return "fsync is off: a crash of the server may lose what was committed"
        return None

    # -- structure ---------------------------------------------------------------------------

    def tables(self, schema: str | None = None) -> list[TableName]:
        with self.transaction():
            return [
                TableName(name, space)
                for space, name in self.rows(Statement(TABLES, (schema or self.endpoint.schema,)))
            ]

    def exists(self, name: TableName) -> bool:
        return self._oid(name) is not None

    def identity(self, name: TableName) -> str:
        with self.transaction():
            return f"{self.value(IDENTITY)}/{self._oid(name)}"

    def describe(self, name: TableName) -> Table:
        with self.transaction():
            oid = self._oid(name)
            if oid is None:
                raise self._missing(name)
            if not self.value(Statement("SELECT has_table_privilege(%s, 'SELECT')", (oid,))):
                raise MissingRight(
                    f"no right to read {name}",
                    endpoint=self.endpoint.name,
                    remedy=f"GRANT SELECT ON {name} TO {self.endpoint.user}",
                )
            columns = self.rows(Statement(COLUMNS, (oid,)))
            keys = self.rows(Statement(KEYS, (oid,)))
            return relation_of(name, columns, keys, self._types(columns))

    def describe_query(self, query: str) -> Table:
        with self.transaction():
            sql = f"SELECT * FROM ({query}\n) q LIMIT 0".replace("%", "%%")
            described = self._execute(sql, ()).description
            columns = [
                (c.name, c.type_code, -1 if c._fmod is None else c._fmod, False, False, "")
                for c in described
            ]
            types = self._types(columns)
            found = tuple(column_of(row, types) for row in columns)
            return Table(TableName("query"), found, query=query)

    def _oid(self, name: TableName) -> int | None:
        oid: int | None = self.value(
            Statement("SELECT to_regclass(%s)::oid", (self.dialect.table(name).replace("%%", "%"),))
        )
        return oid

    def _types(self, columns: Sequence[Sequence[Any]]) -> dict[int, tuple[Any, ...]]:
        found: dict[int, tuple[Any, ...]] = {}
        wanted = {int(row[1]) for row in columns}
        while wanted:
            rows = self.rows(Statement(TYPES, (list(wanted),)))
            found.update({row[0]: row for row in rows})
            wanted = {row[3] for row in rows if row[2] == "d"} - found.keys()
        return found

    def _missing(self, name: TableName) -> MissingObject:
        schema = name.schema or self.endpoint.schema
        known = [n for _, n in self.rows(Statement(TABLES, (schema,)))]
        return MissingObject(
            f"there is no table {name}",
            endpoint=self.endpoint.name,
            remedy=nearest(name.name, known) or "check the table's name, schema and rights",
        )

    # -- rows --------------------------------------------------------------------------------

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        expressions = [self.dialect.output(output, format) for output in selection.outputs]
        query = select(self.dialect, selection, expressions, self._zone)
        options = "FORMAT binary" if format is Format.PGCOPY else "FORMAT csv"
        with ClientCursor(self.driver) as cursor:
            sql = cursor.mogrify(f"COPY ({query.sql}) TO STDOUT ({options})", query.values)
        if self.driver.info.transaction_status == TransactionStatus.IDLE:
            self.execute("SELECT 1")  # the driver opens the transaction with its first statement
        chunk_of: Callable[[list[bytes]], Chunk] = list
        if format is Format.ARROW:
            names = [output.name for output in selection.outputs]
            chunk_of = partial(_csv().batch_of, names=names)
        copy = CopyOut(self.driver, sql.encode())
        self._stream = CopyStream(copy, format, chunk_of, super()._translated)
        return self._stream

    def _copy(self, sql: str, values: Sequence[object] = ()) -> AbstractContextManager[Any]:
        """COPY takes no parameters from the server: they are bound by the client."""
        with ClientCursor(self.driver) as cursor:
            text = cursor.mogrify(sql, values)
        copy: AbstractContextManager[Any] = self.driver.cursor().copy(text)
        return copy

    def _zone(self) -> ZoneInfo:
        row = self._execute(
            "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'", ()
        ).fetchone()
        return ZoneInfo(row[0])

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
        options = "FORMAT binary" if format is Format.PGCOPY else "FORMAT csv"
        sql = f"COPY {self.dialect.table(table)} ({self.dialect.columns(names)})"
        blocks = raw_blocks if format is Format.PGCOPY else _csv().csv_blocks
        rows = 0
        with super()._translated(), self._copy(f"{sql} FROM STDIN ({options})") as copy:
            for count, block in blocks(chunks, columns, constants):
                copy.write(block)
                rows += count
        return rows


def _csv() -> Any:
    """The CSV half of COPY, loaded with the first batch: Arrow costs a quarter of a second."""
    return importlib.import_module("connectors.postgresql.text")
