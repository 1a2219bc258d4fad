"""The session with an Oracle database."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, create_engine

from connectors.agentdigest import AgentDigest
from connectors.arrayload import ArrayLoad
from connectors.connector import Capabilities
from connectors.cursorread import CursorRead
from connectors.deadline import connect_within
from connectors.errors import BridgeheadError, ConfigurationError, PermanentError
from connectors.options import taken_by_driver
from connectors.oracle.dialect import OracleDialect
from connectors.oracle.errors import of_oracle
from connectors.oracle.structure import OracleStructure
from connectors.oracle.work import OracleWork
from connectors.table import Column, Kind

__all__ = ["OracleConnector"]

_SESSION = (
    "ALTER SESSION SET TIME_ZONE = '+00:00' NLS_NUMERIC_CHARACTERS = '.,' NLS_SORT = BINARY "
    "NLS_COMP = BINARY NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS' NLS_LENGTH_SEMANTICS = CHAR "
    "COMMIT_WAIT = 'WAIT'"
)
_OURS = frozenset({"sid", "mode", "client"})
_EXTRAS = {"oracledb": "oracle", "cx_Oracle": "cx-oracle"}
_DRIVERS = {"oracledb": "oracledb", "cx_oracle": "cx_Oracle"}


class OracleConnector(AgentDigest, ArrayLoad, OracleStructure, OracleWork, CursorRead):
    """A session with an Oracle database.

    Endpoint options: `sid: "true"` where the database is named by its SID, `mode: thick` for
    servers before 12.1 or with native encryption, `client`, the folder of the Oracle client; others
    go to the driver. `driver: cx_Oracle` takes the old driver.
    """

    dialect = OracleDialect()
    capabilities = Capabilities(empty_text=False, year_low=-4712)
    sessions_query: ClassVar[str] = """
SELECT 'session ' || s.inst_id || '/' || s.sid || '/' || s.serial#,
  'session ' || s.sid || ',' || s.serial# || ' of ' || s.username || ', ' || s.program
FROM gv$session s
LEFT JOIN gv$transaction t ON t.inst_id = s.inst_id AND t.addr = s.taddr
WHERE s.type = 'USER' AND (s.status = 'ACTIVE' OR t.addr IS NOT NULL)
AND NOT (s.sid = SYS_CONTEXT('USERENV', 'SID') AND s.inst_id = SYS_CONTEXT('USERENV', 'INSTANCE'))
"""
    detached_query: ClassVar[str] = """
