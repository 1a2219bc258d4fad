"""The sweep: keys and cursor values of source and current copy, compared both ways.

Finds what no window shows: rows stamped below the watermark or not at all, and rows that are gone.
Runs segment by segment in key order, inside the snapshot of the window's rows; after `BUDGET_ROWS`
of the source it stops, and the next run goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bridge.capture.image import key_range
from bridge.capture.segment import RawSegments, Segments
from bridge.hold import Hold
from bridge.intake import Intake, every_row, forget_refused, staged_keys
from bridge.ledger import Ledger
from bridge.ledger.quarantine import Quarantine
from bridge.plan import Plan
from connectors.changes import CURSOR, GONE, LATE, STAGE
from connectors.connector import RowStream
from connectors.selection import Format, Output, Selection, Span, span_bounds
from connectors.table import Table, TableName

__all__ = ["BUDGET_ROWS", "Sweep"]

BUDGET_ROWS = 20_000_000
_AT_ONCE = 1_000
"""Keys, and as many values of keys in one question to the source: a server may take no more than
some two thousand."""
SEGMENT_ROWS = 50_000
_STAGE, _GONE, _LATE = TableName(STAGE), TableName(GONE), TableName(LATE)


class Sweep:
    """One sweep, or the part of it that the budget allows, into the stage of the window."""

    def __init__(
        self, held: Hold, plan: Plan, intake: Intake, ledger: Ledger, young: Span | None
    ) -> None:
        self._held = held
        self._plan = plan
        self._intake = intake
        self._ledger = ledger
        self._young = young
        self.saw_everything = False
        """Whether each row of the source was looked at, or at least each that is set aside."""
        self.unsettled: set[str] = set()
        """Open entries of rows whose key is not known, which this part has not come by."""
        self._ends_round = False
        self._columns = plan.changes.swept
        self._format = plan.pull_format
        if self._format not in (Format.ARROW, *held.exchange.capabilities.reads):
            self._format = Format.ARROW
        self._segments: Segments
        if self._format is Format.ARROW:
            # Only here, since it costs a quarter of a second to load.
            from bridge.capture.linesegment import LineSegments

            self._segments = LineSegments(plan, intake)
        else:
            self._segments = RawSegments(held, plan)

    def run(self) -> int:
        """Stages late rows and missing keys if a sweep is due; returns how many rows came late."""
        if not self._ledger.sweep_is_due(self._held.job.capture.deletes.sweep):
            return 0
        exchange, changes = self._held.exchange, self._plan.changes
        self._compare_segments()
        exchange.execute_all(changes.settle_differences())
        self._leave_young_rows()
        forget_refused(self._held, self._plan, LATE, self._intake.refused)
        before = self._intake.read
        self._read_late()
        if self._ends_round and not self.saw_everything:
            self._read_set_aside()
            self.saw_everything = True
        return self._intake.read - before

    def _compare_segments(self) -> None:
        """Reads source and copy once, side by side, from where the last sweep stopped."""
        exchange, source = self._held.exchange, self._held.source
        low = first = self._ledger.sweep_position()
        stream = source.read(self._of_source(low), self._format)
        with closing(_segments_ahead(self._segments, stream)) as ahead:
            for there, is_last in ahead:
                high = None if is_last else self._segments.last_key(there)
                if high is None and not is_last:  # no key up to which anything could be missing
                    continue
                here = exchange.read(self._of_copy(low, high), self._format)
                late, gone = self._segments.difference(there, here)
                exchange.load(_LATE, self._columns, late, self._format)
                exchange.load(_GONE, self._columns, gone, self._format)
                low = high
        if stream.exhausted:
            self._ends_round, self.saw_everything = True, first is None
            self._ledger.swept(datetime.now(UTC))
        else:
            stream.close()
            self._ledger.keep_sweep_position(low)

    def _leave_young_rows(self) -> None:
        """What was stamped between the horizon and now is not late: the next window reads it. A
        stamp of the future is: no window would reach it for long."""
        if self._young is None:
            return
        low, high = span_bounds(self._young, lambda: ZoneInfo("UTC"))
        if low is not None and high is not None:
            self._held.exchange.execute(self._plan.changes.forget_young(low, high))

    def _of_source(self, low: str | None) -> Selection:
        plan = self._plan
        outputs = [
            Output(source, kept.type) for source, kept in zip(plan.key, self._columns, strict=False)
        ]
        if plan.cursor is None or plan.changes.cursor is None:
            raise ValueError("only a cursor job is swept")
        outputs.append(Output(plan.cursor, plan.changes.cursor, CURSOR))
        return Selection(plan.table, tuple(outputs), plan.key, key_range(low, None))

    def _of_copy(self, low: str | None, high: str | None) -> Selection:
        changes = self._plan.changes
        outputs = tuple(Output(c, c.type) for c in self._columns)
        keys = key_range(low, high)
        return Selection(Table(changes.copy, changes.staged), outputs, changes.key_columns, keys)

    def _read_late(self) -> None:
        exchange, changes = self._held.exchange, self._plan.changes
        while keys := exchange.rows(changes.late_keys(_AT_ONCE)):
            self._read(tuple(tuple(map(str, key)) for key in keys))
            exchange.execute(changes.forget(LATE, keys))

    def _read_set_aside(self) -> None:
        """What earlier parts of this round have set aside: only a look tells whether it is there
        still. What this part has read is known already."""
        refused = {entry.key for entry in self._intake.refused}
        connection = self._held.exchange.connection
        quarantine = Quarantine(connection, self._held.department, self._held.name)
        keys = (key for key in quarantine.open_keys() if key not in refused)
        while page := list(islice(keys, _AT_ONCE)):
            self.unsettled |= {key for key in page if None in json.loads(key)}
            staged = staged_keys(self._held, self._plan, page)
            wanted = {*page} - self.unsettled - staged
            self._read(tuple(tuple(json.loads(key)) for key in sorted(wanted)))

    def _read(self, keys: tuple[tuple[str, ...], ...]) -> None:
        """Rows by key, from the same snapshot, into the stage."""
        size = max(1, _AT_ONCE // len(self._plan.key))
        for start in range(0, len(keys), size):
            among = keys[start : start + size]
            selection = replace(every_row(self._plan), among=among)
            stream = self._held.source.read(selection, self._plan.pull_format)
            while not stream.exhausted:  # more rows than keys, where they are repeated
                self._intake.load(stream, len(among), _STAGE)


def _segments_ahead(segments: Segments, stream: RowStream) -> Generator[tuple[Any, bool]]:
    """Segments of the source, and of each whether it is the source's last; ends with the stream, or
    after `BUDGET_ROWS` of it. While one is compared, a thread reads the next: the source's session
    is its own until the iterator is closed."""
    with ThreadPoolExecutor(1, "sweep") as reader:
        more = True
        coming = reader.submit(segments.of_source, stream, SEGMENT_ROWS)
        while more:
            segment, is_last = coming.result(), stream.exhausted
            more = not is_last and stream.handed_out < BUDGET_ROWS
            if more:
                coming = reader.submit(segments.of_source, stream, SEGMENT_ROWS)
            yield segment, is_last
