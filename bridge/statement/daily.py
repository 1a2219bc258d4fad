"""The statement of every day, and none left out: what did not run for days makes up for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bridge.settings import Deployment
from bridge.statement.assembly import assemble_statement
from bridge.statement.writing import LANGUAGES, unusable, write_statement
from connectors.errors import ConfigurationError
from reconcile.statement import Statement

__all__ = ["write_days"]

_DAY = timedelta(days=1)


def write_days(
    deployment: Deployment, at: datetime, folder: Path, *, days_limit: int = 366
) -> Iterator[tuple[date, Statement, Path]]:
    """Writes the statement of the day before `at`, in the statement's own time zone; and first,
    oldest first, that of each day since the last one that stands in `folder`. Each is yielded once
    it is written: what breaks off goes on there. ConfigurationError where the folder cannot be
    used, where that day is not over, and, when the newest `days_limit` days are written, where
    there are more."""
    zone = ZoneInfo(deployment.settings.statement.timezone)
    last = at.astimezone(zone).date() - _DAY
    if _begin(last + _DAY, zone) > datetime.now(UTC):
        raise ConfigurationError(
            f"the day {last} is not over: no statement of it can be made yet",
            remedy="start the run with an earlier date",
        )
    written = _written(folder, deployment.department.code)
    first = max((day for day in written if day < last), default=last - _DAY) + _DAY
    day = begin = max(first, last - _DAY * (days_limit - 1))
    while day <= last:
        made = assemble_statement(deployment, _begin(day, zone), _begin(day + _DAY, zone))
        (file,) = write_statement(made, deployment, ("html",), LANGUAGES, folder)
        yield day, made, file
        day += _DAY
    if first < begin:
        raise ConfigurationError(
            f"no statement was made of the days from {first} to {begin - _DAY}",
            remedy=f"bridgehead statement --from {first} --to {begin}",
        )


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _written(folder: Path, department: str) -> set[date]:
    """The days whose statements stand there, told by their names."""
    name = re.compile(rf"statement-{department}-([0-9-]{{10}})-([0-9-]{{10}})\.html")
    try:
        found = [name.fullmatch(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise unusable(folder, error) from error
    days = set()
    for match in filter(None, found):
        with suppress(ValueError):
            begin, end = map(date.fromisoformat, match.groups())
            days |= {begin} if end - begin == _DAY else set()
    return days
