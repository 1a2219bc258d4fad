"""What PostgreSQL's errors mean to an operator: by SQLSTATE, or by text where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

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
from connectors.postgresql.pooler import not_whole

__all__ = ["LOGIN_WORDS", "of_connection", "of_login", "of_server", "refusal_of"]

_KEY_IN_THE_WAY = (
    "a foreign key is in the way: look at the rows that lead to this one, or that it leads to"
)
_BY_STATE: Mapping[str, tuple[type[BridgeheadError], str]] = {
    "28": (LoginRefused, "check user and password of the endpoint"),
    "3D": (MissingObject, "check the endpoint's database"),
    "3F": (MissingObject, "check the schema"),
    "42601": (ConfigurationError, "write one SELECT"),
    "42501": (MissingRight, "ask the DBA for this right"),
    "42P01": (MissingObject, "check the table's name and schema"),
    "42703": (MissingObject, "check the column's name"),
    "42P07": (StructureMismatch, NAME_TAKEN),
    "42710": (StructureMismatch, NAME_TAKEN),
    "57014": (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks"),
    "55P03": (Busy, "try again when the other session has ended"),
    "40": (TransientError, "try again"),
    "54000": (RowRefused, "look at the row's value"),
    "53": (StoreFull, "free disk space, memory or connections at this store"),
    "57P": (ConnectionLost, "try again when the server is up"),
    "08": (ConnectionLost, "try again when the server is up"),
    "25006": (MissingRight, "the store is read-only: use its primary"),
    "23505": (RepeatedKey, "find the rows that share this key, and make it unique"),
    "23001": (RowRefused, _KEY_IN_THE_WAY),
    "23503": (RowRefused, _KEY_IN_THE_WAY),
    "22": (RowRefused, "look at the row's value"),
    "23": (RowRefused, "look at the table's constraints"),
    "44": (RowRefused, "look at the view's condition"),
    "P0001": (RowRefused, "look at the table's triggers"),
}
LOGIN_WORDS: Sequence[tuple[re.Pattern[str], type[BridgeheadError], str]] = (
    (
        re.compile(r"invalid (\w+ )?value|invalid connection option|bad value for"),
        ConfigurationError,
        "check the endpoint's tls and options",
    ),
    (
        re.compile(
            "does not support SSL|SSL required|certificate|private key|不支持 ?SSL|证书|私钥"
        ),
        LoginRefused,
        "check the endpoint's tls settings",
    ),
    (
        re.compile("does not exist|no such database|不存在"),
        MissingObject,
        "check the endpoint's database and user",
    ),
    (
        re.compile("too many|connection slots|no more connections|太多|预留"),
        StoreFull,
        "free connections at this server",
    ),
    (
        re.compile(
            "the database system is|terminating connection|canceling authentication|"
            "server login has been failing"
        ),
        Unreachable,
        "try again when the server is up",
    ),
    (
        re.compile("数据库系统|中断联接|终止连接|取消认证"),
        Unreachable,
        "try again when the server is up",
    ),
    (re.compile("FATAL|致命错误"), LoginRefused, "check user, password and pg_hba.conf"),
    (
        re.compile("fe_sendauth|no password supplied"),
        LoginRefused,
        "set the endpoint's password",
    ),
)
"""What a server that refuses a login says, in English and Chinese (`lc_messages`); the first that
fits. It starts, stops, or recovers from a crash: `the database system is`. PgBouncer has words of
its own: `no such database`, `no more connections`, `server login has been failing`."""


_HIDES = re.compile("row-level security|行安全|行级安全")
_POOLERS_OWN = "08P01"
_SEVERITY = re.compile("FATAL:|致命错误:")
_NAMES = re.compile('"[^"]*"')
_SAYS_NO_VALUE = frozenset(
    {"08", "0A", "25", "26", "28", "3B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "XX"}
)


def of_server(error: Any, state: str, endpoint: Endpoint) -> BridgeheadError:
    """An error that the server reported, by its SQLSTATE."""
    if state == "42501" and _HIDES.search(str(error)) and _is_own(error):
        table = "".join(_NAMES.findall(str(error))[:1])
        return MissingRight(
            f"row-level security hides rows of {table} ({state})",
            endpoint=endpoint.name,
            remedy="have the DBA let this login see every row (BYPASSRLS), or name a view",
        )
    if state == "23514" and _source(error) == "ExecFindPartition":
        return RowRefused(
            _describe(error, state),
            endpoint=endpoint.name,
            remedy="have a partition made there that takes the row",
        )
    if state == _POOLERS_OWN and "statement pooling" in str(error):
        return not_whole(endpoint)
    for prefix in (state, state[:3], state[:2]):
        if prefix in _BY_STATE:
            kind, remedy = _BY_STATE[prefix]
            return kind(_describe(error, state), endpoint=endpoint.name, remedy=remedy)
    kind, remedy = (PermanentError, "look at the log of the server")
    if _is_raised(error):
        kind, remedy = _BY_STATE["P0001"]
    return kind(_describe(error, state), endpoint=endpoint.name, remedy=remedy)


def of_connection(error: BaseException, endpoint: Endpoint) -> BridgeheadError:
    """An error of an open session that no server reported."""
    return ConnectionLost(
        f"the connection broke ({type(error).__name__})",
        endpoint=str(endpoint),
        remedy="try again; what the last commit did is read from the store",
    )


def of_login(error: BaseException, endpoint: Endpoint) -> BridgeheadError:
    """An error while connecting. libpq gives no SQLSTATE here, only text."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    refused = refusal_of(lines, LOGIN_WORDS, endpoint)
    return refused or Unreachable(
        f"no connection: {lines[0]}",
        endpoint=str(endpoint),
        remedy="check host, port, firewall, and that the server is up",
    )


