"""Reading through a plain cursor, for drivers that hand over floats and bytes exactly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.agentdigest import float_text
from connectors.connector import Connector
from connectors.dialect import Dialect, Statement
from connectors.fetched import FetchedRows, Rendering
from connectors.selection import Format, Output, Selection, select
from connectors.table import Kind

__all__ = ["CursorDialect", "CursorRead"]


class CursorDialect(Dialect):
    """Selects floats and bytes as they are, and canonical texts of all else."""

    text_mark: ClassVar[str] = ""
    """What a literal text begins with."""
    selects_padding: ClassVar[bool] = False
    """Whether a CHAR comes with its padding: where an empty text is NULL, trimmed blanks are."""

    def output(self, output: Output) -> str:
        """A selected column."""
        if output.literal is not None:
            return f"{self.text_mark}'" + output.literal.replace("'", "''") + "'"
        name, kind = self.quote(output.column.name), output.column.type
        raw = kind.kind in (Kind.FLOAT, Kind.BINARY) or (kind.padded and self.selects_padding)
        return name if raw else self.render(name, kind)

    def first(self, query: str, limit: int, offset: int | None = None) -> str:
        return f"{query}\nOFFSET {offset or 0} ROWS FETCH NEXT {limit} ROWS ONLY"


class CursorRead(Connector):
    """A connector of such a dialect. An error of the driver is ours wherever a statement is run."""

    dialect: CursorDialect

    def read(self, selection: Selection, format: Format = Format.ARROW) -> FetchedRows:
        expressions = [self.dialect.output(output) for output in selection.outputs]
        query = select(self.dialect, selection, expressions, self._zone)
        cursor = self._execute(query.sql, query.values)
        padded = self.dialect.selects_padding
        renderings = [_rendering(output, padded=padded) for output in selection.outputs]
        self._stream = FetchedRows(cursor, selection.outputs, renderings, self._translated)
        return self._stream

    def rows(self, statement: Statement | str) -> list[tuple[Any, ...]]:
        with self._translated():
            return super().rows(statement)

    @abstractmethod
    def _zone(self) -> ZoneInfo:
        """That of stamps without one."""

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        with self._translated():
            cursor = self.driver.cursor()
            cursor.execute(sql, tuple(values))
        return cursor


def _rendering(output: Output, *, padded: bool) -> Rendering | None:
    kind = output.column.type
    if output.literal is not None:
        return None
    if kind.kind is Kind.FLOAT:
        return partial(float_text, kind=kind)
    if kind.padded and padded:
        return _unpadded
    return bytes.hex if kind.kind is Kind.BINARY else None


def _unpadded(text: str) -> str:
    return text.rstrip(" ")
