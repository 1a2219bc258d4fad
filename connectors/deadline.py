"""A bound on how long a driver may take to connect, whatever the driver's own timeout bounds.

Drivers bound the TCP handshake, and some nothing after it: a listener that accepts and stays silent
would hold them for ever. The attempt is made in a thread of its own; when the time is over it is
left alone, and a session that it still yields is closed at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from connectors.endpoint import Endpoint
from connectors.errors import Unreachable

__all__ = ["connect_within"]


def connect_within(endpoint: Endpoint, attempt: Callable[[], Any]) -> Any:
    """What `attempt` returns or raises; Unreachable after the endpoint's `connect_timeout`."""
    made = _Attempt(attempt)
    thread = threading.Thread(target=made.run, name=f"connect {endpoint.name}", daemon=True)
    thread.start()
    thread.join(endpoint.connect_timeout)
    if made.abandon():
        raise Unreachable(
            f"no answer within {endpoint.connect_timeout:g} s",
            endpoint=str(endpoint),
            remedy="check that the right server listens there, and the network in between",
        )
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
