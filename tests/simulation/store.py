"""Three stores in memory, behind the connector of a real family.

Only what would need a machine is replaced: the file, the source's clock, who works there, and the
lock of the operating system. Every statement of the bridge runs for real.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType

from connectors import registry
from connectors.connector import Capabilities
from connectors.endpoint import Endpoint
from connectors.errors import Busy, Unreachable
from connectors.registry import FAMILIES, Family
from connectors.sqlite.connector import SqliteConnector
from connectors.sqlite.values import register
from connectors.table import TableName

__all__ = ["ROLES", "Machine", "MemoryConnector", "simulated"]

ROLES = ("source", "exchange", "target")
_NUMBER = count(1)


class Machine:
    """The stores of one deployment, who is at work at the source, and what its clock says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)
        self.tokens: frozenset[str] = frozenset()
        self.locks: set[str] = set()
        self.sessions: list[MemoryConnector] = []
        self.refused: set[str] = set()  # roles of stores that cannot be reached
        self._stores: dict[str, sqlite3.Connection] = {}
        self._places: dict[str, str] = {}
        for role in ROLES:
            self._make(role)

    def connect(self, role: str) -> sqlite3.Connection:
        return sqlite3.connect(
            self._places[role], uri=True, isolation_level=None, check_same_thread=False
        )

    def __getitem__(self, role: str) -> sqlite3.Connection:
        """A session of the test's own, outside the bridge."""
        return self._stores[role]

    def is_busy(self) -> bool:
        """Whether a session of the bridge is in the middle of a transaction."""
        return any(session.is_in_transaction for session in self.sessions)

    def backup(self, role: str) -> sqlite3.Connection:
        kept = sqlite3.connect(":memory:", isolation_level=None)
        self._stores[role].backup(kept)
        return kept

    def restore(self, role: str, kept: sqlite3.Connection) -> None:
        """As another server would be set up from a dump: sessions with the old one see no more."""
        self._stores.pop(role).close()
        self._make(role)
        kept.backup(self._stores[role])

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    def _make(self, role: str) -> None:
        self._places[role] = f"file:/{role}{next(_NUMBER)}?vfs=memdb"
        self._stores[role] = self.connect(role)


_machine: Machine | None = None


class MemoryConnector(SqliteConnector):
    """A session with a store of the machine that is simulated now."""

    capabilities = Capabilities(concurrent=False, schemas=False, special_floats=False)

    def __init__(self, endpoint: Endpoint) -> None:
        assert _machine is not None
        self._machine = _machine
        self._role = endpoint.name
        if self._role in self._machine.refused:
            raise Unreachable("refused", endpoint=str(endpoint))
        self._machine.sessions.append(self)
        super().__init__(endpoint)

    def _open(self) -> sqlite3.Connection:
        connection = self._machine.connect(self._role)
        register(connection, self._interruption)
        return connection

    def close(self) -> None:
        super().close()
        if self in self._machine.sessions:
            self._machine.sessions.remove(self)

    @property
    def is_in_transaction(self) -> bool:
        return bool(self.driver.in_transaction)

    def clock(self) -> datetime:
        return self._machine.now

    def open_work(self) -> frozenset[str]:
        return self._machine.tokens

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        locks = self._machine.locks
        if name in locks:
            raise Busy(f"{name} is in use by another run", endpoint=self.endpoint.name)
        locks.add(name)
        try:
            yield
        finally:
            locks.discard(name)

    def missing_rights(self, table: TableName | None) -> list[str]:
        return []

    def identity(self, name: TableName) -> str:
        return f"{self._role}/{name.name}"


@contextmanager
def simulated(machine: Machine) -> Iterator[Machine]:
    """Meanwhile every endpoint of family sqlite leads to this machine's stores."""
    global _machine
    before = _machine, registry.FAMILIES
    place = f"{__name__}:{MemoryConnector.__name__}"
    memory = Family("sqlite", place, frozenset(), "simulated", "sqlite3")
    _machine, registry.FAMILIES = machine, MappingProxyType({**FAMILIES, "sqlite": memory})
    try:
        yield machine
    finally:
        _machine, registry.FAMILIES = before


def endpoint(role: str) -> Endpoint:
    return Endpoint(role, "sqlite", path=f"/{role}")
