"""Work at MariaDB, from the statement that fixed its NOW() to the commit: never out of sight.

What asks for executing statements runs twice: as MariaDB is asked, and as MySQL is, by the
performance schema that MariaDB has too. The real MySQL was not met.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.horizon import drain
from bridge.ledger.candidate import Candidate
from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.endpoint import Endpoint, Secret
from connectors.errors import BridgeheadError, Busy, MissingRight, PermanentError, TransientError
from connectors.mysql import work
from connectors.registry import connect
from tests.mariadb import MariaDB

TABLES = (
    "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20),\n"
    "at datetime(6) DEFAULT CURRENT_TIMESTAMP(6)) ENGINE = InnoDB",
    "CREATE TABLE late LIKE t",
    "CREATE FUNCTION slow() RETURNS int BEGIN DO SLEEP(0.3); RETURN 1; END",
    "CREATE FUNCTION writing() RETURNS int\n"
    "BEGIN DO SLEEP(0.3); INSERT INTO t (name) VALUES ('f'); DO SLEEP(0.3); RETURN 1; END",
    "CREATE TRIGGER late BEFORE INSERT ON late FOR EACH ROW\n"
    "BEGIN DO SLEEP(0.3); SET NEW.name = CONCAT(NEW.name, '.'); DO SLEEP(0.3); END",
)
READS_THE_LOG = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'"
INSERT = "INSERT INTO t (name) VALUES ('row')"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """With a performance schema, by which MySQL is asked, and a log that a replica may read."""
    settings = {
        "performance-schema": "ON",
        "performance-schema-consumer-events-statements-current": "ON",
        "log-bin": "changes",
        "log-bin-trust-function-creators": "ON",
    }
    with MariaDB(tmp_path_factory.mktemp("work"), settings=settings) as server:
        server.create_database("shop")
        server.sql(*TABLES, database="shop")
        server.create_user("sees", "x", "SELECT ON shop.*", "PROCESS ON *.*")
        server.sql("GRANT SELECT ON performance_schema.* TO 'sees'@'%'")
        server.create_user("blind", "x", "SELECT ON shop.*")
        yield server


@pytest.fixture
def source(server: MariaDB) -> Iterator[Connector]:
    with connect(endpoint(server, "sees")) as opened:
        quiet(opened)
        yield opened


def quiet(source: Connector) -> None:
    """A session that is being closed still executes that."""
    until = time.monotonic() + 5
    while source.open_work() and time.monotonic() < until:
        time.sleep(0.02)


@pytest.fixture(params=["MariaDB", "MySQL"])
def either(
    source: Connector, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Connector:
    """The source, asked as the one or as the other."""
    spelling = {"MariaDB": work._MARIADB, "MySQL": work._MYSQL}[request.param]
    monkeypatch.setattr(work, "_spelling", lambda _: spelling)
    return source


@pytest.fixture
def writer(server: MariaDB) -> Iterator[Any]:
    with closing(server.connect("shop")) as opened:
        yield opened


def endpoint(server: MariaDB, user: str) -> Endpoint:
    place = {"host": server.host, "port": server.port, "database": "shop"}
    return Endpoint("shop", "mysql", user=user, password=Secret("x"), **place)


def run(session: Any, *statements: str | bytes) -> list[Any]:
    with closing(session.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def executing(session: Any, statement: str | bytes) -> Iterator[threading.Thread]:
    """The statement has begun, and waits somewhere; it is over after the block."""
    thread = threading.Thread(target=run, args=(session, statement))
    thread.start()
    time.sleep(0.15)
    try:
        yield thread
    finally:
        thread.join()


def candidate(source: Connector) -> Candidate:
    return Candidate(source.clock(), source.open_work())


def kinds(of: Candidate) -> set[str]:
    return {token.split()[0] for token in of.tokens}


def drained(source: Connector, kept: Candidate) -> Candidate | None:
    """The candidate as it is kept for another run, or None once it has drained."""
    found = drain(source, [kept], 0, 0)
    return next((c for c in found.candidates if c.at == kept.at), None)


def follow(source: Connector, kept: Candidate, thread: threading.Thread) -> Candidate | None:
    """Reads again and again until the thread has ended; fails if the candidate drains before."""
    held: Candidate | None = kept
    while thread.is_alive():
        looked = time.monotonic()
        held = drained(source, held) if held else None
        assert held or not thread.is_alive() or time.monotonic() - looked > 1
    return held


def test_nothing_open(either: Connector) -> None:
    assert either.open_work() == frozenset()
    assert candidate(either).tokens == frozenset()


def test_the_clock_is_utc(source: Connector, server: MariaDB) -> None:
    assert abs(source.clock() - datetime.now(UTC)) < timedelta(seconds=2)


def test_a_changing_transaction_holds_to_its_end(source: Connector, writer: Any) -> None:
    run(writer, "BEGIN", INSERT)
    kept = drained(source, candidate(source))
    assert kept
    run(writer, INSERT)
    assert drained(source, kept)
    run(writer, "COMMIT")
    assert drained(source, kept) is None


def test_a_statement_that_waits_for_a_metadata_lock(
    either: Connector, server: MariaDB, writer: Any
) -> None:
    """It is in no transaction while it waits, and in one that stays open thereafter."""
    with closing(server.connect("shop")) as locker:
        run(locker, "LOCK TABLES t WRITE")
        run(writer, "BEGIN")
        with executing(writer, INSERT):
            waiting = candidate(either)
            assert kinds(waiting) == {"statement"}
            run(locker, "UNLOCK TABLES")
    kept = drained(either, waiting)
    assert kept
    assert kinds(kept) == {"transaction"}
    stamp = run(writer, "SELECT CAST(MAX(at) AS CHAR) FROM t")[0][0]
    assert datetime.fromisoformat(stamp).replace(tzinfo=UTC) < kept.at
    run(writer, "COMMIT")
    assert drained(either, kept) is None


def test_a_statement_that_goes_on_between_two_readings(
    source: Connector, server: MariaDB, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen as a statement, or in its transaction; the other way round, as neither."""
    read = source.rows
    with closing(server.connect("shop")) as locker:
        run(locker, "LOCK TABLES t WRITE")
        run(writer, "BEGIN")
        with executing(writer, INSERT) as waiting:

            def then_go_on(query: str | Statement) -> list[tuple[Any, ...]]:
                found = read(query)
                if waiting.is_alive() and ("processlist" in str(query) or "trx" in str(query)):
                    run(locker, "UNLOCK TABLES")
                    waiting.join()
                return found

            monkeypatch.setattr(source, "rows", then_go_on)
            kept = candidate(source)
            assert not waiting.is_alive()
    assert kept.tokens
    run(writer, "ROLLBACK")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t (name) SELECT 'slow' FROM (SELECT SLEEP(0.6)) s",
        "INSERT INTO t (name) SELECT slow() + slow() + slow()",
        "INSERT INTO late (name) VALUES ('a')",
        "SELECT writing() + writing()",
        "DO writing()",
        "CREATE OR REPLACE TABLE copied AS SELECT id, NOW(6) FROM t WHERE SLEEP(0.1) = 0 LIMIT 6",
    ],
)
def test_a_slow_statement_holds_to_its_end(
    either: Connector, server: MariaDB, writer: Any, statement: str
) -> None:
    """Also where triggers and functions give its thread other query ids and times."""
    run(writer, "DELETE FROM t", *[INSERT] * 6)
    with executing(writer, statement) as thread:
        kept = candidate(either)
        assert kept.tokens or not thread.is_alive()
        held = follow(either, kept, thread)
    assert held is None or drained(either, held) is None


