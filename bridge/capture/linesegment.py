"""Segments of a sweep as record batches, compared by their canonical lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from bridge.capture.segment import EVERYTHING
from bridge.intake import Intake
from bridge.plan import Plan
from bridge.transform.sieve import Sieve
from bridge.transform.textarray import lines_of, pc
from connectors.changes import CURSOR
from connectors.connector import Chunk, RowStream

__all__ = ["LineSegments"]


class LineSegments:
    """Record batches, each key and cursor value checked like those of a row."""

    def __init__(self, plan: Plan, intake: Intake) -> None:
        self._plan = plan
        self._key = plan.route.key
        self._intake = intake
        self._schema = pa.schema([(name, pa.string()) for name in (*self._key, CURSOR)])

    def of_source(self, stream: RowStream, limit: int) -> pa.RecordBatch:
        before = len(self._intake.refused)
        sieve = Sieve(self._plan, self._intake.refused)
        segment = self._whole(list(sieve.accepted_keys(stream.part(limit))))
        self._intake.read += len(self._intake.refused) - before
        return segment

    def last_key(self, segment: pa.RecordBatch) -> str | None:
        if segment.num_rows == 0:
            return None
        last = segment.slice(segment.num_rows - 1).to_pylist()[0]
        return json.dumps([last[name] for name in self._key])

    def difference(
        self, there: pa.RecordBatch, here: RowStream
    ) -> tuple[Iterator[Chunk], Iterator[Chunk]]:
        names = range(len(self._schema))
        held = self._whole([batch.select(names) for batch in here.part(EVERYTHING)])
        seen, kept = lines_of(there.columns), lines_of(held.columns)
        late = there.filter(pc.invert(pc.is_in(seen, value_set=kept)))
        gone = held.filter(pc.invert(pc.is_in(kept, value_set=seen)))
        return iter([late]), iter([gone])

    def _whole(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        """One batch, also where there is no row."""
        table = pa.Table.from_batches(batches, self._schema).combine_chunks()
        return next(iter(table.to_batches()), pa.RecordBatch.from_pylist([], self._schema))
