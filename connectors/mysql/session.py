"""How a session with MariaDB or MySQL is set up, and how its transactions begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import Connection

from connectors.canonical import Digest
from connectors.connector import Grouped
from connectors.dialect import Statement
from connectors.errors import LoginRefused, PermanentError
from connectors.mysql.dialect import MysqlDialect
from connectors.mysql.server import MysqlServer

__all__ = ["MysqlSession"]

_MODE = (
    "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION,"
    "NO_AUTO_VALUE_ON_ZERO"
)
_SESSION = (
    f"SET SESSION sql_mode = '{_MODE}', time_zone = '+00:00', default_storage_engine = InnoDB, "
    "net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 86400",
    # What a server may set for everybody: else rows would be left out, statements refused, or
    # errors told in words that are not known.
    "SET SESSION sql_select_limit = 18446744073709551615, sql_safe_updates = 0, "
    "sql_big_selects = 1, completion_type = NO_CHAIN, lc_messages = 'en_US' "
    "/*M!100300 , system_versioning_asof = DEFAULT, idle_transaction_timeout = 0, "
    "idle_write_transaction_timeout = 0, idle_readonly_transaction_timeout = 0 */",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
_TRANSACTION: tuple[str, ...] = ("START TRANSACTION",)
# Its state is chosen by the first row that is read: by then the row's table is open, and nobody
# puts another one into its place.
_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION READ ONLY",
)


class MysqlSession(MysqlServer):
    """The half of the connector that any driver shares. The driver commits by itself, so that a
    session that is not in a transaction of ours is in none."""

    dialect = MysqlDialect()
    mysql_dialect: ClassVar[MysqlDialect] = MysqlDialect("utf8mb4_0900_bin", keeps_json=False)
    _begin = _TRANSACTION

    def _session_statements(self, mariadb: bool) -> Iterator[str]:
        """What fixes the session's settings, in the driver's style with parameters; the dialect
        becomes that of the server."""
        limit = self.endpoint.statement_timeout
        timeout = f"max_statement_time = {limit}"
        if not mariadb:
            self.dialect = self.mysql_dialect
            timeout = f"max_execution_time = {round(limit * 1000)}"
        yield (
            "SET SESSION character_set_client = utf8mb4, character_set_results = utf8mb4, "
            f"collation_connection = {self.dialect.collation}"
        )
        yield from _SESSION
        yield f"SET SESSION {timeout}"
        if self.endpoint.schema:
            yield f"USE {self.dialect.quote(self.endpoint.schema)}"

    def _refuse_unencrypted(self, cursor: Any) -> None:
        """MariaDB's library goes on without TLS where the server has none, unless it is to verify
        the server; the words are those that it has for that."""
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        if not cursor.fetchone()[1]:
            raise LoginRefused(
                "TLS/SSL error: SSL is required, but the server does not support it",
                endpoint=str(self.endpoint),
                remedy="check the endpoint's tls settings",
            )

    def _begin_transaction(self, connection: Connection) -> None:
        for statement in self._begin:
            connection.exec_driver_sql(statement)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._begin = _SNAPSHOT
        try:
            with super().snapshot():
                yield
        finally:
            self._begin = _TRANSACTION

    def _freeze_snapshot(self) -> None:
        """It was begun as one."""

    def digest(self, lines: Statement, groups: Sequence[str] = ()) -> list[Grouped]:
        """A server gives up a text that is longer than it may send, with no more than a warning."""
        query = Statement(self.dialect.digest(lines.sql, groups), lines.values)
        rows = self.rows(query)
        if any(row[-3] and row[-2] is None for row in rows):
            raise PermanentError(
                "a row's line is longer than max_allowed_packet",
                endpoint=self.endpoint.name,
                remedy="raise max_allowed_packet at the server",
            )
        return [
            Grouped(tuple(row[: len(groups)]), int(row[-3]), Digest.of_sums(row[-2], row[-1]))
            for row in rows
        ]
