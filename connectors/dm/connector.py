"""The session with a DM database."""

from __future__ import annotations

from typing import Any, ClassVar

import dmPython  # type: ignore[import-not-found]
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import registry

from connectors.agentdigest import AgentDigest
from connectors.arrayload import ArrayLoad
from connectors.connector import Capabilities
from connectors.cursorread import CursorRead
from connectors.deadline import connect_within
from connectors.dm.catalogue import FILLING, dm_type, queried_type
from connectors.dm.dialect import DmDialect
from connectors.dm.errors import of_dm
from connectors.errors import BridgeheadError, PermanentError
from connectors.options import taken_by_driver
from connectors.oracle.structure import OracleStructure
from connectors.oracle.work import OracleWork
from connectors.table import Column, Type

__all__ = ["DmConnector"]

registry.register("dmbridge", "connectors.dm.sqldialect", "DmSqlDialect")


class DmConnector(AgentDigest, ArrayLoad, OracleStructure, OracleWork, CursorRead):
    """A session with a DM database."""

    dialect = DmDialect()
    capabilities = Capabilities(empty_text=False)
    filling_query: ClassVar[str] = FILLING
    condition_column: ClassVar[str] = "search_condition"
    identity_query: ClassVar[str] = "SELECT instance_name || '/' || host_name FROM v$instance"
    sessions_query: ClassVar[str] = """
SELECT 'session ' || s.sess_id || '/' || s.create_time,
  'session ' || s.sess_id || ' of ' || s.user_name || ', ' || s.appname
FROM v$sessions s
WHERE s.sess_id <> SESSID() AND (s.state = 'ACTIVE' OR EXISTS (
  SELECT 1 FROM v$trx t WHERE t.id = s.trx_id AND t.status = 'ACTIVE'))
"""
    detached_query: ClassVar[str] = """
SELECT t.id
FROM v$trx t
WHERE t.status = 'ACTIVE' AND NOT EXISTS (SELECT 1 FROM v$sessions s WHERE s.trx_id = t.id)
"""
    work_remedy: ClassVar[str] = "GRANT SELECT ON v$sessions, v$trx and v$instance to this login"

    lock_remedy: ClassVar[str] = (
        "call SP_CREATE_SYSTEM_PACKAGES(1, 'DBMS_LOCK') as SYSDBA, and GRANT EXECUTE ON DBMS_LOCK "
        "to this login"
    )

    def _create_engine(self, **handing: Any) -> Engine:
        return create_engine("dmbridge://", module=dmPython, **handing)

    def _open(self) -> Any:
        with self._translated():
            session = connect_within(self.endpoint, self._connect)
            if self.endpoint.schema:
                cursor = session.cursor()
                cursor.execute(f"SET SCHEMA {self.dialect.quote(self.endpoint.schema)}")
                cursor.close()
        return session

    def _connect(self) -> Any:
        e = self.endpoint
        with taken_by_driver(e):
            return dmPython.connect(
                user=e.user,
                password=e.password.reveal() if e.password else None,
                server=e.host or "localhost",
                port=e.port or 5236,
                autoCommit=dmPython.DSQL_AUTOCOMMIT_OFF,
                local_code=dmPython.PG_UTF8,
                lang_id=dmPython.LANGUAGE_EN,
                login_timeout=max(1, round(e.connect_timeout)),
                connection_timeout=round(e.statement_timeout),
                app_name="bridgehead",
                **e.tls,
                **e.options,
            )

    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = dmPython.Error
        return error

    def translate(self, error: BaseException) -> BridgeheadError:
        return of_dm(error, self.endpoint, connected=hasattr(self, "connection"))

    def _freeze_snapshot(self) -> None:
        """A serializable transaction of DM sees one state from its first statement on."""
        self.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        self.execute("SET TRANSACTION READ ONLY")

    def _refuse_replica(self) -> None:
        mode = self.value("SELECT mode$ FROM v$instance")
        if mode == "STANDBY":
            raise PermanentError(
                "the source is a standby: open transactions of its primary cannot be seen",
                endpoint=str(self.endpoint),
                remedy="point the endpoint at the primary, or use capture method compare",
            )

    def settings_problem(self) -> str | None:
        with self.transaction():
            if self.endpoint.is_filled and not self._is_utf8():
                return f"the database is {self._charset()}: it cannot hold every character"
            if self.value("SELECT SF_GET_CASE_SENSITIVE_FLAG()") in (0, "0"):
                return "the database takes texts that differ in case for one (CASE_SENSITIVE = 0)"
        return None

    def _charset(self) -> str:
        """0 GB18030, 1 UTF-8, 2 EUC-KR."""
        return {0: "GB18030", 1: "UTF-8", 2: "EUC-KR"}.get(
            int(self.value("SELECT SF_GET_UNICODE_FLAG()")), "unknown"
        )

    def _is_utf8(self) -> bool:
        return self._charset() == "UTF-8"

    def _type_of(self, row: Any, days: frozenset[str]) -> Type:
        return dm_type(row)

    def _described(self, described: Any) -> Column:
        name, kind, _, size = described[:4]
        found = queried_type(name, kind.__name__, size)
        return Column(name, found, bytewise=False, native=kind.__name__)
