"""What reports and statements tell of a job alike, from what the ledger and its file hold of it."""

from __future__ import annotations

from collections.abc import Sequence
from sys import intern
from typing import Any

from bridge.batch import Batch, Counts
from bridge.guarantee import guarantee_of
from bridge.ledger.chain import ChainProblem
from bridge.ledger.record import Standing, Sums
from bridge.overview import verdict_of
from bridge.settings import Deployment
from reconcile.level import BatchLine, Content, Effects, Gap
from reconcile.verdict import Verdict

__all__ = [
    "about",
    "batch_line",
    "chain_verdicts",
    "content_of",
    "effects_of",
    "gaps_of",
    "summed",
]


def about(deployment: Deployment, name: str) -> dict[str, Any]:
    """What a section says of the job itself. Of one without a usable file it is little."""
    job = deployment.jobs.get(name)
    guarantee = guarantee_of(job, deployment.feeder(job)) if job else None
    return {
        "job": name,
        "title": (job.title if job else None) or name,
        "resource_code": (job.catalogue.code if job else None) or "",
        "source": f"{job.source.endpoint}: {job.source.table or 'query'}" if job else "",
        "exchange": deployment.exchange,
        "target": f"{job.target.endpoint}: {job.target.table}" if job else "",
        "guarantee": guarantee.promise.value if guarantee else "",
        "why": guarantee.words if guarantee else "",
    }


def chain_verdicts(problems: Sequence[ChainProblem]) -> list[Verdict]:
    return [Verdict.FORK if p.kind == "fork" else Verdict.GAP for p in problems]


def gaps_of(problems: Sequence[ChainProblem]) -> tuple[Gap, ...]:
    return tuple(Gap(p.epoch, p.seq, p.last_seq) for p in problems if p.kind == "gap")


def summed(sums: Sums) -> Effects:
    return Effects(sums.total, sums.inserted, sums.updated, sums.deleted)


def batch_line(batch: Batch) -> BatchLine | None:
    """None for a batch that was superseded or rejected: it claims nothing."""
    verdict = verdict_of(batch)
    if verdict is None:
        return None
    return BatchLine(
        epoch=batch.epoch,
        seq=batch.seq,
        kind=batch.kind.value,
        state=batch.state.value,
        verdict=verdict,
        window_low=batch.window_low,
        window_high=batch.window_high,
        sealed_at=batch.sealed_at,
        sent=effects_of(batch.sent),
        received=effects_of(batch.received) if batch.received else None,
        batch_hash=batch.batch_hash,
        prev_hash=batch.prev_hash,
        content_hash=intern(batch.content_hash),
        **vars(batch.tally),
        deviation=batch.deviation or 0,
        cause=batch.cause,
    )


def effects_of(counts: Counts) -> Effects:
    return Effects(**vars(counts))


def _verdict_of_contents(standing: Standing) -> Verdict:
    if not standing.content_deviation:
        return Verdict.RECONCILED
    return Verdict.WAIVED if standing.is_waived else Verdict.DEVIATION


def content_of(standing: Standing | None) -> Content | None:
    """The last comparison of contents in this epoch."""
    if standing is None or standing.compared_at is None:
        return None
    return Content(
        checked_at=standing.compared_at,
        source_rows=None,
        exchange_rows=standing.exchange_rows or 0,
        target_rows=standing.target_rows or 0,
        missing=standing.missing or 0,
        extra=standing.extra or 0,
        different=standing.different or 0,
        verdict=_verdict_of_contents(standing),
    )
