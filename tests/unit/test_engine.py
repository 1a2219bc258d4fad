"""What SQLAlchemy has compiled and learnt is shared by sessions that are alike; nothing else is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from bridge.ledger.schema import job_row
from connectors import engine
from connectors.endpoint import Endpoint, Secret
from connectors.errors import BridgeheadError, ConnectionLost
from connectors.sqlite import SqliteConnector

PASSWORD = "天书-Se3cret"


class Server(SqliteConnector):
    """A file that has a version, asks for a password, and may be slow to answer."""

    version = "1"
    password = PASSWORD
    made: list[Engine]
    fault: Exception | None = None

    def _open(self) -> sqlite3.Connection:
        assert self.endpoint.password is not None
        if self.endpoint.password.reveal() != self.password:
            raise sqlite3.OperationalError("unable to open database file")
        return super()._open()

    def _likeness(self) -> Any:
        return super(SqliteConnector, self)._likeness()

    def _version(self, opened: Any) -> str:
        return self.version

    def _create_engine(self, **handing: Any) -> Engine:
        made = super()._create_engine(**handing)
        self.made.append(made)
        return made

    def _prepare(self, opened: Any, connection: Connection) -> None:
        super()._prepare(opened, connection)
        if self.fault is not None:
            raise self.fault


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Engine]:
    Server.made = []
    monkeypatch.setattr(engine, "_kept", kept := {})
    return kept


@pytest.fixture
def place(tmp_path: Path) -> Endpoint:
    return endpoint(tmp_path / "a.db")


def endpoint(path: Path, password: str = PASSWORD) -> Endpoint:
    options = {"create": "true"}
    return Endpoint("a", "sqlite", path=str(path), password=Secret(password), options=options)


def look(store: SqliteConnector) -> None:
    with store.transaction() as connection, pytest.raises(Exception, match="no such table"):
        connection.execute(select(job_row))


def test_a_statement_is_compiled_once_for_all_files(tmp_path: Path) -> None:
    compiled: list[object] = []
    for name in ("a.db", "b.db", "c.db"):
        with SqliteConnector(endpoint(tmp_path / name)) as store:

            def note(*seen: Any) -> None:
                compiled.append(seen[4].compiled)

            event.listen(store.connection, "before_cursor_execute", note)
            look(store)
    statements = [one for one in compiled if one is not None]
    assert len(statements) == 3
    assert len({id(one) for one in statements}) == 1


def test_each_session_has_its_own_connection_and_listeners(place: Endpoint) -> None:
    with Server(place) as one, Server(place) as other:
        assert one.driver is not other.driver
        assert len(Server.made) == 1
        with one.snapshot():  # with a BEGIN of its own, which the other does not hear
            assert one._begin == "BEGIN"
            with other.transaction():
                other.execute("CREATE TABLE t (x)")
            assert one.value("SELECT count(*) FROM sqlite_master") == 0


def test_another_server_at_the_same_place_is_learnt_anew(
    place: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Server(place).close()
    monkeypatch.setattr(Server, "version", "2")
    Server(place).close()
    Server(place).close()
    assert len(Server.made) == 2
    assert Server.made[0].dialect is not Server.made[1].dialect


def test_another_place_is_learnt_anew(tmp_path: Path) -> None:
    Server(endpoint(tmp_path / "a.db")).close()
    Server(endpoint(tmp_path / "b.db")).close()
    assert len(Server.made) == 2


def test_a_changed_password_is_asked_for(
    place: Endpoint, kept: dict[Any, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    Server(place).close()
    monkeypatch.setattr(Server, "password", "other")
    with pytest.raises(BridgeheadError, match="unable to open"):
        Server(place)
    Server(endpoint(Path(str(place.path)), "other")).close()
    assert len(Server.made) == 1
    assert PASSWORD not in repr([(key, one, one.url, vars(one)) for key, one in kept.items()])


def test_what_could_not_be_prepared_is_closed(
    place: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    true_open = Server._open
    monkeypatch.setattr(Server, "_open", lambda self: opened.append(true_open(self)) or opened[-1])
    monkeypatch.setattr(Server, "fault", sqlite3.OperationalError("interrupted"))
    with pytest.raises(Exception, match="interrupted"):
        Server(place)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_nothing_is_kept_of_a_session_that_was_not_to_be(
    place: Endpoint, kept: dict[Any, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(_dialect: object, _connection: object) -> None:
        raise sqlite3.OperationalError("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(SQLiteDialect, "initialize", deaf)
        with pytest.raises(Exception, match="interrupted"):
            Server(place)
    assert not kept
    Server(place).close()
    assert len(kept) == 1


def test_a_first_session_that_hangs_holds_up_no_other(
    place: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while its server is asked what it is, either."""
    hangs, goes_on = threading.Event(), threading.Event()
    initialize = SQLiteDialect.initialize

    def slow(dialect: Any, connection: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            hangs.set()
            assert goes_on.wait(20)
        initialize(dialect, connection)

    monkeypatch.setattr(SQLiteDialect, "initialize", slow)
    thread = threading.Thread(target=lambda: Server(place).close())
    thread.start()
    try:
        assert hangs.wait(20)
        Server(place).close()
        assert thread.is_alive()
    finally:
        goes_on.set()
        thread.join(20)


def test_as_many_are_kept_as_are_needed(tmp_path: Path, kept: dict[Any, Engine]) -> None:
    for number in range(engine._MOST + 3):
        Server(endpoint(tmp_path / f"{number}.db")).close()
    assert len(kept) == engine._MOST
    assert not any(str(tmp_path / "0.db") in str(key) for key in kept)


def test_a_broken_session_gets_no_other_connection(place: Endpoint) -> None:
    with Server(place) as store:
        store.connection.invalidate()
        assert store.is_lost
        for begin in (store.transaction, store.snapshot):
            with pytest.raises(ConnectionLost, match="closed"), begin():
                pass
        with pytest.raises(ConnectionLost):
            store.value("SELECT 1")


def test_many_threads_at_once(place: Endpoint) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                with Server(place) as store, store.snapshot():
                    assert store.value("SELECT 7") == 7
        except BaseException as error:  # noqa: BLE001 — told by the assertion below
            errors.append(error)

    Server(place).close()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_a_child_goes_on_with_what_its_parent_learnt(tmp_path: Path) -> None:
    """Over a connection of its own: the engine holds none."""
    program = f"""
import os
from sqlalchemy.pool import NullPool
from connectors import engine
from connectors.endpoint import Endpoint
from connectors.sqlite import SqliteConnector
place = Endpoint("a", "sqlite", path={str(tmp_path / "a.db")!r}, options={{"create": "true"}})
SqliteConnector(place).close()
kept = list(engine._kept.values())
assert kept and all(isinstance(e.pool, NullPool) for e in kept)
child = os.fork()
if child == 0:
    with SqliteConnector(place) as store, store.transaction():
        works = store.value("SELECT 1") == 1
    os._exit(0 if works and kept == list(engine._kept.values()) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
