"""A sample of a source's rows: how many bytes a row has, and what bytes its texts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.hold import Hold
from bridge.inspection.charset import Sample
from bridge.plan import Plan
from connectors.charset import HEX
from connectors.connector import Chunk
from connectors.dialect import Statement
from connectors.errors import StatementTimeout
from connectors.selection import Output, Selection, count_rows
from connectors.table import Column, Kind, Type

__all__ = ["RowSample", "count_or_estimate", "sample_rows", "texts_of"]

SAMPLED_ROWS = 5000
_MOST_DRAWN = 4 * SAMPLED_ROWS  # an estimate of all rows may be far too low
_TEXT = Type(Kind.TEXT)


@dataclass(frozen=True)
class RowSample:
    """`drawn` of the rows come from all over the table, by chance; the others are the first by key.
    `row_bytes` and `key_bytes` are those of a row's canonical texts on average. `texts`, by column:
    the values beyond ASCII, their bytes and what they read as."""

    rows: int
    drawn: int
    row_bytes: float
    key_bytes: float
    texts: Mapping[str, Sequence[Sample]]


def count_or_estimate(held: Hold, plan: Plan) -> tuple[int | None, bool]:
    """How many rows the source has, and whether they were counted: where it has no estimate, and no
    other way is known to have one. None where counting takes longer than the endpoint allows."""
    estimate = held.source.estimate_rows(plan.table)
    if estimate is not None and (estimate > 0 or plan.table.row_estimate is None):
        return estimate, False
    try:
        with held.source.transaction():
            return int(held.source.value(count_rows(held.source.dialect, plan.table))), True
    except StatementTimeout:
        return None, False


def texts_of(plan: Plan) -> list[Column]:
    return [c.source for c in plan.route.columns if c.source.type.kind is Kind.TEXT]


def sample_rows(held: Hold, plan: Plan, rows: int | None) -> RowSample:
    """The first rows by key, the oldest ones as a rule; where there are many more than those, also
    some by chance, among which the newest have their share. To draw them the whole table is read:
    where that takes longer than the endpoint allows, the first ones alone."""
    parts = [_read(held, plan, None, SAMPLED_ROWS)]
    drawn = None
    if rows is not None and rows > 2 * SAMPLED_ROWS:
        drawn = held.source.dialect.by_chance(SAMPLED_ROWS / rows)
    if drawn is not None:
        try:
            parts.append(_read(held, plan, Statement(drawn), _MOST_DRAWN))
        except StatementTimeout:
            drawn = None
    count = sum(part.rows for part in parts)
    texts = {
        column.name: [one for part in parts for one in part.texts[column.name]]
        for column in texts_of(plan)
    }
    return RowSample(
        rows=count,
        drawn=parts[-1].rows if drawn is not None else 0,
        row_bytes=sum(part.row_bytes for part in parts) / max(1, count),
        key_bytes=sum(part.key_bytes for part in parts) / max(1, count),
        texts=texts,
    )


def _read(held: Hold, plan: Plan, where: Statement | None, most: int) -> RowSample:
    """Sums of bytes here, not averages."""
    texts = texts_of(plan)
    sees_bytes = held.source.dialect.raw_text("x") is not None
    outputs = [_output(held, c, n) for n, c in enumerate(_shared(plan))]
    if sees_bytes:
        raws = enumerate(texts)
        outputs += [Output(replace(c, charset=HEX), _TEXT, f"raw{n}") for n, c in raws]
    selection = Selection(plan.table, tuple(outputs), plan.key, where=where)
    shared = [c.name for c in _shared(plan)]
    keys = [shared.index(c.name) for c in plan.key if c.name in shared]
    found: dict[str, list[Sample]] = {column.name: [] for column in texts}
    row_bytes = key_bytes = 0
    with held.source.snapshot():
        stream = held.source.read(selection)
        for chunk in stream.part(most):
            row_bytes += _size(chunk, range(len(shared)))
            key_bytes += _size(chunk, keys)
            for place, column in enumerate(texts if sees_bytes else ()):
                pair = len(shared) + place, shared.index(column.name)
                found[column.name] += _beyond_ascii(chunk, *pair)
        stream.close()
    return RowSample(stream.handed_out, 0, row_bytes, key_bytes, found)


def _shared(plan: Plan) -> list[Column]:
    return [c.source for c in plan.route.columns]


def _output(held: Hold, column: Column, number: int) -> Output:
    if column.type.kind is Kind.TEXT:
        return Output(replace(column, charset=_plain(column)), _TEXT, f"text{number}")
    return Output(column, held.exchange.dialect.represent(column.type), f"value{number}")


def _plain(column: Column) -> str:
    """A key is read as ASCII in a job with a charset: what else it holds is shown as it is."""
    return "utf-8" if column.charset == "ascii" else column.charset


def _size(chunk: Chunk, places: Iterable[int]) -> int:
    return sum(int(chunk.column(place).nbytes) for place in places)


def _beyond_ascii(chunk: Chunk, raw_place: int, text_place: int) -> Iterator[Sample]:
    raws, texts = chunk.column(raw_place).to_pylist(), chunk.column(text_place).to_pylist()
    for hexed, text in zip(raws, texts, strict=True):
        raw = bytes.fromhex(hexed or "")
        if raw.isascii():
            continue
        # Where no text can stand for bytes, a connector shows them escaped.
        yield raw, None if "\\x" in text and b"\\x" not in raw else text
