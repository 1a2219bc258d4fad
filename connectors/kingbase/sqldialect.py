"""SQLAlchemy's dialect of psycopg2 over ksycopg2, its fork for KingbaseES."""

from __future__ import annotations

from typing import Any

import ksycopg2  # type: ignore[import-untyped]
import ksycopg2.extensions  # type: ignore[import-untyped]
import ksycopg2.extras  # type: ignore[import-untyped]
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from connectors.postgresql.kin import version_of

__all__ = ["KingbaseSqlDialect"]


class KingbaseSqlDialect(PGDialect_psycopg2):
    """The same, with the fork's modules and a version that it does not have to guess."""

    driver = "ksycopg2"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return ksycopg2

    @property
    def _psycopg2_extensions(self) -> Any:
        return ksycopg2.extensions

    @property
    def _psycopg2_extras(self) -> Any:
        return ksycopg2.extras

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return version_of(connection.exec_driver_sql("select pg_catalog.version()").scalar())