@pytest.mark.parametrize(
    "statements",
    [
        ("SELECT 1",),
        ("SET autocommit = 0", "SELECT COUNT(*) FROM t"),
        ("BEGIN", "SELECT COUNT(*) FROM t"),
        ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
    ],
)
def test_a_session_that_only_reads_holds_nothing(
    source: Connector, writer: Any, statements: tuple[str, ...]
) -> None:
    run(writer, *statements)
    assert source.open_work() == frozenset()


def test_a_long_report_holds_nothing(either: Connector, server: MariaDB, writer: Any) -> None:
    run(writer, INSERT)
    with executing(writer, "SELECT COUNT(*) FROM t WHERE SLEEP(0.5 / (SELECT COUNT(*) FROM t))"):
        assert either.open_work() == frozenset()


def test_a_busy_connection_does_not_hold_forever(
    source: Connector, server: MariaDB, writer: Any
) -> None:
    """Its transactions follow each other without a pause; each candidate waits for few of them."""
    over = threading.Event()

    def work_on() -> None:
        while not over.is_set():
            run(writer, "BEGIN", INSERT, "COMMIT", INSERT, "SELECT COUNT(*) FROM late")

    thread = threading.Thread(target=work_on)
    thread.start()
    try:
        for _ in range(3):
            assert drain(source, [], 0, 4).at is not None
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("driver", [None, "MariaDB Unicode"], ids=["own", "ODBC"])
def test_a_prepared_transaction(server: MariaDB, driver: str | None) -> None:
    """The thread that prepared it may go; whoever commits it may be another."""
    place = endpoint(server, "sees")
    if driver:
        place = replace(place, family="odbc", driver=driver)
    with connect(place) as source:
        quiet(source)
        with closing(server.connect("shop")) as preparing:
            run(preparing, "XA START 'a'", INSERT, "XA END 'a'")
            active = candidate(source)
            assert kinds(active) == {"transaction"}
            run(preparing, "XA PREPARE 'a'")
        time.sleep(0.1)
        kept = drained(source, active)
        assert kept
        assert kinds(kept) == {"prepared"}
        server.sql("XA COMMIT 'a'")
        assert drained(source, kept) is None


