"""What is asked of a PostgreSQL server in SQL alone, whatever driver carries it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.connector import Capabilities, Connector, wait_for
from connectors.dialect import Statement
from connectors.endpoint import Endpoint
from connectors.errors import Busy, MissingObject, MissingRight, PermanentError, nearest, read_only
from connectors.postgresql import telling
from connectors.postgresql.catalogue import (
    COLUMNS,
    DISOWNED,
    HOLDERS,
    IDENTITY,
    KEYS,
    LEADING,
    LOOKED_IN,
    RIGHTS,
    TABLES,
    TYPES,
    column_of,
    read_by_bytes,
    relation_of,
)
from connectors.postgresql.dialect import PostgresqlDialect
from connectors.table import ForeignKey, Table, TableName
from connectors.telling import Room, Stamping

__all__ = ["COMMON", "SESSION", "PostgresqlServer", "tls_of"]

# An agent that lost its power or its line says no goodbye: without this its locks last for hours.
# And a server that is set to answer a commit before it is written loses it when it crashes. One
# that ends who is idle would end a session that waits for another store; an hour it may set.
COMMON = """
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config(name, CASE name WHEN 'transaction_timeout' THEN '0' ELSE '1h' END, false)
FROM pg_catalog.pg_settings
WHERE setting <> '0'
AND name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET standard_conforming_strings = on;
SET array_nulls = on;
"""
# Rows that a policy hides from the login are an error, as they are to pg_dump, and not left out.
SESSION = (
    COMMON
    + """
