"""A server that says nothing any more: no wait for it lasts longer than its limit, and the session
that was given up leaves nothing behind. And a line that ends: nothing is told as committed that is
not, and no rows as all that are not, whichever way they go."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from sqlalchemy import text

from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import ConnectionLost, RowRefused, Unreachable
from connectors.registry import connect
from connectors.table import Kind, Table, Type
from tests.conformance.conftest import MATRIX, Row
from tests.conformance.samples import batch, load, make, selection_of
from tests.scenario.proxy import Lines, Proxy, Way, apart

LIMIT = 1.0
SLACK = 4.0  # of a slow machine; without a limit nothing would end at all
CRASHING = ("MariaDB Unicode",)
"""Version 3.1.15 of the driver ends the process if its connection is lost as a session begins."""
NEW_ROWS = [(str(number), "x" * 200) for number in range(2000, 9000)]
ROWS = [(str(number), "x" * 200) for number in range(2000)]
_STEP_BYTES = 3
_COMMIT_BYTES = 20  # of the last statement alone, and more
_FEW = 500
_PLACES = 17
_NEVER = 1 << 30
COLUMNS = [("id", Type(Kind.INTEGER)), ("name", Type(Kind.TEXT))]


@pytest.fixture(params=[row for row in MATRIX if not row.is_file], ids=lambda row: row.name)
def family(request: pytest.FixtureRequest) -> Row:
    """A file does not fall silent."""
    row: Row = request.param
    return row


@pytest.fixture(scope="module")
def lines() -> Iterator[Lines]:
    with apart() as lines:
        yield lines


@pytest.fixture
def line(place: Endpoint, lines: Lines) -> Iterator[Proxy]:
    proxy = lines(place)
    yield proxy
    proxy.cut()


@pytest.fixture
def table(store: Connector) -> Table:
    made = make(store, "t", COLUMNS, ["id"])
    load(store, made, ROWS)
    return made


def over(line: Proxy, place: Endpoint, connect: float = 10.0, silence: float = LIMIT) -> Endpoint:
    limited = replace(place, connect_timeout=connect, silence_timeout=silence)
    return replace(limited, host="127.0.0.1", port=line.at())


@contextmanager
def ended_in_time(
    error: type[Exception] = ConnectionLost,
) -> Iterator[pytest.ExceptionInfo[Exception]]:
    before = time.monotonic()
    with pytest.raises(error) as raised:
        yield raised
    took = time.monotonic() - before
    assert LIMIT * 0.9 <= took < LIMIT + SLACK
    assert raised.value.exit_code == 3  # type: ignore[attr-defined]
    assert raised.value.remedy  # type: ignore[attr-defined]


def answer(store: Connector, line: Proxy, table: Table) -> None:
    with store.transaction():
        line.trap("back", 0, "stall")
        store.value("SELECT 1")


def read(store: Connector, line: Proxy, table: Table) -> None:
    with store.snapshot():
        line.trap("back", 100_000, "stall")
        for _ in store.read(selection_of(table)).part(len(ROWS)):
            pass


def half_read(
    store: Connector, line: Proxy, table: Table, refused: Exception | None = None
) -> None:
    """The reader has had enough, as where another store has `refused`, and the server cannot be
    told."""
    with store.snapshot():
        next(store.read(selection_of(table)).part(1))
        line.stall()
        if refused is not None:
            raise refused


def fill(store: Connector, line: Proxy, table: Table) -> None:
    with store.transaction():
        store.execute(f"DELETE FROM {store.dialect.table(table.name)}")
        line.trap("there", 100_000, "stall")
        chunks = iter([batch(table.columns, ROWS)])
        store.load(table.name, table.columns, chunks)


def commit(store: Connector, line: Proxy, table: Table) -> None:
    with store.transaction():
        store.execute(f"DELETE FROM {store.dialect.table(table.name)} WHERE id < 10")
        line.trap("back", 0, "stall")


# psycopg leaves a server's cursor that could not be closed to the garbage collector.
leaving_cursors = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@leaving_cursors
def test_a_reader_that_has_had_enough_is_not_held(
    place: Endpoint, store: Connector, table: Table, line: Proxy
) -> None:
    """Whether it learns of the silence is the driver's matter."""
    before = time.monotonic()
    with connect(over(line, place)) as session, suppress(ConnectionLost):
        half_read(session, line, table)
    assert time.monotonic() - before < LIMIT + SLACK
    del session
    gc.collect()  # here, and not in whichever test comes next


