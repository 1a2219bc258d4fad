"""PostgreSQL's COPY: rows carried raw in its binary format, or as CSV (see text.py).

Binary rows are not looked at: the header is taken off at one end and put on at the other, and
constants are appended as further fields. The server sends one row a message, so a stream can be
cut after any row.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from connectors.connector import Chunk, RowStream
from connectors.selection import Format
from connectors.table import Column

__all__ = ["CopyStream", "raw_blocks"]

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_ROWS_AT_ONCE = {Format.PGCOPY: 500, Format.ARROW: 10_000}


class CopyStream(RowStream):
    """Rows of one COPY TO STDOUT; `chunk_of` makes a chunk of some of them."""

    def __init__(
        self,
        copy: AbstractContextManager[Any],
        format: Format,
        chunk_of: Callable[[list[bytes]], Chunk],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.format = format
        self._translated = translated
        self._chunk_of = chunk_of
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
            yield self._chunk_of(rows)

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
