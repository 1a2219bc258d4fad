"""Migrations that find some of their tables there already, and no version.

Where each table that is made or changed commits at once, as on MariaDB, one that was cut off has
left them; elsewhere a backup that held these tables alone has brought them back. It is run again
from its beginning, and what is there already is left alone. Our tables tell names apart byte by
byte.
"""

from __future__ import annotations

from typing import Any

from alembic.ddl.impl import DefaultImpl
from alembic.ddl.mssql import MSSQLImpl
from alembic.ddl.mysql import MySQLImpl
from alembic.ddl.oracle import OracleImpl
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import Column, Index, Table, func, inspect, select

__all__ = ["Restartable"]

_OPTIONS = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}


class Restartable(DefaultImpl):
    """What takes the place of Alembic's own for a dialect, once this is imported."""

    __dialect__ = "restartable"

    def create_table(self, table: Table, **options: Any) -> None:
        table.dialect_options["mysql"].update(_OPTIONS)
        if not self._has_table(table.name):
            super().create_table(table, **options)
        else:
            for index in table.indexes:
                self.create_index(index)

    def create_index(self, index: Index, **options: Any) -> None:
        table = index.table.name if index.table is not None else ""
        if index.name not in self._names("get_indexes", table):
            super().create_index(index, **options)

    def add_column(self, table_name: str, column: Column[Any], **options: Any) -> None:
        if column.name not in self._names("get_columns", table_name):
            super().add_column(table_name, column, **options)

    def bulk_insert(
        self, table: Any, rows: list[dict[Any, Any]], multiinsert: bool = True, **options: Any
    ) -> None:
        if (
            self.as_sql
            or not self._connection.execute(select(func.count()).select_from(table)).scalar()
        ):
            super().bulk_insert(table, rows, multiinsert=multiinsert, **options)

    def _has_table(self, name: str) -> bool:
        return not self.as_sql and inspect(self._connection).has_table(name)

    def _names(self, kind: str, table: str) -> set[str]:
        if self.as_sql or not table:
            return set()
        return {found["name"] for found in getattr(inspect(self._connection), kind)(table)}

    @property
    def _connection(self) -> Any:
        assert self.connection is not None
        return self.connection


class _MySQL(Restartable, MySQLImpl):
    __dialect__ = "mysql"


class _PostgreSQL(Restartable, PostgresqlImpl):
    __dialect__ = "postgresql"

    def create_index(self, index: Index, **options: Any) -> None:
        """The server looks itself: through ODBC no index of its catalogue can be read."""
        DefaultImpl.create_index(self, index, **options | {"if_not_exists": not self.as_sql})


class _SQLite(Restartable, SQLiteImpl):
    __dialect__ = "sqlite"


class _Oracle(Restartable, OracleImpl):
    __dialect__ = "oracle"


class _MSSQL(Restartable, MSSQLImpl):
    __dialect__ = "mssql"
