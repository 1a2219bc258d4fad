"""SQLAlchemy's dialect of psycopg for openGauss, whose version it cannot read."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from connectors.postgresql.kin import version_of

__all__ = ["OpengaussSqlDialect"]


class OpengaussSqlDialect(PGDialect_psycopg):
    """The same, with the version of the PostgreSQL that openGauss has grown from."""

    supports_statement_cache = True

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return version_of(connection.exec_driver_sql("select pg_catalog.version()").scalar())
