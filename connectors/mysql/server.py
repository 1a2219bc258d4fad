"""What a session asks a MariaDB or MySQL server about: work, locks, rights, settings, structure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from connectors.connector import Connector, wait_for
from connectors.dialect import Statement
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConfigurationError,
    ConnectionLost,
    MissingObject,
    MissingRight,
    nearest,
    read_only,
)
from connectors.mysql import telling, work
from connectors.mysql.catalogue import (
    COLUMNS,
    FILLERS,
    IDENTITY,
    INDEXES,
    JSON_CHECKS,
    LEADING,
    TABLE,
    TABLES,
    WITHOUT_TRANSACTIONS,
    like_catalogue,
    relation_of,
)
from connectors.mysql.grant import STAGES, lacking, read_grants
from connectors.mysql.view import all_transactional, first_unseen
from connectors.table import ForeignKey, Table, TableName
from connectors.telling import Room, Stamping

__all__ = ["MysqlServer"]

_LONGEST_LOCK = 64
_LATE = {
    "0": "a crash of the server may lose what was committed",
    "2": "a crash of its machine may lose what was committed",
}

# the zone's offset in January and in July
_OFFSETS = """
SELECT @@global.time_zone,
  TIMESTAMPDIFF(SECOND, '2024-01-15', CONVERT_TZ('2024-01-15', '+00:00', @@global.time_zone)),
  TIMESTAMPDIFF(SECOND, '2024-07-15', CONVERT_TZ('2024-07-15', '+00:00', @@global.time_zone))
