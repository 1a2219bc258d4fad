"""What a statement of a period is told, and what it adds up to: pure values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from reconcile.figures import JobSection, Report
from reconcile.level import BatchLine, Effects, Position
from reconcile.matter import Matter, audit_broken, batches_missing
from reconcile.verdict import Verdict, worst

__all__ = ["AuditLine", "Day", "JobPeriod", "Recount", "Statement", "days_of"]


@dataclass(frozen=True)
class AuditLine:
    """One entry of the audit log; its hash covers all the rest, and the hash before it."""

    number: int
    at: datetime
    job: str | None
    actor: str
    action: str
    details: str
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Recount:
    """A query with which an auditor computes numbers of this statement in a store, by hand."""

    code: str
    store: str
    sql: str


@dataclass(frozen=True)
class Day:
    """What was sealed on one day of the deployment's zone."""

    day: date
    batches: tuple[BatchLine, ...]

    @property
    def sent(self) -> Effects:
        return Effects.sum(batch.sent for batch in self.batches)

    @property
    def received(self) -> Effects:
        return Effects.sum(batch.received for batch in self.batches if batch.received is not None)

    @property
    def deviation(self) -> int:
        return sum(batch.deviation for batch in self.batches)

    @property
    def unreceipted(self) -> int:
        return sum(batch.sent.total for batch in self.batches if batch.received is None)

    @property
    def alarming(self) -> bool:
        return any(batch.alarming for batch in self.batches)


@dataclass(frozen=True)
class JobPeriod:
    """One job in the period. In `section` are its batches; `opening` and `closing` are the last
    batches sealed before the period began and before it ended, None where there was none."""

    section: JobSection
    opening: Position | None
    closing: Position | None
    forks: int = 0
    held_batches: int = 0
    held_rows: int = 0
    deviation_older: int = 0  # of batches before the period's, or among them, sealed elsewhen; open
    deviation_besides: int = 0  # of contents, sums or receipts: another view of the same, or more
    periods_kept: int | None = None  # update cycles; None for a job that owes nothing
    periods_due: int | None = None
    cycles_unknown: bool = False  # its file cannot be used
    content_hash: str = ""  # what the job was when its newest batch of all was sealed

    @property
    def is_silent(self) -> bool:
        """Something was due in the period, and nothing was sealed."""
        return not self.section.batches and bool(self.periods_due)

    @property
    def matters(self) -> tuple[Matter, ...]:
        """What decides, or needs somebody, and is no batch of the period; gaps too, which a page
        tells by themselves."""
        gaps = self.section.stream.gaps
        missing = (batches_missing(gap.epoch, gap.first, gap.last) for gap in gaps)
        return (*self.section.matters, *missing)

    @property
    def gaps(self) -> int:
        return self.section.missing_batches

    @property
    def deviation(self) -> int:
        """Found in the period's batches, whether or not it has been put right since."""
        return self.section.column("deviation")

    @property
    def deviation_open(self) -> int:
        """What stands now, of those batches and of earlier ones, or what was found besides."""
        open_batches = (b for b in self.section.batches if b.verdict is Verdict.DEVIATION)
        by_batch = sum(batch.deviation for batch in open_batches) + self.deviation_older
        return max(by_batch, self.deviation_besides)

    @property
    def residual(self) -> int:
        return sum(abs(batch.residual) for batch in self.section.batches)


@dataclass(frozen=True)
class Statement:
    """One department, one period. `report` holds its figures; states of batches are those of the
    moment at which it was made."""

    report: Report
    zone_name: str
    jobs: tuple[JobPeriod, ...]
    days: tuple[Day, ...]
    audit: tuple[AuditLine, ...]
    audit_head: tuple[int, str] | None
    audit_breaks: tuple[str, ...]
    recounts: tuple[Recount, ...]

    @property
    def verdict(self) -> Verdict:
        """A broken audit log is a fork: somebody has changed what was written."""
        broken = [Verdict.FORK] if self.audit_breaks else []
        return worst([self.report.verdict, *broken])

    @property
    def matters(self) -> tuple[Matter, ...]:
        """What concerns no single job."""
        return tuple(map(audit_broken, self.audit_breaks))

    @property
    def in_order(self) -> bool:
        return not self.verdict.stands and all(job.residual == 0 for job in self.jobs)

    @property
    def timeliness(self) -> float | None:
        """The share of all jobs' update cycles that were kept."""
        due = sum(job.periods_due or 0 for job in self.jobs)
        return sum(job.periods_kept or 0 for job in self.jobs) / due if due else None


def days_of(batches: Iterable[BatchLine], report: Report) -> tuple[Day, ...]:
    """Every day on which something was sealed, in order."""
    by_day: dict[date, list[BatchLine]] = {}
    for batch in batches:
        by_day.setdefault(batch.sealed_at.astimezone(report.zone).date(), []).append(batch)
    return tuple(Day(day, tuple(by_day[day])) for day in sorted(by_day))
