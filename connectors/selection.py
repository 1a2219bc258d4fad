"""What to read from a store, and its SELECT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from connectors.dialect import EVERYTHING, Dialect, KeyRange, Statement
from connectors.table import Column, Kind, Table, Type

__all__ = [
    "Format",
    "Output",
    "Selection",
    "Span",
    "count_containing",
    "count_rows",
    "in_span",
    "relation",
    "repeated_keys",
    "select",
    "span_bounds",
]


class Format(StrEnum):
    """How rows travel between two connectors."""

    ARROW = "arrow"  # record batches of canonical texts; every family speaks it
    PGCOPY = "pgcopy"  # rows of PostgreSQL's binary COPY, carried without being looked at
    CSV = "csv"  # lines of canonical texts (see csvlines.py), which the store that loads them reads


@dataclass(frozen=True)
class Output:
    """One column of a selection: the source's column, the type the next store keeps it in, and the
    name it bears in a record batch, if it is another one. A literal is the same in every row."""

    column: Column
    type: Type
    alias: str = ""
    literal: str | None = None

    @property
    def name(self) -> str:
        return self.alias or self.column.name


@dataclass(frozen=True)
class Span:
    """Rows whose cursor column lies in [low, high), instants in UTC; `timezone` renders them for
    a column without zone (None: the server's own)."""

    column: Column
    low: datetime | None
    high: datetime | None
    timezone: str | None = None


@dataclass(frozen=True)
class Selection:
    """What to read, in key order: columns of a table or query, bounded by key range, cursor span,
    or a list of keys (canonical texts)."""

    table: Table
    outputs: tuple[Output, ...]
    key: tuple[Column, ...]
    keys: KeyRange = EVERYTHING
    span: Span | None = None
    among: tuple[tuple[str, ...], ...] | None = None
    where: Statement | None = None


def select(
    dialect: Dialect,
    selection: Selection,
    expressions: Sequence[str],
    zone: Callable[[], ZoneInfo],
) -> Statement:
    """The SELECT of a selection, with one expression for each of its outputs.

    Each bears a name of its own: the order is by the stored keys, and not by their texts, which
    would else bear the keys' names.
    """
    table = selection.table
    source = relation(dialect, table)
    conditions = [dialect.in_range(selection.key, selection.keys)]
    if selection.among is not None:
        conditions.append(dialect.among(selection.key, selection.among))
    if selection.span is not None:
        conditions.append(in_span(dialect, selection.span, zone))
    if selection.where is not None:
        conditions.append(selection.where)
    outputs = [f"{e} AS bh_{position}" for position, e in enumerate(expressions)]
    order = ", ".join(dialect.ordered(dialect.quote(c.name), c) for c in selection.key)
    return Statement(
        f"SELECT {', '.join(outputs)}\n"
        f"FROM {source}\n"
        f"WHERE {' AND '.join(c.sql for c in conditions)}\n"
        f"ORDER BY {order}",
        tuple(value for c in conditions for value in c.values),
    )


def repeated_keys(dialect: Dialect, table: Table, key: Sequence[Column]) -> Statement:
    """How many keys more than one row of a table or query bears."""
    names = dialect.columns([c.name for c in key])
    return Statement(
        f"SELECT count(*)\n"
        f"FROM (SELECT {names}\n"
        f"FROM {relation(dialect, table)}\n"
        f"GROUP BY {names}\n"
        f"HAVING count(*) > 1) r"
    )


def count_containing(
    dialect: Dialect, table: Table, columns: Sequence[Column], parts: Sequence[str]
) -> Statement:
    """One row: for each text column, for each of `parts`, how many rows have it in that column."""
    counts, values = [], []
    for column in columns:
        text = dialect.render(dialect.quote(column.name), column.type)
        for part in parts:
            counts.append(f"count(CASE WHEN {dialect.holds(text, column)} THEN 1 END)")
            values.append(f"%{part}%")
    source = relation(dialect, table)
    return Statement(f"SELECT {', '.join(counts)}\nFROM {source}", tuple(values))


def count_rows(dialect: Dialect, table: Table) -> Statement:
    """How many rows a table, view or query has, counted."""
    return Statement(f"SELECT count(*)\nFROM {relation(dialect, table)}")


def relation(dialect: Dialect, table: Table) -> str:
    """What stands behind FROM for a table, view or query."""
    if not table.query:
        return dialect.table(table.name)
    doubled = dialect.placeholder == "%s"
    query = table.query.replace("%", "%%") if doubled else table.query
    return f"({query}\n) q"


def in_span(dialect: Dialect, span: Span, zone: Callable[[], ZoneInfo]) -> Statement:
    """The condition for the rows of a span."""
    column = span.column
    bounds = span_bounds(span, zone)
    name = dialect.quote(column.name)
    bound = dialect.parse(dialect.placeholder, column.type)
    parts = [
        (f"{name} {operator} {bound}", text)
        for operator, text in zip((">=", "<"), bounds, strict=True)
        if text is not None
    ]
    return Statement(" AND ".join(sql for sql, _ in parts) or "1 = 1", tuple(t for _, t in parts))


def span_bounds(span: Span, zone: Callable[[], ZoneInfo]) -> tuple[str | None, str | None]:
    """The canonical texts of a span's bounds for its column.

    Without zone they are local times of `span.timezone`, else of the server's own `zone()`. Where
    its clock was put back inside the span, the low bound moves down by as much: local times repeat
    there, and a row must rather be read twice than never.
    """
    if span.column.type.zoned:
        return _text(span.low, "+00"), _text(span.high, "+00")
    local = ZoneInfo(span.timezone) if span.timezone else zone()
    low = span.low.astimezone(local) if span.low else None
    high = span.high.astimezone(local) if span.high else None
    if low and high:
        back = (low.utcoffset() or timedelta()) - (high.utcoffset() or timedelta())
        low -= max(back, timedelta())
    if span.column.type.kind is Kind.DATE:
        return low.date().isoformat() if low else None, high.date().isoformat() if high else None
    return _text(low, ""), _text(high, "")


def _text(moment: datetime | None, zone: str) -> str | None:
    if moment is None:
        return None
    if zone:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds") + zone
