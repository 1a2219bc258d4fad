"""A task's work on one job, by the engine. A task that succeeds has committed to the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from airflow.sdk import get_current_context

from bridge.run import Outcome, Step, pull_only, push_only, reconcile_only, run_job
from bridge.runs import run_jobs
from bridge.settings import Deployment, find_directory, load
from bridge.watched import Watched
from bridgehead_dag.counts import Counts
from bridgehead_dag.narration import Narrator
from bridgehead_dag.verdict import conclude, failure, one_line
from connectors.errors import BridgeheadError

__all__ = ["deployment", "follow", "pull", "push", "reconcile", "run"]

FOLLOW_SECONDS = 300.0
PAUSE_SECONDS = 1.0
REST_SECONDS = 30.0


def run(job: str) -> Counts:
    narrator = Narrator()
    outcome = _outcome(deployment(), job, (), narrator)
    narrator.tell(outcome, "pull", "push", "reconcile")
    return conclude(outcome)


def pull(job: str) -> Counts:
    return _stage(job, pull_only, "pull")


def push(job: str) -> Counts:
    return _stage(job, push_only, "push")


def reconcile(job: str) -> Counts:
    return _stage(job, reconcile_only, "reconcile")


def follow(job: str) -> Counts:
    """One Airflow run a second would fill its database: this one goes on for some minutes. It ends
    with the first trouble, and the run after a failed one begins with a rest. A disabled job is
    looked at again after each rest. What somebody changes in the files holds at once."""
    _rest_after_failure()
    watched, narrator = Watched(deployment()), Narrator()
    until = time.monotonic() + FOLLOW_SECONDS
    while True:
        outcome = _outcome(_read(watched.current), job, (), narrator)
        if outcome.skipped and time.monotonic() < until:
            time.sleep(REST_SECONDS)
            continue
        if outcome.batches or outcome.exit_code:
            narrator.tell(outcome, "pull", "push", "reconcile")
        counts = conclude(outcome)
        if time.monotonic() > until:
            return {**counts, **narrator.sums}
        time.sleep(PAUSE_SECONDS)


def deployment() -> Deployment:
    """Read anew for every task: what an operator has changed holds from the next run on."""
    return _read(lambda: load(find_directory()))


def _read(configuration: Callable[[], Deployment]) -> Deployment:
    try:
        return configuration()
    except BridgeheadError as error:
        raise failure(error.exit_code, one_line(error)) from None


def _stage(job: str, step: Step, name: str) -> Counts:
    narrator = Narrator()
    outcome = _outcome(deployment(), job, (step,), narrator)
    narrator.tell(outcome, name)
    return conclude(outcome)


def _outcome(known: Deployment, job: str, steps: Iterable[Step], narrator: Narrator) -> Outcome:
    """A bug ends in an outcome too: its traceback could hold values of rows."""

    def once(name: str) -> Outcome:
        return run_job(known, name, steps, observer=narrator)

    (outcome,) = run_jobs([job], 1, once)
    return outcome


def _rest_after_failure() -> None:
    before = get_current_context()["ti"].get_previous_dagrun()
    if before is not None and before.state == "failed":
        time.sleep(REST_SECONDS)
