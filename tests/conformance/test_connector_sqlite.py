"""SQLite files that others wrote: any value in any column, stamps in any spelling."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.canonical import UNREADABLE, Digest, canonical_line
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, KeyRange
from connectors.endpoint import Endpoint
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    MissingRight,
    PermanentError,
    RowRefused,
    StatementTimeout,
    StoreFull,
    Unreachable,
)
from connectors.registry import connect
from connectors.selection import Span
from connectors.sqlite.connector import SqliteConnector
from connectors.sqlite.values import compare_decimals
from connectors.table import Kind, TableName, Type
from tests.conformance.samples import Line, fetch, selection_of

Opened = Callable[..., Connector]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "业务 库#1?.db"


@pytest.fixture
def opened(file: Path) -> Opened:
    """A session with a file that these statements have made."""

    def open_file(*statements: str | tuple[str, Sequence[object]]) -> Connector:
        raw = sqlite3.connect(file)
        for statement in statements:
            raw.execute(*((statement,) if isinstance(statement, str) else statement))
        raw.commit()
        raw.close()
        return connect(Endpoint("old", "sqlite", path=str(file), connect_timeout=0.2))

    return open_file


def _texts(store: Connector, name: str = "t") -> list[Line]:
    return fetch(store, selection_of(replace(store.describe(TableName(name)), key=("id",))))


DECLARED = {
    "INTEGER": Type(Kind.INTEGER),
    "bigint": Type(Kind.INTEGER),
    "UNSIGNED BIG INT": Type(Kind.INTEGER),
    "INT(11)": Type(Kind.INTEGER),
    "SMALLINT": Type(Kind.INTEGER, bits=16),
    "DECIMAL(10, 2)": Type(Kind.DECIMAL, precision=10, scale=2),
    "NUMERIC(5)": Type(Kind.DECIMAL, precision=5, scale=0),
    "NUMERIC": Type(Kind.DECIMAL),
    "REAL": Type(Kind.FLOAT),
    "double  precision": Type(Kind.FLOAT),
    "VARCHAR(20)": Type(Kind.TEXT, length=20),
    "NATIVE CHARACTER(70)": Type(Kind.TEXT, length=70),
    "LONGTEXT": Type(Kind.TEXT),
    "CHAR(18)": Type(Kind.TEXT, length=18),
    "CLOB": Type(Kind.TEXT),
    "STRING": Type(Kind.TEXT),
    "": Type(Kind.TEXT),
    "BLOB": Type(Kind.BINARY),
    "VARBINARY(16)": Type(Kind.BINARY, length=16),
    "DATE": Type(Kind.DATE),
    "TIME": Type(Kind.TIME),
    "TIMETZ": Type(Kind.TEXT),
    "DATETIME": Type(Kind.TIMESTAMP),
    "TIMESTAMP(3)": Type(Kind.TIMESTAMP, fraction=3),
    "TIMESTAMP WITHOUT TIME ZONE": Type(Kind.TIMESTAMP),
    "TIMESTAMP WITH TIME ZONE": Type(Kind.TIMESTAMP, zoned=True),
    "DATETIMEOFFSET(7)": Type(Kind.TIMESTAMP, fraction=7, zoned=True),
    "BOOLEAN": Type(Kind.BOOLEAN),
    "UUID": Type(Kind.UUID),
    "JSON": Type(Kind.JSON),
}


def test_a_declaration_says_what_should_be_there(opened: Opened) -> None:
    columns = ", ".join(f"c{number} {word}" for number, word in enumerate(DECLARED))
    table = opened(f"CREATE TABLE t ({columns})").describe(TableName("t"))
    assert [column.type for column in table.columns] == list(DECLARED.values())


# declared type, the value in SQL, what is delivered, and whether no text can stand for it
VALUES = (
    ("INTEGER", "'abc'", "abc", False),
    ("INTEGER", "1.5", "1.5", False),
    ("INTEGER", "' 7 '", "7", False),
    ("INTEGER", "x'00ff'", "\0\\xff", True),
    ("DECIMAL(10,2)", "'1.50'", "1.5", False),
    ("DECIMAL(10,2)", "1e20", "100000000000000000000", False),
    ("DECIMAL(10,2)", "0.1", "0.1", False),
    ("DECIMAL(10,2)", "'1,5'", "1,5", False),
    ("DECIMAL_TEXT", "'-0.00'", "0", False),
    ("DECIMAL_TEXT", "'007.50'", "7.5", False),
    ("REAL", "'abc'", "abc", False),
    ("REAL", "0.1", "0.1", False),
    ("REAL", "3", "3", False),
    ("REAL", "1e15", "1e+15", False),
    ("REAL", "9e999", "Infinity", False),
    ("VARCHAR(2)", "'much longer'", "much longer", False),
    ("VARCHAR(20)", "12", "12", False),
    ("VARCHAR(20)", "x'ff'", "\\xff", True),
    ("VARCHAR(20)", "x'6162'", "ab", True),
    ("VARCHAR(20)", "CAST(x'61ff62' AS TEXT)", "a\\xffb", True),
    ("VARCHAR(20)", "CAST(x'610062' AS TEXT)", "a\0b", False),
    ("CHAR(5)", "'a  '", "a  ", False),
    ("", "0.1", "0.1", False),
    ("", "1", "1", False),
    ("DATE", "'2020-02-30'", "2020-02-30", False),
    ("DATE", "'2020-02-29 00:00:00'", "2020-02-29", False),
    ("DATE", "'2020-02-29T12:00'", "2020-02-29T12:00", False),
    ("DATE", "CAST(x'ff' AS TEXT)", "\\xff", True),
    ("DATETIME", "1583000000", "1583000000", False),
    ("DATETIME", "'2020-02-29'", "2020-02-29 00:00:00", False),
    ("DATETIME", "'2020-02-29T08:30'", "2020-02-29 08:30:00", False),
    ("DATETIME", "'2020-02-29 08:30:01.250'", "2020-02-29 08:30:01.25", False),
    ("DATETIME", "'2020-02-29T08:30:01Z'", "2020-02-29 08:30:01", False),
    ("DATETIME", "'2020-02-29T08:30:01+08:00'", "2020-02-29 00:30:01", False),
    ("DATETIME", "'2020-02-29 24:00:00'", "2020-02-29 24:00:00", False),
    ("DATETIME", "'0001-01-01T00:00+08:00'", "0001-01-01T00:00+08:00", False),
    ("DATETIME", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00", False),
    ("TIMESTAMPTZ", "'2020-02-29T08:30:01.5-0330'", "2020-02-29 12:00:01.5+00", False),
    ("TIMESTAMPTZ", "'2020-02-29 08:30:01'", "2020-02-29 08:30:01+00", False),
    ("TIME", "'08:30'", "08:30:00", False),
    ("TIME", "'08:30:00.100'", "08:30:00.1", False),
    ("TIME", "'25:00:00'", "25:00:00", False),
    ("BOOLEAN", "1", "true", False),
    ("BOOLEAN", "0", "false", False),
    ("BOOLEAN", "'TRUE'", "true", False),
    ("BOOLEAN", "2", "2", False),
    ("BLOB", "x'00ff'", "00ff", False),
    ("BLOB", "'ab'", "6162", False),
    ("BLOB", "12", "3132", True),
    ("UUID", "'0A0B0C0D-0000-0000-0000-00000000000F'", "0a0b0c0d-0000-0000-0000-00000000000f", 0),
    ("UUID", "x'0a0b0c0d00000000000000000000000f'", "0a0b0c0d-0000-0000-0000-00000000000f", 0),
    ("UUID", "'sixteen letters!'", "sixteen letters!", False),
    ("UUID", "x'0a'", "\n", True),
)


@pytest.mark.parametrize(("declared", "value", "text", "unreadable"), VALUES)
def test_a_value_is_its_canonical_text_or_its_plain_one(
    opened: Opened, declared: str, value: str, text: str, unreadable: bool
) -> None:
    store = opened(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, v {declared})",
        f"INSERT INTO t VALUES (1, 'a', {value}), (2, 'b', NULL)",
    )
    table = store.describe(TableName("t"))
    with store.snapshot():
        (rows,) = store.read(selection_of(table)).part(10)
    assert rows.column("v").to_pylist() == [text, None]
    assert (UNREADABLE in rows.schema.names) is bool(unreadable)
    if unreadable:
        assert rows.column(UNREADABLE).to_pylist() == ["v", None]
    else:
        digest = store.digest_all(
            store.dialect.range_lines(table.name, table.columns, table.columns[:1], EVERYTHING)
        )
        lines = [canonical_line(("1", "a", text)), canonical_line(("2", "b", None))]
        assert digest[1] == Digest.of_lines(lines)


def test_the_first_unreadable_column_of_a_row_is_named(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c BLOB)",
        "INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT), x'ff', 1), (2, 'a', x'ff', 1),"
        " (3, 'a', 'b', 1), (4, 'a', 'b', x'00'), (5, 'a', CAST(x'ff' AS TEXT), 1)",
    )
    with store.snapshot():
        (rows,) = store.read(selection_of(store.describe(TableName("t")))).part(10)
    assert rows.column(UNREADABLE).to_pylist() == ["a", "b", "c", None, "b"]


def test_a_digest_does_not_fail_on_bytes_that_are_no_text(opened: Opened) -> None:
    kinds = [*DECLARED, "DECIMAL_TEXT"]
    columns = ", ".join(f"c{number} {word}" for number, word in enumerate(kinds))
    for bad in ("CAST(x'ff' AS TEXT)", "x'ff'"):
        store = opened(
            "DROP TABLE IF EXISTS t",
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})",
            f"INSERT INTO t VALUES (1, {', '.join([bad] * len(kinds))})",
        )
        table = store.describe(TableName("t"))
        query = store.dialect.range_lines(
            table.name, table.columns, [table.column("id")], EVERYTHING
        )
        assert store.digest_all(query)[0] == 1
        with store.snapshot():
            assert [rows.num_rows for rows in store.read(selection_of(table)).part(5)] == [1]


# -- keys ----------------------------------------------------------------------------------------


def test_keys_in_other_spellings_are_found_and_ordered(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY)",
        "INSERT INTO t VALUES ('b'), ('A'), ('a2'), ('B1')",
        "CREATE TABLE u (id UUID PRIMARY KEY)",
        "INSERT INTO u VALUES (x'ff000000000000000000000000000000'),"
        " ('0A000000-0000-0000-0000-000000000000'), ('sixteen letters!')",
        "CREATE TABLE d (id DATETIME PRIMARY KEY)",
        "INSERT INTO d VALUES ('2020-01-01T00:00:01Z'), ('2020-01-01 00:00:00.5'),"
        " ('2020-01-01T08:00:00+08:00'), ('whenever'), (5)",
        "CREATE TABLE n (id NUMERIC PRIMARY KEY)",
        "INSERT INTO n VALUES (10), (9.5), ('1e1x'), (-1)",
        "CREATE TABLE i (id BIGINT PRIMARY KEY)",
        "INSERT INTO i VALUES (10), (9), ('x'), (-1)",
        "CREATE TABLE o (id BOOLEAN PRIMARY KEY)",
        "INSERT INTO o VALUES (1), ('False'), ('never')",
        "CREATE TABLE w (id PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO w VALUES (10), (9), ('x'), (-1)",
    )
    expected = {
        "t": ["A", "B1", "a2", "b"],
        "u": [
            "0a000000-0000-0000-0000-000000000000",
            "sixteen letters!",
            "ff000000-0000-0000-0000-000000000000",
        ],
        "d": [
            "2020-01-01 00:00:00",
            "2020-01-01 00:00:00.5",
            "2020-01-01 00:00:01",
            "5",
            "whenever",
        ],
        "n": ["-1", "9.5", "10", "1e1x"],
        "i": ["-1", "9", "10", "x"],
        "o": ["false", "never", "true"],
        "w": ["-1", "10", "9", "x"],
    }
    for name, values in expected.items():
        table = store.describe(TableName(name))
        assert fetch(store, selection_of(table)) == [(value,) for value in values], name
        for place, value in enumerate(values):
            assert fetch(store, selection_of(table, among=((value,),))) == [(value,)], value
            above = fetch(store, selection_of(table, KeyRange((value,), None)))
            assert above == [(v,) for v in values[place + 1 :]], value
            below = fetch(store, selection_of(table, KeyRange(None, (value,))))
            assert below == [(v,) for v in values[: place + 1]], value


def test_which_columns_are_in_the_order_of_their_texts_and_which_fold(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE t (a TEXT, i INTEGER, b BLOB, n TEXT COLLATE NOCASE, r TEXT, d NUMERIC,"
        " u UUID, s DATETIME, o TIME, y DATE, j JSON, x, PRIMARY KEY (i, n, a), UNIQUE (r))",
        "CREATE INDEX r_too ON t (r COLLATE RTRIM, lower(a))",
        "CREATE INDEX spelt ON t (lower(a))",
    )
    table = store.describe(TableName("t"))
    assert [c.name for c in table.columns if c.bytewise] == ["a", "i", "b"]
    assert {c.name: c.collation for c in table.columns if c.folds} == {"n": "NOCASE", "r": "RTRIM"}
    assert (table.key, table.indexed) == (("i", "n", "a"), {"i", "r"})
    assert {index.name: index.columns for index in table.indexes if "_auto" not in index.name} == {
        "r_too": ("r",),
        "spelt": (),
    }


def test_a_range_of_plain_keys_is_read_by_their_index(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE t (id TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (id, n))",
        "CREATE TABLE s (id INTEGER PRIMARY KEY, at DATETIME)",
        "CREATE INDEX s_at ON s (at)",
    )
    t = store.describe(TableName("t"))
    inside = store.dialect.in_range(t.columns, KeyRange(("a", "1"), None))
    plan = store.rows(replace(inside, sql=f"EXPLAIN QUERY PLAN SELECT * FROM t WHERE {inside.sql}"))
    assert "SEARCH t USING" in plan[0][3]
    at = store.describe(TableName("s")).column("at")
    span = store.dialect.in_span(Span(at, datetime.now(UTC), None), "UTC")
    plan = store.rows(replace(span, sql=f"EXPLAIN QUERY PLAN SELECT * FROM s WHERE {span.sql}"))
    assert "INDEX s_at (at>?)" in plan[0][3]


def test_what_may_be_null_in_a_key(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id TEXT PRIMARY KEY)",
        "CREATE TABLE c (id TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE d (x TEXT UNIQUE, y TEXT NOT NULL UNIQUE, z TEXT NOT NULL)",
        "CREATE UNIQUE INDEX partial ON d (z) WHERE x > 'a'",
        "CREATE UNIQUE INDEX spelt ON d (lower(z))",
    )
    found = {name: store.describe(TableName(name)) for name in "abcd"}
    assert [found[name].columns[0].nullable for name in "abc"] == [False, True, False]
    assert [found[name].key for name in "abcd"] == [("id",), ("id",), ("id",), ()]
    assert found["d"].unique == (("y",),)


# -- stamps --------------------------------------------------------------------------------------

SPELLINGS = (
    "2024-03-01 12:00:00",
    "2024-03-01T12:00:00",
    "2024-03-01 12:00:00.000",
    "2024-03-01T04:00:00Z",
    "2024-03-01T04:00:00.000Z",
    "2024-03-01T12:00:00+08:00",
    "2024-03-01T00:00:00-04:00",
    "2024-02-29 14:00:00-1400",
)


def test_a_span_knows_an_instant_in_every_spelling(opened: Opened) -> None:
    moment = datetime(2024, 3, 1, 4, 0, 0, tzinfo=UTC)
    second = timedelta(seconds=1)
    values = [*SPELLINGS, "2024-03-01", "whenever", 1709265600, None, "2024-02-30 12:00:00"]
    rows = [("INSERT INTO t VALUES (?, ?)", row) for row in enumerate(values)]
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME)", *rows)
    table = store.describe(TableName("t"))

    def within(low: datetime | None, high: datetime | None) -> list[int]:
        span = Span(table.column("at"), low, high, "Asia/Shanghai")
        return [int(line[0] or -1) for line in fetch(store, selection_of(table, span=span))]

    everyone = list(range(len(SPELLINGS)))
    assert within(moment, moment + second) == everyone
    assert within(moment - second, moment) == []
    assert within(moment + second, None) == []
    assert within(None, moment + second) == [*everyone, len(SPELLINGS)]
    midnight = moment - timedelta(hours=12)
    assert within(midnight, midnight + second) == [len(SPELLINGS)]


def test_a_repeated_hour_is_read_late_and_never_missed(opened: Opened) -> None:
    """New York, 2024-11-03: 01:30 comes at 05:30 and again at 06:30 UTC."""
    store = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME)",
        "INSERT INTO t VALUES (1, '2024-11-03 01:30:00')",
    )
    table = store.describe(TableName("t"))

    def within(low: datetime, high: datetime) -> int:
        span = Span(table.column("at"), low, high, "America/New_York")
        return len(fetch(store, selection_of(table, span=span)))

    hours = [datetime(2024, 11, 3, hour, tzinfo=UTC) for hour in range(4, 9)]
    assert [within(low, high) for low, high in pairwise(hours)] == [0, 0, 1, 0]


# -- the file ------------------------------------------------------------------------------------


@contextmanager
def ordinary_account() -> Iterator[None]:
    """Root may read whatever there is."""
    account = os.geteuid()
    if account == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(account)


def test_a_file_that_may_not_be_read_is_for_a_person(tmp_path: Path) -> None:
    """Itself, or a folder on the way to it: no later try would go better."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file, inside = Path(folder, "x.db"), tmp_path / "x.db"
        for path in file, inside:
            sqlite3.connect(path).close()
            path.touch()
        file.chmod(0)
        tmp_path.chmod(0)
        for path in file, inside:
            with ordinary_account(), pytest.raises(MissingRight) as error:
                connect(Endpoint("source", "sqlite", path=str(path)))
            assert "access to the file was refused" in error.value.message
        tmp_path.chmod(0o700)


