"""The databases of a benchmark, whatever their server: made, emptied, looked at, written by pipes.

Each has the schema of a job's tables, and beside it the schema `floor` for the floor's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from benchmarks.population import COLUMNS, KEY, NULLABLE
from bridge.demo.postgres import EmbeddedPostgres

__all__ = ["CHANGE", "FLOOR", "Database", "Postgres", "Transfer"]

FLOOR = "floor.population"
"""The floor's table, at the exchange and at the buffer."""

CHANGE = "floor.change"
"""What the floor is told of a change set: the operation, then the row; of a deleted one the key."""

INCOMING = "incoming"


@dataclass(frozen=True)
class Transfer:
    """Rows of `table`, one statement's output into one transaction of the other database.
    `operation`: its first column is one. `changes`: they are applied to the table `into`."""

    table: str
    into: str
    operation: bool = False
    changes: bool = False

    @property
    def columns(self) -> list[str]:
        return ["operation"] * self.operation + list(COLUMNS)

    @property
    def order(self) -> str:
        return "" if self.operation else f" ORDER BY {KEY}"


class Database(ABC):
    """One database of one server."""

    family: str
    types: dict[str, str]

    def __init__(self, name: str, server: Any) -> None:
        self.name = name
        self.server = server

    @property
    def endpoint(self) -> dict[str, Any]:
        """As it stands in a deployment."""
        place = {"host": self.server.host, "port": self.server.port, "database": self.name}
        secret = {"user": self.server.user, "password": {"env": self.variable}}
        return {"family": self.family, **place, **secret}

    @property
    def variable(self) -> str:
        """Of the environment, for the password."""
        return f"BENCHMARK_{self.name.upper()}"

    def renew_floor(self) -> None:
        self.renew("floor")

    def create(self, table: str, *, key: bool = True, operation: bool = False) -> None:
        """The table of the population, or one of changes to it, whose columns may be NULL."""
        self.sql(self.definition(f"CREATE TABLE {table}", key=key, operation=operation))

    def definition(self, begin: str, *, key: bool = False, operation: bool = False) -> str:
        columns = ["operation char(1) NOT NULL"] * operation
        for name, kind in COLUMNS.items():
            may_miss = operation or name in NULLABLE
            columns.append(f"{name} {self.types.get(kind, kind)} {'' if may_miss else 'NOT '}NULL")
        columns += [f"PRIMARY KEY ({KEY})"] * (key and not operation)
        return f"{begin} ({', '.join(columns)})"

    @abstractmethod
    def sql(self, *statements: str) -> str: ...

    @abstractmethod
    def renew(self, schema: str) -> None:
        """The schema, `public` or `floor`, is there and empty."""

    @abstractmethod
    def vacuum(self) -> None:
        """As housekeeping leaves the tables some time after a load, at no chosen moment."""

    @abstractmethod
    def settle(self) -> None:
        """What was done before is not paid for by what is measured next."""

    @abstractmethod
    def tally(self, table: str) -> str:
        """Rows and the sum of both halves of their MD5, by the server alone; the same for the same
        rows at every server."""

    @abstractmethod
    def applies(self, changes: str, table: str) -> list[str]:
        """Statements that bring a table up to date with a table of changes."""


class Postgres(Database):
    family = "postgresql"
    types: dict[str, str] = {}  # noqa: RUF012 — nothing to change

    server: EmbeddedPostgres

    def sql(self, *statements: str) -> str:
        return "\n".join(self.server.sql(statement, self.name) for statement in statements)

    def renew(self, schema: str) -> None:
        self.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")

    def vacuum(self) -> None:
        self.sql("VACUUM (ANALYZE)")

    def settle(self) -> None:
        self.sql("CHECKPOINT")

    def tally(self, table: str) -> str:
        texts = [f"coalesce({_text(name, kind)}, '-')" for name, kind in COLUMNS.items()]
        line = f"md5(concat_ws('|', {', '.join(texts)}))"
        halves = ", ".join(
            f"sum(('x' || substr(h, {start}, 16))::bit(64)::bigint)" for start in (1, 17)
        )
        hashed = f"SELECT {line} AS h FROM {table} OFFSET 0"
        return self.sql(f"SET TimeZone = 'UTC'; SELECT count(*), {halves} FROM ({hashed}) hashed")

    def applies(self, changes: str, table: str) -> list[str]:
        names = ", ".join(COLUMNS)
        sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name != KEY)
        return [
            f"ANALYZE {changes}",
            f"INSERT INTO {table}\n"
            f"SELECT {names}\n"
            f"FROM {changes}\n"
            "WHERE operation <> 'D'\n"
            f"ON CONFLICT ({KEY}) DO UPDATE SET {sets}",
            f"DELETE FROM {table} t\n"
            f"USING {changes} c\n"
            f"WHERE c.operation = 'D' AND c.{KEY} = t.{KEY}",
        ]


def _text(name: str, kind: str) -> str:
    if kind == "boolean":
        return f"{name}::integer::text"
    if kind == "timestamptz":
        return f"to_char({name}::timestamptz, 'YYYY-MM-DD HH24:MI:SS.US')"
    return f"{name}::text"
