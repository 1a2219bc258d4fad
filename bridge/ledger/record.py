"""What the ledger keeps of a job besides its batches, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.batch import State
from reconcile.verdict import Verdict

__all__ = ["Event", "Head", "Standing", "Sums"]


@dataclass(frozen=True)
class Head:
    """The end of a job's chain. `head_hash` is what the next batch names as its `prev_hash`."""

    epoch: int
    seq: int
    head_hash: str


@dataclass(frozen=True)
class Standing:
    """What is kept of a job besides its batches."""

    token: int
    epoch: int
    anchor_hash: str
    enabled: bool
    enabled_by: str | None = None
    enabled_at: datetime | None = None
    looked_at: datetime | None = None
    swept_at: datetime | None = None
    sweep_key: str | None = None
    ran_at: datetime | None = None
    ran_verdict: Verdict | None = None
    ran_error: str | None = None
    compared_at: datetime | None = None
    exchange_rows: int | None = None
    target_rows: int | None = None
    missing: int | None = None
    extra: int | None = None
    different: int | None = None
    source_schema: str | None = None
    stamp_zone: str | None = None
    fills: str | None = None
    image_seq: int | None = None

    def sweep_is_due(self, now: datetime, every: timedelta) -> bool:
        """Also where the last sweep lies ahead, since a clock that was set back does not hold it
        off, and where one has come half way."""
        if self.swept_at is None or self.sweep_key is not None:
            return True
        return not timedelta(0) <= now - self.swept_at < every

    @property
    def left(self) -> Verdict | None:
        """What the last run that looked has found, besides what stands in the batches; waived or
        not."""
        if self.is_waived:
            return Verdict.DEVIATION
        return self.ran_verdict if self.ran_verdict and self.ran_verdict.stands else None

    @property
    def is_waived(self) -> bool:
        """Somebody answers for what stands in no batch; until the job runs again."""
        return self.ran_verdict == Verdict.WAIVED

    @property
    def content_deviation(self) -> int:
        """Keys that the last comparison of contents found missing, extra or different."""
        return sum(count or 0 for count in (self.missing, self.extra, self.different))


@dataclass(frozen=True)
class Sums:
    """Cumulative counts of an epoch up to a batch. Changes and images are not mixed: an image's
    operations depend on what the target held before (`image_rows` are the rows of their ranges)."""

    batches: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    image_rows: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted + self.image_rows


@dataclass(frozen=True)
class Event:
    """One move of a batch; `before` is None when it was sealed."""

    epoch: int
    seq: int
    at: datetime
    before: State | None
    after: State
    token: int
    note: str | None
