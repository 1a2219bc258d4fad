"""When jobs began, and when their batches were reconciled: what deadlines are measured by.

A part of a load that is not whole counts for nothing: the resource is not up to date by it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from bridge.ledger.schema import batch_row, job_row, known_row
from bridge.ledger.thisjob import naming, this_job
from reconcile.verdict import Verdict

__all__ = [
    "begun_at",
    "count_kept",
    "disabled",
    "forget_others",
    "know",
    "reconciled_at",
    "reconciled_between",
]


def begun_at(
    connection: Connection, department: str, names: Sequence[str] | None = None
) -> dict[str, datetime]:
    """By job: since when it owes something. That is when it was first known or, if that was later,
    switched on, and no later than its first batch."""
    first = _moments(connection, _FIRST_SEALED, department, names)
    known = _known(connection, department, names)
    enabled = _moments(connection, _ENABLED, department, names) if known else {}
    wanted = names if names is not None else first.keys() | known.keys()
    begun = {job: _begun(first.get(job), known.get(job), enabled.get(job)) for job in wanted}
    return {job: at for job, at in begun.items() if at is not None}


def know(connection: Connection, department: str, names: Collection[str], at: datetime) -> None:
    """Of jobs not known until now, keeps that they are since `at`. Two sessions that do so at once
    collide: the caller tries again."""
    known = _known(connection, department, names)
    new = [
        {"department": department, "job": job, "known_at": at}
        for job in sorted(set(names) - known.keys())
    ]
    if new:
        connection.execute(insert(known_row), new)


def reconciled_at(
    connection: Connection, department: str, at: datetime, names: Sequence[str] | None = None
) -> dict[str, datetime]:
    """By job: when a whole window was last reconciled, as it stood `at` that moment. What lies
    behind it was stamped by a clock that was ahead, and says nothing of now."""
    return _moments(connection, _LAST_RECONCILED, department, names, until=at)


def disabled(connection: Connection, department: str) -> set[str]:
    """The jobs that somebody has switched off."""
    return set(connection.execute(_DISABLED, {"this_department": department}).scalars())


def reconciled_between(
    connection: Connection, department: str, job: str, low: datetime, high: datetime
) -> list[datetime]:
    """Every such moment in [low, high), in order."""
    at = batch_row.c.reconciled_at
    query = select(at).where(this_job(batch_row), _WHOLE, at >= low, at < high).order_by(at)
    return list(connection.execute(query, naming(department, job)).scalars())


def count_kept(
    connection: Connection, department: str, job: str, periods: Sequence[tuple[datetime, datetime]]
) -> int:
    """In how many of the periods [low, high) something was reconciled: an index look-up each."""
    if not periods:
        return 0
    values: dict[str, Any] = {**naming(department, job)}
    for place, (low, high) in enumerate(periods):
        values |= {f"l{place}": low, f"h{place}": high}
    return sum(map(bool, connection.execute(_looks(len(periods)), values).one()))


@cache
def _looks(count: int) -> Select[Any]:
    """Made once, because `status` asks it of hundreds of jobs."""
    at = batch_row.c.reconciled_at
    ours = this_job(batch_row)
    looks: list[Any] = [
        exists().where(ours, _WHOLE, at >= bindparam(f"l{place}"), at < bindparam(f"h{place}"))
        for place in range(count)
    ]
    return select(*looks)


def forget_others(connection: Connection, department: str, names: Collection[str]) -> None:
    """Keeps of these jobs alone since when they are known, and that one was changed and waits for
    a resync: one that comes back begins anew. What stands in the books of the others stays."""
    held = update(job_row).where(
        job_row.c.department == department,
        job_row.c.ran_verdict == Verdict.HELD.value,
        job_row.c.job.not_in(names),
    )
    connection.execute(held.values(ran_verdict=None))
    gone = _known(connection, department, None).keys() - set(names)
    if gone:
        c = known_row.c
        connection.execute(delete(known_row).where(c.department == department, c.job.in_(gone)))


def _begun(
    sealed: datetime | None, known: datetime | None, enabled: datetime | None
) -> datetime | None:
    moments = [at for at in (known, enabled if known else None) if at]
    return max((at for at in moments if sealed is None or at <= sealed), default=sealed)


def _known(
    connection: Connection, department: str, names: Collection[str] | None
) -> dict[str, datetime]:
    return _moments(connection, _KNOWN, department, names)


def _moments(
    connection: Connection,
    question: _Question,
    department: str,
    names: Collection[str] | None,
    **more: datetime,
) -> dict[str, datetime]:
    values: dict[str, Any] = {"this_department": department, **more}
    if names is not None:
        values["names"] = list(names)
    found = connection.execute(question.of_all if names is None else question.of_some, values)
    return {job: at for job, at in found if at is not None}


def _one(wanted: Any, order: Any, *conditions: Any) -> ScalarSelect[Any]:
    """Of the batches of the job that the row around it is about."""
    c = batch_row.c
    return (
        select(wanted)
        .where(c.department == job_row.c.department, c.job == job_row.c.job, *conditions)
        .order_by(order)
        .limit(1)
        .correlate(job_row)
        .scalar_subquery()
    )


class _Question:
    """A moment of each job of the department, or of those named; every run asks it."""

    def __init__(self, table: Table, moment: Any, *conditions: Any) -> None:
        c = table.c
        ours = c.department == bindparam("this_department")
        self.of_all = select(c.job, moment).where(ours, *conditions)
        self.of_some = self.of_all.where(c.job.in_(bindparam("names", expanding=True)))


_SEALED, _RECONCILED = batch_row.c.sealed_at, batch_row.c.reconciled_at
_WHOLE = and_(_RECONCILED.is_not(None), batch_row.c.last)
_FIRST_SEALED = _Question(job_row, _one(_SEALED, _SEALED))
_BY_THEN = and_(_WHOLE, batch_row.c.reconciled_at <= bindparam("until"))
_LAST_RECONCILED = _Question(job_row, _one(_RECONCILED, _RECONCILED.desc(), _BY_THEN))
_KNOWN = _Question(known_row, known_row.c.known_at)
_ENABLED = _Question(
    job_row, job_row.c.enabled_at, job_row.c.enabled.is_(True), job_row.c.enabled_at.is_not(None)
)
_DISABLED = select(job_row.c.job).where(
    job_row.c.department == bindparam("this_department"), job_row.c.enabled.is_(False)
)
