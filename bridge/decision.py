"""What a person decides about a held batch. Both ways are audited with who and why."""

from __future__ import annotations

from bridge.batch import Batch, State
from bridge.errors import IllegalMove
from bridge.failpoint import failpoint
from bridge.hold import hold
from bridge.ledger.audit import Audit
from bridge.settings import Deployment

__all__ = ["approve", "reject"]


def approve(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> Batch:
    """The batch goes on its way with the next run."""
    with hold(deployment, deployment.job(job), wait_seconds=10) as held:
        with held.exchange.transaction() as connection:
            ledger = held.ledger()
            batch = _held_batch(ledger.held(), job, seq)
            moved = ledger.move(batch, State.SEALED, note=f"approved by {actor}: {why}")
            details = {"epoch": batch.epoch, "seq": seq, "why": why}
            Audit(connection, held.department).append(actor, "approve", job, details)
            failpoint("approve.noting")
        failpoint("approve.noted")
        return moved


def reject(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> int:
    """The batch never leaves. What it would have deleted stays at the target until the next run
    sends everything again as the source then has it; returns the new epoch."""
    with hold(deployment, deployment.job(job), wait_seconds=10) as held:
        with held.target.transaction():
            position = held.receiver().position()
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
            failpoint("reject.noting")
        failpoint("reject.noted")
        return epoch


def _held_batch(waiting: list[Batch], job: str, seq: int) -> Batch:
    for batch in waiting:
        if batch.seq == seq:
            return batch
    numbers = ", ".join(str(batch.seq) for batch in waiting)
    remedy = f"held batches: {numbers}" if waiting else "no batch of this job is held"
    raise IllegalMove(f"{job}: batch {seq} is not held", remedy=remedy)
