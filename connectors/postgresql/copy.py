"""PostgreSQL's COPY: rows carried raw in its binary format, or as CSV (see text.py).

Binary rows are not looked at: the header is taken off at one end and put on at the other, and
constants are appended as further fields. The server sends one row a message, so a stream can be
cut after any row.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from connectors.selection import Format
from connectors.stream import Chunk, GaugedRows
from connectors.table import Column

__all__ = ["CopyOut", "CopyStream", "line_blocks", "raw_blocks"]

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_CANCEL_SECONDS = 5.0


class CopyOut:
    """COPY TO STDOUT read straight from libpq: a row costs less than half of what the driver's own
    iterator takes, and the session waits without holding the interpreter."""

    def __init__(self, connection: Any, sql: bytes) -> None:
        """Starts the COPY in the transaction that is open. Raises the driver's errors."""
        self._session = connection
        self._pgconn = connection.pgconn
        self._pgconn.send_query(sql)
        self._done = False
        result = self._result()
        self._done = result.status != ExecStatus.COPY_OUT
        if self._done:
            self._drain()
            raise error_from_result(result)

    def take(self, count: int) -> list[bytes]:
        """The next rows as messages; fewer than `count` only at the end."""
        rows: list[bytes] = []
        get, keep = self._pgconn.get_copy_data, rows.append
        while len(rows) < count and not self._done:
            size, data = get(1)
            if size > 0:
                keep(bytes(data))
            elif size == 0:
                self._wait()
            else:
                self._finish()
        return rows

    def close(self) -> None:
        """Stops the server's work on rows that nobody will read. One that cannot be told so is
        left: the session ends."""
        if self._done:
            return
        self._done = True
        try:
            self._session.cancel_safe(timeout=min(_CANCEL_SECONDS, self._session.silence_limit))
        except psycopg.Error:
            self._session.close()
            return
        while (size := self._pgconn.get_copy_data(1)[0]) >= 0:
            if size == 0:
                self._wait()
        self._drain()

    def _finish(self) -> None:
        self._done = True
        result = self._result()
        self._drain()
        if result is not None and result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)

    def _drain(self) -> None:
        while self._result() is not None:
            pass

    def _result(self) -> Any:
        """The next result, which libpq itself would wait for without end."""
        while self._pgconn.is_busy():
            self._wait()
        return self._pgconn.get_result()

    def _wait(self) -> None:
        if not select.select([self._pgconn.socket], [], [], self._session.silence_limit)[0]:
            self._done = True
            raise self._session.give_up()
        self._pgconn.consume_input()


class CopyStream(GaugedRows):
    """Rows of one COPY TO STDOUT; `chunk_of` makes a chunk of some of them."""

    def __init__(
        self,
        copy: CopyOut,
        format: Format,
        chunk_of: Callable[[list[bytes]], Chunk],
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.format = format
        self._translated = translated
        self._chunk_of = chunk_of
        self._copy = copy
        self._begun = False
        super().__init__()

    def close(self) -> None:
        self.exhausted = True
        self._copy.close()

    def _fetch(self, size: int) -> list[bytes]:
        """Binary rows have a header before them; they end in a trailer, and the command behind."""
        with self._translated():  # whoever consumes the rows would take the error for its own
            rows = self._copy.take(size)
            if self.format is not Format.PGCOPY:
                return rows
            if rows and not self._begun:
                self._begun = True
                first = rows[0][len(_HEADER) :]
                rows[:1] = [first] if first else self._copy.take(1)
            if rows and rows[-1] == _TRAILER:
                rows.pop()
                self._copy.take(1)
            return rows

    def _chunk(self, rows: list[bytes]) -> tuple[Chunk, int]:
        return self._chunk_of(rows), sum(map(len, rows))


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
        between = tail + count
        for rows in chunks:
            if rows:
                yield len(rows), count + between.join([row[2:] for row in rows]) + tail
    yield 0, _TRAILER


def line_blocks(
    chunks: Iterator[Chunk], columns: Sequence[Column], constants: Mapping[str, int]
) -> Iterator[tuple[int, bytes]]:
    """Rows and bytes of a CSV COPY FROM STDIN of ready lines; constants stand before each."""
    before = "".join(f"{value}," for value in constants.values()).encode()
    for lines in chunks:
        if lines:
            yield len(lines), before + before.join(lines)
