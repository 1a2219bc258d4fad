"""What the ledger held at the bounds of a period. Reads only."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, union

from bridge.batch import Batch
from bridge.event import EventKind
from bridge.ledger.audit import Audit, AuditEntry
from bridge.ledger.batchrow import batch_of
from bridge.ledger.schema import (
    audit_entry,
    batch_row,
    event_row,
    job_row,
    known_row,
    quarantine_row,
)

__all__ = [
    "audit_between",
    "known_jobs",
    "last_before",
    "quarantined_at",
    "stopped_at",
    "strayed",
]

_STOPPED = [EventKind.GAP.value, EventKind.FORK.value, EventKind.DEVIATION.value]


def known_jobs(connection: Connection, department: str, configured: Collection[str]) -> list[str]:
    """Every job that has ever run, and of those `configured` now every one that should have. One
    whose own row is lost is known by its batches, and by the epochs that the audit log names."""
    ran = union(
        select(job_row.c.job).where(job_row.c.department == department),
        select(batch_row.c.job).where(batch_row.c.department == department),
    )
    found = set(connection.execute(ran).scalars()) | Audit(connection, department).begun_jobs()
    known = select(known_row.c.job).where(known_row.c.department == department)
    found |= set(connection.execute(known).scalars()).intersection(configured)
    return sorted(found)


def last_before(
    connection: Connection, department: str, job: str, until: datetime, *, confirmed: bool = False
) -> Batch | None:
    """Of the batches sealed before that moment, of any state, the one with the highest number; or
    of those that have a receipt."""
    c = batch_row.c
    query = select(batch_row).where(c.department == department, c.job == job, c.sealed_at < until)
    if confirmed:
        query = query.where(c.received_total.is_not(None))
    newest = query.order_by(c.epoch.desc(), c.seq.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return batch_of(row) if row else None


def strayed(
    connection: Connection,
    department: str,
    job: str,
    numbers: tuple[tuple[int, int], tuple[int, int]],
    times: tuple[datetime, datetime],
) -> list[tuple[int, int]]:
    """The numbers after the first and up to the second whose batches were not sealed in [low,
    high) of `times`, in order."""
    c = batch_row.c
    (after_epoch, after_seq), (to_epoch, to_seq) = numbers
    query = select(c.epoch, c.seq).where(
        c.department == department,
        c.job == job,
        or_(c.epoch > after_epoch, and_(c.epoch == after_epoch, c.seq > after_seq)),
        or_(c.epoch < to_epoch, and_(c.epoch == to_epoch, c.seq <= to_seq)),
        or_(c.sealed_at < times[0], c.sealed_at >= times[1]),
    )
    found = connection.execute(query.order_by(c.epoch, c.seq))
    return [(epoch, seq) for epoch, seq in found]


def quarantined_at(connection: Connection, department: str, job: str, until: datetime) -> int:
    """How many entries were open at that moment."""
    c = quarantine_row.c
    still_open = or_(c.closed_at.is_(None), c.closed_at >= until)
    query = select(func.count()).where(
        c.department == department, c.job == job, c.opened_at < until, still_open
    )
    return int(connection.execute(query).scalar_one())


def stopped_at(
    connection: Connection, department: str, job: str, until: datetime
) -> dict[EventKind, dict[str, Any]]:
    """Which gap, fork or deviation runs had found, and stood at that moment, with its facts; not a
    gap that a run has put right by itself, nor a deviation of batches that is over now: of these it
    counts how they are; nor what is wrong in an epoch that has ended, which is told where its own
    batches are."""
    c = event_row.c
    stood = (
        c.subject == "",
        c.first_seen_at < until,
        or_(c.closed_at.is_(None), c.closed_at >= until),
    )
    query = select(c.kind, c.facts, c.closed_at).where(
        c.department == department, c.job == job, c.kind.in_(_STOPPED), *stood
    )
    found: dict[EventKind, dict[str, Any]] = {}
    for kind, text, closed_at in connection.execute(query):
        facts = json.loads(text)
        if kind == EventKind.DEVIATION.value:
            counts = closed_at is None or not _deviated_at(connection, department, job, until)
        else:
            counts = "code" in facts
        if counts:
            found[EventKind(kind)] = facts
    return found


def _deviated_at(connection: Connection, department: str, job: str, until: datetime) -> bool:
    """Whether a batch deviated at that moment that may have been put right since."""
    c = batch_row.c
    query = select(c.seq).where(
        c.department == department,
        c.job == job,
        c.sealed_at < until,
        c.deviation > 0,
        or_(c.reconciled_at.is_(None), c.reconciled_at >= until),
    )
    return connection.execute(query.limit(1)).first() is not None


def audit_between(
    connection: Connection, department: str, since: datetime, until: datetime
) -> list[AuditEntry]:
    """Entries of [since, until), oldest first, without the anchor."""
    c = audit_entry.c
    query = select(audit_entry).where(
        c.department == department, c.number > 0, c.at >= since, c.at < until
    )
    found = connection.execute(query.order_by(c.number))
    return [AuditEntry(**row._mapping) for row in found]
