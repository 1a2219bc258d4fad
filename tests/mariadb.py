"""A private MariaDB server: for tests, and for the benchmarks."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import MySQLdb

from bridge.demo.account import open_place, private_directory, server_account
from bridge.demo.postmaster import free_port

__all__ = ["MariaDB", "MariaDBError"]

_SERVER, _INSTALL = Path("/usr/sbin/mariadbd"), Path("/usr/bin/mariadb-install-db")
_HOST = "127.0.0.1"
_PORT_ATTEMPTS = 5
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_TAKEN = "Address already in use"
_ACCESS_DENIED = 1045
_NOTHING: Mapping[str, str] = MappingProxyType({})

_SETTINGS = {
    "bind-address": _HOST,
    "skip-name-resolve": "ON",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    "default-time-zone": "+00:00",
    "local-infile": "ON",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "32M",
    "key-buffer-size": "1M",
    "aria-pagecache-buffer-size": "8M",
    "max-connections": "100",
}
# Nothing is ever waited for to reach the disk: what is written may die with the machine.
_UNSAFE = {"innodb-flush-log-at-trx-commit": "0", "innodb-doublewrite": "OFF"}
_UNSAFE |= {"innodb-flush-method": "nosync"}

# Runs beside the server and reads a pipe that we alone hold: a line is a goodbye, the end of the
# file means that we are gone. $1 the server, $2 its home.
_WATCH = """
read -r word && exit 0
kill -KILL "$1"
sleep 0.5
rm -rf -- "$2"
"""


class MariaDBError(Exception):
    """The server could not be prepared or started."""


class MariaDB:
    """A MariaDB of our own on a free port of the loopback interface, and on `socket`.

    Its superuser is `root`, with a random password, from everywhere; there are no anonymous users
    and no further ones. It ends with this process, also when this process is killed, and its data
    with it. The log is `<directory>/mariadb.log`. `settings` are options of mariadbd without their
    dashes. `durable`: commits reach the disk, as they do in production; tests save that time.
    `place`: where its data lie, else in a temporary directory.

    Run by root, the server runs as `nobody`.
    """

    user = "root"
    host = _HOST

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] = _NOTHING,
        durable: bool = False,
        place: Path | None = None,
    ) -> None:
        self.settings = {**_SETTINGS, **({} if durable else _UNSAFE), **settings}
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self.log = directory.absolute() / "mariadb.log"
        self._account = server_account()
        self._place = place or open_place(self._account)
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def __repr__(self) -> str:
        return f"MariaDB(port={self.port})"

    def __enter__(self) -> MariaDB:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- as a client -------------------------------------------------------------------------

    @property
    def socket(self) -> str:
        """The path of its UNIX socket; short, because such paths are limited to 107 bytes."""
        return str(self.home / "socket")

    def connect(self, database: str = "", **options: Any) -> Any:
        """A plain MySQLdb connection in autocommit; `options` are MySQLdb's, a login included."""
        login = {"user": self.user, "password": self.password, "charset": "utf8mb4"}
        place = {"host": self.host, "port": self.port, "database": database}
        return MySQLdb.connect(**{**login, **place, "autocommit": True, **options})

    def sql(self, *statements: str, database: str = "") -> list[tuple[Any, ...]]:
        """Runs the statements one by one; the rows of the last one."""
        with closing(self.connect(database)) as connection:
            return _run(connection, statements)

    def create_database(self, name: str, options: str = "") -> None:
        self.sql(f"CREATE DATABASE {_name(name)} {options}")

    def drop_database(self, name: str) -> None:
        """Drop it if it exists, ending the sessions in it: their locks would be waited for."""
        sessions = f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
        with closing(self.connect()) as connection:
            for (session,) in _run(connection, [sessions]):
                with suppress(MySQLdb.OperationalError):  # it has just ended by itself
                    _run(connection, [f"KILL {session}"])
            _run(connection, [f"DROP DATABASE IF EXISTS {_name(name)}"])

    def create_user(self, name: str, password: str, *grants: str) -> None:
        """`grants` are like `SELECT ON shop.*` or `PROCESS ON *.*`."""
        who = f"'{name}'@'%'"
        self.sql(
            f"CREATE USER {who} IDENTIFIED BY '{password}'",
            *(f"GRANT {grant} TO {who}" for grant in grants),
        )

    def drop_user(self, name: str) -> None:
        self.sql(f"DROP USER IF EXISTS '{name}'@'%'")

    # -- the process -------------------------------------------------------------------------

    @property
    def home(self) -> Path:
        assert self._home is not None, "the server has not been started"
        return self._home

    @property
    def _temporary(self) -> Path:
        """A server that starts removes what others left, or just keep, in a place they share."""
        return self.home / "temporary"

    @property
    def pid(self) -> int:
        assert self.running
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Initialise on first use, and start; returns when connections are accepted."""
        if self.running:
            return
        is_new = self._home is None
        if is_new:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._home = private_directory(self._account, self._place, "bridgehead-mariadb")
            self._temporary.mkdir()
            self._account.own(self._temporary)
            self._install()
            atexit.register(self._close_if_owner)
        self._launch()
        if is_new:
            self._secure()

    def stop(self) -> None:
        """In order: transactions end, everything is written."""
        if self._process is not None:
            self._dismiss_watch()
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """As a power cut would; `start` then recovers."""
        if self._process is not None:
            self._dismiss_watch()
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it, and remove the data. May be called again."""
        self.kill()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
        atexit.unregister(self._close_if_owner)

    def _close_if_owner(self) -> None:
        if os.getpid() == self._owner:  # a forked child passes through atexit too
            self.close()

    def _install(self) -> None:
        missing = [str(path) for path in (_SERVER, _INSTALL) if not path.exists()]
        if missing:
            raise MariaDBError(f"there is no {', '.join(missing)}: run scripts/setup --all")
        done = subprocess.run(
            [
                str(_INSTALL),
                "--no-defaults",
                f"--datadir={self.home / 'data'}",
                f"--tmpdir={self._temporary}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            **self._account.options(),
        )
        if done.returncode != 0:
            raise MariaDBError(f"mariadb-install-db failed: {done.stdout}{done.stderr}".strip())

    def _secure(self) -> None:
        """Anonymous users would match a local login before `user@'%'` does."""
        with closing(MySQLdb.connect(unix_socket=self.socket, user="root")) as connection:
            _run(
                connection,
                (
                    "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys'",
                    "FLUSH PRIVILEGES",
                    f"CREATE USER root@'%' IDENTIFIED BY '{self.password}'",
                    "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION",
                ),
            )

    def _launch(self) -> None:
        """A port found free may be taken by another before we bind it. Once given, it stays."""
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            port = self.port or free_port(_HOST)
            complaint = self._try(port)
            if not complaint:
                self.port = port
                return
            if attempt == _PORT_ATTEMPTS or _TAKEN not in complaint:
                raise MariaDBError(f"MariaDB did not start, see {self.log}: {complaint[-1500:]}")

    def _try(self, port: int) -> str:
        """Empty when the server accepts connections; else what it said, and it is gone."""
        place: dict[str, Any] = {"datadir": self.home / "data", "tmpdir": self._temporary}
        place |= {"socket": self.socket, "port": port}
        options = [f"--{name}={value}" for name, value in {**self.settings, **place}.items()]
        with self.log.open("ab") as log:
            began = log.tell()
            self._process = subprocess.Popen(
                [str(_SERVER), "--no-defaults", *options],
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal is ours alone
                **self._account.options(),
            )
        self._watch = self._start_watch(self._process.pid)
        if self._ready():
            return ""
        self.kill()
        return self.log.read_bytes()[began:].decode("utf-8", "replace") or "no word in its log"

    def _ready(self) -> bool:
        until = time.monotonic() + _START_SECONDS
        while self.running and time.monotonic() < until:
            try:
                MySQLdb.connect(unix_socket=self.socket, user=self.user, password="").close()
            except MySQLdb.OperationalError as error:
                if error.args[0] == _ACCESS_DENIED:
                    return True
                time.sleep(0.02)
            else:
                return True
        return False

    def _start_watch(self, server: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(server), str(self.home)],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._account.options(),
        )

    def _dismiss_watch(self) -> None:
        if self._watch is not None:
            self._watch.communicate(b"end\n")
            self._watch = None


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _run(connection: Any, statements: Any) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    return list(cursor.fetchall()) if cursor.description else []
