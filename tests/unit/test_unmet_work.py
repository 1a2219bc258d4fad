"""Who may still commit at a store that was never met: its own question, asked of tables of SQLite
that are called as the views of that server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.dm.connector import DmConnector
from connectors.mssql.catalogue import SESSIONS
from connectors.oracle.connector import OracleConnector


@pytest.fixture
def server() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.create_function("concat", -1, lambda *parts: "".join(map(str, parts)))
        yield opened


def put(server: sqlite3.Connection, table: str, columns: str, *rows: tuple[Any, ...]) -> None:
    server.execute(f"CREATE TABLE {table} ({columns})")
    places = ", ".join(["?"] * len(columns.split(",")))
    server.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def ask(server: sqlite3.Connection, question: str) -> set[str]:
    return {str(row[0]) for row in server.execute(question)}


def test_oracle(server: sqlite3.Connection) -> None:
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


def test_dm(server: sqlite3.Connection) -> None:
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


def test_mssql(server: sqlite3.Connection) -> None:
    """In our database: by where the session is, its statement, or its transaction."""
    server.execute("ATTACH ':memory:' AS sys")
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
    found = ask(server, SESSIONS.replace("@@SPID", "50"))
    sessions = {f"session {number}/t" for number in (51, 52, 57, 58)}
    assert found == sessions | {"prepared 2001"}
