"""The centre is away: what was pulled waits sealed, in flight, and is settled when it is back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bridge.failpoint import arm, at
from tests.scenario.proxy import Proxy
from tests.scenario.world import World, cursor_job


@pytest.fixture
def line(world: World) -> Iterator[Proxy]:
    """The line to the target. Ten rows have gone over it; two more wait at the source."""
    target = world.stores["target"]
    proxy = Proxy(str(target.host), int(target.port or 0))
    world.write({"target": {"host": "127.0.0.1", "port": proxy.port}}, retry=1)
    world.make_table(10)
    world.job("j", chunk_rows=4, **cursor_job())
    world.run_well()
    world.insert([20, 21], stamp=world.now)
    yield proxy
    arm(None)
    proxy.cut()


@pytest.mark.parametrize("where", ["window.sealed", "push.locked", "push.applying"])
def test_cut_before_the_commit_at_the_target(world: World, line: Proxy, where: str) -> None:
    arm(at(where, 1, lambda _: line.cut()))
    outcome = world.run()
    arm(None)
    assert (outcome.verdict, outcome.exit_code) == ("in_flight", 3)
    assert "target" in str(outcome.error.endpoint)
    assert world.batches()[-1]["state"] == "sealed"
    assert (world.run().exit_code, len(world.findings())) == (3, 2)  # two rows, still on their way
    line.mend()
    assert next(b.state for b in world.run_well().batches) == "reconciled"
    assert world.findings() == []


def test_cut_after_the_commit_at_the_target(world: World, line: Proxy) -> None:
    """The receipt is here: nothing more is asked of the target."""
    arm(at("push.applied", 1, lambda _: line.cut()))
    assert world.run().verdict == "reconciled"
    arm(None)
    assert (world.run().verdict, world.run().exit_code) == ("in_flight", 3)
    line.mend()
    world.run_well()
    assert world.findings() == []


def test_answer_to_the_commit_is_lost(world: World, line: Proxy) -> None:
    """The server has committed, the client sees an error: the position at the target decides."""
    world.write({"target": {"host": "127.0.0.1", "port": line.port}}, retry=0)
    arm(at("push.applying", 1, lambda _: line.lose_answer()))
    assert (world.run().exit_code, world.batches()[-1]["state"]) == (3, "sealed")
    arm(None)
    assert world.oracle().content() == []  # it is all there already
    first, *_ = world.run_well().batches
    assert (first.state, first.received.inserted) == ("reconciled", 2)
    assert world.findings() == []


def test_answers_are_lost_on_the_exchange(world: World, line: Proxy) -> None:
    """The same on the other side: sealed, and not known to be."""
    exchange = world.stores["exchange"]
    other = Proxy(str(exchange.host), int(exchange.port or 0))
    world.write({"exchange": {"host": "127.0.0.1", "port": other.port}}, retry=0)
    for number, where in enumerate(("window.sealing", "push.reconciling", "horizon.keeping")):
        world.insert([100 + number], stamp=world.now)
        arm(at(where, 1, lambda _: other.lose_answer()))
        assert world.run().exit_code == 3, where
        arm(None)
        world.run_well()
        assert world.findings() == [], where
    other.cut()


@pytest.mark.parametrize("part", [3, 12])
def test_away_during_a_first_load(world: World, line: Proxy, part: int) -> None:
    """Parts go on while the next is read, by a second session: the error of one ends the other,
    and that of the last is told though there is nothing to end."""
    world.job("j", chunk_rows=1, **cursor_job())
    arm(at("push.locked", part, lambda _: line.cut()))
    outcome = world.resync()
    arm(None)
    assert (outcome.verdict, outcome.exit_code) == ("in_flight", 3)
    assert "target" in str(outcome.error.endpoint)
    states = [b["state"] for b in world.batches() if b["epoch"] == 2]
    assert states[part - 1] == "sealed"
    if part == 12:
        assert states == ["reconciled"] * 11 + ["sealed"]
    line.mend()
    world.run_well()
    assert world.findings() == []


def test_back_within_the_retry(world: World, line: Proxy) -> None:
    """`run` itself tries again what is transient."""
    world.write({"target": {"host": "127.0.0.1", "port": line.port}}, retry=10)
    arm(at("push.begins", 1, lambda _: line.drop()))
    assert next(b.state for b in world.run_well().batches) == "reconciled"
    assert world.findings() == []


def test_a_resync_that_is_cut_before_its_epoch_begins_it_when_the_line_is_back(
    world: World, line: Proxy
) -> None:
    world.write({"target": {"host": "127.0.0.1", "port": line.port}}, retry=10)
    arm(at("target.taking", 1, lambda _: line.drop()))
    outcome = world.resync()
    assert (outcome.error, outcome.verdict) == (None, "reconciled")
    assert {(batch.epoch, batch.kind) for batch in outcome.batches} == {(2, "resync")}
    assert world.findings() == []


@pytest.mark.parametrize(
    ("role", "where"),
    [("source", "horizon.kept"), ("exchange", "hold.taken"), ("target", "window.sealed")],
)
def test_a_line_that_trickles_ends_the_run(world: World, role: str, where: str) -> None:
    """A byte every half second: never silent, and never done."""
    store = world.stores[role]
    line = Proxy(str(store.host), int(store.port or 0))
    over = {"host": "127.0.0.1", "port": line.port}
    world.write({role: over}, retry=0)
    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([20, 21], stamp=world.now)
    world.write({role: {**over, "connect_timeout": 2, "session_timeout": 3}}, retry=0)
    arm(at(where, 1, lambda _: line.slow(2)))
    began = time.monotonic()
    outcome = world.run()
    arm(None)
    assert time.monotonic() - began < 3 + 2 * 2 + 6  # the last for a slow machine
    assert outcome.exit_code == 3
    assert "the session was ended after 3 s" in str(outcome.error)
    line.mend()
    world.write({role: over}, retry=0)
    world.run_well()
    assert world.findings() == []
    line.cut()
