"""Bulk loading by array binding: one INSERT, many rows of values, in portions of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar

from connectors.connector import Chunk, Connector
from connectors.selection import Format
from connectors.table import Column, Kind, TableName, Type

__all__ = ["ArrayLoad"]

Values = list[Any]


class ArrayLoad(Connector):
    """A connector whose driver takes arrays. The server turns canonical texts into values by
    `Dialect.parse`; only floats and bytes are bound as what they are."""

    rows_at_once: ClassVar[int] = 1000

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        constants = constants or {}
        d = self.dialect
        names = d.columns([*(c.name for c in columns), *constants])
        places = [self._place(c.type) for c in columns] + [d.placeholder] * len(constants)
        sql = f"INSERT INTO {d.table(table)} ({names})\nVALUES ({', '.join(places)})"
        binders = [_BINDERS.get(c.type.kind, _as_texts) for c in columns]
        rows = 0
        with self._translated():
            cursor = self.driver.cursor()
            for chunk in chunks:
                rows += chunk.num_rows
                for start in range(0, chunk.num_rows, self.rows_at_once):
                    part = chunk.slice(start, self.rows_at_once)
                    fields = [bind(part.column(i)) for i, bind in enumerate(binders)]
                    lines = zip(*fields, *map(repeat, constants.values()), strict=False)
                    self._sizes(cursor, columns, len(constants))
                    cursor.executemany(sql, list(lines))
            cursor.close()
        return rows

    def _place(self, kind: Type) -> str:
        """Where a value of the type goes in the INSERT."""
        if kind.kind in (Kind.FLOAT, Kind.BINARY):
            return self.dialect.placeholder
        return self.dialect.parse(self.dialect.placeholder, kind)

    def _sizes(self, cursor: Any, columns: Sequence[Column], constants: int) -> None:
        """Tells the driver the types of what will be bound, where it cannot see them."""


def _as_texts(array: Any) -> Values:
    found: Values = array.to_pylist()
    return found


def _as_floats(array: Any) -> Values:
    return [None if text is None else float(text) for text in array.to_pylist()]


def _as_bytes(array: Any) -> Values:
    return [None if text is None else bytes.fromhex(text) for text in array.to_pylist()]


_BINDERS: Mapping[Kind, Callable[[Any], Values]] = {
    Kind.FLOAT: _as_floats,
    Kind.BINARY: _as_bytes,
}
