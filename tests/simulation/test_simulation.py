"""Stories of the simulation that one would rather tell by name, and whether its judge objects."""

from __future__ import annotations

import pytest

from bridge.run import pull_only
from connectors.errors import Busy
from tests.simulation.judge import DEPARTMENT, Judge, Wrong
from tests.simulation.scheduler import Story
from tests.simulation.world import Fault, simulation


def test_a_seed_tells_the_same_story_again() -> None:
    told = []
    for _ in range(2):
        with simulation("swept", 2) as world:
            story = Story(7, world, "swept")
            story.unfold()
            told.append(story.told)
    assert told[0] == told[1]
    assert len(told[0]) > 3


def test_what_came_late_does_not_come_twice() -> None:
    with simulation("swept") as world:
        source = world.machine["source"]
        for name in "one", "two":
            source.execute("UPDATE t SET name = ?, at = ? WHERE id < 4", (name, world.stamp))
            world.tick(9)
            outcome = world.run()
            assert outcome is not None
            assert outcome.verdict == "reconciled"
        story = Story(0, world, "swept")
        story.told = [""]
        for _ in range(8):
            story.redeliver()
        assert {row[1] for row in world.judge.rows("target").values()} == {"two", "first"}


def test_a_job_is_held_by_one_run() -> None:
    with simulation("swept") as world:
        world.machine.locks.add(f"bridgehead job {DEPARTMENT}/j")
        outcome = world.run()
        assert outcome is not None
        assert isinstance(outcome.error, Busy)


def test_an_image_under_way_is_not_pulled_over() -> None:
    with simulation("swept", loaded=False) as world:
        world.run(pull_only)
        world.machine["source"].execute("UPDATE t SET name = 'x', at = ?", (world.stamp,))
        world.tick(9)
        outcome = world.run(pull_only)
        assert outcome is not None
        assert outcome.verdict == "in_flight"
        assert len(world.judge.batches()) == 1
        world.run()
        world.judge.see_rest()


@pytest.mark.parametrize("variant", ["swept", "bare", "compare"])
@pytest.mark.parametrize("loaded", [True, False], ids=["window", "image"])
def test_a_run_that_finishes_an_older_window_goes_on(variant: str, loaded: bool) -> None:
    """What was committed long before it began must be in it, whatever an earlier run left."""
    with simulation(variant, 2, loaded=loaded) as world:
        source = world.machine["source"]
        source.execute("UPDATE t SET name = 'x', at = ?", (world.stamp,))
        world.tick(9)
        fault = Fault("crash", 1_000_000)
        world.run(pull_only, fault=fault)
        assert len(fault.passed) > 5
    with simulation(variant, 2, loaded=loaded) as world:
        source = world.machine["source"]
        source.execute("UPDATE t SET name = 'x', at = ?", (world.stamp,))
        world.tick(9)
        last = len(fault.passed) - fault.passed[::-1].index("run.over") - 1
        sealed = [n for n, name in enumerate(fault.passed[:last], 1) if name.endswith(".sealed")]
        world.run(pull_only, fault=Fault("crash", sealed[0]))
        source.execute("UPDATE t SET name = 'later', at = ?", (world.stamp,))
        world.tick(100)
        outcome = world.run()
        assert outcome is not None
        assert outcome.verdict == "reconciled"
        world.judge.see_rest()


# -- the judge must be able to object ------------------------------------------------------------


def test_the_judge_sees_rows_that_change_without_a_receipt() -> None:
    with simulation("swept") as world:
        world.machine["target"].execute("DELETE FROM t WHERE id = 3")
        with pytest.raises(Wrong, match="twice"):
            world.judge.see_target()


def test_the_judge_sees_what_is_missing_at_rest() -> None:
    for role in ("exchange", "target"):
        with simulation("swept") as world:
            table = "bh_copy_j" if role == "exchange" else "t"
            world.machine[role].execute(f"DELETE FROM {table} WHERE id = 3")
            with pytest.raises(Wrong, match="lost"):
                world.judge.see_rest()


def test_the_judge_sees_a_false_claim() -> None:
    with simulation("swept") as world:
        world.machine["exchange"].execute("UPDATE bh_batch SET state = 'applied'")
        with pytest.raises(Wrong, match="are open"):
            world.judge.see_reconciled(edited=False)


def test_the_judge_sees_a_wrong_count() -> None:
    with simulation("swept") as world:
        judge = Judge(world.machine.__getitem__)
        world.machine["target"].execute("UPDATE bh_receipt SET inserted = 4, total = 4")
        with pytest.raises(Wrong, match="measured"):
            judge.see_target()
