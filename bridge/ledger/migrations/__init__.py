"""Brings the ledger's and the receiver's tables up to date, each side with its own numbers.

The caller holds the schema lock and owns the transaction. Alembic is loaded only when there is
something to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, column, delete, inspect, select, table, update

from bridge.errors import Outdated
from bridge.ledger.receiverschema import RECEIVER, RECEIVER_VERSION
from bridge.ledger.schema import EXCHANGE_VERSION, job_row
from connectors.errors import ConfigurationError, StructureMismatch

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "exchange_version",
    "has_ledger",
    "has_receiver",
    "is_exchange_current",
    "is_receiver_current",
    "is_receiver_unversioned",
    "lacking_receiver_ddl",
    "lost_receiver_tables",
    "receiver_ddl",
    "receiver_version",
    "upgrade_exchange",
    "upgrade_receiver",
]

_SEPARATORS = ("/", "GO")
_RETURNED = re.compile(r" RETURNING \S+ INTO :\S+$| OUTPUT inserted\.\w+")
"""A script has nobody to return a row to."""
_MADE = re.compile(r"CREATE (?:TABLE|VIEW|INDEX \w+ ON) (\w+)")
"""Which table or view is there once a statement has been run: of all but the one that notes the
version."""
_EXCHANGE, _RECEIVER = "bh_version", "bh_receiver_version"
_VERSION = {
    name: select(table(name, column("version_num")).c.version_num)
    for name in (_EXCHANGE, _RECEIVER)
}


def exchange_version(connection: Connection) -> str | None:
    """What the ledger's tables are at; None where there are none, empty where that is not noted: a
    migration was cut off, or somebody has cleared it."""
    return _version(connection, _EXCHANGE)


def receiver_version(connection: Connection) -> str | None:
    """The same of the receiver's tables."""
    return _version(connection, _RECEIVER)


def is_exchange_current(connection: Connection) -> bool:
    """Whether there is nothing to upgrade: what every run asks, before it takes the schema lock."""
    return exchange_version(connection) == EXCHANGE_VERSION


def is_receiver_current(connection: Connection) -> bool:
    """The same for the receiver's tables."""
    return receiver_version(connection) == RECEIVER_VERSION


def has_ledger(connection: Connection) -> bool:
    """Whether there is a ledger, for whoever only reads it. One of another release is not read:
    ConfigurationError where it is newer, Outdated where a run brings it up to date."""
    version = exchange_version(connection)
    if version in (None, EXCHANGE_VERSION):
        return version is not None
    _refuse_newer(connection, "exchange", _EXCHANGE)
    raise Outdated(
        f"the ledger is of an earlier release: version {version or '–'} and not {EXCHANGE_VERSION}",
        remedy="bridgehead run JOB, of any job, brings it up to date",
    )


def has_receiver(connection: Connection) -> bool:
    """Whether there are the receiver's tables, all of them and whoever made them. Those of another
    release are not read: ConfigurationError where it is newer, Outdated where it is older."""
    version = receiver_version(connection)
    if version and version != RECEIVER_VERSION:
        _refuse_newer(connection, "receiver", _RECEIVER)
        raise Outdated(
            "the receiver's tables are of an earlier release: "
            f"version {version} and not {RECEIVER_VERSION}",
            remedy="bridgehead run JOB, of a job there with target.ddl, brings them up to date",
        )
    return bool(version)


def is_receiver_unversioned(connection: Connection) -> bool:
    """Whether some of the receiver's tables are there, and no version: a backup that held these
    alone was brought back, or a migration was cut off."""
    if receiver_version(connection):
        return False
    found = inspect(connection)
    return any(found.has_table(name) for name in RECEIVER.tables)


def lost_receiver_tables(connection: Connection) -> list[str]:
    """Those of the receiver's tables that somebody has dropped: their version says that they were
    made."""
    if not is_receiver_current(connection):
        return []
    found = inspect(connection)
    return [name for name in RECEIVER.tables if not found.has_table(name)]


