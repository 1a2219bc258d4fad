"""L3 over two stores: the current copy at the exchange against the table at the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.hold import Hold
from bridge.plan import Plan
from bridge.transform.mask import masked_key
from connectors.connector import Connector
from connectors.dialect import KeyRange, Statement
from connectors.table import Column
from reconcile.segment import Bounds, Difference, Extent, Key, Segment, find_difference, ranges

__all__ = ["Content", "compare_contents"]

SEGMENT_ROWS = 50_000
_SAMPLE = 20


@dataclass
class Content:
    """What a comparison found. `sample` holds the first keys at fault, masked, with what is wrong
    with each; no full key is kept."""

    exchange_rows: int = 0
    target_rows: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    segments: int = 0
    sample: list[tuple[str, str]] = field(default_factory=list)

    def add(self, found: Difference) -> None:
        for word in ("missing", "extra", "different"):
            keys: Sequence[Key] = getattr(found, word)
            setattr(self, word, getattr(self, word) + len(keys))
            room = _SAMPLE - len(self.sample)
            self.sample += [(word, masked_key(key)) for key in keys[: max(0, room)]]


def compare_contents(held: Hold, plan: Plan) -> Content:
    """Compares everything, each side in one snapshot. Memory is bounded by one small segment.

    The caller holds the job and has seen that nothing is in flight, so that neither store is
    changed by us meanwhile.
    """
    with held.exchange.snapshot(), held.target.snapshot():
        return _Comparison(held, plan).run()


class _Table(Protocol):
    """What `Changes` and `Effects` both can say of their table's rows."""

    @property
    def key_columns(self) -> tuple[Column, ...]: ...

    def key_at(self, keys: KeyRange, place: int) -> Statement: ...

    def keyed_lines(self, keys: KeyRange) -> Statement: ...


@dataclass(frozen=True)
class _Side:
    """One store: a session, and the statements on its table."""

    store: Connector
    table: _Table

    def key_at(self, bounds: Bounds, place: int) -> Key | None:
        found = self.store.rows(self.table.key_at(_range(bounds), place))
        return tuple(map(str, found[0])) if found else None

    def keys_every(self, bounds: Bounds, rows: int) -> Iterator[Key]:
        """Every so many rows one key, in order."""
        while (key := self.key_at(bounds, rows - 1)) is not None:
            yield key
            bounds = Bounds(key, bounds.high)

    def extent(self, lines: Statement) -> Extent:
        rows, digest = self.store.digest_all(lines)
        return Extent(rows, str(digest))

    def digests(self, bounds: Bounds) -> dict[Key, str]:
        """The digest of each row of a small range, by key. No value of a row leaves the store."""
        groups = [f"bh_{place}" for place in range(len(self.table.key_columns))]
        found = self.store.digest(self.table.keyed_lines(_range(bounds)), groups)
        return {tuple(map(str, row.group)): str(row.digest) for row in found}


class _Comparison:
    def __init__(self, held: Hold, plan: Plan) -> None:
        self._plan = plan
        self._sent = _Side(held.exchange, plan.changes)
        self._received = _Side(held.target, plan.effects)
        self._content = Content()

    def run(self) -> Content:
        low: Key | None = None
        for high in self._sent.keys_every(Bounds(), SEGMENT_ROWS):
            self._top(Bounds(low, high))
            low = high
        self._top(Bounds(low, None))
        return self._content

    def _top(self, bounds: Bounds) -> None:
        segment = self._segment(bounds)
        self._content.exchange_rows += segment.sent.rows
        self._content.target_rows += segment.received.rows
        self._compare(segment)

    def _segment(self, bounds: Bounds) -> Segment:
        keys = _range(bounds)
        sent = self._sent.extent(self._plan.changes.image_lines(keys))
        received = self._received.extent(self._plan.effects.range_lines(keys))
        self._content.segments += 1
        return Segment(bounds, sent, received)

    def _compare(self, segment: Segment) -> None:
        if segment.agrees:
            return
        if segment.is_small:
            sent = self._sent.digests(segment.bounds)
            self._content.add(find_difference(sent, self._received.digests(segment.bounds)))
            return
        larger = self._sent if segment.sent.rows >= segment.received.rows else self._received
        keys = larger.keys_every(segment.bounds, segment.part_rows)
        for part in ranges(segment.bounds, list(keys)):
            self._compare(self._segment(part))


def _range(bounds: Bounds) -> KeyRange:
    return KeyRange(bounds.low, bounds.high)
