"""Texts read by their bytes, where a store's own word for their charset is wrong.

A column with a `charset` is selected as the hex of its bytes (`Dialect.raw_text`), and decoded
here, whole columns at a time. Bytes that are no text of the charset make their row unreadable:
nothing is ever replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from connectors.canonical import UNREADABLE

__all__ = ["HEX", "decoded", "read_as_utf8"]

HEX = "hex"
"""The charset of a column whose bytes are wanted as they are, in lower-case hex."""

_JOINT = "\0"


def decoded(batch: pa.RecordBatch, charsets: Sequence[str]) -> pa.RecordBatch:
    """The batch with each column that has a charset decoded, and `bh_unreadable` brought up to
    date: it names the first output of a row for which no text can stand."""
    if not any(charset not in ("", HEX) for charset in charsets):
        return batch
    columns: list[Any] = list(batch.columns)
    bad: dict[int, str] = {}
    for place in reversed(range(len(charsets))):
        if charsets[place] not in ("", HEX):
            columns[place], rows = _decoded(columns[place], charsets[place])
            bad |= dict.fromkeys(rows, batch.schema.names[place])
    names = list(batch.schema.names)
    if bad:
        _name_unreadable(names, columns, bad, batch.num_rows)
    return pa.RecordBatch.from_arrays(columns, names)


def read_as_utf8(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Columns of bytes as texts; `bh_unreadable` names the first output of a row for which no text
    can stand."""
    names, columns = list(batch.schema.names), []
    bad: dict[int, str] = {}
    for name, column in zip(names, batch.columns, strict=True):
        rows: list[int] = []
        columns.append(pa.array(list(_one_by_one(column.to_pylist(), "utf-8", rows)), pa.string()))
        bad = dict.fromkeys(rows, name) | bad
    if bad:
        _name_unreadable(names, columns, bad, batch.num_rows)
    return pa.RecordBatch.from_arrays(columns, names)


def _name_unreadable(names: list[str], columns: list[Any], bad: dict[int, str], count: int) -> None:
    """Of two unreadable columns of one row the first is named."""
    if UNREADABLE not in names:
        names.append(UNREADABLE)
        columns.append(pa.nulls(count, pa.string()))
    place = names.index(UNREADABLE)
    known = columns[place].to_pylist()
    for row, name in bad.items():
        if known[row] is None or names.index(name) < names.index(known[row]):
            known[row] = name
    columns[place] = pa.array(known, pa.string())


def _decoded(hexes: Any, charset: str) -> tuple[Any, list[int]]:
    """A column of hex as texts, and its rows that are none: there what can be shown stands."""
    values = _bytes_of(hexes)
    texts = _decoded_at_once(values, charset)
    if texts is not None:
        return pa.array(texts, pa.string()), []
    bad: list[int] = []
    return pa.array(list(_one_by_one(values, charset, bad)), pa.string()), bad


def _bytes_of(hexes: Any) -> list[bytes | None]:
    return [None if value is None else bytes.fromhex(value) for value in hexes.to_pylist()]


def _decoded_at_once(values: list[bytes | None], charset: str) -> list[str | None] | None:
    """All texts by one call; None if one of them is bad, or holds what joins them."""
    joint = _JOINT.encode(charset)
    if joint != b"\0":  # a charset of wide units
        return None
    present = [value for value in values if value is not None]
    try:
        whole = joint.join(present).decode(charset)
    except UnicodeDecodeError:
        return None
    parts = whole.split(_JOINT) if present else []
    if len(parts) != len(present):
        return None
    found = iter(parts)
    return [None if value is None else next(found) for value in values]


def _one_by_one(
    values: Sequence[bytes | None], charset: str, bad: list[int]
) -> Iterator[str | None]:
    for row, value in enumerate(values):
        try:
            yield None if value is None else value.decode(charset)
        except UnicodeDecodeError:
            bad.append(row)
            yield value.decode("ascii", errors="backslashreplace") if value else None
