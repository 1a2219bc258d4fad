"""What only ODBC has: drivers that are refused, servers that do not answer, rows in pages."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyodbc
import pytest

from connectors.drivermanager import driver_begins_logs, manager_traces
from connectors.effects import Effects
from connectors.endpoint import Endpoint, Secret
from connectors.errors import (
    BridgeheadError,
    ConfigurationError,
    LoginRefused,
    PermanentError,
    Unreachable,
)
from connectors.mysql.server import MysqlServer
from connectors.odbc import OdbcSession, driver, open_session
from connectors.odbc.errors import of_server
from connectors.odbc.pages import Key, PagedCursor
from connectors.odbc.session import CANARY
from connectors.postgresql.server import PostgresqlServer
from connectors.table import Column, Kind, TableName, Type
from tests.conformance.samples import fetch, load, make, selection_of

Database = Callable[..., Endpoint]
PLACES = ("odbc-postgresql", "odbc-mariadb")
TEXT = Type(Kind.TEXT)
POSTGRESQL = Endpoint("p", "odbc", driver="PostgreSQL Unicode", host="127.0.0.1", port=1)
MARIADB = replace(POSTGRESQL, driver="MariaDB Unicode")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, database: Database) -> Endpoint:
    return database(request.param)


@pytest.fixture
def session(place: Endpoint) -> Iterator[OdbcSession]:
    with open_session(place) as opened:
        yield opened


# -- drivers ---------------------------------------------------------------------------------


def test_a_driver_that_is_not_there_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError) as error:
        open_session(replace(POSTGRESQL, driver="PostgreSQL Unicod"))
    assert "did you mean PostgreSQL Unicode?" in error.value.remedy
    assert "MariaDB Unicode" in error.value.message


@pytest.mark.parametrize("name", ["PostgreSQL ANSI", "postgresql ansi"])
def test_the_ansi_driver_is_refused_before_it_is_loaded(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_session(replace(POSTGRESQL, driver=name))
    assert "changes values" in error.value.message
    assert "PostgreSQL Unicode" in error.value.remedy


@pytest.mark.parametrize(
    ("name", "known"),
    [("BoolsAsChar", "BoolsAsChar"), ("boolsaschar", "BoolsAsChar"), ("commlog", "CommLog")],
)
def test_options_that_change_values_or_log_them_are_refused(name: str, known: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_session(replace(POSTGRESQL, options={name: "1"}))
    assert f"{known}=0" in error.value.remedy


_LOOK = """
import json, sys
from connectors.effects import Effects
from connectors.endpoint import Endpoint, Secret
from connectors.errors import BridgeheadError
from connectors.odbc import open_session
from connectors.table import TableName
settings = json.load(sys.stdin)
settings["password"] = Secret(settings["password"])
try:
    with open_session(Endpoint(**settings)) as session:
        identity = session.identity(TableName("pg_class"))
        with session.transaction():
            found = [repr(session.value("SELECT false")), identity]
except BridgeheadError as error:
    found = [type(error).__name__, str(error)]
