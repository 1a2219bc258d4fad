"""PostgreSQL for SQLAlchemy over pyodbc, for Bridgehead's own tables at a target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, DateTime
from sqlalchemy.connectors.pyodbc import PyODBCConnector
from sqlalchemy.dialects.postgresql.base import PGDialect

__all__ = ["PostgresqlOdbc"]


class _Moment(TIMESTAMP):
    """Sent as text with its zone, which a parameter of ODBC has no place for; comes back without
    one, in that of the session, which is UTC."""

    render_bind_cast = True

    def bind_processor(self, dialect: Any) -> Callable[[datetime | None], str | None]:
        return lambda moment: None if moment is None else moment.isoformat(sep=" ")

    def result_processor(
        self, dialect: Any, coltype: Any
    ) -> Callable[[datetime | None], datetime | None]:
        zone = UTC if self.timezone else None
        return lambda moment: None if moment is None else moment.replace(tzinfo=zone)


class PostgresqlOdbc(PyODBCConnector, PGDialect):
    """What the two know already, put together."""

    supports_statement_cache = True
    colspecs = {**PGDialect.colspecs, DateTime: _Moment, TIMESTAMP: _Moment}  # noqa: RUF012

    def do_commit(self, dbapi_connection: Any) -> None:
        """By a statement, which the server answers. The driver's own commit believes what the
        driver thinks: where the line ended as a statement was let go, of which psqlODBC tells
        nobody, it has nothing to commit, and no error."""
        dbapi_connection.cursor().execute("COMMIT")
