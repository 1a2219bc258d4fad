"""Families whose real servers we have never met: what they say to their drivers, in which order,
with which values, and what they make of the drivers' errors."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import dmPython
import ksycopg2
import oracledb
import psycopg
import pyarrow as pa
import pyodbc
import pytest

from connectors import agentdigest
from connectors.canonical import Digest
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, Statement
from connectors.effects import Effects
from connectors.endpoint import Endpoint, Secret
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    LoginRefused,
    MissingObject,
    MissingRight,
    PermanentError,
    RepeatedKey,
    RowRefused,
    StatementTimeout,
    StoreFull,
    StructureMismatch,
    TransientError,
    Unreachable,
)
from connectors.oracle.connector import OracleConnector
from connectors.registry import FAMILIES, connect
from connectors.selection import Output, Selection
from connectors.table import Column, Filling, ForeignKey, Kind, Table, TableName, Type
from tests.recording import Answer, RecordingConnection

DRIVERS: dict[str, tuple[Any, str, str]] = {
    "oracle": (oracledb, ":v", "connectors.oracle.connector"),
    "mssql": (pyodbc, "?", "connectors.mssql.connector"),
    "dm": (dmPython, "?", "connectors.dm.connector"),
}
ANSWERS: dict[str, dict[str, Answer]] = {
    "oracle": {
        "NLS_CHARACTERSET": [("AL32UTF8",)],
        "SYS_EXTRACT_UTC(SYSTIMESTAMP)": [(datetime(2024, 2, 29, 4, 0, 0, 5),)],
        "TZH:TZM": [("+08:00",)],
        "DATABASE_ROLE": [("PRIMARY",)],
        "gv$session s\nLEFT": [("session 1/23/55", "session 23,55 of APP, app.exe")],
        "xidusn": [("4.17.9",)],
        "DBMS_LOCK.REQUEST": [(0,)],
        "FROM all_objects": [(77, "TABLE", "SHARE")],
        "FROM all_tab_columns": [
            ("ID", "NUMBER", 22, 0, 18, 0, "N", None),
            ("NAME", "VARCHAR2", 200, 50, None, None, "Y", "the name"),
            ("BORN", "DATE", 7, 0, None, None, "Y", None),
            ("SEEN", "TIMESTAMP(3) WITH TIME ZONE", 13, 0, None, 3, "Y", None),
        ],
        "constraint_type = 'P'": [("ID",)],
        "FROM all_indexes": [("PK", "UNIQUE", "ID"), ("N", "NONUNIQUE", "NAME")],
        "constraint_type = 'R'": [("OF_WHOM", "SHARE", "NOTE", "SET NULL")],
        "constraint_type = 'C'": [('"BORN" = TRUNC("BORN")',)],
        "FROM all_tab_cols ": [
            ("ID", "N", "NULL ", 0, 0),
            ("NAME", "N", "'x'", 0, 0),
            ("BORN", "N", None, 0, 1),
            ("SEEN", "Y", "SYSDATE", 1, 0),
        ],
    },
    "mssql": {
        "SYSUTCDATETIME": [(datetime(2024, 2, 29, 4, 0, 0, 5),)],
        "DATEPART(tz": [(480,)],
        "Updateability": [("READ_WRITE",)],
        "dm_exec_sessions": [("session 51/2024", "session 51 of sa, app")],
        "sp_getapplock": [(0,)],
        "OBJECT_ID": [(77,)],
        "FROM sys.columns": [
            ("ID", "bigint", 8, 19, 0, False, None, None, "people", "U ", "needed", "dbo"),
            (
                "NAME",
                "nvarchar",
                100,
                0,
                0,
                True,
                "Chinese_PRC_CI_AS",
                "the name",
                "people",
                "U ",
                "free",
                "dbo",
            ),
            ("BORN", "date", 3, 10, 0, True, None, None, "people", "U ", "free", "dbo"),
            ("SEEN", "datetimeoffset", 8, 34, 3, True, None, None, "people", "U ", "store", "dbo"),
        ],
        "FROM sys.indexes": [(1, True, 1, "ID", "PK"), (2, False, 0, "NAME", "N")],
        "FROM sys.foreign_keys": [("OF_WHOM", "SHARE", "NOTE", "SET NULL")],
    },
    "dm": {
        "SF_GET_UNICODE_FLAG": [(1,)],
        "SYS_EXTRACT_UTC(SYSTIMESTAMP)": [(datetime(2024, 2, 29, 4, 0, 0, 5),)],
        "TZH:TZM": [("+08:00",)],
        "mode$": [("NORMAL",)],
        "v$sessions s\nWHERE s.sess_id": [("session 9/1", "session 9 of APP, app")],
        "SELECT t.id": [(9001,)],
        "DBMS_LOCK.REQUEST": [(0,)],
        "FROM all_objects": [(77, "TABLE", "SHARE")],
        "FROM all_tab_columns": [
            ("ID", "BIGINT", 8, 0, 19, 0, "N", None),
            ("NAME", "VARCHAR", 200, 50, None, None, "Y", "the name"),
            ("BORN", "DATE", 3, 0, None, None, "Y", None),
            ("SEEN", "TIMESTAMP WITH TIME ZONE", 12, 0, None, 3, "Y", None),
        ],
        "constraint_type = 'P'": [("ID",)],
        "FROM all_indexes": [("PK", "UNIQUE", "ID"), ("N", "NONUNIQUE", "NAME")],
        "constraint_type = 'R'": [("OF_WHOM", "SHARE", "NOTE", "SET NULL")],
        "sys.syscolumns": [
            ("ID", "N", None, 0, 0),
            ("NAME", "Y", None, 0, 0),
            ("BORN", "N", "SYSDATE", 0, 0),
            ("SEEN", "N", None, 1, 0),
        ],
    },
}


class Opened:
    """A connector over a recording driver."""

    def __init__(self, family: str, patch: pytest.MonkeyPatch, **options: Any) -> None:
        module, placeholder, where = DRIVERS[family]
        self.answers: dict[str, Answer] = dict(ANSWERS[family])
        self.driver = RecordingConnection(placeholder, self.answers, module.Error)
        name = FAMILIES[family].connector.partition(":")[2]
        kind: type[Connector] = getattr(importlib.import_module(where), name)
        patch.setattr(kind, "_connect", lambda _: self.driver)
        patch.setattr(
            "sqlalchemy.engine.default.DefaultDialect.initialize", lambda *_: None, raising=True
        )
        for module_name in (
            "oracle.base",
            "oracle.cx_oracle",
            "oracle.oracledb",
            "mssql.base",
            "mssql.pyodbc",
        ):
            dialects = importlib.import_module(f"sqlalchemy.dialects.{module_name}")
            for dialect in vars(dialects).values():
                if isinstance(dialect, type) and "initialize" in vars(dialect):
                    patch.setattr(dialect, "initialize", lambda *_: None)
        login = {"user": "bridge", "password": Secret("s3cret"), "database": "register"}
        self.store = connect(Endpoint("business", family, host="db", **login, **options))  # type: ignore[arg-type]
        self.beginning = [sql for _, sql, _ in self.driver.log]
        self.driver.log.clear()


@pytest.fixture(params=DRIVERS)
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def opened(family: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    found = Opened(family, monkeypatch)
    yield found
    found.store.close()


COLUMNS = (
    Column("id", Type(Kind.DECIMAL, precision=18, scale=0), nullable=False),
    Column("name", Type(Kind.TEXT, length=50)),
    Column("ratio", Type(Kind.FLOAT)),
    Column("photo", Type(Kind.BINARY, length=16)),
    Column("seen", Type(Kind.TIMESTAMP, fraction=3, zoned=True)),
)
ROW = ("7", "𠮷 ' ; DROP", "0.1", "00ff", "2024-02-29 12:00:00.5+00")


def _batch(rows: list[tuple[str | None, ...]]) -> pa.RecordBatch:
    arrays = [pa.array(field, pa.string()) for field in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [c.name for c in COLUMNS])


def test_arrays_are_bound_in_bounded_portions_in_one_transaction(opened: Opened) -> None:
    rows: list[tuple[str | None, ...]] = [ROW, (None,) * 5] * 1250
    store = opened.store
    with store.transaction():
        chunks = iter([_batch(rows)])
        constants = {"bh_seq": 9}
        assert store.load(TableName("t"), COLUMNS, chunks, constants=constants) == 2500
    portions = [values for verb, _, values in opened.driver.log if verb == "executemany"]
    assert [len(p) for p in portions] == [1000, 1000, 500]
    assert portions[0][0] == ("7", ROW[1], 0.1, b"\x00\xff", ROW[4], 9)
    assert portions[0][1] == (None,) * 5 + (9,)
    assert opened.driver.verbs() == ["INSERT"] * 3 + ["commit"]
    assert ROW[1] not in opened.driver.log[0][1]


def test_a_refused_row_rolls_all_back_and_says_no_value(opened: Opened, family: str) -> None:
    refused = {
        "oracle": "ORA-12899: value too large for column NAME 张三",
        "mssql": "[Microsoft][SQL Server]Truncated value: '张三'. (2628) (SQLExecute)",
        "dm": "[CODE:-6169]列 NAME 张三 长度超出定义",
    }[family]
    error = DRIVERS[family][0].DatabaseError
    arguments = ("22001", refused) if family == "mssql" else (refused,)
    opened.answers["INSERT"] = error(*arguments)
    with pytest.raises(RowRefused) as told, opened.store.transaction():
        opened.store.load(TableName("t"), COLUMNS, iter([_batch([ROW])]))
    assert "张三" not in str(told.value)
    assert opened.driver.verbs() == ["INSERT", "rollback"]


def test_a_batch_at_the_target_is_one_transaction_without_ddl(opened: Opened, family: str) -> None:
    store = opened.store
    columns = tuple(Column(c.name, store.dialect.represent(c.type)) for c in COLUMNS)
    effects = Effects(store.dialect, TableName("t"), columns, ("id",), owned=False)
    with store.transaction():
        store.execute_all(effects.prepare())
    opened.driver.log.clear()
    with store.transaction():
        store.execute_all(effects.stage())
        store.execute(effects.note_present())
        store.execute_all(effects.apply())
        store.digest_all(effects.range_lines(EVERYTHING))
    verbs = opened.driver.verbs()
    assert verbs[-1] == "commit"
    assert verbs.count("commit") == 1
    changing = {"oracle": "MERGE", "dm": "MERGE", "mssql": "UPDATE"}[family]
    assert [v for v in verbs if v in ("DELETE", "INSERT", "UPDATE", "MERGE")][-3:] == [
        "DELETE",
        changing,
        "INSERT",
    ]
    if family != "mssql":  # there DDL would commit
        assert not {"CREATE", "DROP", "ALTER", "TRUNCATE", "BEGIN"} & set(verbs)


def test_lines_are_digested_by_the_agent_a_few_at_a_time(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agentdigest, "_LINES_AT_ONCE", 4)
    opened.answers["SELECT 1"] = [("I", 0, "7\t\\F1.00000000000000001e-1"), ("I", 0, "8\t\\N")] * 3
    (found,) = opened.store.digest(Statement("SELECT 1 AS line"), ["bh_op", "bh_before"])
    assert (found.group, found.rows) == (("I", 0), 6)
    assert found.digest == Digest.of_lines(["7\t0.1", "8\t\\N"] * 3)


@pytest.mark.parametrize("family", ["mssql"])
@pytest.mark.parametrize(
    ("isolation", "late", "version", "told"),
    [
        (1, 0, 16, None),
        (1, 1, 16, None),
        (1, 2, 16, "DELAYED_DURABILITY is FORCED"),
        (0, 0, 16, "ALLOW_SNAPSHOT_ISOLATION is off"),
        (1, 0, 14, "older than SQL Server 2019"),
        (1, 0, 10, "older than SQL Server 2019"),  # which knows no ProductMajorVersion either
    ],
)
def test_settings_that_are_unsafe_are_told(
    opened: Opened, isolation: int, late: int, version: int, told: str | None
) -> None:
    opened.answers["delayed_durability"] = [(isolation, late)]
    if version < 12:  # it knows no such column
        opened.answers["delayed_durability"] = pyodbc.Error("42S22", "Invalid column name (207)")
    opened.answers["ProductVersion"] = [(version,)]
    problem = opened.store.settings_problem()
    assert (problem is None) if told is None else told in str(problem)


@pytest.mark.parametrize("family", ["mssql"])
def test_a_driver_manager_that_traces_is_told_last(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mssql.connector.manager_traces", lambda: "traced")
    opened.answers["ProductVersion"] = [(16,)]
    for isolation, told in (0, "SNAPSHOT"), (1, "traced"):
        opened.answers["delayed_durability"] = [(isolation, 0)]
        assert told in str(opened.store.settings_problem())


UNFIT: list[tuple[str, str, Answer, str]] = [
    ("oracle", "NLS_CHARACTERSET", [("ZHS16GBK",)], "ZHS16GBK: it cannot hold every character"),
    ("dm", "SF_GET_UNICODE_FLAG", [(0,)], "GB18030: it cannot hold every character"),
    ("dm", "SF_GET_CASE_SENSITIVE_FLAG", [(0,)], "differ in case for one"),
]


@pytest.mark.parametrize(("family", "asked", "answer", "told"), UNFIT)
def test_a_database_that_would_change_values_is_told(
    opened: Opened, asked: str, answer: Answer, told: str
) -> None:
    opened.answers["SF_GET_CASE_SENSITIVE_FLAG"] = [(1,)]
    assert opened.store.settings_problem() is None
    opened.answers[asked] = answer
    assert told in str(opened.store.settings_problem())


def test_a_standby_does_not_show_who_writes(opened: Opened, family: str) -> None:
    """A window up to a horizon that was taken there would miss what its primary commits."""
    asked, answer = {
        "oracle": ("DATABASE_ROLE", "PHYSICAL STANDBY"),
        "mssql": ("Updateability", "READ_ONLY"),
        "dm": ("mode$", "STANDBY"),
    }[family]
    opened.answers[asked] = [(answer,)]
    with pytest.raises(PermanentError, match="of its primary") as error:
        opened.store.open_work()
    assert "primary" in error.value.remedy


def test_a_zone_of_half_an_hour_has_no_number(opened: Opened, family: str) -> None:
    asked: Answer = [(330,)] if family == "mssql" else [("+05:30",)]
    opened.answers["DATEPART(tz" if family == "mssql" else "TZH:TZM"] = asked
    with pytest.raises(PermanentError) as error:
        opened.store.timezone()
    assert "capture.timezone" in error.value.remedy


@pytest.mark.parametrize("family", ["oracle", "dm"])
def test_a_session_is_in_the_schema_of_its_endpoint(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a name alone would be another table's."""
    opened = Opened(family, monkeypatch, schema="Its Own")
    verb = {"oracle": "ALTER SESSION SET CURRENT_SCHEMA =", "dm": "SET SCHEMA"}[family]
    assert f'{verb} "Its Own"' in opened.beginning
    opened.store.close()


