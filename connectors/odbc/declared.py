"""A cursor of the server's own, for drivers that keep a whole result in memory, or die over one of
their own cursors when the line is lost: each portion is a statement with a small result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

__all__ = ["DeclaredCursor"]

Execute: TypeAlias = Callable[[str, Sequence[object]], Any]


class DeclaredCursor:
    """The rows of one SELECT, in the transaction in which it is declared. `name` is quoted, and no
    other open cursor's."""

    def __init__(self, execute: Execute, name: str, sql: str, values: Sequence[object]) -> None:
        self._execute = execute
        self._name = name
        self._done = False
        execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", values)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        if self._done:
            return []
        rows: list[tuple[Any, ...]] = self._execute(
            f"FETCH {size} FROM {self._name}", ()
        ).fetchall()
        if len(rows) < size:
            self._done = True
            self._execute(f"CLOSE {self._name}", ())
        return rows

    def close(self) -> None:
        """What is not read to its end ends with its transaction, which may have failed."""
        self._done = True
