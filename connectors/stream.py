"""Rows on their way out of a store, and the files that some of them come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from connectors.selection import Format

__all__ = ["Chunk", "GaugedRows", "RowStream", "SourceFile", "WaitingFile"]

_FIRST_ROWS = 20
_MOST_ROWS = 5_000
_MOST_BYTES = 4 << 20
_GROWTH = 4

Chunk: TypeAlias = Any
"""An Arrow record batch, or a list of rows in a raw format."""


class RowStream(ABC):
    """Rows being read. Memory is bounded by one chunk, whatever the table's size."""

    format: Format
    exhausted: bool = False
    """True once the last row has been handed out."""

    @abstractmethod
    def part(self, limit: int) -> Iterator[Chunk]:
        """The next rows, at most `limit` of them, in order.

        A record batch has the selection's outputs, all text. What is no value of its column's type
        comes as the text it is. Where no text can stand for it (bytes that are no UTF-8, bytes in
        a text column), a further column `bh_unreadable` names, for each row, the first output of
        which that holds; batches without such a row are without that column. Rows of files come
        with `bh_place`, where in its file each stands, and `bh_why`, a stable word for what is
        wrong with an unreadable one; a row that is unreadable as a whole names `bh_place`.
        """

    @property
    @abstractmethod
    def handed_out(self) -> int:
        """Rows handed out so far, over all parts."""

    def close(self) -> None:
        """Ends a stream that nobody will read to its end; the session may go on."""
        self.exhausted = True


class GaugedRows(RowStream):
    """Rows that are fetched so many at once that a chunk has some megabytes, as the rows before
    them tell. One row is fetched ahead, so that the end is known with the last row."""

    def __init__(self) -> None:
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
            chunk, size_bytes = self._chunk(rows)
            within = max(1, _MOST_BYTES * len(rows) // (size_bytes + 1))
            self._size = min(_MOST_ROWS, within, _GROWTH * self._size)
            yield chunk

    @abstractmethod
    def _fetch(self, size: int) -> list[Any]:
        """The next rows, fewer than `size` only at the end."""

    @abstractmethod
    def _chunk(self, rows: list[Any]) -> tuple[Chunk, int]:
        """Of these rows, and how many bytes it has."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a source is made of, as it was when it was looked at. What is known once it has
    been read: `sha256`, and how many `rows` it has and how many `blank` ones were passed over."""

    name: str
    size_bytes: int
    modified_ns: int
    sha256: str = ""
    rows: int = 0
    blank: int = 0


@dataclass(frozen=True)
class WaitingFile:
    """A file that may not be read yet, and why."""

    file: SourceFile
    why: str

    def __str__(self) -> str:
        return f"{self.file.name} {self.why}"