NEEDED = {
    "oracle": (
        "TIME_ZONE = '+00:00'",
        "NLS_NUMERIC_CHARACTERS = '.,'",
        "NLS_SORT = BINARY",
        "NLS_COMP = BINARY",
        "NLS_LENGTH_SEMANTICS = CHAR",
        "COMMIT_WAIT = 'WAIT'",  # a crash of the server takes nothing back
    ),
    "mssql": (
        "XACT_ABORT ON",  # what ends a statement ends its transaction
        "ANSI_NULLS ON",
        "ANSI_PADDING ON",  # no column of ours cuts trailing blanks or zeros
        "ANSI_WARNINGS ON",
        "ARITHABORT ON",
        "CONCAT_NULL_YIELDS_NULL ON",
        "QUOTED_IDENTIFIER ON",
        "LANGUAGE us_english",
        "DATEFORMAT ymd",
        "TEXTSIZE -1",
    ),
}


@pytest.mark.parametrize("family", NEEDED)
def test_a_session_does_not_depend_on_what_a_server_is_set_to(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(family, monkeypatch)
    assert [needed for needed in NEEDED[family] if needed not in opened.beginning[0]] == []
    opened.store.close()


@pytest.mark.parametrize(
    ("family", "option"),
    [("dm", ("autoCommit", dmPython.DSQL_AUTOCOMMIT_OFF)), ("mssql", ("autocommit", False))],
)
def test_no_session_commits_by_itself(
    family: str, option: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(DRIVERS[family][0], "connect", lambda *_, **more: told.update(more))
    made: Any = _connector(family)
    made._connect()
    assert option in told.items()


@pytest.mark.parametrize(("sid", "named"), [("true", "(SID=d)"), ("", "(SERVICE_NAME=d)")])
@pytest.mark.parametrize(
    ("tls", "protocol"),
    [({}, "tcp"), ({"ssl_server_dn_match": "true"}, "tcps"), ({"protocol": "tcp"}, "tcps")],
)
def test_oracle_is_spoken_to_in_tls_where_it_is_asked_for(
    tls: dict[str, str], protocol: str, sid: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the words that the driver makes of what it is told."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(oracledb, "connect", lambda **given: told.update(given))
    made: Any = _connector("oracle")
    made.endpoint = Endpoint(
        "p", "oracle", host="db", port=2484, database="d", tls=tls, options={"sid": sid}
    )
    made._connect()
    assert told.pop("dsn") is None  # it would come before all others
    told.pop("password")
    place = oracledb.ConnectParams(**told).get_connect_string()
    assert f"(PROTOCOL={protocol})(HOST=db)(PORT=2484)" in place
    assert named in place


@pytest.mark.parametrize("family", ["oracle", "dm"])
@pytest.mark.parametrize("where", ["tls", "options"])
def test_what_no_driver_takes_is_told_as_that(family: str, where: str) -> None:
    place = Endpoint("p", family, host="127.0.0.1", port=1, user="u", password=Secret("x"))
    with pytest.raises(ConfigurationError, match="does not take all of these: strict"):
        connect(replace(place, **{where: {"strict": "1"}}))


def test_no_whole_name_comes_before_the_tls_of_an_oracle_endpoint() -> None:
    place = Endpoint("p", "oracle", user="u", password=Secret("x"), tls={"protocol": "tcps"})
    with pytest.raises(ConfigurationError, match="does not take all of these: protocol, dsn"):
        connect(replace(place, options={"dsn": "127.0.0.1:1/d"}))


def test_the_old_driver_of_oracle_takes_no_tls() -> None:
    place = Endpoint("business", "oracle", driver="cx_Oracle", tls={"wallet_location": "/w"})
    with pytest.raises(ConfigurationError, match="takes no tls"):
        OracleConnector(place)


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        ({}, None),
        ({"TrustServerCertificate": "yes"}, "{yes}"),
        ({"encrypt": "strict"}, "{strict}"),
    ],
)
def test_sql_server_is_told_to_encrypt_where_it_is_asked_for(
    tls: dict[str, str], told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers before 18 do not by themselves."""
    texts: list[str] = []
    monkeypatch.setattr(pyodbc, "connect", lambda text, **_: texts.append(text))
    made: Any = _connector("mssql")
    made.endpoint = Endpoint("business", "mssql", tls=tls)
    made._connect()
    parts = dict(part.split("=") for part in texts[0].split(";"))
    found = [value for name, value in parts.items() if name.lower() == "encrypt"]
    assert found == ([] if told is None else [told])


def test_rows_are_read_as_canonical_texts(opened: Opened) -> None:
    rows = [("7", "𠮷", 0.1, b"\x00\xff", "2024-02-29 12:00:00.5+00"), (None,) * 5]
    opened.answers["AS bh_0"] = rows * 400
    selection = Selection(
        Table(TableName("t"), COLUMNS, ("id",)),
        tuple(Output(c, c.type) for c in COLUMNS),
        COLUMNS[:1],
    )
    with opened.store.snapshot():
        stream = opened.store.read(selection)
        batches = list(stream.part(600))
        assert sum(b.num_rows for b in batches) == 600
        first = [column[0].as_py() for column in batches[0].columns]
        assert first == ["7", "𠮷", "0.1", "00ff", "2024-02-29 12:00:00.5+00"]
        assert not stream.exhausted
    assert opened.driver.verbs()[-1] in ("rollback", "commit")
    assert stream.exhausted


def test_a_snapshot_is_asked_for_before_anything_is_read(opened: Opened, family: str) -> None:
    with opened.store.snapshot():
        opened.store.value("SELECT 1 FROM t")
    said = [sql for _, sql, _ in opened.driver.log if sql]
    asked = {"oracle": "READ ONLY", "dm": "SERIALIZABLE", "mssql": "SNAPSHOT"}[family]
    assert asked in said[0]


def test_a_table_is_described(opened: Opened, family: str) -> None:
    table = opened.store.describe(TableName("T"))
    assert table.key == ("ID",)
    opened.answers["SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')"] = [("SHARE",)]
    schema = None if family == "mssql" else "SHARE"
    assert opened.store.resolve(TableName("T")) == TableName("T", schema)
    assert [c.nullable for c in table.columns] == [False, True, True, True]
    assert table.column("NAME").type == Type(Kind.TEXT, length=50)
    assert table.column("NAME").comment == "the name"
    assert table.column("BORN").type == Type(Kind.DATE)
    assert table.column("SEEN").type == Type(Kind.TIMESTAMP, fraction=3, zoned=True)
    assert table.indexed == {"ID", "NAME"}
    assert table.column("NAME").folds == (family == "mssql")


def test_tables_are_listed_and_told_apart(opened: Opened, family: str) -> None:
    """Of two tables none has the other's identity, and a name that is not there has one near."""
    listed, object_of, nothing = {
        "oracle": ("FROM all_tables", "FROM all_objects", []),
        "mssql": ("FROM sys.objects o\nJOIN", "OBJECT_ID", [(None,)]),
        "dm": ("FROM all_tables", "FROM all_objects", []),
    }[family]
    ours = [] if family == "mssql" else [("SHARE", "BH_BATCH")]  # there the server leaves it out
    opened.answers[listed] = [*ours, ("SHARE", "NOTE"), ("SHARE", "T")]
    assert [str(t) for t in opened.store.tables()] == ["SHARE.NOTE", "SHARE.T"]
    one = opened.store.identity(TableName("T", "SHARE"))
    assert "77" in one
    opened.answers[object_of] = [(78, "TABLE", "SHARE")]
    assert opened.store.identity(TableName("NOTE", "SHARE")) not in (one, "")
    assert opened.store.exists(TableName("NOTE", "SHARE"))
    opened.answers[object_of] = nothing  # type: ignore[assignment]
    assert not opened.store.exists(TableName("NOTES", "SHARE"))
    with pytest.raises(MissingObject, match="no table") as error:
        opened.store.describe(TableName("NOTES", "SHARE"))
    assert "NOTE" in error.value.remedy
    if family != "mssql":
        with pytest.raises(MissingObject) as error:
            opened.store.describe(TableName("note", "SHARE"))
        assert error.value.remedy == "did you mean NOTE?"


def test_a_materialized_view_has_no_horizon(opened: Opened, family: str) -> None:
    table = opened.store.describe(TableName("T", "SHARE"))
    assert opened.store.without_horizon(table) == ""
    if family != "mssql":
        opened.answers["FROM all_objects"] = [
            (78, "MATERIALIZED VIEW", "SHARE"),
            (77, "TABLE", "SHARE"),
        ]
        assert opened.store.without_horizon(table) == "materialized view SHARE.T"
    assert opened.store.without_horizon(replace(table, query="SELECT 1")) == ""


def test_who_fills_a_column_is_told(opened: Opened, family: str) -> None:
    """A default that was taken away is NULL, and what a trigger may fill is not needed."""
    told = [column.filling for column in opened.store.describe(TableName("T")).columns]
    assert told == [Filling.NEEDED, Filling.FREE, Filling.FREE, Filling.STORE]
    refused = {"oracle": "ORA-00904: no such column", "dm": "[CODE:-5504]no right"}
    if family in refused:
        part = {"oracle": "FROM all_tab_cols ", "dm": "sys.syscolumns"}[family]
        opened.answers[part] = DRIVERS[family][0].DatabaseError(refused[family])
        told = [column.filling for column in opened.store.describe(TableName("T")).columns]
        assert told == [Filling.FREE] * 4


def test_foreign_keys_that_lead_to_a_table_are_told(opened: Opened) -> None:
    (key,) = opened.store.leading_to(TableName("T", "SHARE"))
    assert key == ForeignKey("OF_WHOM", TableName("NOTE", "SHARE"), "SET NULL")
    assert not key.is_in_the_way


# Exclusive, at once or not at all, and the session's: it dies with that, and with no transaction.
LOCKS = {
    "oracle": ("REQUEST(:v, 6, 0)", "RELEASE(:v)"),
    "dm": ("REQUEST(?, 6, 0)", "RELEASE(?)"),
    "mssql": (
        "@LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0",
        "@LockOwner = 'Session'",
    ),
}


def _of_lock(opened: Opened, name: str) -> tuple[tuple[str, ...], list[Any]]:
    """How a lock is taken and given back, and by which number or name."""
    opened.driver.log.clear()
    with opened.store.lock(name, 0.0):
        pass
    asked = [(sql, values) for _, sql, values in opened.driver.log if sql]
    pattern = r"@Lock[^;]*|(?:REQUEST|RELEASE)\([^)]*\)"
    found = tuple(match[0] for sql, _ in asked if (match := re.search(pattern, sql)))
    return found, [values[0] for _, values in asked]


def test_time_work_and_locks(opened: Opened, family: str) -> None:
    store = opened.store
    assert store.clock().isoformat() == "2024-02-29T04:00:00.000005+00:00"
    assert store.timezone() == "Etc/GMT-8"
    opened.driver.log.clear()
    work = store.open_work()
    asked = [sql for _, sql, _ in opened.driver.log if "session" in sql or "SELECT t." in sql]
    if family != "mssql":  # what is let go by its session meanwhile is in one of the two
        assert asked == [store.sessions_query, store.detached_query]  # type: ignore[attr-defined]
    assert any(token.startswith("session ") for token in work)
    assert family == "mssql" or any(token.startswith("prepared ") for token in work)
    assert any(" of " in line for line in store.describe_work(work))
    taken = {name: _of_lock(opened, name) for name in ("job", "another job")}
    assert {asked for asked, _ in taken.values()} == {LOCKS[family]}
    assert len({*(number for _, numbers in taken.values() for number in numbers)}) == 2
    assert all(len(set(numbers)) == 1 for _, numbers in taken.values())
    opened.answers["sp_getapplock" if family == "mssql" else "DBMS_LOCK.REQUEST"] = (
        [(-1,)] if family == "mssql" else [(1,)]
    )
    with pytest.raises(Busy), store.lock("job", 0.0):
        pass


# -- errors ------------------------------------------------------------------------------------


def _connector(family: str) -> Connector:
    """One that never connected: `translate` needs its endpoint and module alone."""
    place = FAMILIES[family].connector.partition(":")
    kind: type[Connector] = getattr(importlib.import_module(place[0]), place[2])
    made = object.__new__(kind)
    made.endpoint = Endpoint("business", family, host="db", database="register")
    made._module = oracledb  # type: ignore[attr-defined]
    return made


MODULES: dict[str, Any] = {
    "oracle": oracledb,
    "mssql": pyodbc,
    "dm": dmPython,
    "kingbase": ksycopg2,
    "opengauss": psycopg,
}


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("family", MODULES)
def test_every_exception_of_the_driver_is_one_of_ours(family: str, connected: bool) -> None:
    module, store = MODULES[family], _connector(family)
    if connected:
        store.connection = None  # type: ignore[assignment]
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, module.Error)
    ]
    assert len(kinds) >= 7
    assert all(issubclass(kind, store._driver_error()) for kind in kinds)
    for kind in kinds:
        ours = store.translate(kind("something 张三"))
        assert isinstance(ours, BridgeheadError)
        assert "张三" not in ours.message or not connected
        assert "business" in str(ours)


