"""Rows on their way out of a store, and the files that some of them come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from connectors.selection import Format

__all__ = ["Chunk", "RowStream", "SourceFile"]

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
