"""What may happen to a job or a store that somebody should know of, and how grave it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["EventKind", "Observation", "Recovery", "Severity", "Sighting"]


class Severity(StrEnum):
    """Least grave first."""

    WARNING = "warning"  # somebody should know
    ERROR = "error"  # a person must act, nothing is wrong with what has arrived
    CRITICAL = "critical"  # the books are not in order

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class EventKind(StrEnum):
    DEVIATION = "deviation"  # sent differs from measured, or the contents differ
    GAP = "gap"
    FORK = "fork"
    HELD = "held"  # the fuse: more deletes than allowed
    HORIZON = "horizon"  # held back for longer than the job allows
    OVERDUE = "overdue"  # the update cycle has passed without a reconciled batch
    QUARANTINE = "quarantine"  # more rows set aside than the limit
    STRUCTURE = "structure"  # columns of source or target are not what they were, or do not fit
    STORE = "store"  # a store is down
    FAILED = "failed"  # a run ended with any other error
    ALARM = "alarm"  # an alarm could not be sent
    CALENDAR = "calendar"  # nobody has said which days of a year are working days

    @property
    def severity(self) -> Severity:
        return _SEVERITIES.get(self, Severity.ERROR)


_SEVERITIES = {
    EventKind.DEVIATION: Severity.CRITICAL,
    EventKind.GAP: Severity.CRITICAL,
    EventKind.FORK: Severity.CRITICAL,
    EventKind.QUARANTINE: Severity.WARNING,
    EventKind.ALARM: Severity.WARNING,
    EventKind.CALENDAR: Severity.WARNING,
}


@dataclass(frozen=True)
class Sighting:
    """Something is so now. `job` is None for what concerns no single one: a store that is down is
    one event, however many jobs meet it. `subject` is what it is about, where one of a kind may
    follow another: the store, the held batch. `facts` are numbers, names and messages of our own,
    never a row's values or a secret; `since`, where it is known, may be earlier than the first
    sight."""

    kind: EventKind
    job: str | None = None
    subject: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)
    since: datetime | None = None

    def is_news_to(self, known: Mapping[str, Any], since: datetime) -> bool:
        """Whether somebody who has taken over what was so `since`, with the facts `known`, is to be
        told of this: another matter, or the same grown beyond what they have seen."""
        if self.since is not None and self.since > since:
            return True
        matter = _MATTERS.get(self.kind, ())
        if any(self.facts.get(name) != known.get(name) for name in matter):
            return True
        match self.kind:
            case EventKind.DEVIATION:
                newest, seen = ([f.get("epoch", 0), f.get("seq", 0)] for f in (self.facts, known))
                return newest > seen or self.facts["deviation"] > known["deviation"]
            case EventKind.QUARANTINE:
                return int(self.facts["open"]) >= _MANIFOLD * int(known["open"])
        return False


_MATTERS = {
    EventKind.GAP: ("found",),
    EventKind.FORK: ("found",),
    EventKind.STRUCTURE: ("endpoint", "found"),
    EventKind.FAILED: ("code", "endpoint"),  # its message may name a session or a time
}
_MANIFOLD = 2
"""So many times the rows that somebody knows to be set aside are another matter."""


@dataclass(frozen=True)
class Recovery:
    """Something is so no longer; of every subject where none is named, or of all `but` one. With
    `waived` it is still so, and somebody answers for it: what, who and why."""

    kind: EventKind
    job: str | None = None
    subject: str | None = None
    but: str | None = None
    waived: str | None = None


@dataclass(frozen=True)
class Observation:
    """What one look has shown. Of what is not mentioned nothing is known."""

    seen: tuple[Sighting, ...] = ()
    over: tuple[Recovery, ...] = ()

    def __add__(self, other: Observation) -> Observation:
        return Observation(self.seen + other.seen, self.over + other.over)