def refusal_of(
    lines: Sequence[str],
    meanings: Sequence[tuple[re.Pattern[str], type[BridgeheadError], str]],
    endpoint: Endpoint,
) -> BridgeheadError | None:
    """The first meaning whose words a line holds, names in quotation marks left aside."""
    for words, kind, remedy in meanings:
        told = next((line for line in lines if words.search(_NAMES.sub("", line))), None)
        if told is not None:
            found = _SEVERITY.split(told)[-1].strip()
            if kind is Unreachable:
                return kind(f"no connection: {found}", endpoint=str(endpoint), remedy=remedy)
            return kind(f"login refused: {found}", endpoint=str(endpoint), remedy=remedy)
    return None


def _describe(error: Any, state: str) -> str:
    """The server's message, where it is its own and names no more than objects; else only names,
    since the text of a refused row and that of a trigger quote values."""
    if state[:2] in _SAYS_NO_VALUE and _is_own(error):
        return f"{error.diag.message_primary} ({state})"
    diag = error.diag
    places = {
        "table": diag.table_name,
        "column": diag.column_name,
        "constraint": diag.constraint_name,
    }
    where = ", ".join(f"{word} {name}" for word, name in places.items() if name)
    refused = state[:2] in ("22", "23", "44", "P0") or _is_raised(error)
    what = "the store refused a row" if refused else "the server failed"
    if state == "23505":
        what = "a key is there twice"
    return f"{what}: {type(error).__name__} ({state}) {where}".rstrip()


def _is_raised(error: Any) -> bool:
    """Whether a function or trigger of the database's owner chose the code and the words."""
    return _source(error) in ("exec_stmt_raise", "PLy_output", "PLy_elog", "PLy_elog_impl")


def _is_own(error: Any) -> bool:
    """Whether the words are this server's, about a statement of ours: neither those of a function
    or trigger, nor about a statement that it puts together (EXECUTE), nor those of another server,
    whose functions and triggers choose theirs too."""
    relayed = _source(error) in ("pgfdw_report_error", "dblink_res_error")
    return not relayed and not _is_raised(error) and "EXECUTE" not in str(error.diag.context)


def _source(error: Any) -> str:
    return str(getattr(error.diag, "source_function", ""))
