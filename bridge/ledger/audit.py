"""Who did what, when: a log whose rows are chained by hash, so that none can be altered or
taken out of the middle unseen. The head leaves the machine with packets and statements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from bridge.batch import GENESIS, instant
from bridge.ledger.chain import ChainProblem, Link, verify
from bridge.ledger.record import Head
from bridge.ledger.schema import audit_entry as row

__all__ = ["Audit", "AuditEntry", "Begun", "end_of"]

_AT_ONCE = 1000


@dataclass(frozen=True)
class AuditEntry:
    """`details` is canonical JSON text: names, numbers and reasons, never a row's values."""

    number: int
    at: datetime
    department: str
    job: str | None
    actor: str
    action: str
    details: str
    prev_hash: str
    hash: str = ""

    def compute_hash(self) -> str:
        """SHA-256 over the canonical JSON of all but `hash`."""
        fields = vars(self) | {"at": instant(self.at)}
        del fields["hash"]
        return hashlib.sha256(_canonical(fields).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Begun:
    """The begin of an epoch. `ended` is the head of the chain before it: all up to there must be in
    the ledger; None where that was not noted, or the epoch before it had no batch."""

    at: datetime
    anchor_hash: str
    ended: Head | None


class Audit:
    """The audit log of one exchange database; entry 0 comes with the table and is its anchor."""

    def __init__(self, connection: Connection, department: str) -> None:
        self._connection = connection
        self._department = department

    def append(
        self,
        actor: str,
        action: str,
        job: str | None = None,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> AuditEntry:
        """Add an entry as part of the caller's transaction (read committed). Appends of all jobs go
        one at a time until that transaction ends: keep it short."""
        self._connection.execute(select(row.c.number).where(row.c.number == 0).with_for_update())
        number, prev_hash = self.head()
        unsigned = AuditEntry(
            number=number + 1,
            at=datetime.now(UTC),
            department=self._department,
            job=job,
            actor=actor,
            action=action,
            details=_canonical(dict(details)),
            prev_hash=prev_hash,
        )
        entry = AuditEntry(**vars(unsigned) | {"hash": unsigned.compute_hash()})
        self._connection.execute(insert(row), vars(entry))
        return entry

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest entry; -1 where somebody has taken them all."""
        query = select(row.c.number, row.c.hash).order_by(row.c.number.desc()).limit(1)
        newest = self._connection.execute(query).one_or_none()
        return (newest.number, newest.hash) if newest else (-1, GENESIS)

    def entries(
        self, limit: int = 100, job: str | None = None, since: datetime | None = None
    ) -> list[AuditEntry]:
        """Newest first, without the anchor."""
        query = select(row).where(row.c.number > 0).order_by(row.c.number.desc()).limit(limit)
        if job is not None:
            query = query.where(row.c.job == job)
        if since is not None:
            query = query.where(row.c.at >= since)
        return [_entry(found) for found in self._connection.execute(query)]

    def details(self, action: str, job: str) -> dict[str, Any]:
        """Those of the newest such entry about the job; empty where there is none."""
        query = select(row.c.details).where(row.c.action == action, row.c.job == job)
        query = query.where(row.c.department == self._department).order_by(row.c.number.desc())
        found = self._connection.execute(query.limit(1)).scalar_one_or_none()
        return dict(json.loads(found)) if found else {}

    def epochs(self, job: str) -> dict[int, Begun]:
        """Every epoch of the job that was begun, by its number. An entry that does not say so as it
        was written was altered, as `verify` tells, and begins none."""
        query = select(row.c.at, row.c.details).where(row.c.action == "new_epoch")
        query = query.where(row.c.job == job, row.c.department == self._department)
        found = {}
        for at, text in self._connection.execute(query.order_by(row.c.number)):
            with suppress(ValueError, KeyError, TypeError):
                details = json.loads(text)
                ended = Head(**details["ended"]) if details.get("ended") else None
                found[int(details["epoch"])] = Begun(at, details["anchor_hash"], ended)
        return found

    def begun_jobs(self) -> set[str]:
        """Those that have begun an epoch."""
        query = select(row.c.job).where(row.c.action == "new_epoch").distinct()
        found = self._connection.execute(query.where(row.c.department == self._department))
        return set(found.scalars())

    def verify(self) -> list[ChainProblem]:
        """Every missing, altered or misplaced entry. What was cut off at the end is seen only by
        comparing `head` with one that had left the machine."""
        anchor = Head(0, 0, GENESIS)
        is_empty = self.head()[0] < 0
        return list(verify(self._links(), 0, GENESIS, anchor if is_empty else None))

    def _links(self) -> Iterator[Link]:
        query = select(row).order_by(row.c.number)
        for found in self._connection.execute(query).yield_per(_AT_ONCE):
            entry = _entry(found)
            computed = entry.compute_hash() if entry.number else GENESIS
            yield Link(0, entry.number, entry.prev_hash, entry.hash, computed)


def end_of(epoch: int, begun: Mapping[int, Begun]) -> Head | None:
    """With what that epoch ended, where it has, and that was noted."""
    ends = [one.ended for one in begun.values() if one.ended and one.ended.epoch == epoch]
    return ends[-1] if ends else None


def _entry(found: Row[Any]) -> AuditEntry:
    return AuditEntry(**found._mapping)


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
