"""A double of a DB-API driver that answers from a script and writes down all that it was asked.

It holds to PEP 249: a closed cursor or connection refuses work, `executemany` takes rows of as many
values as there are placeholders, and a commit without a transaction is noted like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["RecordingConnection"]

Answer = list[tuple[Any, ...]] | Exception
_LITERAL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\[[^\]]*\]")


class RecordingConnection:
    """`answers` maps a part of a statement to its rows, or to what it raises; the latest counts.
    What no part is in has no rows. `log` holds (verb, statement, values) in order; `sizes` what a
    cursor was told last of the values that it will be given."""

    timeout = call_timeout = 0
    outputtypehandler: Any = None
    version = "19.3.0.0.0"

    def __init__(
        self, placeholder: str, answers: dict[str, Answer], error: type[Exception]
    ) -> None:
        self.placeholder, self.answers, self.error = placeholder, answers, error
        self.log: list[tuple[str, str, Any]] = []
        self.closed = False
        self.sizes: tuple[Any, ...] = ()

    def cursor(self) -> RecordingCursor:
        self._open()
        return RecordingCursor(self)

    def execute(self, sql: str) -> RecordingCursor:
        cursor = self.cursor()
        cursor.execute(sql)
        return cursor

    def add_output_converter(self, *_: Any) -> None:
        """pyodbc's own; SQLAlchemy asks for one."""

    def getinfo(self, _: int) -> str:
        """pyodbc's own, of which the server's version is asked."""
        return self.version

    def commit(self) -> None:
        self._note("commit")

    def rollback(self) -> None:
        self._note("rollback")

    def close(self) -> None:
        self.closed = True
        self.log.append(("close", "", None))

    def verbs(self) -> list[str]:
        """The first words of all statements, and the ends of transactions."""
        return [verb if not sql else sql.split()[0] for verb, sql, _ in self.log]

    def _note(self, verb: str, sql: str = "", values: Any = None) -> None:
        self._open()
        self.log.append((verb, sql, values))

    def _open(self) -> None:
        if self.closed:
            raise self.error("the connection is closed")


class RecordingCursor:
    arraysize = 1
    fast_executemany = False
    described: Sequence[Any] = ()
    """What a statement with rows says of its columns."""

    def __init__(self, connection: RecordingConnection) -> None:
        self.connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self._closed = False

    @property
    def description(self) -> Sequence[Any]:
        return self.described

    def setinputsizes(self, *sizes: Any) -> None:
        self.connection.sizes = sizes

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        self._check(sql, [values])
        self.connection._note("execute", sql, tuple(values))
        self._answer(sql)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._check(sql, rows)
        self.connection._note("executemany", sql, [tuple(row) for row in rows])
        self._answer(sql)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        self._closed = True

    def _check(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if self._closed:
            raise self.connection.error("the cursor is closed")
        count = _LITERAL.sub("", sql).count(self.connection.placeholder)
        for row in rows:
            if len(row) != count:
                raise self.connection.error(f"{count} placeholders, {len(row)} values: {sql}")

    def _answer(self, sql: str) -> None:
        found = next(
            (a for part, a in reversed(self.connection.answers.items()) if part in sql), []
        )
        if isinstance(found, Exception):
            raise found
        self._rows = list(found)


Opener = Callable[..., RecordingConnection]
