"""On the way into the exchange database: mapping, code tables, masks, rules and value checks.

Whole columns are looked at, never one row after another, except for rows that are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bridge.route.mapping import ColumnRoute, Limits, Route
from bridge.transform.mask import masked
from bridge.transform.refusal import Finding, Reason, Refusal, Refusals, masked_sample
from bridge.transform.rule import rule_findings
from bridge.transform.textarray import TextArray, byte_lengths, matches, pc, rows_of
from bridge.transform.value import check_values
from connectors.canonical import PLACE, UNREADABLE, WHY
from connectors.changes import CURSOR
from connectors.table import Fit, Kind, Type

__all__ = ["Reason", "Refusal", "Refusals", "Transformed", "check_column", "transform"]

_TEXT = Type(Kind.TEXT)
_WIDE = frozenset({Kind.TEXT, Kind.BINARY})
_ABOUT_ROWS = frozenset({UNREADABLE, PLACE, WHY})


@dataclass(frozen=True)
class Transformed:
    """The rows of one batch: every row that was read is in exactly one of the two."""

    accepted: pa.RecordBatch
    refused: Refusals


def transform(batch: pa.RecordBatch, route: Route) -> Transformed:
    """Turns rows as the source has them into rows as the exchange database holds them.

    `batch` holds canonical texts: the route's columns under their source names, in order, and
    behind them any others. `bh_unreadable` names the first column of a row that the connector
    could not render; the others pass through. `accepted` keeps the order of the rows; its columns
    bear the route's names, without `bh_unreadable`. A row is refused once, for its first bad
    column. A row of a file is told with its place, and with what its family says is wrong with it.
    """
    count = len(route.columns)
    expected = [column.source.name for column in route.columns]
    if batch.schema.names[:count] != expected:
        raise ValueError(f"columns {batch.schema.names[:count]} instead of {expected}")
    before = [_text(batch.column(i)) for i in range(count)]
    unreadable = _column(batch, UNREADABLE)
    faults = _FirstFaults(batch.num_rows)
    if unreadable is not None:  # before the key of such a row is missed
        faults.enter(count, [Finding(Reason.UNREADABLE, rows_of(pc.equal(unreadable, PLACE)))])
    after = []
    for index, column in enumerate(route.columns):
        if unreadable is not None:
            found = rows_of(pc.equal(unreadable, column.source.name))
            faults.enter(index, [Finding(Reason.UNREADABLE, found)])
        values, findings = _travel(before[index], column, route)
        faults.enter(index, findings)
        after.append(values)
    if route.key_bytes is not None:
        faults.enter(*_longer_key(after, route, route.key_bytes))
    if unreadable is not None:
        faults.enter(count, [Finding(Reason.UNREADABLE, rows_of(unreadable.is_valid()))])
    whole = _renamed(batch, route, after)
    if not faults.any:
        return Transformed(whole, ())
    accepted = whole.filter(pa.array(faults.column < 0))
    refused = _refusals(route, faults, before, whole, unreadable)
    return Transformed(accepted, _located(refused, batch, np.flatnonzero(faults.column >= 0)))


class _FirstFaults:
    """Which rows are refused, by the first column and reason that was entered."""

    def __init__(self, rows: int) -> None:
        self.column = np.full(rows, -1, dtype=np.int16)
        self.reason = np.zeros(rows, dtype=np.int8)
        self.any = False

    def enter(self, column: int, findings: list[Finding]) -> None:
        for reason, rows in findings:
            if not rows.any():
                continue
            fresh = rows & (self.column < 0)
            self.column[fresh] = column
            self.reason[fresh] = _REASONS.index(reason)
            self.any = True


_REASONS = tuple(Reason)


class _Travelled(NamedTuple):
    values: TextArray
    findings: list[Finding]


def _travel(values: TextArray, column: ColumnRoute, route: Route) -> _Travelled:
    """One column's values at the exchange, and every reason against them, in order."""
    findings = []
    if column.name in route.key and values.null_count:
        findings.append(Finding(Reason.NULL_KEY, rows_of(values.is_null())))
    if column.rule:
        findings += rule_findings(values, column.rule)
    if column.codes is not None:
        values, unknown = _coded(values, column.codes)
        findings.append(unknown)
    if column.mask:
        values = masked(values, column.mask)
    values, found = check_column(values, column, route.limits)
    return _Travelled(values, findings + found + _at_target(values, column, route.limits))