json.dump(found, sys.stdout)
"""


def _look(
    directory: Path, place: Endpoint, dsn: str, library: str, more: Mapping[str, int] | None = None
) -> list[str]:
    """What a session by a data source finds: false and the identity of a table, or its error. In a
    process of its own, since a driver manager reads its file once."""
    entry = {"Driver": library, "Servername": place.host, "Port": place.port, "BoolsAsChar": 1}
    lines = [f"{key} = {value}" for key, value in {**entry, **(more or {})}.items()]
    (directory / "odbc.ini").write_text("\n".join(["[register]", *lines, ""]))
    password = place.password.reveal() if place.password else ""
    settings = {"name": "p", "family": "odbc", "dsn": dsn, "user": place.user}
    done = subprocess.run(
        [sys.executable, "-c", _LOOK],
        input=json.dumps(settings | {"database": place.database, "password": password}),
        env=os.environ | {"ODBCINI": str(directory / "odbc.ini"), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def _library(name: str) -> str:
    """Where Debian puts it."""
    return str(next(Path("/usr/lib").glob(f"*/odbc/{name}")))


@pytest.mark.parametrize("library", ["PostgreSQL Unicode", _library("psqlodbcw.so")])
def test_a_data_source_leads_to_the_same_place(
    database: Database, tmp_path: Path, library: str
) -> None:
    """What its entry says otherwise does not count."""
    place = database("odbc-postgresql")
    false, identity = _look(tmp_path, place, "register", library)
    with open_session(place) as session:
        assert (false, identity) == ("False", session.identity(TableName("pg_class")))


def test_a_driver_logs_no_statement(database: Database, tmp_path: Path) -> None:
    """Whatever its data source asks for; of the ends of connections it may write."""
    logs = logs_of_this_account()
    wanted = {"CommLog": 1, "Debug": 1}
    false, _ = _look(
        tmp_path, database("odbc-postgresql"), "register", "PostgreSQL Unicode", wanted
    )
    assert false == "False"
    for log in logs_of_this_account() - logs:
        assert "SELECT" not in log.read_text()


def logs_of_this_account() -> set[Path]:
    """What psqlODBC and its debugging write."""
    found = (path for name in ("psqlodbc", "mylog") for path in Path("/tmp").glob(f"{name}_*.log"))
    return {path for path in found if path.stat().st_uid == os.geteuid()}


_TELL_OF_LOGS = """
from connectors.drivermanager import driver_begins_logs, manager_traces
print(manager_traces())
print(driver_begins_logs())
"""


@pytest.mark.parametrize(
    ("settings", "traces", "begins"),
    [
        ("", "None", "None"),
        ("[ODBC]\nTrace = No\n[PostgreSQL Unicode]\nDebug = 0\nCommLog = 0\n", "None", "None"),
        ("[ODBC]\nTrace = Yes\n", "Trace under [ODBC]", "None"),
        ("[PostgreSQL Unicode]\nDebug = 0\nCommLog = 1\n", "None", "(CommLog under "),
        ("[PostgreSQL Unicode]\nDebug = 2\n", "None", "(Debug under "),
    ],
)
def test_files_that_drivers_write_by_themselves_are_told(
    tmp_path: Path, settings: str, traces: str, begins: str
) -> None:
    (tmp_path / "odbcinst.ini").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-c", _TELL_OF_LOGS],
        env=os.environ | {"ODBCSYSINI": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    told = done.stdout.splitlines()
    assert traces in told[0]
    assert begins in told[1]


def test_nothing_is_told_of_drivers_logs_without_a_driver_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.drivermanager._LIBRARY", "libodbcinst.so.0")
    assert (manager_traces(), driver_begins_logs()) == (None, None)


def test_a_session_tells_of_a_drivers_logs_last(
    place: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the server goes before it."""
    behind = "connectors.odbc." + ("postgresql" if "PostgreSQL" in str(place.driver) else "mysql")
    monkeypatch.setattr(f"{behind}.manager_traces", lambda: "traced")
    with open_session(place) as session:
        assert "traced" not in str(session.settings_problem())
        for server in (PostgresqlServer, MysqlServer):
            monkeypatch.setattr(server, "settings_problem", lambda _: None)
        assert session.settings_problem() == "traced"


def test_a_data_source_of_the_ansi_driver_is_refused(database: Database, tmp_path: Path) -> None:
    place = database("odbc-postgresql")
    for library in ("PostgreSQL ANSI", _library("psqlodbca.so")):
        kind, message = _look(tmp_path, place, "register", library)
        assert kind == "ConfigurationError"
        assert "changes values" in message


