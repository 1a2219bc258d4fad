"""Rows read from SQLite, as record batches of canonical texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from connectors.canonical import UNREADABLE
from connectors.charset import decoded
from connectors.connector import Chunk, RowStream
from connectors.selection import Format

__all__ = ["SqliteRows"]

_MOST_ROWS = 10_000
_FIRST_ROWS = 200
_BATCH_BYTES = 16 << 20


class SqliteRows(RowStream):
    """The rows of one SELECT whose columns are all text, the last being the position of the first
    unreadable column. One row is fetched ahead, to know the end when it is reached."""

    format = Format.ARROW

    def __init__(
        self,
        cursor: Any,
        names: Sequence[str],
        charsets: Sequence[str],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._cursor = cursor
        self._names = list(names)
        self._charsets = charsets
        self._translated = translated
        self._size = _FIRST_ROWS
        self._handed_out = 0
        self._ahead = self._fetch(1)
        self.exhausted = not self._ahead

    @property
    def handed_out(self) -> int:
        return self._handed_out

    def part(self, limit: int) -> Iterator[Chunk]:
        while limit > 0 and not self.exhausted:
            size = min(limit, self._size)
            rows = self._ahead + self._fetch(size)
            rows, self._ahead = rows[:size], rows[size:]
            self.exhausted = not self._ahead
            self._handed_out += len(rows)
            limit -= len(rows)
            batch = self._batch(rows)
            self._size = min(_MOST_ROWS, max(1, _BATCH_BYTES * len(rows) // (batch.nbytes + 1)))
            yield batch

    def close(self) -> None:
        """Lets the file go: a statement half read keeps its lock on it."""
        self.exhausted = True
        self._cursor.close()

    def _fetch(self, size: int) -> list[tuple[bytes | None, ...]]:
        """Texts as bytes: the driver would fail on the first one that is not valid UTF-8."""
        connection = self._cursor.connection
        with self._translated():
            connection.text_factory = bytes
            try:
                found: list[tuple[bytes | None, ...]] = self._cursor.fetchmany(size)
            finally:
                connection.text_factory = str
        return found

    def _batch(self, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
        *fields, positions = zip(*rows, strict=True)
        unreadable = list(positions)
        columns = [self._text(place, field, unreadable) for place, field in enumerate(fields)]
        names = list(self._names)
        if any(place is not None for place in unreadable):
            found = [None if place is None else self._names[place] for place in unreadable]
            columns.append(pa.array(found, pa.string()))
            names.append(UNREADABLE)
        return decoded(pa.RecordBatch.from_arrays(columns, names), self._charsets)

    def _text(self, place: int, field: Sequence[bytes | None], unreadable: list[int | None]) -> Any:
        array = pa.array(field, pa.binary())
        try:
            return array.cast(pa.string())
        except pa.ArrowInvalid:
            return pa.array(list(_readable(place, field, unreadable)), pa.string())


def _readable(
    place: int, field: Sequence[bytes | None], unreadable: list[int | None]
) -> Iterator[str | None]:
    for row, value in enumerate(field):
        try:
            yield None if value is None else value.decode()
        except UnicodeDecodeError:
            first = unreadable[row]
            unreadable[row] = place if first is None else min(place, first)
            yield value.decode(errors="backslashreplace") if value else None
