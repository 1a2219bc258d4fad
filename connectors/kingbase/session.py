"""A session of ksycopg2 whose calls do not wait for a silent server longer than they may."""

from __future__ import annotations

from typing import Any

import ksycopg2.extensions  # type: ignore[import-untyped]

from connectors.deadline import Watch

__all__ = ["WatchedSession"]


class _WatchedCursor(ksycopg2.extensions.cursor):  # type: ignore[misc]
    def execute(self, *arguments: Any) -> Any:
        with self.connection.watch.call():
            return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        with self.connection.watch.call():
            return super().executemany(*arguments)

    def fetchmany(self, *arguments: Any) -> Any:
        with self.connection.watch.call():
            return super().fetchmany(*arguments)

    def copy_expert(self, *arguments: Any) -> Any:
        with self.connection.watch.call():
            return super().copy_expert(*arguments)

    def close(self) -> None:
        with self.connection.watch.call():
            super().close()


class WatchedSession(ksycopg2.extensions.connection):  # type: ignore[misc]
    """Every call that may ask the server is one that `watch` knows of, once it is set."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except BaseException:
            super().close()  # else the error's traceback would keep the server waiting for a login
            raise
        self.cursor_factory = _WatchedCursor
        self.watch = Watch(None, 0)

    def commit(self) -> None:
        with self.watch.call():
            super().commit()

    def rollback(self) -> None:
        with self.watch.call():
            super().rollback()

    def close(self) -> None:
        self.watch.close()
        super().close()
