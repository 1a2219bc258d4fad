"""Due times by working days, and the share of them that was kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.configuration.calendarfile import Calendar
from bridge.configuration.catalogue import cycle_seconds
from bridge.deadline.deadline import (
    CHINA,
    Period,
    Timeliness,
    due_periods,
    first_period,
    next_due,
    timeliness,
)
from bridge.deadline.timeliness import _Recent, cycle_of
from bridge.deadline.workingday import WorkingDays
from bridge.job import Job

DAYS = WorkingDays()
CYCLES = ["realtime", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly"]
BOUNDED = [*CYCLES, "1 working day", "5 working days", "20 working days"]
BEGUN = datetime(2025, 3, 5, 2, 30, tzinfo=UTC)

moments = st.datetimes(datetime(2025, 3, 5, 3), datetime(2027, 3, 1), timezones=st.just(UTC))
cycles = st.sampled_from(BOUNDED)


def china(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHINA)  # type: ignore[arg-type,misc]


# -- working days --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 9, 30), True),
        (date(2026, 10, 1), False),  # National Day
        (date(2026, 10, 10), True),  # a Saturday that is worked
        (date(2026, 10, 11), False),
        (date(2027, 1, 1), True),  # nobody has said so yet
        (date(2027, 1, 2), False),
    ],
)
def test_working_days_are_those_of_the_state_council(day: date, works: bool) -> None:
    assert (day in DAYS) is works


def test_the_own_calendar_comes_first() -> None:
    own = Calendar.model_validate(
        {
            "years": ["2027"],
            "holidays": {"2027-01-01": "元旦", "2026-09-30": "flood"},
            "workdays": {"2026-10-01": "census"},
        }
    )
    days = WorkingDays(own)
    assert date(2027, 1, 1) not in days
    assert date(2026, 9, 30) not in days
    assert date(2026, 10, 1) in days
    assert (days.known(2027), days.known(2028)) == (True, False)
    assert (DAYS.known(2026), DAYS.known(2027)) == (True, False)


def test_a_year_stated_completely_follows_the_week() -> None:
    days = WorkingDays(Calendar.model_validate({"years": ["2026"]}))
    assert date(2026, 10, 1) in days
    assert date(2026, 10, 10) not in days


# -- due times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cycle", "last", "due"),
    [
        ("realtime", china(2026, 10, 1, 9, 30), china(2026, 10, 1, 11)),
        ("daily", china(2026, 9, 29, 9), china(2026, 10, 1)),
        ("daily", china(2026, 9, 30, 9), china(2026, 10, 9)),  # once for all of the holiday
        ("daily", china(2026, 10, 9, 9), china(2026, 10, 11)),  # the worked Saturday
        ("weekly", china(2026, 9, 27, 9), china(2026, 10, 9)),
        ("monthly", china(2026, 9, 1), china(2026, 11, 3)),  # 31 October 2026 is a Saturday
        ("quarterly", china(2026, 9, 30, 23, 59), china(2027, 1, 1)),
        ("yearly", china(2025, 12, 31), china(2027, 1, 1)),
    ],
)
def test_due_times(cycle: str, last: datetime, due: datetime) -> None:
    assert next_due(cycle, BEGUN, last, DAYS) == due


def test_working_days_are_counted_from_the_day_the_job_began() -> None:
    begun = china(2026, 9, 28, 10)  # a Monday
    first = due_periods("5 working days", begun, begun, china(2026, 10, 20), DAYS)
    assert [(p.start, p.due) for p in first] == [
        (china(2026, 9, 28), china(2026, 10, 10)),  # 28, 29, 30 September, 8, 9 October
        (china(2026, 10, 10), china(2026, 10, 16)),  # Saturday 10, then 12 to 15
    ]


def test_a_cycle_without_bound_is_never_due() -> None:
    assert next_due("irregular", BEGUN, None, DAYS) is None
    assert due_periods("irregular", BEGUN, BEGUN, BEGUN + timedelta(days=900), DAYS) == []


def test_no_cycle_given_is_a_day_unless_the_job_is_run_by_hand() -> None:
    place = {"endpoint": "e", "table": "t"}
    basic = {"job": "j", "source": place, "target": place, "capture": {"method": "compare"}}
    assert cycle_of(Job.model_validate(basic)) is None
    assert cycle_of(Job.model_validate(basic | {"schedule": "10m"})) == "daily"
    weekly = {"catalogue": {"update_cycle": "weekly"}}
    assert cycle_of(Job.model_validate(basic | weekly)) == "weekly"


@given(cycles, moments, moments)
def test_periods_follow_on_each_other_and_end_before_they_are_due(
    cycle: str, one: datetime, other: datetime
) -> None:
    since, until = sorted([one, other])
    since = max(since, until - timedelta(days=200))
    found = due_periods(cycle, BEGUN, since, until, DAYS)
    assert all(since < p.due <= until and p.start < p.due for p in found)
    assert [p.start for p in found] == sorted({p.start for p in found})
    assert [p.due for p in found] == sorted(p.due for p in found)
    for before, after in pairwise(found):
        assert after.start <= before.due  # no moment lies between two periods
    if cycle != "realtime":
        last_days = [(p.due - timedelta(seconds=1)).astimezone(CHINA).date() for p in found]
        assert all(day in DAYS for day in last_days)


@given(cycles, moments)
def test_a_split_of_the_time_counts_every_period_once(cycle: str, middle: datetime) -> None:
    low, high = middle - timedelta(days=40), middle + timedelta(days=40)
    whole = due_periods(cycle, BEGUN, low, high, DAYS)
    first = due_periods(cycle, BEGUN, low, middle, DAYS)
    assert first + due_periods(cycle, BEGUN, middle, high, DAYS) == whole


@given(cycles, moments)
def test_who_delivers_in_every_period_is_never_overdue(cycle: str, last: datetime) -> None:
    due = next_due(cycle, BEGUN, last, DAYS)
    assert due is not None
    assert due > last
    later = next_due(cycle, BEGUN, due - timedelta(microseconds=1), DAYS)
    assert later is not None
    assert later >= due


@given(cycles, moments, st.integers(0, 80))
def test_overdue_means_that_the_newest_period_due_was_lost(
    cycle: str, last: datetime, days: int
) -> None:
    """The two ways to say it agree."""
    now = last + timedelta(days=days, hours=1)
    due = next_due(cycle, BEGUN, last, DAYS)
    assert due is not None
    periods = due_periods(cycle, BEGUN, last - timedelta(days=400), now, DAYS)
    newest_lost = bool(periods) and last < periods[-1].start
    assert (due <= now) == newest_lost


@given(cycles, moments, moments)
def test_a_job_owes_nothing_from_before_it_began(
    cycle: str, begun: datetime, until: datetime
) -> None:
    periods = due_periods(cycle, begun, begun - timedelta(days=400), until, DAYS)
    assert all(p.start >= first_period(cycle, begun, DAYS).start for p in periods)
    shared = _Recent(DAYS, until, 30).of(cycle, begun)
    assert shared == periods[-30:]


# -- timeliness ----------------------------------------------------------------------------------


@given(cycles, moments, st.lists(moments, max_size=30))
def test_timeliness_is_the_share_of_periods_with_a_batch(
    cycle: str, until: datetime, reconciled: list[datetime]
) -> None:
    periods = due_periods(cycle, BEGUN, until - timedelta(days=30), until, DAYS)
    found = timeliness(periods, sorted(reconciled))
    kept = [p for p in periods if any(p.start <= at < p.due for at in reconciled)]
    assert found == Timeliness(len(kept), len(periods))
    assert found.share is None or 0 <= found.share <= 1
    more = timeliness(periods, sorted([*reconciled, *(p.start for p in periods)]))
    assert more.kept == more.due


def test_the_bounds_of_a_period() -> None:
    period = Period(china(2026, 3, 2), china(2026, 3, 3))
    instants = [period.start, period.due, period.due - timedelta(microseconds=1)]
    assert [timeliness([period], [at]).kept for at in instants] == [1, 0, 1]


@given(cycles, st.sampled_from(["10m", "1h", "*/7 * * * *", "30 2 * * *", "continuous"]), moments)
def test_an_idle_job_keeps_every_period(cycle: str, schedule: str, first: datetime) -> None:
    """Runs as far apart as the schedule allows, an empty batch whenever one is due."""
    gap = {"10m": 600, "1h": 3600, "*/7 * * * *": 420, "30 2 * * *": 86_400, "continuous": 1}
    if gap[schedule] > (cycle_seconds(cycle) or 0):
        return
    place = {"endpoint": "e", "table": "t"}
    job = Job.model_validate(
        {
            "job": "j",
            "source": place,
            "target": place,
            "capture": {"method": "compare"},
            "schedule": schedule,
            "empty_every": min(86_400, cycle_seconds(cycle) or 0),
            "catalogue": {"update_cycle": cycle},
        }
    )
    longest = max(gap[schedule], job.silent_seconds + gap[schedule])
    sealed, until = [first], first + timedelta(seconds=(cycle_seconds(cycle) or 0) * 5)
    while sealed[-1] < until:
        sealed.append(sealed[-1] + timedelta(seconds=longest))
    periods = due_periods(cycle, first, first, sealed[-2], DAYS)
    assert timeliness(periods, sealed).share in (None, 1.0)
