"""What DM's errors mean to an operator: by its own numbers, which begin with [CODE:…]."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.endpoint import Endpoint
from connectors.errors import (
    NAME_TAKEN,
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    LoginRefused,
    MissingObject,
    MissingRight,
    PermanentError,
    RepeatedKey,
    RowRefused,
    StatementTimeout,
    StoreFull,
    StructureMismatch,
    TransientError,
    Unreachable,
)

__all__ = ["of_dm"]

# By the table of numbers and texts in the library that dmPython brings: the server's, and below
# -69000 the driver's own. Only -2501, an older server's -200, is not in it.
_GROUPS: Sequence[tuple[type[BridgeheadError], str, str]] = (
    (
        Unreachable,
        "check host, port, firewall, and that the server is up",
        "-70028 -6003 -6004 -6012 -6029 -6032",
    ),
    (
        LoginRefused,
        "check user and password of the endpoint",
        "-200 -2501 -6015 -6017 -70096",
    ),
    (
        LoginRefused,
        "ask the DBA to unlock the account or renew its password",
        "-2503 -5661 -5734",
    ),
    (
        MissingObject,
        "check the table's name and schema",
        "-2106 -2103 -2104 -7018 -7019 -7020 -7086",
    ),
    (MissingObject, "check the column's name", "-2111 -2130 -2207 -7022"),
    (StructureMismatch, NAME_TAKEN, "-2124 -2116"),
    (
        MissingRight,
        "ask the DBA for this right",
        "-5501 -5502 -5503 -5504 -5505 -5507 -5508 -5515 -5516 -5598 -5659 -5669 -5671",
    ),
    (ConfigurationError, "write one SELECT", "-2007 -2001"),
    (
        RepeatedKey,
        "find the rows that share this key, and make it unique",
        "-6602 -6608 -6610 -6611 -6612",
    ),
    (
        RowRefused,
        "look at the row's value, and at the table's constraints and triggers",
        "-6603 -6604 -6605 -6606 -6607 -6609 -6628 -2672 -3306 -6169 -6101 -6102 -6103 -6108 "
        "-6112 -6118 -6121 -6124 -6135 -6164 -6165 -6173 -70005 -70012 -70016 -70081 raised",
    ),
    (Busy, "try again when the other session has ended", "-6401 -6402 -6407 -6409"),
    (TransientError, "try again", "-6403 -6405"),
    (
        StatementTimeout,
        "raise the endpoint's statement_timeout",
        "-574 -604 -608 -6515 -7049 -9503",
    ),
    (
        StoreFull,
        "free space or sessions at this store",
        "-501 -502 -504 -505 -511 -512 -513 -523 -531 -554 -555 -564 -6001 -6002 -7161",
    ),
    (
        ConnectionLost,
        "try again; what the last commit did is read from the store",
        "-522 -605 -610 -6007 -6010 -6021 -70019 -70025 -70065 -70066 -69998",
    ),
)
_MEANINGS = {code: (kind, remedy) for kind, remedy, codes in _GROUPS for code in codes.split()}
_RAISED = re.compile(r"-(2\d{4}|30000)")  # by RAISE_APPLICATION_ERROR
_CODE = re.compile(r"\[CODE:(-\d+)\]")


def of_dm(error: BaseException, endpoint: Endpoint, *, connected: bool) -> BridgeheadError:
    """By the number. Messages of refused rows may quote values, and are not shown."""
    found = _CODE.search(str(error))
    code = found[1] if found else ""
    meaning = _MEANINGS.get("raised" if _RAISED.fullmatch(code) else code)
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
    if what is RepeatedKey:
        said = f"a key is there twice ({code})"
    return what(said, endpoint=str(endpoint), remedy=remedy)
