"""Every line is cut, at positions spread over all that goes through it in a run, either way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from tests.cutting import LIMITS, Cut, Cutting, Fared
from tests.scenario.world import MakeWorld

SLACK = 6.0  # of a slow machine
_PG, _MY = "postgresql", "mysql"
CHAINS = ((_PG, _MY, _PG), (_MY, _PG, _MY))
"""Either family in every place."""


@pytest.fixture(params=CHAINS, ids=" → ".join)
def cutting(make: MakeWorld, request: pytest.FixtureRequest) -> Iterator[Cutting]:
    with closing(Cutting(make(*request.param))) as made:
        yield made


def fared_well(cutting: Cutting, cuts: Iterator[Cut]) -> list[Fared]:
    fared = [cutting.fare(cut) for cut in cuts]
    found = [f"{one.cut}: {finding}" for one in fared for finding in one.findings]
    assert found == []
    return fared


def test_cut_anywhere(cutting: Cutting) -> None:
    """Five positions on each of three lines, two ways: with those of the other chain, sixty."""
    fared = fared_well(cutting, cutting.positions(6, Random(5), ("reset", "drop")))
    cut = [one for one in fared if one.was_cut]
    assert len(cut) >= 32
    assert len([one for one in cut if not one.was_settled]) >= 24
    assert {(one.cut.role, one.cut.way) for one in cut} == set(cutting.totals)


@pytest.mark.parametrize("chain", CHAINS, ids=" → ".join)
def test_settled_by_the_retry(make: MakeWorld, chain: tuple[str, ...]) -> None:
    """The line is whole again at once: `run` itself goes on, and counts nothing twice."""
    with closing(Cutting(make(*chain), retry=15)) as cutting:
        fared = fared_well(cutting, cutting.positions(1, Random(7), ("reset",)))
    assert [one.was_settled for one in fared if one.was_cut] == [True] * len(fared)


def test_stalled_anywhere(cutting: Cutting) -> None:
    """The peer is there, and says nothing more: the run ends by itself, after its limit and what
    it takes to note that at an exchange that is silent too."""
    fared = fared_well(cutting, cutting.positions(1, Random(11), ("stall",)))
    assert len([one for one in fared if one.was_cut and not one.was_settled]) >= 4
    limit = LIMITS["silence_timeout"] + 2 * LIMITS["connect_timeout"]
    assert max(one.seconds for one in fared) < limit + SLACK
