"""Rows set aside with the reason: one open entry per key, counted, shown masked, never dropped.

Works in the transaction that seals the batch, under the job's lock; nothing here commits. Entries
hold no payload: a retry reads the row again by its key.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from bridge.ledger.schema import batch_row, file_row
from bridge.ledger.schema import quarantine_row as row
from bridge.ledger.thisjob import naming, this_job

__all__ = ["Quarantine", "QuarantineEntry", "SetAside", "key_text"]

_PAGE = 10_000  # keys read at once
_AT_ONCE = 500  # keys in one statement; SQLite may be built to take no more than 999 parameters

_OURS = this_job(row)
_OPEN = and_(_OURS, row.c.open_key.is_not(None))
_OF_KEYS = and_(_OURS, row.c.open_key.in_(bindparam("keys", expanding=True)))
_COUNT = select(func.count()).where(_OPEN)
_NEWEST = select(func.max(row.c.number)).where(_OPEN)
_KNOWN = select(row.c.open_key).where(_OF_KEYS)
_CLOSED = update(row).where(_OF_KEYS)
_PLACES = ("department", "job", "epoch", "seq")
_WITH_FILE = (
    select(row.c.key, file_row.c.name)
    .join(file_row, and_(*(row.c[name] == file_row.c[name] for name in _PLACES)))
    .where(_OPEN)
)
_RENEWED = (
    update(row)
    .where(_OURS, row.c.open_key == bindparam("renewed"))
    .values(seen=row.c.seen + bindparam("times"))
)
_SEEN = select(func.sum(row.c.seen)).where(_OURS)
_SET_ASIDE = select(func.sum(batch_row.c.quarantined)).where(this_job(batch_row))


@dataclass(frozen=True)
class SetAside:
    """A row that was not accepted: its key as `key_text`, the column at fault if it is one, a
    reason code, a sample already masked, and for a row of a file where it stands."""

    key: str
    reason: str
    column: str | None = None
    sample: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class QuarantineEntry:
    """`seen` counts the rows of the key that were set aside while this entry was open; `place` is
    where in its file the row stands."""

    number: int
    key: str
    column: str | None
    reason: str
    sample: str | None
    epoch: int
    seq: int
    opened_at: datetime
    last_seen_at: datetime
    seen: int
    closed_at: datetime | None
    closed_why: str | None
    place: str | None = None


def key_text(values: Sequence[str | None]) -> str:
    """A key's canonical texts as one ASCII JSON array."""
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=True)


class Quarantine:
    """The quarantine of one job."""

    def __init__(self, connection: Connection, department: str, job: str) -> None:
        self._connection = connection
        self._named = {"department": department, "job": job}
        self._this_job = naming(department, job)

    def open_entries(self, entries: Iterable[SetAside], epoch: int, seq: int) -> int:
        """Open an entry per key, or renew the open one with what is known now; returns how many
        were opened. Of one key twice the later is kept. A few statements per 500 keys."""
        named = [(_digest(entry.key), entry) for entry in entries]
        latest, times = dict(named), Counter(name for name, _ in named)
        now = datetime.now(UTC)
        found = {"epoch": epoch, "seq": seq, "last_seen_at": now}
        opened = 0
        for part in _parts(list(latest)):
            known = self._known(part)
            values = {name: _values(latest[name]) | found for name in part}
            self._renew(
                [
                    values[name] | {"renewed": name, "times": times[name]}
                    for name in part
                    if name in known
                ]
            )
            new = [
                values[name] | {"open_key": name, "seen": times[name]}
                for name in part
                if name not in known
            ]
            self._open(new, now)
            opened += len(new)
        return opened

    def close(self, keys: Iterable[str], why: str) -> int:
        """Close the open entries of these keys, where there are any; returns how many."""
        gone = {"open_key": None, "closed_at": datetime.now(UTC), "closed_why": why}
        closed = 0
        for part in _parts([_digest(key) for key in dict.fromkeys(keys)]):
            values = self._this_job | {"keys": part} | gone
            closed += self._connection.execute(_CLOSED, values).rowcount
        return closed

    def open_keys(self, limit: int | None = None) -> Iterator[str]:
        """Keys of open entries, oldest first, read in pages: the caller may close them meanwhile,
        and what is opened meanwhile is not among them."""
        high, after = self._connection.execute(_NEWEST, self._this_job).scalar() or 0, 0
        left = self.count() if limit is None else limit
        while left > 0:
            page = self._page(after, high, min(left, _PAGE))
            if not page:
                return
            yield from (key for _, key in page)
            after, left = page[-1][0], left - len(page)

    def keys_of_file(self, name: str) -> set[str]:
        """Keys of open entries whose batch came from that file. A store may take two names for one,
        so it is not asked for this one."""
        found = self._connection.execute(_WITH_FILE, self._this_job)
        return {key for key, file in found if file == name}

    def count(self) -> int:
        """Open entries."""
        counted: int = self._connection.execute(_COUNT, self._this_job).scalar_one()
        return counted

    def missing(self) -> int:
        """How many rows the batches have set aside of which no entry, open or closed, tells. An
        entry tells of more than the batches, where a look that found nothing else sealed none."""
        told, counted = (
            int(self._connection.execute(query, self._this_job).scalar() or 0)
            for query in (_SEEN, _SET_ASIDE)
        )
        return max(0, counted - told)

    def list_masked(
        self, limit: int = 100, after: int = 0, *, closed: bool = False
    ) -> list[QuarantineEntry]:
        """Entries with a number above `after`, oldest first: open ones, or all if `closed`."""
        names = QuarantineEntry.__dataclass_fields__
        query = (
            select(*(row.c[name] for name in names))
            .where(_OURS if closed else _OPEN, row.c.number > after)
            .order_by(row.c.number)
            .limit(limit)
        )
        return [
            QuarantineEntry(*found) for found in self._connection.execute(query, self._this_job)
        ]

    def _known(self, digests: Sequence[str]) -> set[str]:
        found = self._connection.execute(_KNOWN, self._this_job | {"keys": digests})
        return {name for name in found.scalars() if name}

    def _renew(self, values: list[dict[str, Any]]) -> None:
        if values:
            self._connection.execute(_RENEWED, [self._this_job | each for each in values])

    def _open(self, values: list[dict[str, Any]], now: datetime) -> None:
        first = self._named | {"opened_at": now}
        if values:
            self._connection.execute(insert(row), [each | first for each in values])

    def _page(self, after: int, high: int, limit: int) -> list[tuple[int, str]]:
        query = (
            select(row.c.number, row.c.key)
            .where(_OPEN, row.c.number > after, row.c.number <= high)
            .order_by(row.c.number)
            .limit(limit)
        )
        return [(number, key) for number, key in self._connection.execute(query, self._this_job)]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("ascii")).hexdigest()


def _values(entry: SetAside) -> dict[str, Any]:
    return dict(vars(entry))


def _parts(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
