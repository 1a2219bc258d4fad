"""The clock of a MariaDB or MySQL server, and what may still commit there: what a horizon needs.

A statement fixes its NOW() when it begins, and may then wait for a metadata lock or for its first
row without any transaction in InnoDB: until then the process list alone knows of it. So executing
statements are read first, then transactions, then prepared ones, in the order in which work moves.

`information_schema.innodb_trx` shows a copy that is renewed only by a reader who comes when it has
not been read for 100 ms. Our own read-only transaction stands in it as a marker, with the text of
the statement that renewed it: only if that is the very statement that reads, the copy is fresh.

A trigger or a function called by a statement takes over its place in the process list, with query
ids and times of its own, and gives it back. So a statement is never known to have ended while its
thread executes something: see `heirs`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.connector import Connector, pause, wait_for
from connectors.dialect import Statement
from connectors.errors import Busy, MissingRight, PermanentError, TransientError

__all__ = ["clock", "describe_work", "heirs", "open_work"]

_LOCK = "bridgehead open work"
_LOCK_SECONDS = 30.0
_IDLE_SECONDS = 0.101
_FRESH_SECONDS = 10.0


@dataclass(frozen=True)
class _Spelling:
    """How a server is asked what its threads execute, our own included: thread, statement, and
    command. `rights` are the grants that let a login see the work of others."""

    executing: str
    rights: str


_IDLE = "('Sleep', 'Daemon')"
_SENDS = "LEFT(COALESCE({}, ''), 11) = 'Binlog Dump'"  # … GTID: to a replica, for ever
_REPLICATION = frozenset({"Slave_IO", "Slave_SQL", "Slave_worker"})
_APPLIERS = (
    "('thread/sql/slave_sql', 'thread/sql/replica_sql',\n"
    "'thread/sql/slave_worker', 'thread/sql/replica_worker')"
)

# Who connects without being the server's event scheduler has only begun to log in.
_MARIADB = _Spelling(
    "SELECT id, query_id, command\n"
    "FROM information_schema.processlist\n"
    f"WHERE command NOT IN {_IDLE} AND NOT {_SENDS.format('command')}\n"
    "AND NOT (command = 'Connect' AND user IN ('unauthenticated user', 'system user'))",
    "PROCESS ON *.*",
)
# MySQL has no query ids; the number of a thread's outermost statement event does as well. Where a
# thread is not instrumented, all its statements are one: held back for longer, never too short.
_MYSQL = _Spelling(
    "SELECT COALESCE(t.processlist_id, 0), COALESCE(e.event_id, 0),\n"
    f"IF(t.name IN {_APPLIERS}, 'Slave_SQL', t.processlist_command)\n"
    "FROM performance_schema.threads t\n"
    "LEFT JOIN performance_schema.events_statements_current e\n"
    "ON e.thread_id = t.thread_id AND e.end_event_id IS NULL AND e.nesting_event_level = 0\n"
    f"WHERE t.name IN {_APPLIERS}\n"
    f"OR t.processlist_id IS NOT NULL AND NOT {_SENDS.format('t.processlist_command')}\n"
    "AND (e.event_id IS NOT NULL\n"
    f"OR t.processlist_user IS NOT NULL AND t.processlist_command NOT IN {_IDLE})",
    "PROCESS, XA_RECOVER_ADMIN ON *.*, and SELECT ON performance_schema.*",
)

# A row may come from another server's transaction, which cannot be seen here.
_FOREIGN = {
    ("read_only", "ON"): "it is read-only, as replicas are",
    ("innodb_read_only", "ON"): "it is read-only, as replicas are",
    ("wsrep_on", "ON"): "it is a node of a Galera cluster, and other nodes write too",
    ("group_replication_single_primary_mode", "OFF"): "other members of its group write too",
}
_VARIABLES = (
    "SHOW GLOBAL VARIABLES WHERE variable_name IN "
    f"({', '.join(sorted({repr(name) for name, _ in _FOREIGN}))})"
)

_MARKER = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_TRANSACTIONS = (
    "SELECT /* {nonce} */ trx_mysql_thread_id, trx_started, trx_is_read_only,\n"
    "trx_rows_modified, CAST(trx_query AS BINARY)\n"
    "FROM information_schema.innodb_trx"
)


@dataclass(frozen=True)
class _Transaction:
    thread: int
    started: str
    read_only: bool
    changed: bool
    query: str


def clock(session: Connector) -> datetime:
    """The server's clock, whatever the zone of the session."""
    with session.transaction():
        moment = _text(session.value("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)"))
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def open_work(session: Connector, *, lists_prepared: bool = True) -> frozenset[str]:
    """Tokens `statement THREAD QUERY`, `transaction THREAD STARTED` and `prepared …`.

    Of the whole server: a thread's database says nothing about the tables that it writes. Left out
    is what cannot commit a row stamped before now: read-only transactions with the statements in
    them, and transactions that have changed nothing and execute nothing, since NOW() is that of a
    statement here, not of its transaction. Where a driver cannot carry XA RECOVER, the transactions
    that InnoDB shows without a thread stand for what it would list.
    """
    with session.transaction(), _alone(session):
        spelling = _spelling(session)
        with _all_visible(session, spelling):
            _refuse_foreign(session)
            executing = _executing(session, spelling)
            session.execute(_MARKER)
            transactions = _transactions(session)
            prepared = (
                session.rows("XA RECOVER") if lists_prepared else _without_thread(transactions)
            )
        transactions = [transaction for transaction in transactions if transaction.thread]
    reading = {t.thread for t in transactions if t.read_only}
    writing = [t for t in transactions if not t.read_only and (t.changed or t.thread in executing)]
    return frozenset(
        [f"statement {thread} {executing[thread]}" for thread in executing.keys() - reading]
        + [f"transaction {t.thread} {t.started}" for t in writing]
        + [f"prepared {form} {length} {_text(data)}" for form, length, _, data in prepared]
    )


