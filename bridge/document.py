"""The JSON forms of what commands tell, stable from the first release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bridge.batch import Batch, instant
from connectors.errors import BridgeheadError

if TYPE_CHECKING:  # `status` and `batches` do not load the engine
    from bridge.comparison import Comparison
    from bridge.ledger.event import EventEntry
    from bridge.ledger.quarantine import QuarantineEntry
    from bridge.ledger.record import Sums
    from bridge.ledger.waiver import Waiver
    from bridge.overview import JobOverview
    from bridge.run import Outcome
    from bridge.settings import Deployment

__all__ = [
    "batch_document",
    "batches_document",
    "error_document",
    "event_document",
    "outcome_document",
    "status_document",
]


def batch_document(batch: Batch) -> dict[str, Any]:
    """One batch with the sender's books, what was sent, and what was measured."""
    tally = batch.tally
    return {
        "epoch": batch.epoch,
        "seq": batch.seq,
        "kind": batch.kind.value,
        "state": batch.state.value,
        "batch_hash": batch.batch_hash,
        "window": [instant(batch.window_low), instant(batch.window_high)],
        "read": tally.read,
        "gone": tally.gone,
        "inserted": tally.inserted,
        "updated": tally.updated,
        "deleted": tally.deleted,
        "unchanged": tally.unchanged,
        "superseded": tally.superseded,
        "quarantined": tally.quarantined,
        "late": tally.late,
        "sent": asdict(batch.sent),
        "received": asdict(batch.received) if batch.received else None,
    }


def batches_document(job: str, batches: Sequence[Batch]) -> dict[str, Any]:
    return {"job": job, "batches": [batch_document(batch) for batch in batches]}


def outcome_document(outcome: Outcome, deployment: Deployment) -> dict[str, Any]:
    """A run of one job; `waived`, `remedy`, `renewed`, `error`, `skipped` and `held_back_by` only
    where there is something to say."""
    document: dict[str, Any] = {
        "job": outcome.job,
        "verdict": outcome.verdict.value,
        "deviation": outcome.deviation,
        "quarantined": outcome.quarantined,
        "batches": [batch_document(batch) for batch in outcome.batches],
    }
    if outcome.waived:
        document["waived"] = outcome.waived
    if outcome.remedy:
        document["remedy"] = outcome.remedy
    if outcome.renewed:
        document["renewed"] = outcome.renewed
    if outcome.skipped:
        document["skipped"] = "disabled"
    if outcome.holders:
        document["held_back_by"] = list(outcome.holders)
    if outcome.error is not None:
        document["error"] = error_document(outcome.error, deployment)
    return document


def status_document(job: JobOverview) -> dict[str, Any]:
    standing = job.standing
    guarantee = job.guarantee
    return {
        "job": job.job,
        "title": job.title,
        "configured": job.configured,
        "enabled": standing.enabled if standing else True,
        "verdict": job.verdict.value if job.verdict else None,
        "epoch": standing.epoch if standing else None,
        "seq": standing.seq if standing else None,
        "watermark": instant(standing.watermark) if standing else None,
        "lag_seconds": job.lag_seconds,
        "in_flight": standing.in_flight if standing else 0,
        "in_flight_seconds": job.in_flight_seconds,
        "deviation": job.deviation,
        "held": standing.held if standing else 0,
        "waived": job.waived,
        "waivers": [_waiver(waiver) for waiver in job.waivers],
        "quarantined": standing.quarantined if standing else 0,
        "guarantee": guarantee.promise.value if guarantee else None,
        "guarantee_why": guarantee.why if guarantee else None,
        "looked_at": instant(standing.looked_at) if standing else None,
        "last_reconciled_at": instant(standing.last_reconciled_at) if standing else None,
        "ran_at": instant(standing.ran_at) if standing else None,
        "ran_error": standing.ran_error if standing else None,
        "compared_at": instant(standing.compared_at) if standing else None,
        **_deadline(job),
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "epoch": waiver.epoch,
        "seq": waiver.seq or None,
        "rows": waiver.rows,
        "at": instant(waiver.at),
        "by": waiver.actor,
        "why": waiver.why,
        "found": waiver.found or None,
    }


