"""The private MariaDB server of the tests and the benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.mariadb import MariaDB


def test_loopback_only_and_no_anonymous_users(mariadb: MariaDB) -> None:
    assert mariadb.sql("SELECT @@bind_address") == [("127.0.0.1",)]
    users = mariadb.sql("SELECT user FROM mysql.user WHERE user <> 'mariadb.sys'")
    assert users == [("root",)]


def test_not_run_by_root(mariadb: MariaDB) -> None:
    assert Path(f"/proc/{mariadb.pid}").stat().st_uid != 0


def test_a_database_goes_though_a_session_holds_a_lock(mariadb: MariaDB) -> None:
    mariadb.create_database("held")
    session = mariadb.connect("held", autocommit=False)
    cursor = session.cursor()
    cursor.execute("CREATE TABLE t (i int)")
    cursor.execute("INSERT INTO t VALUES (1)")
    mariadb.drop_database("held")
    assert ("held",) not in mariadb.sql("SHOW DATABASES")


def test_data_survive_a_stop_and_a_kill(tmp_path: Path) -> None:
    with MariaDB(tmp_path) as server:
        home, port = server.home, server.port
        server.create_database("kept")
        server.stop()
        server.start()
        server.kill()
        server.start()
        assert server.port == port
        assert ("kept",) in server.sql("SHOW DATABASES")
    assert not home.exists()


_KILLED = """
import os, pathlib, sys
from tests.mariadb import MariaDB
server = MariaDB(pathlib.Path(sys.argv[1]))
server.start()
print(server.pid, server.home, flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_leaves_nothing(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    with owner:
        assert owner.stdout
        pid, home = owner.stdout.readline().split()
        os.kill(owner.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while (Path(home).exists() or Path(f"/proc/{pid}").exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(home).exists()
    assert not Path(f"/proc/{pid}").exists()
