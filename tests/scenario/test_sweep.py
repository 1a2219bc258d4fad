"""What no window shows, the sweep finds: old, missing and future stamps, and deleted rows."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.selection import Selection
from connectors.sqlite.connector import SqliteConnector
from tests.scenario.world import World, cursor_job

CHAINS = [("postgresql",) * 3, ("sqlite", "sqlite", "postgresql"), ("sqlite",) * 3]
everywhere = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)

OLD = "'1999-01-01 00:00:00'"
FUTURE = "'2099-01-01 00:00:00'"


@everywhere
def test_sweep_both_ways(world: World) -> None:
    world.make_table(20)
    world.job("j", **cursor_job(overlap=0))
    world.run_well()

    world.insert([30], stamp=OLD)
    world.insert([31], stamp="NULL")
    world.insert([32], stamp=FUTURE)
    world.sql(
        "source",
        f"UPDATE t SET name = 'back', updated_at = {OLD} WHERE id = 1",
        "UPDATE t SET name = 'bare', updated_at = NULL WHERE id = 2",
        f"UPDATE t SET name = 'ahead', updated_at = {FUTURE} WHERE id = 3",
        "DELETE FROM t WHERE id IN (4, 5)",
    )
    (batch,) = world.run_well().batches
    tally = batch.tally
    assert (tally.inserted, tally.updated, tally.deleted, tally.late) == (3, 3, 2, 6)
    assert world.findings() == []
    (rest,) = world.run_well().batches
    assert (rest.kind, rest.tally.late, rest.tally.gone) == ("empty", 0, 0)

    world.sql("source", "DELETE FROM t WHERE id IN (2, 3, 30, 31, 32)")
    (batch,) = world.run_well().batches
    assert (batch.tally.deleted, batch.sent.total) == (5, 5)
    assert world.findings() == []


@everywhere
def test_without_a_sweep_these_are_lost_and_it_is_said(world: World) -> None:
    """The sweep being off must be asked for; then such rows do not arrive."""
    world.make_table(5)
    world.job("j", **cursor_job(overlap=0, deletes={"sweep": "off"}))
    world.run_well()
    world.insert([30], stamp=OLD)
    world.sql("source", "DELETE FROM t WHERE id = 1")
    world.run_well()
    assert sorted({f.kind for f in world.findings()}) == ["extra", "lost"]


@pytest.mark.parametrize("world", [CHAINS[0], CHAINS[2]], indirect=True, ids="-".join)
def test_everything_is_deleted(world: World) -> None:
    """Then one side of the sweep has no row at all, and later the other."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("source", "DELETE FROM t")
    (batch,) = world.run_well().batches
    assert batch.tally.deleted == 5
    assert world.findings() == []
    world.insert([1, 9], stamp=OLD)
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.late) == (2, 2)
    assert world.findings() == []


@pytest.mark.parametrize("world", [CHAINS[0], CHAINS[2]], indirect=True, ids="-".join)
def test_sweep_under_a_budget(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one run may not finish, the next ones do; nothing is deleted by mistake meanwhile."""
    monkeypatch.setattr("bridge.capture.sweep.BUDGET_ROWS", 10)
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 4)
    world.make_table(30)
    world.job("j", **cursor_job(overlap=0))
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id IN (2, 15, 30)")
    world.insert([40], stamp=OLD)
    tallies = []
    for _ in range(4):
        tallies += [b.tally for b in world.run_well().batches]
    deleted = [tally.deleted for tally in tallies]
    assert (sum(deleted), max(deleted)) == (3, 1)
    assert sum(tally.late for tally in tallies) == 1
    assert world.findings() == []


@pytest.mark.parametrize("world", [CHAINS[2]], indirect=True, ids="-".join)
def test_more_rows_came_late_than_are_read_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.capture.sweep._AT_ONCE", 2)
    world.make_table(3)
    world.job("j", **cursor_job(overlap=0))
    world.run_well()
    world.insert(range(10, 15), stamp=OLD)
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.late) == (5, 5)
    assert world.findings() == []


@pytest.mark.parametrize("world", [CHAINS[2]], indirect=True, ids="-".join)
def test_no_question_has_more_values_than_a_server_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQL Server takes 2,100: of a key of several columns it is asked for fewer keys at once."""
    monkeypatch.setattr("bridge.capture.sweep._AT_ONCE", 6)
    asked: list[int] = []
    read = SqliteConnector.read

    def noted(self: SqliteConnector, selection: Selection, *more: Any) -> Any:
        asked.append(sum(map(len, selection.among or ())))
        return read(self, selection, *more)

    monkeypatch.setattr(SqliteConnector, "read", noted)
    world.sql(
        "source",
        "CREATE TABLE t (a integer, b integer, c integer, updated_at TIMESTAMP, "
        "PRIMARY KEY (a, b, c))",
    )
    world.job("j", **cursor_job(overlap=0))
    world.run_well()
    rows = ", ".join(f"(1, 2, {number}, {OLD})" for number in range(5))
    world.sql("source", f"INSERT INTO t VALUES {rows}")
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.late) == (5, 5)
    assert [values for values in asked if values] == [6, 6, 3]


@pytest.mark.parametrize("first", ["a", "b", "c"])
@pytest.mark.parametrize("world", [CHAINS[2]], indirect=True, ids="-".join)
def test_a_segment_of_keys_that_nothing_can_hold_deletes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """It tells of no key up to which another would be missing, wherever it stands."""
    monkeypatch.setattr("bridge.capture.sweep.SEGMENT_ROWS", 4)
    keys = [f"{letter}{number}" for letter in "abc" for number in range(4)]
    long = [f"{first}-{letter}x" for letter in "abcdefgh"]
    rows = ", ".join(f"('{key}', {world.ago(3600)})" for key in (*keys, *long))
    world.sql(
        "source",
        "CREATE TABLE t (id varchar(2) PRIMARY KEY, updated_at TIMESTAMP)",
        f"INSERT INTO t VALUES {rows}",
    )
    world.job("j", **cursor_job())
    assert world.run_well().quarantined == 8
    world.sql("source", "DELETE FROM t WHERE id IN ('a1', 'c1')")
    (batch,) = world.run_well().batches
    assert (batch.tally.deleted, batch.tally.gone) == (2, 2)
    left = [key for (key,) in world.sql("target", "SELECT id FROM t ORDER BY id")]
    assert left == [key for key in keys if key not in ("a1", "c1")]
