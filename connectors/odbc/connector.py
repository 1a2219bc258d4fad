"""Which DBMS is behind an ODBC driver, and a session with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import pyodbc
from sqlalchemy.dialects import registry

from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError
from connectors.odbc.driver import connect, refuse_corrupting
from connectors.odbc.errors import of_login
from connectors.odbc.mysql import MysqlBehind
from connectors.odbc.postgresql import PostgresqlBehind
from connectors.odbc.session import OdbcSession
from connectors.odbc.watched import WatchedSession

__all__ = ["BEHIND", "open_session"]

BEHIND: Mapping[str, type[OdbcSession]] = MappingProxyType(
    {"postgresql": PostgresqlBehind, "mysql": MysqlBehind}
)
"""What may stand behind a driver, by the name under which it is told and tested."""

_FAMILIES: Mapping[str, str] = {
    "sql server": "mssql",
    "oracle": "oracle",
    "kingbase": "kingbase",
    "gauss": "opengauss",
    "sqlite": "sqlite",
    "dm": "dm",
}
"""What has a family of its own, by a part of what SQLGetInfo calls it."""

registry.register("postgresql.bridgehead_odbc", "connectors.odbc.alchemy", "PostgresqlOdbc")


def open_session(endpoint: Endpoint) -> OdbcSession:
    """A session with whatever is behind the endpoint's driver, or its data source."""
    try:
        opened = connect(endpoint)
    except pyodbc.Error as error:
        raise of_login(error, endpoint) from error
    try:
        refuse_corrupting(endpoint, str(opened.getinfo(pyodbc.SQL_DRIVER_NAME)))
        return _behind(endpoint, opened)(endpoint, opened)
    except BaseException:
        with suppress(pyodbc.Error):
            opened.close()
        raise


def _behind(endpoint: Endpoint, opened: WatchedSession) -> type[OdbcSession]:
    name = str(opened.getinfo(pyodbc.SQL_DBMS_NAME))
    for session in BEHIND.values():
        if name.lower().startswith(session.names):
            return session
    known = next((f for part, f in _FAMILIES.items() if part in name.lower()), None)
    raise ConfigurationError(
        f"{name} is behind the driver, and what it would do to values has not been seen",
        endpoint=str(endpoint),
        remedy=f"use family {known}" if known else f"behind ODBC may be: {', '.join(BEHIND)}",
    )
