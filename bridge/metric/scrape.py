"""Measures a deployment by its ledger: a bounded number of queries, none of which reads history
older than today, and no connection but that to the exchange."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import Connection

from bridge.batch import State
from bridge.deadline.deadline import CHINA
from bridge.errors import InternalError
from bridge.event import EventKind, Severity
from bridge.ledger import JobStanding
from bridge.ledger.activity import (
    JobActivity,
    activity,
    batches_since,
    horizon_waits,
    open_events,
    received_since,
    sent_since,
)
from bridge.metric.metric import Page
from bridge.overview import VERDICTS, JobOverview, overview_of, read_ledger
from bridge.settings import Deployment
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

__all__ = ["nothing_known", "scrape"]


def scrape(deployment: Deployment, unread: int = 0) -> tuple[Page, BridgeheadError | None]:
    """What is known now; with the error where the ledger cannot be read, and then little is.
    `unread` are the problems of a newer configuration, which cannot be used."""
    began = time.monotonic()
    page = Page(deployment.department.code)
    failure: BridgeheadError | None = None
    try:
        with read_ledger(deployment) as exchange:
            if exchange is None:
                _measure(page, None, deployment)
            else:
                with exchange.transaction() as connection:
                    _measure(page, connection, deployment)
    except BridgeheadError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 — a page that is not there raises no alarm
        failure = InternalError.because(error)
    if failure is None:
        page.put("bridgehead_up", 1)
    else:
        page = nothing_known(deployment.department.code)
        page.put("bridgehead_endpoint_up", 0, deployment.exchange)
    page.put("bridgehead_scrape_duration_seconds", time.monotonic() - began)
    page.put("bridgehead_configuration_problems", unread or len(deployment.problems))
    return page, failure


def nothing_known(department: str) -> Page:
    """A page that raises an alarm; the department is empty where not even that is known."""
    page = Page(department)
    page.put("bridgehead_up", 0)
    return page


def _measure(page: Page, connection: Connection | None, deployment: Deployment) -> None:
    at = datetime.now(UTC)
    jobs = overview_of(connection, deployment, at)
    kept = {*deployment.jobs, *deployment.bad_jobs}
    for job in jobs:
        _put_job(page, job)
        if job.standing is not None and job.job in kept:
            _put_going_on(page, job, job.standing)
    if connection is None:
        _put_events(page, deployment, [])
        return
    department = deployment.department.code
    _put_events(page, deployment, open_events(connection, department))
    known, waits = activity(connection, department, at), horizon_waits(connection, department)
    for name, found in known.items():
        if name not in kept:
            continue
        wait = waits.get(name)
        age = max(0.0, (at - wait).total_seconds()) if wait else 0
        page.put("bridgehead_horizon_age_seconds", age, name)
        _put_durations(page, name, found)
    _put_today(page, connection, department, at, sorted(known))


def _put_job(page: Page, job: JobOverview) -> None:
    for verdict in Verdict:
        page.put("bridgehead_job_verdict", job.verdict is verdict, job.job, verdict.value)
    standing, deadline = job.standing, job.deadline
    if standing is not None:
        page.put("bridgehead_deviation_rows", job.deviation, job.job)
        page.put("bridgehead_waived_rows", job.waived, job.job)
        page.put("bridgehead_in_flight_age_seconds", job.in_flight_seconds or 0, job.job)
        page.put("bridgehead_quarantined_rows", standing.quarantined, job.job)
        counts = {
            Verdict.IN_FLIGHT: standing.in_flight,
            Verdict.DEVIATION: standing.deviated,
            Verdict.HELD: standing.held,
        }
        for verdict, count in counts.items():
            page.put("bridgehead_open_batches", count, job.job, verdict.value)
    if deadline is not None:
        page.put("bridgehead_due_timestamp_seconds", _stamp(deadline.due_at), job.job)
        page.put("bridgehead_overdue", deadline.overdue, job.job)
        page.put("bridgehead_timeliness_ratio", deadline.recent.share, job.job)


def _put_going_on(page: Page, job: JobOverview, standing: JobStanding) -> None:
    """What would grow for ever, and alarm, of a job whose file was taken away."""
    page.put("bridgehead_job_enabled", standing.enabled, job.job)
    page.put("bridgehead_lag_seconds", job.lag_seconds, job.job)
    page.put("bridgehead_last_run_timestamp_seconds", _stamp(standing.ran_at), job.job)


def _put_durations(page: Page, name: str, found: JobActivity) -> None:
    if found.ran_milliseconds is not None:
        page.put("bridgehead_last_run_duration_seconds", found.ran_milliseconds / 1000, name)
    if found.sealed_at and found.reconciled_at:
        took = (found.reconciled_at - found.sealed_at).total_seconds()
        page.put("bridgehead_last_batch_duration_seconds", max(0.0, took), name)
        page.put("bridgehead_last_batch_timestamp_seconds", _stamp(found.reconciled_at), name)


def _put_events(
    page: Page, deployment: Deployment, found: list[tuple[str, EventKind, str, Severity, int]]
) -> None:
    counts = Counter({("", severity.value): 0 for severity in Severity})
    for job, _, _, severity, count in found:
        counts[job, severity.value] += count
    for (job, name), count in sorted(counts.items()):
        page.put("bridgehead_events_open", count, job, name)
    down = {subject for _, kind, subject, _, _ in found if kind is EventKind.STORE}
    for endpoint in sorted(deployment.endpoints):
        is_up = endpoint not in down or endpoint == deployment.exchange
        page.put("bridgehead_endpoint_up", is_up, endpoint)


def _put_today(
    page: Page, connection: Connection, department: str, at: datetime, names: list[str]
) -> None:
    """Zero is told too: a job that stands still is not one that is not there."""
    midnight = at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight.astimezone(UTC)
    rows = {
        "bridgehead_rows_sent_today": sent_since(connection, department, since),
        "bridgehead_rows_received_today": received_since(connection, department, since),
    }
    for metric, found in rows.items():
        for name in names:
            for operation in ("inserted", "updated", "deleted"):
                page.put(metric, found.get(name, {}).get(operation, 0), name, operation)
    counts = Counter({(name, Verdict.RECONCILED.value): 0 for name in names})
    for name, state, done, count in batches_since(connection, department, since):
        counts[name, _verdict(state, reconciled=done)] += count
    for (name, verdict), count in sorted(counts.items()):
        page.put("bridgehead_batches_today", count, name, verdict)


def _verdict(state: State, *, reconciled: bool) -> str:
    if state is State.PURGED:
        return Verdict.RECONCILED.value if reconciled else "superseded"
    return VERDICTS[state].value


def _stamp(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
