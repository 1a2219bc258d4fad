"""Whose a target table is: nobody's rows are taken for the job's own, and nobody fills a table that
another job fills."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from bridge.claim import release
from bridge.comparison import reconcile_job
from bridge.hold import hold
from bridge.run import push_only
from connectors.endpoint import Endpoint
from tests.command import Called, call
from tests.kill import killed
from tests.scenario.backup import Backup
from tests.scenario.world import DEPARTMENT, STAMPS, MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]
SQLITE = ("sqlite",) * 3
POSTGRES = ("postgresql",) * 3
on_sqlite = pytest.mark.parametrize("world", [SQLITE], indirect=True, ids=["sqlite"])
on_both = pytest.mark.parametrize("world", [SQLITE, POSTGRES], indirect=True, ids=lambda c: c[0])
on_postgres = pytest.mark.parametrize("world", [POSTGRES], indirect=True, ids=["postgresql"])
PRECIOUS = [(100, "precious")]
ANOTHER = "11330100002489532W"


def _fill(world: World, table: str, role: str = "target") -> None:
    """A table of somebody else, with a row."""
    world.sql(
        role,
        f"CREATE TABLE {table} (id integer PRIMARY KEY, name text, amount numeric(10,2), "
        f"updated_at {STAMPS[world.family]})",
        f"INSERT INTO {table} (id, name) VALUES (100, 'precious')",
    )


def _rows(world: World, table: str, role: str = "target") -> list[Any]:
    return world.sql(role, f"SELECT id, name FROM {table} ORDER BY id")


def _to(table: str, **more: Any) -> dict[str, Any]:
    return {"endpoint": "target", "table": table, **more}


def _refused(world: World, capsys: Capsys) -> list[tuple[str, str]]:
    told = call(capsys, "--config", world.directory, "check", "j", "--json")
    return [(f["what"], f["found"]) for f in told.json if f["result"] == "refused"]


# -- a job that was moved --------------------------------------------------------------------


@on_both
def test_a_job_moved_to_a_table_with_rows_must_be_told_to_take_it_over(
    world: World, capsys: Capsys
) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    _fill(world, "other")
    world.job("j", target=_to("other"), **cursor_job())
    assert world.run().verdict == "held"
    assert ("target", "other holds 1 rows already") in _refused(world, capsys)
    before = world.sql("target", "SELECT epoch, seq FROM bh_position")
    for _ in range(2):
        outcome = world.resync()
        assert (outcome.exit_code, outcome.batches) == (4, [])
        assert "target table other has rows already: 1" in str(outcome.error)
    assert _rows(world, "other") == PRECIOUS
    assert {batch["epoch"] for batch in world.batches()} == {1}
    assert world.sql("target", "SELECT epoch, seq FROM bh_position") == before
    assert [name for (name,) in world.sql("target", "SELECT table_name FROM bh_claim")] == ["t"]

    world.job("j", target=_to("other", adopt=True), **cursor_job())
    assert world.resync().verdict == "reconciled"
    assert [number for number, _ in _rows(world, "other")] == [1, 2, 3]
    world.job("j", **cursor_job())  # and back: the old table is still its own
    assert world.resync().verdict == "reconciled"


@on_both
def test_a_job_moved_to_a_table_that_is_not_there_or_empty(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    for table in ("fresh", "empty"):
        if table == "empty":
            _fill(world, table)
            world.sql("target", f"DELETE FROM {table}")
        world.job("j", target=_to(table), **cursor_job())
        assert [what for what, _ in _refused(world, capsys)] == ["ledger"]
        assert world.resync().verdict == "reconciled"
        assert len(_rows(world, table)) == 3


@pytest.mark.parametrize("known", [True, False], ids=["where others deliver", "never seen"])
def test_a_job_moved_to_another_endpoint(make: MakeWorld, known: bool) -> None:
    world = make(*SQLITE)
    another = Endpoint(
        "another", "sqlite", path=str(world.directory / "a.db"), options={"create": True}
    )
    world.stores["another"] = another
    world.write()
    world.make_table(3)
    if known:
        world.job("k", target={"endpoint": "another", "table": "k"}, **cursor_job())
        world.run_well("k")
    world.job("j", **cursor_job())
    world.run_well()
    _fill(world, "t", "another")
    world.job("j", target={"endpoint": "another", "table": "t"}, **cursor_job())
    assert world.run().exit_code == 1
    outcome = world.resync()
    assert (outcome.exit_code, outcome.batches) == (4, [])
    assert "has rows already" in str(outcome.error)
    assert _rows(world, "t", "another") == PRECIOUS
    assert {batch["epoch"] for batch in world.batches()} == {1}


@on_sqlite
@pytest.mark.parametrize("steps", [(), (push_only,)], ids=["run", "push"])
def test_a_target_that_lost_its_position_is_told_as_a_gap(
    world: World, steps: Any, capsys: Capsys
) -> None:
    """Also where somebody has put rows into a table of that name: whose they are nobody knows."""
    empty = Backup(world, "target")
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    empty.restore()
    _fill(world, "t")
    for _ in range(2):
        outcome = world.run("j", *steps)
        assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
        assert "the target has no position, 1/1 was confirmed" in str(outcome.error)
    told = _refused(world, capsys)
    assert ("target", "j: the target has no position, 1/1 was confirmed") in told
    assert ("target", "t holds 1 rows already") in told
    outcome = world.resync()
    assert outcome.exit_code == 4
    assert "has rows already" in str(outcome.error)
    assert _rows(world, "t") == PRECIOUS
    world.sql("target", "DELETE FROM t")
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


# -- one table, however it is spelled ---------------------------------------------------------


def _two_names(world: World, *jobs: dict[str, Any]) -> None:
    """The first job fills its table; the second, which names the same one, is refused."""
    world.make_table(3)
    first, second = jobs
    world.job("a", target=first, **cursor_job())
    world.run_well("a")
    world.job("b", target=second | {"adopt": True}, **cursor_job())
    for outcome in world.run("b"), world.resync("b"):
        assert outcome.exit_code == 4
        assert f"is filled by job a of department {DEPARTMENT}" in str(outcome.error)
    world.run_well("a")
    assert len(world.sql("target", "SELECT * FROM bh_claim")) == 1


@on_postgres
@pytest.mark.parametrize("order", [1, -1])
def test_a_schema_that_is_named_or_the_logins_own(world: World, order: int) -> None:
    _two_names(world, *[_to("t"), _to("t", schema="public")][::order])


@on_postgres
def test_tables_of_one_name_in_two_schemas_are_two(world: World) -> None:
    world.sql("target", "CREATE SCHEMA s", "CREATE SCHEMA u")
    world.make_table(3)
    for name, schema in ("a", "s"), ("b", "u"), ("c", "public"):
        world.job(name, target=_to("t", schema=schema), **cursor_job())
        world.run_well(name)
    world.job("d", target=_to("T"), **cursor_job())
    world.run_well("d")
    world.sql("target", "DROP TABLE s.t")
    world.run_well("b")


@on_postgres
def test_the_jobs_own_table_by_another_spelling_is_still_its_own(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", target=_to("t", schema="public"), **cursor_job())
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT table_schema, owned FROM bh_claim") == [("", True)]
    world.run_well()


@pytest.mark.parametrize("name", ["a", "j"])
def test_two_departments_and_another_case(make: MakeWorld, capsys: Capsys, name: str) -> None:
    """Each has an exchange of its own, so that their jobs may bear one name."""
    one, other = make(*SQLITE), make(*SQLITE)
    one.make_table(3)
    one.job(name, **cursor_job())
    one.run_well(name)
    other.stores["target"] = one.stores["target"]
    other.write()
    settings = other.directory / "bridgehead.yaml"
    settings.write_text(settings.read_text("utf-8").replace(DEPARTMENT, ANOTHER), "utf-8")
    other.make_table(1)
    other.job("j", target=_to("T", adopt=True), **cursor_job())
    outcome = other.run()
    assert outcome.exit_code == 4
    assert f"table t is filled by job {name} of department {DEPARTMENT}" in str(outcome.error)
    told = f"by job {name} of department {DEPARTMENT}"
    assert any(what == "target" and told in text for what, text in _refused(other, capsys))
    one.run_well(name)
    assert len(_rows(one, "t")) == 3


@on_sqlite
def test_a_table_that_another_job_fills_is_not_compared(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "UPDATE bh_claim SET job = 'k'", "DELETE FROM t WHERE id = 1")
    found = reconcile_job(world.deployment, "j")
    assert (found.outcome.exit_code, found.content) == (4, None)
    assert "table t is filled by job k" in str(found.outcome.error)
    assert world.sql("exchange", "SELECT compared_at FROM bh_job") == [(None,)]


@on_postgres
def test_two_jobs_that_share_a_table_already_come_apart(world: World, capsys: Capsys) -> None:
    """As it is written in docs/commands.md. Of what the other one changed, no run tells."""
    world.make_table(3)
    world.sql("source", "CREATE TABLE u (LIKE t)", "INSERT INTO u VALUES (7, 'u', 1, '2026-01-01')")
    of_b = cursor_job() | {"source": {"endpoint": "source", "table": "u"}, "key": ["id"]}
    world.job("a", **cursor_job())
    world.run_well("a")
    world.sql("target", "CREATE TABLE kept AS SELECT * FROM bh_claim", "DELETE FROM bh_claim")
    world.job("b", target=_to("t", schema="public", adopt=True), **of_b)
    world.run_well("b")
    world.sql("target", "INSERT INTO bh_claim SELECT * FROM kept")
    for job, other, table in ("a", "b", "public.t"), ("b", "a", "t"):
        told = call(capsys, "--config", world.directory, "run", job)
        assert (told.code, "and, by another spelling, by this one" in told.err) == (4, True)
        assert f"table {table} is filled by job {other}" in told.err

    world.job("b", target=_to("other"), **of_b)
    told = _release(world, capsys, "public.t")
    assert (told.code, "public.t at target is job a's alone now" in told.out) == (0, True)
    assert "bridgehead resync a --why TEXT" in told.out
    for job in "ab":
        assert world.resync(job).verdict == "reconciled"
        world.run_well(job)
    assert [number for number, _ in _rows(world, "t")] == [1, 2, 3]
    assert _rows(world, "other") == [(7, "u")]


# -- given up --------------------------------------------------------------------------------


def _release(world: World, capsys: Capsys, table: str, endpoint: str = "target") -> Called:
    words = ("release", table, "--endpoint", endpoint, "--why", "renamed", "--by", "Li")
    return call(capsys, "--config", world.directory, *words)


@on_both
def test_a_renamed_job_fills_the_table_that_was_given_up(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("old", **cursor_job())
    world.run_well("old")
    told = _release(world, capsys, "t")
    assert (told.code, "jobs/old.yaml names table t as its target" in told.err) == (2, True)
    (world.directory / "jobs/old.yaml").unlink()
    world.job("new", target=_to("t", adopt=True), **cursor_job())
    outcome = world.run("new")
    assert outcome.error is not None
    assert "bridgehead release t --endpoint ENDPOINT --why TEXT" in str(outcome.error.remedy)

    told = _release(world, capsys, "t")
    assert (told.code, "t at target is nobody's any more; job old filled it" in told.out) == (
        0,
        True,
    )
    (entry,) = world.sql(
        "exchange", "SELECT actor, job, details FROM bh_audit WHERE action = 'release'"
    )
    assert entry[:2] == ("Li", "old")
    assert "renamed" in str(entry[2])
    world.job("new", **cursor_job())
    assert "has rows already: 3" in str(world.run("new").error)
    world.job("new", target=_to("t", adopt=True), **cursor_job())
    world.run_well("new")
    assert world.sql("target", "SELECT job, owned FROM bh_claim") == [("new", False)]


@on_sqlite
def test_a_table_is_not_given_up_under_a_run_that_fills_it(world: World) -> None:
    """Its job file was taken away meanwhile: the run is waited for."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    with hold(world.deployment, world.deployment.job("j"), 1):
        (world.directory / "jobs/j.yaml").unlink()
        given = (world.deployment, "target", "t", "Li", "renamed")
        other = threading.Thread(target=release, args=given)
        other.start()
        other.join(0.5)
        assert other.is_alive()
        assert len(world.sql("target", "SELECT * FROM bh_claim")) == 1
    other.join()
    assert world.sql("target", "SELECT * FROM bh_claim") == []


