"""When jobs began, and when their batches were reconciled: what deadlines are measured by.

A part of a load that is not whole counts for nothing: the resource is not up to date by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    exists,
    select,
)

from bridge.ledger.schema import batch_row, job_row

__all__ = ["begun_at", "count_kept", "disabled", "reconciled_at", "reconciled_between"]


def begun_at(
    connection: Connection, department: str, names: Sequence[str] | None = None
) -> dict[str, datetime]:
    """By job: when its first batch was sealed. An index look-up for each job."""
    at = batch_row.c.sealed_at
    return _by_job(connection, department, names, _one(at, at))


def reconciled_at(
    connection: Connection, department: str, names: Sequence[str] | None = None
) -> dict[str, datetime]:
    """By job: when a whole window was last reconciled."""
    at = batch_row.c.reconciled_at
    return _by_job(connection, department, names, _one(at, at.desc(), _WHOLE))


def disabled(connection: Connection, department: str) -> set[str]:
    """The jobs that somebody has switched off."""
    c = job_row.c
    query = select(c.job).where(c.department == department, c.enabled.is_(False))
    return set(connection.execute(query).scalars())


def reconciled_between(
    connection: Connection, department: str, job: str, low: datetime, high: datetime
) -> list[datetime]:
    """Every such moment in [low, high), in order."""
    at = batch_row.c.reconciled_at
    query = select(at).where(_of(department, job), _WHOLE, at >= low, at < high).order_by(at)
    return list(connection.execute(query).scalars())


def count_kept(
    connection: Connection, department: str, job: str, periods: Sequence[tuple[datetime, datetime]]
) -> int:
    """In how many of the periods [low, high) something was reconciled: an index look-up each."""
    if not periods:
        return 0
    values: dict[str, Any] = {"department": department, "job": job}
    for place, (low, high) in enumerate(periods):
        values |= {f"l{place}": low, f"h{place}": high}
    return sum(map(bool, connection.execute(_looks(len(periods)), values).one()))


@cache
def _looks(count: int) -> Select[Any]:
    """Made once, because `status` asks it of hundreds of jobs."""
    at = batch_row.c.reconciled_at
    ours = _of(bindparam("department"), bindparam("job"))
    looks: list[Any] = [
        exists().where(ours, _WHOLE, at >= bindparam(f"l{place}"), at < bindparam(f"h{place}"))
        for place in range(count)
    ]
    return select(*looks)


def _one(wanted: Any, order: Any, *conditions: Any) -> ScalarSelect[Any]:
    c = batch_row.c
    return (
        select(wanted)
        .where(c.department == job_row.c.department, c.job == job_row.c.job, *conditions)
        .order_by(order)
        .limit(1)
        .correlate(job_row)
        .scalar_subquery()
    )


def _by_job(
    connection: Connection, department: str, names: Sequence[str] | None, value: ScalarSelect[Any]
) -> dict[str, datetime]:
    query = select(job_row.c.job, value).where(job_row.c.department == department)
    if names is not None:
        query = query.where(job_row.c.job.in_(names))
    return {job: at for job, at in connection.execute(query) if at is not None}


def _of(department: Any, job: Any) -> ColumnElement[bool]:
    return and_(batch_row.c.department == department, batch_row.c.job == job)


_WHOLE = and_(batch_row.c.reconciled_at.is_not(None), batch_row.c.last)