def test_a_file_is_made_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with pytest.raises(Unreachable) as error:
        connect(Endpoint("exchange", "sqlite", path=str(path)))
    assert "create" in error.value.remedy
    assert not path.exists()
    for begun in (False, True):  # by whoever was killed as it had made an empty one
        if begun:
            path.unlink()
            path.touch()
        connect(Endpoint("x", "sqlite", path=str(path), options={"create": "true"})).close()
        assert _journal_mode(path) == "wal"


def _journal_mode(path: Path) -> str:
    raw = sqlite3.connect(path)
    try:
        return str(raw.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        raw.close()


def test_what_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    """Also its log: both will hold rows of persons."""
    path, before = tmp_path / "new.db", os.umask(0o022)
    try:
        with connect(Endpoint("x", "sqlite", path=str(path), options={"create": "true"})) as made:
            with made.transaction():
                made.execute("CREATE TABLE t (id integer)")
            files = [*tmp_path.glob("new.db*")]
            assert len(files) > 1
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(before)


def test_the_journal_of_a_file_that_exists_stays_as_it_is(opened: Opened, file: Path) -> None:
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    assert _texts(store) == [("1",)]
    with store.transaction():
        store.execute("DELETE FROM t")
    store.close()
    again = connect(Endpoint("x", "sqlite", path=str(file), options={"create": "true"}))
    again.close()
    assert _journal_mode(file) == "delete"


def test_a_writer_is_open_work_in_either_journal(opened: Opened, file: Path) -> None:
    for mode in ("delete", "wal"):
        store = opened(
            f"PRAGMA journal_mode = {mode}",
            "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)",
        )
        raw = sqlite3.connect(file, isolation_level=None)
        raw.execute("BEGIN")
        raw.execute("SELECT * FROM t").fetchall()
        assert store.open_work() == frozenset()
        raw.execute("INSERT INTO t DEFAULT VALUES")
        assert len(store.open_work()) == 1
        with store.snapshot():
            assert len(store.open_work()) == 1
        raw.execute("COMMIT")
        assert store.open_work() == frozenset()
        with store.transaction():
            assert store.open_work() == frozenset()
        raw.close()
        store.close()


def test_a_look_at_a_writer_waits_for_nobody(opened: Opened, file: Path) -> None:
    """Not even as long as a session may wait: the run has a wait of its own."""
    opened("CREATE TABLE t (id INTEGER PRIMARY KEY)").close()
    patient = Endpoint("patient", "sqlite", path=str(file), connect_timeout=5)
    with connect(patient) as store, closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert len(store.open_work()) == 1
        assert time.monotonic() - began < 3


class _Unlockable:
    """A session with a file whose lock the system does not give."""

    def execute(self, sql: str) -> None:
        if sql.startswith("BEGIN"):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_LOCK
            raise error

    def close(self) -> None:
        pass


def test_a_lock_that_cannot_be_asked_for_does_not_mean_that_nobody_writes(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    monkeypatch.setattr(SqliteConnector, "_open", lambda _: _Unlockable())
    with pytest.raises(BridgeheadError):
        store.open_work()


def test_the_names_of_tables_know_no_case(opened: Opened) -> None:
    store = opened("CREATE TABLE People (id INTEGER PRIMARY KEY)", "CREATE TABLE t (id INTEGER)")
    names = [store.identity(TableName(name)) for name in ("People", "people", "PEOPLE", "t")]
    assert len(set(names[:3])) == 1
    assert names[3] != names[0]


def test_a_locked_file_is_busy(opened: Opened, file: Path) -> None:
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy), store.transaction():
        pass
    raw.execute("ROLLBACK")
    raw.close()
    with store.transaction():
        pass


def test_a_half_read_stream_lets_the_file_go(opened: Opened, file: Path) -> None:
    store = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO t SELECT i FROM n",
    )
    with store.snapshot():
        next(iter(store.read(selection_of(store.describe(TableName("t")))).part(10)))
    raw = sqlite3.connect(file, timeout=0.1)
    raw.execute("DELETE FROM t")
    raw.commit()
    raw.close()


