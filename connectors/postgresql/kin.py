"""What the kin of PostgreSQL share: servers that speak its protocol and SQL, each with a driver,
version numbers and gaps of its own. Rows come by a server-side cursor, which all of them have."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from connectors.dialect import Statement
from connectors.errors import BridgeheadError
from connectors.fetched import FetchedRows, Rendering
from connectors.postgresql.server import PostgresqlServer
from connectors.selection import Format, Output, Selection, select
from connectors.table import Table

__all__ = ["KinServer", "version_of"]

_VERSION = re.compile(r"PostgreSQL (\d+)(?:\.(\d+))?")


class KinServer(PostgresqlServer):
    """Reads rows by a server-side cursor."""

    @abstractmethod
    def _server_cursor(self) -> Any:
        """A cursor of the driver that keeps its rows at the server."""

    def read(self, selection: Selection, format: Format = Format.ARROW) -> FetchedRows:
        expressions = [self.dialect.output(output, format) for output in selection.outputs]
        query = select(self.dialect, selection, expressions, self._zone)
        self._end_stream()  # it may have been read to its end, and its cursor bears the same name
        cursor = self._server_cursor()
        try:
            with self._translated():
                self._start(cursor, query.sql, query.values)
            renderings = self._renderings(selection.outputs)
            rows = FetchedRows(cursor, selection.outputs, renderings, self._translated)
        except BridgeheadError:
            cursor.close()
            raise
        self._stream = rows
        return rows

    def without_horizon(self, table: Table) -> str:
        """From which release on a kin lists what is subscribed to is not known."""
        return self._without_horizon(table, subscribes=False)

    def _start(self, cursor: Any, sql: str, values: Sequence[object]) -> None:
        cursor.execute(sql, values)

    def _renderings(self, outputs: Sequence[Output]) -> list[Rendering | None]:
        """The server prints every canonical text."""
        return [None] * len(outputs)

    def _setting(self, name: str) -> str | None:
        """A setting of the server; None where it does not know it."""
        found: str | None = self.value(
            Statement("SELECT setting FROM pg_catalog.pg_settings WHERE name = %s", (name,))
        )
        return found


def version_of(text: str) -> tuple[int, ...]:
    """The version of PostgreSQL that a kin is like, for SQLAlchemy: what it names itself, else the
    oldest that any of them has grown from."""
    found = _VERSION.search(text)
    return tuple(int(part) for part in found.groups("0")) if found else (9, 2)
