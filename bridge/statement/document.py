"""The JSON form of a statement, stable from the first release."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bridge.batch import instant
from reconcile.level import BatchLine, Effects, Position
from reconcile.matter import Matter
from reconcile.statement import Day, JobPeriod, Statement

__all__ = ["statement_document"]

_TALLY = (
    "read",
    "gone",
    "inserted",
    "updated",
    "deleted",
    "unchanged",
    "superseded",
    "quarantined",
    "late",
    "residual",
)


def statement_document(statement: Statement) -> dict[str, Any]:
    """All batches, whatever a page can hold. `signature` is null until statements are signed."""
    report = statement.report
    head = statement.audit_head
    return {
        "department": {"code": report.department_code, "name": report.department_name},
        "period": {
            "from": instant(report.period_from),
            "to": instant(report.period_to),
            "timezone": statement.zone_name,
        },
        "generated_at": instant(report.generated_at),
        "is_early": report.is_early,
        "left_out": list(report.left_out),
        "verdict": report.concluded(statement.verdict),
        "deviation": report.deviation,
        "sent": _sum(report.sent),
        "received": _sum(report.received),
        "timeliness": statement.timeliness,
        "jobs": [_job(job) for job in statement.jobs],
        "days": [_day(day) for day in statement.days],
        "audit": {
            "head": {"number": head[0], "hash": head[1]} if head else None,
            "problems": list(statement.audit_breaks),
            "entries": [asdict(entry) | {"at": instant(entry.at)} for entry in statement.audit],
        },
        "recounts": [asdict(recount) for recount in statement.recounts],
        "signature": None,
    }


def _job(job: JobPeriod) -> dict[str, Any]:
    section, stream = job.section, job.section.stream
    return {
        "job": section.job,
        "title": section.title,
        "resource": section.resource_code,
        "verdict": section.concluded,
        "sent": _sum(section.sent),
        "received": _sum(section.received),
        "deviation": job.deviation,
        "deviation_open": job.deviation_open,
        "in_flight": {
            "batches": stream.in_flight_batches,
            "rows": stream.in_flight_rows,
            "seconds": stream.in_flight_seconds,
        },
        "held": {"batches": job.held_batches, "rows": job.held_rows},
        "waived": {
            "batches": section.waived_batches,
            "rows": section.waived_rows,
            "besides": section.waived_besides,
        },
        "quarantined": section.column("quarantined"),
        "quarantine_open": section.quarantined_open,
        "gaps": job.gaps,
        "forks": job.forks,
        "residual": job.residual,
        "timeliness": {
            "kept": job.periods_kept,
            "due": job.periods_due,
            "share": section.timeliness,
            "unknown": job.cycles_unknown,
        },
        "opening": _position(job.opening),
        "closing": _position(job.closing),
        "content": _content(job),
        "matters": [_matter(matter) for matter in job.matters],
        "batches": [_batch(batch) for batch in section.batches],
    }


def _matter(matter: Matter) -> dict[str, Any]:
    return {
        "what": matter.what.en,
        "verdict": matter.verdict,
        "deviation": matter.deviation,
        "cause": matter.cause.en,
        "next_step": matter.next_step.en,
    }


def _content(job: JobPeriod) -> dict[str, Any] | None:
    content = job.section.content
    if content is None:
        return None
    counts = ("exchange_rows", "target_rows", "missing", "extra", "different")
    return {"checked_at": instant(content.checked_at)} | {
        name: getattr(content, name) for name in counts
    }


def _batch(batch: BatchLine) -> dict[str, Any]:
    return {
        "epoch": batch.epoch,
        "seq": batch.seq,
        "kind": batch.kind,
        "state": batch.state,
        "verdict": batch.verdict.value,
        "prev_hash": batch.prev_hash,
        "batch_hash": batch.batch_hash,
        "window": [instant(batch.window_low), instant(batch.window_high)],
        "sealed_at": instant(batch.sealed_at),
        **{name: getattr(batch, name) for name in _TALLY},
        "sent": asdict(batch.sent),
        "received": asdict(batch.received) if batch.received else None,
        "deviation": batch.deviation,
        "cause": batch.cause,
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "batches": len(day.batches),
        "sent": _sum(day.sent),
        "received": _sum(day.received),
        "unreceipted": day.unreceipted,
        "deviation": day.deviation,
    }


def _sum(effects: Effects) -> dict[str, int]:
    names = ("total", "inserted", "updated", "deleted")
    return {name: getattr(effects, name) for name in names}


def _position(position: Position | None) -> dict[str, Any] | None:
    return asdict(position) if position else None
