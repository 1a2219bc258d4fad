"""A webhook on this machine, as a real receiver of alarms."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Webhook", "webhook"]


class Webhook:
    """`messages` are those that were taken, in order. `status` is what it answers; it takes nothing
    unless that is 200, and says `says`. While `silent`, it reads and does not answer."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        self.refused = 0
        self.silent = False
        self.says = ""
        self.ended = threading.Event()
        self.port = 0

    @property
    def address(self) -> str:
        return f"json://user:5ecret@127.0.0.1:{self.port}/alarms"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]

    def take(self) -> list[dict[str, Any]]:
        """What has come since the last time."""
        taken, self.messages = self.messages, []
        return taken


@contextmanager
def webhook() -> Iterator[Webhook]:
    state = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if state.silent:
                state.ended.wait(30)
            elif state.status == 200:
                state.messages.append(content)
            else:
                state.refused += 1
            self._answer(state.status, state.says)

        def do_GET(self) -> None:
            self._answer(200, "log in")  # where status 302 leads

        def _answer(self, status: int, says: str) -> None:
            self.send_response(status)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", str(len(says)))
            self.end_headers()
            self.wfile.write(says.encode("ascii"))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        state.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
