"""What a run came to, and who is told how it gets on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bridge.batch import Batch
from bridge.stream import Cut
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

__all__ = ["Observer", "Outcome", "Part", "how_to_decide", "is_past", "part_of", "working_on"]

_CAME_UP_IN = "came_up_in"


class Part(StrEnum):
    """What a step does of a run: one that goes through says nothing of the others."""

    BEGINNING = ""  # the job, both structures and both positions, before anything moves
    PULL = "pull"
    PUSH = "push"
    COMPARISON = "comparison"  # of the contents
    PAST = "past"  # epochs that have ended: nothing that moves now depends on them


@contextmanager
def working_on(part: Part) -> Iterator[None]:
    """An error that is raised inside came up in this part, or in one within it."""
    try:
        yield
    except BridgeheadError as error:
        vars(error).setdefault(_CAME_UP_IN, part)
        raise


def part_of(error: BridgeheadError) -> Part:
    """Where it came up; the beginning, where nobody says."""
    return Part(vars(error).get(_CAME_UP_IN, Part.BEGINNING))


def is_past(error: BridgeheadError) -> bool:
    """Whether it is of what ended long ago, and says nothing of how the job stands now."""
    return part_of(error) is Part.PAST


class Observer(Protocol):
    """Is told how a run gets on, from whichever thread it happens in."""

    def expect(self, job: str, rows: int | None) -> None:
        """A first load or comparison of about so many rows begins; None if nobody knows."""

    def note(self, job: str, batch: Batch) -> None:
        """A batch was sealed, or has moved on."""


def how_to_decide(batch: Batch) -> str:
    """Of a held batch."""
    return f"bridgehead approve {batch.job} {batch.seq} --why TEXT, or reject"


@dataclass
class Outcome:
    """What a run came to. `batches` are those it sealed or acknowledged, in order. `overdue`: the
    horizon has been held back for longer than the job allows. `through`: what has gone through.
    `quarantined`: rows that are set aside now, by this run or earlier ones.
    `held`: the batch that waits for a person; `deviated`: the newest that deviates; `waived`: the
    rows of those that somebody answers for.
    `left`: of the verdict, what stands in no batch. `renewed`: what was found restored, and made
    a new epoch begin by itself. `anew`: an epoch has begun, by whomever, and what was held is laid
    aside. `reached` are the endpoints with which there was a session."""

    job: str
    verdict: Verdict = Verdict.RECONCILED
    left: Verdict = Verdict.RECONCILED
    deviation: int = 0
    quarantined: int = 0
    held: Batch | None = None
    deviated: Batch | None = None
    waived: int = 0
    holders: tuple[str, ...] = ()
    held_since: datetime | None = None
    overdue: bool = False
    through: set[Part] = field(default_factory=set)
    renewed: str = ""
    anew: bool = False
    reached: frozenset[str] = frozenset()
    skipped: bool = False
    error: BridgeheadError | None = None
    cut: Cut | None = None
    observer: Observer | None = None
    _batches: dict[tuple[int, int], Batch] = field(default_factory=dict)

    @property
    def batches(self) -> list[Batch]:
        return [self._batches[place] for place in sorted(self._batches)]

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        if self.skipped:
            return 0
        well = (Verdict.RECONCILED, Verdict.IN_FLIGHT, Verdict.WAIVED)
        return 1 if self.verdict not in well or self.overdue else 0

    @property
    def remedy(self) -> str | None:
        """What a person is to do about what was found, where it is no error: that has its own."""
        if self.error is not None:
            return None
        if self.verdict is Verdict.DEVIATION:
            return f"bridgehead reconcile {self.job} finds the rows"
        if self.verdict is Verdict.HELD and self.held is not None:
            return how_to_decide(self.held)
        return None

    def begin_again(self) -> None:
        """Another attempt: of the one before it, only what has really happened is kept."""
        self.verdict = self.left = Verdict.RECONCILED
        self.deviation = self.quarantined = self.waived = 0
        self.held = self.deviated = None
        self.holders, self.held_since, self.overdue = (), None, False
        self.through, self.cut = set(), None

    def note(self, batch: Batch) -> None:
        """A batch was sealed, or has moved on."""
        self._batches[batch.epoch, batch.seq] = batch
        if self.observer is not None:
            self.observer.note(self.job, batch)
