"""Killed at a moment, wherever a run is: also in the midst of a bulk load. Many more of them by
`scripts/proof --kind moments`."""

from __future__ import annotations

import pytest

from tests.moment import ACTS, Moments
from tests.scenario.world import World

MOMENTS = 4
_CHAINS = {("postgresql",) * 3: "cursor", ("mysql",) * 3: "compare"}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("world", "capture"),
    _CHAINS.items(),
    indirect=["world"],
    ids=["-".join(chain) for chain in _CHAINS],
)
def test_killed_wherever_it_is(world: World, capture: str, act: str) -> None:
    moments = Moments(world, capture=capture)
    length = moments.length(act)
    struck = [moments.strike(act, length * number / MOMENTS) for number in range(MOMENTS)]
    assert [finding for one in struck for finding in one.findings] == []
    assert sum(one.behind is not None for one in struck) >= MOMENTS // 2
