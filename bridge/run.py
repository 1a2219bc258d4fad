"""One run of one job: settle what an earlier run left, pull, push, reconcile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum, auto

from tenacity import Retrying, retry_if_exception, stop_before_delay, wait_exponential, wait_random

from bridge.beginning import begin, begin_epoch, check_positions, plan_whole, remembered
from bridge.conclusion import conclude, record, verdict_of
from bridge.failpoint import failpoint
from bridge.hold import Hold, hold
from bridge.job import Job
from bridge.log import about
from bridge.notice.notice import note_outcome
from bridge.outcome import Observer, Outcome, Part, working_on
from bridge.plan import Plan
from bridge.pull import Pulled, pull
from bridge.push import Push
from bridge.pushing import Pushing
from bridge.settings import Deployment
from connectors.connector import pause
from connectors.errors import BridgeheadError, Busy, ConfigurationError, TransientError
from reconcile.verdict import Verdict, worst

__all__ = ["IfDisabled", "Observer", "Outcome", "Step", "resync_job", "run_job"]

LOCK_WAIT_SECONDS = 10.0

Step = Callable[[Hold, "Outcome"], None]


class IfDisabled(Enum):
    """What becomes of a run of a disabled job."""

    SKIP = auto()  # as a schedule wants it
    REFUSE = auto()  # a person asked for it, and is told that it was not done
    GO_ON = auto()  # nothing moves


def run_job(
    deployment: Deployment,
    name: str,
    steps: Iterable[Step] = (),
    wait: float = LOCK_WAIT_SECONDS,
    observer: Observer | None = None,
    *,
    if_disabled: IfDisabled = IfDisabled.SKIP,
) -> Outcome:
    """Runs the steps (all by default) on a held job. Never raises for what an operator can act on:
    the error stands in the outcome. Transient failures are tried again for `retry` seconds."""
    outcome = Outcome(name, observer=observer)
    chosen = tuple(steps) or (settle_and_pull,)
    with about(name):
        try:
            job = deployment.job(name)
            job.require_shareable()
            for attempt in _retrying(deployment.defaults.retry):
                with attempt:
                    _run_held(deployment, job, chosen, wait, outcome, if_disabled)
        except BridgeheadError as error:
            outcome.error = error
            outcome.verdict = worst([verdict_of(error), outcome.verdict])
        note_outcome(deployment, outcome)
    return outcome


def resync_job(
    deployment: Deployment,
    name: str,
    why: str,
    actor: str,
    wait: float = LOCK_WAIT_SECONDS,
    observer: Observer | None = None,
) -> Outcome:
    """Begins a new epoch, audited with who and why, and sends everything again as it is now."""
    begun = False

    def anew(held: Hold, outcome: Outcome) -> None:
        nonlocal begun
        if not begun:
            begin_epoch(held, why, actor)
            begun = outcome.anew = True
        settle_and_pull(held, outcome)

    return run_job(deployment, name, (anew,), wait, observer, if_disabled=IfDisabled.REFUSE)


def settle_and_pull(held: Hold, outcome: Outcome) -> None:
    """The whole of a run."""
    plan = begin(held, outcome)
    _settle(held, plan, outcome)
    if outcome.observer is not None:
        outcome.observer.expect(outcome.job, plan.table.row_estimate)
    pulled = Pulled(begun=True)
    while pulled.begun:
        with working_on(Part.PULL), Pushing(held, plan, outcome.note) as pushing:
            pulled = pull(held, plan, remembered(held, pushing.take))
    _note_horizon(pulled, outcome)
    outcome.through.add(Part.PUSH)


def pull_only(held: Hold, outcome: Outcome) -> None:
    """Source → exchange; what is sealed waits for a push. While an image is under way to the
    target, nothing is pulled over it."""
    plan = begin(held, outcome)
    with held.exchange.transaction():
        waiting = [b for b in held.ledger().unsettled() if b.kind.is_image and b.last]
    if waiting:
        outcome.verdict = Verdict.IN_FLIGHT
        return
    with working_on(Part.PULL):
        pulled = pull(held, plan, remembered(held, outcome.note))
    _note_horizon(pulled, outcome)


def read_quarantined_again(held: Hold, outcome: Outcome) -> None:
    """A whole run whose sweep is due now: it reads every key that the copy lacks, and of them the
    quarantined ones. A comparison reads them anyway."""
    if held.job.capture.method == "files":
        raise ConfigurationError(
            f"{held.name}: a file that was taken is not read again as it is",
            remedy="correct the rows in the file, and put it there again",
        )
    if held.job.capture.method == "cursor" and held.job.capture.deletes.off:
        raise ConfigurationError(
            f"{held.name}: its sweep is off, and only the sweep reads quarantined rows again",
            remedy=f"set capture.deletes.sweep, or bridgehead resync {held.name} --why TEXT",
        )
    with held.exchange.transaction():
        held.ledger().sweep_next()
    failpoint("sweep.asked")
    settle_and_pull(held, outcome)


def push_only(held: Hold, outcome: Outcome) -> None:
    """Exchange → target, and L1 for each batch."""
    plan = plan_whole(held)
    check_positions(held, outcome)
    outcome.through.add(Part.BEGINNING)
    _settle(held, plan, outcome)
    outcome.through.add(Part.PUSH)


def reconcile_only(held: Hold, outcome: Outcome) -> None:
    """L2 over what has arrived; the conclusion tells what is open. No row moves."""
    check_positions(held, outcome)


def _run_held(
    deployment: Deployment,
    job: Job,
    steps: Iterable[Step],
    wait: float,
    outcome: Outcome,
    if_disabled: IfDisabled,
) -> None:
    began = time.monotonic()
    outcome.begin_again()
    with hold(deployment, job, wait) as held:
        with held.exchange.transaction():
            standing = held.ledger().standing()
        if standing is not None and not standing.enabled and if_disabled is not IfDisabled.GO_ON:
            if if_disabled is IfDisabled.REFUSE:
                raise ConfigurationError(
                    f"{held.name}: the job is disabled, and nothing was done",
                    remedy=f"bridgehead enable {held.name}, then once more",
                )
            outcome.skipped = True
            conclude(held, outcome)
            return
        try:
            for step in steps:
                step(held, outcome)
            conclude(held, outcome)
        except BridgeheadError as error:
            with suppress(BridgeheadError):  # the first error is the one to tell
                conclude(held, outcome, error)
                record(held, outcome, error, began)
            raise
        finally:
            outcome.reached = frozenset(held.reached)
        failpoint("run.over")
        record(held, outcome, None, began)
    failpoint("run.recorded")


def _settle(held: Hold, plan: Plan, outcome: Outcome) -> None:
    with held.exchange.transaction():
        waiting = held.ledger().unsettled()
    push = Push(held, plan, held.exchange)
    for batch in waiting:
        outcome.note(push.settle(batch))


def _note_horizon(pulled: Pulled, outcome: Outcome) -> None:
    outcome.through.add(Part.PULL)
    if not pulled.holders:
        return
    outcome.holders = pulled.holders
    outcome.verdict = Verdict.IN_FLIGHT
    outcome.held_since, outcome.overdue = pulled.held_since, pulled.overdue


def _retrying(seconds: float) -> Retrying:
    return Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, TransientError) and not isinstance(error, Busy)
        ),
        stop=stop_before_delay(seconds),
        wait=wait_exponential(multiplier=0.2, max=3) + wait_random(0, 0.5),
        sleep=pause,
        reraise=True,
    )
