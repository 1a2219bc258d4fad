"""What each family tells of itself beyond what a run needs."""

from __future__ import annotations

import shutil

import pytest

from connectors.connector import Connector
from connectors.selection import relation
from connectors.table import Index, Table, TableName
from connectors.telling import Stamping, is_on_this_machine
from tests.conformance.conftest import Row

STAMPS = {
    "sqlite": (
        "CREATE TABLE t (id integer PRIMARY KEY, a varchar(9) NOT NULL, b varchar(9), "
        "own timestamp, not_bare timestamp, half timestamp DEFAULT CURRENT_TIMESTAMP, "
        "bare timestamp DEFAULT '2024-01-01')",
        "CREATE TRIGGER made AFTER INSERT ON t BEGIN\n"
        "UPDATE t SET own = strftime('%Y-%m-%d', 'now'), not_bare = 'now' WHERE id = NEW.id; END",
        "CREATE TRIGGER kept AFTER UPDATE ON t FOR EACH ROW BEGIN\n"
        "UPDATE t SET own = 'now', not_bare = 'now' WHERE id = NEW.id; END",
        "CREATE TRIGGER picky AFTER UPDATE OF a ON t BEGIN\n"
        "UPDATE t SET bare = 'now' WHERE id = NEW.id; END",
    ),
    "postgresql": (
        "CREATE TABLE t (id integer PRIMARY KEY, a varchar(9) NOT NULL, b varchar(9), "
        "own timestamptz, not_bare timestamptz, half timestamptz DEFAULT now(), "
        "bare timestamptz DEFAULT '2024-01-01 00:00:00+00')",
        "CREATE FUNCTION own_stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        'NEW."own" := now(); NEW.not_bare := now(); RETURN NEW; END $$',
        "CREATE TRIGGER made BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION own_stamp()",
        "CREATE TRIGGER kept BEFORE UPDATE ON t FOR EACH ROW "
        "WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION own_stamp()",
        "CREATE FUNCTION bare_stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "NEW.bare = now(); RETURN NEW; END $$",
        "CREATE TRIGGER picky BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION bare_stamp()",
        "CREATE TRIGGER few BEFORE UPDATE ON t FOR EACH ROW "
        "WHEN (NEW.id > 7) EXECUTE FUNCTION bare_stamp()",
        "CREATE TRIGGER late AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION bare_stamp()",
        # of the contrib module spi, which this build lacks
        "CREATE FUNCTION moddatetime() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "RETURN NEW; END $$",
        "CREATE TRIGGER aged BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION moddatetime(own)",
        "CREATE TRIGGER off BEFORE INSERT OR UPDATE ON t FOR EACH ROW "
        "EXECUTE FUNCTION bare_stamp()",
        "ALTER TABLE t DISABLE TRIGGER off",
    ),
    "mysql": (
        "CREATE TABLE t (id integer PRIMARY KEY, a varchar(9) NOT NULL, b varchar(9), "
        "own datetime(6), not_bare datetime(6), half datetime(6) DEFAULT CURRENT_TIMESTAMP(6) "
        "ON UPDATE CURRENT_TIMESTAMP(6), bare datetime(6) DEFAULT '2024-01-01')",
        "CREATE TRIGGER made BEFORE INSERT ON t FOR EACH ROW\n"
        "SET NEW.own = NOW(6), NEW.not_bare = NOW(6)",
        "CREATE TRIGGER kept BEFORE UPDATE ON t FOR EACH ROW\n"
        "SET NEW.`own` = NOW(6), NEW.not_bare = NOW(6)",
        "CREATE TRIGGER late AFTER UPDATE ON t FOR EACH ROW SET @bare = NOW(6)",
    ),
}
INDEXES = ("CREATE UNIQUE INDEX ab ON t (a, b)", "CREATE INDEX ba ON t (b, a)")


def family_of(family: Row) -> str:
    return family.speaks or family.name


@pytest.fixture
def table(family: Row, store: Connector) -> Table:
    for statement in (*STAMPS[family_of(family)], *INDEXES):
        with store.transaction():
            percent = "%%" if store.dialect.placeholder == "%s" else "%"
            store.execute(statement.replace("%", percent))
    return store.describe(store.resolve(TableName("t")))


def test_indexes_are_described_with_their_columns_in_order(table: Table) -> None:
    own = {index.name: index for index in table.indexes}
    assert own["ab"] == Index("ab", ("a", "b"), unique=True)
    assert own["ba"] == Index("ba", ("b", "a"))
    assert {index.columns[0] for index in table.indexes} | {"id"} == table.indexed
    assert table.unique == ()  # b may be NULL


def test_who_writes_a_column_is_seen(family: Row, store: Connector, table: Table) -> None:
    own = store.stamping(table, "own")
    assert own == Stamping("trigger made", "trigger kept")
    half = store.stamping(table, "half")
    assert half is not None
    assert str(half.inserted).startswith("default ")
    if family_of(family) == "mysql":
        assert str(half.updated).startswith("ON UPDATE CURRENT_TIMESTAMP")
    else:
        assert half.updated is None
    assert store.stamping(table, "bare") == Stamping(None, None)


def test_rows_are_estimated_also_behind_views_and_queries(
    family: Row, store: Connector, table: Table
) -> None:
    with store.transaction():
        numbers = ", ".join(f"({n}, 'a{n}', 'b')" for n in range(1000))
        store.execute(f"INSERT INTO t (id, a, b) VALUES {numbers}")
        store.execute("CREATE VIEW v AS SELECT id, a FROM t")
    if family_of(family) == "postgresql":
        with store.transaction():
            store.execute("ANALYZE t")
    for found in (
        store.describe(store.resolve(TableName("t"))),
        store.describe(store.resolve(TableName("v"))),
        store.describe_query("SELECT id FROM t WHERE a <> '%'"),
    ):
        estimate = store.estimate_rows(found)
        with store.transaction():
            counted = int(store.value(f"SELECT count(*) FROM {relation(store.dialect, found)}"))
        assert counted == 1000
        assert estimate is None or 500 <= estimate <= 2000
        assert estimate is not None or family_of(family) != "postgresql"


def test_free_room_is_that_of_the_disk_or_the_reason_why_not(store: Connector) -> None:
    room = store.room()
    if room.free_bytes is None:
        assert room.why
    else:
        assert 0 < room.free_bytes <= shutil.disk_usage(room.place).total


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", None, "/run/postgresql"])
def test_a_server_on_this_machine_can_be_looked_at(host: str | None) -> None:
    assert is_on_this_machine(host)


@pytest.mark.parametrize("host", ["10.1.1.5", "db.example"])
def test_a_server_elsewhere_cannot(host: str) -> None:
    assert not is_on_this_machine(host)
