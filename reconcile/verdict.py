"""What a comparison comes to, in one word."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Verdict", "worst"]


class Verdict(StrEnum):
    """Best first: the later verdict of two decides (`worst`)."""

    RECONCILED = "reconciled"  # sent equals measured
    IN_FLIGHT = "in_flight"  # sealed, and no receipt yet; neither reconciled nor a deviation
    UNCONFIRMED = "unconfirmed"  # one-way link: nothing contradicts, and no receipt can come
    WAIVED = "waived"  # sent differs from measured, and a person answers for that
    HELD = "held"  # waits for a person
    DEVIATION = "deviation"  # sent differs from measured
    GAP = "gap"  # a number is missing in the sequence
    FORK = "fork"  # one number, two contents

    @property
    def stands(self) -> bool:
        """Needs a person, until somebody has looked again: it is not over because nobody could."""
        return self in (Verdict.HELD, Verdict.DEVIATION, Verdict.GAP, Verdict.FORK)

    @property
    def zh(self) -> str:
        return _WORDS[self][0]

    @property
    def en(self) -> str:
        return _WORDS[self][1]


_WORDS = {
    Verdict.RECONCILED: ("已核对", "reconciled"),
    Verdict.IN_FLIGHT: ("在途", "in flight"),
    Verdict.UNCONFIRMED: ("一致待确认", "unconfirmed"),
    Verdict.WAIVED: ("已豁免", "waived"),
    Verdict.HELD: ("挂起", "held"),
    Verdict.DEVIATION: ("偏差", "deviation"),
    Verdict.GAP: ("断号", "gap"),
    Verdict.FORK: ("分叉", "fork"),
}

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that decides; of nothing at all: reconciled."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.RECONCILED)