def check_column(
    values: TextArray, column: ColumnRoute, limits: Limits
) -> tuple[TextArray, list[Finding]]:
    """Coded and masked values as the exchange holds them, and what is wrong with them there."""
    before = _TEXT if column.codes is not None or column.mask else column.source.type
    kind = column.target if column.target.kind is Kind.UUID else column.exchange
    return check_values(values, kind, before, limits)


def _longer_key(after: list[TextArray], route: Route, limit: int) -> tuple[int, list[Finding]]:
    """The first text of the key, and the rows whose key is longer than an index takes."""
    wide = [
        (index, 2 if column.exchange.kind is Kind.BINARY else 1)
        for index, column in enumerate(route.columns)
        if column.name in route.key and {column.exchange.kind, column.target.kind} & _WIDE
    ]
    sizes = np.sum([byte_lengths(after[index]) // digits for index, digits in wide], axis=0)
    return wide[0][0], [Finding(Reason.TOO_LONG, sizes > limit)]


def _at_target(values: TextArray, column: ColumnRoute, limits: Limits) -> list[Finding]:
    found = []
    if column.target.fit(column.exchange) is not Fit.EXACT:
        found = check_values(values, column.target, column.exchange, limits)[1]
    if column.required:
        found.append(Finding(Reason.NOT_ALLOWED, rows_of(values.is_null())))
    if column.allowed:
        others = rows_of(values.is_valid()) & ~matches(values, column.allowed)
        found.append(Finding(Reason.NOT_ALLOWED, others))
    return found


def _coded(values: TextArray, codes: Mapping[str, str]) -> tuple[TextArray, Finding]:
    """Source value → code; a row with a value that the table does not know is refused."""
    places = pc.index_in(values, value_set=pa.array(list(codes), pa.string()), skip_nulls=True)
    coded = pa.array(list(codes.values()), pa.string()).take(places)
    unknown = rows_of(values.is_valid()) & rows_of(places.is_null())
    return coded, Finding(Reason.UNKNOWN_CODE, unknown)


def _text(values: Any) -> TextArray:
    text: TextArray = values if values.type == pa.string() else values.cast(pa.string())
    return text


def _column(batch: pa.RecordBatch, name: str) -> TextArray | None:
    place = batch.schema.get_field_index(name)
    return None if place < 0 else _text(batch.column(place))


def _renamed(batch: pa.RecordBatch, route: Route, after: list[TextArray]) -> pa.RecordBatch:
    names = [column.name for column in route.columns]
    arrays: list[Any] = list(after)
    for place in range(len(after), batch.num_columns):
        if batch.schema.names[place] not in _ABOUT_ROWS:
            names.append(batch.schema.names[place])
            arrays.append(batch.column(place))
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _refusals(
    route: Route,
    faults: _FirstFaults,
    before: list[TextArray],
    whole: pa.RecordBatch,
    unreadable: TextArray | None,
) -> Refusals:
    rows = np.flatnonzero(faults.column >= 0)
    keys = list(
        zip(*(whole.column(name).take(rows).to_pylist() for name in route.key), strict=True)
    )
    cursors = _column(whole, CURSOR)
    marks = cursors.take(rows).to_pylist() if cursors is not None else [None] * len(rows)
    return tuple(
        _refusal(route, faults, before, unreadable, int(row), key, mark)
        for row, key, mark in zip(rows, keys, marks, strict=True)
    )


def _located(refused: Refusals, batch: pa.RecordBatch, rows: Any) -> Refusals:
    """With where each row stands in its file, and the family's own word for what is wrong."""
    places, words = _column(batch, PLACE), _column(batch, WHY)
    if places is None or words is None:
        return refused
    return tuple(
        replace(
            one,
            column=None if one.column == PLACE else one.column,
            reason=Reason(why) if one.reason is Reason.UNREADABLE and why else one.reason,
            place=place,
        )
        for one, place, why in zip(
            refused, places.take(rows).to_pylist(), words.take(rows).to_pylist(), strict=True
        )
    )


def _refusal(
    route: Route,
    faults: _FirstFaults,
    before: list[TextArray],
    unreadable: TextArray | None,
    row: int,
    key: tuple[str | None, ...],
    cursor: str | None,
) -> Refusal:
    index = int(faults.column[row])
    reason = _REASONS[faults.reason[row]]
    if index == len(route.columns):
        assert unreadable is not None
        return Refusal(key, str(unreadable[row]), reason, None, cursor)
    column = route.columns[index]
    sample = masked_sample(before[index][row].as_py(), column.source.type.kind)
    return Refusal(key, column.name, reason, sample, cursor)
