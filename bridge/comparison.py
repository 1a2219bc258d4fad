"""Reconcile on demand: L1 for what was applied, L2 over the whole chain, L3 row by row."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.batch import State
from bridge.claim import find_claim, refuse_elsewhere
from bridge.content import Content, compare_contents
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.ledger.migrations import has_receiver
from bridge.outcome import Part, working_on
from bridge.plan import Plan, make_plan
from bridge.preparation import refuse_loss
from bridge.push import Push
from bridge.run import LOCK_WAIT_SECONDS, IfDisabled, Outcome, run_job
from bridge.settings import Deployment
from bridge.stream import check_past, check_stream
from reconcile.verdict import Verdict

__all__ = ["Comparison", "reconcile_job"]


@dataclass
class Comparison:
    """What came out. `content` is None where nothing could be compared, and `why_not` says why."""

    outcome: Outcome
    content: Content | None = None
    why_not: str | None = None


def reconcile_job(deployment: Deployment, name: str, wait: float = LOCK_WAIT_SECONDS) -> Comparison:
    """Moves no row. What L3 finds stands in the ledger as a deviation of the job until the next
    comparison, or until a resync has gone through."""
    comparison = Comparison(Outcome(name))

    def compare(held: Hold, outcome: Outcome) -> None:
        comparison.content = comparison.why_not = None
        plan = make_plan(held)
        refuse_elsewhere(held)
        with held.exchange.transaction():
            newest = held.ledger().newest()
        if newest is None:
            comparison.why_not = "nothing has been sealed yet"
            _check_beginning(held, outcome)
            return
        _compare_applied(held, plan, outcome)
        with held.exchange.transaction(), held.target.transaction():
            outcome.cut = check_stream(
                held.ledger(), held.receiver(), held.guard.mark(), whole=True
            )
        if find_claim(held, plan.effects.table) is None:
            refuse_loss(held, plan)
        comparison.why_not = _not_comparable(held)
        if comparison.why_not is None:
            with working_on(Part.COMPARISON):
                comparison.content = _compare_contents(held, plan)
            outcome.through.add(Part.COMPARISON)
        elif outcome.verdict is Verdict.RECONCILED:
            outcome.verdict = Verdict.IN_FLIGHT

    steps = (compare, _check_past)
    comparison.outcome = run_job(deployment, name, steps, wait, if_disabled=IfDisabled.GO_ON)
    return comparison


def _check_past(held: Hold, outcome: Outcome) -> None:
    """Last, so that what ended long ago keeps nothing of today from being compared."""
    with working_on(Part.PAST), held.exchange.transaction():
        check_past(held.ledger())
    outcome.through.add(Part.PAST)


def _check_beginning(held: Hold, outcome: Outcome) -> None:
    """An epoch without a batch: a receiver that stands beyond it has outlived this ledger."""
    with held.target.transaction() as connection:
        is_known = has_receiver(connection)
    if is_known:
        with held.exchange.transaction(), held.target.transaction():
            check_stream(held.ledger(), held.receiver(), whole=True)
    with held.exchange.transaction():
        if held.ledger().epoch > 1:
            outcome.verdict = Verdict.IN_FLIGHT


def _compare_applied(held: Hold, plan: Plan, outcome: Outcome) -> None:
    """L1, where a run was cut off between the receipt and the comparison."""
    with held.exchange.transaction():
        waiting = held.ledger().unsettled()
    push = Push(held, plan, held.exchange)
    for batch in waiting:
        if batch.state is State.APPLIED:
            outcome.note(push.settle(batch))


def _not_comparable(held: Hold) -> str | None:
    """While a batch is on its way the stores differ, and that says nothing."""
    with held.exchange.transaction():
        ledger = held.ledger()
        waiting, unfinished = len(ledger.unsettled()), ledger.unfinished()
        held_back = len(ledger.held())
    if waiting:
        return f"{waiting} batches are in flight; run the job first"
    if held_back:
        return "a batch is held; approve or reject it first"
    return "a load is not finished; run the job first" if unfinished else None


def _compare_contents(held: Hold, plan: Plan) -> Content:
    content = compare_contents(held, plan)
    with held.exchange.transaction():
        held.ledger().compared(
            exchange_rows=content.exchange_rows,
            target_rows=content.target_rows,
            missing=content.missing,
            extra=content.extra,
            different=content.different,
        )
        failpoint("contents.noting")
    failpoint("contents.noted")
    return content
