"""A batch: the changes of one window, sealed, numbered and proven together.

sealed ──push──▶ applied ──reconcile──▶ reconciled ──retention──▶ purged
  │                 │                        ▲                       ▲
  │                 └──────▶ deviated ──repair                       │
  │                             └──waive──▶ waived ──repair──▶ reconciled
  ├──fuse──▶ held ──approve──▶ sealed                                │
  │           ├──waive──▶ waived ──superseded by a later epoch───────┤
  │           └──reject──────────────────────────────────────────────┤
  └──superseded by a new epoch───────────────────────────────────────┘
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from reconcile.tally import Measured, deviation

__all__ = [
    "GENESIS",
    "MOVES",
    "Batch",
    "Counts",
    "Kind",
    "Misfits",
    "State",
    "Tally",
    "instant",
]

GENESIS = "0" * 64
"""`prev_hash` of the very first batch of a job."""


class Kind(StrEnum):
    """What a batch carries."""

    DATA = "data"  # changes of a window, classified
    EMPTY = "empty"  # somebody looked, and nothing had changed
    FIRST = "first"  # an image: a key range as it is, first load
    RESYNC = "resync"  # an image: a key range as it is, after a new epoch
    REPAIR = "repair"  # exact rows, to put a deviation right

    @property
    def is_image(self) -> bool:
        """An image replaces its key range at the target and keeps no change rows."""
        return self in (Kind.FIRST, Kind.RESYNC)


class State(StrEnum):
    """How far a batch has come."""

    SEALED = "sealed"  # committed at the exchange, numbered, not yet known to be at the target
    APPLIED = "applied"  # the receipt is here, not yet compared
    RECONCILED = "reconciled"  # sent equals measured
    DEVIATED = "deviated"  # sent differs from measured; open until repaired or waived
    HELD = "held"  # waits for a person: too many deletes
    WAIVED = "waived"  # it deviates, or never left, and a person answers for that
    PURGED = "purged"  # payload gone: retention, rejection, or superseded by a new epoch


MOVES: dict[State, frozenset[State]] = {
    State.SEALED: frozenset({State.APPLIED, State.HELD, State.WAIVED, State.PURGED}),
    State.APPLIED: frozenset({State.RECONCILED, State.DEVIATED}),
    State.RECONCILED: frozenset({State.PURGED}),
    State.DEVIATED: frozenset({State.RECONCILED, State.WAIVED}),
    State.HELD: frozenset({State.SEALED, State.WAIVED, State.PURGED}),
    State.WAIVED: frozenset({State.RECONCILED, State.PURGED}),
    State.PURGED: frozenset(),
}
"""The only legal moves of a batch."""


@dataclass(frozen=True)
class Counts:
    """What was sent, or what was measured. `total` = inserted + updated + deleted for changes,
    the rows of the key range for an image. `digest` is 32 hex digits (two lanes modulo 2^64)."""

    total: int
    inserted: int
    updated: int
    deleted: int
    digest: str


@dataclass(frozen=True)
class Misfits:
    """Effects that did not fit their operation: early evidence of an older loss."""

    insert_updated: int = 0
    update_inserted: int = 0
    delete_missing: int = 0


@dataclass(frozen=True)
class Tally:
    """The sender's books of one batch (conservation, I7):
    read + gone = inserted + updated + deleted + unchanged + superseded + quarantined."""

    read: int = 0
    gone: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    superseded: int = 0
    quarantined: int = 0
    late: int = 0  # of `read`: found by the sweep below the watermark

    @property
    def residual(self) -> int:
        """0, or the books do not balance."""
        accounted = self.inserted + self.updated + self.deleted
        accounted += self.unchanged + self.superseded + self.quarantined
        return self.read + self.gone - accounted


@dataclass(frozen=True)
class Batch:
    """One sealed batch as the ledger holds it. `window` is half-open, in UTC; a None low is the
    beginning of time. `key_low`/`key_high` bound a part: JSON arrays of canonical texts, low
    exclusive, high inclusive, None unbounded. The watermark moves with the `last` part."""

    department: str
    job: str
    epoch: int
    seq: int
    kind: Kind
    state: State
    content_hash: str
    prev_hash: str
    window_low: datetime | None
    window_high: datetime
    key_low: str | None
    key_high: str | None
    last: bool
    tally: Tally
    digest: str
    sealed_at: datetime
    received: Counts | None = None
    deviation: int | None = None
    cause: str | None = None
    note: str | None = None
    applied_at: datetime | None = None
    reconciled_at: datetime | None = None
    batch_hash: str = ""

    @property
    def sent(self) -> Counts:
        """What the receiver must measure. The rows of an image's key range are those that came
        new, changed or unchanged; what vanished from the range is not among them."""
        tally = self.tally
        third = tally.unchanged if self.kind.is_image else tally.deleted
        total = tally.inserted + tally.updated + third
        return Counts(total, tally.inserted, tally.updated, tally.deleted, self.digest)

    @property
    def difference(self) -> int | None:
        """How far what was measured lies from what was sent; None while there is no receipt."""
        if self.received is None:
            return None
        sent, received = Measured(**vars(self.sent)), Measured(**vars(self.received))
        return deviation(sent, received, image=self.kind.is_image)

    @property
    def rows_amiss(self) -> int:
        """How many rows of the target are not as it would have them: its deviation, or all that it
        changes where it never left."""
        if self.received is not None:
            return self.deviation or 0
        return self.tally.inserted + self.tally.updated + self.tally.deleted

    def contradicts_itself(self, *, ended: bool) -> bool:
        """Whether its state, receipt and deviation, which its hash does not cover, cannot all be
        true. Only of an epoch that has `ended` may a batch be laid aside, or a deviation be put
        right."""
        never_left = self.state is State.WAIVED and self.received is None
        laid_aside = never_left or (self.state is State.PURGED and self.reconciled_at is None)
        if laid_aside or self.state in (State.SEALED, State.HELD, State.APPLIED):
            is_answered = self.received is not None
            too_early = self.deviation is not None or (laid_aside and not ended)
            return too_early or is_answered is not (self.state is State.APPLIED)
        if self.received is None or self.deviation != self.difference:
            return True
        deviates = self.difference != 0
        if self.state in (State.DEVIATED, State.WAIVED):
            return not deviates
        return deviates and not ended

    def compute_hash(self) -> str:
        """The identity of I4: SHA-256 over the canonical JSON of everything sealed."""
        sealed = {
            "department": self.department,
            "job": self.job,
            "epoch": self.epoch,
            "seq": self.seq,
            "prev_hash": self.prev_hash,
            "content_hash": self.content_hash,
            "kind": self.kind.value,
            "window": [instant(self.window_low), instant(self.window_high)],
            "keys": [self.key_low, self.key_high],
            "last": self.last,
            "counts": {name: getattr(self.tally, name) for name in sorted(vars(self.tally))},
            "digest": self.digest,
        }
        text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    @property
    def place(self) -> str:
        return f"{self.epoch}/{self.seq}"

    def with_hash(self) -> Batch:
        return replace(self, batch_hash=self.compute_hash())


def instant(moment: datetime | None) -> str | None:
    """`2026-01-02T03:04:05.000006Z`: one spelling, always UTC, always microseconds, so that texts
    sort as the moments do. A moment without a zone is refused."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