MEANT: list[tuple[str, str, type[BridgeheadError]]] = [
    ("oracle", "ORA-01017: invalid username/password; logon denied", LoginRefused),
    ("oracle", "DPY-6001: cannot connect; ORA-12514: no such service", MissingObject),
    ("oracle", "DPY-3010: connections to this database server version", ConfigurationError),
    (
        "oracle",
        "DPY-2019: thick mode cannot be used, a thin connection was made",
        ConfigurationError,
    ),
    ("oracle", "ORA-00942: table or view does not exist", MissingObject),
    ("oracle", "ORA-01031: insufficient privileges", MissingRight),
    ("oracle", "ORA-00001: unique constraint (A.B) violated", RepeatedKey),
    ("oracle", "ORA-20123: refused by a trigger", RowRefused),
    ("oracle", "ORA-01653: unable to extend table", StoreFull),
    ("oracle", "ORA-00054: resource busy", Busy),
    ("oracle", "ORA-00060: deadlock detected", TransientError),
    ("oracle", "DPY-4024: call timeout of 10 ms exceeded", StatementTimeout),
    ("oracle", "ORA-03113: end-of-file on communication channel", ConnectionLost),
    ("oracle", "ORA-01466: unable to read data - table definition has changed", TransientError),
    ("oracle", "ORA-08103: object no longer exists", TransientError),
    ("oracle", "ORA-01591: lock held by in-doubt distributed transaction 1.2.3", Busy),
    ("oracle", "ORA-02049: timeout: distributed transaction waiting for lock", Busy),
    ("oracle", "ORA-14400: inserted partition key does not map to any partition", RowRefused),
    ("oracle", "ORA-02391: exceeded simultaneous SESSIONS_PER_USER limit", StoreFull),
    ("oracle", "ORA-01688: unable to extend table A.B partition P", StoreFull),
    ("oracle", "ORA-02399: exceeded maximum connect time", ConnectionLost),
    ("oracle", "ORA-02329: column of datatype LOB cannot be unique", StructureMismatch),
    ("oracle", "ORA-99999: never heard of", PermanentError),
    ("mssql", "[28000] Login failed for user. (18456) (SQLDriverConnect)", LoginRefused),
    ("mssql", "[42S02] Invalid object name 't'. (208) (SQLExecDirectW)", MissingObject),
    ("mssql", "[42000] permission was denied (229) (SQLExecDirectW)", MissingRight),
    ("mssql", "[23000] Violation of PRIMARY KEY (2627) (SQLExecDirectW)", RepeatedKey),
    ("mssql", "[23000] conflicted with CHECK (547) (SQLExecDirectW)", RowRefused),
    ("mssql", "[42000] Snapshot isolation not allowed (3952) (SQLExecDirectW)", ConfigurationError),
    ("mssql", "[42000] refused by THROW (51000) (SQLExecDirectW)", RowRefused),
    ("mssql", "[42000] ended in a trigger (3616) (SQLExecDirectW)", RowRefused),
    ("mssql", "[42000] index entry exceeds (1946) (SQLExecDirectW)", RowRefused),
    ("mssql", "[HY000] String data, right truncation: length 8002 buffer 8000", RowRefused),
    ("mssql", "[42000] Invalid collation (448) (SQLExecDirectW)", ConfigurationError),
    ("mssql", "[42000] being recovered (922) (SQLExecDirectW)", TransientError),
    ("mssql", "[40001] deadlock victim (1205) (SQLExecDirectW)", TransientError),
    ("mssql", "[42000] Lock request time out (1222) (SQLExecDirectW)", Busy),
    ("mssql", "[HYT00] Query timeout expired (0) (SQLExecDirectW)", StatementTimeout),
    ("mssql", "[08S01] Communication link failure (0) (SQLExecDirectW)", ConnectionLost),
    ("dm", "[CODE:-2501]Invalid username or password", LoginRefused),
    ("dm", "[CODE:-200]Invalid username or password", LoginRefused),
    ("dm", "[CODE:-5661]the account is locked", LoginRefused),
    ("dm", "[CODE:-5504]No select privilege on object [T]", MissingRight),
    ("dm", "[CODE:-20001]refused by a trigger", RowRefused),
    ("dm", "[CODE:-2080]never heard of", PermanentError),
    ("dm", "[CODE:-6407]Lock timeout", Busy),
    ("dm", "[CODE:-7049]Executing timeout", StatementTimeout),
    ("dm", "[CODE:-504]Out of table space", StoreFull),
    ("dm", "[CODE:-2106]Invalid table or view name [T]", MissingObject),
    ("dm", "[CODE:-6602]Violate unique constraint [C]", RepeatedKey),
    ("dm", "[CODE:-6609]Violate not null constraint", RowRefused),
    ("dm", "[CODE:-6403]Deadlock", TransientError),
    ("dm", "[CODE:-70019]Network communication failure", ConnectionLost),
]


