"""A table whose contents are replaced while a run reads it: TRUNCATE and the like leave nothing to
a state that is older than they are, though nobody ever saw the table empty. So does a table that
is renamed into the place of another in MariaDB."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from bridge.failpoint import arm, at
from tests.scenario.world import CAPTURES, World, cursor_job

TRUNCATED = (
    "CREATE TEMP TABLE kept AS SELECT * FROM t",
    "TRUNCATE t",
    "INSERT INTO t SELECT * FROM kept",
)
SWAPPED = (
    "CREATE TABLE other (LIKE t INCLUDING ALL)",
    "INSERT INTO other SELECT * FROM t",
    "ALTER TABLE t RENAME TO former",
    "ALTER TABLE other RENAME TO t",
)
JOBS = {"cursor": cursor_job(drain_wait=0), "compare": CAPTURES["compare"]}


class Replacing(threading.Thread):
    """Replaces the contents in one transaction, and commits once somebody waits for it."""

    def __init__(self, world: World, statements: tuple[str, ...]) -> None:
        super().__init__()
        self._world = world
        self._connection: Any = world.connect("source")
        self._connection.autocommit = False
        for statement in statements:
            self._connection.execute(statement)
        self.was_waited_for = False

    def run(self) -> None:
        until = time.monotonic() + 20
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not self.was_waited_for and time.monotonic() < until:
            self.was_waited_for = self._world.sql("source", waiting) != [(0,)]
            time.sleep(0.02)
        self._connection.commit()


@pytest.mark.parametrize("statements", [TRUNCATED, SWAPPED], ids=["truncated", "swapped"])
@pytest.mark.parametrize(
    ("capture", "loaded"),
    [("cursor", True), ("compare", True), ("compare", False)],
    ids=["window by cursor", "comparison", "first load"],
)
def test_nothing_is_taken_for_gone(
    world: World, capture: str, statements: tuple[str, ...], loaded: bool
) -> None:
    world.make_table(5)
    world.job("j", **JOBS[capture])
    if loaded:
        world.run_well()
    replacing = Replacing(world, statements)
    replacing.start()
    outcome = world.run()
    replacing.join()
    assert replacing.was_waited_for
    assert (outcome.error, sum(b["deleted"] for b in world.batches())) == (None, 0)
    world.run_well()
    assert world.sql("target", "SELECT count(*) FROM t") == [(5,)]
    assert world.findings() == []


@pytest.mark.parametrize("what", ["view", "materialized view", "partitions"])
def test_whatever_can_be_read_is(world: World, what: str) -> None:
    """Also what cannot be locked."""
    world.make_table(3)
    content: dict[str, Any] = CAPTURES["compare"] | {"key": ["id"]}
    if "view" in what:
        world.sql("source", f"CREATE {what.upper()} v AS SELECT * FROM t")
        content["source"] = {"endpoint": "source", "table": "v"}
    else:
        world.sql(
            "source",
            "CREATE TABLE p (LIKE t, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (100)",
            "INSERT INTO p SELECT * FROM t",
        )
        content["source"] = {"endpoint": "source", "table": "p"}
    world.job("j", **content)
    world.run_well()
    assert world.sql("target", "SELECT count(*) FROM t") == [(3,)]


MARIA = "mysql"
SWAP = ("INSERT INTO other SELECT * FROM kept", "RENAME TABLE t TO former, other TO t")
WAITING = (
    "SELECT count(*) FROM information_schema.processlist "
    "WHERE state LIKE 'Waiting for table metadata lock%'"
)


class Swapping(threading.Thread):
    """Locks the table once a run has looked at it; once that waits to read, another session fills
    what is to take its place and swaps them, as gh-ost does it: it comes first when the lock is
    given up."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._cursor: Any = world.connect("source").cursor()
        self._swap = threading.Thread(target=world.sql, args=("source", *SWAP))
        self.was_waited_for = False

    def begin(self, _: str) -> None:
        self._cursor.execute("LOCK TABLES t WRITE")
        self.start()

    def run(self) -> None:
        self._wait_for(1)
        self._swap.start()
        self._wait_for(2)
        self._cursor.execute("UNLOCK TABLES")
        self._swap.join()

    def _wait_for(self, sessions: int) -> None:
        until = time.monotonic() + 10
        self.was_waited_for = False
        while not self.was_waited_for and time.monotonic() < until:
            self.was_waited_for = self._world.sql("source", WAITING) == [(sessions,)]
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("world", "loaded"),
    [
        ((MARIA, MARIA, MARIA), True),
        (("odbc-mariadb", MARIA, MARIA), True),
        ((MARIA, MARIA, MARIA), False),
    ],
    indirect=["world"],
    ids=["window", "window ODBC", "first load"],
)
def test_nothing_is_taken_for_gone_of_mariadb(world: World, loaded: bool) -> None:
    world.make_table(5)
    world.sql("source", "CREATE TABLE other LIKE t", "CREATE TABLE kept AS SELECT * FROM t")
    world.job("j", **JOBS["cursor"])
    if loaded:
        world.run_well()
    swapping = Swapping(world)
    arm(at("horizon.kept", 1, swapping.begin))
    try:
        outcome = world.run()
    finally:
        arm(None)
        swapping.join()
    assert swapping.was_waited_for
    assert (outcome.error, sum(b["deleted"] for b in world.batches())) == (None, 0)
    assert world.sql("target", "SELECT count(*) FROM t") == [(5,)]
    assert world.findings() == []
