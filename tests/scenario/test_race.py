"""Rows that commit late, out of order, in whole seconds, or as prepared transactions: none is lost.

Eight writers work while three jobs pull, all without overlap to lean on and without a sweep, by a
role that may do nothing but read. Beside them a naive `updated_at > watermark` poller reads the
same table: it must lose rows, or the race was none.

A column of whole seconds (`timestamptz(0)`) is safe by itself: the horizon is floored to it. A
column of microseconds that the writer fills with whole seconds looks finer than it is; it needs an
overlap of at least that second.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.scenario.world import World, cursor_job

POLL_SECONDS = 0.4
LONGEST_SECONDS = 5 * POLL_SECONDS
WRITERS = 8
ROWS = 2_400
DEADLINE_SECONDS = 30.0

TABLE = """
CREATE TABLE t (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text,
    updated_at timestamptz DEFAULT now(),
    seconds timestamptz(0) DEFAULT now(),
    cut timestamptz DEFAULT date_trunc('second', now())
)
"""
STAMPS = "updated_at = now(), seconds = now(), cut = date_trunc('second', now())"
COLUMNS = {"id": "number", "name": "text"}
COLUMNS |= dict.fromkeys(("updated_at", "seconds", "cut"), "moment")
JOBS = {
    "fine": cursor_job(overlap=0, drain_wait=0, deletes={"sweep": "off"}),
    "whole": cursor_job(column="seconds", overlap=0, drain_wait=1, deletes={"sweep": "off"}),
    "truncated": cursor_job(column="cut", overlap=1, drain_wait=1, deletes={"sweep": "off"}),
}


class Writer(threading.Thread):
    """Transactions of every kind, one after another."""

    gids = count(1)

    def __init__(self, number: int, connection: Any, done: threading.Event) -> None:
        super().__init__(name=f"writer {number}")
        self.random = random.Random(number)
        self.connection = connection
        self.done = done
        self.rows = 0
        self.ways: set[str] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        ways: list[Callable[[], None]] = [
            self.short,
            self.long,
            self.idle,
            self.slow_start,
            self.prepared,
            self.updating,
        ]
        try:
            while not self.done.is_set():
                way = self.random.choice(ways)
                way()
                self.ways.add(way.__name__)
        except BaseException as error:  # noqa: BLE001 — told by the test
            self.error = error

    def short(self) -> None:
        self.insert()
        self.sleep(0.1)

    def long(self) -> None:
        with self.connection.transaction():
            self.insert()
            self.sleep(LONGEST_SECONDS)
            self.insert()

    def idle(self) -> None:
        """The stamp is fixed by a transaction that has not written yet, and has no xid."""
        with self.connection.transaction():
            self.connection.execute("SELECT now()")
            self.sleep(LONGEST_SECONDS)
            self.insert()

    def slow_start(self) -> None:
        seconds = self.random.uniform(0, LONGEST_SECONDS / 2)
        self.connection.execute(
            "INSERT INTO t (name) SELECT 'slow' FROM (SELECT pg_sleep(%s)) s", (seconds,)
        )
        self.rows += 1

    def prepared(self) -> None:
        gid = f"race {next(self.gids)}"
        self.connection.execute("BEGIN")
        self.insert()
        self.connection.execute(f"PREPARE TRANSACTION '{gid}'")
        self.sleep(LONGEST_SECONDS)
        self.connection.execute(f"COMMIT PREPARED '{gid}'")

    def updating(self) -> None:
        with self.connection.transaction():
            self.connection.execute(
                f"UPDATE t SET name = name || '.', {STAMPS} WHERE id IN "
                "(SELECT id FROM t ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED)"
            )
            self.sleep(LONGEST_SECONDS / 2)

    def insert(self) -> None:
        rows = self.random.randint(5, 25)
        self.connection.execute(
            "INSERT INTO t (name) SELECT 'row' FROM generate_series(1, %s)", (rows,)
        )
        self.rows += rows

    def sleep(self, longest: float) -> None:
        time.sleep(self.random.uniform(0, longest))


class NaivePoller(threading.Thread):
    """What most tools do."""

    def __init__(self, connection: Any, done: threading.Event) -> None:
        super().__init__(name="naive")
        self.connection = connection
        self.done = done
        self.seen: set[int] = set()
        self.watermark: object = "-infinity"

    def run(self) -> None:
        while not self.done.wait(POLL_SECONDS):
            self.poll()
        self.poll()

    def poll(self) -> None:
        rows = self.connection.execute(
            "SELECT id, updated_at FROM t WHERE updated_at > %s", (self.watermark,)
        ).fetchall()
        self.seen |= {row[0] for row in rows}
        self.watermark = max((row[1] for row in rows), default=self.watermark)


@pytest.fixture
def racing(world: World) -> World:
    """The table, and a source endpoint whose role may only read it."""
    role = f"reader_{world.stores['source'].database}"
    world.sql(
        "source",
        TABLE,
        f"CREATE ROLE {role} LOGIN PASSWORD 'only-reads'",
        f"GRANT SELECT ON t TO {role}",
    )
    (world.directory / "reader").write_text("only-reads")
    world.write({"source": {"user": role, "password": {"file": "reader"}}})
    for job, content in JOBS.items():
        world.job(job, **content, target={"endpoint": "target", "table": job})
    return world


@pytest.mark.timeout(120)
def test_race_against_late_commits(racing: World) -> None:
    over, naive_over = threading.Event(), threading.Event()
    naive = NaivePoller(racing.connect("source"), naive_over)
    writers = [Writer(n, racing.connect("source"), over) for n in range(WRITERS)]
    for job in JOBS:
        racing.run(job)
    naive.start()
    for writer in writers:
        writer.start()

    runs = 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline and sum(writer.rows for writer in writers) < ROWS:
        for job in JOBS:
            outcome = racing.run(job)
            assert outcome.error is None, outcome.error
            assert outcome.verdict in ("reconciled", "in_flight"), outcome
            runs += 1
    over.set()
    for writer in writers:
        writer.join()
    naive_over.set()
    naive.join()
    for job in JOBS:
        time.sleep(1.1)  # whole seconds: the last one is read once it is over
        racing.run_well(job)

    assert [writer.error for writer in writers if writer.error] == []
    assert len(set[str]().union(*(writer.ways for writer in writers))) == 6
    rows = {row[0] for row in racing.sql("source", "SELECT id FROM t")}
    lost = rows - naive.seen
    print(f"{len(rows)} rows, {runs} runs; the naive poller lost {len(lost)}")
    assert len(rows) >= 2_000
    assert len(lost) >= 20, "the naive poller lost next to nothing: this was no race"
    for job in JOBS:
        found = racing.findings(job, columns=COLUMNS, target_table=job)
        assert found == [], f"{job}: {len(found)} of {len(rows)}, first {found[:3]}"


def test_a_row_that_commits_late_arrives(racing: World) -> None:
    """Its transaction was open when its second was read."""
    world = racing
    world.run("fine")
    writer = world.connect("source")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO t (name) VALUES ('late')")
    world.sql("source", "INSERT INTO t (name) VALUES ('early')")
    world.run("fine")
    writer.execute("COMMIT")
    world.run_well("fine")
    assert world.findings("fine", columns=COLUMNS, target_table="fine") == []
