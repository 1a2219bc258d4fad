"""Bounds on how long a driver may wait for a store, whatever the driver's own timeouts bound.

Drivers bound the TCP handshake, and some nothing after it: a listener that accepts and stays silent
would hold them for ever. The attempt is made in a thread of its own; when the time is over it is
left alone, and a session that it still yields is closed at once.

Of an open session, a Watch bounds each call of a driver that cannot do it by itself, and a Lifetime
the session as a whole: they end the socket under the call, and the driver then finds its connection
lost.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from connectors.endpoint import Endpoint
from connectors.errors import ConnectionLost, Unreachable

__all__ = [
    "Lifetime",
    "Watch",
    "connect_within",
    "notice_dead_peer",
    "outlasted",
    "silent",
    "unanswered",
]

_DEAD_PEER = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}


def connect_within(endpoint: Endpoint, attempt: Callable[[], Any]) -> Any:
    """What `attempt` returns or raises; Unreachable after the endpoint's `connect_timeout`."""
    made = _Attempt(attempt)
    thread = threading.Thread(target=made.run, name=f"connect {endpoint.name}", daemon=True)
    thread.start()
    thread.join(endpoint.connect_timeout)
    if made.abandon():
        raise unanswered(endpoint)
    if made.error is not None:
        raise made.error
    return made.session


class _Attempt:
    """One attempt. Whoever comes second, the result or the deadline, sees the other."""

    def __init__(self, attempt: Callable[[], Any]) -> None:
        self._attempt = attempt
        self._lock = threading.Lock()
        self._abandoned = False
        self._ended = False
        self.session: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            session, error = self._attempt(), None
        except Exception as caught:  # noqa: BLE001 — raised again by the thread that waits
            session, error = None, caught
        with self._lock:
            self.session, self.error, self._ended = session, error, True
            late = self._abandoned
        if late and session is not None:
            session.close()

    def abandon(self) -> bool:
        """Whether the deadline came first."""
        with self._lock:
            self._abandoned = not self._ended
            return self._abandoned


def unanswered(endpoint: Endpoint) -> Unreachable:
    """A session that was not there within `connect_timeout`."""
    return Unreachable(
        f"no answer within {endpoint.connect_timeout:g} s",
        endpoint=str(endpoint),
        remedy="check that the right server listens there, and the network in between",
    )


def silent(endpoint: Endpoint) -> ConnectionLost:
    """What a session that was given up means to an operator."""
    return ConnectionLost(
        f"no answer within {endpoint.silence_limit:g} s",
        endpoint=str(endpoint),
        remedy="look at the server and the network in between; raise the endpoint's "
        "silence_timeout or statement_timeout if its statements may take longer",
    )


def outlasted(endpoint: Endpoint) -> ConnectionLost:
    """What a session that has reached the end of its lifetime means to an operator."""
    return ConnectionLost(
        f"the session was ended after {endpoint.session_timeout:g} s",
        endpoint=str(endpoint),
        remedy="look at the network in between; raise the endpoint's session_timeout if a run may "
        "take longer",
    )


def notice_dead_peer(descriptor: int) -> None:
    """Lets the system end a connection whose peer, or the network in between, is gone: at most a
    minute after the last word. Does nothing to what is no TCP socket."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _DEAD_PEER.items():
            if (option := getattr(socket, name, None)) is not None:  # not every system has them
                end.setsockopt(socket.IPPROTO_TCP, option, value)


class _Line:
    """The socket of a session, as long as its number has not become another's."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._number = os.fstat(descriptor).st_ino

    def end(self) -> None:
        with suppress(OSError), self.open() as end:
            end.shutdown(socket.SHUT_RDWR)

    def open(self) -> socket.socket:
        """OSError if it is closed."""
        end = socket.socket(fileno=os.dup(self.descriptor))
        if os.fstat(end.fileno()).st_ino != self._number:
            end.close()
            raise OSError("the socket is closed")
        return end


class Lifetime:
    """Ends a session's socket `seconds` from now, whatever moves on it; 0 is never. Nothing else
    bounds a peer that sends a byte now and then."""

    def __init__(self, descriptor: int | None, seconds: float) -> None:
        self.is_over = False
        self._timer: threading.Timer | None = None
        if descriptor is not None and seconds:
            self._timer = threading.Timer(seconds, self._end, (_Line(descriptor),))
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, line: _Line) -> None:
        self.is_over = True
        line.end()


class Watch:
    """Ends the socket of a session whose driver has been in one call for `limit` seconds while no
    data moved, until it is closed. Without a socket there is nothing to watch."""

    def __init__(self, descriptor: int | None, limit: float) -> None:
        self.limit = limit
        self.has_ended = False
        self.statement = ""
        """What the driver was last told to execute, where it is known."""
        self._since: float | None = None
        self._is_over = threading.Event()
        self._line = None if descriptor is None else _Line(descriptor)
        if descriptor is not None:
            notice_dead_peer(descriptor)
            threading.Thread(target=self._look, name="watch", daemon=True).start()

    @contextmanager
    def call(self) -> Iterator[None]:
        """The driver may be waiting for the store. What lies inside another call is the same."""
        before, self._since = self._since, self._since or time.monotonic()
        try:
            yield
        finally:
            self._since = before

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Inside a call, the driver is waiting for us."""
        self._since = None
        try:
            yield
        finally:
            self.go_on()

    def go_on(self) -> None:
        """Inside a call, something has moved."""
        self._since = time.monotonic()

    @property
    def descriptor(self) -> int | None:
        return None if self._line is None else self._line.descriptor

    @property
    def is_waiting(self) -> bool:
        return self._since is not None

    def end(self) -> None:
        """Now, whatever moves."""
        self.has_ended = True
        self._is_over.set()
        if self._line is not None:
            self._line.end()

    def close(self) -> None:
        self._is_over.set()

    def _look(self) -> None:
        while not self._is_over.wait(min(1.0, self.limit / 10)):
            since = self._since
            if since is None or time.monotonic() - since <= self.limit:
                continue
            if self._still_seconds() >= self.limit:
                self.end()

    def _still_seconds(self) -> float:
        """How long no data has gone either way, as far as the system tells: `tcpi_last_data_sent`
        and `tcpi_last_data_recv` of Linux's tcp_info, in milliseconds."""
        option = getattr(socket, "TCP_INFO", None)
        if option is None or self._line is None:
            return math.inf
        try:
            with self._line.open() as end:
                told = end.getsockopt(socket.IPPROTO_TCP, option, 60)
        except OSError:  # a local socket
            return math.inf
        sent, received = struct.unpack_from("=I4xI", told, 44)
        return float(min(sent, received) / 1000)
