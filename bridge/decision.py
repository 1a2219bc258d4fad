"""What a person decides: of a held batch, of a job, of an event. Audited with who and why, in the
transaction of what it changes, which ends the event that asked for it."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.batch import Batch, State
from bridge.errors import IllegalMove
from bridge.event import EventKind, Recovery
from bridge.failpoint import failpoint
from bridge.hold import hold, open_ledger
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit
from bridge.ledger.event import EventEntry, Events
from bridge.notice import end
from bridge.outcome import how_to_decide
from bridge.settings import Deployment

__all__ = ["acknowledge", "approve", "reject", "switch"]


def approve(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> Batch:
    """The batch goes on its way with the next run."""
    with hold(deployment, deployment.job(job), wait_seconds=10) as held:
        with held.exchange.transaction() as connection:
            ledger = held.ledger()
            batch = _held_batch(ledger.held(), job, seq)
            moved = ledger.move(batch, State.SEALED, note=f"approved by {actor}: {why}")
            details = {"epoch": batch.epoch, "seq": seq, "why": why}
            Audit(connection, held.department).append(actor, "approve", job, details)
            ledger.answered(how_to_decide(batch))
            over = Recovery(EventKind.HELD, job, batch.place)
            end(connection, deployment, over, datetime.now(UTC))
            failpoint("approve.noting")
        failpoint("approve.noted")
        return moved


def reject(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> int:
    """The batch never leaves, nor does any before it that has not arrived. What it would have
    deleted stays at the target until the next run sends everything again as the source then has
    it; returns the new epoch."""
    with hold(deployment, deployment.job(job), wait_seconds=10) as held:
        with held.exchange.transaction():
            _held_batch(held.ledger().held(), job, seq)
        position = held.take_target()
        with held.exchange.transaction() as connection:
            ledger = held.ledger()
            batch = _held_batch(ledger.held(), job, seq)
            details = {"epoch": batch.epoch, "seq": seq, "why": why}
            Audit(connection, held.department).append(actor, "reject", job, details)
            epoch = ledger.new_epoch(
                f"batch {seq} was rejected: {why}",
                actor,
                confirmed=position.head_hash if position else None,
                minimum=position.epoch if position else 0,
            )
            ledger.answered(how_to_decide(batch))
            end(connection, deployment, Recovery(EventKind.HELD, job), datetime.now(UTC))
            failpoint("reject.noting")
        failpoint("reject.noted")
        return epoch


def switch(deployment: Deployment, job: str, actor: str, why: str, *, on: bool) -> None:
    """Scheduled runs of the job go on, or are skipped; a run under way finishes. Needs no lock."""
    with open_ledger(deployment) as exchange:
        with exchange.transaction() as connection:
            ledger = Ledger(connection, deployment.department.code, job)
            (ledger.enable if on else ledger.disable)(actor, why)
            failpoint("switch.noting")
        failpoint("switch.noted")


def acknowledge(deployment: Deployment, number: int, actor: str, why: str) -> EventEntry:
    """The event stays open, and is not sent again until it has recovered, or something
    else is seen."""
    with open_ledger(deployment) as exchange:
        with exchange.transaction() as connection:
            events = Events(connection, deployment.department.code)
            entry = events.acknowledge(number, actor, why, datetime.now(UTC))
            failpoint("event.noting")
        failpoint("event.noted")
        return entry


def _held_batch(waiting: list[Batch], job: str, seq: int) -> Batch:
    for batch in waiting:
        if batch.seq == seq:
            return batch
    numbers = ", ".join(str(batch.seq) for batch in waiting)
    remedy = f"held batches: {numbers}" if waiting else "no batch of this job is held"
    raise IllegalMove(f"{job}: batch {seq} is not held", remedy=remedy)
