"""What SQLite's errors mean to an operator: by result code, or by text where the code says little.

The codes: https://www.sqlite.org/rescode.html. A message never repeats the text of a refusal, which
may quote a value; `no such table` and its like name only names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from connectors.errors import (
    NAME_TAKEN,
    BridgeheadError,
    Busy,
    ConnectionLost,
    MissingObject,
    MissingRight,
    PermanentError,
    RepeatedKey,
    RowRefused,
    StatementTimeout,
    StoreFull,
    StructureMismatch,
    Unreachable,
)

__all__ = ["of_sqlite"]

Meaning = tuple[type[BridgeheadError], str, str]

_REFUSED: Meaning = (
    MissingRight,
    "access to the file was refused",
    "check the rights on the file",
)
_BY_CODE: Mapping[int, Meaning] = {
    2: (PermanentError, "SQLite failed inside", ""),
    3: _REFUSED,
    5: (Busy, "another session holds the file's lock", "try again when it has ended"),
    6: (Busy, "another statement holds the table's lock", "try again when it has ended"),
    7: (StoreFull, "memory is exhausted", "free memory on this machine"),
    8: (MissingRight, "the file is read-only for this account", "give it the right to write"),
    9: (StatementTimeout, "a statement was interrupted", "try again"),
    10: (ConnectionLost, "the file could not be read or written", "check disk and file system"),
    11: (PermanentError, "the file is damaged", "run PRAGMA integrity_check; restore a backup"),
    13: (StoreFull, "the disk is full", "free disk space at this store"),
    14: (
        Unreachable,
        "the file cannot be opened",
        'check the path and its rights; options: {create: "true"} makes a new file',
    ),
    15: (Busy, "the file's locking protocol failed", "try again; keep the file on a local disk"),
    17: (StructureMismatch, "a table was changed meanwhile", "try again"),
    18: (RowRefused, "a value is too long for SQLite", ""),
    19: (RowRefused, "the store refused a row", "look at the table's constraints and triggers"),
    20: (RowRefused, "a value is of the wrong type for its column", "look at the row's value"),
    23: (MissingRight, "the operation is not authorised", "check the rights on the file"),
    26: (PermanentError, "the file is no SQLite database", "check the path"),
}
_REPEATED: Meaning = (
    RepeatedKey,
    "a key is there twice",
    "find the rows that share this key, and make it unique",
)
_BY_EXTENDED_CODE: Mapping[int, Meaning] = {
    **dict.fromkeys((1555, 2067, 2579), _REPEATED),
    4874: _BY_CODE[13],  # there is no room for the index of the write-ahead log
}
_NAMES = re.compile(r"^UNIQUE constraint failed: (.+)")
"""Columns, or an index: no value."""
_BY_TEXT: tuple[tuple[str, type[BridgeheadError], str], ...] = (
    ("no such table", MissingObject, "check the table's name"),
    ("no such column", MissingObject, "check the column's name"),
    ("no such view", MissingObject, "check the view's name"),
    ("has no column named", MissingObject, "check the column's name"),
    ("already exists", StructureMismatch, NAME_TAKEN),
    ("there is already", StructureMismatch, NAME_TAKEN),  # of an index
    ("closed database", ConnectionLost, "try again over a new session"),
)


def of_sqlite(error: BaseException, path: Path) -> Meaning:
    """The class of our error, its message and its remedy; `path` is the file's."""
    text = str(error)
    code = getattr(error, "sqlite_errorcode", 0) or 0
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    kind: type[BridgeheadError] = PermanentError
    message, remedy = text or name, ""
    known = _BY_EXTENDED_CODE.get(code) or _BY_CODE.get(code & 0xFF)
    if known is _BY_CODE[14] and _is_refused(path):
        known = _REFUSED
    if known is not None:
        kind, message, remedy = known
        named = _NAMES.search(text) if known is _REPEATED else None
        message += f": {named[1]}" if named else ""
    else:
        for part, meant, what in _BY_TEXT:
            if part in text:
                kind, remedy = meant, what
    return kind, f"{message} ({name})", remedy


def _is_refused(path: Path) -> bool:
    """Whether the file, or a folder on the way to it, is not for this account. It is not opened:
    to close it would end SQLite's own locks."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK, effective_ids=True)
