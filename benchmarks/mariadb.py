"""A MariaDB as one of the databases, on a server of its own."""

from __future__ import annotations

from benchmarks.database import Database
from benchmarks.population import COLUMNS, KEY
from tests.mariadb import MariaDB

__all__ = ["SETTINGS", "Mariadb"]

# As much memory and log as the PostgreSQL beside it; a commit reaches the disk.
SETTINGS = {"innodb-buffer-pool-size": "256M", "innodb-log-file-size": "1G"}


class Mariadb(Database):
    """Its key has a binary collation, as keys of digits should: by another, every read in the order
    of the key has to sort."""

    family = "mysql"
    types = {  # noqa: RUF012 — nothing to change
        "timestamptz": "timestamp(6)",
        COLUMNS[KEY]: f"{COLUMNS[KEY]} COLLATE utf8mb4_bin",
    }

    server: MariaDB

    def sql(self, *statements: str) -> str:
        rows = self.server.sql(*statements, database=self.name)
        return "\n".join("|".join(map(str, row)) for row in rows)

    def renew(self, schema: str) -> None:
        name = self.name if schema == "public" else schema
        self.server.sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")

    def vacuum(self) -> None:
        for schema, table in self.server.sql(
            "SELECT table_schema, table_name\nFROM information_schema.tables\n"
            f"WHERE table_schema IN ('{self.name}', 'floor') AND table_type = 'BASE TABLE'"
        ):
            self.server.sql(f"ANALYZE TABLE `{schema}`.`{table}`")

    def settle(self) -> None:
        self.server.sql("SET GLOBAL innodb_log_checkpoint_now = ON")

    def tally(self, table: str) -> str:
        texts = [f"COALESCE({_text(name, kind)}, '-')" for name, kind in COLUMNS.items()]
        line = f"MD5(CONCAT_WS('|', {', '.join(texts)}))"
        halves = ", ".join(
            f"SUM(CAST(CONV(SUBSTR(h, {start}, 16), 16, -10) AS SIGNED))" for start in (1, 17)
        )
        return self.sql(f"SELECT COUNT(*), {halves} FROM (SELECT {line} AS h FROM {table}) hashed")

    def applies(self, changes: str, table: str) -> list[str]:
        names = ", ".join(COLUMNS)
        sets = ", ".join(f"{name} = VALUES({name})" for name in COLUMNS if name != KEY)
        return [
            f"INSERT INTO {table}\n"
            f"SELECT {names}\n"
            f"FROM {changes}\n"
            "WHERE operation <> 'D'\n"
            f"ON DUPLICATE KEY UPDATE {sets}",
            f"DELETE t FROM {changes} c\n"
            f"JOIN {table} t ON t.{KEY} = c.{KEY}\n"
            "WHERE c.operation = 'D'",
        ]


def _text(name: str, kind: str) -> str:
    if kind == "boolean":
        return f"CAST({name} + 0 AS CHAR)"
    if kind == "timestamptz":
        return f"DATE_FORMAT({name}, '%Y-%m-%d %H:%i:%s.%f')"
    return f"CAST({name} AS CHAR)"
