"""What a job's `schedule` is to Airflow. Cron says when; the source's clock says what."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, DeltaTriggerTimetable

__all__ = ["timetable"]

_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def timetable(schedule: str | timedelta, timezone: Any) -> Any:
    """For `DAG(schedule=…)`. Raises ValueError for what is no schedule; that a cron line is one is
    found when the DAG is validated."""
    if isinstance(schedule, timedelta):
        return DeltaTriggerTimetable(schedule)
    if schedule == "manual":
        return None
    if schedule == "continuous":
        return "@continuous"
    if " " in schedule:
        return CronTriggerTimetable(schedule, timezone=timezone)
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", schedule)
    if found is None or not int(found[1]):
        raise ValueError(f"schedule: {schedule!r} is no cron line, interval, continuous or manual")
    return DeltaTriggerTimetable(timedelta(**{_UNITS[found[2]]: int(found[1])}))
