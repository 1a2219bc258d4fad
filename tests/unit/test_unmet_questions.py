"""What a store that was never met is asked: who may still commit, what is a key, and what leads to
a table. The questions are put to tables of SQLite that are called as the views of that server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.dm.connector import DmConnector
from connectors.mssql import catalogue as mssql
from connectors.mssql.connector import OBJECT
from connectors.oracle import catalogue as oracle
from connectors.oracle.connector import OracleConnector


@pytest.fixture
def server() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute("ATTACH ':memory:' AS sys")
        opened.create_function("concat", -1, lambda *parts: "".join(map(str, parts)))
        yield opened


def put(server: sqlite3.Connection, table: str, columns: str, *rows: tuple[Any, ...]) -> None:
    server.execute(f"CREATE TABLE {table} ({columns})")
    places = ", ".join(["?"] * len(columns.split(",")))
    server.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def rows(server: sqlite3.Connection, question: str, *asked: Any) -> list[tuple[Any, ...]]:
    return server.execute(question.replace(":v", "?"), asked).fetchall()


def ask(server: sqlite3.Connection, question: str) -> set[str]:
    return {str(row[0]) for row in rows(server, question)}


# -- who may still commit ------------------------------------------------------------------------


def test_work_at_oracle(server: sqlite3.Connection) -> None:
    """An idle session with a transaction, one that executes, and one of our number at another
    instance; but not our own, one that does nothing, nor the server's."""
    own = {"SID": 1, "INSTANCE": 1}
    server.create_function("SYS_CONTEXT", 2, lambda _, name: own[name])
    columns = "inst_id, sid, serial, username, program, type, status, taddr"
    put(
        server,
        "gv$session",
        columns,
        (1, 1, 10, "BRIDGE", "us", "USER", "ACTIVE", None),
        (2, 1, 20, "APP", "elsewhere", "USER", "ACTIVE", None),
        (1, 3, 30, "APP", "idle in transaction", "USER", "INACTIVE", "A"),
        (1, 4, 40, "APP", "executes", "USER", "ACTIVE", None),
        (1, 5, 50, "APP", "idle", "USER", "INACTIVE", None),
        (2, 6, 60, "APP", "idle", "USER", "INACTIVE", "A"),
        (1, 7, 70, None, "LGWR", "BACKGROUND", "ACTIVE", None),
    )
    columns = "inst_id, addr, xidusn, xidslot, xidsqn"
    put(server, "gv$transaction", columns, (1, "A", 1, 2, 3), (2, "B", 4, 5, 6))
    sessions = OracleConnector.sessions_query.replace("serial#", "serial")
    assert ask(server, sessions) == {"session 2/1/20", "session 1/3/30", "session 1/4/40"}
    assert ask(server, OracleConnector.detached_query) == {"4.5.6"}


def test_work_at_dm(server: sqlite3.Connection) -> None:
    server.create_function("SESSID", 0, lambda: 1)
    put(
        server,
        "v$sessions",
        "sess_id, create_time, user_name, appname, state, trx_id",
        (1, "t", "BRIDGE", "us", "ACTIVE", 100),
        (3, "t", "APP", "idle in transaction", "IDLE", 300),
        (4, "t", "APP", "executes", "ACTIVE", None),
        (5, "t", "APP", "idle, has committed", "IDLE", 500),
        (6, "t", "APP", "idle", "IDLE", None),
    )
    transactions = [(100, "ACTIVE"), (300, "ACTIVE"), (500, "COMMITTED"), (700, "ACTIVE")]
    put(server, "v$trx", "id, status", *transactions, (800, "COMMITTED"))
    assert ask(server, DmConnector.sessions_query) == {"session 3/t", "session 4/t"}
    assert ask(server, DmConnector.detached_query) == {"700"}


def test_work_at_sql_server(server: sqlite3.Connection) -> None:
    """In our database: by where the session is, its statement, or its transaction."""
    server.create_function("varchar", 1, lambda length: length)
    server.create_function("CONVERT", 3, lambda _, value, style: value)
    server.create_function("DB_ID", 0, lambda: 5)
    columns = "session_id, login_time, login_name, program_name, is_user_process,"
    columns += " open_transaction_count, database_id"
    put(
        server,
        "sys.dm_exec_sessions",
        columns,
        (50, "t", "bridge", "us", 1, 1, 5),
        (51, "t", "app", "idle in transaction", 1, 1, 5),
        (52, "t", "app", "executes", 1, 0, 5),
        (53, "t", "app", "idle", 1, 0, 5),
        (54, "t", "app", "waits for a message", 1, 0, 5),
        (55, "t", "sa", "the server's own", 0, 1, 5),
        (56, "t", "app", "idle in a transaction elsewhere", 1, 1, 9),
        (57, "t", "app", "executes here from elsewhere", 1, 0, 9),
        (58, "t", "app", "idle in a transaction here from elsewhere", 1, 1, 9),
    )
    requests = [(52, "INSERT", 5), (54, "WAITFOR", 5), (57, "UPDATE", 5)]
    put(server, "sys.dm_exec_requests", "session_id, command, database_id", *requests)
    of_sessions = [(51, 1051), (56, 1056), (58, 1058)]
    columns = "session_id, transaction_id"
    put(server, "sys.dm_tran_session_transactions", columns, *of_sessions)
    places = [(1051, 5), (1056, 9), (1058, 5), (2001, 5), (2002, 9), (2003, 5)]
    columns = "transaction_id, database_id"
    put(server, "sys.dm_tran_database_transactions", columns, *places)
    columns = "transaction_id, transaction_type"
    kinds = [(1051, 1), (1058, 4), (2001, 4), (2002, 4), (2003, 2)]
    put(server, "sys.dm_tran_active_transactions", columns, *kinds)
    found = ask(server, mssql.SESSIONS.replace("@@SPID", "50"))
    sessions = {f"session {number}/t" for number in (51, 52, 57, 58)}
    assert found == sessions | {"prepared 2001"}


