"""What an ODBC driver's errors mean to an operator: by SQLSTATE, or by the text of a failed
login, for which many drivers have one state alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

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
from connectors.postgresql.errors import LOGIN_WORDS, refusal_of

__all__ = ["of_login", "of_server", "parts_of"]

Meaning: TypeAlias = tuple[type[BridgeheadError], str]

_UP = "try again when the server is up"
_BY_STATE: Mapping[str, Meaning] = {
    "28": (LoginRefused, "check user and password of the endpoint"),
    "IM002": (ConfigurationError, "check the endpoint's dsn against odbc.ini"),
    "IM003": (ConfigurationError, "install the driver's library"),
    "HYT00": (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks"),
    "HYT01": (Unreachable, "check host, port, firewall, and that the server is up"),
    "HY008": (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks"),
    "57014": (StatementTimeout, "raise the endpoint's statement_timeout, or look for locks"),
    "3D": (MissingObject, "check the endpoint's database"),
    "3F": (MissingObject, "check the schema"),
    "42501": (MissingRight, "ask the DBA for this right"),
    "42P01": (MissingObject, "check the table's name and schema"),
    "42703": (MissingObject, "check the column's name"),
    "42S02": (MissingObject, "check the table's name and schema"),
    "42S12": (MissingObject, "check the index's name"),
    "42S22": (MissingObject, "check the column's name"),
    "42P07": (StructureMismatch, NAME_TAKEN),
    "42710": (StructureMismatch, NAME_TAKEN),
    "42S01": (StructureMismatch, NAME_TAKEN),
    "42601": (ConfigurationError, "write one SELECT"),
    "42000": (ConfigurationError, "write one SELECT"),
    "55P03": (Busy, "try again when the other session has ended"),
    "40": (TransientError, "try again"),
    "53": (StoreFull, "free disk space, memory or connections at this store"),
    "57P": (ConnectionLost, _UP),
    "08": (ConnectionLost, _UP),
    "25006": (MissingRight, "the store is read-only: use its primary"),
    "23505": (RepeatedKey, "find the rows that share this key, and make it unique"),
    "22": (RowRefused, "look at the row's value"),
    "23": (RowRefused, "look at the table's constraints"),
    "44": (RowRefused, "look at the view's condition"),
    "P0001": (RowRefused, "look at the table's triggers"),
}
_AT_LOGIN: Sequence[tuple[re.Pattern[str], type[BridgeheadError], str]] = (
    (
        re.compile("TLS/SSL error|SSL connection error"),
        LoginRefused,
        "check the endpoint's tls settings",
    ),
    (re.compile("Can't open lib"), ConfigurationError, "install the driver's library"),
    (
        re.compile("Unknown database|Cannot open database"),
        MissingObject,
        "check the endpoint's database",
    ),
    (
        re.compile("Access denied|Login failed"),
        LoginRefused,
        "check user, password and rights of the endpoint",
    ),
    (re.compile("Too many"), StoreFull, "free connections at this server"),
    *LOGIN_WORDS,
)
_CLOSED = ("closed connection", "cursor's connection has been closed", "closed cursor")
# What PostgreSQL's driver passes on from libpq with no state but its own, in both languages.
_BROKEN = re.compile(
    "server closed the connection|no connection to the server|connection not open"
    "|connection has been lost"
    "|could not (?:receive data from|send data to) server|connection has been closed unexpectedly"
    "|关闭了[联连]接|没有到服务器的[联连]接|[联连]接未打开|无法从服务器接收数据|无法向服务器发送数据"
    "|连接异常关闭"
)
_SHOWN = (MissingObject, MissingRight, ConfigurationError, StructureMismatch, LoginRefused)
_NAMED = "table|relation|view|materialized.view|sequence|schema|database|function|column|type|role"
_NAMED_ZH = "表|关系|视图|序列|模式|数据库|函数|字段|类型|角色"
_OWN_WORDS = re.compile(
    rf'(?:{_NAMED}) "[^"]*"(?: of relation "[^"]*")? (?:does not exist|already exists)'
    r'|column [^\s"]+ does not exist'
    r'|(?:missing|invalid reference to) FROM-clause entry for table "[^"]*"'
    rf"|(?:permission denied for|must be owner of) (?:{_NAMED}) \S+"
    r'|query would be affected by row-level security policy for table "[^"]*"'
    r"|no schema has been selected to create in"
    r'|syntax error at (?:end of input|or near "[^"]*")'
    r"|cannot execute [A-Z ]+ in a read-only transaction"
    rf'|(?:{_NAMED_ZH}) "[^"]*" (?:不存在|已经存在)'
    r'|字段 [^\s"]+ 不存在|关系 "[^"]*" 的 "[^"]*" 字段不存在'
    rf"|对(?:{_NAMED_ZH}) \S+ 权限不够"
    r'|语法错误 在 "[^"]*" 或附近的|语法错误 在输入的末尾'
    r"|不能在一个只读模式的事务中执行 ?[A-Z ]+"
)
"""What PostgreSQL itself says of names, in English and Chinese. A trigger may choose any state and
any words, and a driver does not tell whose they are: other words are not repeated."""

_OF_A_STATEMENT = re.compile("does not exist|already exists|syntax error|不存在|已经存在|语法错误")
_NAMES = re.compile(r'"([^"]*)"|(?:column|字段) ([^\s"]+)')

_SEVERITY = re.compile("^(?:ERROR|错误): *")
_TAGS = re.compile(r"^(\[[^\]]*\]\s*)+")
_TAIL = re.compile(r"\s*\((-?\d+)\) \(SQL\w+\)\s*$")


def of_server(error: BaseException, endpoint: Endpoint, statement: str = "") -> BridgeheadError:
    """An error of an open session, which was to execute the statement."""
    state, text, number = parts_of(error)
    if any(part in text.lower() for part in _CLOSED):
        return _lost(endpoint, state)
    if state == "HY000" and _BROKEN.search(text):
        return _lost(endpoint, state)
    known = None
    for prefix in (state, state[:3], state[:2]):
        known = known or _BY_STATE.get(prefix)
    kind, remedy = known or (PermanentError, "")
    if kind is ConnectionLost:
        return _lost(endpoint, state)
    said = _message(kind, state, text, number, statement)
    return kind(said, endpoint=endpoint.name, remedy=remedy)


def of_login(error: BaseException, endpoint: Endpoint) -> BridgeheadError:
    """An error while connecting: many drivers give one state for all that can go wrong."""
    state, text, _ = parts_of(error)
    lines = text.splitlines() or [type(error).__name__]
    refused = refusal_of(lines, _AT_LOGIN, endpoint)
    if refused is not None:
        return refused
    known = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
    kind, remedy = known or (Unreachable, "")
    if kind in (Unreachable, ConnectionLost, StatementTimeout):
        kind, remedy = Unreachable, "check host, port, firewall, and that the server is up"
    return kind(f"no connection: {lines[0]}", endpoint=str(endpoint), remedy=remedy)


def parts_of(error: BaseException) -> tuple[str, str, int]:
    """SQLSTATE, the text without the marks of those that passed it on, and the native number."""
    arguments = [str(argument) for argument in error.args]
    state = arguments[0] if len(arguments) > 1 else ""
    text = _TAGS.sub("", arguments[-1] if arguments else "")
    tail = _TAIL.search(text)
    return state, _TAIL.sub("", text), int(tail[1]) if tail else 0


def _message(
    kind: type[BridgeheadError], state: str, text: str, number: int, statement: str
) -> str:
    """The server's own words of a name; any others may quote a row's values."""
    code = f"{state}/{number}" if number > 1 else state
    if kind is RepeatedKey:
        return f"a key is there twice ({code})"
    said = _SEVERITY.sub("", text.partition("\n")[0]).rstrip("; \r")
    if kind in _SHOWN and _OWN_WORDS.fullmatch(said) and _is_about(said, statement):
        return f"{said} ({code})"
    if kind is RowRefused:
        return f"the store refused a row ({code})"
    return f"{kind.__name__} ({code})"


def _is_about(said: str, statement: str) -> bool:
    """Whether the names are those of our statement. In one that a trigger puts together (EXECUTE)
    a value may be a name."""
    if not _OF_A_STATEMENT.search(said):
        return True
    ours = statement.replace('"', "").lower()
    return all((one or other).lower() in ours for one, other in _NAMES.findall(said))


def _lost(endpoint: Endpoint, state: str) -> BridgeheadError:
    return ConnectionLost(
        f"the connection broke ({state or 'closed'})",
        endpoint=str(endpoint),
        remedy="try again; what the last commit did is read from the store",
    )
