"""Where a store is and how to log in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["Endpoint", "Secret"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Secret:
    """A resolved password. It cannot print itself; `reveal()` is for drivers alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True)
class Endpoint:
    """One store of the deployment, with its secret resolved.

    Timeouts are seconds. `statement_timeout` 0 means no limit at the server, `session_timeout` 0
    that a session may last for ever. `schema` is the
    default for tables named without one; None leaves it to the server. `driver` and `dsn` are the
    names by which ODBC knows a driver and a data source. `is_filled`: rows are loaded into it; a
    store that is only read need not be trusted with more.
    """

    name: str
    family: str
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None
    password: Secret | None = None
    path: str | None = None
    driver: str | None = None
    dsn: str | None = None
    schema: str | None = None
    connect_timeout: float = 10.0
    statement_timeout: float = 0.0
    silence_timeout: float = 3600.0
    session_timeout: float = 0.0
    is_filled: bool = True
    tls: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __str__(self) -> str:
        """`name (family host:port/database)`, as error messages show it; never the password."""
        if self.path:
            return f"{self.name} ({self.family} {self.path})"
        if self.dsn and not self.host:
            return f"{self.name} ({self.family} {self.dsn}/{self.database or ''})"
        port = f":{self.port}" if self.port else ""
        return f"{self.name} ({self.family} {self.host or 'localhost'}{port}/{self.database or ''})"

    @property
    def silence_limit(self) -> float:
        """How long we wait for a store that says nothing. A server that ends its statements at
        `statement_timeout` has said so a connection's time later, or says nothing any more."""
        if not self.statement_timeout:
            return self.silence_timeout
        return min(self.silence_timeout, self.statement_timeout + self.connect_timeout)

    def secured(
        self, mode: str, *, required: str, authority: str, verified: str
    ) -> Mapping[str, str]:
        """What `tls` says, and the `mode` that it means where it names none: no session without
        encryption, and none with a server that the `authority` does not vouch for. The drivers
        would take up either without a word."""
        if not self.tls:
            return self.tls
        return {mode: verified if authority in self.tls else required, **self.tls}

    @property
    def store(self) -> tuple[object, ...]:
        """What tells two stores apart, whoever logs in: equal for two endpoints of one database."""
        if self.path:
            return (self.family, self.path)
        if self.dsn and not self.host:
            return (self.family, self.dsn, self.database)
        return (self.family, self.host or "localhost", self.port, self.database)
