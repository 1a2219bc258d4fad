"""PostgreSQL's COPY: rows carried raw in its binary format, or as CSV of canonical texts.

Binary rows are not looked at: the header is taken off at one end and put on at the other, and
constants are appended as further fields. The server sends one row a message, so a stream can be
cut after any row.
"""

from __future__ import annotations

import io
import struct
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from connectors.connector import Chunk, RowStream
from connectors.selection import Format
from connectors.table import Column, Kind

__all__ = ["CopyStream", "csv_blocks", "raw_blocks"]

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_ROWS_AT_ONCE = {Format.PGCOPY: 500, Format.ARROW: 10_000}


class CopyStream(RowStream):
    """Rows of one COPY TO STDOUT."""

    def __init__(
        self,
        copy: AbstractContextManager[Any],
        format: Format,
        names: Sequence[str],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.format = format
        self._translated = translated
        self._names = list(names)
        self._context = copy
        self._rows: Iterator[Any] = iter(copy.__enter__())
        self._handed_out = 0
        try:
            self._start()
        except BaseException:
            self.close()  # the driver's lock on the session would never be let go
            raise

    def _start(self) -> None:
        self._next = next(self._rows, None)
        if self._next is not None and self.format is Format.PGCOPY:
            self._next = bytes(self._next)[len(_HEADER) :] or next(self._rows)
        self._end_if_done()

    @property
    def handed_out(self) -> int:
        return self._handed_out

    def part(self, limit: int) -> Iterator[Chunk]:
        while limit > 0 and self._next is not None:
            with self._translated():  # whoever consumes the rows would take the error for its own
                rows = self._read(min(limit, _ROWS_AT_ONCE[self.format]))
            self._handed_out += len(rows)
            limit -= len(rows)
            yield rows if self.format is Format.PGCOPY else self._batch(rows)

    def _read(self, count: int) -> list[bytes]:
        rows = [self._next, *islice(self._rows, count - 1)]
        self._next = next(self._rows, None)
        if self._next is None and rows[-1] == _TRAILER:
            rows.pop()
        self._end_if_done()
        return rows

    def close(self) -> None:
        if not self.exhausted:
            self.exhausted = True
            stopped = GeneratorExit("stream abandoned")
            self._context.__exit__(GeneratorExit, stopped, None)

    def _end_if_done(self) -> None:
        """One row is read ahead, so that the end is known with the last row. Binary rows are
        followed by a trailer."""
        if self._next is not None and self._next == _TRAILER and self.format is Format.PGCOPY:
            self._next = next(self._rows, None)
        if self._next is None and not self.exhausted:
            self.exhausted = True
            self._context.__exit__(None, None, None)

    def _batch(self, rows: list[bytes]) -> pa.RecordBatch:
        text = b"".join(rows)
        if text.startswith(BOM_UTF8):  # the reader would take a value's own for the file's
            text = BOM_UTF8 + text
        table = csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(
                column_names=self._names, use_threads=False, block_size=1 << 30
            ),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return table.combine_chunks().to_batches()[0]


def raw_blocks(
    chunks: Iterator[Chunk], columns: Sequence[Column], constants: Mapping[str, int]
) -> Iterator[tuple[int, bytes]]:
    """Rows and bytes of a binary COPY FROM STDIN; constants are appended as bigint fields."""
    yield 0, _HEADER
    if not constants:
        for rows in chunks:
            yield len(rows), b"".join(rows)
    else:
        count = struct.pack(">h", len(columns) + len(constants))
        tail = b"".join(struct.pack(">iq", 8, value) for value in constants.values())
        for rows in chunks:
            parts: list[Any] = []
            for row in rows:
                parts += (count, row[2:], tail)
            yield len(rows), b"".join(parts)
    yield 0, _TRAILER


_WRITE = csv.WriteOptions(include_header=False, quoting_style="all_valid", batch_size=10_000)


def csv_blocks(
    chunks: Iterator[Chunk], columns: Sequence[Column], constants: Mapping[str, int]
) -> Iterator[tuple[int, bytes]]:
    """Rows and bytes of a CSV COPY FROM STDIN: NULL is empty, every value is quoted."""
    for batch in chunks:
        if batch.num_rows == 0:
            continue
        arrays = [
            _hexed(array) if column.type.kind is Kind.BINARY else array
            for column, array in zip(columns, batch.columns[: len(columns)], strict=True)
        ]
        arrays += [pa.array([str(v)] * batch.num_rows, pa.string()) for v in constants.values()]
        names = [f"c{position}" for position in range(len(arrays))]
        sink = io.BytesIO()
        csv.write_csv(pa.RecordBatch.from_arrays(arrays, names), sink, _WRITE)
        yield batch.num_rows, sink.getvalue()


def _hexed(array: pa.StringArray) -> pa.StringArray:
    prefix = pa.array(["\\x"] * len(array), pa.string())
    empty = pa.array([""] * len(array), pa.string())
    return pc.binary_join_element_wise(prefix, array, empty)
