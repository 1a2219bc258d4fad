"""The three stores of a benchmark, their reset, and an independent look."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType

from benchmarks.database import CHANGE, FLOOR, Database, Postgres, Transfer
from benchmarks.mariadb import SETTINGS as MARIADB_SETTINGS
from benchmarks.mariadb import Mariadb
from benchmarks.measure import Usage, measure, server_cpu_seconds
from benchmarks.pipe import pipe
from benchmarks.population import ChangeSet, change
from benchmarks.population import fill as fill_statements
from benchmarks.statement import SETTINGS as LOGGING
from bridge.demo.postgres import EmbeddedPostgres
from tests.mariadb import MariaDB

__all__ = ["BUFFER", "BUSINESS", "EXCHANGE", "Route", "Stores", "WrongRows"]

BUSINESS, EXCHANGE, BUFFER = "business", "exchange", "buffer"

# What the demo has, but checkpoints far apart: they would hit now the floor and now ours.
_SETTINGS = {"max_wal_size": "4GB", "checkpoint_timeout": "1h"}


class Route(StrEnum):
    """Which databases business, exchange and buffer are."""

    POSTGRESQL = "pg-pg-pg"
    FROM_MARIADB = "mariadb-pg-pg"
    TO_MARIADB = "pg-pg-mariadb"


class WrongRows(Exception):
    """A benchmark that moved other rows than it should is no benchmark."""


class Stores:
    """The databases of one route, each family on a server of its own; gone at the end.

    Rows and changes are made by PostgreSQL, in `seed`, which mostly is the business database. A
    MariaDB in its place is told them.
    """

    def __init__(self, directory: Path, route: Route, rows: int, *, statements: bool) -> None:
        settings = _SETTINGS | (LOGGING if statements else {})
        self._directory = directory
        self._route = route
        self._open = ExitStack()
        self.server = EmbeddedPostgres(directory / "postgres", settings=settings)
        self.rows = rows
        self.limit_seconds = 120 + rows / 2000

    def __enter__(self) -> Stores:
        with ExitStack() as opened:
            opened.enter_context(self.server)
            for name in (BUSINESS, EXCHANGE, BUFFER):
                self.server.create_database(name)
            self._servers = [self.server.pid]
            self.seed = Postgres(BUSINESS, self.server)
            self.business: Database = self.seed
            self.exchange: Database = Postgres(EXCHANGE, self.server)
            self.buffer: Database = Postgres(BUFFER, self.server)
            if self._route is Route.FROM_MARIADB:
                self.business = self._mariadb(BUSINESS, opened)
            elif self._route is Route.TO_MARIADB:
                self.buffer = self._mariadb(BUFFER, opened)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def _mariadb(self, name: str, opened: ExitStack) -> Database:
        server = MariaDB(self._directory / "mariadb", settings=MARIADB_SETTINGS, durable=True)
        opened.enter_context(server)
        self._servers.append(server.pid)
        database = Mariadb(name, server)
        database.renew("public")
        return database

    @property
    def databases(self) -> tuple[Database, Database, Database]:
        return self.business, self.exchange, self.buffer

    # -- states ------------------------------------------------------------------------------

    def fill(self) -> None:
        """The business database as it is before anything was carried."""
        for database in {self.seed, self.business}:
            database.renew("public")
            database.renew_floor()
        self.seed.sql(*fill_statements(self.rows))
        if self.business is not self.seed:
            self.business.create("population")
            self._tell(Transfer("population", "population"))
            self.business.sql("CREATE INDEX updated ON population (updated_at)")
            self.business.vacuum()

    def empty_ours(self) -> None:
        for database in (self.exchange, self.buffer):
            database.renew("public")
        self.settle()

    def empty_floor(self) -> None:
        """The floor's tables stand ready with their keys."""
        for database in (self.exchange, self.buffer):
            database.renew_floor()
            database.create(FLOOR)
        self.settle()

    def change(self, changes: ChangeSet) -> None:
        """Changes the business database, and tells the floor at both hops what has changed."""
        self.seed.sql(f"DROP TABLE IF EXISTS {CHANGE}")
        self.seed.create(CHANGE, operation=True)
        self.seed.sql(f"BEGIN; {'; '.join(change(self.rows, changes))}; COMMIT")
        self.seed.sql("VACUUM (ANALYZE) population")
        for database in {self.business, self.exchange} - {self.seed}:
            database.sql(f"DROP TABLE IF EXISTS {CHANGE}")
            database.create(CHANGE, operation=True)
            self._measure(self.seed, database, Transfer(CHANGE, CHANGE, operation=True), _ASIDE)
        if self.business is not self.seed:
            statements = self.business.applies(CHANGE, "population")
            self.business.sql("BEGIN", *statements, "COMMIT")
        for database in (self.business, self.exchange):
            database.vacuum()
        self.settle()

    def vacuum(self) -> None:
        for database in (self.exchange, self.buffer):
            database.vacuum()
        self.settle()

    def settle(self) -> None:
        for database in self.databases:
            database.settle()

    def _tell(self, transfer: Transfer) -> None:
        self._measure(self.seed, self.business, transfer, _ASIDE)

    # -- work --------------------------------------------------------------------------------

    def pipe(self, source: Database, target: Database, transfer: Transfer) -> Usage:
        return self._measure(source, target, transfer, "floor")

    def _measure(self, source: Database, target: Database, transfer: Transfer, name: str) -> Usage:
        commands, environments = pipe(source, target, transfer, name)
        return measure(commands, environments, self.server_cpu_seconds, self.limit_seconds).usage

    def server_cpu_seconds(self) -> float:
        return sum(map(server_cpu_seconds, self._servers))

    # -- a look ------------------------------------------------------------------------------

    def verify_floor(self) -> None:
        self.verify((self.exchange, FLOOR), (self.buffer, FLOOR))

    def verify(self, *places: tuple[Database, str]) -> None:
        """Raises WrongRows unless each table holds the rows of the business table."""
        expected = self.seed.tally("population")
        for database, table in places:
            actual = database.tally(table)
            if actual != expected:
                raise WrongRows(f"{database.name} {table}: {actual}, but the source has {expected}")


_ASIDE = "preparation"
