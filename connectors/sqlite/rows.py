"""Rows read from SQLite, as record batches of canonical texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from connectors.canonical import UNREADABLE
from connectors.charset import decoded
from connectors.selection import Format
from connectors.stream import GaugedRows

__all__ = ["SqliteRows"]


class SqliteRows(GaugedRows):
    """The rows of one SELECT whose columns are all text, the last being the position of the first
    unreadable column."""

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
        super().__init__()

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

    def _chunk(self, rows: list[tuple[Any, ...]]) -> tuple[pa.RecordBatch, int]:
        *fields, positions = zip(*rows, strict=True)
        unreadable = list(positions)
        columns = [self._text(place, field, unreadable) for place, field in enumerate(fields)]
        names = list(self._names)
        if any(place is not None for place in unreadable):
            found = [None if place is None else self._names[place] for place in unreadable]
            columns.append(pa.array(found, pa.string()))
            names.append(UNREADABLE)
        batch = decoded(pa.RecordBatch.from_arrays(columns, names), self._charsets)
        return batch, batch.nbytes

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
