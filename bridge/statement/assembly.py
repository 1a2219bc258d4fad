"""Assembles the statement of a period from the ledger alone: it works while source and target are
down."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bridge.batch import GENESIS, Batch
from bridge.guarantee import guarantee_of
from bridge.ledger.audit import Audit
from bridge.ledger.chain import ChainProblem
from bridge.ledger.history import History
from bridge.ledger.period import (
    audit_between,
    decided_since,
    known_jobs,
    last_before,
    quarantined_at,
    stopped_at,
    strayed,
)
from bridge.ledger.quarantine import Quarantine
from bridge.ledger.record import Standing
from bridge.ledger.waiver import Waiver, waivers
from bridge.matter import Found, last_found, matters
from bridge.overview import VERDICTS, read_ledger, verdict_of
from bridge.reporting import batch_line, content_of, summed
from bridge.settings import Deployment
from bridge.statement.recount import recounts
from bridge.timeliness import timeliness_between
from reconcile.figures import Content, Gap, JobSection, Position, Report, Stream
from reconcile.matter import Matter, cycles_unknown, sealed_elsewhen
from reconcile.statement import AuditLine, JobPeriod, Statement, days_of
from reconcile.verdict import Verdict, worst

__all__ = ["assemble_statement"]

_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)

log = logging.getLogger("bridgehead")


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
            period = _Period(deployment, connection, since, until, made)
            jobs = tuple(map(period.job, chosen))
            found = period.found(jobs, tuple(sorted({*known} - {*chosen})), names)
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


@dataclass(frozen=True)
class _Period:
    deployment: Deployment
    connection: Connection
    since: datetime
    until: datetime
    made: datetime

    @property
    def department(self) -> str:
        return self.deployment.department.code

    def job(self, name: str) -> JobPeriod:
        history = History(self.connection, self.department, name)
        sealed = history.batches(None, self.since, self.until)[::-1]
        opening, closing = (
            last_before(self.connection, self.department, name, moment)
            for moment in (self.since, self.until)
        )
        problems = self._chain_problems(history, sealed)
        deviated, held = map(self._so_far, (history.open_deviations(), history.held()))
        waiting, waived = map(self._so_far, (history.unsettled(), history.waived()))
        still_open = [*deviated, *held, *waiting, *waived]
        over = min(self.until, self.made)  # what is not over yet cannot have been missed
        timely = timeliness_between(self.connection, self.deployment, name, self.since, over)
        unknown = name in self.deployment.bad_jobs
        if unknown:
            log.warning(
                "%s: its file cannot be used: which update cycles were due is unknown", name
            )
        newest = last_before(self.connection, self.department, name, _END_OF_TIME)
        standing = history.standing()
        content, found = self._content(standing), self._found(history, standing)
        aside = Quarantine(self.connection, self.department, name).missing()
        besides_waived = self._waived_besides(standing)
        given = self._waivers(name, batches=bool(waived), besides=besides_waived)
        open_now = [*deviated, *held]
        needs = matters(open_now, waived, given, self.since, problems, content, found, aside)
        verdicts = [VERDICTS[batch.state] for batch in still_open]
        verdicts += [Verdict.FORK if p.kind == "fork" else Verdict.GAP for p in problems]
        verdicts += [content.verdict] if content else []
        verdicts += [Verdict.WAIVED] if besides_waived else []
        verdicts += [*found, *self._about_to_begin(history, standing, closing)]
        older = sum(b.deviation or 0 for b in deviated if b.sealed_at < self.since)
        besides = max(_deviation_of(content), int(Verdict.DEVIATION in found))
        # A batch that was superseded or rejected claims nothing.
        lines = tuple(batch_line(b) for b in sealed if verdict_of(b) is not None)
        return JobPeriod(
            section=JobSection(
                **self._configured(name),
                verdict=worst(verdicts),
                deviation=max(sum(line.deviation for line in lines) + older, besides),
                stream=self._stream(history, closing, waiting, problems),
                quarantined_open=quarantined_at(self.connection, self.department, name, self.until),
                batches=lines,
                waived_batches=len(waived),
                waived_rows=sum(batch.rows_amiss for batch in waived),
                waived_besides=given[name].rows if name in given else 0,
                content=content,
                timeliness=timely.share if timely else None,
                matters=(
                    *needs,
                    *self._strayed(name, sealed, opening, closing),
                    *([cycles_unknown()] if unknown else []),
                ),
            ),
            opening=_position(opening),
            closing=_position(closing),
            forks=sum(problem.kind == "fork" for problem in problems),
            deviation_older=older,
            deviation_besides=besides,
            held_batches=len(held),
            held_rows=sum(batch.sent.total for batch in held),
            periods_kept=timely.kept if timely else None,
            periods_due=timely.due if timely else None,
            cycles_unknown=unknown,
            content_hash=newest.content_hash if newest else "",
        )

    def _chain_problems(self, history: History, sealed: Sequence[Batch]) -> list[ChainProblem]:
        """Gaps and forks of the period's batches, numbers that are missing before one of them, and
        what is missing at the end of an epoch that ended in the period; and epochs that nobody
        began, and batches that nobody waived, of which none knows when."""
        every = history.begun()
        found = [*history.verify_batches(sealed), *history.verify_begun(every)]
        found += [*history.verify_waived(), *history.verify_waived_besides()]
        for begun in every.values():
            if begun.ended and self.since <= begun.at < self.until:
                missing = history.missing_at_end(begun.ended)
                found += [missing] if missing else []
        return found

    def _strayed(
        self, job: str, sealed: Sequence[Batch], opening: Batch | None, closing: Batch | None
    ) -> Iterator[Matter]:
        """Of batches whose numbers lie among the period's, and their times do not. A hash covers no
        time: by that one could be taken out of every statement."""
        ours = sorted((batch.epoch, batch.seq) for batch in sealed)
        if ours:
            begin, end = ((b.epoch, b.seq) if b else (0, 0) for b in (opening, closing))
            numbers = begin if begin < ours[0] else (ours[0][0], ours[0][1] - 1), max(ours[-1], end)
            found = strayed(
                self.connection, self.department, job, numbers, (self.since, self.until)
            )
            if found:
                yield sealed_elsewhen(len(found), *found[0])

    def _found(self, history: History, standing: Standing | None) -> Found:
        """What runs have found beside what stands in the batches, and stood at the period's end."""
        department, job = self.department, history.job
        events = stopped_at(self.connection, department, job, self.until)
        found = {Verdict(kind.value): facts for kind, facts in events.items()}
        last = dict(last_found(standing, self.until))
        ran_at = standing.ran_at if standing else None
        if ran_at and decided_since(self.connection, department, job, ran_at):
            last.pop(Verdict.HELD, None)
        return last | found

    def _about_to_begin(
        self, history: History, standing: Standing | None, closing: Batch | None
    ) -> list[Verdict]:
        """Of an epoch that had begun when the period ended, and has no batch yet, all is on its
        way: what the target has is not yet what it should have."""
        begun = history.begun().get(standing.epoch) if standing else None
        if closing is None or begun is None or begun.at >= self.until or history.newest():
            return []
        return [Verdict.IN_FLIGHT]

    def _waivers(self, job: str, *, batches: bool, besides: bool) -> dict[str, Waiver]:
        """As `waivers`, of what is waived: of `batches`, and of what stands `besides` them."""
        if not (batches or besides):
            return {}
        given = waivers(self.connection, self.department, job)
        return given if besides else {key: one for key, one in given.items() if key != job}

    def _waived_besides(self, standing: Standing | None) -> bool:
        """Whether somebody answers for what was found, by the period's end, beside the batches."""
        found_at = standing and (standing.compared_at or standing.ran_at)
        return bool(standing and standing.is_waived and found_at and found_at < self.until)

    def _content(self, standing: Standing | None) -> Content | None:
        """The last comparison, unless it was made before the period."""
        content = content_of(standing)
        return content if content is not None and content.checked_at >= self.since else None

    def _so_far(self, batches: Sequence[Batch]) -> list[Batch]:
        """Those of the period, and of before it."""
        return [batch for batch in batches if batch.sealed_at < self.until]

    def _configured(self, name: str) -> dict[str, Any]:
        job = self.deployment.jobs.get(name)
        guarantee = guarantee_of(job, self.deployment.feeder(job)) if job else None
        return {
            "job": name,
            "title": (job.title if job else None) or name,
            "resource_code": (job.catalogue.code if job else None) or "",
            "source": f"{job.source.endpoint}: {job.source.table or 'query'}" if job else "",
            "exchange": self.deployment.exchange,
            "target": f"{job.target.endpoint}: {job.target.table}" if job else "",
            "guarantee": guarantee.promise.value if guarantee else "",
            "why": guarantee.words if guarantee else "",
        }

    def _stream(
        self,
        history: History,
        closing: Batch | None,
        waiting: Sequence[Batch],
        problems: Sequence[ChainProblem],
    ) -> Stream:
        """Both books since the beginning of the last epoch, up to the end of the period."""
        confirmed = last_before(
            self.connection, self.department, history.job, self.until, confirmed=True
        )
        head = _position(closing) or Position(1, 0, GENESIS)
        at = (confirmed.epoch, confirmed.seq) if confirmed else (head.epoch, 0)
        oldest = min((batch.sealed_at for batch in waiting), default=None)
        return Stream(
            sent_position=head,
            received_position=_position(confirmed),
            sent=summed(history.sums(*at)),
            received=summed(history.received_sums(*at)) if confirmed else None,
            in_flight_batches=len(waiting),
            in_flight_rows=sum(batch.sent.total for batch in waiting),
            in_flight_seconds=max(0.0, (self.made - oldest).total_seconds()) if oldest else None,
            gaps=tuple(Gap(p.epoch, p.seq, p.last_seq) for p in problems if p.kind == "gap"),
        )

    def found(
        self, jobs: tuple[JobPeriod, ...], left_out: tuple[str, ...], names: Sequence[str]
    ) -> _Found:
        """Decisions about every job, or about those named."""
        audit = Audit(self.connection, self.department)
        head = audit.head()
        entries = audit_between(self.connection, self.department, self.since, self.until)
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
                self.connection.dialect, self.deployment, jobs, self.since, self.until, names
            ),
        )


def _deviation_of(content: Content | None) -> int:
    """What is open of it."""
    if content is None or content.verdict is not Verdict.DEVIATION:
        return 0
    return content.missing + content.extra + content.different


def _position(batch: Batch | None) -> Position | None:
    return Position(batch.epoch, batch.seq, batch.batch_hash) if batch else None
