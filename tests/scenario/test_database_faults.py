"""A database that fails under a run: killed, out of space, out of connections, locked, read-only.

Each story has a server of its own in the place of one store. The run must end with the right exit
code and say where and what to do; nothing is half done, and when the fault is over a further run
brings everything to rest.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import MySQLdb
import psycopg
import pytest

from bridge.demo.postgres import EmbeddedPostgres
from bridge.failpoint import arm, at
from bridge.inspection.check import Level, check_deployment
from bridge.run import Outcome
from connectors.endpoint import Endpoint, Secret
from connectors.sqlite.connector import SqliteConnector
from tests.mariadb import MariaDB
from tests.proof.crashes import CrashedLife, block_of
from tests.proof.workshop import LATE, Servers, Workshop
from tests.scenario.world import ROLES, World, cursor_job

_NUMBER = count(1)
IN_THE_MIDDLE = {"exchange": "window.sealing", "target": "push.applying"}
"""Where a transaction at that store is about to commit."""

AFTER = {"exchange": "window.sealed", "target": "push.noted"}
"""Where a transaction at that store has just been committed, and another store may know of it."""
Server = EmbeddedPostgres | MariaDB
Stage = Callable[..., World]


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    small = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "15"} | LATE
    with EmbeddedPostgres(tmp_path_factory.mktemp("faulty-postgres"), settings=small) as server:
        yield server


@pytest.fixture(scope="module")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """Its tables share one tablespace, which is full at 24 MB."""
    small = {
        "innodb-file-per-table": "OFF",
        "innodb-data-file-path": "ibdata1:12M:autoextend:max:24M",
        "innodb-undo-tablespaces": "0",
        "max-connections": "10",
    }
    with MariaDB(tmp_path_factory.mktemp("faulty-mariadb"), settings=small, durable=True) as server:
        yield server


@pytest.fixture
def stage(database: Callable[..., Endpoint], tmp_path: Path) -> Iterator[Stage]:
    """A job that has run, with a change waiting, one store of it on the server that will fail; all
    three in files of SQLite where there is none."""
    made: list[World] = []

    def make(role: str, server: Server | None, rows: int = 10) -> World:
        name = f"faulty_{next(_NUMBER)}"
        if server is None:
            return begin(World(tmp_path / name, {r: database("sqlite") for r in ROLES}), rows)
        server.create_database(name)
        family = "mysql" if isinstance(server, MariaDB) else "postgresql"
        login: dict[str, Any] = {"user": server.user, "password": Secret(server.password)}
        place = Endpoint(name, family, host=server.host, port=server.port, database=name, **login)
        other = "postgresql" if family == "mysql" else "mysql"
        stores = {r: place if r == role else database(other) for r in ROLES}
        return begin(World(tmp_path / name, stores), rows)

    def begin(world: World, rows: int) -> World:
        made.append(world)
        world.write(retry=0)
        world.job("j", **cursor_job())
        world.make_table(rows)
        world.run_well()
        change(world)
        world.close()
        return world

    yield make
    arm(None)
    for world in made:
        world.close()


def change(world: World) -> None:
    world.insert([20, 21], stamp=world.now)
    world.sql(
        "source",
        f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id = 1",
        "DELETE FROM t WHERE id = 2",
    )


def refused(world: World, role: str, exit_code: int, code: str) -> Outcome:
    """The run says which store, what, and what to do; and nothing is half done."""
    outcome = world.run(wait=1.0)
    arm(None)
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (exit_code, code), outcome.error
    assert outcome.verdict == "in_flight"
    told = str(outcome.error)
    assert str(world.stores[role].database) in told or role in told
    assert outcome.error.remedy
    return outcome


def said_by_check(world: World) -> list[str]:
    """What it refuses."""
    findings = check_deployment(world.deployment)
    return [found.found for found in findings if found.level is Level.REFUSED]


def comes_to_rest(world: World) -> None:
    """All that was changed is there, and in the books once."""
    assert world.oracle().at_any_moment() == []
    world.run_well()
    assert world.findings() == []
    assert world.counted(1) == (2, 1, 1)


def restart(server: Server) -> None:
    if isinstance(server, MariaDB):
        server.start()
    else:
        server.restart()


# -- ended ---------------------------------------------------------------------------------------


def killed(server: Server) -> None:
    server.kill()


def shut_down(server: Server) -> None:
    """At once, without a checkpoint."""
    assert isinstance(server, EmbeddedPostgres)
    server.stop(immediate=True)


@pytest.mark.parametrize("role", IN_THE_MIDDLE)
@pytest.mark.parametrize("end", [killed, shut_down], ids=lambda end: end.__name__)
def test_postgresql_ends(
    stage: Stage, pg: EmbeddedPostgres, role: str, end: Callable[[Server], None]
) -> None:
    world = stage(role, pg)
    arm(at(IN_THE_MIDDLE[role], 1, lambda _: end(pg)))
    refused(world, role, 3, "connection_lost")
    refused(world, role, 3, "unreachable")
    restart(pg)
    comes_to_rest(world)


@pytest.mark.parametrize("role", AFTER)
def test_what_postgresql_has_committed_stays(stage: Stage, pg: EmbeddedPostgres, role: str) -> None:
    world = stage(role, pg)
    arm(at(AFTER[role], 1, lambda _: pg.kill()))
    world.run(wait=1.0)
    arm(None)
    pg.restart()
    comes_to_rest(world)


@pytest.mark.parametrize("role", IN_THE_MIDDLE)
def test_mariadb_is_killed(stage: Stage, maria: MariaDB, role: str) -> None:
    world = stage(role, maria)
    arm(at(IN_THE_MIDDLE[role], 1, lambda _: maria.kill()))
    refused(world, role, 3, "connection_lost")
    refused(world, role, 3, "unreachable")
    restart(maria)
    comes_to_rest(world)


class Fragile(Servers):
    """The servers of this module."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    @cached_property
    def postgres(self) -> Any:
        return self._request.getfixturevalue("pg")

    @cached_property
    def mariadb(self) -> Any:
        return self._request.getfixturevalue("maria")


