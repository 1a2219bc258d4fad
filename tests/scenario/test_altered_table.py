"""A table that is altered after a run has planned with it, and before it is read: its values must
not be cut or rounded to the types of before, in books that fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import MySQLdb
import psycopg
import pytest

from bridge.failpoint import arm, at
from connectors.registry import connect
from connectors.table import TableName
from tests.scenario.world import STAMPS, World, cursor_job

PG, MARIA = "postgresql", "mysql"
TEXT = "ALTER TABLE t ALTER COLUMN name TYPE varchar(20)"
NUMBER = "ALTER TABLE t ALTER COLUMN amount TYPE numeric(12,4)"
NUMBER_OF_MARIADB = "ALTER TABLE t MODIFY amount decimal(12,4)"
QUERY = {"source": {"endpoint": "source", "query": "SELECT * FROM t"}, "key": ["id"]}
COLUMNS: dict[str, Any] = {"columns": {name: {} for name in ("id", "name", "amount", "updated_at")}}


def prepare(world: World, **job: Any) -> None:
    world.sql(
        "source",
        "CREATE TABLE t (id integer PRIMARY KEY, name varchar(5), amount numeric(10,2), "
        f"updated_at {STAMPS.get(world.family, 'timestamptz')})",
    )
    put(world, 1, "one", "1.25")
    world.job("j", **cursor_job(), **job)


def put(world: World, number: int, name: str, amount: str) -> None:
    values = f"{number}, '{name}', {amount}, {world.ago(60)}"
    world.sql("source", f"INSERT INTO t (id, name, amount, updated_at) VALUES ({values})")


def alter_at(world: World, point: str, statement: str) -> None:
    """When the next run comes there; and a row comes that the table of before could not hold."""

    def act(_: str) -> None:
        world.sql("source", statement)
        wider = statement == TEXT
        put(world, 2, "longer" if wider else "two", "2" if wider else "2.3456")

    arm(at(point, 1, act))


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(None)


@pytest.mark.parametrize(
    ("world", "statement", "job"),
    [
        ((PG, PG, PG), TEXT, {}),
        ((PG, PG, PG), NUMBER, QUERY),
        (("odbc-postgresql", PG, PG), TEXT, {}),
        ((MARIA, PG, PG), NUMBER_OF_MARIADB, {}),
        ((MARIA, PG, PG), NUMBER_OF_MARIADB, QUERY),
        (("odbc-mariadb", PG, PG), NUMBER_OF_MARIADB, QUERY),
    ],
    indirect=["world"],
    ids=["text", "query", "ODBC", "MariaDB", "MariaDB query", "MariaDB query ODBC"],
)
def test_nothing_is_cut_or_rounded(world: World, statement: str, job: dict[str, Any]) -> None:
    """A run that may not try again says why; the next one is held, as it would be without this."""
    world.write(retry=0)
    prepare(world, **job)
    world.run_well()
    alter_at(world, "horizon.kept", statement)
    outcome = world.run()
    assert (outcome.exit_code, len(world.batches())) == (3, 1)
    assert "was altered after this run had looked at it" in str(outcome.error)
    assert (world.run().verdict, len(world.batches())) == ("held", 1)


@pytest.mark.parametrize(
    ("world", "at_once", "statement"),
    [
        ((PG, PG, PG), "SET lock_timeout = '100ms'", NUMBER),
        ((MARIA, PG, PG), "SET lock_wait_timeout = 0", NUMBER_OF_MARIADB),
    ],
    indirect=["world"],
    ids=["PostgreSQL", "MariaDB"],
)
def test_nobody_alters_it_from_then_on(world: World, at_once: str, statement: str) -> None:
    prepare(world)
    with connect(world.stores["source"]) as source:
        table = source.describe(TableName("t"))
        refused = pytest.raises((psycopg.Error, MySQLdb.Error), match=r"(?i)lock")
        with source.snapshot_of(table), refused:
            world.sql("source", at_once, statement)


def test_a_first_load_takes_the_table_as_it_is_now(world: World) -> None:
    """The target's table was made for that of before: as it cannot hold it, it is told."""
    prepare(world)
    alter_at(world, "image.begun", NUMBER)
    outcome = world.run()
    assert (outcome.exit_code, world.batches()) == (4, [])
    assert "target table t is too narrow by now: column amount" in str(outcome.error)
    world.sql("target", "DROP TABLE t")
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


def test_what_the_job_does_not_share_may_be_altered(world: World) -> None:
    """The run tries again, and goes on."""
    prepare(world, **COLUMNS)
    world.run_well()
    alter_at(world, "horizon.kept", "ALTER TABLE t ADD COLUMN remark text")
    (batch,) = world.run_well().batches
    assert batch.tally.inserted == 1
