"""An embedded PostgreSQL that needs no installation: the demonstration's stores, and the tests'."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from urllib.parse import quote

from bridge.demo import binaries
from bridge.demo.account import (
    EmbeddedPostgresError,
    kept_directory,
    private_directory,
    server_account,
)
from bridge.demo.postmaster import Postmaster, free_port

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]

_HOST = "127.0.0.1"
_PORT_ATTEMPTS = 5
_NOTHING: Mapping[str, str] = MappingProxyType({})

# For a machine of two cores and 4 GB that does other things besides.
_SETTINGS = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",  # the path of a socket is limited to about 100 bytes
    "shared_buffers": "256MB",
    "max_connections": "60",
    "max_prepared_transactions": "20",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL server of our own on a free port of the loopback interface.

    Its superuser is `postgres`, with a random password (SCRAM). It ends with this process, also
    when this process is killed, and its data with it, unless they are to be `kept` for the next
    start in the same directory. The log is `<directory>/postgres.log`.
    `settings` go into postgresql.conf; for tests, `{"fsync": "off"}` saves time.

    Run by root, the server runs as `nobody`; binaries and data that this account could not reach
    are put into the temporary directory instead.
    """

    user = "postgres"
    host = _HOST

    def __init__(
        self, directory: Path, *, settings: Mapping[str, str] = _NOTHING, kept: bool = False
    ) -> None:
        self.directory = directory.absolute()
        self.settings = dict(settings)
        self.kept = kept
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self.log = self.directory / "postgres.log"
        self._account = server_account()
        self._home: Path | None = None
        self._server: Postmaster | None = None
        self._owner = os.getpid()

    def __repr__(self) -> str:
        return f"EmbeddedPostgres({str(self.directory)!r}, port={self.port})"

    def __enter__(self) -> EmbeddedPostgres:
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

    @property
    def bin(self) -> Path:
        """The folder of `psql`, `pg_dump`, `pgbench` and the like, for use by this process."""
        return binaries.installed()

    @property
    def data(self) -> Path:
        """The server's data directory; it exists from the first start until `close`."""
        if self._home is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
        return self._home / "data"

    @property
    def running(self) -> bool:
        return self._server is not None and self._server.running

    @property
    def pid(self) -> int:
        """The postmaster's process id; an error when the server is down."""
        if self._server is None or not self._server.running:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not running")
        return self._server.pid

    def url(self, database: str = "postgres", scheme: str = "postgresql+psycopg") -> str:
        """A URL with the password in it: for SQLAlchemy, or with scheme `postgresql` for libpq."""
        login = f"{self.user}:{quote(self.password, safe='')}"
        return f"{scheme}://{login}@{self.host}:{self.port}/{quote(database, safe='')}"

    def environ(self, database: str = "postgres") -> dict[str, str]:
        """This process's environment with libpq's variables set, for the programs in `bin`."""
        login = {"PGUSER": self.user, "PGPASSWORD": self.password, "PGDATABASE": database}
        place = {"PGHOST": self.host, "PGPORT": str(self.port), "PGCLIENTENCODING": "UTF8"}
        return {**os.environ, **login, **place}

    def create_database(self, name: str) -> None:
        self._client("createdb", "--template=template0", "--", name)

    def drop_database(self, name: str) -> None:
        """Drop it if it exists, ending the sessions in it."""
        self._client("dropdb", "--force", "--if-exists", "--", name)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What `psql` prints for the statement: no headings, columns separated by `|`."""
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        return self._client("psql", *options, f"--command={statement}", database=database).strip()

    def start(self) -> None:
        """Initialise on first use, and start; returns when connections are accepted."""
        if self.running:
            return
        if self._home is None:
            self._home = self._place()
        programs = binaries.reachable(self._account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(programs)
        self._launch(programs)
        atexit.register(self._close_if_owner)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop in order (sessions end, everything is written), or at once without a checkpoint."""
        if self._server is not None:
            self._server.stop(immediate=immediate)
            self._server = None

    def kill(self) -> None:
        """End every server process by SIGKILL, as a power cut would; `start` then recovers."""
        if self._server is not None:
            self._server.kill()
            self._server = None

    def restart(self, *, immediate: bool = False) -> None:
        """Stop if running, and start on the same port."""
        self.stop(immediate=immediate)
        self.start()

    def close(self) -> None:
        """Stop, and remove the data unless they are kept. May be called again."""
        self.stop(immediate=not self.kept)
        if self._home is not None and not self.kept:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
        atexit.unregister(self._close_if_owner)

    def _place(self) -> Path:
        if not self.kept:
            return private_directory(self._account, self.directory, "bridgehead-postgres")
        home = kept_directory(self._account, self.directory, "bridgehead-postgres")
        self.password = self._kept_password(home / "login")
        return home

    def _kept_password(self, place: Path) -> str:
        """That of the first start; it lies beside the data, whose password it is."""
        if not (place.parent / "data" / "PG_VERSION").exists():
            place.unlink(missing_ok=True)
            place.touch(mode=0o600)
            place.write_text(self.password, encoding="ascii")
        return place.read_text(encoding="ascii")

    def _close_if_owner(self) -> None:
        if os.getpid() == self._owner:  # a forked child passes through atexit too
            self.close()

    def _client(self, program: str, *arguments: str, database: str = "postgres") -> str:
        done = subprocess.run(
            [str(self.bin / program), "--no-password", *arguments],
            env=self.environ(database),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(done.stderr.strip())
        return done.stdout

    def _initialise(self, programs: Path) -> None:
        secret = self.data.parent / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password, encoding="ascii")
        self._account.own(secret)
        try:
            self._initdb(programs, secret)
        finally:
            secret.unlink()

    def _initdb(self, programs: Path, secret: Path) -> None:
        place = [f"--pgdata={self.data}", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        login = [f"--username={self.user}", "--auth=scram-sha-256", f"--pwfile={secret}"]
        values = {**_SETTINGS, **self._compression(), **self.settings}
        settings = [f"--set={name}={value}" for name, value in values.items()]
        done = subprocess.run(
            [str(programs / "initdb"), *place, *locale, *login, *settings],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            **self._account.options(),
        )
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise EmbeddedPostgresError(f"initdb failed: {done.stderr.strip()}")

    def _compression(self) -> dict[str, str]:
        """lz4 for the write-ahead log where this build has it; pglz costs more than it saves."""
        built = subprocess.run([self.bin / "pg_config", "--configure"], capture_output=True)
        return {"wal_compression": "lz4"} if b"--with-lz4" in built.stdout else {}

    def _launch(self, programs: Path) -> None:
        """A port found free may be taken by another before we bind it, and a killed server's
        memory may live a moment longer: both pass. Once given, the port stays the same."""
        server = Postmaster(
            programs / "postgres", self.data.parent, self.log, self._account, kept=self.kept
        )
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            port = self.port or free_port(_HOST)
            complaint = server.start(port)
            if not complaint:
                self.port, self._server = port, server
                return
            if attempt == _PORT_ATTEMPTS or not complaint.passing:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start: {complaint.text}", remedy=f"see {self.log}"
                )
