"""What `check` says of a source after a sample of its rows: how much there is, what exchange and
target will need for it, and what its texts are."""

from __future__ import annotations

from collections.abc import Iterator

from rich.filesize import decimal

from bridge.hold import Hold
from bridge.inspection.finding import Finding, Level
from bridge.inspection.rowsample import RowSample, count_or_estimate, sample_rows
from bridge.inspection.text import charset
from bridge.plan import Plan

__all__ = ["rows"]

_ROW_OVERHEAD_BYTES = 48  # header, numbers of the batch, entry in the key's index: measured
_UNFILLED = 1.2  # pages are not full


def rows(held: Hold, plan: Plan) -> Iterator[Finding]:
    count, counted = count_or_estimate(held, plan)
    sample = sample_rows(held, plan, count)
    if count is None:
        found = "its rows could not be counted in time: its size is not known"
        yield Finding(held.name, "size", found, Level.WARNING)
    elif sample.rows > count:
        yield _size(held, plan, sample.rows, sample, counted=False)
    else:
        yield _size(held, plan, count, sample, counted=counted)
    yield from charset(held, plan, sample)


def _size(held: Hold, plan: Plan, count: int, sample: RowSample, *, counted: bool) -> Finding:
    told = f"holds {count:,} rows" if counted else f"holds about {count:,} rows"
    if not sample.rows:
        return Finding(held.name, "size", told)
    each, whole = f"{round(sample.row_bytes):,}", decimal(_bytes(count, sample))
    told += f"; each of {each} bytes, about {whole} in all"
    if _has_begun(held):
        return Finding(held.name, "size", f"{told}; loaded already")
    need = _need(count, sample)
    exchange, target = held.deployment.exchange, held.job.target.endpoint
    size = decimal(need)
    told += f"; the first load needs about {size} at {exchange} and as much at {target}"
    told += "; and as much again for their logs while it runs"
    needs: dict[str, int] = {}
    for endpoint in (exchange, target):
        needs[endpoint] = needs.get(endpoint, 0) + need
    return Finding(held.name, "size", told, needs=needs)


def _bytes(count: int, sample: RowSample) -> int:
    return round(count * sample.row_bytes)


def _need(count: int, sample: RowSample) -> int:
    each = sample.row_bytes + sample.key_bytes + _ROW_OVERHEAD_BYTES
    return round(count * each * _UNFILLED)


def _has_begun(held: Hold) -> bool:
    if not held.has_current_ledger:
        return False
    with held.exchange.transaction():
        return held.ledger().content_hash() is not None