_OPEN = """
import sys
from connectors.effects import Effects
from connectors.endpoint import Endpoint
from connectors.errors import BridgeheadError
from connectors.registry import connect
family, driver = sys.argv[1:]
try:
    connect(Endpoint("p", family, host="127.0.0.1", port=1, driver=driver, database="d"))
except BridgeheadError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("family", "pooling", "seconds", "told"),
    [
        ("odbc", "Yes", "120", "ConfigurationError"),
        ("odbc", "1", "120", "ConfigurationError"),
        ("odbc", "Yes", "0", "Unreachable"),
        ("odbc", "Yes", "", "Unreachable"),
        ("odbc", "No", "120", "Unreachable"),
        ("mssql", "Yes", "120", "ConfigurationError"),
    ],
)
def test_a_driver_manager_that_keeps_closed_sessions_is_refused(
    tmp_path: Path, family: str, pooling: str, seconds: str, told: str
) -> None:
    """With their locks and settings, and no connection can undo it. In a process of its own, since
    a driver manager reads its file once."""
    lines = ["[ODBC]", f"Pooling = {pooling}", "[PostgreSQL Unicode]", f"CPTimeout = {seconds}"]
    lines.append(f"Driver = {_library('psqlodbcw.so')}")
    (tmp_path / "odbcinst.ini").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, family, "PostgreSQL Unicode"],
        env=os.environ | {"ODBCSYSINI": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith(told)
    assert ("CPTimeout" in done.stdout) == (told == "ConfigurationError")


def test_a_data_source_that_is_not_there_is_a_mistake(database: Database, tmp_path: Path) -> None:
    found = _look(tmp_path, database("odbc-postgresql"), "registre", "PostgreSQL Unicode")
    assert found[0] == "ConfigurationError"
    assert "did you mean register?" in found[1]


def test_what_is_behind_the_driver_must_be_known(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.odbc.connector.BEHIND", {})
    with pytest.raises(ConfigurationError, match="PostgreSQL is behind the driver"):
        open_session(database("odbc-postgresql"))


@pytest.mark.parametrize("spoils", ["what it fetches", "what it sends", "booleans"])
def test_a_driver_that_spoils_values_is_found_by_trying(
    place: Endpoint, monkeypatch: pytest.MonkeyPatch, spoils: str
) -> None:
    """As UTF-16 the driver of MariaDB takes short texts and spoils long ones, as does any driver
    whose charset is not that of its data."""

    def spoilt(endpoint: Endpoint) -> pyodbc.Connection:
        return _Spoiling(connect(endpoint), spoils)

    connect = driver.connect
    monkeypatch.setattr("connectors.odbc.connector.connect", spoilt)
    with pytest.raises(ConfigurationError, match="changes values"):
        open_session(place)


class _Spoiling:
    """A connection whose cursors lose the last character of what they carry, or print booleans."""

    def __init__(self, opened: pyodbc.Connection, spoils: str) -> None:
        self.__dict__.update(_opened=opened, _spoils=spoils)

    def __getattr__(self, name: str) -> object:
        return getattr(self._opened, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._opened, name, value)

    def cursor(self) -> _SpoilingCursor:
        return _SpoilingCursor(self._opened.cursor(), self._spoils)


class _SpoilingCursor:
    def __init__(self, cursor: pyodbc.Cursor, spoils: str) -> None:
        self._cursor = cursor
        self._spoils = spoils

    def execute(self, sql: str, values: Sequence[str] = ()) -> _SpoilingCursor:
        if self._spoils == "what it sends":
            values = [value[:-1] for value in values]
        self._cursor.execute(sql, values) if values else self._cursor.execute(sql)
        return self

    def fetchone(self) -> tuple[object, ...]:
        false, *others, last = self._cursor.fetchone()
        false = "0" if self._spoils == "booleans" else false
        spoilt = self._spoils == "what it fetches" and isinstance(last, str)
        return (false, *others, last[:-1] if spoilt else last)


def test_passwords_and_names_may_hold_what_connection_strings_are_made_of(
    request: pytest.FixtureRequest, database: Database
) -> None:
    server = request.getfixturevalue("postgres")
    place = database("odbc-postgresql")
    awkward = "a;b{c}d=e }} 'f\" %s?"
    with open_session(place) as session, session.transaction():
        quoted = awkward.replace("'", "''").replace("%", "%%")
        session.execute(f"CREATE ROLE awkward LOGIN SUPERUSER PASSWORD '{quoted}'")
    try:
        with open_session(replace(place, user="awkward", password=Secret(awkward))) as session:
            assert session.value("SELECT current_user") == "awkward"
        with pytest.raises(LoginRefused) as error:
            open_session(replace(place, user="awkward", password=Secret(awkward + "x")))
        assert awkward not in str(error.value)
    finally:
        with open_session(place) as session, session.transaction():
            session.execute("DROP ROLE awkward")
    assert server.running


def test_each_table_has_stages_of_its_own(session: OdbcSession) -> None:
    """They are ordinary tables, which two jobs would else fill at once."""
    columns = (Column("id", TEXT),)

    def stages(name: str, schema: str | None = None) -> set[str]:
        table = TableName(name, schema)
        effects = Effects(session.dialect, table, columns, ("id",), owned=True)
        return {effects.incoming_table.name, effects.present_table.name}

    assert stages("t") == stages("t")
    assert len(stages("t") | stages("u") | stages("t", "s")) == 6


STATES = {
    "40001": ("transient", 3),
    "40P01": ("transient", 3),
    "55P03": ("busy", 3),
    "53300": ("store_full", 3),
    "57014": ("timeout", 3),
    "57P01": ("connection_lost", 3),
    "08S01": ("connection_lost", 3),
    "25006": ("missing_right", 4),
    "42501": ("missing_right", 4),
    "23505": ("structure_mismatch", 4),
    "23514": ("row_refused", 4),
    "22001": ("row_refused", 4),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_says_what_to_do_next(state: str) -> None:
    found = of_server(pyodbc.Error(state, f"[{state}] ERROR: 'a secret' (1) (SQLExecute)"), MARIADB)
    code, exit_code = STATES[state]
    assert (found.code, found.exit_code, bool(found.remedy)) == (code, exit_code, True)
    assert "secret" not in str(found)


WORDS = {
    "odbc-postgresql": {
        "SELECT * FROM nowhere.t": 'relation "nowhere.t" does not exist (42P01)',
        "CREATE TABLE nowhere.t (id int)": 'schema "nowhere" does not exist (3F000)',
        "SELECT t.absent FROM t": "column t.absent does not exist (42703)",
        "SELECT FROM WHERE": 'syntax error at or near "WHERE" (42601)',
        "CREATE TABLE t (id int)": 'relation "t" already exists (42P07)',
        "SET LOCAL ROLE pg_monitor; SELECT * FROM t": "permission denied for table t (42501)",
        "SET TRANSACTION READ ONLY; DELETE FROM t": (
            "cannot execute DELETE in a read-only transaction (25006)"
        ),
    },
    "odbc-mariadb": {
        "SELECT * FROM nowhere.t": "Table 'nowhere.t' doesn't exist (1146)",
        "SELECT t.absent FROM t": "Unknown column 't.absent' in 'SELECT' (1054)",
        "SELECT nowhere.f(1)": "FUNCTION nowhere.f does not exist (1305)",
        "CREATE TABLE t (id int)": "Table 't' already exists (1050)",
        "CREATE TABLE nowhere.t (id int)": "Unknown database 'nowhere' (1049)",
    },
}


@pytest.mark.parametrize("behind", WORDS)
def test_what_a_server_says_of_names_is_told(database: Database, behind: str) -> None:
    with open_session(database(behind)) as session:
        make(session, "t", [("id", Type(Kind.INTEGER))], ["id"])
        for sql, words in WORDS[behind].items():
            with pytest.raises(BridgeheadError) as error, session.transaction():
                session.execute_all(sql.split("; "))
            assert error.value.message == words


# -- servers that do not answer --------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[Callable[[bool], int]]:
    """Listens on a port: whoever connects is sent away at once, or never hears a word."""
    opened: list[socket.socket] = []

    def listen(closing: bool) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def take() -> None:
            while True:
                try:
                    guest, _ = server.accept()
                except OSError:
                    return
                if closing:
                    guest.close()
                else:
                    opened.append(guest)

        threading.Thread(target=take, daemon=True).start()
        return int(server.getsockname()[1])

    yield listen
    for one in opened:
        one.close()


@pytest.mark.parametrize("endpoint", [POSTGRESQL, MARIADB], ids=lambda e: str(e.driver))
@pytest.mark.parametrize("kind", ["dead", "closing", "hanging"])
def test_a_server_that_does_not_answer_is_unreachable_in_time(
    listener: Callable[[bool], int], endpoint: Endpoint, kind: str
) -> None:
    port = 1 if kind == "dead" else listener(kind == "closing")
    begun = time.monotonic()
    with pytest.raises(Unreachable) as error:
        open_session(replace(endpoint, port=port, connect_timeout=1.0, database="d", user="u"))
    assert time.monotonic() - begun < 3.0
    assert str(port) in str(error.value)


def test_a_statement_ends_with_its_timeout(place: Endpoint) -> None:
    with open_session(replace(place, statement_timeout=0.5)) as session:
        sleep = "SELECT pg_sleep(20)" if session.alchemy.startswith("postgresql") else _LONG
        begun = time.monotonic()
        with pytest.raises(BridgeheadError) as error, session.transaction():
            session.rows(sleep)
        assert error.value.code == "timeout"
        assert time.monotonic() - begun < 10.0


_LONG = "SELECT sum(a.seq + b.seq) FROM seq_1_to_100000 a, seq_1_to_100000 b"


# -- values ----------------------------------------------------------------------------------


def test_texts_of_every_length_arrive_as_they_are(session: OdbcSession) -> None:
    """At the lengths from which drivers send or fetch a text in portions."""
    table = make(session, "t", [("id", Type(Kind.INTEGER)), ("v", TEXT)], ["id"])
    lengths = [*range(250, 262), *range(1020, 1028), 4000, 4097, 8190, 8192, 65_536, 300_001]
    texts = [unit * (size // len(unit)) + " " for size in lengths for unit in ("𠮷", "字a", "xy")]
    lines = [(str(number), text) for number, text in enumerate(texts)]
    load(session, table, [*lines, (str(len(lines)), CANARY)])
    assert fetch(session, selection_of(table)) == [*lines, (str(len(lines)), CANARY)]


def test_a_statement_is_no_larger_than_its_rows_allow(session: OdbcSession) -> None:
    """Many columns, many rows, large rows: one INSERT never carries more than the server takes."""
    columns = [(f"c{number}", TEXT) for number in range(300)]
    table = make(session, "wide", [("id", Type(Kind.INTEGER)), *columns], ["id"])
    load(session, table, [(str(n), *[str(n)] * 300) for n in range(200)])
    assert session.value("SELECT count(*) FROM wide") == 200
    large = make(session, "large", [("id", Type(Kind.INTEGER)), ("v", TEXT)], ["id"])
    load(session, large, [(str(number), "x" * 1_000_000) for number in range(40)])
    assert session.value("SELECT count(*) FROM large") == 40


def test_constants_and_nothing_at_all(session: OdbcSession) -> None:
    table = make(session, "t", [("id", Type(Kind.INTEGER))], ["id"])
    empty = pa.RecordBatch.from_arrays([pa.array([], pa.string())], ["id"])
    with session.transaction():
        assert session.load(table.name, table.columns, iter([empty])) == 0
    assert fetch(session, selection_of(table)) == []


# -- pages -----------------------------------------------------------------------------------


class Pages:
    """Rows in key order, as a server with NULLs first would give them, and what was asked."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.rows = [(number, *key) for number, key in enumerate(keys)]
        self.asked: list[int] = []

    def __call__(self, low: Key | None, limit: int) -> list[tuple[object, ...]]:
        self.asked.append(limit)
        return [row for row in self.rows if low is None or self._above(row[1:], low)][:limit]

    def _above(self, key: tuple[object, ...], low: Key) -> bool:
        """As SQL compares rows: what is unknown is not above."""
        for one, other in zip(key, low, strict=True):
            if one is None or other is None:
                return False
            if one != other:
                return str(one) > str(other)
        return False


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [("a",)],
        [(f"{n:03}",) for n in range(100)],
        [("a",)] * 7 + [("b",)] + [("c",)] * 30,
        [(None,)] * 5 + [("a",), ("b",)],
        [(None,)] * 40,
        [(None, "x"), (None, "y"), ("a", None), ("a", None), ("a", "x"), ("b", None), ("b", "y")],
    ],
    ids=["none", "one", "many", "repeated", "null first", "null", "partly null"],
)
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_pages_hold_every_row_once(keys: list[Key], size: int) -> None:
    pages = Pages(keys)
    cursor = PagedCursor(pages, 1)
    found = []
    while rows := cursor.fetchmany(size):
        assert len(rows) <= size
        found += [number for (number,) in rows]
    assert found == list(range(len(keys)))


