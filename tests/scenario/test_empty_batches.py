"""Silence is visible: a run that looked and found nothing says so, but not every time."""

from __future__ import annotations

import pytest

from tests.command import call
from tests.scenario.world import World, cursor_job

COMPARE = {"capture": {"method": "compare"}}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
@pytest.mark.parametrize("capture", [cursor_job(), COMPARE], ids=["cursor", "compare"])
def test_nothing_changed(world: World, capture: dict) -> None:
    world.make_table(3)
    world.job("j", empty_every="1h", **capture)
    assert [b.kind for b in world.run_well().batches] == ["first"]
    (empty,) = world.run_well().batches
    assert (empty.kind, empty.sent.total, empty.received.total) == ("empty", 0, 0)
    assert world.run_well().batches == []  # the one before is empty too, and young
    assert world.run_well().batches == []
    world.insert([10], stamp=world.now)
    assert [b.kind for b in world.run_well().batches] == ["data"]
    assert [b.kind for b in world.run_well().batches] == ["empty"]
    world.job("j", empty_every="1s", **capture)
    world.sql("exchange", "UPDATE bh_batch SET sealed_at = replace(sealed_at, '20', '19')")
    assert [b.kind for b in world.run_well().batches] == ["empty"]  # by now it is old
    assert world.findings() == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
@pytest.mark.parametrize("capture", [cursor_job(), COMPARE], ids=["cursor", "compare"])
def test_a_run_that_tells_nothing_is_known_to_have_looked(
    world: World, capture: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    world.make_table(3)
    world.job("j", empty_every="1h", **capture)
    told, looked = [], []
    for _ in range(4):
        told.append(len(world.run_well().batches))
        status = call(capsys, "--config", world.directory, "status", "--json").json[0]
        looked.append(status["looked_at"])
    assert told == [1, 1, 0, 0]
    assert looked == sorted(set(looked))


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
def test_every_run(world: World) -> None:
    world.make_table(3)
    world.job("j", empty_every=0, **cursor_job())
    world.run_well()
    for _ in range(3):
        assert [b.kind for b in world.run_well().batches] == ["empty"]
    assert world.findings() == []


def test_a_held_horizon_claims_nothing(world: World) -> None:
    """The run could not look, names who holds it back, and is in flight; no empty batch lies."""
    world.make_table(3)
    world.job("j", **cursor_job(drain_wait=0, deletes={"sweep": "off"}))
    world.run_well()
    writer = world.connect("source")
    writer.execute("BEGIN")
    writer.execute("SELECT 1")
    pid = writer.info.backend_pid
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", 0, [])
    assert f"pid {pid}" in outcome.holders[0]
    writer.execute("COMMIT")
    assert [b.kind for b in world.run_well().batches] == ["empty"]


def test_work_that_ends_soon_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as the job allows: then what it brings is read in the same run."""
    world.make_table(3)
    world.job("j", **cursor_job(overlap=0, deletes={"sweep": "off"}))
    world.run_well()
    writer = world.connect("source")
    writer.execute("BEGIN")
    writer.execute(f"INSERT INTO t VALUES (10, 'n', 1, {world.now})")
    monkeypatch.setattr("bridge.horizon.pause", lambda _: writer.execute("COMMIT"))
    assert [b.sent.inserted for b in world.run_well().batches] == [1]


def test_a_sweep_under_a_held_horizon_moves_no_watermark(world: World) -> None:
    """It finds what is gone, and claims nothing of what may still commit."""
    world.make_table(3)
    world.job("j", **cursor_job(drain_wait=0))
    world.run_well()
    writer = world.connect("source")
    begun = writer.execute("SELECT clock_timestamp()").fetchone()[0]
    writer.execute("BEGIN")
    writer.execute("SELECT 1")
    world.sql("source", "DELETE FROM t WHERE id = 2")
    outcome = world.run()
    assert (outcome.verdict, len(outcome.holders)) == ("in_flight", 1)
    assert [b.received.deleted for b in outcome.batches if b.received] == [1]
    assert world.batches()[-1]["window_high"] <= begun
    writer.execute("COMMIT")
    world.run_well()
    assert world.findings() == []


def test_work_that_overlaps_for_ever_holds_nothing_back_for_ever(world: World) -> None:
    """Something is always open; what was open at a moment that was kept is not for ever."""
    world.make_table(3)
    world.job("j", **cursor_job(drain_wait=0, deletes={"sweep": "off"}))
    world.run_well()
    first, second = world.connect("source"), world.connect("source")
    world.insert([10], stamp=world.now)
    first.execute("BEGIN")
    first.execute("SELECT pg_sleep(1.2)")
    assert world.run().batches == []
    second.execute("BEGIN")
    second.execute("SELECT 1")
    assert world.run().batches == []
    first.execute("COMMIT")
    outcome = world.run()
    assert (outcome.verdict, [b.sent.inserted for b in outcome.batches]) == ("reconciled", [1])
    second.execute("COMMIT")


def test_a_horizon_held_too_long_alarms(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job(drain_wait=0, horizon_limit=1, deletes={"sweep": "off"}))
    world.run_well()
    writer = world.connect("source")
    writer.execute("BEGIN")
    writer.execute("SELECT pg_sleep(1.2)")
    world.run()
    writer.execute("SELECT pg_sleep(1.2)")
    outcome = world.run()
    assert (outcome.verdict, outcome.overdue, outcome.exit_code) == ("in_flight", True, 1)
    writer.execute("COMMIT")
    world.run_well()


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_a_horizon_that_has_not_moved_claims_nothing(world: World) -> None:
    """Of stamps that are days the next is looked at tomorrow."""
    world.sql(
        "source",
        "CREATE TABLE t (id integer PRIMARY KEY, updated_at date)",
        "INSERT INTO t VALUES (1, '2024-01-01')",
    )
    world.job("j", **cursor_job(deletes={"sweep": "off"}))
    assert [batch.kind for batch in world.run_well().batches] == ["first"]
    assert world.run_well().batches == []
