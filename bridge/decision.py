"""What a person decides: of a batch that is held or deviates, of a job, of an event. Audited with
who and why, in the transaction of what it changes, which ends the event that asked for it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from bridge.batch import Batch, State
from bridge.errors import IllegalMove
from bridge.event import EventKind, Recovery
from bridge.failpoint import failpoint
from bridge.hold import hold, lock_of, open_ledger
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit
from bridge.ledger.event import EventEntry, Events
from bridge.ledger.record import Standing
from bridge.ledger.waiver import WAIVE
from bridge.notice.notice import end
from bridge.outcome import how_to_decide
from bridge.plan import make_plan
from bridge.settings import Deployment
from connectors.errors import TransientError
from reconcile.verdict import Verdict

__all__ = ["acknowledge", "approve", "reject", "switch", "waive", "waive_besides"]

_LISTED = 20
_OF_THE_CHAIN = {
    Verdict.GAP: "the receiver lacks batches",
    Verdict.FORK: "one number was used for two contents",
}


def approve(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> bool:
    """The batch goes on its way with the next run; whether there is one, or the job is disabled.
    Whatever that run would stop at, as a job that has changed, is raised here."""
    with hold(deployment, deployment.job(job), wait_seconds=10) as held:
        with held.exchange.transaction():
            _held_batch(held.ledger().held(), job, seq)
        with suppress(TransientError):  # a store that is away says nothing of that
            make_plan(held)
        with held.exchange.transaction() as connection:
            ledger = held.ledger()
            batch = _held_batch(ledger.held(), job, seq)
            ledger.move(batch, State.SEALED, note=f"approved by {actor}: {why}")
            details = {"epoch": batch.epoch, "seq": seq, "why": why}
            Audit(connection, held.department).append(actor, "approve", job, details)
            ledger.answered(how_to_decide(batch))
            over = Recovery(EventKind.HELD, job, batch.place)
            end(connection, deployment, over, datetime.now(UTC))
            enabled = ledger.fence().enabled
            failpoint("approve.noting")
        failpoint("approve.noted")
        return enabled


def reject(deployment: Deployment, job: str, seq: int, actor: str, why: str) -> int:
    """The batch never leaves, nor does any before it that has not arrived. The next run sends
    everything again as the source then has it, and waits for a person once more if it would still
    delete too much; returns the new epoch."""
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
                rejected=seq,
            )
            ledger.answered(how_to_decide(batch))
            end(connection, deployment, Recovery(EventKind.HELD, job), datetime.now(UTC))
            failpoint("reject.noting")
        failpoint("reject.noted")
        return epoch


def waive(
    deployment: Deployment, job: str, seq: int, actor: str, why: str, epoch: int | None = None
) -> Batch:
    """Somebody answers for it that the target is not as the batch would have it: nothing moves, the
    batch still deviates in the books, and waits for nobody. One that is held never leaves, nor does
    any before it that has not: the job begins anew, should its file come back; while that is there,
    `reject` is the way. Asks the exchange alone: source, target and job file may be gone."""
    department = deployment.department.code
    with open_ledger(deployment) as exchange, exchange.lock(lock_of(department, job), 10):
        with exchange.transaction() as connection:
            ledger = Ledger(connection, department, job)
            if not ledger.batches(limit=1):
                deployment.job(job)  # neither the ledger nor the configuration may know it
            batch = _to_waive(deployment, ledger, seq, epoch)
            ledger.register()
            ledger.take()
            before = ledger.unsettled() if batch.state is State.HELD else []
            for one in (*(b for b in before if b.state is State.SEALED), batch):
                moved = ledger.move(one, State.WAIVED, note=f"waived by {actor}: {why}")
                details = {"epoch": one.epoch, "seq": one.seq, "batch_hash": one.batch_hash}
                details |= {"rows": one.rows_amiss, "why": why}
                Audit(connection, department).append(actor, WAIVE, job, details)
            if batch.state is State.HELD:
                ledger.new_epoch(f"batch {batch.seq} was waived: {why}", actor)
                ledger.answered(how_to_decide(batch))
            _end_waived(deployment, ledger, batch, actor, why)
            failpoint("waive.noting")
        failpoint("waive.noted")
        return moved


def waive_besides(deployment: Deployment, job: str, actor: str, why: str) -> str:
    """Somebody answers for what the last comparison or run of a job without a file has found beside
    the batches, be it a deviation, a gap or a fork: nobody will look again. What was found, which
    is returned, stays in the books; should the file come back, the first run opens it again."""
    department = deployment.department.code
    with open_ledger(deployment) as exchange, exchange.lock(lock_of(department, job), 10):
        with exchange.transaction() as connection:
            ledger = Ledger(connection, department, job)
            standing = ledger.standing()
            if standing is None:
                deployment.job(job)  # neither the ledger nor the configuration may know it
            left = standing.left if standing else None
            found, rows = _found_besides(deployment, ledger, standing)
            ledger.take()
            ledger.waived_besides()
            details = {"epoch": ledger.epoch, "seq": 0, "batch_hash": "", "rows": rows}
            details |= {"why": why, "found": found}
            Audit(connection, department).append(actor, WAIVE, job, details)
            over = []
            if left is not None and left in _OF_THE_CHAIN:
                waived = f"waived by {actor}: {why}"
                over.append(Recovery(EventKind(left.value), job, "", waived=waived))
            if not ledger.open_deviations():
                waived = f"{rows} rows are waived by {actor}: {why}"
                over.append(Recovery(EventKind.DEVIATION, job, waived=waived))
            for recovery in over:
                end(connection, deployment, recovery, datetime.now(UTC))
            failpoint("waive.noting")
        failpoint("waive.noted")
        return found


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


def _to_waive(deployment: Deployment, ledger: Ledger, seq: int, epoch: int | None) -> Batch:
    job, waiting = ledger.job, [*ledger.open_deviations(), *ledger.held()]
    named = f"{epoch}/{seq}" if epoch else str(seq)
    found = [batch for batch in waiting if batch.seq == seq and epoch in (None, batch.epoch)]
    places = ", ".join(batch.place for batch in (found or waiting)[:_LISTED])
    if len(found) > 1:
        raise IllegalMove(
            f"{job}: more than one batch {named} deviates or is held",
            remedy=f"name one with its epoch: {places}",
        )
    if not found:
        waived = [b for b in ledger.waived() if b.seq == seq and epoch in (None, b.epoch)]
        raise IllegalMove(
            f"{job}: batch {named} is waived already"
            if waived
            else f"{job}: there is no batch {named} that deviates or is held",
            remedy=f"batches that deviate or are held: {places}"
            if waiting
            else "no batch of this job deviates or is held",
        )
    if found[0].state is State.HELD and job in {*deployment.jobs, *deployment.bad_jobs}:
        raise IllegalMove(
            f"{job}: batch {named} is held, and the job has its file: nothing is waived",
            remedy=f"bridgehead reject {job} {seq} --why TEXT, or take the file away",
        )
    return found[0]


def _found_besides(
    deployment: Deployment, ledger: Ledger, standing: Standing | None
) -> tuple[str, int]:
    job = ledger.job
    if standing is None or not (_deviates_besides(standing) or standing.left in _OF_THE_CHAIN):
        raise IllegalMove(
            f"{job}: nothing stands open beside its batches, or it is waived already",
            remedy=f"bridgehead waive {job} SEQ --why TEXT waives a batch",
        )
    if job in {*deployment.jobs, *deployment.bad_jobs}:
        raise IllegalMove(
            f"{job}: the job has its file, and can be compared again: nothing is waived",
            remedy=f"bridgehead resync {job} --why TEXT, or take the file away",
        )
    held = next(iter(ledger.held()), None)
    if held is not None:
        raise IllegalMove(
            f"{job}: batch {held.place} is held, and to waive that later would open again what is "
            "waived now: nothing is waived",
            remedy=f"bridgehead waive {job} {held.place} --why TEXT, then this once more",
        )
    told = [_found_by_run(ledger, standing.left)] if standing.left in _OF_THE_CHAIN else []
    if standing.content_deviation:
        missing, extra, different = (
            getattr(standing, name) or 0 for name in ("missing", "extra", "different")
        )
        told.append(f"at the target {missing} keys missing, {extra} extra, {different} different")
    elif standing.left is Verdict.DEVIATION:
        told.append("the sums of both sides, receipts, or contents before this epoch differ")
    return "; ".join(told), standing.content_deviation or 1


def _found_by_run(ledger: Ledger, verdict: Verdict) -> str:
    """As the run said that found it; the error that is kept of the last one may be another's."""
    kind = EventKind(verdict.value)
    for entry in Events(ledger.connection, ledger.department).entries(job=ledger.job):
        if (entry.kind, entry.subject) == (kind, "") and "found" in entry.facts:
            return str(entry.facts["found"]).removeprefix(f"{ledger.job}: ")
    return _OF_THE_CHAIN[verdict]


