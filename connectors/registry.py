"""Which families there are, and what each needs to be told."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError

__all__ = ["FAMILIES", "ROLES", "Family", "connect"]

ROLES = ("source", "exchange", "target")


@dataclass(frozen=True)
class Family:
    """One kind of store: where its connector is, which endpoint settings it cannot do without (all
    that are required, and one of a choice), what we have seen of it, the module of its driver with
    the extra that installs it (none: it is always there), and which of a job's stores it may be."""

    name: str
    connector: str
    required_settings: frozenset[str]
    proven: str
    driver: str
    extra: str = ""
    roles: tuple[str, ...] = ROLES
    one_of_settings: tuple[str, ...] = ()

    @property
    def is_installed(self) -> bool:
        """Whether its driver can be imported; it is not imported for that."""
        return importlib.util.find_spec(self.driver) is not None


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(
                "postgresql",
                "connectors.postgresql:PostgresqlConnector",
                frozenset({"database"}),
                "run for real",
                "psycopg",
            ),
            Family(
                "mysql",
                "connectors.mysql.connector:MysqlConnector",
                frozenset({"database"}),
                "run for real",
                "MySQLdb",
                "mysql",
            ),
            Family(
                "sqlite",
                "connectors.sqlite:SqliteConnector",
                frozenset({"path"}),
                "run for real",
                "sqlite3",
            ),
            Family(
                "oracle",
                "connectors.oracle:OracleConnector",
                frozenset({"database"}),
                "never met the real server",
                "oracledb",
                "oracle",
                roles=("source", "target"),
            ),
            Family(
                "mssql",
                "connectors.mssql:MssqlConnector",
                frozenset({"database"}),
                "never met the real server",
                "pyodbc",
                "mssql",
                roles=("source", "target"),
            ),
            Family(
                "dm",
                "connectors.dm:DmConnector",
                frozenset(),
                "never met the real server",
                "dmPython",
                "dm",
                roles=("source", "target"),
            ),
            Family(
                "kingbase",
                "connectors.kingbase:KingbaseConnector",
                frozenset({"database"}),
                "against a stand-in",
                "ksycopg2",
                "kingbase",
            ),
            Family(
                "opengauss",
                "connectors.opengauss:OpengaussConnector",
                frozenset({"database"}),
                "against a stand-in",
                "psycopg",
            ),
            Family(
                "excel",
                "connectors.sheet.excel:ExcelConnector",
                frozenset({"folder"}),
                "run for real",
                "python_calamine",
                "sheets",
                roles=("source",),
            ),
            Family(
                "csv",
                "connectors.sheet.csvfile:CsvConnector",
                frozenset({"folder"}),
                "run for real",
                "csv",
                roles=("source",),
            ),
            Family(
                "odbc",
                "connectors.odbc:open_session",
                frozenset(),
                "run for real",
                "pyodbc",
                "odbc",
                roles=("source", "target"),
                one_of_settings=("driver", "dsn"),
            ),
        )
    }
)


def connect(endpoint: Endpoint) -> Connector:
    """An open session with the endpoint's store. The driver is imported only now."""
    family = FAMILIES.get(endpoint.family)
    if family is None:
        raise ConfigurationError(
            f"unknown family {endpoint.family!r}",
            endpoint=endpoint.name,
            remedy=f"use one of: {', '.join(FAMILIES)}",
        )
    if not family.is_installed:
        raise ConfigurationError(
            f"the driver {family.driver} of family {family.name} is not installed",
            endpoint=endpoint.name,
            remedy=f"pip install 'bridgehead[{family.extra}]'",
        )
    module_name, _, class_name = family.connector.partition(":")
    module = importlib.import_module(module_name)
    connector: Callable[[Endpoint], Connector] = getattr(module, class_name)
    return connector(endpoint)
