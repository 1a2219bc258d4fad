"""Migrations on MariaDB and MySQL, where each table that is made or changed commits at once.

A migration that was cut off has left some of its tables, and no version. It is run again from its
beginning, and what is there already is left alone. Our tables tell names apart byte by byte.
"""

from __future__ import annotations

from typing import Any

from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Column, Index, Table, func, inspect, select

__all__ = ["RestartableImpl"]

_OPTIONS = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}


class RestartableImpl(MySQLImpl):
    """Takes the place of Alembic's own for this dialect, once it is imported."""

    __dialect__ = "mysql"

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

    def bulk_insert(self, table: Any, rows: list[dict[Any, Any]], multiinsert: bool = True) -> None:
        if (
            self.as_sql
            or not self._connection.execute(select(func.count()).select_from(table)).scalar()
        ):
            super().bulk_insert(table, rows, multiinsert)

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
