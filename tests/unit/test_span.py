"""A window's bounds as the texts that a cursor column is compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connectors.selection import Span, span_bounds
from connectors.table import Column, Kind, Type

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
LOW, HIGH = datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 3, 15, 59, tzinfo=UTC)


def span(kind: Type, low: datetime | None, high: datetime | None, zone: str | None = None) -> Span:
    return Span(Column("at", kind), low, high, zone)


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        (Type(Kind.DATE), ("2026-03-02", "2026-03-03")),
        (Type(Kind.TIMESTAMP), ("2026-03-02 00:00:00.000000", "2026-03-03 23:59:00.000000")),
        (
            Type(Kind.TIMESTAMP, zoned=True),
            ("2026-03-01 16:00:00.000000+00", "2026-03-03 15:59:00.000000+00"),
        ),
    ],
    ids=str,
)
def test_bounds_are_local_times_unless_the_column_has_a_zone(
    kind: Type, bounds: tuple[str, str]
) -> None:
    assert span_bounds(span(kind, LOW, HIGH), lambda: SHANGHAI) == bounds
    assert span_bounds(span(kind, LOW, HIGH, "Asia/Shanghai"), lambda: BERLIN) == bounds
    assert span_bounds(span(kind, None, HIGH), lambda: SHANGHAI) == (None, bounds[1])
    assert span_bounds(span(kind, LOW, None), lambda: SHANGHAI) == (bounds[0], None)


def test_where_the_clock_is_put_back_the_low_bound_moves_down_with_it() -> None:
    low, high = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    texts = span_bounds(span(Type(Kind.TIMESTAMP), low, high), lambda: BERLIN)
    assert texts == ("2026-10-25 01:30:00.000000", "2026-10-25 02:30:00.000000")


def test_where_the_clock_is_put_forward_both_stay() -> None:
    low, high = (datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in (0, 1))
    texts = span_bounds(span(Type(Kind.TIMESTAMP), low, high), lambda: BERLIN)
    assert texts == ("2026-03-29 01:30:00.000000", "2026-03-29 03:30:00.000000")
