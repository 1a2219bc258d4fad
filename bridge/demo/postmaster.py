"""One server process of PostgreSQL: started, watched so that it cannot outlive us, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.demo.account import Account

__all__ = ["Complaint", "Postmaster", "free_port"]

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_PASSING = ("could not bind", "pre-existing shared memory", "still in use")

# Runs beside the server and reads a pipe that we alone hold: a line is a goodbye, the end of the
# file means that we are gone. $1 postmaster, $2 its home: the data directory and all around it,
# $3 what becomes of the home.
_WATCH = """
read -r word && exit 0
read -r pid < "$2/data/postmaster.pid" && [ "$pid" = "$1" ] && kill -INT "$1"
tries=0
while [ -e "$2/data/postmaster.pid" ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
[ "$3" = kept ] || rm -rf -- "$2"
"""


@dataclass(frozen=True)
class Complaint:
    """Why a start failed; `passing` when the same start may succeed a moment later."""

    text: str

    @property
    def passing(self) -> bool:
        return any(word in self.text for word in _PASSING)


class Postmaster:
    """The processes of the data directory `home/data`, which outlives us only if it is `kept`."""

    def __init__(
        self, program: Path, home: Path, log: Path, account: Account, *, kept: bool = False
    ) -> None:
        self._program = program
        self._home = home
        self._data = home / "data"
        self._log = log
        self._account = account
        self._fate = "kept" if kept else "removed"
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, port: int) -> Complaint | None:
        """Start and wait until connections are accepted; None when they are.

        From then on, should this process die, the server is stopped, and its home removed unless
        it is kept.
        """
        with self._log.open("ab") as log:
            began = log.tell()
            self._process = subprocess.Popen(
                [self._program, "-D", self._data, "-p", str(port)],
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal is ours alone
                **self._account.options(),
            )
        self._watch = self._watcher()
        if self._ready():
            return None
        self.kill()
        time.sleep(0.2)
        return Complaint(_last_lines(self._log, began))

    def stop(self, *, immediate: bool) -> None:
        """Fast shutdown, then immediate shutdown if that takes too long, then SIGKILL."""
        self._dismiss_watcher()
        orders = [signal.SIGQUIT] if immediate else [signal.SIGINT, signal.SIGQUIT]
        if not any(map(self._ended, orders)):
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the postmaster and to every process it has started."""
        self._dismiss_watcher()
        if self._process is None:
            return
        children = list(_children(self._process.pid))
        self._process.kill()
        for child in children:
            _kill(child)
        self._process.wait()

    def _watcher(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(self.pid), self._home, self._fate],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._account.options(),
        )

    def _dismiss_watcher(self) -> None:
        if self._watch is not None:
            self._watch.communicate(b"end\n")
            self._watch = None

    def _ready(self) -> bool:
        """The server writes its state into the last line of its pid file."""
        until = time.monotonic() + _START_SECONDS
        while self.running and time.monotonic() < until:
            if self._state() == [str(self.pid), "ready"]:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _state(self) -> list[str]:
        try:
            lines = (self._data / "postmaster.pid").read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return [lines[0], lines[-1].strip()] if lines else []

    def _ended(self, order: signal.Signals) -> bool:
        assert self._process is not None
        self._process.send_signal(order)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True


def free_port(host: str) -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _children(parent: int) -> Iterator[int]:
    """Each server process is a direct child of the postmaster. Linux only; elsewhere they notice
    by themselves that it is gone."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if fields[1] == str(parent):
            yield int(stat.parent.name)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _last_lines(log: Path, began: int) -> str:
    said = log.read_bytes()[began:].decode("utf-8", "replace").strip().splitlines()
    return "\n".join(said[-12:]) or "no word in its log"
