"""What an outcome means to the scheduler: done, skipped, try again, or a person is needed."""

from __future__ import annotations

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from bridge.batch import Batch, State
from bridge.errors import Fork, Gap, Held
from bridge.language import say, say_error
from bridge.run import Outcome
from bridgehead_dag.counts import Counts
from bridgehead_dag.narration import log
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

__all__ = ["TryAgain", "conclude", "counts_of", "failure", "one_line", "sentence"]

_TRY_AGAIN = 3
_HELD_BACK = "{0}: the horizon is held back too long by {1} → end that session"


class TryAgain(AirflowException):
    """Nothing was lost and nothing is half done: Airflow's next try goes on from here."""


def failure(exit_code: int, text: str) -> AirflowException:
    """What to raise. Only what may heal by itself is tried again. The sentence stands in the log
    as a line of its own, before Airflow's traceback."""
    log.error("%s", text)
    return TryAgain(text) if exit_code == _TRY_AGAIN else AirflowFailException(text)


def conclude(outcome: Outcome) -> Counts:
    """The counts of a run that went well; otherwise they are kept, and one sentence is raised."""
    if outcome.skipped:
        skipped = say("{0}: skipped, it is disabled", outcome.job)
        raise AirflowSkipException(f"{skipped} → bridgehead enable {outcome.job}")
    counts = counts_of(outcome)
    if outcome.exit_code:
        get_current_context()["ti"].xcom_push("return_value", counts)
        raise failure(outcome.exit_code, sentence(outcome)) from None
    log.info("%s: %s %s", outcome.job, outcome.verdict.zh, outcome.verdict.en)
    return counts


def counts_of(outcome: Outcome) -> dict[str, object]:
    batches = outcome.batches
    received = [batch.received for batch in batches if batch.received is not None]
    return {
        "job": outcome.job,
        "verdict": outcome.verdict.value,
        "deviation": outcome.deviation,
        "batches": len(batches),
        "read": sum(batch.tally.read for batch in batches),
        "sent": sum(batch.sent.total for batch in batches),
        "received": sum(counts.total for counts in received),
        "quarantined": sum(batch.tally.quarantined for batch in batches),
    }


_SEE_STATUS = "see bridgehead status"


def sentence(outcome: Outcome) -> str:
    """Why a run failed, and what to do about it, in one line."""
    error, verdict = outcome.error, outcome.verdict
    if error is not None:
        word = f"{verdict.zh} {verdict.en}: " if isinstance(error, Fork | Gap | Held) else ""
        return f"{outcome.job}: {word}{one_line(error)}"
    if verdict is Verdict.DEVIATION:
        return f"{outcome.job}: {verdict.zh} {verdict.en} {outcome.deviation}{_where(outcome)}"
    if outcome.overdue:
        holders = ", ".join(map(say, outcome.holders))
        return say(_HELD_BACK, outcome.job, holders)
    remedy = say(outcome.remedy or _SEE_STATUS)
    return f"{outcome.job}: {verdict.zh} {verdict.en} → {remedy}"


def one_line(error: BridgeheadError) -> str:
    """Several problems of a configuration stand in lines of their own."""
    return "; ".join(line.strip() for line in say_error(error).splitlines() if line.strip())


def _where(outcome: Outcome) -> str:
    found = [batch for batch in outcome.batches if batch.state is State.DEVIATED]
    told = "; ".join(map(_compared, found[:3])) if found else say("open since an earlier run")
    return f"; {told} → {say('bridgehead reconcile {0} finds the rows', outcome.job)}"


def _compared(batch: Batch) -> str:
    received = batch.received.total if batch.received else 0
    name = f"{batch.epoch}/{batch.seq}"
    told = say("batch {0} (sent {1}, received {2})", name, batch.sent.total, received)
    return f"{told}: {say(batch.cause)}" if batch.cause else told
