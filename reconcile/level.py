"""The three levels at which two sides are compared, as plain values: one batch, both sides' books
since the beginning, and the contents of the stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconcile.verdict import Verdict
from reconcile.wording import Words

__all__ = ["BatchLine", "Content", "Effects", "Gap", "Position", "Stream"]

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
