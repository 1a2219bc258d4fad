"""What DM's errors mean to an operator: by its own numbers, which begin with [CODE:…]."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.endpoint import Endpoint
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    LoginRefused,
    MissingObject,
    MissingRight,
    PermanentError,
    RowRefused,
    StatementTimeout,
    StoreFull,
    StructureMismatch,
    TransientError,
    Unreachable,
)
from connectors.oracle.errors import by_code

__all__ = ["of_dm"]

_GROUPS: Sequence[tuple[type[BridgeheadError], str, str]] = (
    (Unreachable, "check host, port, firewall, and that the server is up", "-70028 -6407"),
    (LoginRefused, "check user and password of the endpoint", "-2501 -2502 -2510"),
    (LoginRefused, "ask the DBA to unlock the account or renew its password", "-2503 -2506"),
    (MissingObject, "check the table's name and schema", "-2106 -2103 -2104"),
    (MissingObject, "check the column's name", "-2111 -2207"),
    (StructureMismatch, "the object exists already", "-2124 -2116"),
    (MissingRight, "ask the DBA for this right", "-5504 -5514 -5565 -5567"),
    (ConfigurationError, "write one SELECT", "-2007 -2001"),
    (StructureMismatch, "find the rows that share this key, and make it unique", "-6602"),
    (
        RowRefused,
        "look at the row's value, and at the table's constraints and triggers",
        "-6604 -6607 -6609 -6612 -6169 -6103 -6108 -6118 -6135 -20",
    ),
    (Busy, "try again when the other session has ended", "-6401 -6407 -6418"),
    (TransientError, "try again", "-6403 -6402"),
    (StatementTimeout, "raise the endpoint's statement_timeout", "-70074 -514 -6032"),
    (StoreFull, "free space or sessions at this store", "-523 -2521 -6018 -513"),
    (
        ConnectionLost,
        "try again; what the last commit did is read from the store",
        "-70019 -70025 -6010 -6001 -70010",
    ),
)
_CODE = re.compile(r"\[CODE:(-\d+)\]")


def of_dm(error: BaseException, endpoint: Endpoint, *, connected: bool) -> BridgeheadError:
    """By the number. Messages of refused rows may quote values, and are not shown."""
    found = _CODE.search(str(error))
    code = found[1] if found else ""
    meaning = by_code(_GROUPS, code) if code else None
    if meaning is None:
        kind = PermanentError if connected else Unreachable
        remedy = "" if connected else "check host, port, firewall, and that the server is up"
        said = f"{type(error).__name__} {code}".strip()
        return kind(
            f"no connection ({said})" if not connected else said,
            endpoint=str(endpoint),
            remedy=remedy,
        )
    what, remedy = meaning
    if what is Unreachable and connected:
        what, remedy = ConnectionLost, "try again; the next run reads what the store has"
    said = f"the store refused a row ({code})" if what is RowRefused else str(error)[:300]
    if code == "-6602":
        said = f"a key is there twice ({code})"
    return what(said, endpoint=str(endpoint), remedy=remedy)
