"""Rows by INSERT, some hundreds a statement: for servers that do not take LOAD DATA LOCAL.

A third as fast, and as strict: what is not refused but warned of is an error too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.connector import Chunk
from connectors.csvlines import batch_of
from connectors.errors import RowRefused
from connectors.mysql.dialect import MysqlDialect
from connectors.mysql.types import reads_as_it_is
from connectors.selection import Format
from connectors.table import Column, Kind, TableName

__all__ = ["insert"]

_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 4 << 20  # well below any max_allowed_packet in use


def insert(
    cursor: Any,
    dialect: MysqlDialect,
    table: TableName,
    columns: Sequence[Column],
    constants: Mapping[str, int],
    chunks: Iterator[Chunk],
    format: Format,
    check: Callable[[int], None],
) -> int:
    """Inserts all rows; `check` is called with the number of each statement's."""
    names = dialect.columns([*(c.name for c in columns), *constants])
    places = [_place(dialect, c) for c in columns]
    one = ", ".join([*places, *map(str, constants.values())])
    total = 0
    for rows in _portions(chunks, columns, places, format):
        values = ", ".join([f"({one})"] * len(rows))
        statement = f"INSERT INTO {dialect.table(table)} ({names})\nVALUES {values}"
        cursor.execute(statement, tuple(chain.from_iterable(rows)))
        check(len(rows))
        total += len(rows)
    return total


def _place(dialect: MysqlDialect, column: Column) -> str:
    return "%s" if reads_as_it_is(column.type) else dialect.parse("%s", column.type)


def _portions(
    chunks: Iterator[Chunk], columns: Sequence[Column], places: Sequence[str], format: Format
) -> Iterator[list[tuple[str | None, ...]]]:
    """Each value as often as its place asks for it."""
    for chunk in chunks:
        if not len(chunk):
            continue
        batch = _of_lines(chunk, columns) if format is Format.CSV else chunk
        width = max(1, batch.nbytes // batch.num_rows)
        size = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // (2 * width)))
        if any(pc.any(pc.match_substring(array, "\0")).as_py() for array in batch.columns):
            raise RowRefused("a text holds a NUL character", remedy="look at the row's value")
        fields = [
            array.to_pylist()
            for array, place in zip(batch.columns[: len(columns)], places, strict=True)
            for _ in range(place.count("%s"))
        ]
        rows = list(zip(*fields, strict=True))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


def _of_lines(lines: list[bytes], columns: Sequence[Column]) -> Any:
    """In ready lines bytes have a mark before their hex."""
    batch = batch_of(lines, [c.name for c in columns], [""] * len(columns))
    for place, column in enumerate(columns):
        if column.type.kind is Kind.BINARY:
            plain = [None if v is None else v[2:] for v in batch.column(place).to_pylist()]
            batch = batch.set_column(place, column.name, pa.array(plain, pa.string()))
    return batch