@on_sqlite
def test_the_old_table_of_a_job_that_was_moved(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", target=_to("other"), **cursor_job())
    assert world.resync().verdict == "reconciled"
    assert _release(world, capsys, "other").code == 2
    assert _release(world, capsys, "t").code == 0
    world.job("k", target=_to("t", adopt=True), **cursor_job())
    world.run_well("k")
    world.run_well()


@on_sqlite
def test_a_table_that_was_given_up_is_not_gone_on_with(world: World, capsys: Capsys) -> None:
    """The job's file comes back. What became of its rows meanwhile nobody knows: here nothing is
    left of them, and what the next window inserts would arrive as it was sent."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    file = world.directory / "jobs/j.yaml"
    away = file.rename(world.directory / "j.yaml")
    assert _release(world, capsys, "t").code == 0
    world.sql("target", "DELETE FROM t")
    away.rename(file)
    world.insert([4], stamp=world.now)
    found = "nobody claims target table t any more, 1/1 had arrived"
    assert any(found in told for _, told in _refused(world, capsys))
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("gap", 1, [])
    assert found in str(outcome.error)
    assert "bridgehead resync j" in str(outcome.error.remedy)
    assert world.resync().verdict == "reconciled"
    assert len(_rows(world, "t")) == 4
    assert world.findings() == []


@on_sqlite
def test_a_claim_that_was_lost_alone_is_told_by_whoever_looks(world: World, capsys: Capsys) -> None:
    """`bh_claim` restored to before the job's: the rows are all there, and nobody's."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "CREATE TABLE kept AS SELECT * FROM bh_claim", "DELETE FROM bh_claim")
    found = "nobody claims target table t any more, 1/1 had arrived"
    for command in "run", "reconcile":
        told = call(capsys, "--config", world.directory, command, "j")
        assert (told.code, found in told.err) == (1, True), (command, told)
    assert any(found in told for _, told in _refused(world, capsys))
    assert "gap" in call(capsys, "--config", world.directory, "status").out
    world.sql("target", "INSERT INTO bh_claim SELECT * FROM kept")
    world.run_well()
    told = call(capsys, "--config", world.directory, "reconcile", "j")
    assert (told.code, "reconciled" in told.out) == (0, True)


@on_sqlite
@pytest.mark.parametrize("point", ["target.claimed", "epoch.beginning", "epoch.begun"])
@pytest.mark.parametrize("lost", ["DROP TABLE t", "DELETE FROM t", "DELETE FROM bh_position"])
def test_a_resync_that_is_cut_off_before_it_begins_makes_nothing_good(
    world: World, capsys: Capsys, point: str, lost: str
) -> None:
    """What it has made anew is empty: the changes alone would arrive as they were sent."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    if lost == "DELETE FROM t":
        away = (world.directory / "jobs/j.yaml").rename(world.directory / "j.yaml")
        assert _release(world, capsys, "t").code == 0
        away.rename(world.directory / "jobs/j.yaml")
    world.sql("target", lost)
    assert killed(world.resync, 1, point)
    world.insert([4], stamp=world.now)
    if point != "epoch.begun":
        assert world.run().verdict == "gap"
        assert world.resync().verdict == "reconciled"
    world.run_well()
    assert len(_rows(world, "t")) == 4
    assert world.findings() == []


@on_sqlite
def test_what_cannot_be_given_up(world: World, capsys: Capsys) -> None:
    assert "no table is claimed there" in _release(world, capsys, "t").err
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    told = _release(world, capsys, "nothing")
    assert told.code == 2
    assert "no job has claimed a table nothing there" in told.err
    assert f"claimed there: t ({DEPARTMENT}/j)" in told.err

    (world.directory / "jobs/j.yaml").write_text("job: j\n")
    told = _release(world, capsys, "t")
    assert (told.code, "jobs/j.yaml has problems, and may mean table t" in told.err) == (2, True)
    (world.directory / "jobs/j.yaml").unlink()
    world.sql("target", "UPDATE bh_claim SET department = 'another'")
    told = _release(world, capsys, "t")
    assert (told.code, "that department alone gives it up" in told.err) == (2, True)
    assert len(world.sql("target", "SELECT * FROM bh_claim")) == 1
    assert world.sql("exchange", "SELECT 1 FROM bh_audit WHERE action = 'release'") == []


@on_sqlite
def test_a_file_that_names_the_table_by_another_endpoint(world: World, capsys: Capsys) -> None:
    world.stores["alias"] = replace(world.stores["target"], name="alias")
    world.write()
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", target={"endpoint": "alias", "table": "T"}, **cursor_job())
    told = _release(world, capsys, "t")
    assert (told.code, "jobs/j.yaml names table t as its target" in told.err) == (2, True)
