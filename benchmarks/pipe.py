"""The plainest way from one database into another that keeps no books: the floor's two hops."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from benchmarks.database import INCOMING, Database, Postgres, Transfer
from benchmarks.population import COLUMNS

__all__ = ["Piped", "pipe"]

Piped = tuple[list[list[str]], list[Mapping[str, str]]]
"""Commands joined by pipes, and each one's environment."""

_FILE = "'/dev/stdin'"


def pipe(source: Database, target: Database, transfer: Transfer, name: str = "floor") -> Piped:
    """One statement's output into one transaction. PostgreSQL's sessions bear the name."""
    if not isinstance(source, Postgres):
        return _raw(source, target, transfer, name)
    if not isinstance(target, Postgres):
        return _to_mariadb(source, target, transfer, name)
    columns = ", ".join(transfer.columns)
    read = f"SELECT {columns} FROM {transfer.table}{transfer.order}"
    commands = [
        _psql(source, [f"COPY ({read}) TO STDOUT (FORMAT binary)"]),
        [*_psql(target, _writes(target, transfer, "binary")), "--single-transaction"],
    ]
    return commands, [_login(source, name), _login(target, name)]


def _raw(source: Database, target: Database, transfer: Transfer, name: str) -> Piped:
    """mysqlclient's bytes into COPY, in one process."""
    read = f"SELECT {', '.join(transfer.columns)} FROM {transfer.table}{transfer.order}"
    command = [sys.executable, "-m", "benchmarks.rawpipe", read, *_writes(target, transfer, "text")]
    return [command], [_login(target, name) | _mariadb_login(source) | {"PGTZ": "UTC"}]


def _to_mariadb(source: Postgres, target: Database, transfer: Transfer, name: str) -> Piped:
    """COPY in text format is what LOAD DATA reads, but for booleans and zones."""
    columns = [
        {"boolean": f"{c}::integer", "timestamptz": f"{c}::timestamptz::timestamp"}.get(
            COLUMNS.get(c, ""), c
        )
        for c in transfer.columns
    ]
    read = f"SELECT {', '.join(columns)} FROM {transfer.table}{transfer.order}"
    into = INCOMING if transfer.changes else transfer.into
    load = (
        f"LOAD DATA LOCAL INFILE {_FILE} INTO TABLE {into} CHARACTER SET utf8mb4\n"
        f"({', '.join(transfer.columns)})"
    )
    statements = ["START TRANSACTION", load, "COMMIT"]
    if transfer.changes:
        temporary = target.definition(f"CREATE TEMPORARY TABLE {INCOMING}", operation=True)
        statements[1:2] = [temporary, load, *target.applies(INCOMING, transfer.into)]
    server = target.server
    place = [f"--host={server.host}", f"--port={server.port}", f"--user={server.user}"]
    client = ["/usr/bin/mariadb", "--no-defaults", *place, "--local-infile=1", "--batch"]
    client += ["--default-character-set=utf8mb4", f"--database={target.name}"]
    commands = [
        _psql(source, [f"COPY ({read}) TO STDOUT"]),
        [*client, f"--execute={'; '.join(statements)}"],
    ]
    login = {**os.environ, **_mariadb_login(target)}
    return commands, [_login(source, name) | {"PGTZ": "UTC"}, login]


def _writes(target: Database, transfer: Transfer, format: str) -> list[str]:
    columns = ", ".join(transfer.columns)
    if not transfer.changes:
        return [f"COPY {transfer.into} ({columns}) FROM STDIN (FORMAT {format})"]
    temporary = target.definition(f"CREATE TEMPORARY TABLE {INCOMING}", operation=True)
    return [
        f"{temporary} ON COMMIT DROP",
        f"COPY {INCOMING} ({columns}) FROM STDIN (FORMAT {format})",
        *target.applies(INCOMING, transfer.into),
    ]


def _psql(database: Postgres, statements: Sequence[str]) -> list[str]:
    psql = [str(database.server.bin / "psql"), "--no-psqlrc", "--quiet", "--no-password"]
    return [*psql, "--set=ON_ERROR_STOP=1", *(f"--command={sql}" for sql in statements)]


def _login(database: Database, name: str) -> dict[str, str]:
    assert isinstance(database, Postgres)
    return {**database.server.environ(database.name), "PGAPPNAME": name}


def _mariadb_login(database: Database) -> dict[str, str]:
    server = database.server
    place = {"MARIADB_HOST": server.host, "MARIADB_PORT": str(server.port)}
    login = {"MARIADB_USER": server.user, "MYSQL_PWD": server.password}
    return {**place, **login, "MARIADB_DATABASE": database.name}
