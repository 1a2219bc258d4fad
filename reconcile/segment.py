"""L3: two contents compared by key-range segments, split only where they differ.

──────────────── segment ────────────────      rows and digest equal: done
───────│───────│───────│───────│─────────      different: split at keys of the larger side
       ×                                       until few rows are left: compare them one by one
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Bounds", "Difference", "Extent", "Key", "Segment", "find_difference", "ranges"]

Key = tuple[str, ...]
"""The canonical texts of a key."""

SMALL_ROWS = 1000
"""So few rows are compared one by one: less than a statement more would cost."""

PARTS = 16


@dataclass(frozen=True)
class Bounds:
    """The keys above `low` up to and including `high`; None is unbounded."""

    low: Key | None = None
    high: Key | None = None


@dataclass(frozen=True)
class Extent:
    """What one side holds of a key range."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Segment:
    """One key range with what both sides hold of it."""

    bounds: Bounds
    sent: Extent
    received: Extent

    @property
    def agrees(self) -> bool:
        return self.sent == self.received

    @property
    def is_small(self) -> bool:
        return self.rows <= SMALL_ROWS

    @property
    def rows(self) -> int:
        """Of the larger side, which is the one to split by."""
        return max(self.sent.rows, self.received.rows)

    @property
    def part_rows(self) -> int:
        """How many rows of the larger side go into one part."""
        return -(-self.rows // PARTS)


@dataclass(frozen=True)
class Difference:
    """Keys sent that are not there, keys there that were not sent, keys with other values."""

    missing: tuple[Key, ...] = ()
    extra: tuple[Key, ...] = ()
    different: tuple[Key, ...] = ()

    @property
    def total(self) -> int:
        return len(self.missing) + len(self.extra) + len(self.different)


def ranges(whole: Bounds, keys: Iterable[Key]) -> list[Bounds]:
    """The range cut after each of these ascending keys; together the parts are the whole."""
    inner: list[Key | None] = [key for key in keys if key != whole.high]
    return [Bounds(low, high) for low, high in pairwise([whole.low, *inner, whole.high])]


def find_difference(sent: Mapping[Key, str], received: Mapping[Key, str]) -> Difference:
    """Row by row, by key and digest."""
    return Difference(
        missing=tuple(key for key in sent if key not in received),
        extra=tuple(key for key in received if key not in sent),
        different=tuple(key for key, digest in sent.items() if received.get(key, digest) != digest),
    )
