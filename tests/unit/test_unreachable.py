"""A server that is not there, closes at once, or says nothing: every driver ends within its timeout
with an error that says so."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from connectors.endpoint import Endpoint, Secret
from connectors.errors import Unreachable
from connectors.registry import FAMILIES, connect

TIMEOUT = 2.0
MORE: dict[str, dict[str, Any]] = {
    "odbc": {"driver": "PostgreSQL Unicode"},
    "mssql": {"driver": "FreeTDS", "options": {"TDS_Version": "7.4"}},
}
"""What stands in for Microsoft's driver, which may not be passed on, is the free one of Debian."""
SERVERS = [name for name, f in FAMILIES.items() if not {"path", "folder"} & f.required_settings]

Place = Callable[[], Any]


@contextmanager
def dead() -> Iterator[int]:
    """A port on which nobody listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    yield port


@contextmanager
def listener(*, closes: bool) -> Iterator[int]:
    """One that takes every connection, and closes it at once or keeps it in silence."""
    server = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                taken, _ = server.accept()
                if closes:
                    taken.close()
                else:
                    kept.append(taken)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for taken in kept:
            taken.close()
        thread.join(5)


PLACES: dict[str, Any] = {
    "dead": dead,
    "closing": lambda: listener(closes=True),
    "silent": lambda: listener(closes=False),
}


# python-oracledb leaves the socket of a connection that was cut off to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("family", SERVERS)
def test_the_error_says_so_within_the_timeout(family: str, place: str) -> None:
    with PLACES[place]() as port:
        login = {"user": "bridge", "password": Secret("s3cret-w0rd"), "database": "register"}
        endpoint = Endpoint(
            "business",
            family,
            host="127.0.0.1",
            port=port,
            connect_timeout=TIMEOUT,
            **(login | MORE.get(family, {})),
        )
        before = time.monotonic()
        with pytest.raises(Unreachable) as error:
            connect(endpoint)
        took = time.monotonic() - before
    assert took < TIMEOUT + 1.5
    assert error.value.exit_code == 3
    assert error.value.remedy
    assert "business" in str(error.value)
    assert "s3cret" not in str(error.value)
