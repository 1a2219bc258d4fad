"""A target's column that takes some values and no others: the rest is set aside, and told of."""

from __future__ import annotations

import pytest

from tests.oracle import Place
from tests.scenario.world import CAPTURES, MakeWorld, World, cursor_job

PG, MARIA = "postgresql", "mysql"
TEXT = "varchar(20)"
ENUM = "ENUM('男','女','it''s, so','a')"
KINDS = {
    "enum": ((MARIA, PG, MARIA), TEXT, ENUM, ["男", "女", "it's, so"], ["未知", "", "2", "A"]),
    "set": ((PG, MARIA, MARIA), TEXT, "SET('a','b','c')", ["", "a,c", "a,b,c"], ["d", "c,a", "3"]),
    "year": ((PG, PG, MARIA), "int", "YEAR", ["1901", "2155"], ["0", "21", "1900", "2156", "-1"]),
    "binary": ((PG, PG, MARIA), "bytea", "BINARY(3)", ["abc", "xyz"], ["a", "", "ab"]),
    "label": ((PG, PG, PG), TEXT, "mood", ["sad", "it's ok"], ["glad", "SAD", ""]),
    "domain": ((PG, PG, PG), TEXT, "feeling", ["sad", "it's ok"], ["glad", "SAD", ""]),
}
"""By kind of column: the stores, its type at the source and at the target, and values for it. Some
of those that are refused MariaDB would take for another value without a word (2, A, c,a, 21, 0), or
fill up with zeros."""


@pytest.mark.parametrize(
    ("world", "brought", "declared", "good", "bad"),
    KINDS.values(),
    indirect=["world"],
    ids=KINDS.keys(),
)
def test_what_is_not_allowed_is_set_aside(
    world: World, brought: str, declared: str, good: list[str], bad: list[str]
) -> None:
    if declared in ("mood", "feeling"):
        mood = "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')"
        world.sql("target", mood, "CREATE DOMAIN feeling AS mood")
    stamp = "timestamp(6)" if world.stores["source"].family == MARIA else "timestamptz"
    world.sql(
        "source",
        f"CREATE TABLE t (id int PRIMARY KEY, v {brought}, updated_at {stamp} NOT NULL)",
    )
    kept = "timestamp(6) NULL" if world.stores["target"].family == MARIA else "timestamptz"
    world.sql("target", f"CREATE TABLE t (id int PRIMARY KEY, v {declared}, updated_at {kept})")
    for number, value in enumerate([*good, *bad]):
        text = value.replace("'", "''")
        world.sql("source", f"INSERT INTO t VALUES ({number}, '{text}', '2026-01-01 00:00:00')")
    world.sql("source", "INSERT INTO t VALUES (99, NULL, '2026-01-01 00:00:00')")
    world.job("j", **cursor_job())

    outcome = world.run()

    assert outcome.error is None, outcome.error
    assert (outcome.verdict, outcome.quarantined) == ("reconciled", len(bad))
    entries = Place(world.connect("exchange")).records("SELECT * FROM bh_quarantine")
    assert {(entry["reason"], entry["column"]) for entry in entries} == {("not_allowed", "v")}
    text = "CAST(v AS char)" if world.stores["target"].family == MARIA else "CAST(v AS text)"
    arrived = world.sql("target", f"SELECT id, {text} FROM t ORDER BY id")
    assert dict(arrived) == {**dict(enumerate(good)), 99: None}

    first, last = (value.replace("'", "''") for value in (good[0], good[-1]))
    world.sql(
        "source",
        f"UPDATE t SET v = '{last}', updated_at = '2026-01-02 00:00:00' WHERE id = 0",
        f"INSERT INTO t VALUES (98, '{first}', '2026-01-02 00:00:00')",
    )
    world.run_well()
    arrived = world.sql("target", f"SELECT id, {text} FROM t ORDER BY id")
    assert dict(arrived) == {**dict(enumerate(good)), 0: good[-1], 98: good[0], 99: None}


