"""Assembles a reconciliation report from the ledger alone: what was sent, and what the receipts
kept there say was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from bridge.deadline.timeliness import timeliness_between
from bridge.ledger.chain import ChainProblem
from bridge.ledger.history import History
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.verification import verify_chain, verify_ended
from bridge.overview import JobOverview, overview_of, read_ledger
from bridge.settings import Deployment
from bridge.statement.matter import last_found, matters
from bridge.statement.section import about, batch_line, chain_verdicts, content_of, gaps_of, summed
from reconcile.figures import JobSection, Report
from reconcile.level import Position, Stream
from reconcile.matter import cycles_unknown
from reconcile.verdict import Verdict, worst

__all__ = ["assemble_report"]

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def assemble_report(
    deployment: Deployment,
    names: Sequence[str] = (),
    since: datetime | None = None,
) -> Report:
    """Of the jobs named, or of all that have run; with the batches sealed since then, also under a
    clock that was ahead. Everything is read in one snapshot of the ledger."""
    now = datetime.now(UTC)
    sections: list[JobSection] = []
    left_out: list[str] = []
    with read_ledger(deployment) as exchange:
        if exchange is not None:
            with exchange.snapshot():
                connection = exchange.connection
                every = overview_of(connection, deployment, now)
                known = [job for job in every if job.standing is not None]
                chosen = [job for job in known if not names or job.job in names]
                sections = [_section(deployment, connection, job, since) for job in chosen]
                left_out = [job.job for job in known if job not in chosen]
    sealed = [batch.sealed_at for section in sections for batch in section.batches]
    return Report(
        department_code=deployment.department.code,
        department_name=deployment.department.name,
        generated_at=now,
        period_from=since or min(sealed, default=now),
        period_to=now,
        jobs=tuple(sections),
        left_out=tuple(left_out),
    )


def _section(
    deployment: Deployment,
    connection: Connection,
    found: JobOverview,
    since: datetime | None,
) -> JobSection:
    history = History(connection, deployment.department.code, found.job)
    problems = [*verify_ended(history), *verify_chain(history)]
    standing = history.standing()
    content, waived = content_of(standing), history.waived()
    timely = timeliness_between(connection, deployment, found.job, since or _BEGINNING, found.at)
    return JobSection(
        **about(deployment, found.job),
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