def _end_waived(deployment: Deployment, ledger: Ledger, batch: Batch, actor: str, why: str) -> None:
    """The event that asked for it is over, if nothing else of the job is what it tells of."""
    kind = EventKind.HELD if batch.state is State.HELD else EventKind.DEVIATION
    standing = ledger.standing()
    if kind is EventKind.DEVIATION and (ledger.open_deviations() or _deviates_besides(standing)):
        return
    waived = f"{batch.rows_amiss} rows of batch {batch.place} are waived by {actor}: {why}"
    over = Recovery(kind, ledger.job, waived=waived)
    end(ledger.connection, deployment, over, datetime.now(UTC))


def _deviates_besides(standing: Standing | None) -> bool:
    """In what stands in no batch: contents or sums."""
    if standing is None or standing.is_waived:
        return False
    return standing.content_deviation > 0 or standing.left is Verdict.DEVIATION


def _held_batch(waiting: list[Batch], job: str, seq: int) -> Batch:
    for batch in waiting:
        if batch.seq == seq:
            return batch
    numbers = ", ".join(str(batch.seq) for batch in waiting)
    remedy = f"held batches: {numbers}" if waiting else "no batch of this job is held"
    raise IllegalMove(f"{job}: batch {seq} is not held", remedy=remedy)
