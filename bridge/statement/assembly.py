"""Assembles the statement of a period from the ledger alone: it works while source and target are
down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.ledger.audit import Audit
from bridge.ledger.period import audit_between, known_jobs
from bridge.overview import read_ledger
from bridge.settings import Deployment
from bridge.statement.jobperiod import JobInPeriod
from bridge.statement.period import Period
from bridge.statement.recount import recounts
from reconcile.figures import Report
from reconcile.statement import AuditLine, JobPeriod, Statement, days_of

__all__ = ["assemble_statement"]


def assemble_statement(
    deployment: Deployment, since: datetime, until: datetime, names: Sequence[str] = ()
) -> Statement:
    """Of the jobs named, or of all that the ledger knows; of what was sealed in [since, until).
    Everything is read in one snapshot of the ledger."""
    made = datetime.now(UTC)
    with read_ledger(deployment) as exchange:
        if exchange is None:
            return _statement(deployment, since, until, made, _Found())
        with exchange.snapshot():
            connection = exchange.connection
            configured = {*deployment.jobs, *deployment.bad_jobs}
            known = known_jobs(connection, deployment.department.code, configured)
            chosen = [name for name in known if not names or name in names]
            period = Period(deployment, connection, since, until, made)
            jobs = tuple(JobInPeriod(period, name).told() for name in chosen)
            found = _found(period, jobs, tuple(sorted({*known} - {*chosen})), names)
    return _statement(deployment, since, until, made, found)


@dataclass(frozen=True)
class _Found:
    """What the ledger holds of the period."""

    jobs: tuple[JobPeriod, ...] = ()
    left_out: tuple[str, ...] = ()
    audit: tuple[AuditLine, ...] = ()
    audit_head: tuple[int, str] | None = None
    audit_breaks: tuple[str, ...] = ()
    recounts: tuple[Any, ...] = ()


def _statement(
    deployment: Deployment, since: datetime, until: datetime, made: datetime, found: _Found
) -> Statement:
    zone_name = deployment.settings.statement.timezone
    report = Report(
        department_code=deployment.department.code,
        department_name=deployment.department.name,
        generated_at=made,
        period_from=since,
        period_to=until,
        jobs=tuple(job.section for job in found.jobs),
        zone=ZoneInfo(zone_name),
        left_out=found.left_out,
    )
    return Statement(
        report=report,
        zone_name=zone_name,
        jobs=found.jobs,
        days=days_of(report.batches, report),
        audit=found.audit,
        audit_head=found.audit_head,
        audit_breaks=found.audit_breaks,
        recounts=found.recounts,
    )


def _found(
    period: Period, jobs: tuple[JobPeriod, ...], left_out: tuple[str, ...], names: Sequence[str]
) -> _Found:
    """Decisions about every job, or about those named."""
    audit = Audit(period.connection, period.department)
    head = audit.head()
    entries = audit_between(period.connection, period.department, period.since, period.until)
    return _Found(
        jobs=jobs,
        left_out=left_out,
        audit=tuple(
            AuditLine(*(getattr(entry, name) for name in AuditLine.__dataclass_fields__))
            for entry in entries
            if not names or entry.job is None or entry.job in names
        ),
        audit_head=head if head[0] >= 0 else None,
        audit_breaks=tuple(problem.what for problem in audit.verify()),
        recounts=recounts(
            period.connection.dialect, period.deployment, jobs, period.since, period.until, names
        ),
    )
