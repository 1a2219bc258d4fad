"""What was measured, and what it comes to: medians, and ours as a multiple of the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import reduce
from operator import add
from statistics import median
from typing import Any

from benchmarks.measure import Usage

__all__ = ["Figure", "Ratio", "Scenario", "Side", "Span", "ratios", "spread", "used"]


class Scenario(StrEnum):
    FIRST_LOAD = "first load"
    CHANGES = "change set, deletes found by the sweep"
    UPSERTS = "change set without deletes, sweep off"
    IDLE_SWEEP = "no change, sweep on"
    IDLE = "no change, sweep off"
    STATUS = "status"


class Side(StrEnum):
    FLOOR = "floor"
    OURS = "ours"


BOTH = "both"
HOPS = ("hop 1", "hop 2")


@dataclass(frozen=True)
class Figure:
    """One measurement. `hop` is `hop 1`, `hop 2`, or `both` for what went all the way at once."""

    repeat: int
    scenario: Scenario
    side: Side
    hop: str
    usage: Usage

    def as_document(self) -> dict[str, Any]:
        names = {"repeat": self.repeat, "scenario": self.scenario, "side": self.side}
        return {**names, "hop": self.hop, **asdict(self.usage)}


@dataclass(frozen=True)
class Span:
    """Of several repeats."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio:
    """Ours divided by the floor, repeat by repeat."""

    scenario: Scenario
    hop: str
    measure: str
    span: Span


def used(figures: Iterable[Figure], scenario: Scenario, side: Side, hop: str) -> dict[int, Usage]:
    """What each repeat used. Without a figure of the whole way, `both` is the sum of the hops."""
    mine = [f for f in figures if f.scenario is scenario and f.side is side]
    found = {f.repeat: f.usage for f in mine if f.hop == hop}
    if found or hop != BOTH:
        return found
    by_repeat = {f.repeat: [g.usage for g in mine if g.repeat == f.repeat] for f in mine}
    return {repeat: reduce(add, usages) for repeat, usages in by_repeat.items()}


def spread(values: Sequence[float]) -> Span:
    return Span(median(values), min(values), max(values))


def ratios(figures: Sequence[Figure]) -> list[Ratio]:
    """For every scenario and hop that both sides have, and every measure but the peak memory."""
    found = []
    for scenario in Scenario:
        for hop in (*HOPS, BOTH):
            floor = used(figures, scenario, Side.FLOOR, hop)
            ours = used(figures, scenario, Side.OURS, hop)
            for name in (f.name for f in fields(Usage) if f.name != "peak_mb"):
                quotients = [
                    getattr(ours[repeat], name) / getattr(floor[repeat], name)
                    for repeat in ours.keys() & floor.keys()
                    if getattr(floor[repeat], name) > 0
                ]
                if quotients:
                    found.append(Ratio(scenario, hop, name, spread(quotients)))
    return found