SET row_security = off;
SET client_encoding = 'UTF8';
SET extra_float_digits = 1;
SET jit = off;
SET work_mem = '32MB';
SET temp_buffers = '32MB'
"""
)


_VIEWS_CAN_BE_LOCKED = 110_000


def tls_of(endpoint: Endpoint) -> Mapping[str, str]:
    """For libpq, and what has grown from it."""
    return endpoint.secured(
        "sslmode", required="require", authority="sslrootcert", verified="verify-ca"
    )


class PostgresqlServer(Connector):
    """The questions of the contract that SQL answers."""

    dialect: PostgresqlDialect = PostgresqlDialect()
    capabilities = Capabilities(
        infinite_times=True, special_decimals=True, year_low=-4712, year_high=294276
    )

    # -- sessions, time and work -------------------------------------------------------------

    @contextmanager
    def snapshot_of(self, table: Table) -> Iterator[None]:
        """TRUNCATE, a table that is renamed into the place of another, and an ALTER that rewrites
        one leave it without rows to every state that is older than they are. A reader that waits
        for their lock has chosen its state before: so the lock is waited for first."""
        can_be_locked = self._can_be_locked(table)
        with self.snapshot():
            if can_be_locked:
                self.execute(f"LOCK TABLE {self.dialect.table(table.name)} IN ACCESS SHARE MODE")
            self._refuse_altered(table)
            yield

    def _can_be_locked(self, table: Table) -> bool:
        """Not a query, nor what is neither table nor view."""
        if table.query is not None:
            return False
        with self.transaction():
            found = Statement(
                "SELECT CAST(c.relkind AS text), "
                "CAST(current_setting('server_version_num') AS integer)\n"
                "FROM pg_catalog.pg_class c\n"
                f"WHERE c.oid = {self.dialect.placeholder}",
                (self._readable_oid(table.name),),
            )
            ((kind, version),) = self.rows(found)
        return kind in ("rpv" if version >= _VIEWS_CAN_BE_LOCKED else "rp")

    def _freeze_snapshot(self) -> None:
        self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def run_deferred(self) -> None:
        """Deferred constraint triggers may change rows."""
        self.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def clock(self) -> datetime:
        with self.transaction():
            moment = str(self.value("SELECT CAST(clock_timestamp() AS text)"))
        return datetime.fromisoformat(moment).astimezone(UTC)

    def open_work(self) -> frozenset[str]:
        """Virtual transactions first, then prepared ones: PREPARE turns one into the other."""
        with self.transaction():
            if self.value("SELECT pg_is_in_recovery()"):
                raise PermanentError(
                    "the source is a replica: open transactions of its primary cannot be seen",
                    endpoint=str(self.endpoint),
                    remedy="point the endpoint at the primary, or use capture method compare",
                )
            running = self.rows(
                "SELECT l.virtualtransaction\n"
                "FROM pg_catalog.pg_locks l\n"
                "LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid\n"
                "WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()\n"
                "AND (a.pid IS NULL OR (a.usesysid IS NOT NULL AND a.datid = "
                "(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))\n"
                "AND l.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_replication)"
            )
            prepared = self.rows(
                "SELECT gid\nFROM pg_catalog.pg_prepared_xacts\nWHERE database = current_database()"
            )
        return frozenset([f"vxid {v}" for (v,) in running] + [f"prepared {g}" for (g,) in prepared])

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        """With what the role may see of each session."""
        with self.transaction():
            found = {
                f"vxid {row[0]}": f"session pid {row[1]}, user {row[2]}, since "
                f"{row[5] or 'unknown'}: {row[3] or 'unknown'}{f', {row[4]}' if row[4] else ''}"
                for row in self.rows(HOLDERS)
            }
        return sorted(found.get(token, token) for token in tokens)

    def timezone(self) -> str:
        with self.transaction():
            return str(
                self.value("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'")
            )

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)

        def attempt() -> bool:
            with self.transaction():
                return bool(
                    self.value(Statement("SELECT pg_try_advisory_lock(%s::bigint)", (number,)))
                )

        busy = Busy(
            f"{name} is in use by another run",
            endpoint=self.endpoint.name,
            remedy="wait until it has ended; status shows what runs",
        )
        wait_for(attempt, wait_seconds, busy)
        try:
            yield
        finally:
            if not self.is_lost and not self.driver.closed:
                with self.transaction():
                    self.execute(Statement("SELECT pg_advisory_unlock(%s::bigint)", (number,)))

    def missing_rights(self, table: TableName | None) -> list[str]:
        with self.transaction():
            if self.value("SHOW transaction_read_only") == "on":
                raise read_only(self.endpoint.name)
            if table is None:
                may = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
                return [] if self.value(may) else ["CREATE in the schema"]
            return [str(right) for (right,) in self.rows(Statement(RIGHTS, (self._oid(table),)))]

    def missing_stage_rights(self) -> list[str]:
        with self.transaction():
            may = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
            return [] if self.value(may) else ["TEMPORARY"]

    def next_number(self, table: TableName, column: str) -> int | None:
        return telling.next_number(self, self.dialect.table(table), column)

    def disowned(self, names: Sequence[TableName]) -> list[TableName]:
        with self.transaction():
            return [n for n in names if self.value(Statement(DISOWNED, (self._oid(n),)))]

    def settings_problem(self) -> str | None:
        with self.transaction():
            if self._encoding == "SQL_ASCII":
                return "the database is SQL_ASCII: its text has no known encoding"
            if self._encoding != "UTF8":
                return f"the database is {self._encoding}: it cannot hold every character"
            if self.value("SHOW fsync") == "off":
                return "fsync is off: a crash of the server may lose what was committed"
            if self.value("SHOW full_page_writes") == "off":
                return "full_page_writes is off: a crash of the server may damage its tables"
        return None

    # -- structure ---------------------------------------------------------------------------

    def tables(self, schema: str | None = None) -> list[TableName]:
        with self.transaction():
            return [
                TableName(name, space)
                for space, name in self.rows(Statement(TABLES, (schema or self.endpoint.schema,)))
            ]

    def exists(self, name: TableName) -> bool:
        return self._oid(name) is not None

    def identity(self, name: TableName) -> str:
        with self.transaction():
            return f"{self.value(IDENTITY)}/{self._oid(name) or name}"

    def describe(self, name: TableName) -> Table:
        with self.transaction():
            oid = self._readable_oid(name)
            columns = self.rows(Statement(COLUMNS, (oid,)))
            keys = self.rows(Statement(KEYS, (oid,)))
            return self._with_charset(relation_of(name, columns, keys, self._types(columns)))

    def leading_to(self, name: TableName) -> list[ForeignKey]:
        with self.transaction():
            found = self.rows(Statement(LEADING, (self._oid(name),)))
        return [ForeignKey(key, TableName(t, space), action) for key, space, t, action in found]

    def unlogged(self, names: Sequence[TableName]) -> list[TableName]:
        return telling.unlogged(self, names)

    def without_horizon(self, table: Table) -> str:
        return self._without_horizon(table, subscribes=True)

    def estimate_rows(self, table: Table) -> int | None:
        return telling.estimate_rows(self, table)

    def room(self) -> Room:
        return telling.room(self)

    def stamping(self, table: Table, column: str) -> Stamping | None:
        with self.transaction():
            oid = self._oid(table.name)
        return None if oid is None or table.is_view else telling.stamping(self, oid, column)

    def _without_horizon(self, table: Table, *, subscribes: bool) -> str:
        with self.transaction():
            oid = None if table.query is not None else self._oid(table.name)
        return "" if oid is None else telling.without_horizon(self, oid, subscribes=subscribes)

    def _readable_oid(self, name: TableName) -> int:
        oid = self._oid(name)
        if oid is None:
            raise self._missing(name)
        if not self.value(Statement("SELECT has_table_privilege(%s, 'SELECT')", (oid,))):
            raise MissingRight(
                f"no right to read {name}",
                endpoint=self.endpoint.name,
                remedy=f"GRANT SELECT ON {name} TO {self.endpoint.user}",
            )
        return oid

    def _query(self, query: str, columns: Sequence[Sequence[Any]]) -> Table:
        """Of its columns, as the catalogue has those of a table. Its schema are all those in which
        it looks for a name that has none."""
        types = self._types(columns)
        found = tuple(column_of(row, types) for row in columns)
        path = str(self.value(LOOKED_IN))
        return self._with_charset(Table(TableName("query"), found, query=query, schema=path))

    def _with_charset(self, table: Table) -> Table:
        """A database of SQL_ASCII keeps any bytes."""
        return read_by_bytes(table) if self._encoding == "SQL_ASCII" else table

    @property
    def _encoding(self) -> str:
        return str(self.value("SHOW server_encoding"))

    def _oid(self, name: TableName) -> int | None:
        """None also for a name that the server would cut off to find another table."""
        if any(self.dialect.name_problem(part) for part in (name.name, name.schema or "")):
            return None
        oid: int | None = self.value(
            Statement("SELECT to_regclass(%s)::oid", (self.dialect.table(name).replace("%%", "%"),))
        )
        return oid

    def _types(self, columns: Sequence[Sequence[Any]]) -> dict[int, tuple[Any, ...]]:
        found: dict[int, tuple[Any, ...]] = {}
        wanted = {int(row[1]) for row in columns}
        while wanted:
            array = ",".join(map(str, sorted(wanted)))
            rows = self.rows(Statement(TYPES, (f"{{{array}}}",)))
            found.update({row[0]: row for row in rows})
            wanted = {row[3] for row in rows if row[2] == "d"} - found.keys()
        return found

    def _missing(self, name: TableName) -> MissingObject:
        schema = name.schema or self.endpoint.schema
        known = [n for _, n in self.rows(Statement(TABLES, (schema,)))]
        return MissingObject(
            f"there is no table {name}",
            endpoint=self.endpoint.name,
            remedy=nearest(name.name, known) or "check the table's name, schema and rights",
        )

    def _zone(self) -> ZoneInfo:
        row = self._execute(
            "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'", ()
        ).fetchone()
        return ZoneInfo(row[0])
