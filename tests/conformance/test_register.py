"""The demo's registers in a real PostgreSQL: what `change` reports is what has changed."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bridge.demo.postgres import EmbeddedPostgres
from bridge.demo.register import DAY, Changes, change, create, load

Connection = psycopg.Connection[tuple[object, ...]]
Rows = dict[object, tuple[object, ...]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    settings = {"fsync": "off", "shared_buffers": "32MB"}
    with EmbeddedPostgres(tmp_path_factory.mktemp("server"), settings=settings) as started:
        yield started


@pytest.fixture
def connection(server: EmbeddedPostgres) -> Iterator[Connection]:
    server.drop_database("business")
    server.create_database("business")
    with psycopg.connect(server.url("business", "postgresql")) as opened:
        create(opened)
        yield opened


def _rows(connection: Connection, table: str) -> Rows:
    return {row[0]: row for row in connection.execute(f"SELECT * FROM {table}").fetchall()}


def _difference(before: Rows, after: Rows) -> Changes:
    kept = before.keys() & after.keys()
    updated = sum(before[key] != after[key] for key in kept)
    return Changes(len(after.keys() - kept), updated, len(before.keys() - kept))


def test_fifty_thousand_rows_are_loaded_as_they_were_made(connection: Connection) -> None:
    assert load(connection) == {"population": 40_000, "enterprise": 10_000}
    count = "SELECT (SELECT count(*) FROM population), (SELECT count(*) FROM enterprise)"
    assert connection.execute(count).fetchone() == (40_000, 10_000)
    longest = "SELECT count(*) FROM population WHERE remark ~ '\t|\n' OR name LIKE '%𠮷%'"
    found = connection.execute(longest).fetchone()
    assert found is not None
    assert found != (0,)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_changes_exactly_what_it_says(connection: Connection, seed: int) -> None:
    load(connection, people=4000, companies=1000)
    before = {table: _rows(connection, table) for table in DAY}
    assert change(connection, seed) == DAY
    for table, wanted in DAY.items():
        assert _difference(before[table], _rows(connection, table)) == wanted


def test_days_follow_each_other(connection: Connection) -> None:
    load(connection, people=4000, companies=1000)
    for seed in range(3):
        assert change(connection, seed) == DAY
    assert len(_rows(connection, "population")) == 4000 + 3 * 300


def test_the_database_stamps_what_changes(connection: Connection) -> None:
    load(connection, people=4000, companies=1000)
    began = connection.execute("SELECT clock_timestamp()").fetchone()
    connection.commit()
    change(connection, 5)
    stamped = "SELECT count(*) FROM population WHERE updated_at >= %s"
    assert connection.execute(stamped, began).fetchone() == (1800,)


def test_every_table_and_column_says_in_chinese_what_it_is(connection: Connection) -> None:
    silent = """
        SELECT attrelid::regclass, attname FROM pg_attribute
        WHERE attrelid IN ('population'::regclass, 'enterprise'::regclass) AND attnum > 0
        AND coalesce(col_description(attrelid, attnum), '') !~ '[一-龥]'
    """
    assert connection.execute(silent).fetchall() == []
