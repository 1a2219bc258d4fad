"""Stories of the simulation that one would rather tell by name, and whether its judge objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.decision import reject
from bridge.hold import Hold
from bridge.plan import make_plan
from bridge.preparation import prepare_target
from bridge.push import Push
from bridge.run import Outcome, pull_only
from connectors.errors import Busy
from tests.simulation.judge import DEPARTMENT, Judge, Wrong
from tests.simulation.scheduler import Story
from tests.simulation.world import STORIES, Fault, Simulated, simulation


def test_a_seed_tells_the_same_story_again() -> None:
    told = []
    for _ in range(2):
        with simulation("swept", 2) as world:
            story = Story(7, world, "swept")
            story.unfold()
            told.append(story.told)
    assert told[0] == told[1]
    assert len(told[0]) > 3


@pytest.mark.parametrize("variant", STORIES)
def test_crashed_anywhere_all_or_nothing_has_happened(variant: str) -> None:
    """Rows, change rows and batch at the exchange; rows, receipt and position at the target. The
    next run brings the rest, with the counts of a run that nothing befell."""
    with _changed(variant) as world:
        fault = Fault("crash", 1_000_000)
        world.run(fault=fault)
        wanted = [(r["inserted"], r["updated"], r["deleted"]) for r in world.judge.receipts]
        world.judge.see_rest()
    assert {"window.sealing", "push.applying", "push.noted"} <= set(fault.passed)
    for hit, name in enumerate(fault.passed, 1):
        with _changed(variant) as world:
            source, before = world.judge.rows("source"), world.judge.rows("target")
            assert world.run(fault=Fault("crash", hit)) is None, name
            stamps = world.machine["exchange"].execute("SELECT bh_seq FROM bh_change_j").fetchall()
            sealed, received = len(world.judge.batches()) - 1, len(world.judge.known_receipts()) - 1
            copied, applied = world.judge.rows("exchange"), world.judge.rows("target")
            assert (copied, len(stamps)) == ((source, 4) if sealed else (before, 0)), name
            assert applied == (source if received else before), name
            world.tick(9)
            assert _ran_well(world), name
            found = [(r["inserted"], r["updated"], r["deleted"]) for r in world.judge.receipts]
            assert found[: len(wanted)] == wanted, name
            assert set(found[len(wanted) :]) <= {(0, 0, 0)}, name
            world.judge.see_rest()


@contextmanager
def _changed(variant: str) -> Iterator[Simulated]:
    """Two rows changed and two new ones since the first load."""
    with simulation(variant) as world:
        rows = [(key, "x", world.stamp) for key in (4, 5, 6, 7)]
        world.machine["source"].executemany("INSERT OR REPLACE INTO t VALUES (?, ?, ?)", rows)
        world.tick(9)
        yield world


def _ran_well(world: Simulated) -> bool:
    outcome = world.run()
    return outcome is not None and (outcome.error, outcome.verdict) == (None, "reconciled")


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


def test_who_has_lost_the_job_is_refused_at_the_target() -> None:
    """Before it looks at what to deliver: what it knows is old."""
    with _changed("swept") as world:
        fault = Fault("freeze", name="push.begins")
        assert world.run(fault=fault) is None
        assert _ran_well(world)
        outcome = world.wake(world.frozen[0])
        assert isinstance(outcome, Outcome)
        assert isinstance(outcome.error, Busy)
        assert "push.begins" in fault.passed
        assert "push.locked" not in fault.passed


def test_what_a_resync_has_laid_aside_does_not_arrive_any_more() -> None:
    """From a run that was held up before it came to the target."""
    with _frozen_before_the_target("swept") as world:
        assert world.resync(Fault("crash", name="epoch.begun")) is None
        _see_refused(world)


def test_what_a_rejection_has_laid_aside_does_not_arrive_any_more() -> None:
    with _frozen_before_the_target("fused") as world:
        source = world.machine["source"]
        gone = source.execute("SELECT * FROM t WHERE id < 4").fetchall()
        source.execute("DELETE FROM t WHERE id < 4")
        world.tick(9)
        world.run(pull_only)
        assert [batch["state"] for batch in world.judge.batches()][-2:] == ["sealed", "held"]
        places = ", ".join("?" * len(gone[0]))
        source.executemany(f"INSERT INTO t VALUES ({places})", gone)
        assert world.decide(reject, 3) is None
        _see_refused(world)


@contextmanager
def _frozen_before_the_target(variant: str) -> Iterator[Simulated]:
    """A run with a sealed batch in its hands."""
    with _changed(variant) as world:
        assert world.run(fault=Fault("freeze", name="push.begins")) is None
        assert world.judge.batches()[-1]["state"] == "sealed"
        yield world


def _see_refused(world: Simulated) -> None:
    received = world.judge.known_receipts()
    assert "purged" in {batch["state"] for batch in world.judge.batches()}
    outcome = world.wake(world.frozen[0])
    assert isinstance(outcome, Outcome)
    assert isinstance(outcome.error, Busy)
    assert world.judge.known_receipts() == received
    world.tick(9)
    assert _ran_well(world)
    world.judge.see_rest()


def test_who_was_overtaken_raises_no_alarm() -> None:
    """A batch came before its turn, and was found so; by now the turn is over."""
    with _changed("swept") as world:
        world.run(pull_only)
        world.machine["source"].execute("UPDATE t SET name = 'y', at = ?", (world.stamp,))
        world.tick(9)
        world.run(pull_only)

        def later_first(held: Hold, _: Outcome) -> None:
            plan = prepare_target(held, make_plan(held))
            with held.exchange.transaction():
                _, later = held.ledger().unsettled()
            Push(held, plan, held.exchange).settle(later)

        assert world.run(later_first, fault=Fault("freeze", name="push.applied")) is None
        assert _ran_well(world)
        outcome = world.wake(world.frozen[0])
        assert isinstance(outcome, Outcome)
        assert isinstance(outcome.error, Busy)
        stalled = world.machine["target"].execute("SELECT stalled FROM bh_position").fetchall()
        assert stalled == [(None,)]


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


SEALED = ("window.sealed", "image.sealed")


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
        sealed = [n for n, name in enumerate(fault.passed[:last], 1) if name in SEALED]
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
