"""When a job runs, and how long it may stay silent between two runs."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator

from bridge.configuration.duration import DAY, seconds_of
from bridge.configuration.problem import shown

__all__ = ["Kind", "Schedule", "kind_of", "longest_gap_seconds"]

Kind = Literal["cron", "interval", "continuous", "manual"]

# Nine years hold every pattern of a cron line, also 29 February.
_FIRST_DAY = date(2024, 1, 1)
_DAYS = 9 * 366
_LENGTH_LIMIT = 150
_DAY, _WEEKDAY = 2, 4
# A value, or a range of several, or all, with or without a step: one reading in every scheduler.
_TERM = re.compile(
    r"[0-9]+|[A-Z]{3}|(?:\*|([0-9]+)-(?!\1\b)[0-9]+|([A-Z]{3})-(?!\2\b)[A-Z]{3})(?:/[0-9]+)?"
)
_WAYS = "write a cron line such as '*/10 * * * *', an interval such as 10m, continuous or manual"


def kind_of(schedule: str) -> Kind:
    """Which way of writing a schedule this is; it must have been validated."""
    if schedule == "continuous":
        return "continuous"
    if schedule == "manual":
        return "manual"
    return "cron" if " " in schedule else "interval"


@functools.lru_cache(maxsize=1024)
def longest_gap_seconds(schedule: str, *, working_days: bool = False) -> int | None:
    """The longest time between two runs; None for manual, which promises nothing.

    With `working_days`, Saturdays and Sundays do not count.
    """
    kind = kind_of(schedule)
    if kind == "manual":
        return None
    if kind == "cron":
        return _cron_gap(schedule, working_days)
    return 0 if kind == "continuous" else seconds_of(schedule)


def _cron_gap(schedule: str, working_days: bool) -> int:
    cron = _cron(schedule)
    times = sorted(h * 3600 + m * 60 for h in cron.hours for m in cron.minutes)
    within = max((b - a for a, b in itertools.pairwise(times)), default=0)
    days = _matching_days(*schedule.split()[2:])
    overnight = DAY - times[-1] + times[0]
    between = _weekdays_between if working_days else _days_between
    idle = max((between(a, b) for a, b in itertools.pairwise(days)), default=_DAYS)
    return max(within, overnight + DAY * idle)


@functools.lru_cache(maxsize=64)
def _matching_days(day: str, month: str, weekday: str) -> list[date]:
    """Kept, because most jobs of a deployment run on the same days: every day."""
    cron = _cron(f"0 0 {day} {month} {weekday}")
    days = (_FIRST_DAY + timedelta(days=i) for i in range(_DAYS))
    return [day for day in days if day.month in cron.months and cron.match_day(day)]


def _days_between(before: date, after: date) -> int:
    """Days strictly between two days."""
    return (after - before).days - 1


def _weekdays_between(before: date, after: date) -> int:
    """Working days strictly between two days."""
    between = ((before + timedelta(days=i)) for i in range(1, (after - before).days))
    return sum(day.weekday() < 5 for day in between)


def _cron(text: str) -> CronSim:
    """Raises ValueError. Six fields are refused: schedulers disagree where the seconds stand."""
    if len(text.split()) != 5:
        raise ValueError("a cron line has five fields: minute hour day month weekday")
    try:
        cron = CronSim(text, datetime(2024, 1, 1))
    except (CronSimError, ValueError) as error:
        raise ValueError(str(error).lower()) from None
    _refuse_ambiguous(re.sub(r"\b0+(?=[0-9])", "", text.upper()).split())
    return cron


def _refuse_ambiguous(fields: Sequence[str]) -> None:
    """Raises ValueError for what Airflow's reader takes for other times than ours: `5-5` for all
    of them, `1/2` for another end of the week, a `*/2` beside a weekday for either of the two."""
    for place, field in enumerate(fields):
        for term in field.split(","):
            if not _TERM.fullmatch(term) and (place, term) != (_DAY, "L"):
                raise ValueError(
                    f"schedulers differ on {shown(term)}; "
                    "all know 5, 1-5, */5, 1-31/5, mon-fri and lists of them"
                )
    days = {fields[_DAY], fields[_WEEKDAY]}
    if "*" not in days and "*" in "".join(days):
        raise ValueError("schedulers differ on a day and a weekday together where one has a *")


def _check(text: str) -> str:
    if len(text) > _LENGTH_LIMIT:
        raise ValueError(f"is longer than {_LENGTH_LIMIT} characters")
    text = " ".join(text.split())
    try:
        kind = kind_of(text)
        if kind == "cron" and _cron(text) and not _matching_days(*text.split()[2:]):
            raise ValueError("no such day ever comes")
        if kind == "interval" and seconds_of(text) == 0:
            raise ValueError("an interval of 0 never waits; write continuous")
    except ValueError as error:
        fault = f"{shown(text)} is not a schedule ({error})"
        raise ValueError(f"{fault}; {_WAYS}") from None
    return text


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Schedule = Annotated[
    str, BeforeValidator(_as_text, json_schema_input_type=str | int), AfterValidator(_check)
]
