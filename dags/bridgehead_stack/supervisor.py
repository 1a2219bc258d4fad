"""Keeps several processes running, and ends them all: on a signal, or when one cannot be kept."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from types import FrameType

from bridgehead_stack.process import adopt_orphans, end, offspring
from bridgehead_stack.service import Service
from bridgehead_stack.trouble import Trouble

__all__ = ["Supervisor"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 15.0


class Supervisor:
    """There is one in a process: it listens to the process's signals."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._services: Sequence[Service] = ()
        self._tell = tell
        self._over = threading.Event()

    def listen(self) -> None:
        """From now on a signal means: end everything in order. A closed terminal is a signal."""
        adopt_orphans()
        for number in _SIGNALS:
            signal.signal(number, self._asked)

    def call(self, service: Service) -> int:
        """Runs it once, to its end; the exit code, and 0 where we were asked to end meanwhile."""
        self._services = [service]
        service.start()
        while (code := service.wait(_LOOK_SECONDS)) is None:
            if self._over.is_set():
                return 0
        return code

    def run(
        self,
        services: Sequence[Service],
        ready: Callable[[], bool],
        then: Callable[[], None],
        limit: float,
    ) -> None:
        """Returns when it was asked to end. Raises Trouble if a process cannot be kept running, or
        if they are not `ready` in time."""
        if self._over.is_set():
            return
        self._services = services
        for service in services:
            service.start()
        until: float | None = time.monotonic() + limit
        while not self._over.wait(_LOOK_SECONDS):
            self._look()
            if until is not None and ready():
                then()
                until = None
            if until is not None and time.monotonic() > until:
                raise Trouble(f"Airflow was not ready after {limit:.0f} s; see its logs")

    def stop(self, spared: Collection[int]) -> None:
        """Leaves no process behind, also none whose parent has died; but those of `spared`, which
        somebody else ends."""
        for service in self._services:
            service.ask_to_end()
        until = time.monotonic() + _GRACE_SECONDS
        for service in self._services:
            service.stop(until)
        end(offspring(without=spared), 3.0)

    def _look(self) -> None:
        for service in self._services:
            told = service.look()
            if told and service.given_up:
                raise Trouble(told)
            if told:
                self._tell(told)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self._over.set()
