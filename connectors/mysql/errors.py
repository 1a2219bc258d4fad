"""What the errors of MariaDB and MySQL mean to an operator, by number.

Below 2000 and above 3000 they are the server's, from 2000 to 2999 the client's. A message of the
server that may quote a value of a row is never repeated. A trigger may choose any number and any
words (SIGNAL): of an open session only the words that the server itself has for names are told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

__all__ = ["of_mysql", "of_warning"]

Meaning = tuple[type[BridgeheadError], str]


def _table(*groups: tuple[type[BridgeheadError], str, tuple[int, ...]]) -> Mapping[int, Meaning]:
    return {code: (kind, remedy) for kind, remedy, codes in groups for code in codes}


_NO_SERVER = (2001, 2002, 2003, 2004, 2005)
_MEANINGS = _table(
    (LoginRefused, "check user and password of the endpoint", (1045, 1698, 1130, 1251, 1524)),
    (LoginRefused, "have the account's password renewed or unlocked", (1820, 1862, 3118, 4151)),
    (LoginRefused, "check the endpoint's tls settings", (2026, 3159, 2061, 2059)),
    (
        Unreachable,
        "check host, port, firewall, and that the server is up",
        (2001, 2002, 2003, 2005),
    ),
    (Unreachable, "unblock this host at the server: FLUSH HOSTS", (1129,)),
    (MissingObject, "check the endpoint's database", (1049, 1046)),
    (MissingObject, "check the table's name and database", (1146, 1051, 1109, 1932, 1356)),
    (MissingObject, "check the column's name", (1054, 1091, 1072)),
    (MissingRight, "ask the DBA for this right", (1044, 1142, 1143, 1227, 1370, 1410, 1419, 1401)),
    (MissingRight, "the store is read-only: use its primary", (1290, 1836, 1792, 3906)),
    (MissingRight, "set local_infile = ON at the server", (1148, 3948, 4166)),
    (ConfigurationError, "write one SELECT", (1064, 1060, 1248, 1065, 1149)),
    (Busy, "try again when the other session has ended", (1205, 3572)),
    (TransientError, "try again", (1213, 1020, 1412, 1614, 1615, 3058)),
    (
        StatementTimeout,
        "raise the endpoint's statement_timeout, or look for locks",
        (1969, 3024, 1317, 1028, 3019),
    ),
    (StoreFull, "free disk space at this store", (1021, 1026, 1114, 3, 28, 1030, 1598, 3675)),
    (StoreFull, "free connections or memory at this server", (1040, 1203, 1037, 1038, 1041, 1226)),
    (
        ConnectionLost,
        "try again; what the last commit did is read from the store",
        (2006, 2013, 2055, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1189, 1190, 1927),
    ),
    (ConnectionLost, "try again over a new session", (2000, 2012, 2014, 2027, 4031)),
    (PermanentError, "raise max_allowed_packet at the server", (1153, 1301, 2020, 1105)),
    (
        RepeatedKey,
        "find the rows that share this key, and make it unique",
        (1062, 1586, 1169, 1859, 1761, 1762),
    ),
    (StructureMismatch, NAME_TAKEN, (1050, 1061, 1007)),
    (StructureMismatch, "choose a narrower key or fewer columns", (1071, 1118, 1074, 1117, 1059)),
    (StructureMismatch, "a key cannot be NULL", (1171, 1170)),
    (RowRefused, "look at the table's triggers", (1644, 1442, 1424)),
    (RowRefused, "have a partition made there that takes the row", (1526, 1591, 1748)),
    (
        RowRefused,
        "look at the table's constraints",
        (1048, 1364, 1557, 3819, 4025, 1906, 3105, 1136, 1263, 1048),
    ),
    (
        RowRefused,
        "a foreign key is in the way: look at the rows that lead to this one, or that it leads to",
        (1216, 1217, 1451, 1452),
    ),
    (
        RowRefused,
        "look at the row's value",
        (
            *(1261, 1262, 1264, 1265, 1292, 1300, 1365, 1366, 1367, 1406, 1411, 1416, 1427, 1441),
            *(1525, 1690, 1916, 1918, 1977, 3140, 3141, 3143, 3854, 3988, 4038, 4078),
        ),
    ),
)
_CANNOT_CREATE, _TABLE_IS_FULL = 1005, 1114
_LOST_OR_SILENT = 2013
_FULL = re.compile(r"errno: (28|135)\b")
_QUOTES_VALUES = (RowRefused, RepeatedKey)
_LAST_OF_SERVER = 5999
_NAME = "(?:'[^']*'|`[^`]*`)"
_OWN_WORDS = re.compile(
    rf"Access denied for user {_NAME}@{_NAME}(?: to database {_NAME})?"
    r"|Access denied; you need \(at least one of\) the [A-Z_, ]+ privilege\(s\) for this operation"
    rf"|[A-Z ,]+ command denied to user {_NAME}@{_NAME} "
    rf"for (?:table|column|routine) {_NAME}(?:\.{_NAME})?(?: in table {_NAME})?"
    r"|The (?:MariaDB|MySQL) server is running with the -\S+ option so it cannot execute this .*"
    r"|Cannot execute statement in a READ ONLY transaction\.?|Running in read-only mode"
    rf"|Unknown (?:database|table|column|collation:|character set:|storage engine) {_NAME}"
    rf"(?: in {_NAME}| in [A-Za-z ]{{1,32}})?|No database selected"
    rf"|(?:Table|View|FUNCTION|PROCEDURE|Key column) {_NAME} "
    r"(?:already exists|doesn't exist|does not exist|doesn't exist in engine|doesn't exist in table"
    r"|references invalid table.*)|(?:FUNCTION|PROCEDURE) [\w$.]+ does not exist"
    rf"|The user specified as a definer \({_NAME}@{_NAME}\) does not exist"
    rf"|Duplicate (?:column|key) name {_NAME}|Query was empty"
    r"|Every derived table must have its own .*"
    r"|You have an error in your SQL syntax; check the manual .*"
    r"|Specified key was too long; max key length is \d+ bytes|Too many columns"
    r"|Row size too large\b.*|Illegal mix of collations .*"
    rf"|Can't create table {_NAME}(?:\.{_NAME})? \(errno: .*\)|The table {_NAME} is full"
    r"|Disk full \(.*|Got error \d+ .* from storage engine\b.*|Too many connections"
    rf"|User {_NAME} has exceeded the {_NAME} resource \(current value: \d+\)"
    r"|User \S+ already has more than 'max_user_connections' active connections"
    r"|Got a packet bigger than 'max_allowed_packet' bytes"
    r"|Result of [\w()]+ was larger than max_allowed_packet \(\d+\) - truncated"
    r"|Lock wait timeout exceeded; .*|Deadlock found when trying to get lock; .*"
    rf"|Record has changed since last read in table {_NAME}.*|Table definition has changed, .*"
    r"|Query execution was interrupted.*|Connection was killed|Server shutdown in progress"
    r"|Lost connection to (?:MySQL )?server\b.*|(?:MySQL s|S)erver has gone away"
    r"|The used command is not allowed with this (?:MariaDB|MySQL) version"
    r"|Loading local data is .*",
    re.DOTALL,
)
_PLACE = r"(?:`[^`]+`\.)*"  # a column may be named with its database and table
_NAMES = re.compile(
    r"(?:Column|Field|CONSTRAINT|Check constraint|BLOB/TEXT column|Column length too big for column"
    r"|(?:Out of range value|Data truncated|Data too long|Incorrect .* value: '.*') for column"
    r"|Column set to default value; NULL supplied to NOT NULL column"
    r"|Duplicate entry (?:'.*' )?for key|Foreign key constraint for table .* entry in table .*, key"
    r"|Cannot .* row: a foreign key constraint fails \(.*, CONSTRAINT)"
    rf" {_PLACE}[`']([^`']+)[`']"
    r"(?: cannot be null| doesn't have a default value| failed for .*| is violated\.?| at row \d+"
    r"| used in key .*| \(max = .*| FOREIGN KEY .*|)",
    re.DOTALL,
)


def of_mysql(error: Any, endpoint: Endpoint, *, connected: bool = True) -> BridgeheadError:
    """Ours for an exception of the driver. No trigger speaks before a session is open."""
    number = error.args[0] if getattr(error, "args", ()) else 0
    text = str(error.args[1]) if len(getattr(error, "args", ())) > 1 else type(error).__name__
    if not isinstance(number, int) or not number:
        if (
            "closed" in str(error)
            or "2006" in str(error)
            or type(error).__name__ == "InterfaceError"
        ):
            return ConnectionLost(
                "the connection is closed",
                endpoint=str(endpoint),
                remedy="try again over a new session",
            )
        return PermanentError(type(error).__name__, endpoint=endpoint.name)
    kind, remedy = _MEANINGS.get(number, (PermanentError, ""))
    if number == _CANNOT_CREATE and _FULL.search(text):
        kind, remedy = _MEANINGS[_TABLE_IS_FULL]
    if kind in _QUOTES_VALUES:
        text = _without_values(text, kind)
    elif number > _LAST_OF_SERVER:  # whoever wrote a trigger chose the number and the words
        kind, text, remedy = RowRefused, "the store refused a row", "look at the table's triggers"
    elif connected and not _OWN_WORDS.fullmatch(text):
        text = kind.__name__
    if number == _LOST_OR_SILENT:  # the driver does not tell which
        return kind(
            f"{text} ({number}): the line broke, or no answer within {endpoint.silence_limit:g} s",
            endpoint=str(endpoint),
            remedy=remedy,
        )
    place = str(endpoint) if kind in (Unreachable, LoginRefused, ConnectionLost) else endpoint.name
    return kind(f"{text} ({number})", endpoint=place, remedy=remedy)


def of_warning(number: int, text: str, count: int, endpoint: Endpoint) -> BridgeheadError:
    """LOAD DATA LOCAL warns where it should refuse."""
    kind, remedy = _MEANINGS.get(number, (RowRefused, "look at the row's value"))
    if kind not in _QUOTES_VALUES:
        kind = RowRefused
    return kind(
        f"{_without_values(text, kind)} ({number}); {count} warnings",
        endpoint=endpoint.name,
        remedy=remedy,
    )


def _without_values(text: str, kind: type[BridgeheadError]) -> str:
    """Names only: the server's text quotes values."""
    what = "a key is there twice" if kind is RepeatedKey else "the store refused a row"
    found = _NAMES.fullmatch(text)
    return f"{what}: {found[1]}" if found else what
