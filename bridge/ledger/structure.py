"""Structures of tables as they were collected: a new row for each state that differs.

Works in a short transaction of its own; nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from bridge.ledger.schema import structure_row as row
from connectors.table import TableName

__all__ = ["Collected", "Structures"]

_WHOLE = ""
"""The name under which it stands that every table of the endpoint was looked at."""


@dataclass(frozen=True)
class Collected:
    """One state of a table, from when it was first found so until it was last; `structure` is None
    where the table was gone."""

    number: int
    table: TableName
    collected_at: datetime
    seen_at: datetime
    structure: Mapping[str, Any] | None


class Structures:
    """What a department has collected of one endpoint."""

    def __init__(self, connection: Connection, department: str, endpoint: str) -> None:
        self._connection = connection
        self._place = {"department": department, "endpoint": endpoint}

    def states(self, table: TableName | None = None) -> dict[TableName, list[Collected]]:
        """By table, every state that was kept, the oldest first."""
        c = row.c
        conditions = [c.table_name != _WHOLE]
        if table is not None:
            conditions = [c.table_name == table.name, c.table_schema == (table.schema or "")]
        found: dict[TableName, list[Collected]] = {}
        for one in self._rows(*conditions):
            name = TableName(one.table_name, one.table_schema or None)
            structure = None if one.structure is None else json.loads(one.structure)
            state = Collected(one.number, name, one.collected_at, one.seen_at, structure)
            found.setdefault(name, []).append(state)
        return found

    def looked_at(self) -> Collected | None:
        """Since when, and when last, every table of the endpoint was looked at; None for never."""
        for one in self._rows(row.c.table_name == _WHOLE):
            return Collected(one.number, TableName(_WHOLE), one.collected_at, one.seen_at, {})
        return None

    def note_look(self, at: datetime) -> None:
        """Every table of the endpoint has been looked at."""
        self.keep(TableName(_WHOLE), {}, self.looked_at(), at)

    def keep(
        self,
        table: TableName,
        structure: Mapping[str, Any] | None,
        last: Collected | None,
        at: datetime,
    ) -> None:
        """What was found now; `last` is the newest state known, which it renews if it is the
        same."""
        if last is not None and last.structure == structure:
            renewed = update(row).where(row.c.number == last.number)
            self._connection.execute(renewed.values(seen_at=at))
            return
        name = {"table_schema": table.schema or "", "table_name": table.name}
        text = None
        if structure is not None:
            text = json.dumps(structure, ensure_ascii=False, sort_keys=True)
        values = {"collected_at": at, "seen_at": at, "structure": text}
        self._connection.execute(insert(row).inline(), self._place | name | values)

    def _rows(self, *conditions: ColumnElement[bool]) -> list[Any]:
        ours = [row.c[name] == value for name, value in self._place.items()]
        query = select(row).where(*ours, *conditions).order_by(row.c.number)
        return list(self._connection.execute(query))