def test_a_utf16_file_is_a_problem_with_a_name(opened: Opened) -> None:
    store = opened("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (id TEXT)")
    assert "UTF-16" in (store.settings_problem() or "")
    store.close()


def test_a_query_keeps_what_plain_columns_declare(opened: Opened) -> None:
    store = opened(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a DECIMAL(9,2), b DATETIME)",
        "INSERT INTO t VALUES (1, 1.5, '2020-01-01T00:00'), (2, 2, NULL)",
    )
    query = store.describe_query("SELECT id, a, b AS stamp, a * 2 AS twice FROM t; ")
    assert [(column.name, str(column.type)) for column in query.columns] == [
        ("id", "integer(64)"),
        ("a", "decimal(9,2)"),
        ("stamp", "timestamp(6)"),
        ("twice", "text"),
    ]
    assert fetch(store, selection_of(replace(query, key=("id",)))) == [
        ("1", "1.5", "2020-01-01 00:00:00", "3"),
        ("2", "2", None, "4"),
    ]
    for wrong in ("SELECT 1; DROP TABLE t", "DELETE FROM t", "SELECT ?", ""):
        with pytest.raises(ConfigurationError):
            store.describe_query(wrong)


def test_every_error_of_the_driver_is_one_of_ours(opened: Opened) -> None:
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY)")

    def subclasses(kind: type[Exception]) -> set[type[Exception]]:
        return {kind, *(c for sub in kind.__subclasses__() for c in subclasses(sub))}

    for kind in subclasses(sqlite3.Error):
        assert isinstance(store.translate(kind("a secret value")), BridgeheadError)


