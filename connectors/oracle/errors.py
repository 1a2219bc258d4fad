"""What Oracle's errors mean to an operator: by ORA and DPY numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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

__all__ = ["Meaning", "by_code", "of_oracle"]

Meaning = tuple[type[BridgeheadError], str]
_Group = tuple[type[BridgeheadError], str, str]

_GROUPS: Sequence[_Group] = (
    (LoginRefused, "check user and password of the endpoint", "ORA-01017 ORA-01005"),
    (
        LoginRefused,
        "ask the DBA to unlock the account, renew its password, or grant CREATE SESSION",
        "ORA-28000 ORA-28001 ORA-01045 ORA-28009",
    ),
    (
        MissingObject,
        "check the endpoint's database: it is the service's name, or the SID with option sid",
        "ORA-12514 ORA-12505 DPY-6001 DPY-6003",
    ),
    (
        Unreachable,
        "check host, port, firewall, and that listener and server are up",
        (
            "ORA-12541 ORA-12545 ORA-12170 ORA-12543 ORA-12547 ORA-12535 ORA-12537 "
            "ORA-12560 ORA-01033 ORA-01034 ORA-01109 ORA-12526 ORA-12527 ORA-12528 "
            "DPY-6000 DPY-6005 DPY-4011"
        ),
    ),
    (
        ConfigurationError,
        "set option mode: thick, with the Oracle client installed: the server is older than 12.1, "
        "or asks for its own encryption",
        "DPY-3010 DPY-3001 DPY-3015 ORA-12660",
    ),
    (
        ConfigurationError,
        "set option mode: thick at every endpoint of Oracle: one process has one mode",
        "DPY-2019",
    ),
    (
        ConfigurationError,
        "install the Oracle client libraries, and name their folder in option client",
        "DPI-1047",
    ),
    (ConfigurationError, "write one SELECT", "ORA-00900 ORA-00933 ORA-00936 ORA-00923"),
    (MissingObject, "check the table's name, its schema and your rights", "ORA-00942"),
    (MissingObject, "check the column's name", "ORA-00904"),
    (MissingObject, "check the name", "ORA-04043 ORA-01435 ORA-02289"),
    (MissingRight, "ask the DBA for this right", "ORA-01031 ORA-01950 ORA-06550"),
    (MissingRight, "the store is read-only: use its primary", "ORA-16000 ORA-01456"),
    (RepeatedKey, "find the rows that share this key, and make it unique", "ORA-00001"),
    (StructureMismatch, NAME_TAKEN, "ORA-00955 ORA-01430"),
    (StructureMismatch, "choose a shorter name", "ORA-00972"),
    (
        StructureMismatch,
        "choose a key whose texts have a length, and a short one",
        "ORA-01450 ORA-02329",
    ),
    (
        RowRefused,
        "look at the row's value, and at the table's constraints and triggers",
        (
            "ORA-01400 ORA-01407 ORA-02290 ORA-02291 ORA-02292 ORA-12899 ORA-01438 "
            "ORA-01401 ORA-01722 ORA-01426 ORA-01830 ORA-01840 ORA-01841 ORA-01847 "
            "ORA-01861 ORA-01839 ORA-01843 ORA-01858 ORA-01402 ORA-01489 ORA-14400 ORA-14402 "
            "ORA-28115 ORA-06502 ORA-04091 ORA-04088 ORA-20"
        ),
    ),
    (
        StatementTimeout,
        "raise the endpoint's statement_timeout, or look for locks",
        "ORA-01013 DPY-4024 ORA-03136",
    ),
    (
        Busy,
        "try again when the other session has ended",
        "ORA-00054 ORA-30006 ORA-14452 ORA-02049 ORA-04021 ORA-01591",
    ),
    (
        TransientError,
        "try again",
        "ORA-00060 ORA-04020 ORA-08177 ORA-01555 ORA-04068 ORA-01466 ORA-08103 ORA-08176",
    ),
    (
        StoreFull,
        "free space, sessions or processes at this store",
        (
            "ORA-01650 ORA-01652 ORA-01653 ORA-01654 ORA-01658 ORA-01659 ORA-01683 ORA-01688 "
            "ORA-01691 ORA-01692 ORA-01536 ORA-30036 ORA-65114 ORA-04030 ORA-04031 ORA-02391 "
            "ORA-00257 ORA-00018 ORA-00020 ORA-12516 ORA-12518 ORA-12519 ORA-12520"
        ),
    ),
    (
        ConnectionLost,
        "try again; what the last commit did is read from the store",
        (
            "ORA-03113 ORA-03114 ORA-03135 ORA-03150 ORA-01012 ORA-02396 ORA-02399 ORA-00028 "
            "ORA-01089 ORA-01090 ORA-01092 ORA-12153 ORA-12570 ORA-12571 ORA-12592 ORA-25402 "
            "ORA-25408 DPY-1001 DPY-4011 DPI-1010 DPI-1080"
        ),
    ),
)
_CODE = re.compile(r"(?:ORA|DPY|DPI)-\d+")
_TLS = re.compile(r"\[SSL|wallet|certificate|ORA-(?:28759|288[46]\d|290[012]\d)")
"""While connecting. Each driver wraps what goes wrong with TLS in that nothing answers."""


def by_code(groups: Sequence[_Group], code: str) -> Meaning | None:
    """The meaning of the longest known beginning of a code."""
    known: Mapping[str, Meaning] = {
        beginning: (kind, remedy)
        for kind, remedy, codes in reversed(groups)
        for beginning in codes.split()
    }
    beginnings = (code[:length] for length in range(len(code), 0, -1))
    return next((known[b] for b in beginnings if b in known), None)


def of_oracle(error: BaseException, endpoint: Endpoint, *, connected: bool) -> BridgeheadError:
    """By the first code that is known: a driver's own often wraps the server's. Messages of refused
    rows quote values, and are not shown."""
    codes = _CODE.findall(str(error)) or [type(error).__name__]
    about_tls = next((line for line in str(error).splitlines() if _TLS.search(line)), None)
    if about_tls is not None and not connected:
        return LoginRefused(
            f"login refused: {about_tls.strip()[:300]}",
            endpoint=str(endpoint),
            remedy="check the endpoint's tls settings",
        )
    for code in codes:
        meaning = by_code(_GROUPS, code)
        if meaning is None:
            continue
        kind, remedy = meaning
        if kind is Unreachable and connected:
            kind, remedy = ConnectionLost, "try again; the next run reads what the store has"
        return kind(_said(error, code, kind), endpoint=str(endpoint), remedy=remedy)
    if not connected:
        return Unreachable(
            f"no connection ({codes[0]})",
            endpoint=str(endpoint),
            remedy="check host, port, firewall, and that the server is up",
        )
    return PermanentError(f"{type(error).__name__} ({codes[0]})", endpoint=str(endpoint))


def _said(error: BaseException, code: str, kind: type[BridgeheadError]) -> str:
    if kind is RowRefused:
        return f"the store refused a row ({code})"
    if kind is RepeatedKey:
        return f"a key is there twice ({code})"
    return str(error).strip().splitlines()[0][:300]
