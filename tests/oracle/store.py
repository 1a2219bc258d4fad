"""One store over a plain driver connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Place", "quoted"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Place:
    """One store over a plain driver connection, in autocommit."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        module = type(connection).__module__
        self.is_sqlite = module.startswith("sqlite3")
        self.is_mysql = module.startswith("MySQLdb")
        self._held: set[str] = set()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """`?` stands for a value."""
        return [tuple(row) for row in self._execute(sql, values).fetchall()]

    def records(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        cursor = self._execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        cursor = self.connection.cursor()
        if not values:  # psycopg then leaves every % alone
            cursor.execute(sql)
        elif self.is_sqlite:
            cursor.execute(sql, tuple(values))
        else:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(values))
        return cursor

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`" if self.is_mysql else quoted(name)

    def holds(self, table: str) -> bool:
        """Whether there is such a table; one that was there is there for good."""
        if table not in self._held and self.natives(table):
            self._held.add(table)
        return table in self._held

    def natives(self, table: str) -> dict[str, str]:
        """Each column's type as the store names it, in order; nothing if there is no table."""
        if self.is_sqlite:
            found = self.query(f"SELECT name, type FROM pragma_table_info({_literal(table)})")
        elif self.is_mysql:
            found = self.query(
                "SELECT column_name, CONCAT(CASE column_type WHEN 'bit(1)' THEN 'boolean' "
                "ELSE column_type END, CASE WHEN column_type LIKE 'timestamp%' "
                "OR column_comment LIKE '%[UTC]' THEN ' in utc' ELSE '' END) "
                "FROM information_schema.columns "
                "WHERE table_schema = database() AND table_name = ? ORDER BY ordinal_position",
                (table,),
            )
        else:
            found = self.query(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped "
                "ORDER BY attnum",
                (quoted(table),),
            )
        return {name: native.lower() for name, native in found}

    def texts(self, table: str, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
        """Every row of a table, each value as the store itself writes it as text."""
        names = [self.quote(column) for column in columns]
        if self.is_sqlite:
            found = self.query(f"SELECT {', '.join(names)} FROM {quoted(table)}")
            return [tuple(_as_text(value) for value in row) for row in found]
        if self.is_mysql:
            self.query("SET time_zone = '+00:00'")
            natives = self.natives(table)
            chosen = ", ".join(_text_of(self.quote(c), natives[c]) for c in columns)
            return self.query(f"SELECT {chosen} FROM {self.quote(table)}")
        self.connection.execute("SET bytea_output = hex")
        self.connection.execute("SET timezone = 'UTC'")
        chosen = ", ".join(f"{name}::text" for name in names)
        return self.query(f"SELECT {chosen} FROM {quoted(table)}")

    def applied(self, named: Sequence[object]) -> list[tuple[int, int]]:
        """(epoch, seq) of the receipts in the order in which they were written, by no clock; as
        numbered where the store does not tell."""
        by = "epoch, seq"
        if self.is_sqlite:
            by = "rowid"
        elif not self.is_mysql:
            by = "xmin::text::bigint, epoch, seq"
        found = self.query(
            f"SELECT epoch, seq FROM bh_receipt WHERE department = ? AND job = ? ORDER BY {by}",
            named,
        )
        return [(int(epoch), int(seq)) for epoch, seq in found]


def _text_of(name: str, native: str) -> str:
    """MariaDB's text of a column."""
    if "blob" in native or "binary" in native:
        return f"LOWER(HEX({name}))"
    return f"CAST({name} + 0 AS CHAR)" if native == "boolean" else f"CAST({name} AS CHAR)"


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
