"""Segments of a sweep: which rows of (key, cursor) stand at one side alone.

Two ways, for the two ways rows travel: raw rows are compared as bytes, since both stores write the
same value the same way; record batches as columns of canonical lines (see linesegment.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, Protocol

from bridge.hold import Hold
from bridge.plan import Plan
from connectors.changes import SEEN
from connectors.connector import Chunk, RowStream
from connectors.table import TableName

__all__ = ["EVERYTHING", "RawSegments", "Segments"]

_SEEN = TableName(SEEN)
EVERYTHING = 1 << 62


class Segments(Protocol):
    """How a sweep takes a segment from the source and holds it against the copy's key range."""

    def of_source(self, stream: RowStream, limit: int) -> Any:
        """The next rows of the source, at most `limit`."""

    def last_key(self, segment: Any) -> str | None:
        """The highest key of a segment as the ledger writes it; None if it has no row."""

    def difference(self, there: Any, here: RowStream) -> tuple[Iterator[Chunk], Iterator[Chunk]]:
        """Rows of the source that the copy lacks, and the other way round."""


class RawSegments:
    """Rows in a raw format, as bytes."""

    def __init__(self, held: Hold, plan: Plan) -> None:
        self._exchange = held.exchange
        self._format = plan.pull_format
        self._changes = plan.changes
        self._exchange.execute_all(plan.changes.see())

    def of_source(self, stream: RowStream, limit: int) -> list[bytes]:
        return list(chain.from_iterable(stream.part(limit)))

    def last_key(self, segment: list[bytes]) -> str | None:
        """The exchange reads the key out of the raw row."""
        if not segment:
            return None
        exchange = self._exchange
        exchange.load(_SEEN, self._changes.swept, iter([segment[-1:]]), self._format)
        found = exchange.rows(self._changes.highest_key(_SEEN))
        exchange.execute(f"DELETE FROM {self._changes.dialect.quote(SEEN)}")
        return json.dumps(found[0])

    def difference(
        self, there: list[bytes], here: RowStream
    ) -> tuple[Iterator[Chunk], Iterator[Chunk]]:
        held = list(chain.from_iterable(here.part(EVERYTHING)))
        if there == held:
            return iter([]), iter([])
        late = set(there)
        gone = [row for row in held if row not in late]
        late.difference_update(held)
        return iter([list(late)]), iter([gone])
