"""What is PostgreSQL's alone, and its versions'."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.canonical import Digest, canonical_line
from connectors.dialect import EVERYTHING, Statement
from connectors.endpoint import Endpoint
from connectors.errors import LoginRefused
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.dialect import Postgresql18Dialect, PostgresqlDialect
from connectors.registry import connect
from connectors.selection import Format
from connectors.table import Kind, Type
from tests.conformance.samples import load, make, selection_of


def test_every_version_computes_the_same_digest(database: Callable[..., Endpoint]) -> None:
    lines = [(str(number), f"{number} 桥") for number in range(500)]
    columns = [("id", Type(Kind.INTEGER)), ("v", Type(Kind.TEXT))]
    with PostgresqlConnector(database()) as store:
        table = make(store, "t", columns, ["id"])
        load(store, table, lines)
        expected = Digest.of_lines(canonical_line(line) for line in lines)
        for dialect in (PostgresqlDialect(), Postgresql18Dialect()):
            store.dialect = dialect
            with store.transaction():
                query = dialect.range_lines(
                    table.name, table.columns, [table.columns[0]], EVERYTHING
                )
                assert store.digest_all(query) == (500, expected)


def test_prepared_work_is_open_until_it_ends(database: Callable[..., Endpoint]) -> None:
    """PREPARE turns a session's work into that of nobody; its rows are still to come."""
    with PostgresqlConnector(database()) as store, PostgresqlConnector(store.endpoint) as writer:
        make(store, "t", [("id", Type(Kind.INTEGER))], ["id"])
        gid = f"late {store.endpoint.database}"
        writer.driver.autocommit = True
        writer.driver.execute("BEGIN")
        writer.driver.execute("INSERT INTO t VALUES (1)")
        (running,) = store.open_work()
        assert running.startswith("vxid ")
        writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
        try:
            assert store.open_work() == {f"prepared {gid}"}
            assert store.heirs(frozenset({running}), store.open_work()) == {f"prepared {gid}"}
        finally:
            writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")
        assert store.open_work() == frozenset()


def test_work_that_is_prepared_between_two_readings_is_seen(
    database: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one reading or the other; the other way round, in neither."""
    with PostgresqlConnector(database()) as store, PostgresqlConnector(store.endpoint) as writer:
        gid = f"between {store.endpoint.database}"
        read, asked = store.rows, []

        def then_prepare(query: str | Statement) -> list[tuple[Any, ...]]:
            found = read(query)
            asked.append(str(query))
            if "pg_locks" in asked[-1] or "pg_prepared_xacts" in asked[-1]:
                monkeypatch.setattr(store, "rows", read)
                writer.driver.execute(f"PREPARE TRANSACTION '{gid}'")
            return found

        writer.driver.autocommit = True
        writer.driver.execute("CREATE TABLE t (id integer)")
        writer.driver.execute("BEGIN")
        writer.driver.execute("INSERT INTO t VALUES (1)")
        monkeypatch.setattr(store, "rows", then_prepare)
        try:
            assert store.open_work()
        finally:
            writer.driver.execute(f"ROLLBACK PREPARED '{gid}'")
        assert asked


@pytest.mark.parametrize("family", ["postgresql", "opengauss", "kingbase", "odbc-postgresql"])
def test_a_login_that_failed_leaves_nobody_at_the_door(
    database: Callable[..., Endpoint], family: str
) -> None:
    """A server that waits for a login waits a minute, and no database can be dropped meanwhile."""
    place = database(family)
    with pytest.raises(LoginRefused) as error:
        connect(replace(place, password=None))
    with PostgresqlConnector(database()) as store:
        deadline = time.monotonic() + 10
        while (waiting := _at_the_door(store)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert error.tb is not None  # what it refers to is still there
    assert waiting == 0


def _at_the_door(store: PostgresqlConnector) -> int:
    """A transaction of its own: within one the server tells what it told at first."""
    with store.transaction():
        found = store.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'starting'")
    return int(found)


@pytest.mark.parametrize("format", [Format.PGCOPY, Format.CSV, Format.ARROW])
def test_wide_rows_come_a_few_at_once(database: Callable[..., Endpoint], format: Format) -> None:
    wide = 1 << 20
    with PostgresqlConnector(database()) as store:
        table = make(store, "t", [("id", Type(Kind.INTEGER)), ("v", Type(Kind.TEXT))], ["id"])
        with store.transaction():
            store.execute(
                f"INSERT INTO t SELECT n, repeat('x', {wide}) FROM generate_series(1, 50) n"
            )
        with store.snapshot():
            chunks = list(store.read(selection_of(table), format).part(50))
    sizes = [chunk.num_rows if format is Format.ARROW else len(chunk) for chunk in chunks]
    assert sum(sizes) == 50
    assert sizes[0] <= 20
    assert max(sizes[1:]) <= 5


@pytest.mark.parametrize("family", ["postgresql", "opengauss", "kingbase", "odbc-postgresql"])
def test_a_server_does_not_keep_a_session_whose_agent_is_gone(
    database: Callable[..., Endpoint], family: str
) -> None:
    """An agent that lost its power says no goodbye; its locks would be held for hours."""
    with connect(database(family)) as store:
        told = [
            store.value(f"SHOW tcp_keepalives_{what}") for what in ("idle", "interval", "count")
        ]
    assert [int(str(seconds).rstrip("s")) for seconds in told] == [30, 10, 3]
