"""Stores for the cases of a block: made, copied as they stand, and thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from bridge.demo.postgres import EmbeddedPostgres
from connectors.endpoint import Endpoint, Secret
from tests.mariadb import MariaDB

__all__ = ["FAMILIES", "LATE", "Servers", "Workshop"]

FAMILIES = ("sqlite", "postgresql", "mysql", "odbc-postgresql", "odbc-mariadb")
_DRIVERS = {"odbc-postgresql": "PostgreSQL Unicode", "odbc-mariadb": "MariaDB Unicode"}
_POSTGRES = ("postgresql", "odbc-postgresql")
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LATE = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "0"}
"""A PostgreSQL that answers a commit long before it is written, unless it is asked to write."""
_NUMBER = count(1)


class Servers:
    """One server of each family, started when it is first asked for."""

    settings_of_postgres: ClassVar[dict[str, str]] = _UNSAFE | {"shared_buffers": "64MB"}
    settings_of_mariadb: ClassVar[dict[str, str]] = {}

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        server = EmbeddedPostgres(self._directory / "postgres", settings=self.settings_of_postgres)
        return self._stack.enter_context(server)

    @cached_property
    def mariadb(self) -> MariaDB:
        server = MariaDB(self._directory / "mariadb", settings=self.settings_of_mariadb)
        return self._stack.enter_context(server)

    @cached_property
    def fragile(self) -> Servers:
        """Others, to be killed: what they write outlives that, but not before they have written."""
        return self._stack.enter_context(closing(FragileServers(self._directory / "fragile")))

    def close(self) -> None:
        self._stack.close()


class FragileServers(Servers):
    """They answer a commit long before it is written, where they can be asked not to."""

    settings_of_postgres: ClassVar = Servers.settings_of_postgres | LATE
    settings_of_mariadb: ClassVar = {"innodb-flush-log-at-trx-commit": "2"}


class Workshop:
    """A directory, and databases of the servers. Everything in it is gone after `close`."""

    def __init__(self, directory: Path, servers: Servers) -> None:
        self.directory = directory
        self.servers = servers
        self._made: dict[str, Endpoint] = {}
        directory.mkdir(parents=True)

    def place(self) -> Path:
        """A path in the directory where nothing is yet."""
        return self.directory / f"place{next(_NUMBER)}"

    @contextmanager
    def apart(self) -> Iterator[Workshop]:
        """A workshop with servers that may be killed."""
        with closing(Workshop(self.place(), self.servers.fragile)) as made:
            yield made

    def store(self, family: str) -> Endpoint:
        """A fresh, empty store; `family` is one of `FAMILIES`."""
        name = f"proof_{next(_NUMBER)}"
        if family == "sqlite":
            made = Endpoint(name, family, path=str(self.directory / f"{name}.db"))
        else:
            made = self._served(family, name)
            self._create(made)
        self._made[name] = made
        return made

    def copy(self, store: Endpoint) -> Endpoint:
        """Another store, with all that stands in this one. Nobody may be connected with it."""
        name = f"proof_{next(_NUMBER)}"
        if store.path:
            made = replace(store, name=name, path=str(self.directory / f"{name}.db"))
            for suffix in ("", "-wal"):
                file = Path(store.path + suffix)
                if file.exists():
                    shutil.copyfile(file, f"{made.path}{suffix}")
        else:
            made = replace(store, name=name, database=name)
            self._create(made, like=store.database)
        self._made[name] = made
        return made

    def drop(self, *stores: Endpoint) -> None:
        for store in stores:
            self._made.pop(store.name, None)
            if store.path:
                for file in Path(store.path).parent.glob(f"*{Path(store.path).name}*"):
                    file.unlink()
            elif _is_postgres(store):
                self._postgres(f'DROP DATABASE IF EXISTS "{store.database}" WITH (FORCE)')
            else:
                self.servers.mariadb.drop_database(str(store.database))

    def close(self) -> None:
        self.drop(*list(self._made.values()))
        shutil.rmtree(self.directory)

    # -- servers -----------------------------------------------------------------------------

    def _served(self, family: str, database: str) -> Endpoint:
        server: Any = self.servers.postgres if family in _POSTGRES else self.servers.mariadb
        return Endpoint(
            database,
            "odbc" if family in _DRIVERS else family,
            driver=_DRIVERS.get(family),
            host=server.host,
            port=server.port,
            user=server.user,
            password=Secret(server.password),
            database=database,
        )

    def _create(self, store: Endpoint, like: str | None = None) -> None:
        if _is_postgres(store):
            # Copied through the log, a sequence would forget in a crash what it gives out next.
            template = f'"{like}" STRATEGY file_copy' if like else "template0"
            self._postgres(f'CREATE DATABASE "{store.database}" TEMPLATE {template}')
            return
        self.servers.mariadb.create_database(str(store.database))
        if like:
            _copy_tables(self.servers.mariadb, like, str(store.database))

    def _postgres(self, statement: str) -> None:
        server = self.servers.postgres
        with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
            connection.execute(statement)


def _is_postgres(store: Endpoint) -> bool:
    return store.family == "postgresql" or store.driver == _DRIVERS["odbc-postgresql"]


def _copy_tables(server: MariaDB, one: str, other: str) -> None:
    """MariaDB has no templates: every table, then the views over them."""
    kinds = server.sql(
        "SELECT table_name, table_type FROM information_schema.tables "
        f"WHERE table_schema = '{one}' ORDER BY table_type"
    )
    statements = []
    for name, kind in kinds:
        if kind == "VIEW":
            shown = server.sql(f"SHOW CREATE VIEW `{one}`.`{name}`")[0][1]
            statements.append(shown.replace(f"`{one}`.", f"`{other}`."))
        else:
            statements.append(f"CREATE TABLE `{other}`.`{name}` LIKE `{one}`.`{name}`")
            statements.append(f"INSERT INTO `{other}`.`{name}` SELECT * FROM `{one}`.`{name}`")
    server.sql(*statements, database=other)
