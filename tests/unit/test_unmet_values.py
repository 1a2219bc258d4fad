"""What servers that were never met are documented to make of values, and what we ask them for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import dmPython
import oracledb
import pyarrow as pa
import pyarrow.compute as pc
import pyodbc
import pytest

from connectors.agentdigest import finished
from connectors.errors import MissingRight, StructureMismatch
from connectors.mssql.catalogue import relation_of, type_of
from connectors.mssql.dialect import MssqlDialect
from connectors.oracle.dialect import OracleDialect
from connectors.selection import Output, Selection
from connectors.table import Column, Kind, Table, TableName, Type
from tests.unit.test_unmet_families import COLUMNS, ROW, Opened, _batch

MSSQL = MssqlDialect()
BYTES = "Latin1_General_100_BIN2_UTF8"


def of_sql_server(native: str, collation: str | None = None, **more: int) -> Column:
    sized = (more.get("size", 8), more.get("precision", 0), more.get("scale", 0))
    row = ("c", native, *sized, False, collation, None, None, "U ", "free", "dbo")
    return relation_of(TableName("t"), [row], []).columns[0]


# -- Oracle and DM -------------------------------------------------------------------------------


class Described(tuple[Any, ...]):
    """As a driver describes a column: name, type, display size, size, precision, scale."""

    def __new__(cls, name: str, kind: Any, size: Any, precision: Any, scale: Any) -> Described:
        return super().__new__(cls, (name, kind, None, size, precision, scale, True))


QUERIED: list[tuple[str, Any, Any, Any, Any, Type]] = [
    # OCI: a scale of -127 beside a precision, which is one of bits, is that of a FLOAT
    ("oracle", oracledb.DB_TYPE_NUMBER, None, 126, -127, Type(Kind.DECIMAL)),
    ("oracle", oracledb.DB_TYPE_NUMBER, None, 0, -127, Type(Kind.DECIMAL)),
    ("oracle", oracledb.DB_TYPE_NUMBER, None, 5, 2, Type(Kind.DECIMAL, precision=5, scale=2)),
    ("oracle", oracledb.DB_TYPE_NUMBER, None, 5, -2, Type(Kind.DECIMAL, precision=7, scale=0)),
    ("dm", dmPython.DECIMAL, 12, 10, 2, Type(Kind.DECIMAL)),
    ("dm", dmPython.NUMBER, 4, 10, 0, Type(Kind.DECIMAL)),
    ("dm", dmPython.BIGINT, 8, 19, 0, Type(Kind.INTEGER)),
    ("dm", dmPython.STRING, 50, 50, 0, Type(Kind.TEXT, length=50)),
    ("dm", dmPython.FIXED_STRING, 18, 18, 0, Type(Kind.TEXT, length=18, padded=True)),
    ("dm", dmPython.CLOB, 2147483647, 0, 0, Type(Kind.TEXT)),
    ("dm", dmPython.DATE, 10, 10, 0, Type(Kind.DATE)),
    ("dm", dmPython.TIMESTAMP, 26, 26, 6, Type(Kind.TIMESTAMP)),
    ("dm", dmPython.TIMESTAMP_WITH_TIMEZONE, 33, 33, 6, Type(Kind.TIMESTAMP, zoned=True)),
    ("dm", dmPython.DOUBLE, 8, 53, 0, Type(Kind.FLOAT)),
    ("dm", dmPython.BINARY, 16, 16, 0, Type(Kind.BINARY, length=16)),
    ("dm", dmPython.BLOB, 2147483647, 0, 0, Type(Kind.BINARY)),
]


@pytest.mark.parametrize(("family", "kind", "size", "precision", "scale", "meant"), QUERIED)
def test_a_column_of_a_query_is_of_a_type_that_holds_it(
    family: str,
    kind: Any,
    size: Any,
    precision: Any,
    scale: Any,
    meant: Type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = Opened(family, monkeypatch)
    described = Described("C", kind, size, precision, scale)
    monkeypatch.setattr("tests.recording.RecordingCursor.described", [described])
    assert opened.store.describe_query("SELECT c FROM t").column("C").type == meant
    opened.store.close()


def test_the_session_has_our_own_way_to_take_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy sets one as it connects: it takes a BINARY_FLOAT that is no number for digits, and
    bounds a LOB."""
    opened = Opened("oracle", monkeypatch)
    asked: list[Any] = []

    class Cursor:
        arraysize = 7

        def var(self, kind: Any, *more: Any, **named: Any) -> None:
            asked.append((kind, more, named))

    class Column:
        def __init__(self, kind: Any) -> None:
            self.type_code = kind

    handler = opened.driver.outputtypehandler
    for kind in (oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_BLOB):
        handler(Cursor(), Column(kind))
    unbounded = {"arraysize": 7}
    assert asked == [
        (oracledb.DB_TYPE_LONG, (), unbounded),
        (oracledb.DB_TYPE_LONG_RAW, (), unbounded),
    ]
    assert handler(Cursor(), Column(oracledb.DB_TYPE_BINARY_FLOAT)) is None
    opened.store.close()


