"""The ledger of one job: seals its batches and moves them on, as the run that has taken the job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, insert, update

from bridge.batch import GENESIS, MOVES, Batch, Counts, Kind, State, Tally
from bridge.errors import IllegalMove, NotContiguous
from bridge.ledger.audit import Audit
from bridge.ledger.batchrow import received_values, values_of
from bridge.ledger.jobrow import JobRow
from bridge.ledger.schema import CONTENT, batch_event, batch_row
from bridge.ledger.standing import jobs
from bridge.ledger.thisjob import this_job
from bridge.place import check_books, follows
from reconcile.verdict import Verdict

__all__ = ["Ledger"]

_NEW_BATCH, _NEW_EVENT = insert(batch_row), insert(batch_event).inline()
_BATCH_AS_SEEN = update(batch_row).where(
    this_job(batch_row),
    batch_row.c.epoch == bindparam("of_epoch"),
    batch_row.c.seq == bindparam("with_seq"),
    batch_row.c.state == bindparam("seen_state"),
)
_MOVED = ("state", "deviation", "cause", "note", "applied_at", "reconciled_at")


class Ledger(JobRow):
    """Seals the batches of one job, and moves them on."""

    jobs = staticmethod(jobs)

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

    def put_right_older(self) -> None:
        """All has been sent again and has arrived: nothing of an earlier epoch deviates any more,
        unless something of this one does, waived or not."""
        deviated = self.deviations()
        if any(batch.epoch == self.epoch for batch in deviated):
            return
        for batch in deviated:
            state = State.RECONCILED if batch.received else State.PURGED
            self.move(batch, state, note=f"put right by epoch {self.epoch}")

    # -- pieces ------------------------------------------------------------------------------

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


def _arrival(state: State) -> dict[str, Any]:
    """What a batch gets by arriving in a state."""
    stamped = state in (State.APPLIED, State.RECONCILED)
    return {"state": state} | ({f"{state}_at": datetime.now(UTC)} if stamped else {})
