"""Hands at the target that no later change betrays: the comparison of contents sees them."""

from __future__ import annotations

from typing import Any

import pytest

from bridge import content
from bridge.comparison import reconcile_job
from bridge.run import push_only
from reconcile.segment import Bounds
from tests.command import call
from tests.kill import killed
from tests.scenario.world import World, cursor_job

CHAINS = [("postgresql",) * 3, ("postgresql", "postgresql", "sqlite"), ("sqlite",) * 3]
everywhere = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)


@everywhere
def test_edited_deleted_and_inserted_by_hand(world: World) -> None:
    world.make_table(40)
    world.job("j", chunk_rows=16, **cursor_job())
    world.run_well()
    world.insert([50], stamp=world.now)
    world.run_well()
    clean = reconcile_job(world.deployment, "j")
    assert (clean.outcome.verdict, clean.outcome.exit_code) == ("reconciled", 0)
    assert (clean.content.exchange_rows, clean.content.target_rows) == (41, 41)

    world.sql(
        "target",
        "UPDATE t SET name = 'n10 ' WHERE id = 10",
        "UPDATE t SET amount = amount + 0.01 WHERE id = 33",
        "DELETE FROM t WHERE id IN (1, 40)",
        "INSERT INTO t (id, name) VALUES (-1, 'x')",
    )
    assert world.run().verdict == "reconciled"  # no batch touches these rows
    assert "falsely_reconciled" in {f.kind for f in world.findings()}
    found = reconcile_job(world.deployment, "j")
    assert (found.outcome.verdict, found.outcome.exit_code) == ("deviation", 1)
    assert (found.content.missing, found.content.extra, found.content.different) == (2, 1, 2)

    assert world.run().verdict == "deviation"  # and stays one until it is put right
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []
    assert reconcile_job(world.deployment, "j").outcome.verdict == "reconciled"


@pytest.mark.parametrize("world", CHAINS[2:], indirect=True, ids=["sqlite"])
def test_what_a_batch_lacks_hides_nothing_that_the_contents_lack(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two views of one thing: run, comparison and status tell the larger of both."""

    def told() -> list[int]:
        (status,) = call(capsys, "--config", world.directory, "status", "--json").json
        return [world.run().deviation, status["deviation"]]

    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id < 5")
    world.sql("source", f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id IN (1, 2)")
    assert world.run().deviation == 4  # two updates arrived as inserts
    assert told() == [4, 4]
    found = reconcile_job(world.deployment, "j")
    assert (found.content.missing, found.outcome.deviation) == (2, 4)
    assert told() == [4, 4]
    world.sql("target", "DELETE FROM t WHERE id > 3")
    found = reconcile_job(world.deployment, "j")
    assert (found.content.missing, found.outcome.deviation) == (8, 8)
    assert told() == [8, 8]


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
@pytest.mark.parametrize("store", ["exchange", "target"])
def test_each_side_is_read_as_it_was_at_one_moment(
    world: World, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hands that are quicker than the comparison: the rows it comes to next are gone."""
    world.make_table(40)
    world.job("j", **cursor_job())
    world.run_well()
    segments = content._Comparison._top
    monkeypatch.setattr(content, "SEGMENT_ROWS", 16)

    def top(comparison: Any, bounds: Bounds) -> None:
        segments(comparison, bounds)
        if bounds.low is None:
            table = "t" if store == "target" else "bh_copy_j"
            world.sql(store, f"DELETE FROM {table} WHERE id > 30")

    monkeypatch.setattr(content._Comparison, "_top", top)
    found = reconcile_job(world.deployment, "j").content
    assert (found.exchange_rows, found.target_rows, found.segments) == (40, 40, 3)
    monkeypatch.undo()
    found = reconcile_job(world.deployment, "j").content
    assert (found.missing, found.extra) == ((10, 0) if store == "target" else (0, 10))


SMALL = {
    "a trailing blank": ["name = name || ' ' WHERE region = 'a' AND id = 2"],
    "NULL is not empty": ["note = NULL WHERE region = 'a' AND id = 3"],
    "empty is not NULL": ["note = '' WHERE region = 'a' AND id = 4"],
    "one sum": [
        "amount = amount + 1 WHERE region = 'b' AND id = 1",
        "amount = amount - 1 WHERE region = 'b' AND id = 2",
    ],
    "two rows swapped": [
        "name = 'b4' WHERE region = 'b' AND id = 3",
        "name = 'b3' WHERE region = 'b' AND id = 4",
    ],
    "two columns swapped": ["name = note, note = name WHERE region = 'c' AND id = 5"],
    "the last column alone": ["last = 'y' WHERE region = 'c' AND id = 8"],
}


@pytest.mark.parametrize("world", CHAINS[2:], indirect=True, ids=["sqlite"])
def test_of_a_key_of_two_parts_every_small_difference_is_found(world: World) -> None:
    rows = [
        f"('{region}', {n}, '{region}{n}', {'NULL' if n == 4 else repr('' if n == 3 else 'x')}, "
        f"{n}.25, {world.ago(3600)}, 'z')"
        for region in "abc"
        for n in range(1, 9)
    ]
    world.sql(
        "source",
        "CREATE TABLE t (region text, id integer, name text, note text, amount numeric(10,2), "
        "updated_at TIMESTAMP, last text, PRIMARY KEY (region, id))",
        f"INSERT INTO t VALUES {', '.join(rows)}",
    )
    world.job("j", key=["region", "id"], **cursor_job())
    world.run_well()
    edits = [f"UPDATE t SET {edit}" for edits in SMALL.values() for edit in edits]
    moved = "UPDATE t SET id = 99 WHERE region = 'a' AND id = 1"
    world.sql("target", *edits, moved)
    found = reconcile_job(world.deployment, "j").content
    assert found is not None
    assert (found.missing, found.extra, found.different) == (1, 1, len(edits))
    assert found.exchange_rows == found.target_rows == len(rows)
    assert [(word, key) for word, key in found.sample if word != "different"] == [
        ("missing", "******** | ********"),
        ("extra", "******** | ********"),
    ]


@pytest.mark.parametrize("world", CHAINS[2:], indirect=True, ids=["sqlite"])
def test_a_side_that_has_far_more_is_split_by_its_own_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.segment.SMALL_ROWS", 4)
    world.make_table(40)
    world.job("j", **cursor_job())
    world.run_well()
    many = (
        "INSERT INTO t (id, name) SELECT id + 1000, name FROM t UNION SELECT id - 99, name FROM t"
    )
    counts = []
    for change in many, "DELETE FROM t":
        world.sql("target", change)
        found = reconcile_job(world.deployment, "j").content
        assert found is not None
        counts.append((found.target_rows, found.missing, found.extra, found.different))
    assert counts == [(120, 0, 80, 0), (0, 40, 0, 0)]


@pytest.mark.parametrize("world", CHAINS[2:], indirect=True, ids=["sqlite"])
def test_what_is_held_or_not_finished_is_not_compared(world: World) -> None:
    """What is missing at the target then is not lost."""
    world.make_table(10)
    world.job("j", max_delete=2, chunk_rows=4, **cursor_job())
    assert killed(world.run, 2, "push.noted")
    world.run("j", push_only)
    found = reconcile_job(world.deployment, "j")
    assert (found.outcome.verdict, found.content) == ("in_flight", None)
    assert found.why_not == "a load is not finished; run the job first"
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id < 5")
    assert world.run().verdict == "held"
    found = reconcile_job(world.deployment, "j")
    assert (found.outcome.verdict, found.outcome.exit_code, found.content) == ("held", 1, None)
    assert found.why_not == "a batch is held; approve or reject it first"
