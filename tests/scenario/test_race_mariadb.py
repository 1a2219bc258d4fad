"""Rows that commit late at MariaDB, behind locks, slow starts and triggers: none is lost.

Eight writers work while three jobs pull, all without overlap to lean on and without a sweep, by a
login that may read the table and see the process list. Beside them a naive `updated_at > watermark`
poller reads the same table: it must lose rows, or the race was none.

NOW() is fixed when a statement begins. What makes rows late here is therefore a statement that is
slow before its first row, that waits for a metadata lock (LOCK TABLES, ALTER TABLE), or that calls
functions, each alone or with its transaction left open; transactions that are idle or prepared; and
stamps of whole seconds, which DATETIME cuts off: 20.9 is stored as 20.

BRIDGEHEAD_RACE_SECONDS lets it go on for as long as one likes.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import MySQLdb
import pytest

from bridge.horizon import Horizon
from tests.mariadb import MariaDB
from tests.scenario.world import MakeWorld, World, cursor_job

POLL_SECONDS = 0.4
LONGEST_SECONDS = 5 * POLL_SECONDS
WRITERS = 8
ROWS, RUNS = 2_400, 9
SECONDS = float(os.environ.get("BRIDGEHEAD_RACE_SECONDS", "0"))
DEADLINE_SECONDS = SECONDS or 22.0

TABLE = """
CREATE TABLE t (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    name varchar(100),
    updated_at datetime(6) DEFAULT NOW(6),
    seconds datetime DEFAULT NOW(6),
    cut datetime(6) DEFAULT (NOW(0)),
    KEY (updated_at)
) ENGINE = InnoDB
"""
SLOW = "CREATE FUNCTION slow(s double) RETURNS int BEGIN DO SLEEP(s); DO SLEEP(s); RETURN 1; END"
STAMPS = "updated_at = NOW(6), seconds = NOW(6), cut = NOW(0)"
COLUMNS = {"id": "number", "name": "text"}
COLUMNS |= dict.fromkeys(("updated_at", "seconds", "cut"), "moment")
JOBS = {
    "fine": cursor_job(overlap=0, drain_wait=0, deletes={"sweep": "off"}),
    "whole": cursor_job(column="seconds", overlap=0, drain_wait=1, deletes={"sweep": "off"}),
    "truncated": cursor_job(column="cut", overlap=1, drain_wait=1, deletes={"sweep": "off"}),
}
WAYS = {"short", "long", "slow_start", "slow_start_left_open", "calling", "prepared"}
WAYS |= {"updating", "locking", "altering"}


class Writer(threading.Thread):
    """Transactions of every kind, one after another."""

    xids = count(1)

    def __init__(self, number: int, connection: Any, done: threading.Event) -> None:
        super().__init__(name=f"writer {number}")
        self.random = random.Random(number)
        self.connection = connection
        self.done = done
        self.rows = 0
        self.ways: set[str] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        ways: list[Callable[[], None]] = [getattr(self, name) for name in sorted(WAYS)]
        try:
            while not self.done.is_set():
                way = self.random.choice(ways)
                way()
                self.ways.add(way.__name__)
        except BaseException as error:  # noqa: BLE001 — told by the test
            self.error = error
        finally:
            self.connection.close()  # or a lock of its own would stop all others

    def short(self) -> None:
        self.insert()
        self.sleep(0.1)

    def long(self) -> None:
        """Idle in the middle."""
        with self.transaction():
            self.insert()
            self.sleep(LONGEST_SECONDS)
            self.insert()

    def slow_start(self) -> None:
        seconds = self.random.uniform(0, LONGEST_SECONDS / 2)
        self.sql(f"INSERT INTO t (name) SELECT 'slow' FROM (SELECT SLEEP({seconds})) s")
        self.rows += 1

    def slow_start_left_open(self) -> None:
        with self.transaction():
            self.slow_start()
            self.sleep(LONGEST_SECONDS / 2)

    def calling(self) -> None:
        """Inside the function the thread has other query ids, and other times."""
        with self.transaction():
            seconds = self.random.uniform(0, LONGEST_SECONDS / 4)
            self.sql(f"INSERT INTO t (name) SELECT slow({seconds}) + slow({seconds / 2})")
            self.rows += 1
            self.sleep(LONGEST_SECONDS / 4)

    def prepared(self) -> None:
        xid = f"'race {next(self.xids)}'"
        self.sql(f"XA START {xid}")
        self.insert()
        self.sql(f"XA END {xid}", f"XA PREPARE {xid}")
        self.sleep(LONGEST_SECONDS)
        self.sql(f"XA COMMIT {xid}")

    def updating(self) -> None:
        with self.transaction():
            newest = self.sql("SELECT MAX(id) FROM t")[0][0] or 0
            for number in sorted(self.random.randint(1, newest + 1) for _ in range(3)):
                self.sql(f"UPDATE t SET name = CONCAT(name, '.'), {STAMPS} WHERE id = {number}")
            self.sleep(LONGEST_SECONDS / 2)

    def locking(self) -> None:
        """Everyone else's statements wait meanwhile, their NOW() fixed."""
        self.sql("LOCK TABLES t WRITE")
        self.sleep(LONGEST_SECONDS / 4)
        self.insert()
        self.sql("UNLOCK TABLES")
        self.sleep(LONGEST_SECONDS)

    def altering(self) -> None:
        """Waits for every open transaction, and everyone else waits behind it."""
        self.sql(f"ALTER TABLE t COMMENT = '{self.random.random()}'")
        self.sleep(LONGEST_SECONDS)

    def insert(self) -> None:
        rows = self.random.randint(20, 60)
        values = ", ".join(["('row')"] * rows)
        self.sql(f"INSERT INTO t (name) VALUES {values}")
        self.rows += rows

    @contextmanager
    def transaction(self) -> Any:
        """Rolled back where InnoDB chose it as the victim of a deadlock."""
        rows = self.rows
        self.sql("BEGIN")
        try:
            yield
            self.sql("COMMIT")
        except MySQLdb.OperationalError as error:
            if error.args[0] != DEADLOCK:
                raise
            self.rows = rows

    def sql(self, *statements: str) -> Any:
        cursor = self.connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else ()

    def sleep(self, longest: float) -> None:
        time.sleep(self.random.uniform(0, longest))


