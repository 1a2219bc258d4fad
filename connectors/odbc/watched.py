"""A session of pyodbc whose calls do not wait for a silent server longer than they may.

An ODBC driver has no way to be told so, and does not show its socket: it is the one that is there
after connecting and was not before.
"""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyodbc

from connectors.deadline import Watch
from connectors.endpoint import Endpoint
from connectors.errors import Unreachable

__all__ = ["WatchedSession", "connect_watched"]

_ONE_AT_A_TIME = threading.Lock()


def connect_watched(endpoint: Endpoint, connect: Callable[[], Any]) -> WatchedSession:
    """What `connect` opens, watched: by `connect_timeout` until it is known to be of use."""
    with _ONE_AT_A_TIME:
        before = _sockets()
        try:
            opened = connect()
        except Unreachable:  # an attempt that was given up keeps others of the driver from theirs
            for number in _new(endpoint, before):
                _end(number)
            raise
        found = _new(endpoint, before)
    descriptor = found[0] if len(found) == 1 else None
    return WatchedSession(opened, Watch(descriptor, endpoint.connect_timeout))


class _Watched:
    """Each call of the subject is a call that the watch knows of."""

    _subject: Any
    watch: Watch

    def __init__(self, subject: Any, watch: Watch) -> None:
        self.__dict__.update(_subject=subject, watch=watch)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._subject, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            if name == "execute":
                self.watch.statement = str(arguments[0])
            with self.watch.call():
                result = found(*arguments, **options)
            if result is self._subject:
                return self
            return _Watched(result, self.watch) if isinstance(result, pyodbc.Cursor) else result

        return call

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._subject, name, value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchone, None)


class WatchedSession(_Watched):
    """In the place of a connection of pyodbc."""

    def close(self) -> None:
        """A thread that was left waiting in it lets it go by itself: drivers do not take both."""
        if self.watch.is_waiting:
            self.watch.end()
            return
        try:
            with self.watch.call():
                self._subject.close()
        finally:
            self.watch.close()


def _sockets() -> dict[int, int]:
    """The open sockets of this process: which number is which socket."""
    found = {}
    for path in Path("/dev/fd").iterdir():
        with suppress(OSError):
            about = os.fstat(int(path.name))
            if stat.S_ISSOCK(about.st_mode):
                found[int(path.name)] = about.st_ino
    return found


def _new(endpoint: Endpoint, before: Mapping[int, int]) -> list[int]:
    new = [d for d, number in _sockets().items() if before.get(d) != number]
    return [d for d in new if _may_lead_to(endpoint, d)]


def _end(descriptor: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as end:
        end.shutdown(socket.SHUT_RDWR)


def _may_lead_to(endpoint: Endpoint, descriptor: int) -> bool:
    """A driver may connect to more than its server: to a resolver, or a directory of logins."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as end:
            peer = end.getpeername()
    except OSError:
        return False
    return endpoint.port is None or not isinstance(peer, tuple) or peer[1] == endpoint.port