@leaving_cursors
def test_what_another_store_has_refused_meanwhile_is_told(
    place: Endpoint, store: Connector, table: Table, line: Proxy
) -> None:
    refused = RowRefused("the store refused a row", endpoint="another")
    with connect(over(line, place)) as session, pytest.raises(RowRefused) as raised:
        half_read(session, line, table, refused)
    assert raised.value is refused
    del session, raised
    gc.collect()  # here, and not in whichever test comes next


Act = Callable[[Connector, Proxy, Table], None]


@pytest.mark.parametrize("act", [answer, read, fill, commit], ids=lambda act: act.__name__)
def test_a_silent_server_is_given_up(
    place: Endpoint, store: Connector, table: Table, line: Proxy, act: Act
) -> None:
    with connect(over(line, place)) as session:
        with ended_in_time() as raised:
            act(session, line, table)
        before = time.monotonic()
    assert f"no answer within {LIMIT:g} s" in str(raised.value)
    assert time.monotonic() - before < LIMIT / 2  # what was given up is not waited for again
    rows = store.value(f"SELECT count(*) FROM {store.dialect.table(table.name)}")
    assert rows == (len(ROWS) - 10 if act is commit else len(ROWS))


@pytest.mark.parametrize("known", [False, True], ids=["for the first time", "again"])
def test_silence_while_connecting(place: Endpoint, line: Proxy, lines: Lines, known: bool) -> None:
    """At any point of it: of the handshake, the login, what a server is asked that nobody has asked
    yet, and the settings of the session."""
    if known:
        connect(over(line, place)).close()
    clean = line if known else lines(place)
    before = clean.passed("back")
    connect(over(clean, place)).close()
    total = clean.passed("back") - before
    for share in (0.0, 0.1) if place.driver in CRASHING else (0.0, 0.4, 0.9):
        line.mend()
        line.trap("back", int(total * share), "stall")
        with ended_in_time(Unreachable):
            connect(over(line, place, LIMIT, 3600.0))
        assert line.sprung()


def test_a_slow_server_is_not_a_silent_one(place: Endpoint, table: Table, line: Proxy) -> None:
    with connect(over(line, place)) as session, session.snapshot():
        line.slow(200_000)
        before = time.monotonic()
        parts = session.read(selection_of(table)).part(len(ROWS))
        assert sum(len(part) for part in parts) == len(ROWS)
    assert time.monotonic() - before > LIMIT


def rows_counted(store: Connector, table: Table) -> None:
    with store.transaction():
        store.value(f"SELECT count(*) FROM {store.dialect.table(table.name)}")


def rows_read(store: Connector, table: Table) -> None:
    with store.snapshot():
        for _ in store.read(selection_of(table)).part(len(ROWS)):
            pass


def rows_filled(store: Connector, table: Table) -> None:
    with store.transaction():
        store.load(table.name, table.columns, iter([batch(table.columns, NEW_ROWS)]))


@pytest.mark.parametrize("act", [rows_counted, rows_read, rows_filled], ids=lambda a: a.__name__)
def test_a_server_that_trickles_is_given_up_when_its_session_is_over(
    place: Endpoint,
    store: Connector,
    table: Table,
    line: Proxy,
    act: Callable[[Connector, Table], None],
) -> None:
    """A byte every half second: never silent, and never done."""
    limited = replace(over(line, place), silence_timeout=3600.0, session_timeout=LIMIT)
    with ended_in_time() as told, connect(limited) as session:
        line.slow(2)
        act(session, table)
    assert "the session was ended after 1 s" in str(told.value)
    assert store.value(f"SELECT count(*) FROM {store.dialect.table(table.name)}") == len(ROWS)


