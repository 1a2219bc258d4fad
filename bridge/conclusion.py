"""What a run comes to: the verdict of its job, and what `status` shows of it until the next."""

from __future__ import annotations

import time

from bridge.errors import Fork, Gap, Held
from bridge.event import EventKind
from bridge.hold import Hold
from bridge.ledger import Ledger
from bridge.ledger.event import Events
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.record import Standing
from bridge.outcome import Outcome, Part, is_past
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict, worst

__all__ = ["conclude", "record", "verdict_of"]


def conclude(held: Hold, outcome: Outcome, error: BridgeheadError | None = None) -> None:
    """The verdict is the job's, not only this run's: an open deviation stays one, and so does what
    a run has found that stands in no batch, until one has looked again."""
    with held.exchange.transaction() as connection:
        outcome.quarantined = Quarantine(connection, held.department, held.name).count()
        ledger = held.ledger()
        deviated = ledger.open_deviations()
        waived = ledger.waived()
        standing = ledger.standing()
        in_flight = ledger.unsettled() or _has_only_begun(ledger, standing)
        waiting = ledger.held()
    stood = (standing.left if standing else None) or Verdict.RECONCILED
    if error is None or is_past(error):
        outcome.left = _left(outcome, stood)
    else:
        outcome.left = _left_by(error, stood, held=bool(waiting))
    outcome.held = next(iter(waiting), None)
    outcome.deviated = deviated[-1] if deviated else None
    outcome.waived = sum(batch.rows_amiss for batch in waived)
    by_batch = sum(batch.deviation or 0 for batch in deviated)
    by_contents = standing.content_deviation if standing else 0
    if outcome.skipped and standing is not None and standing.is_waived:
        outcome.left, outcome.waived = Verdict.WAIVED, max(outcome.waived, by_contents or 1)
        by_contents = 0
    outcome.deviation = max(by_batch, by_contents)
    cut = outcome.cut
    if not deviated and cut is not None and not cut.agrees:
        outcome.deviation += abs(cut.noted.total - cut.received.total) or 1  # altered receipts
        outcome.left = worst([outcome.left, Verdict.DEVIATION])
    elif outcome.left is Verdict.DEVIATION:
        outcome.deviation = outcome.deviation or 1  # of sums it is only known that they differ
    if outcome.deviation:
        outcome.verdict = Verdict.DEVIATION
    elif waiting:
        outcome.verdict = Verdict.HELD
    elif in_flight:
        outcome.verdict = Verdict.IN_FLIGHT
    waiver = [Verdict.WAIVED] if waived else []
    outcome.verdict = worst([outcome.verdict, outcome.left, *waiver])


def record(held: Hold, outcome: Outcome, error: BridgeheadError | None, began: float) -> None:
    """For `status`; another run may have taken the job over meanwhile."""
    with held.exchange.transaction():
        told = str(error) if error else _error_left(held, outcome)
        held.ledger().ran(outcome.left.value, told, time.monotonic() - began)


def verdict_of(error: BridgeheadError) -> Verdict:
    for kind, verdict in ((Fork, Verdict.FORK), (Gap, Verdict.GAP), (Held, Verdict.HELD)):
        if isinstance(error, kind):
            return verdict
    return Verdict.IN_FLIGHT


def _error_left(held: Hold, outcome: Outcome) -> str | None:
    """A half that went through says nothing of how the other failed, and a comparison nothing of
    either."""
    others = {Part.PULL, Part.PUSH} - outcome.through
    if not others:
        return None
    events = Events(held.exchange.connection, held.department)
    kinds = (EventKind.FAILED, EventKind.STRUCTURE)
    failed = {part for kind in kinds for part in events.open_subjects(kind, held.name)}
    if Part.BEGINNING in outcome.through and not failed & others:
        return None
    standing = held.ledger().standing()
    return standing.ran_error if standing else None


def _has_only_begun(ledger: Ledger, standing: Standing | None) -> bool:
    """An epoch in which everything is still to be sent again."""
    return standing is not None and standing.epoch > 1 and ledger.newest() is None


def _left(outcome: Outcome, stood: Verdict) -> Verdict:
    """Of what stood before: what these steps did not look at."""
    if outcome.skipped:
        return stood
    seen_over = {Verdict.DEVIATION}
    if Part.BEGINNING in outcome.through:
        seen_over |= {Verdict.HELD, Verdict.GAP, Verdict.FORK}
    elif Part.COMPARISON in outcome.through:
        seen_over |= {Verdict.GAP, Verdict.FORK}
    return Verdict.RECONCILED if stood in seen_over else stood


def _left_by(error: BridgeheadError, stood: Verdict, *, held: bool) -> Verdict:
    """A run that could not look leaves what stood before it; a batch that is held tells so by
    itself."""
    verdict = verdict_of(error)
    if isinstance(error, Fork | Gap):
        return verdict
    return worst([Verdict.IN_FLIGHT if held else verdict, stood])
