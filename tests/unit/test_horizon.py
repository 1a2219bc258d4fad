"""The horizon, by a source whose open work the test decides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.horizon import drain, floor
from bridge.ledger.candidate import Candidate, thin
from connectors.connector import Connector
from connectors.table import Kind, Type

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
A, B, P, Q = "vxid 1/1", "vxid 2/2", "prepared p", "prepared q"


class Source:
    """Answers what it is told to, one reading after another; the last one again and again."""

    heirs = Connector.heirs

    def __init__(self, *readings: Iterable[str], at: datetime = NOW) -> None:
        self.readings = [frozenset(reading) for reading in readings]
        self.at = at
        self.asked: list[str] = []

    def clock(self) -> datetime:
        self.asked.append("clock")
        return self.at

    def open_work(self) -> frozenset[str]:
        self.asked.append("open_work")
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def before(seconds: float, *tokens: str) -> Candidate:
    return Candidate(NOW - timedelta(seconds=seconds), frozenset(tokens))


def test_nothing_open() -> None:
    found = drain(Source([]), [], 1, 5)
    assert (found.at, found.candidates, found.holders) == (NOW - timedelta(seconds=1), (), set())


def test_the_clock_is_read_before_the_work() -> None:
    """The other way round, what begins between the two would be open and not in the set."""
    source = Source([])
    drain(source, [], 0, 0)
    assert source.asked[:2] == ["clock", "open_work"]


def test_open_work_holds_back() -> None:
    found = drain(Source([A]), [], 0, 0)
    assert (found.at, found.holders) == (None, {A})
    assert found.candidates == (Candidate(NOW, frozenset({A})),)


def test_waits_for_its_own_candidate() -> None:
    found = drain(Source([A, B], [B], [B], []), [], 0, 5)
    assert (found.at, found.candidates) == (NOW, ())


def test_waits_for_its_own_candidate_though_an_older_one_has_drained() -> None:
    found = drain(Source([B], [B], []), [before(60, A)], 0, 5)
    assert (found.at, found.candidates) == (NOW, ())


def test_work_that_began_later_does_not_hold_back() -> None:
    found = drain(Source([A], [A, B], [B]), [], 0, 5)
    assert (found.at, found.candidates) == (NOW, ())


def test_an_older_candidate_drains_meanwhile() -> None:
    found = drain(Source([B]), [before(60, A), before(30, A, B)], 0, 0)
    assert found.at == NOW - timedelta(seconds=60)
    assert found.candidates == (before(30, B), Candidate(NOW, frozenset({B})))
    assert found.holders == {B}


def test_the_newest_drained_counts_and_the_older_are_forgotten() -> None:
    found = drain(Source([B]), [before(90, A), before(60, B), before(30, A)], 0, 0)
    assert found.at == NOW - timedelta(seconds=30)
    assert found.candidates == (Candidate(NOW, frozenset({B})),)


def test_prepared_work_is_inherited() -> None:
    """PREPARE turns a session's token into a gid: the candidate must wait for that instead."""
    found = drain(Source([A], [P], [P]), [], 0, 0.2)
    assert (found.at, found.holders) == (None, {P})
    assert drain(Source([P]), found.candidates, 1, 0).at is None
    assert drain(Source([]), found.candidates, 1, 0).at is not None


def test_prepared_between_two_runs() -> None:
    kept = [before(30, A)]
    held = drain(Source([P, Q]), kept, 0, 0)
    assert (held.at, held.candidates[0]) == (None, before(30, P, Q))
    assert drain(Source([B]), held.candidates, 0, 0).at == NOW - timedelta(seconds=30)


def test_prepared_work_does_not_join_where_nothing_ended() -> None:
    found = drain(Source([A, P]), [before(30, A)], 0, 0)
    assert found.candidates[0] == before(30, A)


def test_a_clock_set_back_discards_what_lies_ahead() -> None:
    ahead = Candidate(NOW + timedelta(hours=1), frozenset())
    assert drain(Source([]), [ahead], 0, 0).at == NOW


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Type(Kind.TIMESTAMP, fraction=6), NOW),
        (Type(Kind.TIMESTAMP, fraction=3), NOW.replace(microsecond=123000)),
        (Type(Kind.TIMESTAMP, fraction=2), NOW.replace(microsecond=120000)),
        (Type(Kind.TIMESTAMP, fraction=0), NOW.replace(microsecond=0)),
    ],
)
def test_floor_of_a_timestamp(kind: Type, expected: datetime) -> None:
    assert floor(NOW, kind, ZoneInfo("Asia/Shanghai")) == expected


@pytest.mark.parametrize(
    ("zone", "hour"), [("UTC", 0), ("Asia/Shanghai", -8), ("America/New_York", 5)]
)
def test_floor_of_a_day_is_midnight_in_the_columns_zone(zone: str, hour: int) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)
    assert floor(NOW, Type(Kind.DATE), ZoneInfo(zone)) == day
    local = floor(NOW, Type(Kind.DATE), ZoneInfo(zone)).astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour) == (date(2026, 3, 1), 0)


def test_thinning_keeps_the_ends() -> None:
    candidates = [before(seconds) for seconds in range(100, 0, -1)]
    kept = thin(candidates)
    assert len(kept) == 16
    assert (kept[0], kept[-1]) == (candidates[0], candidates[-1])
    assert thin(candidates[:5]) == candidates[:5]