@pytest.mark.parametrize(
    ("chain", "capture", "role", "act"),
    [
        (("sqlite", "postgresql", "sqlite"), "cursor", "exchange", "change"),
        (("sqlite", "sqlite", "postgresql"), "compare", "target", "resync"),
        (("postgresql", "sqlite", "sqlite"), "cursor", "source", "first load"),
        (("sqlite", "mysql", "sqlite"), "cursor", "exchange", "change"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_its_server_crashes_anywhere(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    chain: tuple[str, ...],
    capture: str,
    role: str,
    act: str,
) -> None:
    """And is there again at once, as `scripts/proof` does it in every combination."""
    block = block_of(chain, "outbound", capture, role, act)
    with (
        closing(Workshop(tmp_path / "workshop", None)) as workshop,  # type: ignore[arg-type]
        closing(Workshop(tmp_path / "fragile", Fragile(request))) as fragile,
    ):
        life = CrashedLife(block, 1, workshop, fragile)
        results = [life.crash_at(hit) for hit in life.chosen(4)]
    assert [finding for result in results for finding in result.findings] == []


# -- sessions ------------------------------------------------------------------------------------


def terminate(world: World, role: str) -> None:
    """Every session with that store, as a DBA would."""
    name = world.stores[role].database
    if world.stores[role].family == "mysql":
        listed = f"SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> "
        for (number,) in world.sql(role, listed + "CONNECTION_ID()"):
            with suppress(MySQLdb.OperationalError):  # it has ended by itself
                world.sql(role, f"KILL CONNECTION {number}")
    else:
        world.sql(
            role,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()",
        )


@pytest.mark.parametrize("retry", [0, 15])
@pytest.mark.parametrize("role", IN_THE_MIDDLE)
@pytest.mark.parametrize("family", ["pg", "maria"])
def test_its_sessions_are_terminated(
    stage: Stage, request: pytest.FixtureRequest, family: str, role: str, retry: int
) -> None:
    world = stage(role, request.getfixturevalue(family))
    world.write(retry=retry)
    arm(at(IN_THE_MIDDLE[role], 1, lambda _: terminate(world, role)))
    if retry:
        world.run_well()
        arm(None)
    else:
        refused(world, role, 3, "connection_lost")
    comes_to_rest(world)


def take_all(taken: ExitStack, connect: Callable[[], Any]) -> None:
    for _ in range(100):
        taken.enter_context(closing(connect()))


@pytest.mark.parametrize("role", ["exchange", "target"])
def test_postgresql_has_no_connection_left(stage: Stage, pg: EmbeddedPostgres, role: str) -> None:
    world = stage(role, pg)
    url = pg.url(scheme="postgresql")
    with ExitStack() as taken:
        with pytest.raises(psycopg.OperationalError, match="too many"):
            take_all(taken, lambda: psycopg.connect(url))
        refused(world, role, 3, "store_full")
    comes_to_rest(world)


def test_mariadb_has_no_connection_left(stage: Stage, maria: MariaDB) -> None:
    world = stage("target", maria)
    with ExitStack() as taken:
        with pytest.raises(MySQLdb.OperationalError, match="Too many"):
            take_all(taken, maria.connect)
        refused(world, "target", 3, "store_full")
    comes_to_rest(world)


# -- locks ---------------------------------------------------------------------------------------


@contextmanager
def holding(world: World, *statements: str) -> Iterator[Any]:
    """Another session at the target, in a transaction of its own that is taken back."""
    rival = world.connect("target")
    cursor = rival.cursor()
    cursor.execute("BEGIN")
    for statement in statements:
        cursor.execute(statement)
    try:
        yield cursor
    finally:
        with suppress(psycopg.Error, MySQLdb.Error):
            cursor.execute("ROLLBACK")


@pytest.mark.parametrize("family", ["pg", "maria"])
def test_a_row_is_locked(stage: Stage, request: pytest.FixtureRequest, family: str) -> None:
    """For longer than the server lets anybody wait."""
    world = stage("target", request.getfixturevalue(family))
    name = world.stores["target"].database
    if family == "pg":
        world.sql("target", f"ALTER DATABASE {name} SET lock_timeout = '300ms'")
    else:
        world.sql("target", "SET GLOBAL innodb_lock_wait_timeout = 1")
    with holding(world, "UPDATE t SET name = 'mine' WHERE id = 1"):
        refused(world, "target", 3, "busy")
    comes_to_rest(world)


def test_a_statement_takes_too_long(stage: Stage, pg: EmbeddedPostgres) -> None:
    world = stage("target", pg)
    world.write({"target": {"statement_timeout": 1}}, retry=0)
    with holding(world, "UPDATE t SET name = 'mine' WHERE id = 1"):
        refused(world, "target", 3, "timeout")
    comes_to_rest(world)


def test_a_deadlock_is_lost(stage: Stage, pg: EmbeddedPostgres) -> None:
    """We hold the position and want a row; who holds the row wants the position, and is patient."""
    world = stage("target", pg)
    waits: list[threading.Thread] = []
    with holding(world, "SET deadlock_timeout = '60s'") as rival:
        rival.execute("UPDATE t SET name = 'mine' WHERE id = 1")

        def want(_: str) -> None:
            def wait() -> None:
                with suppress(psycopg.Error):
                    rival.execute("SELECT * FROM bh_position FOR UPDATE")

            waits.append(threading.Thread(target=wait))
            waits[0].start()
            time.sleep(0.3)

        arm(at("push.locked", 1, want))
        refused(world, "target", 3, "transient")
        waits[0].join(30)
    comes_to_rest(world)


# -- space and rights ----------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "table"), [("exchange", "bh_change_j"), ("target", "t")])
def test_postgresql_is_out_of_space(
    stage: Stage, pg: EmbeddedPostgres, role: str, table: str
) -> None:
    """The table is still empty, and its file lies on the device that is always full."""
    world = stage(role, pg, rows=0)
    (path,) = world.sql(role, "CHECKPOINT", f"SELECT pg_relation_filepath('{table}')")[0]
    file = pg.data / str(path)
    world.close()
    pg.stop()
    aside = file.with_name(f"{file.name}.aside")
    file.rename(aside)
    file.symlink_to("/dev/full")
    pg.start()
    try:
        refused(world, role, 3, "store_full")
    finally:
        world.close()
        pg.stop()
        file.unlink()
        aside.rename(file)
        pg.start()
    assert world.oracle().at_any_moment() == []
    world.run_well()
    assert world.findings() == []
    assert sum(batch["inserted"] for batch in world.batches()) == 2


@pytest.mark.parametrize("role", ["exchange", "target"])
def test_a_file_of_sqlite_may_not_grow(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Page by page, until there is room for all."""
    world = stage(role, None)
    opening = SqliteConnector._open
    room = 0

    def open_small(connector: SqliteConnector) -> sqlite3.Connection:
        opened = opening(connector)
        if connector.endpoint.name == role:
            (pages,) = opened.execute("PRAGMA page_count").fetchone()
            opened.execute(f"PRAGMA max_page_count = {pages + room}")
        return opened

    for room in range(0, 200, 2):
        world.insert(range(1000 + 50 * room, 1050 + 50 * room), name="x" * 200, stamp=world.now)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteConnector, "_open", open_small)
            outcome = world.run()
        if outcome.error is None:
            break
        assert (outcome.exit_code, outcome.error.code) == (3, "store_full"), outcome.error
        assert "free disk space" in outcome.error.remedy
        assert world.oracle().at_any_moment() == []
        world.run_well()
        assert world.findings() == []
        world.close()
    assert room > 2  # so often it was refused
    assert world.findings() == []


def test_mariadb_is_out_of_space(stage: Stage, maria: MariaDB) -> None:
    """Its tablespace may not grow any more; then it is given room."""
    world = stage("target", maria)
    world.sql("target", "CREATE TABLE filler (id int PRIMARY KEY, what longblob) ENGINE=InnoDB")
    size = 1 << 20
    for number in range(200):
        try:
            world.sql("target", f"INSERT INTO filler VALUES ({number}, REPEAT('x', {size}))")
        except MySQLdb.OperationalError:
            size >>= 1
            if size < 1 << 12:
                break
    world.insert(range(1000, 1400), name="x" * 400, stamp=world.now)
    outcome = refused(world, "target", 3, "store_full")
    assert "full" in str(outcome.error)
    world.close()
    maria.stop()
    maria.settings["innodb-data-file-path"] = "ibdata1:12M:autoextend:max:96M"
    maria.start()
    world.run_well()
    assert world.findings() == []


def test_postgresql_is_read_only(stage: Stage, pg: EmbeddedPostgres) -> None:
    world = stage("target", pg)
    name = world.stores["target"].database
    world.sql("target", f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    outcome = refused(world, "target", 4, "missing_right")
    assert "read-only" in str(outcome.error)
    assert said_by_check(world) == ["target: nothing can be written there"]
    with closing(psycopg.connect(pg.url(scheme="postgresql"), autocommit=True)) as admin:
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    comes_to_rest(world)


def test_a_source_has_become_a_replica(stage: Stage, pg: EmbeddedPostgres) -> None:
    """What is still open at its primary cannot be seen there."""
    world = stage("source", pg)
    pg.stop()
    standby = pg.data / "standby.signal"
    standby.touch()
    pg.start()
    try:
        outcome = refused(world, "source", 4, "permanent")
        assert "replica" in str(outcome.error)
    finally:
        pg.stop()
        standby.unlink()
        pg.start()
    comes_to_rest(world)


def test_mariadb_is_read_only(stage: Stage, maria: MariaDB) -> None:
    world = stage("target", maria)
    place = world.stores["target"]
    maria.create_user("bridge", "s3cret", f"ALL ON {place.database}.*")
    world.stores["target"] = replace(place, user="bridge", password=Secret("s3cret"))
    world.write(retry=0)
    maria.sql("SET GLOBAL read_only = ON")
    try:
        outcome = refused(world, "target", 4, "missing_right")
        assert "read-only" in str(outcome.error)
        assert said_by_check(world) == ["target: nothing can be written there"]
        world.stores["target"] = place  # who looks after the server may write all the same
        world.write(retry=0)
        assert said_by_check(world) == []
    finally:
        maria.sql("SET GLOBAL read_only = OFF")
    comes_to_rest(world)
    maria.drop_user("bridge")
