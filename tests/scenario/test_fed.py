"""A table that one job fills is the source of another: what the first has still to bring is not
taken for deleted by the second."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.failpoint import arm, at
from bridge.run import pull_only, push_only
from connectors.sqlite.connector import SqliteConnector
from connectors.table import Table
from tests.command import call
from tests.kill import killed
from tests.scenario.test_sheets import Desk
from tests.scenario.world import CAPTURES, MakeWorld, World

Capsys = pytest.CaptureFixture[str]
ROWS = [(1, "a"), (2, "b")]


@pytest.fixture
def chain(make: MakeWorld) -> Desk:
    """Files go to the target, and from there another job to the source."""
    desk = Desk(make("sqlite", "sqlite", "sqlite"), "csv")
    desk.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"])
    second(desk.world)
    desk.csv("a.csv", "1,a")
    desk.csv("b.csv", "2,b")
    desk.world.run_well("j")
    return desk


def second(world: World, capture: str = "compare") -> None:
    ends = {"source": ("target", "t"), "target": ("source", "u")}
    places = {end: {"endpoint": store, "table": table} for end, (store, table) in ends.items()}
    world.job("k", key=["id"], **places | CAPTURES[capture])


def arrived(world: World) -> list[tuple[Any, ...]]:
    return world.sql("source", "SELECT id, v FROM u ORDER BY id")


@pytest.mark.parametrize("hit", [1, 2, 3])
def test_a_resync_of_files_that_is_cut_off_deletes_nothing_further_on(
    chain: Desk, capsys: Capsys, hit: int
) -> None:
    """With no row there, with those of one file, and with all but the word that it is so."""
    chain.world.run_well("k")
    assert killed(chain.world.resync, hit, "push.noted")
    outcome = chain.world.run("k")
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", 0, [])
    assert arrived(chain.world) == ROWS
    told = call(capsys, "--config", chain.world.directory, "run", "k").out
    assert "bridgehead run j goes on with it" in " ".join(told.split())
    chain.world.run_well("j")
    assert [batch.tally.deleted for batch in chain.world.run_well("k").batches] == [0]


def test_whoever_waits_for_long_is_told(chain: Desk) -> None:
    assert killed(chain.world.resync, 1, "push.noted")
    hour = "UPDATE bh_batch SET sealed_at = datetime(sealed_at, '-1 hour')"
    chain.world.sql("exchange", hour)
    outcome = chain.world.run("k")
    assert (outcome.verdict, outcome.exit_code, outcome.overdue) == ("in_flight", 1, True)


def test_a_resync_that_begins_just_before_the_rows_are_read(chain: Desk) -> None:
    def begin(_: str) -> None:
        assert killed(chain.world.resync, 1, "push.noted")

    arm(at("image.begun", 1, begin))
    try:
        outcome = chain.world.run("k")
    finally:
        arm(None)
    assert (outcome.verdict, outcome.batches) == ("in_flight", [])
    chain.world.run_well("j")
    chain.world.run_well("k")
    assert arrived(chain.world) == ROWS


@pytest.mark.parametrize("broken", [True, False])
def test_a_job_whose_file_is_broken_or_gone_in_the_middle_is_waited_for(
    chain: Desk, capsys: Capsys, broken: bool
) -> None:
    """Until its file is back, or its table is given up."""
    world = chain.world
    world.run_well("k")
    assert killed(world.resync, 1, "push.noted")
    file = world.directory / "jobs" / "j.yaml"
    if broken:
        file.write_text("key: [", encoding="utf-8")
    else:
        file.unlink()
    told = call(capsys, "--config", world.directory, "run", "k", "--json")
    assert all(said in told.out for said in ('"verdict": "in_flight"', "run j goes on with it"))
    assert arrived(world) == ROWS
    if broken:
        return
    release = ("release", "t", "--endpoint", "target", "--why", "no more")
    assert call(capsys, "--config", world.directory, *release).code == 0
    assert [batch.tally.deleted for batch in world.run_well("k").batches] == [2]


def test_a_table_is_the_same_with_its_schema_and_without(make: MakeWorld) -> None:
    world = make("postgresql", "postgresql", "postgresql")
    world.make_table(10)
    world.job("j", key=["id"], chunk_rows=4, **CAPTURES["compare"])
    world.run_well("j")
    ends = {
        "source": {"endpoint": "target", "table": "t", "schema": "public"},
        "target": {"endpoint": "source", "table": "u"},
    }
    world.job("k", key=["id"], **ends | CAPTURES["compare"])
    world.run_well("k")
    assert killed(world.resync, 2, "image.sealed")
    assert world.run("k").verdict == "in_flight"
    world.run_well("j")
    world.run_well("k")


@pytest.fixture
def tables(make: MakeWorld) -> World:
    """The same of a table, whose image has three parts, and by cursor further on."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(10)
    world.write(retry=0)
    world.job("j", key=["id"], chunk_rows=4, **CAPTURES["compare"])
    second(world, "cursor")
    return world


