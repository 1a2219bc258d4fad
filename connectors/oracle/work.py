"""Time and open work at Oracle, and at DM, which has views of the same kind.

A statement fixes its time before it has a transaction, so a session counts from its first call to
the moment when it is seen idle and without a transaction. Its token names the session, and stays
the same when the call turns into a transaction: nothing is lost between the two.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.connector import Connector, wait_for
from connectors.dialect import Statement
from connectors.errors import Busy, MissingObject, MissingRight, PermanentError

__all__ = ["OracleWork"]


class OracleWork(Connector):
    """The clock, the zone, named locks, and who may still commit."""

    sessions_query: ClassVar[str]
    """Rows of (token, who it is) for sessions at work, our own left out."""
    detached_query: ClassVar[str]
    """Rows of one number: transactions without a session, which another may still commit."""
    work_remedy: ClassVar[str]
    lock_remedy: ClassVar[str]

    def _freeze_snapshot(self) -> None:
        self.execute("SET TRANSACTION READ ONLY")

    def clock(self) -> datetime:
        with self.transaction():
            moment: datetime = self.value("SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL")
        return moment.replace(tzinfo=UTC)

    def timezone(self) -> str:
        """SYSDATE and SYSTIMESTAMP are the operating system's, whatever the session's zone."""
        with self.transaction():
            return str(self._zone())

    def _zone(self) -> ZoneInfo:
        offset = str(self.value("SELECT TO_CHAR(SYSTIMESTAMP, 'TZH:TZM') FROM DUAL"))
        match = re.fullmatch(r"([+-])(\d\d):00", offset.strip())
        if match is None:
            raise PermanentError(
                f"the server's offset {offset} is that of no zone known by number",
                endpoint=str(self.endpoint),
                remedy="name the zone in capture.timezone",
            )
        sign = "-" if match[1] == "+" else "+"  # in these names the sign is turned round
        return ZoneInfo(f"Etc/GMT{sign}{int(match[2])}" if int(match[2]) else "UTC")

    @abstractmethod
    def _refuse_replica(self) -> None:
        """PermanentError where open work of the primary cannot be seen."""

    def open_work(self) -> frozenset[str]:
        try:
            with self.transaction():
                self._refuse_replica()
                sessions = [str(token) for token, _ in self.rows(self.sessions_query)]
                detached = [f"prepared {number}" for (number,) in self.rows(self.detached_query)]
        except MissingObject as error:
            raise MissingRight(
                "open transactions cannot be seen",
                endpoint=str(self.endpoint),
                remedy=self.work_remedy,
            ) from error
        return frozenset(sessions + detached)

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        with self.transaction():
            known: dict[Any, Any] = dict(self.rows(self.sessions_query))
        return sorted(str(known.get(token, token)) for token in tokens)

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        """DBMS_LOCK: 0 is granted, 4 is ours already; it dies with the session."""
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % (1 << 30)
        p = self.dialect.placeholder
        request = Statement(f"SELECT DBMS_LOCK.REQUEST({p}, 6, 0) FROM DUAL", (number,))

        def attempt() -> bool:
            try:
                with self.transaction():
                    return self.value(request) in (0, 4)
            except MissingObject as error:
                raise MissingRight(
                    "named locks cannot be taken",
                    endpoint=str(self.endpoint),
                    remedy=self.lock_remedy,
                ) from error

        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        wait_for(attempt, wait_seconds, busy)
        try:
            yield
        finally:
            if not self.connection.closed:
                with self.transaction():
                    self.value(Statement(f"SELECT DBMS_LOCK.RELEASE({p}) FROM DUAL", (number,)))