DEADLOCK = 1213


class NaivePoller(threading.Thread):
    """What most tools do."""

    def __init__(self, connection: Any, done: threading.Event) -> None:
        super().__init__(name="naive")
        self.connection = connection
        self.done = done
        self.seen: set[int] = set()
        self.watermark: object = "1970-01-01"

    def run(self) -> None:
        while not self.done.wait(POLL_SECONDS):
            self.poll()
        self.poll()

    def poll(self) -> None:
        cursor = self.connection.cursor()
        cursor.execute("SELECT id, updated_at FROM t WHERE updated_at > %s", (self.watermark,))
        rows = cursor.fetchall()
        self.seen |= {row[0] for row in rows}
        self.watermark = max((row[1] for row in rows), default=self.watermark)


@pytest.fixture
def racing(make: MakeWorld, mariadb: MariaDB) -> Iterator[World]:
    """The table, and a source endpoint whose login may read it and see the process list."""
    world = make("mysql", "postgresql", "postgresql")
    database = world.stores["source"].database
    login = f"reader_{database}"
    mariadb.create_user(login, "only-reads", f"SELECT ON {database}.*", "PROCESS ON *.*")
    world.sql("source", TABLE, SLOW)
    (world.directory / "reader").write_text("only-reads")
    world.write({"source": {"user": login, "password": {"file": "reader"}}})
    for job, content in JOBS.items():
        world.job(job, **content, target={"endpoint": "target", "table": job})
    yield world
    mariadb.drop_user(login)


@pytest.mark.timeout(120 + 2 * SECONDS)
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
    while time.monotonic() < deadline and (SECONDS or not enough(writers, runs)):
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
    assert set[str]().union(*(writer.ways for writer in writers)) == WAYS
    rows = {row[0] for row in racing.sql("source", "SELECT id FROM t")}
    lost = rows - naive.seen
    print(f"{len(rows)} rows, {runs} runs; the naive poller lost {len(lost)}")
    assert len(rows) >= 2_000
    assert len(lost) >= 20, "the naive poller lost next to nothing: this was no race"
    for job in JOBS:
        found = racing.findings(job, columns=COLUMNS, target_table=job)
        assert found == [], f"{job}: {len(found)} of {len(rows)}, first {found[:3]}"


def enough(writers: list[Writer], runs: int) -> bool:
    seen = set[str]().union(*(writer.ways for writer in writers))
    return runs >= RUNS and seen == WAYS and sum(writer.rows for writer in writers) >= ROWS


def test_mutant_horizon_is_the_clock(racing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without draining, a row that waited for a lock when its second was read is lost."""
    assert late_row_arrives(racing)
    monkeypatch.setattr("bridge.pull.drain", _do_not_wait)
    assert not late_row_arrives(racing)


def test_mutant_without_the_process_list(racing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiting statement is in no transaction: transactions alone do not tell of it."""
    monkeypatch.setattr("connectors.mysql.work._executing", lambda *_: {})
    assert not late_row_arrives(racing)


def test_mutant_a_statement_without_heirs(racing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement is over, its transaction is not."""
    monkeypatch.setattr("connectors.mysql.work.heirs", lambda *_: frozenset())
    assert not late_row_arrives(racing)


def late_row_arrives(world: World) -> bool:
    """A row waits for a lock that lets readers pass, then in its transaction, while runs go on."""
    world.run("fine")
    writer, locker = world.connect("source"), world.connect("source")
    writer.query("BEGIN")
    locker.query("LOCK TABLES t READ")
    insert = "INSERT INTO t (name) VALUES ('late')"
    waiting = threading.Thread(target=writer.query, args=(insert,))
    waiting.start()
    time.sleep(0.2)
    world.run("fine")
    locker.query("UNLOCK TABLES")
    waiting.join()
    world.run("fine")
    writer.query("COMMIT")
    world.run_well("fine")
    return world.findings("fine", columns=COLUMNS, target_table="fine") == []


def _do_not_wait(source: Any, kept: Any, margin: float, wait: float) -> Any:
    return Horizon(source.clock(), (), frozenset())