def test_work_that_is_prepared_between_two_readings(
    source: Connector, server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen as a transaction, or as prepared; the other way round, as neither."""
    read, preparing = source.rows, server.connect("shop")
    run(preparing, "XA START 'b'", INSERT, "XA END 'b'")

    def then_prepare(query: str | Statement) -> list[tuple[Any, ...]]:
        found = read(query)
        if preparing.open and ("innodb_trx" in str(query) or "XA RECOVER" in str(query)):
            run(preparing, "XA PREPARE 'b'")
            preparing.close()
            time.sleep(0.15)
        return found

    monkeypatch.setattr(source, "rows", then_prepare)
    kept = candidate(source)
    assert not preparing.open
    assert kept.tokens
    server.sql("XA ROLLBACK 'b'")


def test_an_event(either: Connector, server: MariaDB) -> None:
    """The scheduler's own threads are no connections."""
    event = "INSERT INTO t (name) SELECT 'event' FROM (SELECT SLEEP(0.8)) s"
    server.sql("SET GLOBAL event_scheduler = ON")
    server.sql(f"CREATE EVENT e ON SCHEDULE AT NOW() DO {event}", database="shop")
    time.sleep(0.3)
    try:
        kept = candidate(either)
        assert len(kept.tokens) == 1
        assert drain(either, [kept], 0, 5).at is not None
    finally:
        server.sql("SET GLOBAL event_scheduler = OFF")
    assert server.sql("SELECT COUNT(*) FROM shop.t WHERE name = 'event'")[0][0] > 0


def test_a_login_that_hangs_holds_nothing(either: Connector, server: MariaDB) -> None:
    with socket.create_connection((server.host, server.port)):
        time.sleep(0.3)
        assert either.open_work() == frozenset()


def test_a_replica_that_waits_for_more_holds_nothing(either: Connector, server: MariaDB) -> None:
    """What is sent to it goes on for ever."""
    login = ["--host", server.host, "--port", str(server.port), "--user", server.user]
    follow = ["--read-from-remote-server", "--stop-never", f"--password={server.password}"]
    replica = subprocess.Popen(
        ["/usr/bin/mariadb-binlog", *login, *follow, "changes.000001"], stdout=subprocess.DEVNULL
    )
    shown = "SELECT count(*) FROM information_schema.processlist WHERE command = 'Binlog Dump'"
    try:
        until = time.monotonic() + 10
        while server.sql(shown) == [(0,)] and time.monotonic() < until:
            time.sleep(0.02)
        assert server.sql(shown) == [(1,)]
        assert drain(either, [], 0, 5).at is not None
    finally:
        replica.kill()
        replica.wait()


@contextmanager
def watched(server: MariaDB) -> Iterator[threading.Event]:
    """Other programs look at the transactions without end, until the event."""
    over = threading.Event()

    def read() -> None:
        with closing(server.connect()) as session:
            while not over.wait(0.01):
                run(session, "SELECT COUNT(*) FROM information_schema.innodb_trx")

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_stale_view_is_waited_for(source: Connector, server: MariaDB, writer: Any) -> None:
    """The view hides a transaction as long as somebody reads it all the time."""
    with watched(server) as over:
        threading.Timer(1.0, over.set).start()
        run(writer, "BEGIN", INSERT)
        found = source.open_work()
    run(writer, "ROLLBACK")
    kinds = {token.split()[0] for token in found}  # a watcher's own statement may be among them
    assert "transaction" in kinds


def test_a_view_that_stays_stale(
    source: Connector, server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_FRESH_SECONDS", 0.3)
    with watched(server), pytest.raises(TransientError, match=r"more often than every 0\.1 s"):
        read_until_refused(source)


def read_until_refused(source: Connector) -> None:
    """A busy machine lets a reading through now and then."""
    for _ in range(20):
        source.open_work()


def test_readings_go_one_at_a_time(
    source: Connector, server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_LOCK_SECONDS", 0.2)
    with closing(server.connect()) as other:
        run(other, f"SELECT GET_LOCK('{work._LOCK}', 0)")
        with pytest.raises(Busy):
            source.open_work()
    time.sleep(0.1)
    assert source.open_work() == frozenset()


def test_many_readers_drain(source: Connector, server: MariaDB) -> None:
    """Several runs read at once, and none is held back by another's reading."""
    found: list[object] = []

    def run_one() -> None:
        with connect(endpoint(server, "sees")) as opened:
            found.append(drain(opened, [], 0, 8).at)

    threads = [threading.Thread(target=run_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert None not in found


def test_the_right_to_see_others_is_needed(server: MariaDB) -> None:
    with connect(endpoint(server, "blind")) as opened, pytest.raises(MissingRight) as raised:
        opened.open_work()
    assert "PROCESS" in raised.value.remedy


def refused(source: Connector) -> PermanentError:
    with pytest.raises(PermanentError, match="rows come from other servers") as raised:
        source.open_work()
    return raised.value


@pytest.mark.parametrize("which", ["", "SQL_THREAD"])
def test_a_replica_is_refused(either: Connector, server: MariaDB, which: str) -> None:
    """Also one that fetches no more, and applies what it has."""
    server.sql(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x'",
        f"START SLAVE {which}",
    )
    try:
        assert "replicates" in refused(either).message
    finally:
        server.sql("STOP SLAVE", "RESET SLAVE ALL")


@pytest.mark.parametrize("called", ["replica_sql", "slave_worker", "replica_worker"])
def test_a_replica_is_refused_whatever_its_appliers_are_called(
    source: Connector, server: MariaDB, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    """MySQL 8.0.26 has renamed them. None is met here: a thread of MariaDB's bears their names."""
    asked = work._MYSQL.executing.replace("performance_schema.threads", "shop.threads")
    monkeypatch.setattr(work, "_spelling", lambda _: replace(work._MYSQL, executing=asked))
    renamed = f"REPLACE(name, 'thread/sql/slave_sql', 'thread/sql/{called}') AS name"
    server.sql(
        f"CREATE OR REPLACE VIEW shop.threads AS SELECT thread_id, {renamed}, processlist_id,\n"
        "processlist_user, processlist_command FROM performance_schema.threads",
    )
    assert source.open_work() == frozenset()
    server.sql(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x'",
        "START SLAVE SQL_THREAD",
    )
    try:
        assert "replicates" in refused(source).message
    finally:
        server.sql("STOP SLAVE", "RESET SLAVE ALL")


def test_a_primary_is_not_held_by_those_who_read_its_log(
    either: Connector, server: MariaDB
) -> None:
    """Theirs is one statement that never ends, and none of theirs can commit here."""
    login = [f"--host={server.host}", f"--port={server.port}", f"--user={server.user}"]
    reading = ["--read-from-remote-server", "--stop-never", "changes.000001"]
    reader = subprocess.Popen(
        ["mariadb-binlog", "--no-defaults", *login, *reading],
        env=os.environ | {"MYSQL_PWD": server.password},
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not server.sql(READS_THE_LOG) and time.monotonic() < until:
            time.sleep(0.02)
        assert server.sql(READS_THE_LOG)
        assert either.open_work() == frozenset()
    finally:
        reader.kill()
        reader.wait()


def test_a_read_only_server_is_refused(source: Connector, server: MariaDB) -> None:
    server.sql("SET GLOBAL read_only = ON")
    try:
        assert "read-only" in refused(source).message
    finally:
        server.sql("SET GLOBAL read_only = OFF")


@pytest.mark.parametrize(
    "told",
    [
        ("wsrep_on", "ON"),
        ("innodb_read_only", "ON"),
        ("group_replication_single_primary_mode", "OFF"),
    ],
)
def test_where_others_write_too_is_refused(
    source: Connector, monkeypatch: pytest.MonkeyPatch, told: tuple[str, str]
) -> None:
    """No cluster is met here; one of its servers answers so."""
    read, others = source.rows, [("read_only", "OFF"), ("wsrep_on", "OFF")]

    def as_one_of_many(query: str | Statement) -> list[tuple[Any, ...]]:
        return [*others, told] if query == work._VARIABLES else read(query)

    monkeypatch.setattr(source, "rows", as_one_of_many)
    refused(source)
    assert told[0] in work._VARIABLES


def test_a_list_without_ourselves_is_refused(
    source: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is not told of our own statement is not told of others' either."""
    read = source.rows

    def of_one_other(query: str | Statement) -> list[tuple[Any, ...]]:
        return [(0, 0, "Daemon")] if query == work._MARIADB.executing else read(query)

    monkeypatch.setattr(source, "rows", of_one_other)
    with pytest.raises(PermanentError, match="keeps no list"):
        source.open_work()


def test_a_server_without_the_list_is_refused(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty performance schema would say that nothing is ever open."""
    monkeypatch.setattr(work, "_spelling", lambda _: work._MYSQL)
    mariadb.create_database("empty")
    login = {"user": mariadb.user, "password": Secret(mariadb.password), "database": "empty"}
    place = Endpoint("empty", "mysql", host=mariadb.host, port=mariadb.port, **login)
    try:
        with connect(place) as opened, pytest.raises(BridgeheadError, match="performance_schema"):
            opened.open_work()
    finally:
        mariadb.drop_database("empty")


def test_statements_may_hold_what_is_no_text(source: Connector, writer: Any) -> None:
    """A picture, say: the server shows its bytes as a text, half a surrogate among them."""
    run(writer, "BEGIN", INSERT)
    with executing(writer, b"SELECT _binary'\xed\xa0\x80', SLEEP(0.4)"):
        assert "transaction" in kinds(candidate(source))
    run(writer, "ROLLBACK")


def test_the_holder_is_told(source: Connector, server: MariaDB, writer: Any) -> None:
    run(writer, "BEGIN", "INSERT INTO t (name) VALUES ('secret value')")
    (told,) = source.describe_work(source.open_work())
    run(writer, "ROLLBACK")
    assert "user root" in told
    assert "secret" not in told


def lost(source: Connector, server: MariaDB, writer: Any) -> bool:
    """Whether a candidate drains although a row stamped below it is still to come."""
    with closing(server.connect("shop")) as locker:
        run(locker, "LOCK TABLES t WRITE")
        run(writer, "BEGIN")
        with executing(writer, INSERT):
            kept = candidate(source)
            run(locker, "UNLOCK TABLES")
    gone = drained(source, kept) is None
    run(writer, "ROLLBACK")
    return gone


def test_a_row_that_waits_for_a_lock_holds_back(
    either: Connector, server: MariaDB, writer: Any
) -> None:
    """First its statement does, which stands in the process list alone; then its transaction."""
    assert not lost(either, server, writer)


def test_a_copy_of_the_view_is_not_believed(source: Connector, writer: Any) -> None:
    """That our own thread stands in the view proves nothing: it may be an earlier marker."""
    assert not any(hidden(source, writer) for _ in range(20))


def hidden(source: Connector, writer: Any) -> bool:
    source.open_work()
    run(writer, "BEGIN", INSERT)
    found = source.open_work()
    run(writer, "ROLLBACK")
    return not found


def test_a_statement_lives_on_in_its_transaction_alone() -> None:
    """Whatever its thread executes then began after it; a thread that never rests holds nothing."""
    ended, transaction = frozenset({"statement 7 1"}), frozenset({"transaction 7 since"})
    others = frozenset({"statement 7 2", "statement 8 3", "transaction 8 since"})
    assert work.heirs(ended, others | transaction) == transaction
    assert work.heirs(ended, others) == {"statement 7 2"}
