"""Assembles a reconciliation report from the ledger alone: what was sent, and what the receipts
kept there say was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from sys import intern

from sqlalchemy import Connection

from bridge.batch import Batch, Counts
from bridge.ledger.chain import ChainProblem
from bridge.ledger.history import History
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.record import Standing, Sums
from bridge.ledger.verification import verify_chain, verify_ended
from bridge.matter import last_found, matters
from bridge.overview import JobOverview, overview, read_ledger, verdict_of
from bridge.settings import Deployment
from bridge.timeliness import timeliness_between
from reconcile.figures import (
    BatchLine,
    Content,
    Effects,
    Gap,
    JobSection,
    Position,
    Report,
    Stream,
)
from reconcile.matter import cycles_unknown
from reconcile.verdict import Verdict, worst

__all__ = [
    "assemble_report",
    "batch_line",
    "chain_verdicts",
    "content_of",
    "effects_of",
    "gaps_of",
    "summed",
]

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def assemble_report(
    deployment: Deployment,
    names: Sequence[str] = (),
    since: datetime | None = None,
) -> Report:
    """Of the jobs named, or of all that have run; with the batches sealed since then, also under a
    clock that was ahead."""
    now = datetime.now(UTC)
    found = [job for job in overview(deployment) if job.standing is not None]
    chosen = [job for job in found if not names or job.job in names]
    sections: list[JobSection] = []
    with read_ledger(deployment) as exchange:
        if exchange is not None:
            with exchange.transaction() as connection:
                sections = [_section(deployment, connection, job, since, now) for job in chosen]
    sealed = [batch.sealed_at for section in sections for batch in section.batches]
    return Report(
        department_code=deployment.department.code,
        department_name=deployment.department.name,
        generated_at=now,
        period_from=since or min(sealed, default=now),
        period_to=now,
        jobs=tuple(sections),
        left_out=tuple(job.job for job in found if job not in chosen),
    )


def _section(
    deployment: Deployment,
    connection: Connection,
    found: JobOverview,
    since: datetime | None,
    now: datetime,
) -> JobSection:
    history = History(connection, deployment.department.code, found.job)
    problems = [*verify_ended(history), *verify_chain(history)]
    standing = history.standing()
    content, waived = content_of(standing), history.waived()
    job = deployment.jobs.get(found.job)
    guarantee = found.guarantee
    timely = timeliness_between(connection, deployment, found.job, since or _BEGINNING, now)
    return JobSection(
        job=found.job,
        title=found.title or found.job,
        resource_code=(job.catalogue.code if job else None) or "",
        source=f"{job.source.endpoint}: {job.source.table or 'query'}" if job else "",
        exchange=deployment.exchange,
        target=f"{job.target.endpoint}: {job.target.table}" if job else "",
        guarantee=guarantee.promise.value if guarantee else "",
        why=guarantee.words if guarantee else "",
        verdict=worst([found.verdict or Verdict.RECONCILED, *chain_verdicts(problems)]),
        deviation=found.deviation,
        stream=_stream(history, found, problems),
        quarantined_open=found.standing.quarantined if found.standing else 0,
        waived_batches=len(waived),
        waived_rows=sum(batch.rows_amiss for batch in waived),
        waived_besides=sum(one.rows for one in found.waivers if not one.seq),
        batches=tuple(filter(None, map(batch_line, history.sealed(since, _END_OF_TIME)))),
        content=content,
        timeliness=timely.share if timely else None,
        matters=(
            *matters(
                [*history.open_deviations(), *history.held()],
                waived,
                found.waivers,
                since,
                problems,
                content,
                last_found(standing, _END_OF_TIME),
                Quarantine(connection, history.department, found.job).missing(),
            ),
            *([cycles_unknown()] if found.job in deployment.bad_jobs else []),
        ),
    )


def chain_verdicts(problems: Sequence[ChainProblem]) -> list[Verdict]:
    return [Verdict.FORK if p.kind == "fork" else Verdict.GAP for p in problems]


def _stream(history: History, found: JobOverview, problems: Sequence[ChainProblem]) -> Stream:
    head, confirmed = history.head(), history.newest_confirmed()
    waiting = history.unsettled()
    at = (confirmed.epoch, confirmed.seq) if confirmed else (head.epoch, 0)
    return Stream(
        sent_position=Position(head.epoch, head.seq, head.head_hash),
        received_position=Position(*at, confirmed.batch_hash) if confirmed else None,
        sent=summed(history.sums(*at)),
        received=summed(history.received_sums(*at)) if confirmed else None,
        in_flight_batches=len(waiting),
        in_flight_rows=sum(batch.sent.total for batch in waiting),
        in_flight_seconds=found.in_flight_seconds,
        gaps=gaps_of(problems),
    )


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
