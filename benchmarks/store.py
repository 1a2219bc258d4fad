"""The three stores of a benchmark: databases of one server, their reset and an independent look."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from benchmarks.measure import Usage, measure, server_cpu_seconds
from benchmarks.population import CHANGE, COLUMNS, ChangeSet, change, create_change, create_table
from benchmarks.population import fill as fill_statements
from benchmarks.statement import SETTINGS as LOGGING
from bridge.demo.postgres import EmbeddedPostgres

__all__ = ["BUFFER", "BUSINESS", "EXCHANGE", "FLOOR", "Stores", "WrongRows"]

BUSINESS, EXCHANGE, BUFFER = "business", "exchange", "buffer"
FLOOR = "floor.population"
"""The floor's table, in the exchange and in the buffer database."""

# What the demo has, but checkpoints far apart: they would hit now the floor and now ours.
_SETTINGS = {"max_wal_size": "4GB", "checkpoint_timeout": "1h"}


class WrongRows(Exception):
    """A benchmark that moved other rows than it should is no benchmark."""


class Stores:
    """One server with the three databases; gone at the end."""

    def __init__(self, directory: Path, rows: int, *, statements: bool) -> None:
        settings = _SETTINGS | (LOGGING if statements else {})
        self.server = EmbeddedPostgres(directory, settings=settings)
        self.rows = rows
        self.limit_seconds = 120 + rows / 2000

    def __enter__(self) -> Stores:
        self.server.__enter__()
        for name in (BUSINESS, EXCHANGE, BUFFER):
            self.server.create_database(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, trace)

    # -- states ------------------------------------------------------------------------------

    def fill(self) -> None:
        """The business database as it is before anything was carried."""
        self._renew(BUSINESS, "public")
        self._renew(BUSINESS, "floor")
        for statement in fill_statements(self.rows):
            self.server.sql(statement, BUSINESS)

    def empty_ours(self) -> None:
        for database in (EXCHANGE, BUFFER):
            self._renew(database, "public")
        self.settle()

    def empty_floor(self) -> None:
        """The floor's tables stand ready with their keys."""
        for database in (EXCHANGE, BUFFER):
            self._renew(database, "floor")
            self.server.sql(create_table(FLOOR), database)
        self.settle()

    def change(self, changes: ChangeSet) -> None:
        """Changes the business database, and tells the floor at both hops what has changed."""
        statements = change(self.rows, changes)
        self.server.sql(f"BEGIN; {'; '.join(statements)}; COMMIT", BUSINESS)
        self.server.sql("VACUUM (ANALYZE) population", BUSINESS)
        self.server.sql(f"DROP TABLE IF EXISTS {CHANGE}", EXCHANGE)
        self.server.sql(create_change(), EXCHANGE)
        read = f"COPY {CHANGE} TO STDOUT (FORMAT binary)"
        write = f"COPY {CHANGE} FROM STDIN (FORMAT binary)"
        self.pipe(BUSINESS, read, EXCHANGE, [write], "preparation")
        for database in (BUSINESS, EXCHANGE):
            self.server.sql(f"VACUUM (ANALYZE) {CHANGE}", database)
        self.settle()

    def vacuum(self) -> None:
        """As autovacuum leaves the tables some time after a load, at no chosen moment."""
        for database in (EXCHANGE, BUFFER):
            self.server.sql("VACUUM (ANALYZE)", database)
        self.settle()

    def settle(self) -> None:
        """What was done before is not paid for by what is measured next."""
        self.server.sql("CHECKPOINT")

    def _renew(self, database: str, schema: str) -> None:
        statement = f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"
        self.server.sql(statement, database)

    # -- work --------------------------------------------------------------------------------

    def pipe(
        self, source: str, read: str, target: str, write: list[str], name: str = "floor"
    ) -> Usage:
        """`psql | psql`: one statement's output into one transaction of the other database. The
        sessions bear the name."""
        psql = [str(self.server.bin / "psql"), "--no-psqlrc", "--quiet", "--no-password"]
        psql.append("--set=ON_ERROR_STOP=1")
        reader = [*psql, f"--command={read}"]
        writer = [*psql, "--single-transaction", *(f"--command={sql}" for sql in write)]
        environments = [
            self.server.environ(database) | {"PGAPPNAME": name} for database in (source, target)
        ]
        return measure(
            [reader, writer], environments, self.server_cpu_seconds, self.limit_seconds
        ).usage

    def server_cpu_seconds(self) -> float:
        return server_cpu_seconds(self.server.pid)

    # -- a look ------------------------------------------------------------------------------

    def verify(self, *places: tuple[str, str]) -> None:
        """Raises WrongRows unless each (database, table) holds the rows of the business table."""
        expected = self._tally(BUSINESS, "population")
        for database, table in places:
            actual = self._tally(database, table)
            if actual != expected:
                raise WrongRows(f"{database} {table}: {actual}, but the source has {expected}")

    def _tally(self, database: str, table: str) -> str:
        """Rows and the sum of both halves of their MD5, by the server alone."""
        halves = ", ".join(
            f"sum(('x' || substr(h, {start}, 16))::bit(64)::bigint)" for start in (1, 17)
        )
        row = f"ROW({', '.join(COLUMNS)})::text"
        lines = f"SELECT md5({row}) AS h FROM {table} OFFSET 0"
        return self.server.sql(f"SELECT count(*), {halves} FROM ({lines}) hashed", database)
