"""Rows read from MariaDB and MySQL: one text of the server a row, carried as the bytes it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from connectors.errors import PermanentError
from connectors.selection import Format
from connectors.stream import Chunk, GaugedRows

__all__ = ["MysqlRows"]

_ROWS_TO_WAIT_FOR = 20_000


class MysqlRows(GaugedRows):
    """The lines of one SELECT of one column, unbuffered; `chunk_of` makes a chunk of some of them.
    `stop` ends the statement from another session: what is not read would else still be sent."""

    def __init__(
        self,
        driver: Any,
        sql: bytes,
        format: Format,
        chunk_of: Callable[[list[bytes]], Chunk],
        translated: Callable[[], AbstractContextManager[None]],
        stop: Callable[[], None],
    ) -> None:
        self.format = format
        self._chunk_of = chunk_of
        self._translated = translated
        self._stop = stop
        self._result = _bytes_of(driver, sql)
        super().__init__()

    def close(self) -> None:
        """Reads on for a little; a statement with more to say is ended."""
        result, self._result = self._result, None
        was_exhausted, self.exhausted = self.exhausted, True
        if result is None or was_exhausted:
            return
        with self._translated():
            if len(result.fetch_row(_ROWS_TO_WAIT_FOR, 0)) < _ROWS_TO_WAIT_FOR:
                return
            self._stop()
            with suppress(Exception):
                while result.fetch_row(_ROWS_TO_WAIT_FOR, 0):
                    pass

    def _fetch(self, size: int) -> list[bytes]:
        with self._translated():
            rows = [line for (line,) in self._result.fetch_row(size, 0)]
        if None in rows:
            self.close()
            raise PermanentError(
                "a row is longer than the server's max_allowed_packet",
                remedy="raise max_allowed_packet at the server",
            )
        return rows

    def _chunk(self, rows: list[bytes]) -> tuple[Chunk, int]:
        return self._chunk_of(rows), sum(map(len, rows))


def _bytes_of(driver: Any, sql: bytes) -> Any:
    """The driver would turn a text into a str, one by one."""
    known, driver.converter = driver.converter, {}
    try:
        driver.query(sql)
        return driver.use_result()
    finally:
        driver.converter = known