@pytest.mark.parametrize("world", [(PG, PG, PG)], indirect=True)
def test_a_key_may_be_one_of_some_labels(world: World) -> None:
    """Sorted by their place among each other, there: parts of a load are ranges of texts."""
    for role in ("source", "target"):
        world.sql(
            role,
            "CREATE TYPE mood AS ENUM ('z', 'b', 'a')",
            "CREATE TABLE t (kind mood, n int, name text, updated_at timestamptz,\n"
            "PRIMARY KEY (kind, n))",
        )
    world.sql(
        "source",
        "INSERT INTO t SELECT kind, n, 'x', now() - interval '1 hour'\n"
        "FROM unnest(enum_range(CAST(NULL AS mood))) kind, generate_series(1, 9) n",
    )
    world.job("j", chunk_rows=4, target={"endpoint": "target", "table": "t"}, **cursor_job())
    world.run_well()
    world.sql("source", "UPDATE t SET name = 'y', updated_at = now() WHERE n > 3")
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE n = 3")
    world.run_well()
    counted = "SELECT count(*), count(DISTINCT kind), min(n), max(n) FROM t WHERE name = "
    assert world.sql("target", f"{counted}'x'") == [(6, 3, 1, 2)]
    assert world.sql("target", f"{counted}'y'") == [(18, 3, 4, 9)]


@pytest.mark.parametrize(("key", "kind"), [("id", "money"), ("v", "money"), ("id", "cash")])
def test_money_is_read_and_not_written(world: World, key: str, kind: str) -> None:
    """What it takes a text for is a setting of the server."""
    table = f"CREATE TABLE t (id int, v {kind}, updated_at timestamptz, PRIMARY KEY ({key}))"
    for role in ("source", "target"):
        world.sql(role, "CREATE DOMAIN cash AS money", table)
    world.sql("source", f"INSERT INTO t VALUES (1, '-10.5', {world.ago(3600)})")
    world.job("j", **cursor_job())
    outcome = world.run()
    assert (outcome.exit_code, world.batches()) == (4, [])
    assert "t does not fit: column v is money, and decimal(19,2) comes" in str(outcome.error)
    world.sql("target", "ALTER TABLE t ALTER COLUMN v TYPE numeric(19,2)")
    world.run_well()
    ((arrived,),) = world.sql("target", "SELECT v::text FROM t")
    assert arrived == "-10.50"


def test_a_column_that_makes_numbers_of_texts_is_refused(make: MakeWorld) -> None:
    """SQLite reads STRING as NUMERIC: `007` and `7` were one."""
    world = make("sqlite", "sqlite", "sqlite")
    world.sql("source", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    world.sql("source", "INSERT INTO t VALUES (1, '007'), (2, '7'), (3, '1.50')")
    world.sql("target", "CREATE TABLE t (id INTEGER PRIMARY KEY, v STRING(20))")
    world.job("j", **CAPTURES["compare"])
    outcome = world.run()
    assert outcome.exit_code == 4
    assert "target table t does not fit: column v is STRING(20), and text comes" in str(
        outcome.error
    )
    world.sql("target", "DROP TABLE t", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    world.run_well()
    assert world.sql("target", "SELECT v FROM t ORDER BY id") == [("007",), ("7",), ("1.50",)]


def test_a_target_from_which_others_inherit_is_refused(make: MakeWorld) -> None:
    """PostgreSQL shows and deletes their rows with its own; a partition's are its own."""
    world = make(PG, PG, PG)
    world.make_table(3)
    columns = "(id integer PRIMARY KEY, name text, amount numeric(10,2), updated_at timestamptz)"
    world.sql("target", f"CREATE TABLE t {columns}", "CREATE TABLE heir () INHERITS (t)")
    world.sql("target", "INSERT INTO heir VALUES (9, 'theirs')")
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **cursor_job())
    outcome = world.run()
    assert outcome.exit_code == 4
    assert "has tables that inherit from it, whose rows would be changed with its own: heir" in str(
        outcome.error
    )
    world.sql("target", "ALTER TABLE heir NO INHERIT t")
    world.run_well()
    assert world.sql("target", "SELECT id FROM heir") == [(9,)]
    parted = f"{columns} PARTITION BY RANGE (id)"
    part = "CREATE TABLE part PARTITION OF t FOR VALUES FROM (0) TO (100)"
    world.sql("target", "DROP TABLE t", f"CREATE TABLE t {parted}", part)
    assert world.resync().verdict == "reconciled"
