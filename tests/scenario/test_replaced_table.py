"""A table of PostgreSQL whose contents are replaced while a run reads it: TRUNCATE and the like
leave nothing to a state that is older than they are, though nobody ever saw the table empty."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

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
