"""SQLAlchemy's Oracle dialect over dmPython: for the tables of our own, DM speaks Oracle's SQL."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sqlalchemy.dialects.oracle.base import OracleDialect

__all__ = ["DmSqlDialect"]


class DmSqlDialect(OracleDialect):
    """The same, with the driver's placeholders and without questions that DM does not know."""

    name = "oracle"
    driver = "dmPython"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = False

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        import dmPython  # type: ignore[import-not-found]

        module: ModuleType = dmPython
        return module

    def initialize(self, connection: Any) -> None:
        """As Oracle 12.1: no identity that DM spells otherwise."""
        self.server_version_info = (12, 1)
        self.default_schema_name = connection.exec_driver_sql(
            "SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL"
        ).scalar()

    def do_ping(self, dbapi_connection: Any) -> bool:
        return True
