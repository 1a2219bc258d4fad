"""What a report is told: one department's figures of one period, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cached_property

from reconcile.matter import Matter
from reconcile.verdict import Verdict, worst
from reconcile.wording import Words

__all__ = [
    "BatchLine",
    "Content",
    "Effects",
    "Gap",
    "JobSection",
    "Position",
    "Report",
    "Stream",
]

_MOST_LISTED = 500
_MOST_NAMED = 10
_CHINA = timezone(timedelta(hours=8))
_IMAGES = ("first", "resync")
_ALARMING = (Verdict.FORK, Verdict.GAP, Verdict.DEVIATION, Verdict.HELD)


@dataclass(frozen=True, slots=True)
class Effects:
    """Rows sent, or measured at the receiver. Of an image `total` counts the rows of its key
    range; of changes it is inserted + updated + deleted. A sum over batches has no digest."""

    total: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    digest: str = ""

    @classmethod
    def sum(cls, sides: Iterable[Effects]) -> Effects:
        every = list(sides)
        names = ("total", "inserted", "updated", "deleted")
        return cls(*(sum(getattr(side, name) for side in every) for name in names))

    @property
    def parts(self) -> dict[str, int]:
        """What `total` is made of. Rows of an image that were neither new nor changed, or whose
        kind of effect is not told, are `unchanged`."""
        changed = self.inserted + self.updated
        if self.total == changed + self.deleted:
            kept = {"deleted": self.deleted}
        else:
            kept = {"unchanged": max(0, self.total - changed)}
        return {"inserted": self.inserted, "updated": self.updated, **kept}


@dataclass(frozen=True)
class Position:
    """How far a side has come: its last batch and that batch's hash."""

    epoch: int
    seq: int
    head_hash: str


@dataclass(frozen=True)
class Gap:
    """Batches `first` to `last` of an epoch, which the receiver lacks."""

    epoch: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Stream:
    """Level 2: both sides' books since the beginning, at the cut: the last batch that the receiver
    has. What was sealed since is in flight. None where the receiver has not answered."""

    sent_position: Position
    received_position: Position | None
    sent: Effects
    received: Effects | None
    in_flight_batches: int = 0
    in_flight_rows: int = 0
    in_flight_seconds: float | None = None
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Content:
    """Level 3: the last comparison of the stores' contents, key by key."""

    checked_at: datetime
    source_rows: int | None  # None where the source was not compared
    exchange_rows: int
    target_rows: int
    missing: int
    extra: int
    different: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class BatchLine:
    """Level 1: one batch. `cause` and `next_step` are codes of `remedy.REMEDIES` or plain text;
    a known cause brings its own next step."""

    epoch: int
    seq: int
    kind: str
    state: str
    verdict: Verdict
    window_low: datetime | None
    window_high: datetime
    sealed_at: datetime
    sent: Effects
    received: Effects | None
    batch_hash: str
    read: int = 0
    gone: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    superseded: int = 0
    quarantined: int = 0
    late: int = 0
    deviation: int = 0
    cause: str | Words | None = None
    next_step: str | Words | None = None
    prev_hash: str = ""
    content_hash: str = ""  # what the job was when it was sealed

    @property
    def number(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @property
    def image(self) -> bool:
        return self.kind in _IMAGES

    @property
    def alarming(self) -> bool:
        return self.verdict in _ALARMING or self.deviation != 0 or self.residual != 0

    @property
    def residual(self) -> int:
        """0, or this batch's books do not balance."""
        effects = self.inserted + self.updated + self.deleted
        rest = self.unchanged + self.superseded + self.quarantined
        return self.read + self.gone - effects - rest

    @property
    def digest_equal(self) -> bool | None:
        return None if self.received is None else self.sent.digest == self.received.digest

    def differs(self, name: str) -> bool:
        """Whether that number is to be shown as wrong. An image is compared by its total: its
        effects tell how much of the range was there before."""
        if self.received is None or (self.image and name != "total" and self.deviation == 0):
            return False
        return bool(getattr(self.sent, name) != getattr(self.received, name))


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
