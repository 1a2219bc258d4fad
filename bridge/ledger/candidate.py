"""Candidates for a horizon, as the ledger remembers them between runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, delete, insert, select

from bridge.ledger.schema import candidate_row as row
from bridge.ledger.thisjob import naming, this_job

__all__ = ["MOST_CANDIDATES", "Candidate", "read", "replace", "thin"]

MOST_CANDIDATES = 16

_KEPT = select(row.c.at, row.c.tokens).where(this_job(row)).order_by(row.c.at)
_FORGOTTEN = delete(row).where(this_job(row))


@dataclass(frozen=True)
class Candidate:
    """A moment `at`, read first, and the tokens of all work that was open just after it. When none
    of the tokens is open any more, nothing can still commit below `at`."""

    at: datetime
    tokens: frozenset[str]


def read(connection: Connection, department: str, job: str) -> list[Candidate]:
    """Oldest first."""
    found = connection.execute(_KEPT, naming(department, job))
    return [Candidate(at, frozenset(json.loads(text))) for at, text in found]


def replace(
    connection: Connection, department: str, job: str, candidates: Iterable[Candidate]
) -> None:
    """Keep these, thinned, and forget all others. Of two at one moment the later given stays."""
    connection.execute(_FORGOTTEN, naming(department, job))
    kept = thin({candidate.at: candidate for candidate in candidates}.values())
    if kept:
        connection.execute(insert(row), [_values(department, job, each) for each in kept])


def thin(candidates: Iterable[Candidate], most: int = MOST_CANDIDATES) -> list[Candidate]:
    """At most `most`, oldest first.

    The oldest stays, being the first to drain, and so does the newest, reaching furthest. Between
    them the one goes whose neighbours are closest together: the horizon loses the least by it.
    """
    kept = sorted(candidates, key=lambda candidate: candidate.at)
    while len(kept) > most:
        spans = [(after.at - before.at) for before, after in pairwise(kept)]
        around = [left + right for left, right in pairwise(spans)]
        del kept[around.index(min(around)) + 1]
    return kept


def _values(department: str, job: str, candidate: Candidate) -> dict[str, object]:
    tokens = json.dumps(sorted(candidate.tokens))
    return {"department": department, "job": job, "at": candidate.at, "tokens": tokens}
