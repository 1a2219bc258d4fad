"""Alarms that wait to be sent: the outbox. What is queued with its event cannot be lost between
the two, and whoever comes next sends it: the same run, another, or the agent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from bridge.ledger.schema import alarm_row as row
from bridge.ledger.word import read_word

__all__ = ["LONGEST_PAUSE", "Alarm", "AlarmState", "Occasion", "Outbox"]

LONGEST_PAUSE = timedelta(hours=1)
"""Between two tries."""

_AHEAD = 2 * LONGEST_PAUSE
"""What is due later than that was given its time by a clock that was ahead."""

_CLAIM = timedelta(minutes=2)
"""A sender that has not reported by then has died; it takes no longer than its time limits."""


class Occasion(StrEnum):
    OPENED = "opened"
    REPEATED = "repeated"
    RECOVERED = "recovered"


class AlarmState(StrEnum):
    """
    pending ──sent──▶ sent
       │ └──failed──▶ pending, due later
       └──its rule is gone, or too old and over, or told again since──▶ dropped
    """

    PENDING = "pending"
    SENT = "sent"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Alarm:
    """One message to one rule. `tries` counts those that failed."""

    number: int
    event: int
    rule: str
    occasion: Occasion
    queued_at: datetime
    tries: int


class Outbox:
    """The outbox of one department, in the caller's transaction."""

    def __init__(self, connection: Connection, department: str) -> None:
        self._connection = connection
        self._department = department

    def queue(self, event: int, rule: str, occasion: Occasion, at: datetime) -> None:
        values = {
            "department": self._department,
            "event": event,
            "rule": rule,
            "occasion": occasion.value,
            "state": AlarmState.PENDING.value,
            "queued_at": at,
            "due_at": at,
            "tries": 0,
        }
        self._connection.execute(insert(row).inline(), values)

    def last_told(self, event: int) -> dict[str, datetime]:
        """By rule: when it was last told that this event is so."""
        told = and_(row.c.event == event, row.c.occasion != Occasion.RECOVERED.value)
        query = select(row.c.rule, row.c.queued_at).where(told).order_by(row.c.number)
        return {found.rule: found.queued_at for found in self._connection.execute(query)}

    def claim(self, at: datetime, limit: int) -> list[Alarm]:
        """Those that are due, oldest first, for this sender alone: each is out of the others' sight
        until it reports, or has had time enough to."""
        due = and_(self._pending(), or_(row.c.due_at <= at, row.c.due_at > at + _AHEAD))
        found = self._connection.execute(_ALARMS.where(due).limit(limit)).all()
        taken = []
        for values in found:
            ours = update(row).where(row.c.number == values.number, due)
            if self._connection.execute(ours.values(due_at=at + _CLAIM)).rowcount == 1:
                taken.append(_alarm(values._mapping))
        return taken

    def sent(self, alarm: Alarm, at: datetime) -> None:
        self._finish(alarm, AlarmState.SENT, at, None)

    def drop(self, alarm: Alarm, at: datetime, why: str) -> None:
        """It will not be sent: told in the row, and by whoever calls."""
        self._finish(alarm, AlarmState.DROPPED, at, why)

    def postpone(self, alarm: Alarm, due_at: datetime, failure: str) -> None:
        """It failed, and with it waits everything else that is pending for the rule."""
        this = update(row).where(row.c.number == alarm.number)
        self._connection.execute(this.values(tries=row.c.tries + 1, failure=failure))
        others = update(row).where(self._pending(), row.c.rule == alarm.rule)
        self._connection.execute(others.values(due_at=due_at))

    def release(self, alarms: Collection[Alarm], at: datetime) -> None:
        """What was claimed and not tried is due again."""
        numbers = [alarm.number for alarm in alarms]
        if numbers:
            untried = update(row).where(self._pending(), row.c.number.in_(numbers))
            self._connection.execute(untried.values(due_at=at))

    def waiting(self, rule: str, before: datetime) -> list[Alarm]:
        """Those of a rule that have waited since before then."""
        old = and_(self._pending(), row.c.rule == rule, row.c.queued_at < before)
        return [_alarm(found._mapping) for found in self._connection.execute(_ALARMS.where(old))]

    def pending(self) -> int:
        query = select(func.count()).where(self._pending())
        return self._connection.execute(query).scalar_one()

    def _pending(self) -> ColumnElement[bool]:
        pending = row.c.state == AlarmState.PENDING.value
        return and_(row.c.department == self._department, pending)

    def _finish(self, alarm: Alarm, state: AlarmState, at: datetime, why: str | None) -> None:
        done = update(row).where(row.c.number == alarm.number)
        self._connection.execute(done.values(state=state.value, sent_at=at, failure=why))


_ALARMS = select(*(row.c[name] for name in Alarm.__dataclass_fields__)).order_by(row.c.number)


def _alarm(values: Any) -> Alarm:
    place = None, "bh_alarm", values["number"]
    occasion = read_word(Occasion, values["occasion"], "occasion", *place)
    return Alarm(**{**values, "occasion": occasion})
