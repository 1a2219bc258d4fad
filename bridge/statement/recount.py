"""The queries with which an auditor computes a statement's numbers in the stores, without us.

Those of the ledger are spelled for the exchange's own database. Those of the receiver use nothing
that any database would spell in its own way: they are found by number, not by time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Dialect, Select, and_, case, func, null, or_, select, true
from sqlalchemy.engine.default import DefaultDialect

from bridge.batch import Kind, State
from bridge.ledger.receiverschema import receipt_row
from bridge.ledger.schema import audit_entry, batch_row, quarantine_row
from bridge.settings import Deployment
from reconcile.level import BatchLine
from reconcile.statement import JobPeriod, Recount

__all__ = ["recounts"]

_IMAGES = [kind.value for kind in Kind if kind.is_image]
_TALLY = ("read", "gone", "unchanged", "superseded", "quarantined", "late")
_EFFECTS = ("inserted", "updated", "deleted")
b = batch_row.c
_THIRD = case((b.kind.in_(_IMAGES), b.unchanged), else_=b.deleted)
_SENT = b.inserted + b.updated + _THIRD
_CLAIMED = or_(b.state != State.PURGED.value, b.reconciled_at.is_not(None))
_BALANCE = b.read + b.gone - sum((b[name] for name in _TALLY[2:5]), sum(b[n] for n in _EFFECTS))


def recounts(
    dialect: Dialect,
    deployment: Deployment,
    jobs: Sequence[JobPeriod],
    since: datetime,
    until: datetime,
    only: Sequence[str] = (),
) -> tuple[Recount, ...]:
    """Of the ledger first, then one for each job at its target. The audit log is of every job,
    unless some were asked for `only`."""
    names = [job.section.job for job in jobs]
    if not names:
        return ()
    department = deployment.department.code
    ours = and_(b.department == department, b.job.in_(names))
    within = and_(b.sealed_at >= since, b.sealed_at < until)
    queries = {
        "recount_batches": _batches(ours, within),
        "recount_days": _days(ours, within, _midnights(deployment, jobs)),
        "recount_in_flight": _waiting(ours, until, State.SEALED, State.APPLIED),
        "recount_held": _waiting(ours, until, State.HELD),
        "recount_waived": _waived(ours, until),
        "recount_quarantine": _quarantine(department, names, until),
        "recount_opening": _position(ours, since),
        "recount_closing": _position(ours, until),
        "recount_chain": _chain(ours, since, until),
        "recount_audit": _audit(department, since, until, only),
    }
    made = [
        Recount(code, deployment.exchange, _text(query, dialect)) for code, query in queries.items()
    ]
    return (*made, *_receivers(deployment, jobs))


def _batches(ours: ColumnElement[bool], within: ColumnElement[bool]) -> Select[Any]:
    summed = [func.sum(b[name]).label(name) for name in (*_EFFECTS, *_TALLY)]
    received = [
        func.sum(func.coalesce(b[f"received_{name}"], 0)).label(f"received_{name}")
        for name in ("total", *_EFFECTS)
    ]
    return (
        select(
            b.job,
            func.count().label("batches"),
            func.sum(_SENT).label("sent_total"),
            *summed,
            *received,
            func.sum(func.coalesce(b.deviation, 0)).label("deviation"),
            func.sum(func.abs(_BALANCE)).label("residual"),
        )
        .where(ours, within, _CLAIMED)
        .group_by(b.job)
        .order_by(b.job)
    )


def _days(
    ours: ColumnElement[bool], within: ColumnElement[bool], days: Sequence[tuple[date, datetime]]
) -> Select[Any]:
    """By day of the statement's zone, which no database is asked to know: each day's bounds are
    moments."""
    bounds = [(b.sealed_at < end, day.isoformat()) for day, end in days]
    of_day = case(*bounds) if bounds else null()  # a period without batches has no days
    received = [func.coalesce(b[f"received_{n}"], 0) for n in ("total", *_EFFECTS)]
    counted = {
        "sent_total": _SENT,
        "sent_inserted": b.inserted,
        "sent_updated": b.updated,
        "sent_deleted": b.deleted,
        **{f"received_{n}": v for n, v in zip(("total", *_EFFECTS), received, strict=True)},
        "deviation": func.coalesce(b.deviation, 0),
    }
    inner = (
        select(of_day.label("day"), *(value.label(name) for name, value in counted.items()))
        .where(ours, within, _CLAIMED)
        .subquery("by_day")
    ).c
    sums = [func.sum(inner[name]).label(name) for name in counted]
    query = select(inner.day, func.count().label("batches"), *sums)
    return query.group_by(inner.day).order_by(inner.day)


def _midnights(deployment: Deployment, jobs: Sequence[JobPeriod]) -> list[tuple[date, datetime]]:
    """Each day on which something was sealed, and when it ended."""
    zone = ZoneInfo(deployment.settings.statement.timezone)
    sealed = (batch.sealed_at for job in jobs for batch in job.section.batches)
    days = sorted({moment.astimezone(zone).date() for moment in sealed})
    return [
        (day, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC))
        for day in days
    ]


def _waiting(ours: ColumnElement[bool], until: datetime, *states: State) -> Select[Any]:
    return (
        select(
            b.job,
            func.count().label("batches"),
            func.sum(_SENT).label("row_count"),
            func.min(b.sealed_at).label("since"),
        )
        .where(ours, b.sealed_at < until, b.state.in_([state.value for state in states]))
        .group_by(b.job)
        .order_by(b.job)
    )


def _waived(ours: ColumnElement[bool], until: datetime) -> Select[Any]:
    """Of one that never left: all that it changes."""
    amiss = case((b.received_total.is_(None), sum(b[n] for n in _EFFECTS)), else_=b.deviation)
    return (
        select(b.job, func.count().label("batches"), func.sum(amiss).label("row_count"))
        .where(ours, b.sealed_at < until, b.state == State.WAIVED.value)
        .group_by(b.job)
        .order_by(b.job)
    )


def _quarantine(department: str, names: Sequence[str], until: datetime) -> Select[Any]:
    q = quarantine_row.c
    still_open = or_(q.closed_at.is_(None), q.closed_at >= until)
    return (
        select(q.job, func.count().label("open_entries"))
        .where(q.department == department, q.job.in_(names), q.opened_at < until, still_open)
        .group_by(q.job)
        .order_by(q.job)
    )


def _position(ours: ColumnElement[bool], moment: datetime) -> Select[Any]:
    """The last batch of each job sealed before that moment."""
    place = func.row_number().over(partition_by=b.job, order_by=(b.epoch.desc(), b.seq.desc()))
    inner = (
        select(b.job, b.epoch, b.seq, b.batch_hash, place.label("place"))
        .where(ours, b.sealed_at < moment)
        .subquery("ranked")
    )
    c = inner.c
    return select(c.job, c.epoch, c.seq, c.batch_hash).where(c.place == 1).order_by(c.job)


def _chain(ours: ColumnElement[bool], since: datetime, until: datetime) -> Select[Any]:
    """Batches of the period that do not name the hash of the one before them in the ledger,
    whenever that was sealed."""
    stream = (b.job, b.epoch)
    inner = (
        select(
            b.job,
            b.epoch,
            b.seq,
            b.prev_hash,
            b.sealed_at,
            func.lag(b.batch_hash).over(partition_by=stream, order_by=b.seq).label("hash_before"),
            func.lag(b.seq).over(partition_by=stream, order_by=b.seq).label("seq_before"),
        )
        .where(ours)
        .subquery("linked")
    )
    c = inner.c
    broken = or_(c.prev_hash != c.hash_before, c.seq != func.coalesce(c.seq_before, 0) + 1)
    columns = (c.job, c.epoch, c.seq, c.prev_hash, c.hash_before, c.seq_before)
    within = and_(c.sealed_at >= since, c.sealed_at < until)
    return select(*columns).where(within, broken).order_by(c.job, c.epoch, c.seq)


def _audit(department: str, since: datetime, until: datetime, only: Sequence[str]) -> Select[Any]:
    c = audit_entry.c
    of_these = or_(c.job.is_(None), c.job.in_(only)) if only else true()
    return (
        select(c.number, c.job, c.actor, c.action, c.prev_hash, c.hash)
        .where(c.department == department, c.number > 0, c.at >= since, c.at < until, of_these)
        .order_by(c.number)
    )


def _receivers(deployment: Deployment, jobs: Sequence[JobPeriod]) -> Iterator[Recount]:
    """Apart are the batches that were sealed while the job was another: where its target was
    another one too, their receipts are there, and the ledger does not know where that is. Of a job
    without a file it knows of none."""
    for period in jobs:
        job = deployment.jobs.get(period.section.job)
        received = [batch for batch in period.section.batches if batch.received is not None]
        for code, is_same in (("recount_received", True), ("recount_received_before", False)):
            as_now = period.content_hash if job else None
            chosen = [b for b in received if (b.content_hash == as_now) is is_same]
            if chosen:
                query = _measured(deployment.department.code, period.section.job, chosen)
                store = job.target.endpoint if job else ""
                yield Recount(code, store, _text(query, DefaultDialect()))


def _measured(department: str, job: str, batches: Sequence[BatchLine]) -> Select[Any]:
    r = receipt_row.c
    numbers = or_(
        *(and_(r.epoch == epoch, r.seq.between(low, high)) for epoch, low, high in _runs(batches))
    )
    sums = [func.sum(r[effect]).label(effect) for effect in ("total", *_EFFECTS)]
    query = select(r.job, func.count().label("batches"), *sums)
    return query.where(r.department == department, r.job == job, numbers).group_by(r.job)


def _runs(batches: Sequence[BatchLine]) -> Iterator[tuple[int, int, int]]:
    """Their numbers, as ranges."""
    run: tuple[int, int, int] | None = None
    for batch in batches:
        if run and (batch.epoch, batch.seq) == (run[0], run[2] + 1):
            run = (run[0], run[1], batch.seq)
        else:
            if run:
                yield run
            run = (batch.epoch, batch.seq, batch.seq)
    if run:
        yield run


def _text(query: Select[Any], dialect: Dialect) -> str:
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})) + ";"
