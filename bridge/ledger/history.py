"""What the ledger tells of one job. Reads only; a job that never ran reads as at its beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, select

from bridge.batch import GENESIS, Batch, Counts, Kind, State
from bridge.ledger import candidate
from bridge.ledger.audit import Audit, Begun, end_of
from bridge.ledger.batchrow import batch_of
from bridge.ledger.candidate import Candidate
from bridge.ledger.chain import ChainProblem, batch_links, contiguous, verify
from bridge.ledger.record import Event, Head, Standing, Sums
from bridge.ledger.schema import batch_event, batch_row, job_row
from bridge.ledger.summing import sum_up, summing
from bridge.ledger.thisjob import naming, this_job
from bridge.ledger.waiver import waivers
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
_OTHER = job_row.alias("other").c
_BATCH_OF_OTHER = batch_row.alias("of_other").c
_NEIGHBOUR = (
    select(_OTHER.department)
    .where(
        _OTHER.job == bindparam("this_job"),
        _OTHER.department != bindparam("this_department"),
        _OTHER.stamp_zone.is_not(None)
        | exists().where(
            _BATCH_OF_OTHER.department == _OTHER.department, _BATCH_OF_OTHER.job == _OTHER.job
        ),
        ~exists().where(this_job(batch_row)),
    )
    .limit(1)
)
_FILLERS = select(job_row.c.job).where(
    job_row.c.department == bindparam("this_department"),
    job_row.c.job != bindparam("this_job"),
    job_row.c.fills == bindparam("place"),
)
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

    def neighbour(self) -> str | None:
        """Another department that has begun a job of this name, while this one has no batches."""
        found = self.connection.execute(_NEIGHBOUR, naming(self.department, self.job)).scalar()
        return None if found is None else str(found)

    def fillers(self, place: str) -> list[History]:
        """The other jobs of the department whose images fill that table, by name."""
        found = self.connection.execute(_FILLERS, self._this_job | {"place": place}).scalars()
        return [History(self.connection, self.department, job) for job in sorted(found)]

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
        return standing.epoch if standing else max(self._epochs(), default=1)

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

    def batches(
        self,
        limit: int | None = 100,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Batch]:
        """Newest first; sealed in [since, until)."""
        query = _BATCHES.order_by(batch_row.c.epoch.desc(), batch_row.c.seq.desc())
        if since is not None:
            query = query.where(batch_row.c.sealed_at >= since)
        if until is not None:
            query = query.where(batch_row.c.sealed_at < until)
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
        """Those with change rows that were reconciled before that moment, oldest first."""
        c = batch_row.c
        old = (c.state == State.RECONCILED.value, c.reconciled_at < before)
        query = _BATCHES.where(*old, c.kind.in_(_WITH_CHANGES))
        return self._all(query.order_by(c.epoch, c.seq).limit(limit))

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

    def verify_chain(self, from_seq: int = 1, epoch: int | None = None) -> list[ChainProblem]:
        """Every gap and fork of an epoch (the current one) from `from_seq` on."""
        chosen = epoch or self.epoch
        begun = {} if chosen == self.epoch else self.begun()
        return list(self._problems(chosen, from_seq, begun))

    def verify_ended(self) -> list[ChainProblem]:
        """Every gap and fork of the epochs that have ended, and every epoch that nobody began."""
        begun, known = self.begun(), self._epochs()
        known |= {one.ended.epoch for one in begun.values() if one.ended}
        ended = sorted(known - {self.epoch})
        found = [problem for epoch in ended for problem in self._problems(epoch, 1, begun)]
        return [*found, *self.verify_begun(begun), *self.verify_waived_besides()]

    def verify_begun(self, begun: Mapping[int, Begun]) -> Iterator[ChainProblem]:
        """A fork for each epoch after the first of whose begin the audit log does not tell."""
        for epoch in sorted(self._epochs() | {self.epoch}):
            if epoch > 1 and epoch not in begun:
                yield ChainProblem("fork", epoch, 1, "its begin is missing in the audit log")

    def verify_waived(self, epoch: int | None = None) -> Iterator[ChainProblem]:
        """A fork for each batch, of that epoch or of any, that is waived by nobody of whom the
        audit log tells."""
        batches = [batch for batch in self.waived() if epoch in (None, batch.epoch)]
        given = waivers(self.connection, self.department, self.job) if batches else {}
        for batch in batches:
            contradicts_itself = batch.contradicts_itself(ended=batch.epoch != self.epoch)
            if batch.batch_hash not in given and not contradicts_itself:  # else told as that
                what = f"{batch.seq} is waived, and the audit log tells of no waiver"
                yield ChainProblem("fork", batch.epoch, batch.seq, what)

    def verify_waived_besides(self) -> Iterator[ChainProblem]:
        """The same of what stands in no batch."""
        standing = self.standing()
        if standing is None or not standing.is_waived:
            return
        given = waivers(self.connection, self.department, self.job).get(self.job)
        rows = standing.content_deviation or 1
        if given is None or (given.epoch, given.rows) != (standing.epoch, rows):
            what = "its deviation is waived, and the audit log tells of no waiver"
            yield ChainProblem("fork", standing.epoch, self.head().seq, what)

    def verify_batches(self, batches: Sequence[Batch]) -> list[ChainProblem]:
        """Gaps and forks of these, of which the ledger may have others between them: where one is
        not what was sealed, or does not follow the one before it in the ledger; and numbers that
        are missing before one."""
        standing, begun, current = self.standing(), self.begun(), self.epoch
        found: list[ChainProblem] = []
        for run in contiguous(batches):
            epoch, seq = run[0].epoch, run[0].seq
            below = self._one(_BELOW, of_epoch=epoch, below=seq)
            first = below.seq + 1 if below else 1
            before = self._hash_before(epoch, first, standing, begun)
            end = end_of(epoch, begun) if epoch != current else None
            if end and end.seq > run[-1].seq:  # what follows may lie in another period
                end = None
            found += verify(batch_links(run, ended=epoch != current), first, before, end)
        return found

    def begun(self) -> dict[int, Begun]:
        """Every epoch after the first, by its number, as the audit log tells."""
        return Audit(self.connection, self.department).epochs(self.job)

    def missing_at_end(self, end: Head) -> ChainProblem | None:
        """The numbers that an epoch lacks up to that head, which it had when it ended."""
        newest = self._one(_BELOW, of_epoch=end.epoch, below=end.seq + 1)
        first = newest.seq + 1 if newest else 1
        return next(verify((), first, None, end), None)

    def candidates(self) -> list[Candidate]:
        """Oldest first."""
        return candidate.read(self.connection, self.department, self.job)

    def _epochs(self) -> set[int]:
        return set(self.connection.execute(_EPOCHS, self._this_job).scalars())

    def _problems(
        self, epoch: int, from_seq: int, begun: Mapping[int, Begun]
    ) -> Iterator[ChainProblem]:
        before = self._hash_before(epoch, from_seq, self.standing(), begun)
        links = batch_links(self._ordered(epoch, from_seq), ended=epoch != self.epoch)
        yield from verify(links, from_seq, before, end_of(epoch, begun))
        yield from self.verify_waived(epoch)

    def _ordered(self, epoch: int, from_seq: int) -> Iterator[Batch]:
        """A few at a time, however many there are."""
        few = _FROM_SEQ.limit(_AT_ONCE)
        found = self._all(few, of_epoch=epoch, from_seq=from_seq)
        yield from found
        while len(found) == _AT_ONCE:
            found = self._all(few, of_epoch=epoch, from_seq=found[-1].seq + 1)
            yield from found

    def _hash_before(
        self, epoch: int, seq: int, standing: Standing | None, begun: Mapping[int, Begun]
    ) -> str | None:
        """What batch `seq` must name; None where nobody knows."""
        if seq > 1:
            before = self.batch(epoch, seq - 1)
            return before.batch_hash if before else None
        if epoch == 1:
            return GENESIS
        if standing and standing.epoch == epoch:
            return standing.anchor_hash
        return begun[epoch].anchor_hash if epoch in begun else None

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
