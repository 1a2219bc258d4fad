"""Capture by cursor or by comparison: what changed, staged, classified and sealed in parts.

A cursor job reads the rows whose stamp lies in the window; a compare job reads every row and takes
each key range of the copy that was not read for deleted. Both read one snapshot of the source in
key order, a part at a time; what is unchanged costs no batch. A file that is taken is one window
and one batch: nothing in it tells of what is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.batch import Batch, Kind, State, Tally
from bridge.capture.feeder import whole_snapshot
from bridge.capture.image import key_range
from bridge.capture.origin import note_origin
from bridge.capture.segment import EVERYTHING
from bridge.capture.sweep import Sweep
from bridge.errors import Fork
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.intake import (
    Intake,
    count_unknown_keys,
    every_row,
    forget_refused,
    refuse_repeated,
    refuse_staged,
    staged_keys,
)
from bridge.ledger import Ledger
from bridge.ledger.quarantine import Quarantine, SetAside
from bridge.plan import Plan
from connectors import returning
from connectors.changes import GONE, STAGE, Changes
from connectors.connector import RowStream
from connectors.dialect import Statement
from connectors.selection import Span
from connectors.table import TableName

__all__ = ["Reach", "capture_changes"]

_STAGE = TableName(STAGE)


@dataclass(frozen=True)
class Reach:
    """The window [low, high) that is read, at `now` by the source's clock; `zone` is that of stamps
    without one."""

    low: datetime | None
    high: datetime
    now: datetime
    zone: ZoneInfo


def capture_changes(
    held: Hold,
    plan: Plan,
    reach: Reach,
    newest: Batch | None,
    sink: Callable[[Batch], None],
    file: str | None = None,
) -> None:
    """Seals the window's changes; after `newest`, its last sealed part, if it was cut off. With a
    `file`, its rows and no others."""
    capture = _Capture(held, plan, reach, newest, file)
    with whole_snapshot(held, plan):
        if capture.low_key is not None:
            refuse_repeated(held, plan, capture.low_key)
        if capture.misses_rows and held.source.capabilities.files:
            capture.blind = count_unknown_keys(held, plan)
        selection = every_row(plan, key_range(capture.low_key, None))
        if file is not None:
            selection = replace(selection, table=replace(plan.table, name=TableName(file)))
        if plan.cursor is not None:
            span = Span(plan.cursor, reach.low, reach.high, reach.zone.key)
            selection = replace(selection, span=span)
        stream = held.source.read(selection, plan.pull_format)
        finished = False
        while not finished:
            batch, finished = capture.take_part(stream)
            if batch is not None:
                sink(batch)
                finished = finished or batch.state is State.HELD


class _Capture:
    """One window under way: where its next batch begins, and what was counted for it so far."""

    def __init__(
        self, held: Hold, plan: Plan, reach: Reach, newest: Batch | None, file: str | None
    ) -> None:
        self._held = held
        self._plan = plan
        self._reach = reach
        self._begun = newest is not None
        self._tally = Tally()
        self.low_key = newest.key_high if newest else None
        self._read_key = self.low_key
        self._refused: set[str] = set()
        self._ahead: list[SetAside] = []
        """Of earlier parts, what may stand behind the last key that was staged."""
        self._file = file
        self._limit = plan.chunk_rows if file is None else EVERYTHING
        self.misses_rows = plan.cursor is None and file is None
        """Whether rows that were not read are taken for deleted."""
        self.blind = 0
        """How many rows of the source may be those of any key: then none is."""
        self._saw_everything = self.misses_rows and newest is None

    def take_part(self, stream: RowStream) -> tuple[Batch | None, bool]:
        """One part in one transaction; the batch it was sealed as, and whether it was the last.
        A part without changes is not sealed: its counts go with the next one.

        The job's row is locked before anything of the job is changed, but after the rows are
        staged: the push of the part before settles meanwhile."""
        exchange, changes = self._held.exchange, self._plan.changes
        intake = Intake(self._held, self._plan)
        with exchange.transaction() as connection:
            ledger = self._held.ledger()
            exchange.execute_all(changes.stage())
            intake.load(stream, self._limit, _STAGE)
            if self._read_key is not None:
                refuse_staged(self._held, self._plan, self._read_key)
            last = stream.exhausted
            high_key = None if last else self._highest()
            tally = self._find_missing(intake, ledger, high_key, last)
            ledger.fence()
            head = ledger.head()
            place = (head.epoch, head.seq + 1)
            tally = self._classify(tally, intake, *place)
            quarantine = Quarantine(connection, self._held.department, self._held.name)
            opened = quarantine.open_entries(intake.refused, *place)
            self._refused |= {entry.key for entry in intake.refused}
            self._close_entries(quarantine, complete=last and self._saw_everything)
            self._tally = _sum(self._tally, tally)
            worth_it = opened > 0 or self._file is not None
            batch = self._seal(ledger, high_key, last, worth_it=worth_it)
            if last:
                ledger.looked(datetime.now(UTC), self._reach.zone.key)
            failpoint("window.sealing")
        failpoint("window.sealed")
        return batch, last

    @property
    def _young(self) -> Span | None:
        """Stamps that the next window reads, by a minute more than the clock says."""
        reach, cursor = self._reach, self._plan.cursor
        if cursor is None:
            return None
        return Span(cursor, reach.high, reach.now + timedelta(minutes=1), reach.zone.key)

    # -- pieces ------------------------------------------------------------------------------

    def _find_missing(
        self, intake: Intake, ledger: Ledger, high_key: str | None, last: bool
    ) -> Tally:
        """Stages what the stream itself does not show: deleted rows, and rows stamped below."""
        exchange, changes = self._held.exchange, self._plan.changes
        if self._file is not None:
            return Tally()
        if self._plan.cursor is None:
            if not self.blind and (last or high_key is not None):
                exchange.analyze(STAGE, changes.key)
                exchange.execute(changes.missing_in_stage(key_range(self._read_key, high_key)))
                forget_refused(self._held, self._plan, GONE, self._ahead + intake.refused)
            self._ahead = ([] if high_key != self._read_key else self._ahead) + intake.refused
            self._read_key = high_key
            return Tally()
        self._read_key = high_key
        if not last:
            return Tally()
        sweep = Sweep(self._held, self._plan, intake, ledger, self._young)
        late = sweep.run()
        self._saw_everything = sweep.saw_everything
        self._refused |= sweep.unsettled
        return Tally(late=late)

    def _classify(self, found: Tally, intake: Intake, epoch: int, seq: int) -> Tally:
        exchange, changes = self._held.exchange, self._plan.changes
        self._refuse_number_given_away(epoch, seq)
        exchange.analyze(STAGE, changes.key)
        exchange.prefer_index()
        exchange.execute_all(_advance(changes, epoch, seq))
        counts = {op: int(rows) for op, rows in exchange.rows(changes.count_changes(epoch, seq))}
        gone = int(exchange.value(f"SELECT count(*) FROM {changes.dialect.quote(GONE)}"))
        inserted, updated, deleted = (counts.get(op, 0) for op in "IUD")
        return replace(
            found,
            read=intake.read,
            gone=gone,
            inserted=inserted,
            updated=updated,
            deleted=deleted,
            unchanged=intake.loaded - inserted - updated,
            superseded=gone - deleted,
            quarantined=len(intake.refused),
        )

    def _refuse_number_given_away(self, epoch: int, seq: int) -> None:
        """Change rows of a batch that the ledger lacks would count for the one that gets its
        number."""
        changes, name = self._plan.changes, self._held.name
        left = self._held.exchange.rows(changes.count_changes(epoch, seq))
        if left:
            count = sum(int(rows) for _, rows in left)
            raise Fork(
                f"{name}: {changes.change} holds {count} rows of batch {epoch}/{seq}, which the "
                "ledger does not have",
                endpoint=self._held.exchange.endpoint.name,
                remedy="nothing was sealed; find out who took it out of the ledger, then "
                f"bridgehead resync {name} --why TEXT",
            )

    def _seal(
        self, ledger: Ledger, high_key: str | None, last: bool, *, worth_it: bool
    ) -> Batch | None:
        tally = self._tally
        changed = tally.inserted + tally.updated + tally.deleted > 0
        if not (changed or worth_it or self._must_seal(ledger, last)):
            return None
        kind = Kind.DATA if changed or worth_it or self._begun or not last else Kind.EMPTY
        head = ledger.head()
        lines = self._plan.changes.sealed_lines(head.epoch, head.seq + 1)
        _, digest = self._held.exchange.digest_all(lines)
        batch = ledger.seal(
            kind=kind,
            content_hash=self._plan.content_hash,
            window_low=self._reach.low,
            window_high=self._reach.high,
            key_low=self.low_key,
            key_high=high_key,
            last=last,
            tally=tally,
            digest=str(digest),
            state=State.HELD if self._blows_fuse(tally) else State.SEALED,
            note=note_origin(self._held, self._origin, (head.epoch, head.seq + 1), self.blind),
        )
        self._begun, self._tally, self.low_key = True, Tally(), high_key
        return batch

    @property
    def _origin(self) -> TableName:
        return self._plan.table.name if self._file is None else TableName(self._file)

    def _blows_fuse(self, tally: Tally) -> bool:
        """More deletes than a person has allowed: the batch waits for a decision."""
        most = self._held.job.max_delete
        return most is not None and tally.deleted > most

    def _must_seal(self, ledger: Ledger, last: bool) -> bool:
        """A window once begun is finished; one in which nothing changed is told now and then."""
        if not last:
            return False
        every = timedelta(seconds=self._held.job.silent_seconds)
        return self._begun or ledger.should_seal_empty(datetime.now(UTC), every)

    def _highest(self) -> str | None:
        found = self._held.exchange.rows(self._plan.changes.highest_key(_STAGE))
        return json.dumps(found[0]) if found else self._read_key

    def _close_entries(self, quarantine: Quarantine, *, complete: bool) -> None:
        """An entry ends when its row was accepted, or when nothing at the source bears its key."""
        if quarantine.count() == 0:
            return
        open_keys = [key for key in quarantine.open_keys() if key not in self._refused]
        staged = staged_keys(self._held, self._plan, open_keys)
        quarantine.close(staged, "accepted")
        if complete:
            quarantine.close(set(open_keys) - staged, "no longer at the source")
        if self._file is not None:
            replaced = quarantine.keys_of_file(self._file) - self._refused
            quarantine.close(replaced, "its file was taken again")


def _advance(changes: Changes, epoch: int, seq: int) -> list[Statement]:
    """Change rows and current copy, as the exchange does it in the fewest passes."""
    if changes.dialect.returns_changes:
        return returning.advance(changes, epoch, seq)
    return [*changes.classify(epoch, seq), *changes.apply(epoch, seq)]


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(*(a + b for a, b in zip(vars(one).values(), vars(other).values(), strict=True)))
