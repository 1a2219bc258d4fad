"""Record batches on their way in: what the next stores can hold goes on, the rest is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pyarrow as pa

from bridge.ledger.quarantine import SetAside, key_text
from bridge.plan import Plan
from bridge.transform.refusal import Refusal
from bridge.transform.rows import transform
from bridge.transform.textarray import pc
from bridge.transform.value import check_values
from connectors.changes import CURSOR
from connectors.connector import Chunk

__all__ = ["Sieve"]


class Sieve:
    """Transforms the batches of a plan; rows that are refused are added to `refused`."""

    def __init__(self, plan: Plan, refused: list[SetAside]) -> None:
        self._plan = plan
        self._refused = refused

    def accepted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for batch in chunks:
            done = transform(batch, self._plan.route)
            self._refused += map(_set_aside, done.refused)
            yield self._with_sound_cursor(done.accepted)

    def accepted_keys(self, chunks: Iterator[Chunk]) -> Iterator[pa.RecordBatch]:
        """Keys with their cursor values. A key at fault is set aside like a row, once."""
        route = self._plan.route
        keys = tuple(c for name in route.key for c in route.columns if c.name == name)
        known = {entry.key for entry in self._refused}
        for batch in chunks:
            done = transform(batch, replace(route, columns=keys))
            self._refused += [e for e in map(_set_aside, done.refused) if e.key not in known]
            yield self._with_sound_cursor(done.accepted)

    def _with_sound_cursor(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A stamp that is none counts as NULL: no window shows its row, the sweep does."""
        cursor, kept = self._plan.cursor, self._plan.changes.cursor
        if cursor is None or kept is None:
            return batch
        place = batch.schema.get_field_index(CURSOR)
        stamps = cast(pa.StringArray, batch.column(place))
        values, findings = check_values(stamps, kept, cursor.type, self._plan.route.limits)
        for finding in findings:
            values = pc.if_else(pa.array(finding.rows), pa.scalar(None, pa.string()), values)
        return batch.set_column(place, CURSOR, values)


def _set_aside(refusal: Refusal) -> SetAside:
    """A row of a file whose key cannot be read is known by where it stands."""
    key, place = refusal.key, refusal.place
    if place is not None and None in key:
        key = (*key, place)
    return SetAside(key_text(key), refusal.reason.value, refusal.column, refusal.sample, place)
