"""How the jobs of a deployment keep their deadlines, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bridge.configuration.catalogue import cycle_seconds, working_days
from bridge.deadline.deadline import (
    CHINA,
    Period,
    Timeliness,
    due_periods,
    first_period,
    next_due,
    timeliness,
)
from bridge.deadline.workingday import WorkingDays
from bridge.event import EventKind, Observation, Recovery, Sighting
from bridge.job import Job
from bridge.ledger.timeliness import (
    begun_at,
    count_kept,
    disabled,
    reconciled_at,
    reconciled_between,
)
from bridge.settings import Deployment

__all__ = [
    "Deadline",
    "cycle_of",
    "deadlines",
    "observe_calendar",
    "observe_deadlines",
    "timeliness_between",
]

RECENT = 30
"""Periods that `status` looks back on."""

_NO_HOLIDAYS = ("realtime",)
_AHEAD = timedelta(days=14)
_BEHIND_YEARS = 10


@dataclass(frozen=True)
class Deadline:
    """How one job stands. `due_at` is by when the next batch must be reconciled, in the past if it
    is overdue; `recent` are the last `RECENT` periods that were due. `idle`: somebody has disabled
    the job, and it is not called overdue."""

    cycle: str
    due_at: datetime
    last: datetime | None
    recent: Timeliness
    at: datetime
    idle: bool = False

    @property
    def overdue(self) -> bool:
        return self.due_at <= self.at and not self.idle


def cycle_of(job: Job) -> str | None:
    """None for a job that owes nothing: its resource is updated at no fixed time, or it is run by
    hand and its catalogue says nothing."""
    cycle = job.catalogue.update_cycle
    if cycle is None:
        return None if job.schedule == "manual" else "daily"
    return cycle if cycle_seconds(cycle) is not None else None


def deadlines(
    connection: Connection,
    deployment: Deployment,
    at: datetime,
    names: Sequence[str] | None = None,
    *,
    recent: int = RECENT,
) -> dict[str, Deadline]:
    """Of the jobs named, or of all: those that owe something and have begun."""
    department, days = deployment.department.code, WorkingDays(deployment.calendar)
    begun = begun_at(connection, department, names)
    last = reconciled_at(connection, department, at, names)
    idle = disabled(connection, department)
    recently = _Recent(days, at, recent)
    found = {}
    for name in begun.keys() & deployment.jobs.keys():
        cycle = cycle_of(deployment.jobs[name])
        if cycle is None:
            continue
        due_at = next_due(cycle, begun[name], last.get(name), days)
        assert due_at is not None
        periods = recently.of(cycle, begun[name])
        spans = [(period.start, period.due) for period in periods]
        kept = count_kept(connection, department, name, spans)
        timely = Timeliness(kept, len(spans))
        found[name] = Deadline(cycle, due_at, last.get(name), timely, at, name in idle)
    return found


def timeliness_between(
    connection: Connection, deployment: Deployment, name: str, since: datetime, until: datetime
) -> Timeliness | None:
    """Of the periods that were due in (since, until]; None for a job that owes nothing."""
    job = deployment.jobs.get(name)
    cycle = cycle_of(job) if job else None
    department = deployment.department.code
    begun = begun_at(connection, department, [name]).get(name)
    if cycle is None or begun is None:
        return None
    periods = due_periods(cycle, begun, since, until, WorkingDays(deployment.calendar))
    if not periods:
        return Timeliness(0, 0)
    span = (periods[0].start, max(period.due for period in periods))
    return timeliness(periods, reconciled_between(connection, department, name, *span))


def observe_deadlines(
    connection: Connection,
    deployment: Deployment,
    at: datetime,
    names: Sequence[str] | None = None,
) -> Observation:
    """Who is overdue, and who is not: also who owes nothing any more, or was disabled."""
    asked = sorted(deployment.jobs if names is None else names)
    found = deadlines(connection, deployment, at, names, recent=0)
    late = {name: deadline for name, deadline in found.items() if deadline.overdue}
    return Observation(
        tuple(_overdue(name, late[name]) for name in asked if name in late),
        tuple(Recovery(EventKind.OVERDUE, name) for name in asked if name not in late),
    )


def observe_calendar(deployment: Deployment, at: datetime) -> Observation:
    """Whether the working days of this year, and soon of the next, are known; of an earlier one,
    whether they are by now."""
    cycles = {cycle_of(job) for job in deployment.jobs.values()} - {None, *_NO_HOLIDAYS}
    days = WorkingDays(deployment.calendar)
    years = {moment.astimezone(CHINA).year for moment in (at, at + _AHEAD)} if cycles else set()
    unknown = sorted(year for year in years if not days.known(year))
    this = at.astimezone(CHINA).year
    asked = years | {*range(this - _BEHIND_YEARS, this)}
    known = sorted(year for year in asked if days.known(year))
    return Observation(
        tuple(Sighting(EventKind.CALENDAR, subject=str(year)) for year in unknown),
        tuple(Recovery(EventKind.CALENDAR, subject=str(year)) for year in known),
    )


class _Recent:
    """The last periods that were due by a moment; those of the calendar are the same for all."""

    def __init__(self, days: WorkingDays, at: datetime, count: int) -> None:
        self._days = days
        self._at = at
        self._count = count
        self._known: dict[str, list[Period]] = {}

    def of(self, cycle: str, begun: datetime) -> list[Period]:
        if not self._count:
            return []
        if working_days(cycle) is not None:  # counted from the job's own beginning
            return self._due(cycle, begun)
        if cycle not in self._known:
            self._known[cycle] = self._due(cycle, self._at - self._span(cycle))
        first = first_period(cycle, begun, self._days)
        return [period for period in self._known[cycle] if period.start >= first.start]

    def _due(self, cycle: str, begun: datetime) -> list[Period]:
        since = max(begun, self._at - self._span(cycle))
        return due_periods(cycle, begun, since, self._at, self._days)[-self._count :]

    def _span(self, cycle: str) -> timedelta:
        return timedelta(seconds=(cycle_seconds(cycle) or 0) * 2 * self._count, days=31)


def _overdue(name: str, deadline: Deadline) -> Sighting:
    last = _told(deadline.last) if deadline.last else "–"
    facts = {"cycle": deadline.cycle, "due": _told(deadline.due_at), "last": last}
    return Sighting(EventKind.OVERDUE, name, facts=facts, since=deadline.due_at)


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M} UTC+08:00"
