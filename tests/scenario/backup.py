"""Backups of the three stores, taken and brought back as an administrator would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from connectors.endpoint import Endpoint
from tests.scenario.world import World

__all__ = ["Backup", "copied"]

_NUMBER = count(1)


class Backup:
    """What a store holds now, as `restore` brings it back to where the store then is, any number of
    times."""

    def __init__(self, world: World, role: str) -> None:
        self._world = world
        self._role = role
        self._kept = copied(world, role)

    def restore(self) -> None:
        """Whatever has come since is gone; every session ends."""
        self._world.close()
        _put(self._kept, self._world.stores[self._role])


def copied(world: World, role: str) -> Endpoint:
    """A second store of that family, with the same content."""
    store = world.stores[role]
    number = next(_NUMBER)
    if store.family == "sqlite":
        kept = replace(store, path=f"{store.path}.{number}.db")
    else:
        kept = replace(store, database=f"{store.database}_{number}")
    world.close()
    _put(store, kept)
    return kept


def _put(source: Endpoint, target: Endpoint) -> None:
    if source.family == "sqlite":
        with closing(sqlite3.connect(source.path or "")) as read:
            if target.path and Path(target.path).exists():
                for ending in ("", "-wal", "-shm"):
                    Path(target.path + ending).unlink(missing_ok=True)
            with closing(sqlite3.connect(target.path or "")) as written:
                read.backup(written)
        return
    login = {"host": source.host, "port": source.port, "user": source.user}
    password = source.password.reveal() if source.password else None
    with psycopg.connect(**login, password=password, dbname="postgres", autocommit=True) as admin:
        for ended in (source, target):
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [ended.database],
            )
        names = Identifier(str(target.database)), Identifier(str(source.database))
        admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
        admin.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