def heirs(ended: frozenset[str], still_open: frozenset[str]) -> frozenset[str]:
    """What may go on with the work of tokens that have ended.

    A statement lives on in its thread's transaction. Where there is none yet, whatever the thread
    executes may be the same statement inside a trigger or function of its own. Anything may have
    been prepared.
    """
    following = {token for token in still_open if token.startswith("prepared ")}
    for kind, thread in {_place(token) for token in ended}:
        if kind == "statement":
            of_thread = {t for t in still_open if _place(t) == ("transaction", thread)}
            following |= of_thread or {t for t in still_open if _place(t) == (kind, thread)}
    return frozenset(following) if ended else frozenset()


def describe_work(session: Connector, tokens: frozenset[str]) -> list[str]:
    """With what the process list tells of each session, without the text of statements."""
    with session.transaction():
        threads = {
            str(row[0]): f"session {row[0]}, user {_text(row[1])} from {_text(row[2])}, "
            f"for {row[5]} s: {_text(row[4]) or _text(row[3])}"
            for row in session.rows(
                "SELECT id, user, host, command, state, time\nFROM information_schema.processlist"
            )
        }
    return sorted(_described(token, threads) for token in tokens)


def _described(token: str, threads: dict[str, str]) -> str:
    kind, thread = _place(token)
    if kind == "prepared":
        return f"{token}, see XA RECOVER"
    session = threads.get(thread, f"session {thread}, which has ended")
    return f"{session}; {kind} {token.split(' ', 2)[-1]}"


@contextmanager
def _alone(session: Connector) -> Iterator[None]:
    """Readers of `innodb_trx` keep each other from a fresh copy: ours go one at a time, whatever
    machine they run on."""
    busy = Busy(
        "open transactions are being read by other runs",
        endpoint=session.endpoint.name,
        remedy="run fewer jobs on this source at a time",
    )
    take = Statement("SELECT GET_LOCK(%s, 0)", (_LOCK,))
    wait_for(lambda: session.value(take) == 1, _LOCK_SECONDS, busy)
    try:
        yield
    finally:
        session.execute(Statement("DO RELEASE_LOCK(%s)", (_LOCK,)))


@contextmanager
def _all_visible(session: Connector, spelling: _Spelling) -> Iterator[None]:
    """Without the right PROCESS the process list shows one's own threads and says nothing, but
    `innodb_trx`, which is read in every reading, is refused."""
    try:
        yield
    except session.driver_error as error:
        if isinstance(session.translate(error), MissingRight):
            raise MissingRight(
                "statements and transactions of others cannot be seen",
                endpoint=session.endpoint.name,
                remedy=f"GRANT {spelling.rights} TO {session.endpoint.user}, "
                "or use capture method compare",
            ) from error
        raise


def _spelling(session: Connector) -> _Spelling:
    return _MARIADB if "MariaDB" in _text(session.value("SELECT VERSION()")) else _MYSQL


def _refuse_foreign(session: Connector) -> None:
    for name, value in session.rows(_VARIABLES):
        why = _FOREIGN.get((_text(name).lower(), _text(value).upper()))
        if why is not None:
            raise _foreign(session, why)


def _foreign(session: Connector, why: str) -> PermanentError:
    return PermanentError(
        f"rows come from other servers, whose open transactions cannot be seen: {why}",
        endpoint=str(session.endpoint),
        remedy="point the endpoint at the primary, or use capture method compare",
    )


def _executing(session: Connector, spelling: _Spelling) -> dict[int, str]:
    """What each other thread executes. A server that does not even know of ours knows nothing."""
    own = session.value("SELECT CONNECTION_ID()")
    threads = session.rows(spelling.executing)
    if own not in {thread for thread, _, _ in threads}:
        raise PermanentError(
            "the server keeps no list of its threads' statements",
            endpoint=session.endpoint.name,
            remedy="turn performance_schema on, or use capture method compare",
        )
    if any(_text(command) in _REPLICATION for _, _, command in threads):
        raise _foreign(session, "it replicates from another server")
    return {int(thread): str(query) for thread, query, _ in threads if thread != own}


def _transactions(session: Connector) -> list[_Transaction]:
    """From a copy of the view that was made for this very statement."""
    deadline = time.monotonic() + _FRESH_SECONDS
    while time.monotonic() < deadline:
        nonce = secrets.token_hex(8)
        rows = session.rows(_TRANSACTIONS.format(nonce=nonce))
        found = [_Transaction(int(t), _text(s), bool(r), m > 0, _text(q)) for t, s, r, m, q in rows]
        if any(nonce in transaction.query for transaction in found):
            return found
        pause(_IDLE_SECONDS)
    raise TransientError(
        "information_schema.innodb_trx is out of date: another program reads it more often than "
        "every 0.1 s",
        endpoint=session.endpoint.name,
        remedy="let that program read it less often",
    )


def _without_thread(transactions: list[_Transaction]) -> list[tuple[Any, ...]]:
    """As rows of XA RECOVER. Two that have begun in one second are one, and hold back until both
    have ended."""
    return [(0, 0, 0, t.started) for t in transactions if not t.thread]


def _place(token: str) -> tuple[str, str]:
    """The kind of a token, and its thread."""
    kind, _, rest = token.partition(" ")
    return kind, rest.partition(" ")[0]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return "" if value is None else str(value)
