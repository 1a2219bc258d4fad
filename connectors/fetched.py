"""Rows that a DB-API cursor fetches, as record batches of canonical texts, by whole columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import pyarrow as pa

from connectors.charset import decoded
from connectors.selection import Format, Output
from connectors.stream import GaugedRows

__all__ = ["FetchedRows", "Rendering"]

Rendering: TypeAlias = Callable[[Any], str]
"""The canonical text of one value, where the server does not give it; never called for NULL."""


class FetchedRows(GaugedRows):
    """The rows of one SELECT."""

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
        super().__init__()

    def close(self) -> None:
        """Ends the server's cursor; what it has sent already is thrown away."""
        self.exhausted = True
        with self._translated():
            self._cursor.close()

    def _fetch(self, size: int) -> list[Any]:
        with self._translated():
            return list(self._cursor.fetchmany(size))

    def _chunk(self, rows: list[Any]) -> tuple[pa.RecordBatch, int]:
        columns = [
            pa.array(field if render is None else _rendered(field, render), pa.string())
            for field, render in zip(zip(*rows, strict=True), self._renderings, strict=True)
        ]
        batch = decoded(pa.RecordBatch.from_arrays(columns, self._names), self._charsets)
        return batch, batch.nbytes


def _rendered(field: Sequence[Any], render: Rendering) -> list[str | None]:
    return [None if value is None else render(value) for value in field]
