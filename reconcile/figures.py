"""What a report is told: one department's figures of one period, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cached_property

from reconcile.level import BatchLine, Content, Effects, Stream
from reconcile.matter import Matter
from reconcile.verdict import Verdict, worst
from reconcile.wording import Words

__all__ = [
    "JobSection",
    "Report",
]

_MOST_LISTED = 500
_MOST_NAMED = 10
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class JobSection:
    """One job in the period. `guarantee`: `lossless`, `bounded`, `at_least_once` or plain text.
    `matters`: what needs somebody, and is no batch of the period."""

    job: str
    title: str
    resource_code: str
    source: str
    exchange: str
    target: str
    guarantee: str
    why: str | Words
    verdict: Verdict
    deviation: int
    stream: Stream
    quarantined_open: int
    batches: tuple[BatchLine, ...]
    content: Content | None = None
    timeliness: float | None = None  # share of update cycles that were met, 0 to 1
    matters: tuple[Matter, ...] = ()
    waived_batches: int = 0  # of the period and before it
    waived_rows: int = 0
    waived_besides: int = 0  # rows of contents, sums or receipts

    @property
    def sent(self) -> Effects:
        return Effects.sum(batch.sent for batch in self.batches)

    @property
    def received(self) -> Effects:
        return Effects.sum(batch.received for batch in self.batches if batch.received is not None)

    @property
    def alarming(self) -> tuple[BatchLine, ...]:
        return tuple(batch for batch in self.batches if batch.alarming)

    @property
    def needs_action(self) -> bool:
        open_counts = self.missing_batches or self.quarantined_open
        return bool(self.alarming or self.matters or open_counts)

    @property
    def listed(self) -> tuple[BatchLine, ...]:
        """What a page can hold: all, or the newest and those that need action, in order."""
        if len(self.batches) <= _MOST_LISTED:
            return self.batches
        newest = self.batches[-_MOST_LISTED:]
        older = [batch for batch in self.batches[:-_MOST_LISTED] if batch.alarming]
        return (*older[-_MOST_LISTED:], *newest)

    @property
    def concluded(self) -> Verdict | None:
        """None where nothing was sealed: no verdict is given on nothing."""
        nothing = not self.batches and self.verdict is Verdict.RECONCILED
        return None if nothing and self.content is None else self.verdict

    @property
    def missing_batches(self) -> int:
        return sum(gap.count for gap in self.stream.gaps)

    def column(self, name: str) -> int:
        """The sum of a number over the period's batches."""
        return sum(getattr(batch, name) for batch in self.batches)


@dataclass(frozen=True)
class Report:
    """One department, one period, [period_from, period_to). Moments are shown in `zone`."""

    department_code: str
    department_name: str
    generated_at: datetime
    period_from: datetime
    period_to: datetime
    jobs: tuple[JobSection, ...]
    zone: tzinfo = field(default=_CHINA)
    left_out: tuple[str, ...] = ()  # jobs that the ledger knows, and that were not asked for

    @property
    def verdict(self) -> Verdict:
        return worst(job.verdict for job in self.jobs)

    def concluded(self, verdict: Verdict) -> Verdict | None:
        """None where nothing was sealed and nothing found: no verdict is given on nothing."""
        return verdict if self.batches or verdict is not Verdict.RECONCILED else None

    @property
    def is_early(self) -> bool:
        """It was made before its period was over."""
        return self.generated_at < self.period_to

    @property
    def limits(self) -> tuple[tuple[str, dict[str, object]], ...]:
        """What keeps it from being all of the department's period: phrases, with their values."""
        named = [*self.left_out[:_MOST_NAMED], *("…" for _ in self.left_out[_MOST_NAMED:][:1])]
        left_out = {"n": len(self.left_out), "jobs": ", ".join(named)}
        return (
            *((("limit_jobs", left_out),) if self.left_out else ()),
            *((("limit_early", {}),) if self.is_early else ()),
        )

    @property
    def deviation(self) -> int:
        return sum(job.deviation for job in self.jobs)

    @property
    def deviation_found(self) -> int:
        """Of all batches, put right since or not."""
        return sum(batch.deviation for batch in self.batches)

    @cached_property
    def batches(self) -> tuple[BatchLine, ...]:
        """All of them, in the order in which they were sealed."""
        every = (batch for job in self.jobs for batch in job.batches)
        return tuple(sorted(every, key=lambda batch: batch.sealed_at))

    @property
    def sent(self) -> Effects:
        return Effects.sum(job.sent for job in self.jobs)

    @property
    def received(self) -> Effects:
        return Effects.sum(job.received for job in self.jobs)

    @property
    def waived(self) -> int:
        """Two views of one thing, or more, as in a deviation."""
        return sum(max(job.waived_rows, job.waived_besides) for job in self.jobs)

    @property
    def unreceipted(self) -> int:
        """Rows sent for which there is no receipt: in flight or held."""
        return sum(batch.sent.total for batch in self.batches if batch.received is None)

    @property
    def in_flight(self) -> int:
        return sum(job.stream.in_flight_rows for job in self.jobs)

    @property
    def in_flight_batches(self) -> int:
        return sum(job.stream.in_flight_batches for job in self.jobs)

    @property
    def quarantined(self) -> int:
        return sum(job.quarantined_open for job in self.jobs)

    @property
    def missing_batches(self) -> int:
        return sum(job.missing_batches for job in self.jobs)

    @property
    def residual(self) -> int:
        return sum(abs(batch.residual) for batch in self.batches)
