"""Tables to which a foreign key of another table leads: nobody else's row is deleted or altered
because ours is replaced, and none along with ours unless that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.run import push_only
from tests.command import call
from tests.scenario.world import STAMPS, World, cursor_job

Capsys = pytest.CaptureFixture[str]
SERVERS = [("postgresql",) * 3, ("mysql",) * 3]
on_servers = pytest.mark.parametrize("world", SERVERS, indirect=True, ids=lambda c: c[0])
NOTES = [(1, 1), (2, 2)]


def _note(world: World, on_delete: str) -> None:
    """Somebody else's table, whose rows lead to the job's."""
    key = f"CONSTRAINT of_whom FOREIGN KEY (of_id) REFERENCES t (id) ON DELETE {on_delete}"
    world.sql(
        "target",
        f"CREATE TABLE note (number integer PRIMARY KEY, of_id integer, {key})",
        "INSERT INTO note VALUES (1, 1), (2, 2)",
    )


def _notes(world: World) -> list[Any]:
    return world.sql("target", "SELECT number, of_id FROM note ORDER BY number")


def _update(world: World, name: str) -> None:
    world.sql("source", f"UPDATE t SET name = '{name}', updated_at = {world.now} WHERE id < 3")


def _names(world: World) -> list[str]:
    return [name for (name,) in world.sql("target", "SELECT name FROM t ORDER BY id")]


@on_servers
def test_rows_to_which_others_lead_stay(world: World) -> None:
    """They are updated in place; and while others lead to it, none is deleted."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    _note(world, "RESTRICT")
    _update(world, "later")
    world.run_well()
    assert _names(world) == ["later", "later", "n3"]
    _update(world, "again")
    assert world.resync().verdict == "reconciled"
    assert _names(world) == ["again", "again", "n3"]
    world.sql("source", "DELETE FROM t WHERE id = 1")
    outcome = world.run()
    assert (outcome.exit_code, outcome.error is not None) == (4, True)
    assert "of_whom" in str(outcome.error)
    assert "a foreign key is in the way" in str(outcome.error)
    assert len(_names(world)) == 3
    assert _notes(world) == NOTES
    world.sql("target", "DELETE FROM note WHERE number = 1")
    world.run_well()
    assert len(_names(world)) == 2
    assert world.findings() == []


@pytest.mark.parametrize(
    ("world", "action"),
    [(SERVERS[0], "CASCADE"), (SERVERS[1], "SET NULL")],
    indirect=["world"],
    ids=["postgresql", "mysql"],
)
def test_what_would_take_rows_of_others_along_is_refused(
    world: World, action: str, capsys: Capsys
) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "CREATE TABLE also (i integer, FOREIGN KEY (i) REFERENCES t (id))")
    _note(world, action)
    _update(world, "later")
    world.sql("source", "DELETE FROM t WHERE id = 2")
    outcomes = [world.run(), world.run("j", push_only), world.resync()]
    for outcome in outcomes:
        assert outcome.error is not None
        assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
        assert f".note (ON DELETE {action})" in str(outcome.error)
        assert "target: {cascade: true}" in str(outcome.error)
    told = call(capsys, "--config", world.directory, "check", "j", "--json")
    assert any("deleted there: of_whom of table" in f["found"] for f in told.json)
    assert _names(world) == ["n1", "n2", "n3"]
    assert _notes(world) == NOTES
    assert len(world.batches()) == 1

    world.job("j", target={"endpoint": "target", "table": "t", "cascade": True}, **cursor_job())
    world.run_well()
    assert _names(world) == ["later", "n3"]
    assert _notes(world) == ([(1, 1)] if action == "CASCADE" else [(1, 1), (2, None)])
    assert world.findings() == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_sqlite_enforces_none_in_our_sessions(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    _note(world, "CASCADE")
    _update(world, "later")
    world.sql("source", "DELETE FROM t WHERE id = 2")
    world.run_well()
    assert _names(world) == ["later", "n3"]
    assert _notes(world) == NOTES


@pytest.mark.parametrize(
    ("world", "action"),
    [(SERVERS[0], "CASCADE"), (SERVERS[0], "SET DEFAULT"), (SERVERS[1], "NO ACTION")],
    indirect=["world"],
    ids=["postgresql", "default", "mysql"],
)
def test_a_table_that_was_taken_over_and_leads_to_itself(world: World, action: str) -> None:
    columns = f"(id integer PRIMARY KEY, name text, up integer, updated_at {STAMPS[world.family]}"
    world.sql(
        "source",
        f"CREATE TABLE t {columns})",
        f"INSERT INTO t VALUES (1, 'a', NULL, {world.ago(60)}), (2, 'b', 1, {world.ago(60)})",
    )
    key = f"CONSTRAINT above FOREIGN KEY (up) REFERENCES t (id) ON DELETE {action}"
    world.sql("target", f"CREATE TABLE t {columns}, {key})")
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **cursor_job())
    if action != "NO ACTION":
        outcome = world.run()
        assert (outcome.exit_code, outcome.batches) == (4, [])
        assert f".t (ON DELETE {action})" in str(outcome.error)
        return
    world.run_well()
    world.sql(
        "source",
        f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 1",
        f"INSERT INTO t VALUES (3, 'c', 2, {world.now}), (4, 'd', 3, {world.now})",
    )
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id > 2")
    # InnoDB looks after each row, and not after the statement.
    assert "a foreign key is in the way" in str(world.run().error)
    world.sql("target", "ALTER TABLE t DROP FOREIGN KEY above")
    world.run_well()
    assert world.sql("target", "SELECT id, name FROM t ORDER BY id") == [(1, "later"), (2, "b")]
