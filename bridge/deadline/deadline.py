"""When a resource must be brought up to date by its update cycle, and how often it was
(更新及时率). Pure functions.

The 政务信息资源目录编制指南 (试行) calls the update cycle 信息资源更新的频度, and gives it no
hour. A period is what its name says on the calendar of China: an hour of real time, a day, a week
from Monday, a month, a quarter, half a year, a year, or N working days in a row counted from the
day on which the job began. It is due when it ends; if its last day is no working day, when the next
working day ends (Civil Code, article 203). Real time knows no holiday.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from bridge.configuration.catalogue import cycle_seconds, working_days
from bridge.deadline.workingday import WorkingDays

__all__ = ["CHINA", "Period", "Timeliness", "due_periods", "first_period", "next_due", "timeliness"]

CHINA = ZoneInfo("Asia/Shanghai")
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LONGEST_BREAK = timedelta(days=31)
"""No holiday moves a due time further than this."""


@dataclass(frozen=True)
class Period:
    """Kept by a batch that is reconciled in [start, due)."""

    start: datetime
    due: datetime


@dataclass(frozen=True)
class Timeliness:
    """How many of the periods that were due have been kept."""

    kept: int
    due: int

    @property
    def share(self) -> float | None:
        """0 to 1; None where nothing was due."""
        return self.kept / self.due if self.due else None


def due_periods(
    cycle: str | None, begun: datetime, since: datetime, until: datetime, days: WorkingDays
) -> list[Period]:
    """Those due in (since, until], oldest first; none before the one in which the job began."""
    seconds = cycle_seconds(cycle)
    if seconds is None:
        return []
    early = since - timedelta(seconds=seconds) - _LONGEST_BREAK
    found = takewhile(
        lambda period: period.start < until, _periods(cycle, begun, max(begun, early), days)
    )
    return [period for period in found if since < period.due <= until]


def first_period(cycle: str, begun: datetime, days: WorkingDays) -> Period:
    """The one in which the job began."""
    return next(_periods(cycle, begun, begun, days))


def next_due(
    cycle: str | None, begun: datetime, last: datetime | None, days: WorkingDays
) -> datetime | None:
    """By when a batch must be reconciled, if the `last` one was then; in the past if it is overdue.
    None of a cycle without bound."""
    if cycle_seconds(cycle) is None:
        return None
    for period in _periods(cycle, begun, max(begun, last or begun), days):
        if last is None or period.start > last:
            return period.due
    raise AssertionError("periods have no end")


def timeliness(periods: Sequence[Period], reconciled: Sequence[datetime]) -> Timeliness:
    """The share of periods in which at least one batch, empty ones included, was reconciled by the
    due time. `reconciled` is in order."""
    kept = sum(
        bisect_left(reconciled, period.start) < bisect_left(reconciled, period.due)
        for period in periods
    )
    return Timeliness(kept, len(periods))


def _periods(
    cycle: str | None, begun: datetime, first: datetime, days: WorkingDays
) -> Iterator[Period]:
    """Without end, from the one that `first` is in."""
    if cycle == "realtime":
        yield from _hours(first)
        return
    count = working_days(cycle)
    start = _local_day(begun) if count else _START[cycle or "daily"](_local_day(first))
    while True:
        end = _after_working_days(start, count, days) if count else _NEXT[cycle or "daily"](start)
        last_day = days.first_from(end - _DAY)
        if end > _local_day(first):
            yield Period(_midnight(start), _midnight(last_day + _DAY))
        start = end


def _hours(first: datetime) -> Iterator[Period]:
    start = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while True:
        yield Period(start, start + _HOUR)
        start += _HOUR


def _after_working_days(start: date, count: int, days: WorkingDays) -> date:
    """The day after the last of so many working days."""
    day = start
    for _ in range(count):
        day = days.first_from(day) + _DAY
    return day


def _first_of_months(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


_MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
_START: dict[str, Callable[[date], date]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day - timedelta(days=day.weekday()),
    **{name: lambda day, n=n: _first_of_months(day, n) for name, n in _MONTHS.items()},  # type: ignore[misc]
}
_NEXT: dict[str, Callable[[date], date]] = {
    "daily": lambda day: day + _DAY,
    "weekly": lambda day: day + 7 * _DAY,
    **{name: lambda day, n=n: _months_later(day, n) for name, n in _MONTHS.items()},  # type: ignore[misc]
}


def _local_day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA).astimezone(UTC)
