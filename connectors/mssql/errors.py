"""What SQL Server's errors mean to an operator: by the server's numbers, else by SQLSTATE."""

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

__all__ = ["of_mssql"]

_Group = tuple[type[BridgeheadError], str, str]
_BY_NUMBER: Sequence[_Group] = (
    (LoginRefused, "check user and password of the endpoint", "18456 18452 18470 18487 18488"),
    (MissingObject, "check the endpoint's database", "4060 4064 911 40532"),
    (MissingObject, "check the table's name, its schema and your rights", "208 3701 4902 15151"),
    (MissingObject, "check the column's name", "207 1911"),
    (MissingRight, "ask the DBA for this right", "229 230 262 297 300 916 3704 15247"),
    (MissingRight, "the store is read-only: use its primary", "3906 3908 978"),
    (ConfigurationError, "write one SELECT", "102 156 105 319"),
    (
        ConfigurationError,
        "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON: a bridge reads one state",
        "3952",
    ),
    (RepeatedKey, "find the rows that share this key, and make it unique", "2601 2627"),
    (StructureMismatch, NAME_TAKEN, "2714 2705 1913"),
    (ConfigurationError, "a bridge needs SQL Server 2019 or later for a key of text", "448"),
    (
        RowRefused,
        "look at the row's value, and at the table's constraints and triggers",
        "515 547 220 232 241 242 245 295 511 1946 2628 8114 8115 8152 8169 3609 3616 raised",
    ),
    (Busy, "try again when the other session has ended", "1222"),
    (TransientError, "try again", "1204 1205 3960 3961 8645 922 927 976 983 41302 41305 41325"),
    (StoreFull, "free space or connections at this store", "1101 1105 9002 17300 17809 10928 701"),
    (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks", "-2"),
    (
        ConnectionLost,
        "try again when the server is up",
        "596 6002 6005 17142 64 121 233 10053 10054",
    ),
)
_BY_STATE: Sequence[_Group] = (
    (LoginRefused, "check user and password of the endpoint", "28000"),
    (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks", "HYT00 HY008"),
    (Unreachable, "check host, port, firewall, and that the server is up", "08001 HYT01 08004"),
    (ConnectionLost, "try again; the next run reads what the store has", "08S01 08003 08007"),
    (TransientError, "try again", "40001"),
    (RowRefused, "look at the row's value", "22001 22003 22007 22008 22018 23000"),
    (
        ConfigurationError,
        "install Microsoft's ODBC driver 18 for SQL Server, or name another one in `driver`",
        "IM002 IM003 01000",
    ),
)
_NUMBER = re.compile(r"\((-?\d+)\) \(SQL|; \[\w+\].*?\((\d+)\)")
_ENCRYPTION = re.compile(r"SSL Provider: \[?(.*?)\]?\s*\(-?\d+\) \(SQL")
_OWN = 50_000  # from here on numbers are those of RAISERROR and THROW
_TOO_LONG = re.compile("right truncation")  # as the driver says it without a number


def of_mssql(error: BaseException, endpoint: Endpoint, *, connected: bool) -> BridgeheadError:
    """By the first number that is known. Messages of refused rows quote values: not shown."""
    text = str(error.args[-1]) if error.args else ""
    state = str(error.args[0]) if len(error.args) > 1 else ""
    if (secured := _ENCRYPTION.search(text)) is not None and not connected:
        return ConfigurationError(
            f"no encrypted session could be made: {secured[1]}",
            endpoint=str(endpoint),
            remedy="give the server a certificate that this machine trusts, or set option "
            'TrustServerCertificate: "yes"; what is too old for TLS of today must be updated',
        )
    numbers = [one or other for one, other in _NUMBER.findall(text)]
    if any(_TOO_LONG.search(str(said)) for said in error.args):
        state = "22001"
    for groups, codes in ((_BY_NUMBER, numbers), (_BY_STATE, [state])):
        for code in codes:
            for kind, remedy, known in groups:
                if ("raised" if _is_raised(code) else code) in known.split():
                    return _made(kind, remedy, code, text, endpoint, connected=connected)
    kind = PermanentError if connected else Unreachable
    said = f"{type(error).__name__} {state}".strip()
    return kind(said, endpoint=str(endpoint), remedy="look at the log of the server")


def _is_raised(code: str) -> bool:
    return code.isdigit() and int(code) >= _OWN


def _made(
    kind: type[BridgeheadError],
    remedy: str,
    code: str,
    text: str,
    endpoint: Endpoint,
    *,
    connected: bool,
) -> BridgeheadError:
    if not connected and kind in (StatementTimeout, ConnectionLost):
        kind, remedy = Unreachable, "check host, port, firewall, and that the server is up"
    if connected and kind is Unreachable:
        kind = ConnectionLost
    said = text.partition(f"({code})")[0].rpartition("]")[2].strip() or text[:200]
    if kind is RepeatedKey:
        said = "a key is there twice"
    elif kind is RowRefused:
        said = "the store refused a row"
    return kind(f"{said} ({code})", endpoint=str(endpoint), remedy=remedy)
