"""A session of psycopg that waits for its server no longer than it may."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg

from connectors.deadline import notice_dead_peer
from connectors.endpoint import Endpoint
from connectors.postgresql.server import tls_of

__all__ = ["BoundedSession", "Silent"]


class Silent(psycopg.OperationalError):
    """The server has said nothing for too long; the session is closed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")


class BoundedSession(psycopg.Connection[Any]):
    """Every wait for the server ends in Silent after `silence_limit` seconds without a word: the
    library below waits for ever for a peer that is there and says nothing."""

    silence_limit: float = 0.0

    @classmethod
    def at(cls, endpoint: Endpoint, **settings: Any) -> BoundedSession:
        """A session with the endpoint, whose own options and `tls` come before `settings`."""
        e = endpoint
        session = cls.connect(
            **{
                "host": e.host or "localhost",
                "port": e.port,
                "dbname": e.database,
                "user": e.user,
                "password": e.password.reveal() if e.password else None,
                "connect_timeout": max(1, round(e.connect_timeout)),
                "application_name": "bridgehead",
                "prepare_threshold": None,
                "client_encoding": "UTF8",
                **settings,
                **tls_of(e),
                **e.options,
            }
        )
        session.silence_limit = e.silence_limit
        notice_dead_peer(session.fileno())
        return session

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return super().wait(self._heard(gen), *arguments, **options)

    def give_up(self) -> Silent:
        """Ends the session, so that what is still to be done on it fails at once."""
        self.close()
        return Silent(self.silence_limit)

    def _heard(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same generator; psycopg asks it again now and then while nothing is heard."""
        last = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    last = time.monotonic()
                elif time.monotonic() - last > self.silence_limit:
                    raise self.give_up()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
