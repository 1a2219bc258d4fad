"""Rows that a DB-API cursor fetches, as record batches of canonical texts, by whole columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import pyarrow as pa

from connectors.charset import decoded
from connectors.connector import Chunk, RowStream
from connectors.selection import Format, Output

__all__ = ["FetchedRows", "Rendering"]

Rendering: TypeAlias = Callable[[Any], str]
"""The canonical text of one value, where the server does not give it; never called for NULL."""

_MOST_ROWS = 10_000
_FIRST_ROWS = 500
_BATCH_BYTES = 16 << 20


class FetchedRows(RowStream):
    """The rows of one SELECT. One row is fetched ahead, to know the end when it is reached; how
    many are fetched at once follows from their size."""

    format = Format.ARROW

    def __init__(
        self,
        cursor: Any,
        outputs: Sequence[Output],
        renderings: Sequence[Rendering | None],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._cursor = cursor
        self._names = [output.name for output in outputs]
        self._charsets = [output.column.charset for output in outputs]
        self._renderings = renderings
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
        """Ends the server's cursor; what it has sent already is thrown away."""
        self.exhausted = True
        with self._translated():
            self._cursor.close()

    def _fetch(self, size: int) -> list[Any]:
        with self._translated():
            return list(self._cursor.fetchmany(size))

    def _batch(self, rows: list[Any]) -> pa.RecordBatch:
        columns = [
            pa.array(field if render is None else _rendered(field, render), pa.string())
            for field, render in zip(zip(*rows, strict=True), self._renderings, strict=True)
        ]
        return decoded(pa.RecordBatch.from_arrays(columns, self._names), self._charsets)


def _rendered(field: Sequence[Any], render: Rendering) -> list[str | None]:
    return [None if value is None else render(value) for value in field]
