"""Sent above the axis, received below it: books that balance are a symmetric picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "PARTS",
    "Bar",
    "Block",
    "Chart",
    "Entry",
    "Pillar",
    "Pillars",
    "Tick",
    "mirror",
    "pillars",
]

PARTS = ("inserted", "updated", "deleted", "unchanged")

WIDTH, HEIGHT = 960, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 22, 24
_MOST_BARS = 48
_MOST_LABELS = 14
_WIDEST_BAR = 64.0
_STEEP = 25  # largest to smallest total beyond which a linear axis hides the small ones


@dataclass(frozen=True)
class Entry:
    """One batch: rows by part. `waiting` while there is no receipt, and nothing is received."""

    label: str
    sent: Mapping[str, int]
    received: Mapping[str, int]
    waiting: bool = False
    alarm: bool = False


@dataclass(frozen=True)
class Block:
    """A coloured rectangle of a bar."""

    part: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One batch, or several neighbours when there are many."""

    label: str
    x: float
    width: float
    middle: float
    sent: int
    received: int
    waiting: bool  # not everything that was sent has a receipt
    alarm: bool
    blocks: tuple[Block, ...]
    top: float
    bottom: float


@dataclass(frozen=True)
class Tick:
    value: int
    above: float
    below: float


@dataclass(frozen=True)
class Chart:
    """Coordinates in a box of `width` by `height`; `axis` is the line between the two sides."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    per_bar: int
    rooted: bool
    valued: bool
    parts: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    axis: float = _TOP + (HEIGHT - _TOP - _BOTTOM) / 2
    left: int = _LEFT
    right: int = WIDTH - _RIGHT


def mirror(entries: Sequence[Entry]) -> Chart:
    """At most 48 bars, in the order given; a square-root axis where totals differ widely."""
    per_bar = max(1, math.ceil(len(entries) / _MOST_BARS))
    groups = [_merge(entries[i : i + per_bar]) for i in range(0, len(entries), per_bar)]
    sides = [_total(g.sent) for g in groups] + [_total(g.received) for g in groups]
    scale = _Scale([side for side in sides if side])
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(groups))
    every = math.ceil(len(groups) / _MOST_LABELS)
    bars = [
        _bar(group, _LEFT + step * i, step, scale, labelled=i % every == 0)
        for i, group in enumerate(groups)
    ]
    present = [part for part in PARTS if any(_has(group, part) for group in groups)]
    return Chart(
        bars=tuple(bars),
        ticks=tuple(scale.ticks()),
        per_bar=per_bar,
        rooted=scale.rooted,
        valued=len(groups) <= _MOST_LABELS,
        parts=tuple(present),
    )


class _Scale:
    """From rows to lengths."""

    def __init__(self, totals: Sequence[int]) -> None:
        self.most = max(totals, default=1)
        self.rooted = self.most > _STEEP * min(totals, default=1)
        self.room = (HEIGHT - _TOP - _BOTTOM) / 2 - 14

    def length(self, rows: int) -> float:
        share = rows / self.most
        return self.room * (math.sqrt(share) if self.rooted else share)

    def ticks(self) -> Iterator[Tick]:
        axis = Chart.axis
        for share in (0.25, 1.0) if self.rooted else (0.5, 1.0):
            value = _round(self.most * share)
            if 0 < value <= self.most:
                yield Tick(value, axis - self.length(value), axis + self.length(value))


def _round(value: float) -> int:
    """Down to one leading digit and a half: 1, 1.5, 2, 2.5 … times a power of ten."""
    if value < 1:
        return 0
    unit = 10 ** math.floor(math.log10(value)) / 2
    return int(math.floor(value / unit) * unit)


def _merge(entries: Sequence[Entry]) -> Entry:
    return Entry(
        label=entries[0].label,
        sent=_sum([entry.sent for entry in entries]),
        received=_sum([entry.received for entry in entries]),
        waiting=any(entry.waiting for entry in entries),
        alarm=any(entry.alarm for entry in entries),
    )


def _sum(sides: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {part: sum(side.get(part, 0) for side in sides) for part in PARTS}


def _total(side: Mapping[str, int]) -> int:
    return sum(side.values())


def _has(entry: Entry, part: str) -> bool:
    return bool(entry.sent.get(part) or entry.received.get(part))


def _bar(entry: Entry, x: float, step: float, scale: _Scale, labelled: bool) -> Bar:
    width = min(_WIDEST_BAR, step * 0.62)
    above, top = _stack(entry.sent, scale, upward=True)
    below, bottom = _stack(entry.received, scale, upward=False)
    return Bar(
        label=entry.label if labelled else "",
        x=x + (step - width) / 2,
        width=width,
        middle=x + step / 2,
        sent=_total(entry.sent),
        received=_total(entry.received),
        waiting=entry.waiting,
        alarm=entry.alarm,
        blocks=(*above, *below),
        top=top,
        bottom=bottom,
    )


def _stack(
    side: Mapping[str, int], scale: _Scale, *, upward: bool
) -> tuple[tuple[Block, ...], float]:
    """The parts of one side outward from the axis, and where the stack ends.

    The whole has the length of its total; a part has its share of that, on any axis.
    """
    total = _total(side)
    length = scale.length(total)
    edge, blocks = Chart.axis, []
    for part in PARTS:
        height = length * side.get(part, 0) / total if total else 0.0
        if height:
            blocks.append(Block(part, edge - height if upward else edge, height))
            edge += -height if upward else height
    return tuple(blocks), edge


@dataclass(frozen=True)
class Pillar:
    """One bar of a simple chart."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float
    middle: float


@dataclass(frozen=True)
class Pillars:
    """Bars on one axis, in a box as wide as a `Chart`."""

    bars: tuple[Pillar, ...]
    most: int
    width: int = WIDTH
    height: int = 110
    axis: float = 110 - _BOTTOM


def pillars(values: Sequence[tuple[str, int]]) -> Pillars:
    """Grouped and labelled as `mirror` does, so that both stand under each other."""
    per_bar = max(1, math.ceil(len(values) / _MOST_BARS))
    groups = [values[i : i + per_bar] for i in range(0, len(values), per_bar)]
    sums = [(group[0][0], sum(value for _, value in group)) for group in groups]
    most = max((value for _, value in sums), default=0)
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(sums))
    width, every = min(_WIDEST_BAR, step * 0.62), math.ceil(len(sums) / _MOST_LABELS)
    bars = []
    for place, (label, value) in enumerate(sums):
        height = (Pillars.axis - _TOP) * value / most if most else 0.0
        middle = _LEFT + step * (place + 0.5)
        shown = label if place % every == 0 else ""
        bars.append(
            Pillar(shown, value, middle - width / 2, Pillars.axis - height, width, height, middle)
        )
    return Pillars(tuple(bars), most)
