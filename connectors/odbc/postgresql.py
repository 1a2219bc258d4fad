"""PostgreSQL behind ODBC: its server's answers over the driver psqlodbc."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pyodbc
from sqlalchemy import Transaction

from connectors.drivermanager import driver_begins_logs, manager_traces
from connectors.endpoint import Endpoint
from connectors.odbc.declared import DeclaredCursor
from connectors.odbc.session import OdbcSession, OrdinaryStages
from connectors.odbc.watched import WatchedSession
from connectors.postgresql.dialect import PostgresqlDialect
from connectors.postgresql.pooler import answering_process, is_marked, mark_session, not_whole
from connectors.postgresql.server import SESSION, PostgresqlServer
from connectors.selection import Format, Output, Selection, select
from connectors.table import Kind, Table, Type

__all__ = ["PostgresqlBehind", "PostgresqlBehindDialect"]

_UNLIMITED = 10485761  # what the driver is told to say of a varchar without a length
_HEADER = 4  # what a length is counted with in a type modifier


class PostgresqlBehindDialect(OrdinaryStages, PostgresqlDialect):
    """The same spelling, without what ODBC has no way for."""


class PostgresqlBehind(OdbcSession, PostgresqlServer):
    """A session with a PostgreSQL database through ODBC."""

    names = ("postgresql",)
    alchemy = "postgresql+bridgehead_odbc"
    dialect = PostgresqlBehindDialect()
    capabilities = PostgresqlServer.capabilities
    session_statements = tuple(part.strip() for part in SESSION.split(";"))
    canary = (
        "SELECT false, encode(convert_to(CAST(%s AS text), 'UTF8'), 'hex'), "
        "convert_from(decode('{hex}', 'hex'), 'UTF8')"
    )

    def __init__(self, endpoint: Endpoint, opened: WatchedSession) -> None:
        self._cursors = count(1)
        super().__init__(endpoint, opened)

    def _prepare_session(self, cursor: Any) -> None:
        answering_process(cursor, self.endpoint)  # refuses a session that another has used
        self._mark = mark_session(cursor)  # always: the driver does not tell of a pooler
        milliseconds = round(self.endpoint.statement_timeout * 1000)
        cursor.execute(f"SET statement_timeout = {milliseconds}")
        if self.endpoint.schema:
            schema = self.dialect.quote(self.endpoint.schema).replace("%%", "%")
            cursor.execute(f"SET search_path = {schema}")
        super()._prepare_session(cursor)

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        with super()._begun() as transaction:
            with self._translated():
                is_ours = is_marked(self.driver.cursor(), self._mark, pyodbc.ProgrammingError)
            if not is_ours:
                raise not_whole(self.endpoint)
            yield transaction

    def _rows_of(self, selection: Selection, expressions: Sequence[str]) -> DeclaredCursor:
        query = select(self.dialect, selection, expressions, self._zone)
        name = f"bh_rows_{next(self._cursors)}"
        return DeclaredCursor(self._execute, name, query.sql, query.values)

    def _output(self, output: Output) -> str:
        return self.dialect.output(output, Format.ARROW)

    def _zone(self) -> ZoneInfo:
        return PostgresqlServer._zone(self)

    def _stored(self, kind: Type) -> str:
        """Untyped: the server reads the text as it reads that of COPY, and cuts nothing."""
        return "decode(%s, 'hex')" if kind.kind is Kind.BINARY else "%s"

    def settings_problem(self) -> str | None:
        return super().settings_problem() or manager_traces() or driver_begins_logs()

    def describe_query(self, query: str) -> Table:
        """Types by a row of NULLs; lengths and digits by what the driver says of the result."""
        with self.transaction():
            sql = f"({query}\n) q".replace("%", "%%")
            described = self._described(f"SELECT * FROM {sql} LIMIT 0")
            names = [self.dialect.quote(row[0]) for row in described]
            types = ", ".join(f"CAST(pg_typeof(q.{name}) AS oid)" for name in names)
            oids = self.rows(
                f"SELECT {types}\nFROM (SELECT 1) one\n"
                f"LEFT JOIN (SELECT * FROM {sql} LIMIT 0) q ON true"
            )[0]
            columns = [
                (row[0], oid, _modifier(row), False, False, "")
                for row, oid in zip(described, oids, strict=True)
            ]
            return self._query(query, columns)

    def _described(self, sql: str) -> Any:
        with self._translated():
            return self._execute(sql, ()).description


def _modifier(row: Any) -> int:
    """The type modifier behind a column's description. A numeric without one and numeric(28,6) are
    described alike: both are taken for one without."""
    _, kind, _, size, precision, scale, _ = row
    if kind is str:
        return -1 if size >= _UNLIMITED or size <= 0 else size + _HEADER
    if kind.__name__ == "Decimal":
        return -1 if (precision, scale) == (28, 6) else (precision << 16 | scale) + _HEADER
    return int(scale) if kind.__name__ in ("time", "datetime") else -1