def test_what_has_no_text_is_told() -> None:
    oracle = OracleDialect()
    interval = Type(Kind.NATIVE, family="oracle", native="INTERVAL DAY(2) TO SECOND(6)")
    assert oracle.render("c", interval) == "TO_CHAR(c)"
    assert oracle.render("c", replace(interval, native="ROWID")) == "c"
    for native in ("SDO_GEOMETRY", "BFILE", "JSON"):
        with pytest.raises(StructureMismatch, match=native) as error:
            oracle.render("c", replace(interval, native=native))
        assert "leave it out" in error.value.remedy


@pytest.mark.parametrize(("charset", "bytewise"), [("AL32UTF8", True), ("UTF8", False)])
def test_texts_of_cesu_do_not_sort_as_utf8(
    charset: str, bytewise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened("oracle", monkeypatch)
    opened.answers["NLS_CHARACTERSET"] = [(charset,)]
    assert opened.store.describe(TableName("T")).column("NAME").bytewise is bytewise
    assert opened.store.settings_problem() is None
    opened.store.close()


@pytest.mark.parametrize("family", ["oracle", "dm", "mssql"])
def test_a_char_of_blanks_is_no_null(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To Oracle an empty text is NULL, and so is what its RTRIM leaves of blanks."""
    opened = Opened(family, monkeypatch)
    flag = Column("flag", Type(Kind.TEXT, length=3, padded=True))
    trimmed = family == "mssql"  # whose server leaves an empty text
    opened.answers["AS bh_0"] = [("",), ("y",)] if trimmed else [("   ",), ("y  ",), (None,)]
    selection = Selection(Table(TableName("t"), (flag,)), (Output(flag, flag.type),), (flag,))
    with opened.store.snapshot():
        (batch,) = opened.store.read(selection).part(9)
    assert batch.column(0).to_pylist()[:2] == ["", "y"]
    asked = next(sql for _, sql, _ in opened.driver.log if "bh_0" in sql)
    assert ("RTRIM" in asked.partition("FROM")[0]) == trimmed
    opened.store.close()


def test_a_float_is_bound_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a NUMBER the driver refuses what is no number, and exponents from 126 on: cx_Oracle's
    issue 184."""
    opened = Opened("oracle", monkeypatch)
    with opened.store.transaction():
        opened.store.load(TableName("t"), COLUMNS, iter([_batch([ROW])]), constants={"bh_seq": 9})
    double = oracledb.DB_TYPE_BINARY_DOUBLE
    assert opened.driver.sizes == (None, None, double, None, None, None)
    opened.store.close()


def test_what_is_no_number_has_a_text() -> None:
    """Number Format Models: with a format Oracle returns pound signs for it, and without one Nan,
    Inf and -Inf."""
    text = OracleDialect().render("c", Type(Kind.FLOAT))
    assert text.startswith("CASE WHEN c IS NAN OR c IS INFINITE THEN TO_CHAR(c) ELSE TO_CHAR(c, ")
    marked = [f"{mark}{said}" for mark in ("\\F", "\\G") for said in ("Nan", "Inf", "-Inf")]
    assert [finished(line) for line in marked] == ["NaN", "Infinity", "-Infinity"] * 2


BYTES_OR_CHARACTERS: list[tuple[str, str, int, int, str, bool]] = [
    ("VARCHAR2", "AL32UTF8", 50, 50, "张" * 16, True),
    ("VARCHAR2", "AL32UTF8", 50, 50, "张" * 17, False),
    ("VARCHAR2", "AL32UTF8", 50, 50, "a\n" * 25, True),
    ("CHAR", "AL32UTF8", 18, 18, "1" * 16 + "𠮷", False),
    ("VARCHAR2", "AL32UTF8", 4000, 2000, "张" * 1333, True),
    ("VARCHAR2", "AL32UTF8", 4000, 2000, "张" * 1334, False),
    ("VARCHAR2", "AL32UTF8", 200, 50, "𠮷" * 50, True),
    ("NVARCHAR2", "AL32UTF8", 100, 50, "张" * 50, True),
    ("VARCHAR2", "ZHS16GBK", 50, 50, "张" * 25, True),
]


@pytest.mark.parametrize(
    ("native", "charset", "size", "characters", "text", "takes"), BYTES_OR_CHARACTERS
)
def test_a_text_of_too_many_bytes_is_set_aside(
    native: str,
    charset: str,
    size: int,
    characters: int,
    text: str,
    takes: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DATA_LENGTH (ALL_TAB_COLUMNS) is what a column takes in bytes, whatever its semantics: the
    server refuses more, and the whole batch with it."""
    opened = Opened("oracle", monkeypatch)
    opened.answers["NLS_CHARACTERSET"] = [(charset,)]
    row = ("NAME", native, size, characters, None, None, "Y", None)
    opened.answers["FROM all_tab_columns"] = [row]
    column = opened.store.describe(TableName("T")).column("NAME")
    assert pc.match_substring_regex(pa.array([text]), column.allowed).to_pylist() == [takes]
    assert column.type.length == characters
    opened.store.close()


@pytest.mark.parametrize("family", ["oracle", "dm"])
def test_without_a_right_to_locks_the_right_is_told(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that a login may not execute is an invalid identifier to Oracle."""
    opened = Opened(family, monkeypatch)
    refused = {
        "oracle": oracledb.DatabaseError('ORA-00904: "DBMS_LOCK"."REQUEST": invalid identifier'),
        "dm": dmPython.DatabaseError("[CODE:-2207]Invalid column or method [DBMS_LOCK.REQUEST]"),
    }
    opened.answers["DBMS_LOCK.REQUEST"] = refused[family]
    with pytest.raises(MissingRight) as error, opened.store.lock("job", 0.0):
        pass
    assert "dbms_lock" in error.value.remedy.lower()
    opened.store.close()


# -- SQL Server ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("native", "digits"), [("money", "19,4"), ("smallmoney", "10,4")])
def test_money_keeps_four_digits(native: str, digits: str) -> None:
    """CAST and CONVERT (Transact-SQL): money as text has two, unless a style says otherwise."""
    kind = type_of(("c", native, 8, 19, 4))
    assert f"CONVERT(varchar(41), CAST([c] AS decimal({digits})))" in MSSQL.render("[c]", kind)
    assert "CONVERT(varchar(41), [c])" not in MSSQL.render("[c]", kind)


@pytest.mark.parametrize(("native", "digits"), [("datetime", 3), ("smalldatetime", 0)])
def test_a_datetime_has_three_digits_of_a_second(native: str, digits: int) -> None:
    """From compatibility level 130 on, one of .003 is .0033333 as a datetime2 of seven digits."""
    text = MSSQL.render("[c]", type_of(("c", native, 8, 23, 3)))
    assert f"CAST([c] AS datetime2({digits}))" in text
    assert "datetime2(7)" not in text


@pytest.mark.parametrize(
    ("native", "taken", "others"),
    [
        ("datetime", ["0", "0.5", "0.01", "0.003", "0.997"], ["0.001", "0.0033", "0.999"]),
        ("smalldatetime", ["0"], ["1", "0.5"]),
    ],
)
def test_what_a_datetime_would_round_is_set_aside(
    native: str, taken: list[str], others: list[str]
) -> None:
    """Else each batch with such a value would deviate, for ever."""
    for seconds, takes in ((taken, True), (others, False)):
        texts = [f"2024-02-29 12:00:{s.zfill(2) if '.' not in s else '0' + s}" for s in seconds]
        found = pc.match_substring_regex(pa.array(texts), of_sql_server(native).allowed)
        assert found.to_pylist() == [takes] * len(texts)
    early = pa.array(["1752-12-31 00:00:00", "0001-01-01 00:00:00"])
    assert not any(pc.match_substring_regex(early, of_sql_server(native).allowed).to_pylist())
    assert of_sql_server("datetime2", scale=3).allowed == ""


def test_a_key_of_datetime_is_compared_as_one() -> None:
    """A datetime2 beside it has other digits, and none of .003 would be found."""
    key = of_sql_server("datetime")
    assert MSSQL.same("t.[c]", "i.[c]", key) == "t.[c] = CAST(i.[c] AS datetime)"
    assert MSSQL.among([key], [("x",)]).sql == "(([c] = CAST(CAST(? AS datetime2(3)) AS datetime)))"


def test_texts_are_compared_by_their_bytes_before_a_code_page_could_change_them() -> None:
    """COLLATE (Transact-SQL): loss in the translation to a code page is not reported."""
    key = of_sql_server("nvarchar", "Chinese_PRC_CI_AS", size=40)
    whole = f"CAST([c] COLLATE {BYTES} AS varchar(8000))"
    assert MSSQL.ordered("[c]", key) == whole
    same = MSSQL.same("t.[c]", "i.[c]", key)
    assert "t.[c] = CAST(i.[c] AS nvarchar(4000)) COLLATE Chinese_PRC_CI_AS" in same
    ours = of_sql_server("varchar", BYTES, size=40)
    assert (
        MSSQL.among([ours], [("x",)]).sql == f"(([c] = CAST(? COLLATE {BYTES} AS varchar(8000))))"
    )


def test_each_value_is_bound_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a temporary table the server describes no parameter, and pyodbc then takes each for a
    varchar(255): its issue 295."""
    opened = Opened("mssql", monkeypatch)
    with opened.store.transaction():
        chunks = iter([_batch([(None,) * 5, ROW])])
        opened.store.load(TableName("#t"), COLUMNS, chunks, constants={"bh_seq": 9})
    assert opened.driver.sizes == (
        [
            (pyodbc.SQL_WVARCHAR, 64, 0),
            (pyodbc.SQL_WVARCHAR, 100, 0),
            (pyodbc.SQL_DOUBLE, 15, 0),
            (pyodbc.SQL_VARBINARY, 16, 0),
            (pyodbc.SQL_WVARCHAR, 64, 0),
            (pyodbc.SQL_BIGINT, 19, 0),
        ],
    )
    with opened.store.transaction():
        long = (Column("id", Type(Kind.TEXT)),)
        opened.store.load(TableName("#t"), long, iter([pa.record_batch([["x"]], ["id"])]))
    assert opened.driver.sizes == ([(pyodbc.SQL_WVARCHAR, 0, 0)],)
    opened.store.close()


def test_no_property_is_taken_as_a_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their type is sql_variant: it becomes a text by CONVERT alone."""
    opened = Opened("mssql", monkeypatch)
    opened.answers["snapshot_isolation_state"] = [(1, 0)]
    opened.answers["ProductVersion"] = [(16,)]
    opened.store.identity(TableName("T"))
    opened.store.open_work()
    opened.store.settings_problem()
    asked = " ".join(sql for _, sql, _ in opened.driver.log)
    found = re.findall(r"(.{30})(?:SERVERPROPERTY|DATABASEPROPERTYEX)\(", asked)
    assert len(found) == 3
    assert [f for f in found if not re.search(r"CONVERT\(\w+(\(\d+\))?, $", f)] == []
    opened.store.close()


def test_a_query_is_described_as_it_will_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind FROM each column needs a name of its own."""
    opened = Opened("mssql", monkeypatch)
    described: list[tuple[Any, ...]] = [
        ("a", "int", 4, 10, 0, True, None, None, None, "Q", "free", None)
    ]
    opened.answers["dm_exec_describe_first_result_set"] = described
    assert opened.store.describe_query("SELECT a FROM t").names == ("a",)
    (values,) = [v for _, sql, v in opened.driver.log if "describe_first" in sql]
    assert values == ("SELECT * FROM (SELECT a FROM t\n) q",)
    opened.store.close()
