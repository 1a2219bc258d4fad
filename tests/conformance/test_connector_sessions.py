"""Sessions: transactions, snapshots, locks, open work, the clock, and errors."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from connectors.connector import Chunk, Connector
from connectors.dialect import Statement
from connectors.endpoint import Endpoint
from connectors.errors import (
    NAME_TAKEN,
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    LoginRefused,
    MissingObject,
    PermanentError,
    RowRefused,
    StructureMismatch,
    TransientError,
)
from connectors.registry import connect
from connectors.table import Column, Kind, TableName, Type
from tests.conformance.samples import EXTREMES, Line, batch, fetch, load, make, selection_of

if TYPE_CHECKING:
    from tests.conformance.conftest import Another, Row

INTEGER = Type(Kind.INTEGER)
TEXT = Type(Kind.TEXT)
COLUMNS = [("id", INTEGER), ("v", TEXT)]


class _Refused(Exception):
    pass


def test_all_of_a_transaction_or_nothing(store: Connector, another: Another) -> None:
    """Our rows, and what SQLAlchemy does on the same connection."""
    table = make(store, "t", COLUMNS, ["id"])
    insert = text("INSERT INTO t (id, v) VALUES (:id, :v)")
    with store.transaction() as connection:
        connection.execute(insert, {"id": 1, "v": "core"})
        store.load(table.name, table.columns, iter([batch(table.columns, [("2", "bulk")])]))
    assert fetch(another(), selection_of(table)) == [("1", "core"), ("2", "bulk")]

    def refused() -> None:
        with store.transaction() as connection:
            connection.execute(insert, {"id": 3, "v": "core"})
            store.load(table.name, table.columns, iter([batch(table.columns, [("4", "bulk")])]))
            raise _Refused

    with pytest.raises(_Refused):
        refused()
    assert len(fetch(another(), selection_of(table))) == 2
    assert len(fetch(store, selection_of(table))) == 2


def test_a_snapshot_sees_one_state_and_changes_nothing(store: Connector, another: Another) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    load(store, table, [("1", "a")])
    writer = another()
    count = f"SELECT count(*) FROM {store.dialect.table(table.name)}"
    with store.snapshot():
        first = store.value(count)
        load(writer, table, [("2", "b")])
        assert store.value(count) == first == 1
        rows = [row for chunk in store.read(selection_of(table)).part(9) for row in chunk["id"]]
        assert len(rows) == 1

    def change() -> None:
        with store.snapshot():
            store.execute(f"DELETE FROM {store.dialect.table(table.name)}")

    with pytest.raises(BridgeheadError):
        change()
    assert fetch(store, selection_of(table)) == [("1", "a"), ("2", "b")]


def test_what_is_read_is_what_was_described(store: Connector) -> None:
    """A table is described again in the snapshot in which it is read, and so is a query where the
    family can."""
    place = make(store, "t", COLUMNS, ["id"]).name
    table = store.describe(place)
    query = f"SELECT id FROM {store.dialect.table(place)}"
    for read in (table, store.describe_query(query), replace(table, row_estimate=7)):
        with store.snapshot_of(read):
            assert store.value(f"SELECT count(*) FROM ({query}) q") == 0
    store.execute_all([f"DROP TABLE {store.dialect.table(place)}"])
    make(store, "t", [*COLUMNS, ("w", TEXT)], ["id"])
    with pytest.raises(TransientError, match="t was altered"), store.snapshot_of(table):
        pass


def test_temporary_tables_are_empty_each_time(store: Connector, another: Another) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    d = store.dialect
    prepared = d.prepare_stage("bh_x", d.body(table.columns, ["id"]))
    with store.transaction():
        store.execute_all(prepared)
    for _ in range(2):
        with store.transaction():
            for statement in d.temporary("bh_x", d.body(table.columns, ["id"])):
                store.execute(statement)
            chunks = iter([batch(table.columns, [("1", "a")])])
            assert store.load(TableName("bh_x"), table.columns, chunks) == 1
            assert store.value(f"SELECT count(*) FROM {d.quote('bh_x')}") == 1
    assert another().exists(TableName("bh_x")) is bool(prepared)


def test_a_lock_keeps_others_out_until_it_ends(store: Connector, another: Another) -> None:
    rival = another()
    with store.lock("人口 / population", 0.0):
        with pytest.raises(Busy), rival.lock("人口 / population", 0.2):
            pass
        with rival.lock("other", 0.0):
            pass
    with rival.lock("人口 / population", 0.0):
        pass


def test_a_lock_that_ends_takes_no_other_with_it(store: Connector, another: Another) -> None:
    rival = another()
    with store.lock("outer", 0.0):
        with store.lock("inner", 0.0):
            pass
        with rival.lock("inner", 0.0):
            pass
        with pytest.raises(Busy), rival.lock("outer", 0.0):
            pass


def test_a_lock_dies_with_its_session(store: Connector, another: Another) -> None:
    holder, rival = another(), another()
    held = holder.lock("job", 0.0)
    held.__enter__()
    with pytest.raises(Busy), rival.lock("job", 0.0):
        pass
    holder.close()
    with rival.lock("job", 5.0):
        pass
    held.__exit__(None, None, None)


def test_a_lock_is_waited_for(store: Connector, another: Another) -> None:
    rival, taken = another(), []
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        with rival.lock("job", 20.0):
            taken.append(time.monotonic())

    thread = threading.Thread(target=wait)
    with store.lock("job", 0.0):
        thread.start()
        waiting.wait(10)
        time.sleep(0.2)
        released = time.monotonic()
    thread.join(20)
    assert taken
    assert taken[0] >= released


def test_open_work_is_seen_from_its_first_change_to_its_end(
    store: Connector, another: Another
) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    assert store.open_work() == frozenset()
    for ending in ("commit", "rollback"):
        writer = another()
        with writer.connection.begin() as transaction:
            writer.load(table.name, table.columns, iter([batch(table.columns, [("1", "a")])]))
            work = store.open_work()
            assert len(work) == 1
            assert store.open_work() == work
            assert len(store.describe_work(work)) == 1
            transaction.rollback() if ending == "rollback" else transaction.commit()
        assert not work & store.open_work()
        with store.transaction():
            store.execute(f"DELETE FROM {store.dialect.table(table.name)}")
    assert store.open_work() == frozenset()


def test_our_own_transaction_is_no_open_work(store: Connector) -> None:
    make(store, "t", COLUMNS, ["id"])
    assert store.open_work() == frozenset()


def test_the_clock_is_an_instant_in_utc_and_advances(store: Connector) -> None:
    began, apart = datetime.now(UTC), timedelta(milliseconds=50)
    first, second = store.clock(), store.clock()
    assert first.tzinfo is UTC
    assert first <= second
    assert began - apart < first  # one machine, one clock
    assert second < datetime.now(UTC) + apart
    assert ZoneInfo(store.timezone())
    assert isinstance(store.settings_problem(), str | None)


def test_two_names_of_one_table_are_known_as_one(
    family: Row, store: Connector, another: Another
) -> None:
    make(store, "t", COLUMNS, ["id"])
    make(store, "u", COLUMNS, ["id"])
    assert store.identity(TableName("t")) == another().identity(TableName("t"))
    assert store.identity(TableName("t")) != store.identity(TableName("u"))
    folded = store.identity(TableName("t")) == store.identity(TableName("T"))
    assert folded is family.is_file  # SQLite's names have no case


def test_a_closed_session_may_be_closed_again(another: Another) -> None:
    session = another()
    session.close()
    session.close()


def test_the_system_is_told_to_notice_a_peer_that_is_gone(family: Row, store: Connector) -> None:
    descriptor = store._descriptor()
    assert (descriptor is None) is family.is_file
    if descriptor is not None:
        with socket.socket(fileno=os.dup(descriptor)) as end:
            told = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert (told, bool(end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))) == (
                60_000,
                True,
            )


# -- errors ------------------------------------------------------------------------------------


def test_what_is_missing_is_named(store: Connector) -> None:
    make(store, "t", COLUMNS, ["id"])
    for sql in (
        "SELECT * FROM nowhere",
        "SELECT absent FROM t",
        "INSERT INTO t (absent) VALUES (1)",
    ):
        with pytest.raises(MissingObject) as error, store.transaction():
            store.execute(sql)
        assert any(name in error.value.message for name in ("nowhere", "absent"))
        assert error.value.remedy
        assert store.endpoint.name in str(error.value)
    with pytest.raises(MissingObject):
        _missing_in_core(store)


def _missing_in_core(store: Connector) -> None:
    with store.transaction() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


def test_a_name_that_is_taken_has_a_remedy_that_leads_out(store: Connector, family: Row) -> None:
    """By a table; by an index, where tables and indexes have their names in common."""
    table = make(store, "t", COLUMNS, ["id"])
    with store.transaction():
        store.execute(f"CREATE INDEX taken ON t ({store.dialect.quote('id')})")
    in_common = (family.speaks or family.name) != "mysql"
    for name in ("t", *(["taken"] if in_common else [])):
        with pytest.raises(StructureMismatch) as error, store.transaction():
            store.execute(f"CREATE TABLE {name} (id INTEGER)")
        assert error.value.remedy == NAME_TAKEN
    assert fetch(store, selection_of(table)) == []


def test_a_missing_column_is_never_a_constant(store: Connector) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    load(store, table, [("1", "a")])
    gone = replace(table, columns=(*table.columns, Column("gone", TEXT)))
    with pytest.raises(MissingObject):
        fetch(store, selection_of(gone))


def test_a_repeated_key_is_a_mismatch_and_says_no_value(store: Connector) -> None:
    table = make(store, "t", [("id", TEXT), ("v", TEXT)], ["id"])
    secret = "11010519491231002X"
    with pytest.raises(StructureMismatch) as error:
        load(store, table, [(secret, "a"), ("b", "b"), (secret, "c")])
    assert secret not in str(error.value)
    assert fetch(store, selection_of(table)) == []


def test_a_null_key_is_refused(store: Connector) -> None:
    for name in ("text", "integer(64)", "decimal(38,10)", "date"):
        table = make(store, f"t {name}", [("id", EXTREMES[name][0]), ("v", TEXT)], ["id"])
        lines: list[Line] = [(EXTREMES[name][1][0], "a"), (None, "b")]
        with pytest.raises(RowRefused):
            load(store, table, lines)
        assert fetch(store, selection_of(table)) == []


def test_a_refused_row_says_no_value(store: Connector) -> None:
    d = store.dialect
    secret = "张三 13800138000"
    with store.transaction():
        store.execute(
            f"CREATE TABLE {d.quote('t')} (id INTEGER NOT NULL PRIMARY KEY, v VARCHAR(99), "
            "CONSTRAINT short CHECK (length(v) < 3))"
        )
    table = store.describe(TableName("t"))
    with pytest.raises(RowRefused) as error:
        load(store, table, [("1", "ab"), ("2", secret)])
    assert secret not in str(error.value)
    assert fetch(store, selection_of(table)) == []


# What a trigger of a store's owner refuses, with words and a code of its own choice.
TRIGGERS = {
    "sqlite": ("CREATE TRIGGER refuse BEFORE INSERT ON t BEGIN\nSELECT RAISE(ABORT, {}); END",),
    "postgresql": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "RAISE EXCEPTION USING ERRCODE = NEW.code, MESSAGE = {}; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
    "mysql": (
        "CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW BEGIN\n"
        "DECLARE number INT DEFAULT NEW.code;\n"
        "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = number, MESSAGE_TEXT = {}; END",
    ),
}
CODES = {
    "sqlite": "any",
    "postgresql": "P0001 ZZ001 22000 23505 25006 28000 3D000 3F000 40001 42000 42501 42601 42703 "
    "42P01 42P07 42S02 53100 55P03 57014 XX000",
    "mysql": "1644 1005 1021 1045 1050 1054 1062 1064 1105 1114 1118 1142 1146 1205 1213 1227 1290 "
    "1317 1366 1399 1452 2013 4025 30001",
}


def test_a_trigger_is_not_repeated_whatever_code_it_chooses(family: Row, store: Connector) -> None:
    spoken = family.speaks or family.name
    spoken = spoken if spoken in TRIGGERS else "postgresql"
    table = make(store, "t", [("code", TEXT), ("v", TEXT)], ["code"])
    secret = "11010519491231002X"
    with store.definition():
        for statement in TRIGGERS[spoken]:
            store.execute(statement.format(f"'row-level security, key ''{secret}'' \"{secret}\"'"))
    for code in CODES[spoken].split():
        with pytest.raises(BridgeheadError) as error:
            load(store, table, [(code, secret)])
        assert secret not in str(error.value), code


def test_a_table_that_exists_is_a_mismatch(store: Connector) -> None:
    make(store, "t", COLUMNS, ["id"])
    with pytest.raises(StructureMismatch):
        make(store, "t", COLUMNS, ["id"])


def test_a_wrong_endpoint_says_what_is_wrong(place: Endpoint, family: Row) -> None:
    for changes, expected in family.wrong:
        with pytest.raises(BridgeheadError) as error:
            connect(replace(place, options={}, **changes))
        assert type(error.value).__name__ == expected, error.value
        assert place.name in str(error.value)
        if place.password:
            assert place.password.reveal() not in str(error.value)


def test_no_session_goes_without_the_tls_that_was_asked_for(place: Endpoint, family: Row) -> None:
    for asked in family.tls:
        with pytest.raises((LoginRefused, ConfigurationError)) as error:
            connect(replace(place, tls=asked))
        assert "tls" in str(error.value)


def test_what_no_driver_takes_is_told_as_that(place: Endpoint, family: Row) -> None:
    for changes in family.unknown:
        with pytest.raises(ConfigurationError, match="check the endpoint's tls and options"):
            connect(replace(place, **changes))


def test_a_session_goes_on_after_an_error(store: Connector) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    with pytest.raises(PermanentError):
        load(store, table, [("1", "a"), ("1", "b")])
    load(store, table, [("1", "a")])
    with pytest.raises(BridgeheadError), store.snapshot():
        store.execute("SELECT absent FROM t")
    load(store, table, [("2", "b")])
    assert fetch(store, selection_of(table)) == [("1", "a"), ("2", "b")]


def test_a_connection_that_is_closed_beneath_the_session_is_lost(store: Connector) -> None:
    """A run goes on over a new one."""
    store.driver.close()
    with pytest.raises(ConnectionLost), store.transaction():
        store.value("SELECT 1")


def test_an_error_of_the_store_whose_rows_are_loaded_stays_its_own(
    store: Connector, another: Another
) -> None:
    """Whoever runs again must know which store to wait for; and no part of the rows is kept."""
    table = make(store, "t", COLUMNS, ["id"])
    lost = ConnectionLost("the connection broke", endpoint="other")

    def rows() -> Iterator[Chunk]:
        yield batch(table.columns, [(str(number), "x" * 100) for number in range(2000)])
        raise lost

    with pytest.raises(ConnectionLost) as caught, store.transaction():
        store.load(table.name, table.columns, rows())
    assert caught.value is lost
    assert fetch(another(), selection_of(table)) == []
    assert load(store, table, [("1", "a")]) == 1


def test_an_error_while_rows_are_read_is_ours(store: Connector) -> None:
    """Only the family can say which: the session is closed under the stream."""
    table = make(store, "t", COLUMNS, ["id"])
    load(store, table, [(str(number), "x" * 500) for number in range(20_000)])
    breaking: Callable[[], None] = store.driver.close

    def read() -> None:
        with store.snapshot():
            stream = store.read(selection_of(table))
            next(stream.part(10))
            breaking()
            for _ in stream.part(20_000):
                pass

    with pytest.raises(BridgeheadError) as error:
        read()
    assert isinstance(error.value, ConnectionLost)


def test_values_are_bound_and_never_spliced(store: Connector) -> None:
    table = make(store, "t", COLUMNS, ["id"])
    load(store, table, [("1", "x'; DROP TABLE t; --")])
    d = store.dialect
    condition = f"WHERE {d.quote('v')} = {d.placeholder}"
    query = Statement(
        f"SELECT count(*)\nFROM {d.table(table.name)}\n{condition}", ("x'; DROP TABLE t; --",)
    )
    with store.transaction():
        assert store.value(query) == 1


@pytest.mark.parametrize("inner", ["postgresql", "mysql", "sqlite"])
def test_an_error_is_of_the_session_that_had_it(
    store: Connector, database: Callable[..., Endpoint], inner: str
) -> None:
    """Also inside a transaction of another, whose driver may be the same or know no such error."""
    options = {"create": "true"} if inner == "sqlite" else {}
    other = connect(database(inner, options=options))
    with other, pytest.raises(MissingObject) as error, store.transaction(), other.transaction():
        store.connection.exec_driver_sql("SELECT * FROM nowhere")
    assert store.endpoint.name in str(error.value)
