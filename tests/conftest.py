"""Real stores for every test that needs one, and files that never reach a disk.

postgres    one PostgreSQL server per test process, started when first asked for
mariadb     one MariaDB server per test process, likewise
database    makes fresh, empty databases and returns their endpoints: `database()`,
            `database("mysql")`, `database("sqlite")`; they are gone after the test
engine      a SQLAlchemy engine on a fresh database, once per family a ledger may live in,
            with transactions as the connectors open them
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from connectors.endpoint import Endpoint, Secret
from tests.mariadb import MariaDB
from tests.postgres import Postgres

# The same examples each time, at any load; --hypothesis-profile=default draws others.
_ANY_LOAD = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=_ANY_LOAD
)
settings.load_profile("steady")

Database = Callable[..., Endpoint]
_SERVERS = {
    "postgresql": "postgres",
    "mysql": "mariadb",
    "kingbase": "postgres",
    "opengauss": "postgres",
    "odbc-postgresql": "postgres",
    "odbc-mariadb": "mariadb",
}
_DRIVERS = {"odbc-postgresql": "PostgreSQL Unicode", "odbc-mariadb": "MariaDB Unicode"}
_NUMBER = count(1)
_FOLDERS = {"dags": 0, "scenario": 1, "conformance": 2, "unit": 3}
_LONG = "test_connector_silence.py"  # of a folder of short ones; it waits, most of the time
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 3 * 2**30


def pytest_configure() -> None:
    """Messages come in English, whatever is spoken here. Temporary files, the servers' data among
    them, lie in memory where there is enough of it."""
    for variable in ("LC_ALL", "LC_MESSAGES"):
        os.environ.pop(variable, None)
    os.environ["LANG"] = "C.UTF-8"
    if "TMPDIR" not in os.environ and _holds_programs_and_data(_MEMORY):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # what was found without it


def _holds_programs_and_data(place: Path) -> bool:
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        return False
    may_run = not os.statvfs(place).f_flag & os.ST_NOEXEC
    return may_run and shutil.disk_usage(place).free >= _MEMORY_BYTES


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long stories first: whatever a worker takes up last is short."""
    items.sort(key=lambda i: -1 if i.path.name == _LONG else _FOLDERS.get(i.path.parent.name, -1))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with MariaDB(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made: list[tuple[Postgres | MariaDB, str]] = []

    def make(family: str = "postgresql", **options: Any) -> Endpoint:
        name = f"test_{next(_NUMBER)}"
        if family == "sqlite":
            return Endpoint(name, family, path=str(tmp_path / f"{name}.db"), **options)
        server: Postgres | MariaDB = request.getfixturevalue(_SERVERS[family])
        server.create_database(name)
        made.append((server, name))
        login: dict[str, Any] = {
            "user": server.user,
            "password": Secret(server.password),
            "database": name,
        }
        if family in _DRIVERS:
            options["driver"], family = _DRIVERS[family], "odbc"
        return Endpoint(name, family, host=server.host, port=server.port, **login, **options)

    yield make
    for server, name in made:
        server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def engine(request: pytest.FixtureRequest, database: Database) -> Iterator[Engine]:
    opened = _engine(database(request.param))
    yield opened
    opened.dispose()


def _engine(endpoint: Endpoint) -> Engine:
    if endpoint.family == "sqlite":
        url = URL.create("sqlite+pysqlite", database=endpoint.path)
        opened = create_engine(url, poolclass=NullPool)
        event.listen(opened, "connect", _without_own_transactions)
        event.listen(opened, "begin", _begin_immediate)
        return opened
    isolation: dict[str, Any] = {}
    driver = "postgresql+psycopg"
    if endpoint.family == "mysql":
        driver, isolation = "mysql+mysqldb", {"isolation_level": "READ COMMITTED"}
    password = endpoint.password.reveal() if endpoint.password else None
    url = URL.create(
        driver,
        username=endpoint.user,
        password=password,
        host=endpoint.host,
        port=endpoint.port,
        database=endpoint.database,
        query={"charset": "utf8mb4"} if endpoint.family == "mysql" else {},
    )
    return create_engine(url, poolclass=NullPool, **isolation)


def _without_own_transactions(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
