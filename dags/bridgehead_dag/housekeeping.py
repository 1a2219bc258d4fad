"""What the agent looks after between runs, and what the auditor gets every day.

A step takes nothing, logs what it found, and raises one sentence where a person is needed. A new
one is a function here and a line in `STEPS`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from airflow.sdk import get_current_context

from bridge.comparison import reconcile_job
from bridge.hold import open_ledger
from bridge.language import say
from bridge.notice.notice import note_all
from bridge.overview import JobOverview, overview
from bridge.purge import Purged, purge_jobs
from bridge.settings import Deployment, find_directory, load
from bridge.statement.daily import write_days
from bridgehead_dag.narration import log, section
from bridgehead_dag.verdict import conclude, failure, one_line
from bridgehead_dag.work import deployment
from connectors.errors import BridgeheadError, Busy, ConfigurationError
from reconcile.verdict import Verdict

__all__ = [
    "STEPS",
    "compare",
    "configuration",
    "events",
    "ledger",
    "purge",
    "report",
    "reports_directory",
    "standing",
]

REPORTS_VARIABLE = "BRIDGEHEAD_REPORTS"
_CONFIGURATION = 2
_BOOKS = 1
_TRY_AGAIN = 3


def configuration(also: Iterable[str] = ()) -> None:
    """Every problem of every file, as `bridgehead check` would tell it; `also` where it knows of
    none."""
    try:
        problems = [*map(str, load(find_directory()).problems)] or [*also]
    except BridgeheadError as error:
        raise failure(error.exit_code, one_line(error)) from None
    said = [*map(say, problems)]
    with section(f"configuration 配置：{len(said)}"):
        for problem in said:
            log.error("%s", problem)
    if said:
        more = say(" and {0} more", len(said) - 1) if len(said) > 1 else ""
        raise failure(_CONFIGURATION, f"{said[0]}{more}")


def ledger() -> None:
    """The ledger can be reached, and its tables are of this release."""
    known = deployment()
    _asked(lambda: _touch(known))
    log.info("the ledger at %s answers", known.place_of(known.exchange))


def standing() -> None:
    """How every job stands; fails while a deviation, gap or fork is open or a job is held."""
    known = deployment()
    found: list[JobOverview] = []
    _asked(lambda: found.extend(overview(known)))
    with section(f"status 状态：{len(found)}"):
        for job in found:
            log.info("%s", _standing_line(job))
    waiting = [job for job in found if job.needs_a_person]
    if waiting:
        told = ", ".join(f"{job.job} {_word(job)}" for job in waiting[:5])
        more = say(" and {0} more", len(waiting) - 5) if len(waiting) > 5 else ""
        raise failure(_BOOKS, say("a person is needed: {0} → bridgehead status", f"{told}{more}"))


def events() -> None:
    """What is overdue is noted, and alarms that wait are sent; fails where one does not arrive."""
    known = deployment()
    came: dict[str, str | None] = {}
    _asked(lambda: came.update(note_all(known)))
    with section(f"alarms 告警：{len(came)}"):
        for rule, why_not in came.items():
            log.info("%s: %s", rule, say(why_not or "arrived"))
    late = [f"{rule}: {say(why_not)}" for rule, why_not in came.items() if why_not]
    if late:
        raise failure(_TRY_AGAIN, say("an alarm did not arrive: {0}", late[0]))


def purge() -> None:
    """Change rows that are older than `retention` allows go; fails where a job could not be
    looked at. One that a run holds has its turn later; a bad file is told by `configuration`."""
    known = deployment()
    found: list[Purged] = []
    _asked(lambda: found.extend(purge_jobs(known, (), "scheduler", wait=0)))
    with section(f"retention 保留期限：{sum(job.batches for job in found)}"):
        for job in found:
            if job.batches or job.why_not or job.error:
                why = one_line(job.error) if job.error else say(job.why_not or "")
                log.info("%s: %s batches, %s rows; %s", job.job, job.batches, job.rows, why)
    for error in [job.error for job in found if job.error]:
        if not isinstance(error, Busy | ConfigurationError):
            raise failure(error.exit_code, one_line(error))


STEPS: Mapping[str, Callable[[], None]] = {
    "configuration": configuration,
    "ledger": ledger,
    "standing": standing,
    "events": events,
    "purge": purge,
}


def compare(job: str) -> Mapping[str, object]:
    """L3: the contents of exchange and target, key by key. No row moves. While something is on its
    way nothing can be compared: that is tried again."""
    found = reconcile_job(deployment(), job)
    content = found.content
    counts = {"job": job, "verdict": found.outcome.verdict.value}
    if content is not None:
        sums = ("exchange_rows", "target_rows", "missing", "extra", "different")
        counts |= {name: getattr(content, name) for name in sums}
    with section(f"contents 内容核对：{job}"):
        log.info("%s", say(found.why_not) if found.why_not else counts)
        for word, key in content.sample if content else ():
            log.warning("%s %s", say(word), key)
    conclude(found.outcome)
    if found.why_not and found.outcome.verdict is Verdict.IN_FLIGHT:
        raise failure(_TRY_AGAIN, f"{job}: {say(found.why_not)}")
    return counts


def report() -> None:
    """Writes the statement of the day before the run's own, and first those of missed days. Fails
    where one is not in order, when all are written."""
    known, red = deployment(), list[str]()
    _asked(lambda: red.extend(_not_in_order(known)))
    if red:
        more = say(" and {0} more", len(red) - 1) if len(red) > 1 else ""
        raise failure(_BOOKS, f"{red[-1]}{more}")


def _not_in_order(known: Deployment) -> Iterator[str]:
    for day, made, file in write_days(known, _run_date(), reports_directory()):
        verdict = f"{made.verdict.zh} {made.verdict.en}"
        told = say("the statement of {0} says {1}: {2}", day, verdict, file)
        log.log(logging.INFO if made.in_order else logging.WARNING, "%s", told)
        if not made.in_order:
            yield told


def _run_date() -> datetime:
    """When the run was due, however late it is: whoever starts one by hand may give another."""
    run = get_current_context()["dag_run"]
    return run.logical_date or run.run_after


def reports_directory() -> Path:
    """`BRIDGEHEAD_REPORTS`, else beside Airflow's own files."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return Path(os.environ.get(REPORTS_VARIABLE) or home / "reports")


def _touch(known: Deployment) -> None:
    with open_ledger(known):
        pass


def _asked(question: Callable[[], None]) -> None:
    """Asks the ledger; what goes wrong there is one sentence, and tried again if that may help."""
    try:
        question()
    except BridgeheadError as error:
        raise failure(error.exit_code, one_line(error)) from None


def _standing_line(job: JobOverview) -> str:
    told = say("{0}: deviation {1}, {2}", job.job, job.deviation, _word(job))
    behind = job.lag_seconds
    return told if behind is None else f"{told}{say(', {0} s behind', f'{behind:,.0f}')}"


def _word(job: JobOverview) -> str:
    if not job.configured:
        return say("its file is gone or bad")
    return f"{job.verdict.zh} {job.verdict.en}" if job.verdict else say("not run yet")
