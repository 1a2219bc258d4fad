"""A first load in parts, changes after it, and nothing after that."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from bridge.failpoint import arm, at
from bridge.run import pull_only
from tests.scenario.world import MakeWorld, World, cursor_job, cut_off

CHAINS = [
    ("postgresql", "postgresql", "postgresql"),
    ("sqlite", "sqlite", "sqlite"),
    ("sqlite", "postgresql", "postgresql"),
    ("postgresql", "postgresql", "sqlite"),
]


@pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)
def test_load_change_rest(world: World) -> None:
    world.make_table(25)
    world.job("j", chunk_rows=10, **cursor_job())
    first = world.run_well()
    assert [(b.kind, b.last, b.sent.total) for b in first.batches] == [
        ("first", False, 10),
        ("first", False, 10),
        ("first", True, 5),
    ]
    assert world.findings() == []

    world.sql(
        "source",
        f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id <= 3",
        "DELETE FROM t WHERE id IN (10, 25)",
    )
    world.insert([100, 101], stamp=world.now)
    (changed,) = world.run_well().batches
    tally = changed.tally
    assert (tally.inserted, tally.updated, tally.deleted, tally.quarantined) == (2, 3, 2, 0)
    assert world.findings() == []

    (empty,) = world.run_well().batches
    assert (empty.kind, empty.sent.total) == ("empty", 0)
    assert world.findings() == []


@pytest.mark.parametrize("world", CHAINS[:2], indirect=True, ids="-".join)
def test_a_load_that_is_whole_has_looked_at_every_row(world: World) -> None:
    """The first sweep is due an interval later; while a part is missing, at once."""
    world.write(retry=0)
    world.make_table(25)
    world.job("j", chunk_rows=10, **cursor_job())
    looked = "SELECT swept_at IS NULL, looked_at IS NULL FROM bh_job"
    arm(at("image.sealed", 2, cut_off))
    assert world.run().error is not None
    arm(None)
    assert [tuple(map(bool, row)) for row in world.sql("exchange", looked)] == [(True, True)]
    world.run_well()
    assert [tuple(map(bool, row)) for row in world.sql("exchange", looked)] == [(False, False)]


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
def test_a_pull_goes_on_with_a_load_of_which_nothing_has_left(world: World) -> None:
    world.write(retry=0)
    world.make_table(25)
    world.job("j", chunk_rows=10, **cursor_job())
    arm(at("image.sealed", 2, cut_off))
    assert world.run("j", pull_only).error is not None
    arm(None)
    assert [b.last for b in world.run("j", pull_only).batches] == [True]
    assert [b["state"] for b in world.batches()] == ["sealed"] * 3


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
def test_a_load_that_was_cut_off_goes_on_to_what_has_changed_since(world: World) -> None:
    """A run reads up to now, also where it has to complete an earlier one first."""
    world.write(retry=0)
    world.make_table(25)
    world.job("j", chunk_rows=10, **cursor_job())
    for number, load in ((0, world.run), (-1, world.resync)):
        arm(at("image.sealed", 2, cut_off))
        assert load().error is not None
        arm(None)
        world.insert([number], stamp=world.now)  # below what was loaded already
        newest = world.run_well().batches[-1]
        assert (newest.kind, newest.sent.inserted) == ("data", 1)
        assert world.findings() == []


@pytest.mark.parametrize(
    "world", [CHAINS[0], CHAINS[1], ("mysql",) * 3], indirect=True, ids="-".join
)
def test_a_cursor_that_travels_masked_is_kept_as_it_is(world: World) -> None:
    """Of a masked stamp no window and no sweep can tell whether it moved: row 3 alone has moved."""
    world.make_table(4)
    shared = {name: {} for name in ("id", "name")} | {"updated_at": {"mask": "name"}}
    world.job("j", columns=shared, **cursor_job())
    world.run_well()
    seen = len(world.batches())
    world.sql(
        "source",
        f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id = 2",
        f"UPDATE t SET updated_at = {world.now} WHERE id = 3",
    )
    world.run_well()
    world.run_well()
    assert world.counted(seen) == (0, 1, 0)
    kept = world.sql("exchange", "SELECT bh_cursor FROM bh_copy_j ORDER BY id")
    stamps = world.sql("source", "SELECT updated_at FROM t ORDER BY id")
    assert [_moment(stamp) for (stamp,) in kept] == [_moment(stamp) for (stamp,) in stamps]
    masked = {stamp[1:] for (stamp,) in world.sql("target", "SELECT updated_at FROM t")}
    assert {*"".join(masked)} == {"*"}


@pytest.mark.parametrize(
    "world", [CHAINS[0], CHAINS[1], ("mysql",) * 3], indirect=True, ids="-".join
)
def test_codes_of_numbers_arrive_as_texts(world: World) -> None:
    """And a number without one is set aside."""
    world.make_table(3)
    world.sql("source", "ALTER TABLE t ADD COLUMN sex integer", "UPDATE t SET sex = id")
    (world.directory / "codes").mkdir()
    codes = "code,name,values\nM,男性,1\nF,女性,2\n"
    (world.directory / "codes/sex.csv").write_text(codes, "utf-8")
    world.job("j", columns={"id": {}, "sex": {"codes": "sex"}, "updated_at": {}}, **cursor_job())
    assert world.run_well().quarantined == 1
    assert world.sql("target", "SELECT id, sex FROM t ORDER BY id") == [(1, "M"), (2, "F")]


NAMES = ("orders", "orders_seq", "orders_pkey")


@pytest.mark.parametrize("world", CHAINS[:2], indirect=True, ids="-".join)
@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]], ids=["shortest-first", "longest-first"])
def test_jobs_that_are_called_as_an_index_of_another(world: World, names: tuple[str, ...]) -> None:
    """Tables and indexes share a namespace in most families."""
    world.make_table(3)
    for name in names:
        world.job(name, target={"endpoint": "target", "table": f"{name}_t"}, **cursor_job())
        world.run_well(name)
    for name in names:
        assert world.resync(name).error is None
        assert len(world.sql("target", f"SELECT id FROM {name}_t")) == 3


def test_an_exchange_whose_index_has_its_earlier_name(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        "exchange",
        "ALTER INDEX bh_seq_bh_change_j RENAME TO bh_change_j_seq",
        "ALTER INDEX bh_key_bh_copy_j RENAME TO bh_copy_j_pkey",
    )
    world.insert([9], stamp=world.now)
    assert world.run_well().batches[0].tally.inserted == 1
    assert world.resync().error is None
    kept = world.sql("exchange", "SELECT indexname FROM pg_indexes WHERE tablename LIKE 'bh_c%_j'")
    assert {*kept} == {("bh_seq_bh_change_j",), ("bh_key_bh_copy_j",)}


def _moment(stamp: str | datetime) -> datetime:
    """SQLite's text may end in zeros that the copy's does not."""
    return datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp


@pytest.mark.timeout(60)
@pytest.mark.parametrize("rows", [5, 9])
def test_a_push_that_fails_while_the_pull_waits_for_it_ends_the_run(
    make: MakeWorld, rows: int
) -> None:
    """With parts still to be read, or with nothing more to hand over than the end."""
    world = make("sqlite", "postgresql", "sqlite")
    world.write(retry=0)
    world.make_table(rows)
    world.job("j", chunk_rows=1, **cursor_job())
    goes_on = threading.Event()

    def fail_once_the_pull_stands(name: str) -> None:
        if name == "image.sealed":
            goes_on.set()
        elif name == "push.begins":
            while goes_on.wait(0.5):
                goes_on.clear()
            cut_off(name)

    arm(fail_once_the_pull_stands)
    outcome = world.run()
    arm(None)
    assert (outcome.verdict, outcome.exit_code) == ("in_flight", 3)
    assert {batch["state"] for batch in world.batches()} == {"sealed"}
    world.run_well()
    assert world.findings() == []


def test_a_run_is_not_over_while_its_last_part_is_on_its_way(make: MakeWorld) -> None:
    world = make("sqlite", "postgresql", "sqlite")
    world.make_table(3)
    world.job("j", chunk_rows=1, **cursor_job())
    over = threading.Event()
    early = []
    last = at("push.locked", 3, lambda _: early.append(over.wait(2.5)))
    arm(lambda name: over.set() if name == "run.over" else last(name))
    outcome = world.run()
    arm(None)
    assert early == [False]
    assert (outcome.error, outcome.verdict) == (None, "reconciled")
    assert world.findings() == []
