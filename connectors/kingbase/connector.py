"""The session with a KingbaseES database."""

from __future__ import annotations

import importlib
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import ksycopg2  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects import registry

from connectors.connector import Chunk
from connectors.deadline import Watch, silent
from connectors.errors import BridgeheadError, PermanentError
from connectors.kingbase.session import WatchedSession
from connectors.postgresql.errors import of_connection, of_login, of_server
from connectors.postgresql.kin import KinServer
from connectors.postgresql.server import SESSION, tls_of
from connectors.selection import Format
from connectors.table import Column, Table, TableName

__all__ = ["KingbaseConnector"]

registry.register("kingbase", "connectors.kingbase.sqldialect", "KingbaseSqlDialect")

_NUMERIC = 1700
_PLACEHOLDER = re.compile("%%|%s")
_HEADER = 4  # a typmod counts its header in
# In Oracle mode an empty text would be taken for NULL. Other servers have no such setting.
_KEEP_EMPTY_TEXTS = (
    "SELECT set_config(name, 'off', false)\n"
    "FROM pg_catalog.pg_settings\n"
    "WHERE name = 'ora_input_emptystr_isnull'"
)
# setting, the value that no bridge can work with, what it does
_UNSAFE_SETTINGS = (
    ("enable_ci", "on", "it takes texts that differ in case for one"),
    ("case_sensitive", "off", "it takes names that differ in case for one"),
    ("char_default_type", "byte", "VARCHAR(n) counts bytes, and texts of n characters do not fit"),
)


class KingbaseConnector(KinServer):
    """A session with a KingbaseES database."""

    _watch = Watch(None, 0)

    def _open(self) -> Any:
        e = self.endpoint
        settings = {
            "host": e.host or "localhost",
            "port": e.port or 54321,
            "dbname": e.database,
            "user": e.user,
            "password": e.password.reveal() if e.password else None,
            "connect_timeout": max(1, round(e.connect_timeout)),
            "connection_factory": WatchedSession,
            "application_name": "bridgehead",
            "client_encoding": "UTF8",
        }
        return ksycopg2.connect(**{**settings, **tls_of(e), **e.options})

    def _version(self, opened: Any) -> Hashable:
        return int(opened.server_version)

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("kingbase://", use_native_hstore=False, **handing)

    def _prepare(self, opened: Any, connection: Connection) -> None:
        self._watch = opened.watch = Watch(opened.fileno(), self.endpoint.silence_limit)
        with opened.cursor() as cursor:
            limit = round(self.endpoint.statement_timeout * 1000)
            cursor.execute(f"SET statement_timeout = {limit};\n{SESSION}")
            cursor.execute(_KEEP_EMPTY_TEXTS)
            if self.endpoint.schema:
                schema = self.dialect.quote(self.endpoint.schema).replace("%%", "%")
                cursor.execute(f"SET search_path = {schema}")
        opened.commit()

    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = ksycopg2.Error
        return error

    def translate(self, error: BaseException) -> BridgeheadError:
        if self._watch.has_ended:
            return silent(self.endpoint)
        state = getattr(error, "kbcode", None)
        if state is not None:
            return of_server(error, state, self.endpoint)
        if not hasattr(self, "connection"):
            return of_login(error, self.endpoint)
        if isinstance(error, ksycopg2.OperationalError | ksycopg2.InterfaceError):
            return of_connection(error, self.endpoint)
        return PermanentError(type(error).__name__, endpoint=self.endpoint.name)

    def settings_problem(self) -> str | None:
        with self.transaction():
            for name, value, what in _UNSAFE_SETTINGS:
                if self._setting(name) == value:
                    return f"the setting {name} is {value}: {what}"
        return super().settings_problem()

    def describe_query(self, query: str) -> Table:
        with self.transaction():
            sql = f"SELECT * FROM ({query}\n) q LIMIT 0".replace("%", "%%")
            described = self._execute(sql, ()).description
            columns = [(c.name, c.type_code, _typmod(c), False, False, "") for c in described]
            return self._query(query, columns)

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        cursor = self.driver.cursor()
        self._start(cursor, sql, values)
        return cursor

    def _start(self, cursor: Any, sql: str, values: Sequence[object]) -> None:
        """The driver looks for placeholders outside quotes, and takes one kind within the other for
        its end. So it is only asked to spell the values."""
        literals = (self.driver.cursor().mogrify("%s", (value,)).decode() for value in values)
        cursor.execute(_PLACEHOLDER.sub(lambda m: "%" if m[0] == "%%" else next(literals), sql))

    def _server_cursor(self) -> Any:
        return self.driver.cursor("bh_rows")

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
        sql = f"COPY {self.dialect.table(table)} ({names}) FROM STDIN (FORMAT csv)"
        text = importlib.import_module("connectors.postgresql.text")  # Arrow loads slowly
        blocks = _Blocks(text.csv_blocks(chunks, columns, constants), self._watch)
        with self._translated():
            try:
                self.driver.cursor().copy_expert(sql.replace("%%", "%"), blocks)
            except ksycopg2.Error:
                if blocks.error is not None:  # the driver tells it as a text alone
                    raise blocks.error from None
                raise
        return blocks.rows


class _Blocks:
    """What the driver takes for a file."""

    def __init__(self, blocks: Iterator[tuple[int, bytes]], watch: Watch) -> None:
        self._blocks = blocks
        self._watch = watch
        self._rest = b""
        self.rows = 0
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        if not self._rest:
            try:
                with self._watch.pause():
                    count, self._rest = next(self._blocks, (0, b""))
            except Exception as error:
                self.error = error
                raise
            self.rows += count
        else:
            self._watch.go_on()
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def _typmod(column: Any) -> int:
    """The driver takes a type's modifier apart; -1 where there is none."""
    if column.type_code == _NUMERIC and column.precision not in (None, 65535):
        scale: int = column.scale or 0
        return int(column.precision << 16 | scale) + _HEADER
    if column.internal_size and column.internal_size > 0:
        return int(column.internal_size) + _HEADER
    return -1
