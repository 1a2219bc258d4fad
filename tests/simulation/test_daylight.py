"""The nights in which local time repeats an hour or leaves one out, for stamps without a zone and a
capture that has neither overlap nor sweep to lean on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.simulation.world import Simulated, simulation

NIGHTS = [
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
]


def write(world: Simulated, zone: ZoneInfo, key: int, at: datetime) -> None:
    stamp = at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")
    world.machine["source"].execute("INSERT OR REPLACE INTO t VALUES (?, 'n', ?)", (key, stamp))


@pytest.mark.parametrize("pace", [25])
@pytest.mark.parametrize(("name", "change"), NIGHTS)
def test_every_row_of_the_night_arrives(name: str, change: datetime, pace: int) -> None:
    """Some rows commit only after others have been read, while the horizon waits for them."""
    chance, zone = random.Random(pace), ZoneInfo(name)
    with simulation(name) as world:
        machine = world.machine
        machine.now = change - timedelta(hours=2)
        key = 100
        while machine.now < change + timedelta(hours=2):
            for _ in range(3):
                write(world, zone, key := key + 1, machine.now)
                world.tick(chance.uniform(1, 60 * pace / 3))
            begun = machine.now
            machine.tokens = frozenset({"slow"})
            world.tick(chance.uniform(1, 600))
            assert world.run() is not None
            write(world, zone, key := key + 1, begun + timedelta(microseconds=1))
            machine.tokens = frozenset()
            outcome = world.run()
            assert outcome is not None
            assert outcome.error is None
        world.tick(7200)
        outcome = world.run()
        assert outcome is not None
        assert (outcome.error, outcome.verdict) == (None, "reconciled")
        world.judge.see_rest()
