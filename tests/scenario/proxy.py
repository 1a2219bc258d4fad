"""A line that can be cut: a TCP proxy on loopback."""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.managers import BaseManager
from typing import Any, Literal

from connectors.endpoint import Endpoint

__all__ = ["Act", "Lines", "Proxy", "Way", "apart"]

Way = Literal["there", "back"]
"""From the agent to the store, or from the store to the agent."""

Act = Literal["cut", "drop", "reset", "stall"]
Lines = Callable[[Endpoint], Any]

_RESET = struct.pack("ii", 1, 0)
_BLOCK_BYTES = 65536
_SHARES = 20


class Proxy:
    """Forwards to (host, port) until it is cut; may be mended, on the same port.

    Whoever uses it from a process of its own (`apart`) has the same methods.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._ends: list[socket.socket] = []
        self._deaf = False
        self._lock = threading.Lock()
        self._trap: tuple[Way, int, str] | None = None
        self._moving = threading.Event()
        self._moving.set()
        self._rate = 0
        self._passed: Counter[Way] = Counter()
        self._sprung = False
        self.port = 0
        self._listen()

    @classmethod
    def before(cls, store: Endpoint) -> Proxy:
        return cls(str(store.host), int(store.port or 0))

    def at(self) -> int:
        """Its port."""
        return self.port

    def mend(self) -> None:
        """A line as any other; what hung in it is gone."""
        self.drop()
        self._trap, self._rate, self._sprung = None, 0, False
        self._passed.clear()
        self._moving.set()
        if self._listener.fileno() < 0:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Nobody listens any more, and every connection ends in the middle."""
        self.drop()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def drop(self) -> None:
        """Ends the connections there are, in order; new ones are taken."""
        self._end(reset=False)

    def reset(self) -> None:
        """The same without a goodbye, as a firewall does."""
        self._end(reset=True)

    def _end(self, *, reset: bool) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            end.close()

    def stall(self) -> None:
        """Connections stay, and new ones are taken; nothing goes through any more."""
        self._moving.clear()

    def passed(self, way: Way) -> int:
        """Bytes that went this way since the last `mend` or `trap`."""
        return self._passed[way]

    def sprung(self) -> bool:
        """Whether the trap that was set has been reached."""
        return self._sprung

    def trap(self, way: Way, count: int, act: Act) -> None:
        """Once exactly `count` more bytes have gone this way, over any connections, `act` comes
        before the next one."""
        with self._lock:
            self._passed.clear()
            self._sprung = False
            self._trap = (way, count, act)

    def slow(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second

    def lose_answer(self) -> None:
        """The next answer does not come back: its connection ends instead."""
        self._deaf = True

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._to)
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends += [near, far]
            ways: tuple[Way, Way] = ("there", "back")
            for one, other, way in ((near, far, ways[0]), (far, near, ways[1])):
                threading.Thread(target=self._pump, args=(one, other, way), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, way: Way) -> None:
        with contextlib.suppress(OSError):
            while block := one.recv(self._at_once()):
                if way == "back" and self._deaf:
                    self._deaf = False
                    break
                self._moving.wait()
                self._forward(block, other, way)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _at_once(self) -> int:
        return max(1, self._rate // _SHARES) if self._rate else _BLOCK_BYTES

    def _forward(self, block: bytes, other: socket.socket, way: Way) -> None:
        if self._rate:
            time.sleep(len(block) / self._rate)
        with self._lock:
            act = None
            if self._trap is not None and self._trap[0] == way:
                left = self._trap[1] - self._passed[way]
                if len(block) > left:
                    block, act, self._trap = block[:left], self._trap[2], None
                    self._sprung = True
            self._passed[way] += len(block)
        other.sendall(block)
        if act is not None:
            getattr(self, act)()
            self._moving.wait()
            raise OSError("the rest of the block is lost")


class _Manager(BaseManager):
    pass


_MANAGER: Any = _Manager
_MANAGER.register("Proxy", Proxy)


@contextlib.contextmanager
def apart() -> Iterator[Lines]:
    """Makes lines in a process of its own: some drivers keep the interpreter while they wait."""
    with _MANAGER(ctx=multiprocessing.get_context("spawn")) as manager:
        yield lambda store: manager.Proxy(str(store.host), int(store.port or 0))
