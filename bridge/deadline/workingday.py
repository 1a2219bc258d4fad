"""On which days people work: as the department's calendar says, else as the State Council has
arranged, else from Monday to Friday."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from bridge.configuration.calendarfile import Calendar

__all__ = ["WorkingDays"]

_SATURDAY = 5
_LONGEST_BREAK = 366


class WorkingDays:
    """`known` tells of a year whether somebody has stated its holidays."""

    def __init__(self, own: Calendar | None = None) -> None:
        self._own = own or Calendar()

    def __contains__(self, day: date) -> bool:
        own = self._own
        if day in own.workdays or day in own.holidays:
            return day in own.workdays
        if day.year in own.years:
            return day.weekday() < _SATURDAY
        return _arranged(day)

    def known(self, year: int) -> bool:
        return year in self._own.years or _is_arranged(year)

    def first_from(self, day: date) -> date:
        """That day if it is a working day, else the next one that is."""
        for later in range(_LONGEST_BREAK):
            if (found := day + timedelta(days=later)) in self:
                return found
        return day  # a calendar without any working day moves nothing


@cache
def _arranged(day: date) -> bool:
    from chinese_calendar import is_workday  # years of tables, which few commands need

    try:
        return bool(is_workday(day))
    except NotImplementedError:
        return day.weekday() < _SATURDAY


@cache
def _is_arranged(year: int) -> bool:
    from chinese_calendar import is_workday

    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True
