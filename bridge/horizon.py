"""Up to where a pull may read: the horizon, found by draining. One mechanism for all families.

A candidate is `(T, S)`: the source's clock T less a margin, read first, then the tokens S of all
work that may still commit. It is drained when no token of S is open any more: whatever could commit
a row stamped below T has ended. The horizon is the newest drained candidate. No start times, time
zones or clocks of other sessions are involved, and a long transaction holds back only what it may
touch, since older candidates stay in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.ledger.candidate import Candidate
from connectors.connector import Connector, pause
from connectors.table import Kind, Type

__all__ = ["Horizon", "drain", "floor"]

_POLL_SECONDS = 0.05
_SLOWEST_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Horizon:
    """`at` is None while nothing is drained. `candidates` are those to keep for the next run;
    `holders` the tokens that hold the newest of them back."""

    at: datetime | None
    candidates: tuple[Candidate, ...]
    holders: frozenset[str]


def drain(
    source: Connector, kept: Sequence[Candidate], margin_seconds: float, wait_seconds: float
) -> Horizon:
    """Makes a candidate now and waits for it, at most `wait_seconds`; older ones drain meanwhile.

    Takes no longer than the wait when other work stays open; then the horizon is that of the newest
    older candidate that has drained, if any.
    """
    at = source.clock() - timedelta(seconds=margin_seconds)
    own = Candidate(at, source.open_work())
    candidates = [_advance(source, old, own.tokens) for old in kept if old.at < at]
    candidates.append(own)
    deadline, poll = time.monotonic() + wait_seconds, _POLL_SECONDS
    while candidates[-1].tokens and time.monotonic() < deadline:
        pause(min(poll, max(0.0, deadline - time.monotonic())))
        poll = min(poll * 1.5, _SLOWEST_POLL_SECONDS)
        still_open = source.open_work()
        candidates = [_advance(source, candidate, still_open) for candidate in candidates]
    drained = [candidate.at for candidate in candidates if not candidate.tokens]
    horizon = max(drained, default=None)
    waiting = tuple(c for c in candidates if horizon is None or c.at > horizon)
    return Horizon(horizon, waiting, candidates[-1].tokens)


def _advance(source: Connector, candidate: Candidate, still_open: frozenset[str]) -> Candidate:
    """Without the tokens that have ended, and with those under which their work may live on."""
    ended = candidate.tokens - still_open
    if not ended:
        return candidate
    return Candidate(candidate.at, (candidate.tokens - ended) | source.heirs(ended, still_open))


def floor(at: datetime, column: Type, zone: ZoneInfo) -> datetime:
    """The instant rounded down to the column's resolution: a stamp below it may still be given
    to a row that commits later in the same second, or on the same day (in the column's zone)."""
    if column.kind is Kind.DATE:
        local = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return local.astimezone(UTC)
    step = round(10 ** (6 - min(column.fraction, 6)))
    return at.replace(microsecond=at.microsecond // step * step)
