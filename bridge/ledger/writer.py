"""The ledger of one job: seals its batches, moves them on, and lets one run at a time do so.

Every method works inside the caller's transaction on the caller's connection (read committed, or
SQLite's write lock); none commits. Methods that change a job first lock its row and refuse when
another run has taken the job over (I10), so a late commit comes before or after, never between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.batch import GENESIS, MOVES, Batch, Counts, Kind, State, Tally
from bridge.errors import IllegalMove, NotContiguous
from bridge.ledger import candidate
from bridge.ledger.audit import Audit
from bridge.ledger.batchrow import received_values, values_of
from bridge.ledger.candidate import Candidate
from bridge.ledger.history import History
from bridge.ledger.record import Standing
from bridge.ledger.schema import CONTENT, batch_event, batch_row, job_row
from bridge.ledger.standing import jobs
from bridge.ledger.thisjob import this_job
from bridge.place import check_books, follows
from connectors.errors import Busy
from reconcile.verdict import Verdict

__all__ = ["Ledger"]

_BEGUN = (
    select(batch_row)
    .where(this_job(batch_row))
    .order_by(batch_row.c.epoch.desc(), batch_row.c.seq)
    .limit(1)
)
_NEW_BATCH, _NEW_EVENT = insert(batch_row), insert(batch_event).inline()
_JOB = update(job_row).where(this_job(job_row))
_NAMESAKES = (
    select(job_row.c.department)
    .where(job_row.c.job == bindparam("this_job"))
    .order_by(job_row.c.department)
    .with_for_update()
)
_BATCH_AS_SEEN = update(batch_row).where(
    this_job(batch_row),
    batch_row.c.epoch == bindparam("of_epoch"),
    batch_row.c.seq == bindparam("with_seq"),
    batch_row.c.state == bindparam("seen_state"),
)
_MOVED = ("state", "deviation", "cause", "note", "applied_at", "reconciled_at")


class Ledger(History):
    """`token` is None until `take`; a run that reconnects hands its own on."""

    jobs = staticmethod(jobs)

    def __init__(
        self, connection: Connection, department: str, job: str, *, token: int | None = None
    ) -> None:
        super().__init__(connection, department, job)
        self.token = token

    # -- who may write -----------------------------------------------------------------------

    def register(self) -> None:
        """The job's row exists. Idempotent; the caller holds the job's or the schema lock. One that
        was lost comes back in the epoch of its batches: an earlier one would count as ended."""
        if self.standing() is not None:
            return
        begun = self._one(_BEGUN)
        epoch, anchor = (begun.epoch, begun.prev_hash) if begun else (1, GENESIS)
        first = Standing(token=0, epoch=epoch, anchor_hash=anchor, enabled=True)
        self.connection.execute(insert(job_row), self._named(vars(first)))

    def take(self, minimum: int = 0) -> int:
        """Make this run the one that may write: from the commit on, every other is refused.
        `minimum` is the newest token the target has seen, which a restored ledger may not know."""
        token = max(self._locked().token, minimum) + 1
        self._set(token=token)
        self.token = token
        return token

    def fence(self) -> Standing:
        """Lock the job's row until the transaction ends; `Busy` if the job is no longer ours."""
        return self._ours(self._locked())

    def alone_by_name(self) -> None:
        """Until the transaction ends, no other department begins a job of this name, nor goes on
        with one."""
        self.connection.execute(_NAMESAKES, self._this_job).all()

    def peek(self) -> None:
        """`Busy` if the job is no longer ours, without a lock: early, but no protection."""
        self._ours(self.standing())

    # -- batches -----------------------------------------------------------------------------

    def seal(
        self,
        *,
        kind: Kind,
        content_hash: str,
        window_low: datetime | None,
        window_high: datetime,
        tally: Tally,
        digest: str,
        key_low: str | None = None,
        key_high: str | None = None,
        last: bool = True,
        state: State = State.SEALED,
        note: str | None = None,
    ) -> Batch:
        """Number and chain the next batch, and keep it: by this the watermark moves.

        Refused: books that do not balance (I7), a window or part that leaves a hole after the one
        before it (I3), and anything after a batch that is held.
        """
        standing = self.fence()
        newest = self.newest()
        batch = Batch(
            department=self.department,
            job=self.job,
            epoch=standing.epoch,
            seq=newest.seq + 1 if newest else 1,
            kind=kind,
            state=state,
            content_hash=content_hash,
            prev_hash=newest.batch_hash if newest else standing.anchor_hash,
            window_low=window_low,
            window_high=window_high,
            key_low=key_low,
            key_high=key_high,
            last=last,
            tally=tally,
            digest=digest,
            sealed_at=datetime.now(UTC),
            note=note,
        ).with_hash()
        check_books(batch)
        self._check_place(batch, newest)
        self.connection.execute(_NEW_BATCH, values_of(batch))
        self._note(batch, None)
        return batch

    def move(
        self,
        batch: Batch,
        state: State,
        *,
        received: Counts | None = None,
        deviation: int | None = None,
        cause: str | None = None,
        note: str | None = None,
    ) -> Batch:
        """Take a batch from the state it carries to another, and write the event.

        Compare-and-set: `IllegalMove` if the move is not among `MOVES`, or the batch is no longer
        in the state that the caller saw. What is not given stays as it was.
        """
        if state not in MOVES[batch.state]:
            raise IllegalMove(f"batch {batch.seq} cannot go from {batch.state} to {state}")
        if state is State.APPLIED and received is None:
            raise IllegalMove(f"batch {batch.seq} cannot be applied without a receipt")
        self.fence()
        changes = {"deviation": deviation, "cause": cause, "note": note, "received": received}
        given: dict[str, Any] = {
            name: value for name, value in changes.items() if value is not None
        }
        moved = replace(batch, **_arrival(state), **given)
        self._write(batch, moved)
        self._note(moved, batch.state)
        return moved

    def new_epoch(
        self,
        why: str,
        actor: str,
        *,
        confirmed: str | None = None,
        minimum: int = 0,
        by_itself: bool = False,
        rejected: int | None = None,
    ) -> int:
        """Begin again at seq 1, for a resync, a rewind or a restore; returns the new epoch.

        Batches never applied are superseded. The new chain hangs on the last hash that the receiver
        confirmed: `confirmed` if the caller has just asked it (`GENESIS` for a receiver without a
        position), else the newest one in the ledger. The head of the chain that ends is noted in
        the audit log, so that it cannot lose its last batches unseen. `minimum` is the newest epoch
        known elsewhere.
        `by_itself`: no person has decided it. `rejected`: the held batch that a person has.
        """
        standing, head = self.fence(), self.head()
        for batch in self._in_state(State.SEALED, State.HELD):
            self.move(batch, State.PURGED, note=f"superseded by a new epoch: {why}")
        epoch = max(standing.epoch, minimum) + 1
        applied = self.newest_applied()
        anchor = confirmed or (applied.batch_hash if applied else GENESIS)
        self._set(epoch=epoch, anchor_hash=anchor, image_seq=None)
        self._set(sweep_key=None, compared_at=None)
        self._set(**dict.fromkeys(CONTENT))
        if standing.content_deviation or standing.left is Verdict.DEVIATION:
            # until a run has gone through
            self._set(ran_verdict=Verdict.DEVIATION.value)
        elif standing.left is Verdict.HELD:  # of the epoch that has ended
            self._set(ran_verdict=None)
        details: dict[str, Any] = {"epoch": epoch, "why": why, "anchor_hash": anchor}
        details |= {"ended": vars(head)} if head.seq else {}
        details |= {"by_itself": True} if by_itself else {}
        details |= {"rejected": rejected} if rejected is not None else {}
        Audit(self.connection, self.department).append(actor, "new_epoch", self.job, details)
        return epoch

    # -- looking and sweeping ----------------------------------------------------------------

    def keep_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Replaces those kept so far; at most 16 stay (see `candidate.thin`)."""
        self.fence()
        candidate.replace(self.connection, self.department, self.job, candidates)

    def reads_from(self, schema: str, zone: str) -> None:
        """Where the table was found of which everything is about to be read, or the folder in which
        there are files; and the zone of its stamps."""
        self.fence()
        self._set(source_schema=schema, stamp_zone=zone)

    def begins_image(self, schema: str, zone: str, fills: str) -> None:
        """What the table of the place `fills` lacks from here on, an image is to bring. The others
        as in `reads_from`."""
        self.reads_from(schema, zone)
        self._set(fills=fills, image_seq=None)

    def ends_image(self, seq: int) -> None:
        """All of it is sealed, with the batch of that number at last."""
        self.fence()
        self._set(image_seq=seq)

    def fills_nothing(self) -> None:
        """The target's table is nobody's any more."""
        self._set(fills=None)

    def looked(self, at: datetime, zone: str | None = None) -> None:
        """With the zone in which a window's bounds were taken."""
        self.fence()
        self._set(looked_at=at, **({"stamp_zone": zone} if zone else {}))

    def swept(self, at: datetime) -> None:
        """A sweep has gone all the way round."""
        self.fence()
        self._set(swept_at=at, sweep_key=None)

    def sweep_next(self) -> None:
        """The next run sweeps from the beginning, whenever the last one was."""
        self.fence()
        self._set(swept_at=None, sweep_key=None)

    def sweep_position(self) -> str | None:
        """The key after which a sweep under a budget goes on; None from the beginning."""
        standing = self.standing()
        return standing.sweep_key if standing else None

    def keep_sweep_position(self, key: str | None) -> None:
        self.fence()
        self._set(sweep_key=key)

    def put_right_older(self) -> None:
        """All has been sent again and has arrived: nothing of an earlier epoch deviates any more,
        unless something of this one does, waived or not."""
        deviated = self.deviations()
        if any(batch.epoch == self.epoch for batch in deviated):
            return
        for batch in deviated:
            state = State.RECONCILED if batch.received else State.PURGED
            self.move(batch, state, note=f"put right by epoch {self.epoch}")

    def ran(self, verdict: str, error: str | None, seconds: float) -> None:
        """How the run that is ending came out, and how long it took, for `status`."""
        self.fence()
        ended = {"ran_at": datetime.now(UTC), "ran_milliseconds": round(seconds * 1000)}
        self._set(**ended, ran_verdict=verdict, ran_error=error)

    def answered(self, question: str) -> None:
        """A person has decided what the last run asked for, if it did."""
        standing = self.fence()
        if standing.ran_error and question in standing.ran_error:
            self._set(ran_error=None)

    def waived_besides(self) -> None:
        """Somebody answers for what stands in no batch: contents or sums."""
        self.fence()
        self._set(ran_verdict=Verdict.WAIVED.value, ran_error=None)

    def compared(self, **counts: int) -> None:
        """What a comparison of contents (L3) found, by the names of `CONTENT`; it stands until the
        next one, or a new epoch."""
        self.fence()
        self._set(compared_at=datetime.now(UTC), **counts)

    # -- the operator's switch ---------------------------------------------------------------

    def enable(self, actor: str, why: str = "") -> None:
        self._switch(True, actor, why)

    def disable(self, actor: str, why: str = "") -> None:
        """Scheduled runs are skipped from now on; a run that is under way finishes."""
        self._switch(False, actor, why)

    # -- pieces ------------------------------------------------------------------------------

    def _switch(self, enabled: bool, actor: str, why: str) -> None:
        self.register()
        self._locked()
        self._set(enabled=enabled, enabled_by=actor, enabled_at=datetime.now(UTC))
        action = "enable" if enabled else "disable"
        Audit(self.connection, self.department).append(actor, action, self.job, {"why": why})

    def _ours(self, standing: Standing | None) -> Standing:
        if standing is None or standing.token != self.token:
            raise Busy(
                f"another run has taken over job {self.job}",
                remedy="nothing is lost; the other run goes on from here",
            )
        return standing

    def _locked(self) -> Standing:
        standing = self.locked_standing()
        if standing is None:
            raise Busy(f"job {self.job} has not been registered")
        return standing

    def _set(self, **values: Any) -> None:
        self.connection.execute(_JOB, self._this_job | values)

    def _check_place(self, batch: Batch, newest: Batch | None) -> None:
        if newest and newest.state is State.HELD:
            raise NotContiguous(
                f"batch {newest.seq} of job {self.job} is held",
                remedy="approve or reject it first",
            )
        if batch.kind is Kind.REPAIR:
            return
        before = newest
        if newest and newest.kind is Kind.REPAIR:
            before = self.newest_of_window()
        if not follows(batch, before):
            raise NotContiguous(f"batch {batch.seq} of job {self.job} would leave a hole before it")

    def _write(self, batch: Batch, moved: Batch) -> None:
        values = {name: getattr(moved, name) for name in _MOVED} | received_values(moved.received)
        seen = {"of_epoch": batch.epoch, "with_seq": batch.seq, "seen_state": batch.state.value}
        if self.connection.execute(_BATCH_AS_SEEN, self._this_job | seen | values).rowcount != 1:
            raise IllegalMove(f"batch {batch.seq} is no longer {batch.state}")

    def _note(self, batch: Batch, before: State | None) -> None:
        values = {
            "epoch": batch.epoch,
            "seq": batch.seq,
            "at": datetime.now(UTC),
            "before": before.value if before else None,
            "after": batch.state.value,
            "token": self.token,
            "note": batch.note,
        }
        self.connection.execute(_NEW_EVENT, self._named(values))

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"department": self.department, "job": self.job} | values


def _arrival(state: State) -> dict[str, Any]:
    """What a batch gets by arriving in a state."""
    stamped = state in (State.APPLIED, State.RECONCILED)
    return {"state": state} | ({f"{state}_at": datetime.now(UTC)} if stamped else {})
