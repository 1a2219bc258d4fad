"""Events: one open entry per department, job, kind and subject; counted, acknowledged, closed.

Works in a short transaction of its own; nothing here commits.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from bridge.event import EventKind, Recovery, Severity, Sighting
from bridge.ledger.audit import Audit
from bridge.ledger.schema import event_row as row
from bridge.ledger.word import read_word
from connectors.errors import ConfigurationError

__all__ = ["EventEntry", "Events"]


@dataclass(frozen=True)
class EventEntry:
    """`seen` counts the looks that found it; `first_seen_at` is since when it is known to be so."""

    number: int
    job: str | None
    kind: EventKind
    subject: str
    severity: Severity
    facts: dict[str, Any]
    first_seen_at: datetime
    last_seen_at: datetime
    seen: int
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_why: str | None = None
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Events:
    """The events of one department."""

    def __init__(self, connection: Connection, department: str) -> None:
        self._connection = connection
        self._department = department

    def see(self, sighting: Sighting, at: datetime) -> EventEntry:
        """Opens an event, or renews the open one with what is known now. One that was acknowledged
        ends where the sighting is news: the acknowledgement was of what was seen then. Two sessions
        that open one at once collide on the index: the caller tries again."""
        key = _open_key(sighting.kind, sighting.subject)
        this = and_(self._of(sighting.job), row.c.open_key == key)
        known = next(iter(self._entries(this)), None)
        facts = dict(sighting.facts)
        if known is not None and known.acknowledged_at is not None:
            then = known.facts.get(_ACKNOWLEDGED, known.facts)
            if sighting.is_news_to(then, known.first_seen_at):
                self._close([known.number], at)
            else:
                facts[_ACKNOWLEDGED] = then
        latest = {"last_seen_at": at, "facts": _text(facts)}
        renewed = update(row).where(this).values(seen=row.c.seen + 1, **latest)
        if not self._connection.execute(renewed).rowcount:
            self._open(sighting, key, at, latest)
        return self._entries(this)[0]

    def recover(self, recovery: Recovery, at: datetime) -> list[EventEntry]:
        """Closes what was open; the entries as they are now."""
        wanted = and_(self._of(recovery.job), row.c.kind == recovery.kind.value, _OPEN)
        if recovery.subject is not None:
            wanted &= row.c.open_key == _open_key(recovery.kind, recovery.subject)
        if recovery.but is not None:
            wanted &= row.c.open_key != _open_key(recovery.kind, recovery.but)
        entries = self._entries(wanted)
        numbers = [entry.number for entry in entries]
        if not numbers:
            return []
        self._close(numbers, at)
        for entry in entries if recovery.waived else ():
            told = _text(entry.facts | {"waived": recovery.waived})
            self._connection.execute(
                update(row).where(row.c.number == entry.number).values(facts=told)
            )
        return self._entries(row.c.number.in_(numbers))

    def open_kinds(self) -> set[tuple[str | None, EventKind]]:
        """By job and kind, what is open: so that a look where all is well asks once."""
        found = self._connection.execute(_OPEN_KINDS, {"this_department": self._department})
        return {
            (job or None, read_word(EventKind, kind, "kind", job, "bh_event"))
            for job, kind in found
        }

    def open_subjects(self, kind: EventKind, job: str | None = None) -> set[str]:
        """What is open of one kind, of one job or of none."""
        query = select(row.c.subject).where(self._of(job), row.c.kind == kind.value, _OPEN)
        return set(self._connection.execute(query).scalars())

    def entry(self, number: int) -> EventEntry | None:
        found = self._entries(row.c.number == number)
        return found[0] if found else None

    def entries(
        self, *, closed: bool = False, job: str | None = None, limit: int = 200
    ) -> list[EventEntry]:
        """The newest, oldest first: open ones, or all if `closed`."""
        query = (
            self._query(*(() if closed else (_OPEN,)), *self._ours(job))
            .order_by(None)
            .order_by(row.c.number.desc())
            .limit(limit)
        )
        return [_entry(found) for found in self._connection.execute(query)][::-1]

    def count(self, job: str | None = None) -> tuple[int, int]:
        """How many are open, and how many there are in all."""
        query = select(func.count(row.c.open_key), func.count()).where(*self._ours(job))
        is_open, every = self._connection.execute(query).one()
        return is_open, every

    def acknowledge(self, number: int, actor: str, why: str, at: datetime) -> EventEntry:
        """Somebody has taken it over: it stays open, and is not sent again until it recovers or
        something else is seen. What it was then stays beside its facts."""
        entry = self.entry(number)
        if entry is None or not entry.is_open:
            raise ConfigurationError(
                f"there is no event {number}" if entry is None else f"event {number} has recovered",
                remedy="`bridgehead events` lists those that are open",
            )
        then = {name: fact for name, fact in entry.facts.items() if name != _ACKNOWLEDGED}
        who: dict[str, Any] = {"acknowledged_at": at, "acknowledged_by": actor}
        who |= {"acknowledged_why": why, "facts": _text(then | {_ACKNOWLEDGED: then})}
        self._connection.execute(update(row).where(row.c.number == number).values(who))
        details = {"event": number, "kind": entry.kind.value, "why": why}
        Audit(self._connection, self._department).append(actor, "acknowledge", entry.job, details)
        return self._entries(row.c.number == number)[0]

    def _open(self, sighting: Sighting, key: str, at: datetime, latest: dict[str, Any]) -> None:
        values = {
            "department": self._department,
            "job": sighting.job or "",
            "kind": sighting.kind.value,
            "subject": sighting.subject,
            "severity": sighting.kind.severity.value,
            "open_key": key,
            "first_seen_at": sighting.since or at,
            "seen": 1,
        }
        self._connection.execute(insert(row).inline(), values | latest)

    def _close(self, numbers: list[int], at: datetime) -> None:
        closing = update(row).where(row.c.number.in_(numbers), _OPEN)
        self._connection.execute(closing.values(open_key=None, closed_at=at))

    def _ours(self, job: str | None) -> tuple[ColumnElement[bool], ...]:
        """Of this job, or of every one and of none."""
        ours = row.c.department == self._department
        return (ours,) if job is None else (ours, row.c.job == job)

    def _of(self, job: str | None) -> ColumnElement[bool]:
        return and_(row.c.department == self._department, row.c.job == (job or ""))

    def _entries(self, *conditions: ColumnElement[bool]) -> list[EventEntry]:
        return [_entry(found) for found in self._connection.execute(self._query(*conditions))]

    def _query(self, *conditions: ColumnElement[bool]) -> Select[Any]:
        columns = (row.c[name] for name in EventEntry.__dataclass_fields__)
        ours = row.c.department == self._department
        return select(*columns).where(ours, *conditions).order_by(row.c.number)


_OPEN = row.c.open_key.is_not(None)
_OPEN_KINDS = (
    select(row.c.job, row.c.kind)
    .where(row.c.department == bindparam("this_department"), _OPEN)
    .distinct()
)


_ACKNOWLEDGED = "acknowledged"
"""The facts as they were when somebody took the event over."""


def _text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def _open_key(kind: EventKind, subject: str) -> str:
    return hashlib.sha256(f"{kind}\n{subject}".encode()).hexdigest()


def _entry(found: Any) -> EventEntry:
    values = dict(found._mapping)
    values["job"] = values["job"] or None
    place = values["job"], "bh_event", values["number"]
    values["kind"] = read_word(EventKind, values["kind"], "kind", *place)
    values["severity"] = read_word(Severity, values["severity"], "severity", *place)
    values["facts"] = json.loads(values["facts"])
    return EventEntry(**values)
