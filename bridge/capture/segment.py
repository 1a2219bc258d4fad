"""Segments of a sweep: which rows of (key, cursor) stand at one side alone.

Two ways, for the two ways rows travel: raw rows are compared as bytes, since both stores write the
same value the same way; record batches as columns of canonical lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from bridge.hold import Hold
from bridge.intake import Intake
from bridge.plan import Plan
from bridge.transform.textarray import lines_of, pc
from connectors.changes import CURSOR, SEEN
from connectors.connector import Chunk, RowStream
from connectors.table import TableName

__all__ = ["ArrowSegments", "RawSegments", "Segments"]

_SEEN = TableName(SEEN)
_EVERYTHING = 1 << 62


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
        return [bytes(row) for rows in stream.part(limit) for row in rows]

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
        kept = {bytes(row) for rows in here.part(_EVERYTHING) for row in rows}
        seen = set(there)
        return iter([list(seen - kept)]), iter([list(kept - seen)])


class ArrowSegments:
    """Record batches, each key and cursor value checked like those of a row."""

    def __init__(self, plan: Plan, intake: Intake) -> None:
        self._key = plan.route.key
        self._intake = intake
        self._schema = pa.schema([(name, pa.string()) for name in (*self._key, CURSOR)])

    def of_source(self, stream: RowStream, limit: int) -> pa.RecordBatch:
        return self._whole(self._intake.read_keys(stream, limit))

    def last_key(self, segment: pa.RecordBatch) -> str | None:
        if segment.num_rows == 0:
            return None
        last = segment.slice(segment.num_rows - 1).to_pylist()[0]
        return json.dumps([last[name] for name in self._key])

    def difference(
        self, there: pa.RecordBatch, here: RowStream
    ) -> tuple[Iterator[Chunk], Iterator[Chunk]]:
        names = range(len(self._schema))
        held = self._whole([batch.select(names) for batch in here.part(_EVERYTHING)])
        seen, kept = lines_of(there.columns), lines_of(held.columns)
        late = there.filter(pc.invert(pc.is_in(seen, value_set=kept)))
        gone = held.filter(pc.invert(pc.is_in(kept, value_set=seen)))
        return iter([late]), iter([gone])

    def _whole(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        """One batch, also where there is no row."""
        table = pa.Table.from_batches(batches, self._schema).combine_chunks()
        return next(iter(table.to_batches()), pa.RecordBatch.from_pylist([], self._schema))