def test_every_result_code_says_what_to_do_next(opened: Opened) -> None:
    store = opened("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    expected = {
        sqlite3.SQLITE_BUSY: Busy,
        sqlite3.SQLITE_BUSY_SNAPSHOT: Busy,
        sqlite3.SQLITE_LOCKED: Busy,
        sqlite3.SQLITE_CANTOPEN: Unreachable,
        sqlite3.SQLITE_NOTADB: PermanentError,
        sqlite3.SQLITE_CORRUPT: PermanentError,
        sqlite3.SQLITE_FULL: StoreFull,
        sqlite3.SQLITE_NOMEM: StoreFull,
        sqlite3.SQLITE_READONLY: MissingRight,
        sqlite3.SQLITE_READONLY_DBMOVED: MissingRight,
        sqlite3.SQLITE_PERM: MissingRight,
        sqlite3.SQLITE_AUTH: MissingRight,
        sqlite3.SQLITE_INTERRUPT: StatementTimeout,
        sqlite3.SQLITE_IOERR_FSYNC: ConnectionLost,
        sqlite3.SQLITE_IOERR_SHMSIZE: StoreFull,
        sqlite3.SQLITE_CONSTRAINT_CHECK: RowRefused,
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: RowRefused,
        sqlite3.SQLITE_CONSTRAINT_NOTNULL: RowRefused,
        sqlite3.SQLITE_CONSTRAINT_TRIGGER: RowRefused,
        sqlite3.SQLITE_MISMATCH: RowRefused,
        sqlite3.SQLITE_TOOBIG: RowRefused,
    }
    for code, kind in expected.items():
        error = sqlite3.OperationalError("a secret value")
        error.sqlite_errorcode = code
        error.sqlite_errorname = "SQLITE_NAME"
        translated = store.translate(error)
        assert type(translated) is kind, code
        assert "secret" not in str(translated)


def test_a_file_that_cannot_be_read_is_no_matter_of_host_and_port(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: SqliteConnector) -> sqlite3.Connection:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    monkeypatch.setattr(SqliteConnector, "_open", fail)
    with pytest.raises(Unreachable, match="check disk and file system"):
        opened()


def test_decimals_kept_as_text_are_in_order_and_what_is_none_comes_last() -> None:
    ordered = ["-0.5", "9.75", "10", "", "-Infinity", "NaN", "a", "b"]
    for texts in (ordered, ordered[::-1], ordered[1::2] + ordered[::2]):
        assert sorted(texts, key=cmp_to_key(compare_decimals)) == ordered
