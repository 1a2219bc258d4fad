"""Pushing while the pull goes on: each part of a large load travels on while the next is read."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

from bridge.batch import Batch, State
from bridge.hold import Hold
from bridge.plan import Plan
from bridge.push import Push

__all__ = ["Pushing"]

_AHEAD = 4
_POLL_SECONDS = 0.2


class Pushing:
    """Takes sealed batches and settles them in order.

    The batches of a load are settled side by side with the pull where the exchange allows a second
    session; a window's only batch is settled at the end, on the pull's own. An error of the push
    stops the pull at its next batch and is raised there. No process waits for a push to which an
    interruption has kept it from telling the end.
    """

    def __init__(self, held: Hold, plan: Plan, note: Callable[[Batch], None]) -> None:
        self._held = held
        self._plan = plan
        self._note = note
        self._waiting: list[Batch] = []
        self._queue: queue.Queue[Batch | None] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def take(self, batch: Batch) -> None:
        """A batch that was just sealed. Blocks while too many are ahead of the push."""
        self._note(batch)
        if batch.state is not State.SEALED:
            return
        if self._thread is not None:
            self._put(batch)
        elif batch.last:
            self._waiting.append(batch)
        elif self._held.exchange.capabilities.concurrent:
            self._start()
            self._put(batch)
        else:
            self._note(Push(self._held, self._plan, self._held.exchange).settle(batch))

    def __enter__(self) -> Pushing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._put_end()
            self._thread.join()
        if kind is None:
            self._raise()
            push = Push(self._held, self._plan, self._held.exchange)
            for batch in self._waiting:
                self._note(push.settle(batch))

    def _start(self) -> None:
        push = Push(self._held, self._plan, self._held.another_exchange())
        self._thread = threading.Thread(target=self._work, args=(push,), name="push", daemon=True)
        self._thread.start()

    def _work(self, push: Push) -> None:
        try:
            while (batch := self._queue.get()) is not None:
                self._note(push.settle(batch))
        except BaseException as error:  # noqa: BLE001 — raised again in the pull's thread
            self._error = error

    def _put(self, batch: Batch) -> None:
        while True:
            self._raise()
            try:
                self._queue.put(batch, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def _put_end(self) -> None:
        """The end, behind what is queued; a push that has failed takes nothing any more."""
        while self._error is None:
            try:
                self._queue.put(None, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