@pytest.mark.parametrize(
    ("family", "text", "kind"), MEANT, ids=[f"{f} {t[:12]}" for f, t, _ in MEANT]
)
def test_codes_mean_what_an_operator_can_do(
    family: str, text: str, kind: type[BridgeheadError]
) -> None:
    store = _connector(family)
    store.connection = None  # type: ignore[assignment]
    error: Callable[..., Exception] = MODULES[family].DatabaseError
    arguments = (text[1:6], text) if family == "mssql" else (text,)
    assert type(store.translate(error(*arguments))) is kind


@pytest.mark.parametrize(
    "reason",
    [
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)",
        "DPY-2018: wallet file /w/ewallet.pem was not found",
        "ORA-28759: failure to open file",
    ],
)
def test_what_is_wrong_with_tls_is_told_as_that(reason: str) -> None:
    """Oracle's driver wraps it in that nobody answers."""
    error = oracledb.DatabaseError(f"DPY-6005: cannot connect to database\n{reason}")
    ours = _connector("oracle").translate(error)
    assert isinstance(ours, LoginRefused)
    assert reason in ours.message
    assert "tls" in ours.remedy


@pytest.mark.parametrize("other", ["Statement(s) could not be prepared. (8180)", "张三 (0)"])
def test_of_several_messages_of_sql_server_the_one_that_is_meant_is_told(other: str) -> None:
    """What else a trigger printed may be a value."""
    store = _connector("mssql")
    store.connection = None  # type: ignore[assignment]
    tags = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"
    text = f"[42S02] {tags}Invalid object name 't'. (208) (SQLExecDirectW); [42000] {tags}{other}"
    ours = store.translate(MODULES["mssql"].DatabaseError("42S02", text))
    assert ours.message == "Invalid object name 't'. (208)"


