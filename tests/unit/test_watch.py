"""A session that is watched from outside its driver: it ends when nothing moves, and not before."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from connectors.deadline import Watch

LIMIT = 0.3


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Of one line: ours, which is watched, and the server's."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_line_on_which_data_move_is_left_alone(
    ends: tuple[socket.socket, socket.socket], way: str
) -> None:
    """Whichever way: a large statement goes up for long before there is an answer."""
    ours, theirs = ends
    one, other = (ours, theirs) if way == "up" else (theirs, ours)
    watch = Watch(ours.fileno(), LIMIT)
    until = time.monotonic() + 2 * LIMIT
    with watch.call():
        while time.monotonic() < until:
            one.sendall(b"x")
            assert other.recv(1) == b"x"
            time.sleep(LIMIT / 20)
        assert not watch.has_ended
        assert theirs.recv(1) == b""  # then nothing moves, and it is ended
    assert watch.has_ended
    watch.close()