def test_a_page_is_as_large_as_what_was_asked_for() -> None:
    pages = Pages([(f"{n:05}",) for n in range(10_000)])
    cursor = PagedCursor(pages, 1)
    while cursor.fetchmany(500):
        pass
    assert set(pages.asked) == {501}


def test_a_column_without_its_own_text_is_no_key(session: OdbcSession) -> None:
    """Rows that share a key of the job's own choice stay together over a page's end."""
    kinds = [("id", Type(Kind.INTEGER)), ("k", Type(Kind.TEXT, length=9))]
    table = make(session, "t", kinds, ["id"])
    load(session, table, [(str(n), "same" if n < 3000 else None) for n in range(4000)])
    chosen = replace(selection_of(table), key=(Column("k", kinds[1][1], bytewise=False),))
    assert len(fetch(session, chosen)) == 4000


def test_a_statement_is_carried_as_it_is_or_refused(session: OdbcSession) -> None:
    """MariaDB's driver would make a table of another name, and say nothing."""
    wide = "CREATE TABLE 人口 (id int, kind varchar(9) CHECK (kind <> '𠮷'))"
    with session.transaction():
        if session.dialect.family == "mysql":
            with pytest.raises(PermanentError, match="four bytes"):
                session.execute(wide)
        else:
            session.execute(wide)
            assert session.value("SELECT '𠮷'") == "𠮷"
    assert session.exists(TableName("人口")) is (session.dialect.family != "mysql")
