"""MariaDB and MySQL behind ODBC: their server's answers over the driver maodbc, or MySQL's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyodbc
from sqlalchemy import Connection, event

from connectors.connector import Capabilities
from connectors.drivermanager import manager_traces
from connectors.errors import BridgeheadError, PermanentError
from connectors.mysql import work
from connectors.mysql.dialect import MysqlDialect
from connectors.mysql.errors import of_mysql
from connectors.mysql.session import MysqlSession
from connectors.mysql.types import reads_as_it_is
from connectors.odbc.errors import of_server, parts_of
from connectors.odbc.session import OdbcSession, OrdinaryStages
from connectors.selection import Output
from connectors.table import Kind, Type

__all__ = ["MysqlBehind", "MysqlBehindDialect"]

_WIDEST = "\uffff"  # of three bytes in UTF-8


class MysqlBehindDialect(OrdinaryStages, MysqlDialect):
    """The same spelling, without what ODBC has no way for."""


class MysqlBehind(OdbcSession, MysqlSession):
    """A session with a MariaDB or MySQL database through ODBC."""

    names = ("mariadb", "mysql")
    alchemy = "mysql+pyodbc"
    dialect = MysqlBehindDialect()
    mysql_dialect = MysqlBehindDialect("utf8mb4_0900_bin", keeps_json=False)
    capabilities = Capabilities(
        unreal_dates=True, long_times=True, special_floats=False, transactional_ddl=False
    )
    canary = "SELECT 0, HEX(CONVERT(%s USING utf8mb4)), CONVERT(UNHEX('{hex}') USING utf8mb4)"

    def _prepare(self, opened: Any, connection: Connection) -> None:
        event.listen(connection.engine, "begin", self._begin_transaction)

    def _prepare_session(self, cursor: Any) -> None:
        """Texts go as UTF-8: from 256 bytes on, the driver changes those that come as UTF-16."""
        self._opened.autocommit = True
        self._opened.setencoding("utf-8", ctype=pyodbc.SQL_CHAR)
        for kind in (pyodbc.SQL_CHAR, pyodbc.SQL_WCHAR):
            self._opened.setdecoding(kind, encoding="utf-8", ctype=pyodbc.SQL_CHAR)
        if self.endpoint.tls:
            self._refuse_unencrypted(cursor)
        for statement in self._session_statements(self.is_mariadb):
            cursor.execute(statement.replace("%%", "%"))
        super()._prepare_session(cursor)

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        """A character of four bytes in a statement makes the driver take all of it for Latin-1: a
        table would get another name. Values are bound, so only DDL can have one: in a comment."""
        if not sql.isascii() and max(sql) > _WIDEST:
            raise PermanentError(
                "this ODBC driver changes a statement with a character of four bytes in it",
                endpoint=self.endpoint.name,
                remedy="take such characters out of names and comments, or use the family mysql",
            )
        return super()._execute(sql, values)

    def settings_problem(self) -> str | None:
        return super().settings_problem() or manager_traces()

    def open_work(self) -> frozenset[str]:
        """The driver cannot carry XA RECOVER."""
        return work.open_work(self, lists_prepared=False)

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in str(self._opened.getinfo(pyodbc.SQL_DBMS_NAME)).lower()

    def translate(self, error: BaseException) -> BridgeheadError:
        """By the server's own number; the driver puts it at the end of its text."""
        if self._opened.watch.has_ended or not hasattr(self, "connection"):
            return super().translate(error)
        _, text, number = parts_of(error)
        if number <= 1:
            return of_server(error, self.endpoint)
        return of_mysql(Exception(number, text), self.endpoint)

    def _zone(self) -> ZoneInfo:
        return MysqlSession._zone(self)

    def _output(self, output: Output) -> str:
        return self.dialect.output(output)

    def _stored(self, kind: Type) -> str:
        if kind.kind is Kind.FLOAT or reads_as_it_is(kind):  # a value is bound once
            return "%s"
        return self.dialect.parse("%s", kind)