SELECT t.xidusn || '.' || t.xidslot || '.' || t.xidsqn
FROM gv$transaction t
WHERE NOT EXISTS (SELECT 1 FROM gv$session s WHERE s.inst_id = t.inst_id AND s.taddr = t.addr)
"""
    work_remedy: ClassVar[str] = (
        "GRANT SELECT ON gv_$session and gv_$transaction, and EXECUTE ON dbms_lock, to this login"
    )

    lock_remedy: ClassVar[str] = "GRANT EXECUTE ON dbms_lock to this login"

    @cached_property
    def _module(self) -> Any:
        name = _DRIVERS.get((self.endpoint.driver or "oracledb").lower())
        if name == "cx_Oracle" and self.endpoint.tls:
            raise ConfigurationError(
                "the driver cx_Oracle takes no tls",
                endpoint=str(self.endpoint),
                remedy="leave `driver` out: python-oracledb does",
            )
        if name is None:
            raise ConfigurationError(
                f"there is no driver {self.endpoint.driver!r} for Oracle",
                endpoint=str(self.endpoint),
                remedy="leave `driver` out, or write cx_Oracle",
            )
        try:
            return importlib.import_module(name)
        except ImportError as error:
            raise ConfigurationError(
                f"the driver {name} of family oracle is not installed",
                endpoint=str(self.endpoint),
                remedy=f"pip install 'bridgehead[{_EXTRAS[name]}]'",
            ) from error

    def _create_engine(self, **handing: Any) -> Engine:
        name = self._module.__name__.lower()
        return create_engine(f"oracle+{name}://", module=self._module, **handing)

    def _version(self, opened: Any) -> Hashable:
        return str(opened.version)

    def _open(self) -> Any:
        with self._translated():
            session = connect_within(self.endpoint, self._connect)
            if self.endpoint.statement_timeout:
                session.call_timeout = round(self.endpoint.statement_timeout * 1000)
            cursor = session.cursor()
            cursor.execute(_SESSION)
            if self.endpoint.schema:
                schema = self.dialect.quote(self.endpoint.schema)
                cursor.execute(f"ALTER SESSION SET CURRENT_SCHEMA = {schema}")
            cursor.close()
        return session

    def _prepare(self, opened: Any, connection: Connection) -> None:
        """SQLAlchemy's own handler would take a BINARY_FLOAT for digits, and bound a LOB."""
        opened.outputtypehandler = partial(_lobs_as_values, self._module)

    def _connect(self) -> Any:
        e = self.endpoint
        if e.options.get("mode") == "thick" and self._module.__name__ == "oracledb":
            self._module.init_oracle_client(lib_dir=e.options.get("client"))
        by_sid = e.options.get("sid") == "true"
        database = {"sid" if by_sid else "service_name": e.database}
        host, port = e.host or "localhost", e.port or 1521
        options: dict[str, Any] = {
            key: value for key, value in e.options.items() if key not in _OURS
        }
        if self._module.__name__ == "oracledb":  # a whole name (`dsn`) would say TCP whatever else
            options |= {"host": host, "port": port, **database, **e.tls}
            options |= {"tcp_connect_timeout": e.connect_timeout}
            options |= {"protocol": "tcps"} if e.tls else {}
            whole = None
        else:
            whole = self._module.makedsn(host, port, **database)
            options |= {"encoding": "UTF-8", "nencoding": "UTF-8"}
        password = e.password.reveal() if e.password else None
        with taken_by_driver(e):
            return self._module.connect(user=e.user, password=password, dsn=whole, **options)

    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = self._module.Error
        return error

    def translate(self, error: BaseException) -> BridgeheadError:
        return of_oracle(error, self.endpoint, connected=hasattr(self, "connection"))

    def _refuse_replica(self) -> None:
        role = self.value("SELECT SYS_CONTEXT('USERENV', 'DATABASE_ROLE') FROM DUAL")
        if role not in (None, "PRIMARY"):
            raise PermanentError(
                f"the source is a {role}: open transactions of its primary cannot be seen",
                endpoint=str(self.endpoint),
                remedy="point the endpoint at the primary, or use capture method compare",
            )

    def settings_problem(self) -> str | None:
        if not self.endpoint.is_filled or self._is_utf8():
            return None
        return f"the database is {self._charset()}: it cannot hold every character"

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        with self._translated():
            cursor = self.driver.cursor()
            cursor.arraysize = 1000
            cursor.execute(sql, list(values))
        return cursor

    def _sizes(self, cursor: Any, columns: Sequence[Column], constants: int) -> None:
        """A text beyond 4000 bytes must be announced as a LOB, and a float as one: else it would be
        bound as a NUMBER, which has no NaN and not all exponents."""
        sizes = [self._size(c) for c in columns] + [None] * constants
        if any(sizes):
            cursor.setinputsizes(*sizes)

    def _size(self, column: Column) -> Any:
        if column.type.kind is Kind.FLOAT:
            return self._module.DB_TYPE_BINARY_DOUBLE
        is_long = column.type.kind is Kind.TEXT and column.type.length is None
        return self._module.DB_TYPE_CLOB if is_long else None


def _lobs_as_values(module: Any, cursor: Any, *described: Any) -> Any:
    """Whole texts and bytes instead of locators. python-oracledb hands over one description, and
    cx_Oracle its parts; the type is recognised either way."""
    kind = described[0].type_code if len(described) == 1 else described[1]
    if kind in (module.DB_TYPE_CLOB, module.DB_TYPE_NCLOB):
        return cursor.var(module.DB_TYPE_LONG, arraysize=cursor.arraysize)
    if kind is module.DB_TYPE_BLOB:
        return cursor.var(module.DB_TYPE_LONG_RAW, arraysize=cursor.arraysize)
    return None
