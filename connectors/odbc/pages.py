"""A cursor for drivers that keep a whole result in memory: it asks for one page after another.

A page ends between two keys, never inside one: rows that share a key, which a job's own key may
have, stay together, and so do those with a NULL in it, after which no range can begin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

__all__ = ["Key", "PagedCursor"]

Key: TypeAlias = tuple[str | None, ...]


class PagedCursor:
    """Rows in key order. `page` yields at most so many of those above a key (None: all of them),
    each with its key's canonical texts behind its own `width` fields."""

    def __init__(self, page: Callable[[Key | None, int], Sequence[Any]], width: int) -> None:
        self._page = page
        self._width = width
        self._low: Key | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._done = False

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        while len(self._rows) < size and not self._done:
            self._turn(size)
        found, self._rows = self._rows[:size], self._rows[size:]
        return found

    def close(self) -> None:
        self._rows, self._done = [], True

    def _turn(self, size: int) -> None:
        rows = [tuple(row) for row in self._page(self._low, size + 1)]
        if len(rows) <= size:
            self._done = True
            end = len(rows)
        else:
            end = self._boundary(rows)
            if end == 0:  # one key fills the page
                self._turn(size * 2)
                return
            self._low = self._key(rows[end - 1])
        self._rows += [row[: self._width] for row in rows[:end]]

    def _boundary(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """How many rows lie below the last one's key, the last of them with a key in full."""
        end = len(rows) - 1
        while end and (self._key(rows[end - 1]) == self._key(rows[-1])):
            end -= 1
        return 0 if end and None in self._key(rows[end - 1]) else end

    def _key(self, row: tuple[Any, ...]) -> Key:
        return row[self._width :]
