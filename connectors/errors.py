"""What can go wrong at a store, sorted by what to do next.

BridgeheadError
├── ConfigurationError      2  decided without any connection, or refused by policy
├── TransientError          3  try again later: nothing was lost, nothing is half done
│   ├── Unreachable             no connection could be made
│   ├── ConnectionLost          the connection broke; whether the last commit happened is unknown
│   ├── StatementTimeout        the store did not answer in time
│   ├── Busy                    a lock is held by somebody else
│   └── StoreFull               no disk space or no connection left
└── PermanentError          4  a person must act at a store
    ├── LoginRefused
    ├── MissingRight
    ├── MissingObject           a table, column, schema or database is not there
    ├── StructureMismatch       other types, no key, a non-empty target
    │   └── RepeatedKey         a unique index refuses a row
    └── RowRefused              the store refuses a row (constraint, value, trigger)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "NAME_TAKEN",
    "BridgeheadError",
    "Busy",
    "ConfigurationError",
    "ConnectionLost",
    "LoginRefused",
    "MissingObject",
    "MissingRight",
    "PermanentError",
    "RepeatedKey",
    "RowRefused",
    "StatementTimeout",
    "StoreFull",
    "StructureMismatch",
    "TransientError",
    "Unreachable",
    "nearest",
    "read_only",
]


NAME_TAKEN = (
    "something there bears this name already: try again if it was made just now, "
    "else have it renamed, or name another table"
)
"""The remedy where a table of ours cannot be made, since a table, view, index or type is in the
way that nobody took for it."""


class BridgeheadError(Exception):
    """An error an operator can act on: what was found, on which endpoint, and what to do.

    `message` never holds a password or a value of a row. `code` is a stable word for programs.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, endpoint: str | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.endpoint = endpoint
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"[{self.endpoint}] " if self.endpoint else ""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


class ConfigurationError(BridgeheadError):
    code = "configuration"
    exit_code = 2


class TransientError(BridgeheadError):
    code = "transient"
    exit_code = 3


class Unreachable(TransientError):
    code = "unreachable"


class ConnectionLost(TransientError):
    code = "connection_lost"


class StatementTimeout(TransientError):
    code = "timeout"


class Busy(TransientError):
    code = "busy"


class StoreFull(TransientError):
    code = "store_full"


class PermanentError(BridgeheadError):
    code = "permanent"
    exit_code = 4


class LoginRefused(PermanentError):
    code = "login_refused"


class MissingRight(PermanentError):
    code = "missing_right"


class MissingObject(PermanentError):
    code = "missing_object"


class StructureMismatch(PermanentError):
    code = "structure_mismatch"


class RepeatedKey(StructureMismatch):
    """A unique index refuses a row."""


class RowRefused(PermanentError):
    code = "row_refused"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name; empty where nothing is near, or the name itself is
    known, which may not be used for another reason."""
    names = list(known)
    found = [] if name in names else difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else ""


def read_only(endpoint: str) -> MissingRight:
    """What is found before anything is written; the server's own words come with a statement."""
    return MissingRight(
        f"{endpoint}: nothing can be written there",
        endpoint=endpoint,
        remedy="the store is read-only: use its primary",
    )
