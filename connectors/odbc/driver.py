"""ODBC drivers as data: how each is told where to go, what is fixed, and which change values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyodbc

from connectors.deadline import connect_within
from connectors.drivermanager import refuse_pooling
from connectors.endpoint import Endpoint
from connectors.errors import ConfigurationError, nearest
from connectors.odbc.watched import WatchedSession, connect_watched

__all__ = ["connect", "refuse_corrupting"]


@dataclass(frozen=True)
class Driver:
    """The drivers whose name begins with one of `names`. `fixed` options are ours: an endpoint
    cannot set them otherwise, since values would change, or be seen. `usual` ones may be
    overridden. Without the option `tls_mode` the driver goes on where there is no TLS, whatever
    else is asked of it."""

    names: tuple[str, ...]
    place: str = "SERVER={host};PORT={port};DATABASE={database}"
    fixed: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=dict)
    tls_mode: str = ""


_PLAIN = re.compile(r"[^\s;{}=\[\]()?*!@]([^;{}=\[\]()?*!@]*[^\s;{}=\[\]()?*!@])?")

_GENERIC = Driver(())
# Protocol 7.4-0: after an error the transaction stays failed, as everywhere else; the driver would
# else set a savepoint before each statement, or roll back by itself and go on in a new transaction.
# UseDeclareFetch: without it, a number that is bound arrives as a text. Fetch: a line that is lost
# between two portions of the driver's own cursor ends the process; no result is as long, for rows
# are read by cursors of ours. A length that no varchar can have tells one without a limit from one
# of 255 characters. CommLog and Debug would write rows into a file that all may read.
_DRIVERS = (
    Driver(
        ("postgresql", "psqlodbc"),
        fixed={"BoolsAsChar": "0", "Protocol": "7.4-0", "LFConversion": "0"}
        | {"UseDeclareFetch": "1", "Fetch": "1000000"}
        | {"ByteaAsLongVarBinary": "1", "MaxVarcharSize": "10485761"}
        | {"CommLog": "0", "Debug": "0"},
        usual={"KeepaliveTime": "30"},
        tls_mode="sslmode",
    ),
    # A session that the driver has renewed by itself would have lost its transaction and its locks.
    Driver(("mariadb", "mysql", "maodbc"), fixed={"CHARSET": "utf8mb4", "AUTO_RECONNECT": "0"}),
    Driver(("odbc driver", "sql server"), place="SERVER={host},{port};DATABASE={database}"),
    Driver(("freetds",), usual={"TDS_Version": "7.4", "ClientCharset": "UTF-8"}),
    Driver(("dm",), place="SERVER={host};TCP_PORT={port}"),
)
_FOUND_CORRUPTING: Mapping[str, str] = {
    "psqlodbca": "the ANSI driver turns every character outside the process's locale into '?'",
}
"""Driver libraries that change values, and how."""


def connect(endpoint: Endpoint) -> WatchedSession:
    """An open connection of pyodbc, in a transaction of its own, at most `connect_timeout` later;
    its calls are watched.

    ConfigurationError for a driver that is not installed or changes values, Unreachable for a
    server that does not answer; pyodbc's own errors for what it says.
    """
    text = _connection_string(endpoint)
    timeout = max(1, round(endpoint.connect_timeout))

    def open_one() -> Any:
        return pyodbc.connect(text, timeout=timeout, autocommit=False)

    return connect_watched(endpoint, lambda: connect_within(endpoint, open_one))


def refuse_corrupting(endpoint: Endpoint, library: str) -> None:
    """Refuses a driver by the library that a data source name has led to."""
    for name, what in _FOUND_CORRUPTING.items():
        if name in library.lower():
            raise ConfigurationError(
                f"the ODBC driver {library} changes values: {what}",
                endpoint=str(endpoint),
                remedy="use the driver 'PostgreSQL Unicode', or family postgresql",
            )


def _connection_string(endpoint: Endpoint) -> str:
    name = _installed(endpoint) if endpoint.driver else ""
    registered = name or _source(endpoint)
    refuse_pooling(endpoint, registered)
    driver = _driver_of(registered)
    _refuse_options(endpoint, driver)
    _refuse_no_mode(endpoint, driver)
    parts = {"DRIVER": name} if name else {"DSN": endpoint.dsn or ""}
    for part in driver.place.split(";") if endpoint.host or not endpoint.dsn else ():
        keyword, _, pattern = part.partition("=")
        value = pattern.format(
            host=endpoint.host or "localhost",
            port=endpoint.port or "",
            database=endpoint.database or "",
        ).rstrip(",")
        if value:
            parts[keyword] = value
    parts |= {"DATABASE": endpoint.database} if endpoint.dsn and endpoint.database else {}
    parts |= {"UID": endpoint.user} if endpoint.user else {}
    parts |= {"PWD": endpoint.password.reveal()} if endpoint.password else {}
    options = {**driver.usual, **endpoint.tls, **endpoint.options, **driver.fixed}
    return ";".join(f"{key}={_braced(value)}" for key, value in (parts | options).items())


def _braced(value: str) -> str:
    """Only where it must be: some drivers take the braces of a number for a part of it."""
    if _PLAIN.fullmatch(value):
        return value
    return "{" + value.replace("}", "}}") + "}"


def _driver_of(name: str) -> Driver:
    """By its registered name, or by that of its library."""
    lowered = name.rpartition("/")[2].lower().removeprefix("lib")
    return next((d for d in _DRIVERS if lowered.startswith(d.names)), _GENERIC)


def _refuse_options(endpoint: Endpoint, driver: Driver) -> None:
    fixed = {name.lower(): (name, value) for name, value in driver.fixed.items()}
    for name, value in endpoint.options.items():
        known, wanted = fixed.get(name.lower(), (name, value))
        if value != wanted:
            raise ConfigurationError(
                f"the ODBC option {name}={value} would change values, lose errors or log rows",
                endpoint=str(endpoint),
                remedy=f"leave it out: the bridge sets {known}={wanted}",
            )


def _refuse_no_mode(endpoint: Endpoint, driver: Driver) -> None:
    if endpoint.tls and driver.tls_mode not in ("", *map(str.lower, endpoint.tls)):
        raise ConfigurationError(
            f"tls does not say {driver.tls_mode}: the driver would go on without encryption",
            endpoint=str(endpoint),
            remedy=f"add {driver.tls_mode} to it, such as require or verify-full",
        )


def _source(endpoint: Endpoint) -> str:
    """The driver of the endpoint's data source."""
    wanted, known = endpoint.dsn or "", pyodbc.dataSources()
    found = next((driver for name, driver in known.items() if name.lower() == wanted.lower()), None)
    if found is None:
        raise ConfigurationError(
            f"there is no ODBC data source {wanted!r}",
            endpoint=str(endpoint),
            remedy=nearest(wanted, known) or "add it to odbc.ini, or name a driver",
        )
    return str(found)


def _installed(endpoint: Endpoint) -> str:
    """The driver's name as it is registered. One that is known to change values is refused."""
    wanted, installed = endpoint.driver or "", pyodbc.drivers()
    found: str | None = next((name for name in installed if name.lower() == wanted.lower()), None)
    if found is None:
        there = f"installed: {', '.join(installed)}" if installed else "none is installed"
        hint = nearest(wanted, installed)
        raise ConfigurationError(
            f"there is no ODBC driver {wanted!r}; {there}",
            endpoint=str(endpoint),
            remedy=hint or "install the driver and register it in odbcinst.ini",
        )
    if found.lower().startswith("postgresql") and "ansi" in found.lower():
        refuse_corrupting(endpoint, f"{found} (psqlodbca)")
    return found