"""


class MysqlServer(Connector):
    """The half of the connector that moves no rows."""

    def clock(self) -> datetime:
        return work.clock(self)

    def open_work(self) -> frozenset[str]:
        return work.open_work(self)

    def heirs(self, ended: frozenset[str], still_open: frozenset[str]) -> frozenset[str]:
        return work.heirs(ended, still_open)

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        return work.describe_work(self, tokens)

    def timezone(self) -> str:
        with self.transaction():
            return self._zone_name()

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._zone_name())

    def _zone_name(self) -> str:
        """A zone that a server knows by its offset alone has an IANA name if it is one of whole
        hours, the year round."""
        name, *offsets = self.rows(_OFFSETS)[0]
        if "/" in name:
            return str(name)
        winter, summer = (int(offset) for offset in offsets)
        if winter == summer and winter % 3600 == 0:
            hours = winter // 3600
            return f"Etc/GMT{-hours:+d}" if hours else "UTC"
        return f"UTC{timedelta(seconds=winter)}" if winter == summer else str(name)

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        mark = "bridgehead " + hashlib.sha256(name.encode()).hexdigest()
        mark = mark[:_LONGEST_LOCK]
        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        take = Statement("SELECT GET_LOCK(%s, 0)", (mark,))
        with self._translated():
            wait_for(lambda: self.value(take) == 1, wait_seconds, busy)
        try:
            yield
        finally:
            self._release(mark)

    def _release(self, mark: str) -> None:
        """A session that is gone holds no lock."""
        if self.is_lost:
            return
        try:
            with self._translated():
                self.execute(Statement("DO RELEASE_LOCK(%s)", (mark,)))
        except ConnectionLost:
            pass

    def missing_rights(self, table: TableName | None) -> list[str]:
        """From the grants of the login and its roles; a grant on single columns does not count."""
        with self._translated():
            grants = read_grants(self)
            if telling.is_read_only(self, grants):
                raise read_only(self.endpoint.name)
            database = (table and table.schema) or self.endpoint.schema or self._database()
        return lacking(grants, database, table.name if table else None)

    def missing_stage_rights(self) -> list[str]:
        with self._translated():
            grants = read_grants(self)
            database = self.endpoint.schema or self._database()
        return lacking(grants, database, None, STAGES)

    def _database(self) -> str:
        return str(self.value("SELECT DATABASE()"))

    def settings_problem(self) -> str | None:
        with self._translated():
            known = {str(k).lower(): str(v) for k, v in self.rows("SHOW GLOBAL VARIABLES")}
        written = known.get("innodb_flush_log_at_trx_commit")
        if written in _LATE:
            return f"innodb_flush_log_at_trx_commit is {written}: {_LATE[written]}"
        if known.get("binlog_format") == "STATEMENT" and known.get("log_bin") == "ON":
            return "binlog_format is STATEMENT: it takes no changes of READ COMMITTED transactions"
        if known.get("innodb_doublewrite", "ON").upper() == "OFF":
            return "innodb_doublewrite is OFF: a crash of the server may damage its tables"
        return None

    # -- structure ---------------------------------------------------------------------------

    def tables(self, schema: str | None = None) -> list[TableName]:
        with self._translated():
            rows = self.rows(Statement(TABLES, (schema or self.endpoint.schema,)))
        return [TableName(str(name), schema) for (name,) in rows]

    def exists(self, name: TableName) -> bool:
        return bool(self._about(name, TABLE))

    def identity(self, name: TableName) -> str:
        place = (name.schema or self.endpoint.schema, name.name)
        with self._translated():
            return str(self.value(Statement(IDENTITY, place * 2)))

    def describe(self, name: TableName) -> Table:
        with self._translated():
            about = self._about(name, TABLE)
            if about:
                self._refuse_unreadable(name)
            columns = self._about(name, COLUMNS)
            if not about or not columns:
                raise self._missing(name)
            checks = self._about(name, JSON_CHECKS) if self.is_mariadb else []
            indexes, fillers = self._about(name, INDEXES), self._about(name, FILLERS)
            found = relation_of(name, about[0], columns, indexes, checks, fillers)
            if not found.is_view:
                return found
            place = (name.schema or self.endpoint.schema, name.name)
            return replace(found, transactional=all_transactional(self.rows, *place))

    def leading_to(self, name: TableName) -> list[ForeignKey]:
        found = self._about(name, LEADING)
        return [ForeignKey(key, TableName(t, space), action) for key, space, t, action in found]

    def without_horizon(self, table: Table) -> str:
        if table.query is not None:
            return ""
        with self._translated():
            place = (table.name.schema or self.endpoint.schema, table.name.name)
            engine = first_unseen(self.rows, *place)
        return f"a table of the engine {engine}" if engine else ""

    def without_transactions(self, names: Sequence[TableName]) -> list[TableName]:
        found: set[TableName] = set()
        with self._translated():
            for schema in {name.schema for name in names}:
                there = [name.name for name in names if name.schema == schema]
                query = WITHOUT_TRANSACTIONS.format(", ".join(["%s"] * len(there)))
                place = (schema or self.endpoint.schema, *there)
                rows = self.rows(Statement(query, place))
                found |= {TableName(str(name), schema) for (name,) in rows}
        return [name for name in names if name in found]

    def room(self) -> Room:
        with self._translated():
            return telling.room(self)

    def stamping(self, table: Table, column: str) -> Stamping | None:
        with self._translated():
            return None if table.is_view else telling.stamping(self, table.name, column)

    def _refuse_unreadable(self, name: TableName) -> None:
        """A login may see a table that it may not read. Inside a transaction, nobody alters it from
        here on."""
        self.rows(f"SELECT 1\nFROM {self.dialect.table(name)}\nLIMIT 0")

    @contextmanager
    def snapshot_of(self, table: Table) -> Iterator[None]:
        """To a state that is older than its rows, a table that was renamed into the place of
        another, or a partition that was exchanged, is empty. So what is read is opened first, which
        keeps others from that, and then the state is chosen: for a table by its first row, which
        costs nothing; for a view or query by whatever is read of it."""
        with super().snapshot_of(table):
            if not table.is_view and table.query is None:
                one = self.dialect.first(f"SELECT 1\nFROM {self.dialect.table(table.name)}", 1)
                self.rows(one)
            yield

    def _described_again(self, table: Table) -> Table:
        """No temporary table is made in a transaction that only reads: of a query, what the server
        says of its answer must be what it said before."""
        if table.query is None:
            self._refuse_unreadable(table.name)
            return super()._described_again(table)
        with self._translated():
            now = telling.answer(self, table.query)
        return table if now == self._answers.get(table.query) else replace(table, columns=())

    @cached_property
    def _answers(self) -> dict[str, telling.Answer]:
        """What each query's answer was when it was described last."""
        return {}

    def describe_query(self, query: str) -> Table:
        """By way of an empty temporary table, which keeps the types of plain columns."""
        query = query.strip().rstrip(";")
        text = query.replace("%", "%%")
        name = TableName("bh_query")
        drop = f"DROP TEMPORARY TABLE IF EXISTS {self.dialect.table(name)}"
        try:
            with self._translated():
                answer = telling.answer(self, query)  # first: what is altered meanwhile differs
                self.execute(drop)
                made = f"CREATE TEMPORARY TABLE {self.dialect.table(name)} ENGINE=InnoDB\n"
                self.execute(f"{made}SELECT * FROM ({text}\n) q LIMIT 0")
                rows = self.rows(f"SHOW FULL COLUMNS FROM {self.dialect.table(name)}")
                self.execute(drop)
        except (MissingObject, MissingRight, ConnectionLost):
            raise
        except BridgeheadError as error:
            raise ConfigurationError(
                f"the server does not understand this query: {error.message}",
                endpoint=str(self.endpoint),
                remedy="write one SELECT, without parameters",
            ) from error
        self._answers[query] = answer
        columns = [like_catalogue(row) for row in rows]
        found = relation_of(TableName("query"), ("VIEW", "", None, None, None), columns, [], [], [])
        return Table(found.name, found.columns, query=query)

    def _about(self, name: TableName, query: str) -> list[tuple[Any, ...]]:
        place = (name.schema or self.endpoint.schema, name.name)
        with self._translated():
            return self.rows(Statement(query, place))

    def _missing(self, name: TableName) -> MissingObject:
        known = [n for (n,) in self.rows(Statement(TABLES, (name.schema or self.endpoint.schema,)))]
        return MissingObject(
            f"there is no table {name}",
            endpoint=self.endpoint.name,
            remedy=nearest(name.name, known) or "check the table's name, database and rights",
        )

    @property
    def is_mariadb(self) -> bool:
        return "MariaDB" in str(self.driver.get_server_info())
