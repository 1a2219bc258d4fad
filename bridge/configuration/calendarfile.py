"""A calendar file: the days on which the department works or does not, where the law does not say
so yet or it differs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from bridge.configuration.configfile import Unreadable, read_yaml
from bridge.configuration.problem import Fault, Faults, Problem
from bridge.configuration.validation import Strict, Text, validate

__all__ = ["Calendar", "read_calendar"]

Year = Annotated[int, Field(ge=2000, le=2200)]


class Calendar(Strict):
    """工作日历. Days that differ from what is known of them otherwise, with the reason."""

    years: tuple[Year, ...] = ()
    """完整年份. Years of which this file states everything that differs from Monday to Friday."""

    holidays: Mapping[date, Text] = Field(default_factory=dict)
    """休息日. Days on which nobody works."""

    workdays: Mapping[date, Text] = Field(default_factory=dict)
    """工作日. Days on which people work, such as a Saturday before a holiday."""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Calendar:
        faults = [
            Fault(("workdays", day.isoformat()), "is among the holidays too; remove one of them")
            for day in self.workdays
            if day in self.holidays
        ]
        if faults:
            raise Faults(faults)
        return self


def read_calendar(directory: Path, file: str) -> tuple[Calendar | None, list[Problem]]:
    """The calendar, or None and what is wrong with its file."""
    try:
        document = read_yaml(directory / file, file)
    except Unreadable as error:
        return None, [error.problem]
    calendar, faults = validate(Calendar, document)
    problems = [*document.problems, *faults]
    return (None if problems else calendar), problems
