"""A PgBouncer of our own: the pooler that many put between a program and their PostgreSQL."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bridge.demo.account import private_directory, server_account
from bridge.demo.postmaster import free_port
from connectors.endpoint import Endpoint

__all__ = ["pooled"]

_PROGRAM = Path("/usr/sbin/pgbouncer")
_START_SECONDS = 20.0


@contextmanager
def pooled(server: Endpoint, directory: Path, mode: str, **settings: object) -> Iterator[Endpoint]:
    """The database of `server` behind a pooler on a free port of the loopback interface, set up as
    it comes but for its `mode` and `settings`. It knows the login and lets everybody in. Run by
    root, it runs as `nobody`."""
    assert _PROGRAM.exists(), "PgBouncer is not installed: scripts/setup --all"
    port, name, login = free_port(str(server.host)), server.database, server.password
    assert login is not None
    account = server_account()
    home = private_directory(account, directory, "pgbouncer")
    file, logins = home / "pgbouncer.ini", home / "logins"
    wanted = {
        "listen_addr": server.host,
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": logins,
        "pool_mode": mode,
        **settings,
    }
    lines = [f"{key} = {value}" for key, value in wanted.items()]
    known = f"{name} = host={server.host} port={server.port}"
    file.write_text("\n".join(["[databases]", known, "[pgbouncer]", *lines, ""]))
    logins.write_text(f'"{server.user}" "{login.reveal()}"\n')
    account.own(file)
    account.own(logins)
    command = [str(_PROGRAM), "--quiet", str(file)]
    log = directory / f"pgbouncer-{port}.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stderr=said, **account.options()) as pooler,
    ):
        try:
            _wait_for(pooler, str(server.host), port, log)
            yield replace(server, port=port)
        finally:
            pooler.terminate()
            shutil.rmtree(home)


def _wait_for(pooler: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.create_connection((host, port)):
                return
        except ConnectionRefusedError:
            assert pooler.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
