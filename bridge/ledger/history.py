"""What the ledger tells of one job. Reads only; a job that never ran reads as at its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, select

from bridge.batch import GENESIS, Batch, Counts, Kind, State
from bridge.ledger import candidate
from bridge.ledger.audit import Audit, Begun
from bridge.ledger.batchrow import batch_of
from bridge.ledger.candidate import Candidate
from bridge.ledger.record import Event, Head, Standing, Sums
from bridge.ledger.schema import batch_event, batch_row, job_row
from bridge.ledger.summing import sum_up, summing
from bridge.ledger.thisjob import naming, this_job
from bridge.ledger.word import read_verdict, read_word

__all__ = ["History"]

_AT_ONCE = 1000
_WITH_CHANGES = [Kind.DATA.value, Kind.REPAIR.value]

# What every run asks for many times, composed once.
_THIS_JOB = this_job(job_row)
_BATCHES = select(batch_row).where(this_job(batch_row))
_OF_EPOCH = _BATCHES.where(batch_row.c.epoch == bindparam("of_epoch"))
_NUMBERED = _OF_EPOCH.where(batch_row.c.seq == bindparam("with_seq"))
_BELOW = (
    _OF_EPOCH.where(batch_row.c.seq < bindparam("below")).order_by(batch_row.c.seq.desc()).limit(1)
)
_YOUNG = (
    select(batch_row.c.epoch, batch_row.c.seq)
    .where(this_job(batch_row), batch_row.c.reconciled_at >= bindparam("since"))
    .order_by(batch_row.c.epoch, batch_row.c.seq)
    .limit(1)
)
_EPOCHS = select(batch_row.c.epoch).where(this_job(batch_row)).distinct()
_FROM_SEQ = _OF_EPOCH.where(batch_row.c.seq >= bindparam("from_seq")).order_by(batch_row.c.seq)
_ANSWERED = _FROM_SEQ.where(
    batch_row.c.seq < bindparam("end"), batch_row.c.received_total.is_not(None)
)
_APPLIED = (
    _BATCHES.where(batch_row.c.applied_at.is_not(None))
    .order_by(batch_row.c.epoch.desc(), batch_row.c.seq.desc())
    .limit(1)
)
_IN_STATE = _BATCHES.where(batch_row.c.state.in_(bindparam("states", expanding=True))).order_by(
    batch_row.c.epoch, batch_row.c.seq
)
_ANY_BATCH = batch_row.alias("any_batch")
_EPOCH = func.coalesce(  # that of its batches, where the job's row is lost
    select(job_row.c.epoch).where(_THIS_JOB).scalar_subquery(),
    select(func.max(_ANY_BATCH.c.epoch)).where(this_job(_ANY_BATCH)).scalar_subquery(),
)
_THIS_EPOCH = _BATCHES.where(batch_row.c.epoch == _EPOCH).order_by(batch_row.c.seq.desc()).limit(1)
_OF_A_WINDOW = _THIS_EPOCH.where(batch_row.c.kind != Kind.REPAIR.value)
_COMPLETE = _OF_A_WINDOW.where(batch_row.c.last)
_CONFIRMED = _THIS_EPOCH.where(batch_row.c.applied_at.is_not(None))
_STANDING = select(*(job_row.c[name] for name in Standing.__dataclass_fields__)).where(_THIS_JOB)
_LOCKED = _STANDING.with_for_update()
_SENT = summing(batch_row, batch_row.c.inserted + batch_row.c.updated + batch_row.c.unchanged)
_RECEIVED = summing(
    batch_row, batch_row.c.received_total, "received_", counted=batch_row.c.received_total
)


class History:
    """The batches of one job, in the caller's transaction."""

    def __init__(self, connection: Connection, department: str, job: str) -> None:
        self.connection = connection
        self.department = department
        self.job = job

    def standing(self) -> Standing | None:
        """None for a job that was never registered."""
        return self._standing(_STANDING)

    def locked_standing(self) -> Standing | None:
        """The same, and nobody else may change it until the transaction ends."""
        return self._standing(_LOCKED)

    def sweep_is_due(self, every_seconds: float | None) -> bool:
        """Whether to look for what no window shows; never without an interval."""
        if every_seconds is None:
            return False
        standing, every = self.standing(), timedelta(seconds=every_seconds)
        return standing is None or standing.sweep_is_due(datetime.now(UTC), every)

    @property
    def epoch(self) -> int:
        """That of its batches, where the job's row is lost."""
        standing = self.standing()
        return standing.epoch if standing else max(self.epochs(), default=1)

    def epochs(self) -> set[int]:
        """Those of which there are batches."""
        return set(self.connection.execute(_EPOCHS, self._this_job).scalars())

    def head(self) -> Head:
        newest = self.newest()
        if newest:
            return Head(newest.epoch, newest.seq, newest.batch_hash)
        standing = self.standing()
        return Head(standing.epoch, 0, standing.anchor_hash) if standing else Head(1, 0, GENESIS)

    def newest(self) -> Batch | None:
        """The last batch of this epoch, of any kind and state."""
        return self._one(_THIS_EPOCH)

    def watermark(self) -> datetime | None:
        """The end of the last window read completely in this epoch; None before the first."""
        complete = self._one(_COMPLETE)
        return complete.window_high if complete else None

    def unfinished(self) -> Batch | None:
        """The last part of a window or first load that is to be resumed after it."""
        newest = self.newest_of_window()
        return newest if newest and not newest.last else None

    def newest_of_window(self) -> Batch | None:
        """The last batch of this epoch that is not a repair."""
        return self._one(_OF_A_WINDOW)

    def newest_confirmed(self) -> Batch | None:
        """The newest batch of this epoch whose receipt has come."""
        return self._one(_CONFIRMED)

    def newest_applied(self) -> Batch | None:
        """The newest batch of any epoch whose receipt has come."""
        return self._one(_APPLIED)

    def content_hash(self) -> str | None:
        """What the job was when the last batch of this epoch was sealed."""
        newest = self.newest()
        return newest.content_hash if newest else None

    def should_seal_empty(self, now: datetime, empty_every: timedelta) -> bool:
        """Whether a look that found nothing is worth a batch (I11): yes, unless the batch before is
        empty too and younger than `empty_every`. A clock that was set back does not silence us."""
        newest = self.newest()
        if newest is None or newest.kind is not Kind.EMPTY:
            return True
        return not timedelta(0) <= now - newest.sealed_at < empty_every

    def batch(self, epoch: int, seq: int) -> Batch | None:
        return self._one(_NUMBERED, of_epoch=epoch, with_seq=seq)

    def newest_below(self, epoch: int, seq: int) -> Batch | None:
        """The batch of that epoch with the highest number below `seq`."""
        return self._one(_BELOW, of_epoch=epoch, below=seq)

    def in_order(
        self,
        epoch: int,
        from_seq: int,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Batch]:
        """The batches of an epoch from that number on, sealed in [since, until); a few at a time,
        however many there are."""
        few = _FROM_SEQ.limit(_AT_ONCE)
        if since is not None:
            few = few.where(batch_row.c.sealed_at >= since)
        if until is not None:
            few = few.where(batch_row.c.sealed_at < until)
        found = self._all(few, of_epoch=epoch, from_seq=from_seq)
        yield from found
        while len(found) == _AT_ONCE:
            found = self._all(few, of_epoch=epoch, from_seq=found[-1].seq + 1)
            yield from found

    def sealed(self, since: datetime | None, until: datetime) -> Iterator[Batch]:
        """Those of every epoch that were sealed in [since, until), in order, a few at a time."""
        for epoch in sorted(self.epochs()):
            yield from self.in_order(epoch, 1, since, until)

    def batches(self, limit: int | None = 100) -> list[Batch]:
        """Newest first."""
        query = _BATCHES.order_by(batch_row.c.epoch.desc(), batch_row.c.seq.desc())
        return self._all(query.limit(limit))

    def confirmed(self, epoch: int, numbers: range) -> dict[int, tuple[str, Counts]]:
        """By seq: the hash of each acknowledged batch, and what its receipt said when it came."""
        found = self._all(_ANSWERED, of_epoch=epoch, from_seq=numbers.start, end=numbers.stop)
        return {b.seq: (b.batch_hash, b.received) for b in found if b.received}

    def unsettled(self) -> list[Batch]:
        """Sealed or applied, of any epoch, in the order in which they go out."""
        return self._in_state(State.SEALED, State.APPLIED)

    def open_deviations(self) -> list[Batch]:
        return self._in_state(State.DEVIATED)

    def waived(self) -> list[Batch]:
        return self._in_state(State.WAIVED)

    def deviations(self) -> list[Batch]:
        """All that is not put right: open, or waived."""
        return self._in_state(State.DEVIATED, State.WAIVED)

    def held(self) -> list[Batch]:
        return self._in_state(State.HELD)

    def purgeable(self, before: datetime, limit: int | None = 1000) -> list[Batch]:
        """Those with change rows that were reconciled before that moment, oldest first; none behind
        one that was reconciled later, for its own time is of a clock that was behind."""
        c = batch_row.c
        old = (c.state == State.RECONCILED.value, c.reconciled_at < before)
        query = _BATCHES.where(*old, c.kind.in_(_WITH_CHANGES))
        found = self._all(query.order_by(c.epoch, c.seq).limit(limit))
        young = self.connection.execute(_YOUNG, self._this_job | {"since": before}).one_or_none()
        return [b for b in found if young is None or (b.epoch, b.seq) < tuple(young)]

    def events(self, epoch: int, seq: int) -> list[Event]:
        """Every move of a batch, in order."""
        c = batch_event.c
        query = (
            select(c.epoch, c.seq, c.at, c.before, c.after, c.token, c.note)
            .where(self._of(c), c.epoch == epoch, c.seq == seq)
            .order_by(c.number)
        )
        place = self.job, "bh_batch_event", epoch, seq
        return [
            Event(
                e.epoch,
                e.seq,
                e.at,
                read_word(State, e.before, "before", *place) if e.before else None,
                read_word(State, e.after, "after", *place),
                *e[5:],
            )
            for e in self.connection.execute(query)
        ]

    def sums(self, epoch: int, seq: int) -> Sums:
        """What was sent in that epoch up to and with that batch."""
        return sum_up(self.connection, _SENT, self._this_job, epoch, seq)

    def received_sums(self, epoch: int, seq: int) -> Sums:
        """What the receipts kept here say was measured in that epoch up to and with that batch."""
        return sum_up(self.connection, _RECEIVED, self._this_job, epoch, seq)

    def begun(self) -> dict[int, Begun]:
        """Every epoch after the first, by its number, as the audit log tells."""
        return Audit(self.connection, self.department).epochs(self.job)

    def candidates(self) -> list[Candidate]:
        """Oldest first."""
        return candidate.read(self.connection, self.department, self.job)

    def _standing(self, query: Select[Any]) -> Standing | None:
        found = self.connection.execute(query, self._this_job).one_or_none()
        if found is None:
            return None
        values = dict(found._mapping)
        values["ran_verdict"] = read_verdict(values["ran_verdict"], self.job)
        return Standing(**values)

    def _of(self, columns: Any) -> ColumnElement[bool]:
        return and_(columns.department == self.department, columns.job == self.job)

    def _in_state(self, *states: State) -> list[Batch]:
        """In the order in which they go out."""
        return self._all(_IN_STATE, states=[state.value for state in states])

    @property
    def _this_job(self) -> dict[str, str]:
        return naming(self.department, self.job)

    def _one(self, query: Select[Any], **values: Any) -> Batch | None:
        row = self.connection.execute(query, self._this_job | values).one_or_none()
        return batch_of(row) if row else None

    def _all(self, query: Select[Any], **values: Any) -> list[Batch]:
        return [batch_of(row) for row in self.connection.execute(query, self._this_job | values)]
