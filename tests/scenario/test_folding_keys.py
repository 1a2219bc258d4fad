"""Two keys of the source that the target's collation would take for one are never merged."""

from __future__ import annotations

import pytest

from tests.scenario.world import MakeWorld, World, cursor_job

# Where it stands, and the statements that begin the target's table.
FOLDING = {
    "citext": ("postgresql", ("CREATE EXTENSION citext", "CREATE TABLE t (id citext PRIMARY KEY")),
    "general_ci": (
        "mysql",
        ("CREATE TABLE t (id varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY",),
    ),
    "pad space": ("mysql", ("CREATE TABLE t (id varchar(9) COLLATE utf8mb4_bin PRIMARY KEY",)),
    "nocase": ("sqlite", ("CREATE TABLE t (id text COLLATE NOCASE PRIMARY KEY",)),
    "rtrim": ("sqlite", ("CREATE TABLE t (id text COLLATE RTRIM PRIMARY KEY",)),
}
PAIRS = {
    "general_ci": ("é", "E"),
    "pad space": ("a", "a "),
    "citext": ("a", "A"),
    "nocase": ("b", "B"),
    "rtrim": ("c", "c "),
}


def _world(make: MakeWorld, name: str) -> World:
    family, (*before, table) = FOLDING[name]
    world = make("postgresql", "postgresql", family)
    world.sql("source", "CREATE TABLE t (id text PRIMARY KEY, name text, updated_at timestamptz)")
    stamp = "timestamptz"
    if family == "mysql":  # as Bridgehead marks a column of instants
        stamp = "datetime(6) COMMENT '[UTC]'"
    world.sql("target", *before, f"{table}, name text, updated_at {stamp})")
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **cursor_job())
    return world


def _insert(world: World, key: str, name: str) -> None:
    world.sql("source", f"INSERT INTO t VALUES ('{key}', '{name}', {world.ago(3600)})")


def _names(world: World) -> list[tuple[str, ...]]:
    return sorted(world.sql("target", "SELECT id, name FROM t"))


@pytest.mark.parametrize("name", FOLDING)
def test_a_first_load_refuses_keys_that_collide(make: MakeWorld, name: str) -> None:
    world = _world(make, name)
    for key in PAIRS[name]:
        _insert(world, key, f"name of {key}")
    outcome = world.run()
    assert outcome.exit_code == 4
    assert outcome.error is not None
    assert "collides under the target's collation" in str(outcome.error)
    assert _names(world) == []


@pytest.mark.parametrize("name", FOLDING)
def test_a_later_key_does_not_take_the_place_of_an_earlier_one(make: MakeWorld, name: str) -> None:
    world = _world(make, name)
    one, other = PAIRS[name]
    _insert(world, one, "first")
    world.run_well()
    assert _names(world) == [(one, "first")]
    _insert(world, other, "second")
    outcome = world.run()
    assert outcome.exit_code == 4
    assert "collides under the target's collation" in str(outcome.error)
    assert _names(world) == [(one, "first")]
    world.sql("source", f"DELETE FROM t WHERE id = '{one}'")
    assert world.resync().verdict == "reconciled"
    assert _names(world) == [(other, "second")]


@pytest.mark.parametrize("name", FOLDING)
def test_a_key_may_change_its_case(make: MakeWorld, name: str) -> None:
    """Delete and insert of one batch: the row arrives under its new key, and is counted so."""
    world = _world(make, name)
    one, other = PAIRS[name]
    _insert(world, one, "same")
    world.run_well()
    world.sql("source", f"UPDATE t SET id = '{other}', updated_at = now()")
    (batch,) = world.run_well().batches
    assert (batch.received.inserted, batch.received.deleted) == (1, 1)
    assert _names(world) == [(other, "same")]


@pytest.mark.parametrize("name", ["citext", "general_ci"])
def test_a_key_that_changed_its_case_before_a_sweep_found_the_old_one_gone(
    make: MakeWorld, name: str
) -> None:
    """Nothing but a resync knows that only one is left; it is named."""
    world = _world(make, name)
    rare = cursor_job(deletes={"sweep": "daily"})
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **rare)
    one, other = PAIRS[name]
    _insert(world, one, "same")
    world.run_well()
    world.sql("source", f"UPDATE t SET id = '{other}', updated_at = now()")
    for _ in range(2):
        outcome = world.run()
        assert (outcome.exit_code, _names(world)) == (4, [(one, "same")])
        assert "only one of them left: bridgehead resync j --why TEXT" in str(outcome.error)
    assert world.resync().verdict == "reconciled"
    assert _names(world) == [(other, "same")]
    world.run_well()


def test_keys_that_differ_are_found_by_the_target_s_own_index(make: MakeWorld) -> None:
    """A collation of its own that folds nothing is no obstacle."""
    world = make("postgresql", "postgresql", "postgresql")
    world.sql("source", "CREATE TABLE t (id text PRIMARY KEY, name text, updated_at timestamptz)")
    world.sql(
        "target",
        "CREATE COLLATION \"o%wn\" (provider = libc, locale = 'C.UTF-8')",
        'CREATE TABLE t (id text COLLATE "o%wn" PRIMARY KEY, name text, updated_at timestamptz)',
    )
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **cursor_job())
    for key in ("a", "A", "á"):
        _insert(world, key, key)
    world.run_well()
    world.sql("source", "UPDATE t SET name = 'x', updated_at = now() WHERE id = 'A'")
    (batch,) = world.run_well().batches
    assert (batch.received.total, batch.received.updated) == (1, 1)
    assert _names(world) == [("A", "x"), ("a", "a"), ("á", "á")]