# -- keys, and what leads to a table -------------------------------------------------------------


def test_keys_at_oracle_and_dm(server: sqlite3.Connection) -> None:
    """Of the table itself; a constraint that is switched off holds nobody back."""
    put(
        server,
        "all_constraints",
        "owner, constraint_name, table_name, constraint_type, status, r_owner, r_constraint_name,"
        " delete_rule",
        ("SHARE", "PK", "T", "P", "ENABLED", None, None, None),
        ("SHARE", "UQ", "T", "U", "ENABLED", None, None, None),
        ("SHARE", "PK_U", "U", "P", "DISABLED", None, None, None),
        ("OTHER", "PK", "T", "P", "ENABLED", None, None, None),
        ("SHARE", "LEADS", "NOTE", "R", "ENABLED", "SHARE", "PK", "CASCADE"),
        ("SHARE", "BY_NAME", "NOTE", "R", "ENABLED", "SHARE", "UQ", "NO ACTION"),
        ("SHARE", "SWITCHED_OFF", "NOTE", "R", "DISABLED", "SHARE", "PK", "CASCADE"),
        ("SHARE", "ELSEWHERE", "NOTE", "R", "ENABLED", "OTHER", "PK", "CASCADE"),
    )
    columns = [("SHARE", "PK", "B", 1), ("SHARE", "PK", "A", 2), ("SHARE", "UQ", "C", 1)]
    others = [("OTHER", "PK", "Z", 1), ("SHARE", "PK_U", "A", 1)]
    named = "owner, constraint_name, column_name, position"
    put(server, "all_cons_columns", named, *columns, *others)
    assert rows(server, oracle.PRIMARY, "SHARE", "T") == [("B",), ("A",)]
    assert rows(server, oracle.PRIMARY, "SHARE", "U") == []
    assert rows(server, oracle.LEADING, "SHARE", "T") == [
        ("BY_NAME", "SHARE", "NOTE", "NO ACTION"),
        ("LEADS", "SHARE", "NOTE", "CASCADE"),
    ]


def test_keys_at_sql_server(server: sqlite3.Connection) -> None:
    """In the order of the key; unique among some rows is not unique, and neither what an index
    brings along nor one that is switched off counts."""
    named = "object_id, index_id, name, is_primary_key, is_unique, has_filter, is_disabled"
    indexes = [
        (7, 1, "pk", 1, 1, 0, 0),
        (7, 2, "some", 0, 1, 1, 0),
        (7, 3, "off", 0, 1, 0, 1),
        (7, 4, "all", 0, 1, 0, 0),
        (8, 1, "another's", 1, 1, 0, 0),
    ]
    put(server, "sys.indexes", named, *indexes)
    named = "object_id, index_id, column_id, key_ordinal"
    columns = [(7, 1, 1, 2), (7, 1, 2, 1), (7, 1, 3, 0), (7, 2, 3, 1), (7, 3, 3, 1), (7, 4, 3, 1)]
    put(server, "sys.index_columns", named, *columns, (8, 1, 1, 1))
    named = "object_id, column_id, name"
    put(server, "sys.columns", named, (7, 1, "a"), (7, 2, "b"), (7, 3, "c"), (8, 1, "z"))
    assert rows(server, mssql.INDEXES, 7) == [
        (1, 1, 1, "b", "pk"),
        (1, 1, 1, "a", "pk"),
        (2, 0, 0, "c", "some"),
        (4, 0, 1, "c", "all"),
    ]


def test_what_leads_to_a_table_of_sql_server(server: sqlite3.Connection) -> None:
    server.create_function("OBJECT_NAME", 1, {9: "note"}.get)
    server.create_function("OBJECT_SCHEMA_NAME", 1, {9: "dbo"}.get)
    named = "name, parent_object_id, referenced_object_id, delete_referential_action_desc"
    named += ", is_disabled"
    keys = [("leads", 9, 7, "SET_NULL", 0), ("off", 9, 7, "CASCADE", 1), ("other", 9, 8, "", 0)]
    put(server, "sys.foreign_keys", named, *keys)
    assert rows(server, mssql.LEADING, 7) == [("leads", "dbo", "note", "SET NULL")]


def test_only_a_table_or_view_of_sql_server_is_one(server: sqlite3.Connection) -> None:
    """A synonym or procedure of that name has no columns to describe."""
    server.create_function("OBJECT_ID", 1, {"t": 7, "v": 8, "synonym": 9, "procedure": 10}.get)
    kinds = [(7, "U"), (8, "V"), (9, "SN"), (10, "P")]
    put(server, "sys.objects", "object_id, type", *kinds)
    names = ("t", "v", "synonym", "procedure", "none")
    found = {name: rows(server, OBJECT, name) for name in names}
    assert found == {"t": [(7,)], "v": [(8,)], "synonym": [], "procedure": [], "none": []}