@pytest.mark.parametrize(
    "said",
    [
        "[error:0A000086:SSL routines::certificate verify failed:self-signed certificate]",
        "The certificate chain was issued by an authority that is not trusted.\r\n",
        "[error:0A000102:SSL routines::unsupported protocol]",
    ],
)
def test_a_server_whose_certificate_nobody_trusts_is_told_as_that(said: str) -> None:
    """What driver 18 comes to first, since it encrypts unless it is told otherwise."""
    tags = "[Microsoft][ODBC Driver 18 for SQL Server]"
    text = f"[08001] {tags}SSL Provider: {said} (-1) (SQLDriverConnect)"
    ours = _connector("mssql").translate(pyodbc.OperationalError("08001", text))
    assert type(ours) is ConfigurationError
    assert said.strip("[]\r\n") in ours.message
    assert "TrustServerCertificate" in ours.remedy


def test_without_a_session_nothing_is_lost() -> None:
    for family, text in (("oracle", "ORA-12541: no listener"), ("dm", "[CODE:-70028]failure")):
        error = MODULES[family].DatabaseError(text)
        assert type(_connector(family).translate(error)) is Unreachable


# -- drivers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [name for name, f in FAMILIES.items() if f.extra])
def test_a_missing_driver_names_its_extra(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as error:
        connect(Endpoint("business", family, host="db"))
    assert error.value.exit_code == 2
    assert f"bridgehead[{FAMILIES[family].extra}]" in error.value.remedy
    assert FAMILIES[family].driver in error.value.message


def test_the_old_oracle_driver_stays_selectable() -> None:
    with pytest.raises(ConfigurationError) as error:
        connect(Endpoint("business", "oracle", host="db", database="x", driver="cx_Oracle"))
    assert "bridgehead[cx-oracle]" in error.value.remedy
    with pytest.raises(ConfigurationError, match="there is no driver 'odbc'"):
        connect(Endpoint("business", "oracle", host="db", database="x", driver="odbc"))


def test_an_odbc_driver_that_is_not_there_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="Driver 18") as error:
        connect(Endpoint("business", "mssql", host="127.0.0.1", port=1, database="x", user="u"))
    assert "install" in error.value.remedy