def _deadline(job: JobOverview) -> dict[str, Any]:
    """All null of a job that owes nothing, or has not begun."""
    deadline = job.deadline
    return {
        "update_cycle": deadline.cycle if deadline else None,
        "due_at": instant(deadline.due_at) if deadline else None,
        "overdue": deadline.overdue if deadline else None,
        "timeliness": deadline.recent.share if deadline else None,
        "periods_due": deadline.recent.due if deadline else None,
        "periods_kept": deadline.recent.kept if deadline else None,
    }


def comparison_document(found: Comparison, deployment: Deployment) -> dict[str, Any]:
    """`cut` and `content` are null where there was nothing to compare; `why_not` says why."""
    outcome, content, cut = found.outcome, found.content, found.outcome.cut
    document: dict[str, Any] = {
        "job": outcome.job,
        "verdict": outcome.verdict.value,
        "deviation": outcome.deviation,
        "cut": None,
        "content": None,
    }
    if cut is not None:
        sides = {"sent": _sums(cut.sent), "received": _sums(cut.received)}
        document["cut"] = {"epoch": cut.epoch, "seq": cut.seq, "head_hash": cut.head_hash, **sides}
    if content is not None:
        document["content"] = {
            "rows": content.exchange_rows,
            "target_rows": content.target_rows,
            "missing": content.missing,
            "extra": content.extra,
            "different": content.different,
            "segments": content.segments,
            "sample": [key for _, key in content.sample],
        }
    if found.why_not is not None:
        document["why_not"] = found.why_not
    if outcome.error is not None:
        document["error"] = error_document(outcome.error, deployment)
    return document


def _sums(sums: Sums) -> dict[str, int]:
    return {"total": sums.total, **asdict(sums)}


def quarantine_document(job: str, count: int, entries: Sequence[QuarantineEntry]) -> dict[str, Any]:
    """Open entries, masked; `open` counts all of them, also beyond the limit."""
    return {"job": job, "open": count, "entries": [_entry(entry) for entry in entries]}


def _entry(entry: QuarantineEntry) -> dict[str, Any]:
    from bridge.transform.mask import masked_key  # Arrow costs a quarter of a second to load

    return {
        "number": entry.number,
        "key": masked_key(json.loads(entry.key)),
        "column": entry.column,
        "reason": entry.reason,
        "sample": entry.sample,
        "place": entry.place,
        "epoch": entry.epoch,
        "seq": entry.seq,
        "opened_at": instant(entry.opened_at),
        "last_seen_at": instant(entry.last_seen_at),
        "seen": entry.seen,
    }


def event_document(entry: EventEntry) -> dict[str, Any]:
    """`state`: open, acknowledged or over. `facts` are numbers, names and messages, by kind."""
    open_state = "acknowledged" if entry.acknowledged_at else "open"
    return {
        "event": entry.number,
        "kind": entry.kind.value,
        "severity": entry.severity.value,
        "job": entry.job,
        "subject": entry.subject,
        "state": open_state if entry.is_open else "over",
        "facts": entry.facts,
        "first_seen_at": instant(entry.first_seen_at),
        "last_seen_at": instant(entry.last_seen_at),
        "seen": entry.seen,
        "acknowledged_at": instant(entry.acknowledged_at),
        "acknowledged_by": entry.acknowledged_by,
        "acknowledged_why": entry.acknowledged_why,
        "closed_at": instant(entry.closed_at),
    }


def error_document(error: BridgeheadError, deployment: Deployment | None) -> dict[str, Any]:
    place = deployment.place_of(error.endpoint) if deployment else error.endpoint
    return {
        "code": error.code,
        "endpoint": place,
        "message": error.message,
        "remedy": error.remedy,
    }
