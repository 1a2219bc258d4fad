"""One statement stamped more rows than a part holds: the window travels in parts, by key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.failpoint import arm, at
from tests.scenario.world import World, cursor_job, cut_off

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    arm(None)


@pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
def test_oversized_window_is_cut_and_resumed(world: World) -> None:
    world.write(retry=0)
    world.make_table(100)
    world.job("j", chunk_rows=10, **cursor_job())
    world.run_well()
    before = len(world.batches())
    looked = world.sql("exchange", "SELECT looked_at FROM bh_job")
    world.sql("source", f"UPDATE t SET name = 'all', updated_at = {world.now}")
    arm(at("window.sealed", 4, cut_off))
    outcome = world.run()
    arm(None)
    assert (outcome.verdict, outcome.exit_code) == ("in_flight", 3)
    parts = world.batches()[before:]
    assert [bool(b["last"]) for b in parts] == [False] * 4
    assert len({b["window_high"] for b in parts}) == 1
    assert {b["window_low"] is None for b in parts} == {False}
    assert world.sql("exchange", "SELECT looked_at FROM bh_job") == looked  # not to the end

    world.sql(
        "source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id IN (2, 99)"
    )
    world.run_well()
    parts = [b for b in world.batches()[before:] if b["window_high"] == parts[0]["window_high"]]
    assert [bool(b["last"]) for b in parts][-1]
    assert sum(b["last"] for b in parts) == 1
    assert world.findings() == []  # that run has gone on to what came later