def test_a_resync_that_begins_just_before_a_window_is_read(tables: World) -> None:
    world = tables
    for name in "jk":
        world.run_well(name)

    def begin(_: str) -> None:
        assert killed(world.resync, 1, "push.noted")

    arm(at("horizon.kept", 1, begin))
    try:
        outcome = world.run("k")
    finally:
        arm(None)
    assert (outcome.verdict, outcome.batches) == ("in_flight", [])
    for name in "jk":
        world.run_well(name)


def test_a_resync_that_begins_and_ends_while_the_rows_are_about_to_be_read(
    tables: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the snapshot may be half of it."""
    world, looks, refuse = tables, [0], SqliteConnector._refuse_altered
    world.run_well("j")

    def meanwhile(store: SqliteConnector, table: Table) -> None:
        looks[0] += 1
        if looks[0] == 1:
            assert world.resync().verdict == "reconciled"
        refuse(store, table)

    monkeypatch.setattr(SqliteConnector, "_refuse_altered", meanwhile)
    outcome = world.run("k")
    assert (outcome.exit_code, outcome.batches) == (3, [])
    assert "was filled anew while this run began to read it" in str(outcome.error)
    world.run_well("k")


def test_a_file_that_must_be_waited_for_has_not_arrived(chain: Desk) -> None:
    chain.world.run_well("k")
    assert killed(chain.world.resync, 1, "files.begun")
    mark = chain.folder / ".~lock.b.csv#"
    mark.write_bytes(b"")
    for name in "jk":
        assert chain.world.run(name).verdict == "in_flight"
    assert arrived(chain.world) == ROWS
    mark.unlink()
    for name in "jk":
        chain.world.run_well(name)
    assert arrived(chain.world) == ROWS


def test_files_that_were_pulled_have_not_arrived(chain: Desk) -> None:
    """What one run pulls, another pushes; later files are changes like any."""
    world = chain.world
    world.run_well("k")
    assert killed(world.resync, 1, "files.begun")
    for step in (push_only, pull_only):
        assert world.run("j", step).error is None
        assert world.run("k").verdict == "in_flight"
    assert world.run("j", push_only).error is None
    world.run_well("k")
    chain.csv("c.csv", "3,c")
    assert world.run("j", pull_only).error is None
    assert world.run_well("k").deviation == 0
    assert arrived(world) == ROWS


@pytest.mark.parametrize("hit", [2, 3])
def test_the_first_load_of_a_table_is_waited_for(tables: World, hit: int) -> None:
    """Also where all is sealed, and the last part has not arrived."""
    world = tables
    assert killed(world.run, hit, "image.sealed")
    assert world.run("k").verdict == "in_flight"
    world.run_well("j")
    assert world.run_well("k").batches[0].tally.inserted == 10


def test_a_job_that_was_turned_round_does_not_wait_for_itself(make: MakeWorld) -> None:
    """It reads now what it has filled until then."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("k", **CAPTURES["compare"])
    world.run_well("k")
    second(world)
    assert world.resync("k").verdict == "reconciled"
    assert len(world.sql("source", "SELECT id FROM u")) == 5
