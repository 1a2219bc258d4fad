"""Up to where a pull may claim to have read, with writers whose every move the test decides."""

from __future__ import annotations

from datetime import timedelta

from bridge.run import Outcome
from tests.simulation.world import Simulated, simulation


def write(world: Simulated, key: int, name: str, stamp: str | None = None) -> None:
    row = (key, name, world.stamp if stamp is None else stamp)
    world.machine["source"].execute("INSERT OR REPLACE INTO t VALUES (?, ?, ?)", row)


def arrived(world: Simulated) -> set[str | None]:
    return {row[1] for row in world.judge.rows("target").values()}


def ran(world: Simulated) -> Outcome:
    outcome = world.run()
    assert outcome is not None
    assert outcome.error is None, outcome.error
    return outcome


def test_a_long_transaction_holds_back_only_what_it_may_touch() -> None:
    """Whoever began later cannot commit below a candidate that was taken before."""
    with simulation("bare") as world:
        write(world, 10, "early")
        held, world.machine.tokens = world.stamp, frozenset({"a"})
        world.tick(5)
        assert ran(world).verdict == "in_flight"
        assert "early" not in arrived(world)
        world.tick(5)
        write(world, 11, "late", held)
        world.machine.tokens = frozenset({"b"})
        assert ran(world).verdict == "reconciled"
        assert {"early", "late"} <= arrived(world)
        world.judge.see_ledger(complete=True)


def test_who_could_not_look_claims_nothing() -> None:
    with simulation("bare") as world:
        before = len(world.judge.batches())
        world.machine.tokens = frozenset({"a"})
        for _ in range(2):
            world.tick(100)
            outcome = ran(world)
            assert (outcome.verdict, outcome.holders) == ("in_flight", ("a",))
        assert len(world.judge.batches()) == before
        world.machine.tokens = frozenset()
        assert [batch.kind for batch in ran(world).batches] == ["empty"]


def test_a_row_later_in_the_same_millisecond_arrives() -> None:
    """The column cuts the stamp off below the moment at which it was given."""
    with simulation("milliseconds") as world:
        world.machine.now = world.machine.now.replace(microsecond=123_400)
        ran(world)
        world.tick(0.000_3)
        write(world, 10, "late", world.stamp[:-3])
        world.tick(9)
        ran(world)
        assert "late" in arrived(world)


def test_whole_seconds_are_read_again_whatever_the_overlap() -> None:
    with simulation("seconds") as world:
        for _ in range(2):
            world.tick(7)
            (batch,) = ran(world).batches
        before = world.judge.batches()[-2]["window_high"].replace("Z", "+00:00")
        assert batch.window_low is not None
        assert batch.window_low + timedelta(seconds=1) == batch.window_low.fromisoformat(before)


def test_a_stamp_within_the_overlap_arrives() -> None:
    """An application's clock that goes behind, by less than the overlap."""
    with simulation("overlapping") as world:
        world.tick(100)
        ran(world)
        behind = world.machine.now - timedelta(seconds=50)
        write(world, 10, "behind", behind.strftime("%Y-%m-%d %H:%M:%S.%f"))
        write(world, 11, "now")
        world.tick(1)
        ran(world)
        assert {"behind", "now"} <= arrived(world)


def test_a_row_stamped_after_the_horizon_was_taken_arrives() -> None:
    with simulation("bare") as world:
        world.tick(5)
        ran(world)
        world.tick(0.000_001)
        write(world, 10, "next")
        world.tick(9)
        ran(world)
        assert "next" in arrived(world)


def test_a_clock_set_back_does_not_stop_the_sweep() -> None:
    """No window goes back behind the watermark, and what is stamped there comes late."""
    with simulation("swept") as world:
        ran(world)
        world.tick(-30)
        write(world, 10, "behind")
        outcome = ran(world)
        assert "behind" in arrived(world)
        assert [batch.tally.late for batch in outcome.batches] == [1]
        *_, before, after = (batch["window_high"] for batch in world.judge.batches())
        assert before == after
