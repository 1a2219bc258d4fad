"""The tests' PostgreSQL: databases come and go by the thousand, so both must cost nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from bridge.demo.postgres import EmbeddedPostgres

__all__ = ["Postgres"]

_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SETTINGS = _UNSAFE | {"shared_buffers": "32MB", "max_wal_size": "256MB"}


class Postgres(EmbeddedPostgres):
    """What is written may die with the machine. One session makes and drops the databases."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, settings=_SETTINGS)
        self._session: psycopg.Connection | None = None

    def create_database(self, name: str) -> None:
        """The files of an empty database are copied: through the log it takes twice as long."""
        self._run("CREATE DATABASE {} TEMPLATE template0 STRATEGY file_copy", name)

    def drop_database(self, name: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        super().close()

    def _run(self, statement: str, name: str) -> None:
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(self.url(scheme="postgresql"), autocommit=True)
        self._session.execute(sql.SQL(statement).format(sql.Identifier(name)))
