"""What has moved since a moment, by job: read by indexes that hold the time, so that the history's
length does not matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from bridge.batch import Counts, State
from bridge.event import EventKind, Severity
from bridge.ledger.schema import batch_row, candidate_row, event_row, job_row
from bridge.ledger.word import read_word

__all__ = [
    "Effect",
    "JobActivity",
    "activity",
    "batches_since",
    "horizon_waits",
    "open_events",
    "received_since",
    "sent_since",
]

Effect = dict[str, int]
"""Rows by operation, by the names of `Counts`."""

_OPERATIONS = [name for name in Counts.__dataclass_fields__ if name not in ("total", "digest")]


@dataclass(frozen=True)
class JobActivity:
    """How long the last run took, and when its newest reconciled batch began and ended."""

    ran_milliseconds: int | None
    sealed_at: datetime | None
    reconciled_at: datetime | None


def activity(connection: Connection, department: str, at: datetime) -> dict[str, JobActivity]:
    """As it stood `at` that moment, whatever a clock that was ahead has stamped. An index look-up
    for each job."""
    names = ("sealed_at", "reconciled_at")
    newest = [_newest_reconciled(batch_row.c[name], at) for name in names]
    query = select(job_row.c.job, job_row.c.ran_milliseconds, *newest)
    found = connection.execute(query.where(job_row.c.department == department))
    return {job: JobActivity(*values) for job, *values in found}


def sent_since(connection: Connection, department: str, since: datetime) -> dict[str, Effect]:
    """Rows of batches sealed since then; not of those that claim nothing: held, superseded, or
    waived before they left."""
    c = batch_row.c
    claimed = or_(c.state != State.PURGED.value, c.reconciled_at.is_not(None))
    has_left = or_(c.state != State.WAIVED.value, c.received_total.is_not(None))
    sealed = and_(c.sealed_at >= since, c.state != State.HELD.value, claimed, has_left)
    return _summed(connection, department, "", sealed)


def received_since(connection: Connection, department: str, since: datetime) -> dict[str, Effect]:
    """Rows measured at the target since then. What was applied is compared at once: it is found
    among the reconciled ones, or among the few that are open."""
    c = batch_row.c
    applied = c.applied_at >= since
    open_states = [State.APPLIED.value, State.DEVIATED.value, State.WAIVED.value]
    closed = _summed(connection, department, "received_", applied, c.reconciled_at >= since)
    still_open = _summed(
        connection,
        department,
        "received_",
        applied,
        c.reconciled_at.is_(None),
        c.state.in_(open_states),
    )
    return {job: _plus(closed.get(job), still_open.get(job)) for job in {*closed, *still_open}}


def batches_since(
    connection: Connection, department: str, since: datetime
) -> list[tuple[str, State, bool, int]]:
    """By job: the state now of those sealed since then, whether they were ever reconciled, and how
    many."""
    c = batch_row.c
    reconciled = c.reconciled_at.is_not(None)
    query = (
        select(c.job, c.state, reconciled, func.count())
        .select_from(_ours())
        .where(job_row.c.department == department, c.sealed_at >= since)
        .group_by(c.job, c.state, reconciled)
    )
    found = connection.execute(query)
    return [
        (job, read_word(State, state, "state", job, "bh_batch"), bool(done), count)
        for job, state, done, count in found
    ]


def horizon_waits(connection: Connection, department: str) -> dict[str, datetime]:
    """By job whose horizon is held back: the oldest moment that still waits for open work."""
    c = candidate_row.c
    oldest = func.min(c.at).label("oldest")
    query = select(c.job, oldest).where(c.department == department).group_by(c.job)
    return {found.job: found.oldest for found in connection.execute(query)}


def open_events(
    connection: Connection, department: str
) -> list[tuple[str, EventKind, str, Severity, int]]:
    """Job (empty for none), kind, subject, severity, and how many of them."""
    c = event_row.c
    columns = (c.job, c.kind, c.subject, c.severity)
    query = select(*columns, func.count()).where(
        c.department == department, c.open_key.is_not(None)
    )
    return [
        (
            job,
            read_word(EventKind, kind, "kind", job, "bh_event"),
            subject,
            read_word(Severity, severity, "severity", job, "bh_event"),
            count,
        )
        for job, kind, subject, severity, count in connection.execute(query.group_by(*columns))
    ]


def _summed(
    connection: Connection, department: str, prefix: str, *conditions: Any
) -> dict[str, Effect]:
    sums = [func.sum(batch_row.c[prefix + name]) for name in _OPERATIONS]
    query = (
        select(batch_row.c.job, *sums)
        .select_from(_ours())
        .where(job_row.c.department == department, *conditions)
        .group_by(batch_row.c.job)
    )
    return {
        job: {name: int(value or 0) for name, value in zip(_OPERATIONS, values, strict=True)}
        for job, *values in connection.execute(query)
    }


def _ours() -> Any:
    """Job by job: the indexes of batches begin with the job."""
    same = and_(
        batch_row.c.department == job_row.c.department,
        batch_row.c.job == job_row.c.job,
    )
    return job_row.join(batch_row, same)


def _newest_reconciled(wanted: Any, at: datetime) -> Any:
    c = batch_row.c
    return (
        select(wanted)
        .where(c.department == job_row.c.department, c.job == job_row.c.job)
        .where(c.reconciled_at <= at)
        .order_by(c.reconciled_at.desc(), c.epoch.desc(), c.seq.desc())
        .limit(1)
        .correlate(job_row)
        .scalar_subquery()
    )


def _plus(one: Effect | None, other: Effect | None) -> Effect:
    return {name: (one or {}).get(name, 0) + (other or {}).get(name, 0) for name in _OPERATIONS}
