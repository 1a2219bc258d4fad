"""Waivers: who answers for a batch that deviates or never left, and why; or, of a job without a
file, for what its last comparison or run has found beside the batches. They stand in the audit log,
whose chain no hand can alter unseen, under the batch's own hash. Reads only."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bridge.batch import State
from bridge.ledger.schema import audit_entry, batch_row, job_row
from reconcile.verdict import Verdict

__all__ = ["WAIVE", "Waiver", "standing_waivers", "waivers"]

WAIVE = "waive"
"""The action's name in the audit log."""


@dataclass(frozen=True)
class Waiver:
    """`rows` are those of the target that are not as the batch would have them. Of what stands in
    no batch `seq` is 0, and `found` says what it is."""

    job: str
    epoch: int
    seq: int
    batch_hash: str
    rows: int
    at: datetime
    actor: str
    why: str
    found: str = ""

    @property
    def place(self) -> str:
        return f"{self.epoch}/{self.seq}"


def waivers(connection: Connection, department: str, job: str | None = None) -> list[Waiver]:
    """The last that was given of each batch, and of what stands in none; of one job, or of all. An
    entry that does not say so as it was written was altered, and waives nothing."""
    c = audit_entry.c
    query = select(c.job, c.at, c.actor, c.details).where(
        c.department == department, c.action == WAIVE
    )
    if job is not None:
        query = query.where(c.job == job)
    found = {}
    for named, at, actor, text in connection.execute(query.order_by(c.number)):
        with suppress(ValueError, KeyError, TypeError):
            waiver = Waiver(job=named, at=at, actor=actor, **json.loads(text))
            if isinstance(waiver.rows, int):
                found[waiver.job, waiver.batch_hash] = waiver
    return list(found.values())


def standing_waivers(connection: Connection, department: str) -> list[Waiver]:
    """Of all that is waived now, and not put right since."""
    c = batch_row.c
    query = select(c.batch_hash).where(c.department == department, c.state == State.WAIVED.value)
    batches = set(connection.execute(query).scalars())
    besides = select(job_row.c.job).where(
        job_row.c.department == department, job_row.c.ran_verdict == Verdict.WAIVED.value
    )
    jobs = set(connection.execute(besides).scalars())
    given = waivers(connection, department) if batches or jobs else []
    return [one for one in given if (one.batch_hash in batches if one.seq else one.job in jobs)]
