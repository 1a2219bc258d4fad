"""The session with a SQL Server database."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyodbc
from sqlalchemy import Engine, create_engine

from connectors.agentdigest import AgentDigest
from connectors.arrayload import ArrayLoad
from connectors.connector import Capabilities, wait_for
from connectors.cursorread import CursorRead
from connectors.deadline import connect_within
from connectors.dialect import Statement
from connectors.drivermanager import manager_traces, refuse_pooling
from connectors.errors import BridgeheadError, Busy, MissingObject, PermanentError, nearest
from connectors.mssql.catalogue import (
    COLUMNS,
    INDEXES,
    LEADING,
    QUERY,
    SESSIONS,
    TABLES,
    relation_of,
)
from connectors.mssql.dialect import MssqlDialect
from connectors.mssql.errors import of_mssql
from connectors.table import Column, ForeignKey, Kind, Table, TableName, Type

__all__ = ["MssqlConnector"]

_DRIVER = "ODBC Driver 18 for SQL Server"
_SESSION = (
    "SET NOCOUNT ON; SET XACT_ABORT ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; "
    "SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; "
    "SET QUOTED_IDENTIFIER ON; SET LANGUAGE us_english; SET DATEFORMAT ymd; SET TEXTSIZE -1"
)
_TAKE = (
    "DECLARE @taken int; EXEC @taken = sp_getapplock @Resource = ?, @LockMode = 'Exclusive', "
    "@LockOwner = 'Session', @LockTimeout = 0; SELECT @taken"
)
# What is a sql_variant is converted by name alone, and not every driver hands one over.
_UPDATEABILITY = "SELECT CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Updateability'))"
_VERSION = (
    "SELECT CONVERT(int, PARSENAME(CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), 4))"
)
_OF_2016, _OF_2019 = 13, 15
_PLACE = "SELECT CONCAT(CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')), '/', DB_ID())"
OBJECT = "SELECT object_id FROM sys.objects WHERE object_id = OBJECT_ID(?) AND type IN ('U', 'V')"
_FORCED = 2  # of delayed_durability: no transaction can ask for more
_GIVE_BACK = "EXEC sp_releaseapplock @Resource = ?, @LockOwner = 'Session'"


class MssqlConnector(AgentDigest, ArrayLoad, CursorRead):
    """A session with a SQL Server database. The endpoint's `driver` names another ODBC driver;
    `tls` and `options` are keywords of its connection string (Encrypt, TrustServerCertificate)."""

    dialect = MssqlDialect()
    capabilities = Capabilities(nul_in_text=True, special_floats=False)

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("mssql+pyodbc://", **handing)

    def _version(self, opened: Any) -> Hashable:
        return str(opened.getinfo(pyodbc.SQL_DBMS_VER))

    def _open(self) -> Any:
        refuse_pooling(self.endpoint, self.endpoint.driver or _DRIVER)
        with self._translated():
            session = connect_within(self.endpoint, self._connect)
            session.timeout = round(self.endpoint.statement_timeout)
            session.execute(_SESSION)
            session.commit()
        return session

    def _connect(self) -> Any:
        e = self.endpoint
        parts = {
            "DRIVER": e.driver or _DRIVER,
            "SERVER": f"{e.host or 'localhost'},{e.port or 1433}",
            "DATABASE": e.database or "master",
            "APP": "bridgehead",
            **({"UID": e.user} if e.user else {"Trusted_Connection": "yes"}),
            **({"PWD": e.password.reveal()} if e.password else {}),
            **e.tls,
            **e.options,
        }
        if e.tls and "encrypt" not in map(str.lower, parts):  # drivers before 18 would not
            parts["Encrypt"] = "yes"
        text = ";".join(f"{key}={{{value.replace('}', '}}')}}}" for key, value in parts.items())
        return pyodbc.connect(text, timeout=max(1, round(e.connect_timeout)), autocommit=False)

    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = pyodbc.Error
        return error

    def translate(self, error: BaseException) -> BridgeheadError:
        return of_mssql(error, self.endpoint, connected=hasattr(self, "connection"))

    # -- sessions, time and work -------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """The level is the session's, and cannot be raised inside a transaction."""
        self._set_level("SNAPSHOT")
        try:
            with super().snapshot():
                yield
        finally:
            if not self.connection.closed:
                self._set_level("READ COMMITTED")

    def _set_level(self, level: str) -> None:
        with self.transaction():
            self.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")

    def _freeze_snapshot(self) -> None:
        """The state is that of the first read of data."""
        self.value("SELECT count(*) FROM (SELECT TOP 1 object_id FROM sys.objects) o")

    def clock(self) -> datetime:
        with self.transaction():
            moment: datetime = self.value("SELECT SYSUTCDATETIME()")
        return moment.replace(tzinfo=UTC)

    def open_work(self) -> frozenset[str]:
        with self.transaction():
            if self.value(_UPDATEABILITY) != "READ_WRITE":
                raise PermanentError(
                    "the source is read-only here: open transactions of its primary are not seen",
                    endpoint=str(self.endpoint),
                    remedy="point the endpoint at the primary, or use capture method compare",
                )
            return frozenset(str(token) for token, _ in self.rows(SESSIONS))

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        with self.transaction():
            known: dict[Any, Any] = dict(self.rows(SESSIONS))
        return sorted(str(known.get(token, token)) for token in tokens)

    def timezone(self) -> str:
        with self.transaction():
            return str(self._zone())

    def _zone(self) -> ZoneInfo:
        minutes = int(self.value("SELECT DATEPART(tz, SYSDATETIMEOFFSET())"))
        if minutes % 60:
            raise PermanentError(
                f"the server is {minutes} minutes from UTC, which is no zone known by number",
                endpoint=str(self.endpoint),
                remedy="name the zone in capture.timezone",
            )
        hours = minutes // 60  # in these names the sign is turned round
        return ZoneInfo(f"Etc/GMT{-hours:+d}" if hours else "UTC")

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        resource = hashlib.sha256(name.encode()).hexdigest()

        def attempt() -> bool:
            with self.transaction():
                return int(self.value(Statement(_TAKE, (resource,)))) >= 0

        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        wait_for(attempt, wait_seconds, busy)
        try:
            yield
        finally:
            if not self.connection.closed:
                with self.transaction():
                    self.execute(Statement(_GIVE_BACK, (resource,)))

    def settings_problem(self) -> str | None:
        """Not every older server knows all that is asked of one of now."""
        with self.transaction():
            version = int(self.value(_VERSION))
            if version < _OF_2016 or (version < _OF_2019 and self.endpoint.is_filled):
                return "it is older than SQL Server 2019: it has no collation of UTF-8"
            ((isolation, late),) = self.rows(
                "SELECT snapshot_isolation_state, delayed_durability FROM sys.databases "
                "WHERE database_id = DB_ID()"
            )
        if isolation != 1:
            return "ALLOW_SNAPSHOT_ISOLATION is off: a read of many rows would see no single state"
        if late == _FORCED and self.endpoint.is_filled:
            return "DELAYED_DURABILITY is FORCED: a crash of the server may lose what was committed"
        return manager_traces()

    # -- structure ---------------------------------------------------------------------------

    def tables(self, schema: str | None = None) -> list[TableName]:
        with self.transaction():
            found = self.rows(Statement(TABLES, (schema or self.endpoint.schema,)))
        return [TableName(name, space) for space, name in found]

    def exists(self, name: TableName) -> bool:
        return self._object(name) is not None

    def identity(self, name: TableName) -> str:
        with self.transaction():
            return f"{self.value(_PLACE)}/{self._object(name) or name}"

    def describe(self, name: TableName) -> Table:
        with self.transaction():
            number = self._object(name)
            if number is None:
                found = self.rows(Statement(TABLES, (name.schema or self.endpoint.schema,)))
                raise MissingObject(
                    f"there is no table {name}",
                    endpoint=str(self.endpoint),
                    remedy=nearest(name.name, [str(n) for _, n in found])
                    or "check the table's name, schema and rights",
                )
            columns = self.rows(Statement(COLUMNS, (number,)))
            return relation_of(name, columns, self.rows(Statement(INDEXES, (number,))))

    def leading_to(self, name: TableName) -> list[ForeignKey]:
        with self.transaction():
            found = self.rows(Statement(LEADING, (self._object(name),)))
        return [ForeignKey(key, TableName(t, space), action) for key, space, t, action in found]

    def describe_query(self, query: str) -> Table:
        with self.transaction():
            columns = self.rows(Statement(QUERY, (f"SELECT * FROM ({query}\n) q",)))
        if not columns or columns[0][1] is None:
            raise MissingObject(
                "the server cannot describe this query",
                endpoint=str(self.endpoint),
                remedy="write one SELECT on tables that are there",
            )
        table = relation_of(TableName("query"), columns, [])
        return Table(TableName("query"), table.columns, query=query)

    def _object(self, name: TableName) -> int | None:
        """The default schema is the login's own; an endpoint's is named in every statement."""
        number: int | None = self.value(
            Statement(OBJECT, (self.dialect.table(self.resolve(name)),))
        )
        return number

    # -- rows --------------------------------------------------------------------------------

    def _sizes(self, cursor: Any, columns: Sequence[Column], constants: int) -> None:
        """Arrays go over in one call; a text without limit must not size them all. The server does
        not describe what is bound for a temporary table, and the driver would take it for a
        varchar(255) of the database's code page."""
        has_long = any(c.type.length is None and c.type.kind in _LONG for c in columns)
        cursor.fast_executemany = not has_long
        sizes = [_size(c.type) for c in columns] + [(pyodbc.SQL_BIGINT, 19, 0)] * constants
        cursor.setinputsizes(sizes)


def _size(kind: Type) -> tuple[int, int, int]:
    """As what a value is bound; 0 is without limit. A text that is too long for its column is left
    to the server to refuse."""
    if kind.kind is Kind.FLOAT:
        return pyodbc.SQL_DOUBLE, 15, 0
    if kind.kind is Kind.BINARY:
        return pyodbc.SQL_VARBINARY, kind.length or 0, 0
    if kind.kind in _LONG:
        return pyodbc.SQL_WVARCHAR, min(2 * (kind.length or 0), _LONGEST_BOUND), 0
    return pyodbc.SQL_WVARCHAR, _LONGEST_OTHER, 0


_LONGEST_BOUND = 4000
_LONGEST_OTHER = 64  # of numbers, times and UUIDs
_LONG = (Kind.TEXT, Kind.BINARY, Kind.JSON, Kind.NATIVE)
