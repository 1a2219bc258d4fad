"""The sweep: keys and cursor values of source and current copy, compared both ways.

Finds what no window shows: rows stamped below the watermark or not at all, and rows that are gone.
Runs segment by segment in key order, inside the snapshot of the window's rows; after `BUDGET_ROWS`
of the source it stops, and the next run goes on from there.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from bridge.capture.image import key_range
from bridge.hold import Hold
from bridge.intake import Intake, every_row, forget_refused
from bridge.ledger import Ledger
from bridge.plan import Plan
from connectors.changes import CURSOR, LATE, SEEN, STAGE
from connectors.selection import Output, Selection
from connectors.table import TableName

__all__ = ["BUDGET_ROWS", "Sweep"]

BUDGET_ROWS = 20_000_000
_SEGMENT_ROWS = 100_000
_LATE_AT_ONCE = 1_000
_SEEN, _STAGE = TableName(SEEN), TableName(STAGE)


class Sweep:
    """One sweep, or the part of it that the budget allows, into the stage of the window."""

    def __init__(self, held: Hold, plan: Plan, intake: Intake, ledger: Ledger) -> None:
        self._held = held
        self._plan = plan
        self._intake = intake
        self._ledger = ledger
        self.saw_everything = False

    def run(self) -> int:
        """Stages late rows and missing keys if a sweep is due; returns how many rows came late."""
        if not self._is_due():
            return 0
        self._held.exchange.analyze(STAGE)
        self._compare_segments()
        forget_refused(self._held.exchange, self._plan.changes, LATE, self._intake.refused)
        return self._read_late()

    def _is_due(self) -> bool:
        every = self._held.job.capture.deletes.sweep
        if every is None:
            return False
        standing = self._ledger.standing()
        if standing is None or standing.swept_at is None or standing.sweep_key is not None:
            return True
        return datetime.now(UTC) - standing.swept_at >= timedelta(seconds=every)

    def _compare_segments(self) -> None:
        """Reads the source once, from where the last sweep stopped."""
        exchange, changes = self._held.exchange, self._plan.changes
        low = first = self._ledger.sweep_position()
        stream = self._held.source.read(self._keys_and_cursor(low), self._plan.pull_format)
        columns = (*changes.key_columns, *changes.staged[len(changes.columns) :])
        while True:
            exchange.execute_all(changes.see())
            self._intake.load_keys(stream, _SEGMENT_ROWS, _SEEN, columns)
            exchange.analyze(SEEN)
            top = exchange.rows(changes.highest_key(_SEEN))
            high = None if stream.exhausted else (json.dumps(top[0]) if top else low)
            exchange.execute(changes.missing_at_source(key_range(low, high)))
            exchange.execute(changes.missing_here())
            exchange.execute(f"DROP TABLE {changes.dialect.quote(SEEN)}")
            low = high
            if stream.exhausted:
                self.saw_everything = first is None
                self._ledger.swept(datetime.now(UTC))
                return
            if stream.handed_out >= BUDGET_ROWS:
                stream.close()
                self._ledger.keep_sweep_position(high)
                return

    def _keys_and_cursor(self, low: str | None) -> Selection:
        plan = self._plan
        if plan.cursor is None or plan.changes.cursor is None:
            raise ValueError("only a cursor job is swept")
        types = {c.name: c.type for c in plan.changes.key_columns}
        outputs = [
            Output(column, types[name])
            for name, column in zip(plan.route.key, plan.key, strict=True)
        ]
        outputs.append(Output(plan.cursor, plan.changes.cursor, CURSOR))
        return Selection(plan.table, tuple(outputs), plan.key, key_range(low, None))

    def _read_late(self) -> int:
        """Reads the late keys' rows by key, from the same snapshot."""
        exchange, changes = self._held.exchange, self._plan.changes
        before = self._intake.read
        while keys := exchange.rows(changes.late_keys(_LATE_AT_ONCE)):
            selection = every_row(self._plan)
            among = tuple(tuple(map(str, key)) for key in keys)
            stream = self._held.source.read(_only(selection, among), self._plan.pull_format)
            self._intake.load(stream, len(keys), _STAGE)
            stream.close()
            exchange.execute(changes.forget(LATE, keys))
        return self._intake.read - before


def _only(selection: Selection, keys: tuple[tuple[str, ...], ...]) -> Selection:
    return Selection(selection.table, selection.outputs, selection.key, among=keys)