def upgrade_exchange(connection: Connection) -> None:
    """Make the ledger's tables current. Refuses what a newer Bridgehead wrote. Whoever works on a
    job meanwhile is of an earlier release, and writes there no more."""
    if is_exchange_current(connection):
        return
    _refuse_newer(connection, "exchange", _EXCHANGE)
    if inspect(connection).has_table(job_row.name):
        connection.execute(update(job_row).values(token=job_row.c.token + 1))
    _upgrade(connection, "exchange", _EXCHANGE)


def upgrade_receiver(connection: Connection) -> None:
    """Make the receiver's tables current, also those that were dropped. Refuses what a newer
    Bridgehead wrote."""
    if lost_receiver_tables(connection):
        connection.execute(delete(table(_RECEIVER)))  # from the beginning: what is there stays
    if not is_receiver_current(connection):
        _upgrade(connection, "receiver", _RECEIVER)


def receiver_ddl(dialect: Dialect, version: str | None = None) -> list[str]:
    """The statements that make the receiver's tables where there are none, or bring those of an
    earlier `version` up to date, for a DBA to run: in the schema that the agent's login finds
    first, in one transaction where the database can."""
    from alembic import command

    statements = _Statements()
    config = _config("receiver", _RECEIVER)
    config.output_buffer = statements
    config.attributes["dialect"] = dialect
    newest = _newest("receiver")
    command.upgrade(config, f"{version}:{newest}" if version else newest, sql=True)
    return statements.kept


def lacking_receiver_ddl(connection: Connection, exists: Callable[[str], bool]) -> list[str]:
    """The statements for what a target lacks of the receiver's tables; with their view, unless all
    of them are there. Which of them `exists` there the caller says: where a login has no right yet,
    it could not be asked by name. Refuses what a newer Bridgehead wrote."""
    version = receiver_version(connection) if exists(_RECEIVER) else None
    if version and version != RECEIVER_VERSION:
        _refuse_newer(connection, "receiver", _RECEIVER)
        return receiver_ddl(connection.dialect, version)
    if version and all(map(exists, RECEIVER.tables)):
        return []
    return [
        statement
        for statement in receiver_ddl(connection.dialect)
        if not (exists(made[1]) if (made := _MADE.match(statement)) else version)
    ]


class _Statements(StringIO):
    """Takes Alembic's offline output, which comes one statement at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def write(self, text: str) -> int:
        statement = _RETURNED.sub("", text.strip().removesuffix(";"))
        is_mark = statement in _SEPARATORS or statement.startswith(("--", "BEGIN", "COMMIT"))
        if statement and not is_mark:
            self.kept.append(statement)
        return len(text)


def _version(connection: Connection, name: str) -> str | None:
    if not inspect(connection).has_table(name):
        return None
    found = sorted(connection.execute(_VERSION[name]).scalars())
    if len(found) > 1:
        raise StructureMismatch(
            f"{name} names {len(found)} versions: {', '.join(found)}",
            remedy="a backup was restored beside tables of another release: restore it whole",
        )
    return found[0] if found else ""


def _upgrade(connection: Connection, side: str, version_table: str) -> None:
    from alembic import command

    _refuse_newer(connection, side, version_table)
    config = _config(side, version_table)
    config.attributes["connection"] = connection
    command.upgrade(config, _newest(side))


def _newest(side: str) -> str:
    """What this process knows."""
    return EXCHANGE_VERSION if side == "exchange" else RECEIVER_VERSION


def _refuse_newer(connection: Connection, side: str, version_table: str) -> None:
    """The folder of migrations may be that of a release to come: installed over this one, while a
    process of it goes on."""
    from alembic.script import ScriptDirectory

    version = _version(connection, version_table)
    if not version:
        return
    config = _config(side, version_table)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version not in known or version > _newest(side):
        remedy = "upgrade the agent"
        if version in known:
            remedy = "start the agent again: it was upgraded while it went on"
        raise ConfigurationError(
            f"the {side} tables are at version {version}, written by a newer Bridgehead",
            remedy=remedy,
        )


def _config(side: str, version_table: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("path_separator", "os")
    place = str(Path(__file__).parent / side).replace("%", "%%")
    config.set_main_option("script_location", place)
    attributes: dict[str, Any] = config.attributes
    attributes["version_table"] = version_table
    return config