def test_no_traceback_tells_of_a_session_that_broke(
    place: Endpoint, line: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    session = connect(over(line, place))
    line.drop()
    session.close()
    assert [record.name for record in caplog.records if record.exc_info] == []


def test_what_is_told_as_committed_is(
    place: Endpoint, store: Connector, table: Table, line: Proxy
) -> None:
    """A driver may let a statement go after it, and keep to itself that nobody was there."""
    at = 0
    there = over(line, place, silence=3600.0)
    while not told_as_committed(there, line, table, at):
        assert line.sprung(), f"before byte {at}"
        line.mend()
        at += _STEP_BYTES
    changed = f"SELECT name FROM {store.dialect.table(table.name)} WHERE id = 1"
    assert store.value(changed) == str(at), f"before byte {at}"
    assert at > _COMMIT_BYTES


def in_portions(session: Connector, table: Table) -> int:
    return sum(len(part) for part in session.read(selection_of(table)).part(2 * len(ROWS)))


def at_once(session: Connector, table: Table) -> int:
    return len(session.rows(f"SELECT * FROM {session.dialect.table(table.name)}"))


@leaving_cursors
@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize("taken", [in_portions, at_once], ids=lambda taken: taken.__name__)
def test_rows_come_whole_or_not(
    place: Endpoint,
    table: Table,
    line: Proxy,
    taken: Callable[[Connector, Table], int],
    way: Way,
) -> None:
    """A driver may take what has come for all there is, or end the process."""
    there = over(line, place, silence=3600.0)

    def rows_told(at: int) -> int | None:
        with suppress(ConnectionLost), connect(there) as session, session.snapshot():
            line.trap(way, at, "drop")
            return taken(session, table)
        return None

    assert rows_told(_NEVER) == len(ROWS)
    total = line.passed(way)
    told = []
    for at in range(0, total, max(1, total // _PLACES)):
        line.mend()
        told.append(rows_told(at))
    gc.collect()
    assert set(told) <= {None, len(ROWS)}
    assert told.count(None) >= len(told) // 2


@pytest.mark.parametrize("way", ["there", "back"])
def test_rows_go_whole_or_not(
    place: Endpoint, store: Connector, table: Table, line: Proxy, way: Way
) -> None:
    there, name = over(line, place, silence=3600.0), store.dialect.table(table.name)

    def told(at: int) -> bool:
        rows = [(number, str(at)) for number, _ in ROWS[:_FEW]]
        with suppress(ConnectionLost), connect(there) as session:
            with session.transaction():
                line.trap(way, at, "drop")
                session.execute(f"DELETE FROM {name}")
                session.load(table.name, table.columns, iter([batch(table.columns, rows)]))
            return True
        return False

    assert told(_NEVER)
    total, lost = line.passed(way), 0
    for at in range(0, total, max(1, total // _PLACES)):
        line.mend()
        was_told = told(at)
        lost += not was_told
        ((count, first, last),) = store.rows(f"SELECT count(*), min(name), max(name) FROM {name}")
        assert (count, first) == (_FEW, last)
        assert first == str(at) or not was_told
    assert lost >= _PLACES // 2


def told_as_committed(there: Endpoint, line: Proxy, table: Table, at: int) -> bool:
    """Changes a row to `at`, over a line that ends before that byte."""
    change = text(f"UPDATE {table.name.name} SET name = :now WHERE id = :id")
    try:
        with connect(there) as session:
            with session.transaction() as connection:
                line.trap("there", at, "drop")
                connection.execute(change, {"now": str(at), "id": 1})
            return True
    except ConnectionLost:
        return False
