"""One job's row in the ledger: who may write, and what its runs note there.

Every method works inside the caller's transaction on the caller's connection (read committed, or
SQLite's write lock); none commits. Methods that change a job first lock its row and refuse when
another run has taken the job over (I10), so a late commit comes before or after, never between.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.batch import GENESIS
from bridge.ledger import candidate
from bridge.ledger.audit import Audit
from bridge.ledger.candidate import Candidate
from bridge.ledger.history import History
from bridge.ledger.record import Standing
from bridge.ledger.schema import batch_row, job_row
from bridge.ledger.thisjob import this_job
from connectors.errors import Busy
from reconcile.verdict import Verdict

__all__ = ["JobRow"]

_BEGUN = (
    select(batch_row)
    .where(this_job(batch_row))
    .order_by(batch_row.c.epoch.desc(), batch_row.c.seq)
    .limit(1)
)
_JOB = update(job_row).where(this_job(job_row))
_NAMESAKES = (
    select(job_row.c.department)
    .where(job_row.c.job == bindparam("this_job"))
    .order_by(job_row.c.department)
    .with_for_update()
)


class JobRow(History):
    """`token` is None until `take`; a run that reconnects hands its own on."""

    def __init__(
        self, connection: Connection, department: str, job: str, *, token: int | None = None
    ) -> None:
        super().__init__(connection, department, job)
        self.token = token

    # -- who may write -----------------------------------------------------------------------

    def register(self) -> None:
        """The job's row exists. Idempotent; the caller holds the job's or the schema lock. One that
        was lost comes back in the epoch of its batches: an earlier one would count as ended."""
        if self.standing() is not None:
            return
        begun = self._one(_BEGUN)
        epoch, anchor = (begun.epoch, begun.prev_hash) if begun else (1, GENESIS)
        first = Standing(token=0, epoch=epoch, anchor_hash=anchor, enabled=True)
        self.connection.execute(insert(job_row), self._named(vars(first)))

    def take(self, minimum: int = 0) -> int:
        """Make this run the one that may write: from the commit on, every other is refused.
        `minimum` is the newest token the target has seen, which a restored ledger may not know."""
        token = max(self._locked().token, minimum) + 1
        self._set(token=token)
        self.token = token
        return token

    def fence(self) -> Standing:
        """Lock the job's row until the transaction ends; `Busy` if the job is no longer ours."""
        return self._ours(self._locked())

    def alone_by_name(self) -> None:
        """Until the transaction ends, no other department begins a job of this name, nor goes on
        with one."""
        self.connection.execute(_NAMESAKES, self._this_job).all()

    def peek(self) -> None:
        """`Busy` if the job is no longer ours, without a lock: early, but no protection."""
        self._ours(self.standing())

    # -- looking and sweeping ----------------------------------------------------------------

    def keep_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Replaces those kept so far; at most 16 stay (see `candidate.thin`)."""
        self.fence()
        candidate.replace(self.connection, self.department, self.job, candidates)

    def reads_from(self, schema: str, zone: str) -> None:
        """Where the table was found of which everything is about to be read, or the folder in which
        there are files; and the zone of its stamps."""
        self.fence()
        self._set(source_schema=schema, stamp_zone=zone)

    def begins_image(self, schema: str, zone: str, fills: str) -> None:
        """What the table of the place `fills` lacks from here on, an image is to bring. The others
        as in `reads_from`."""
        self.reads_from(schema, zone)
        self._set(fills=fills, image_seq=None)

    def ends_image(self, seq: int) -> None:
        """All of it is sealed, with the batch of that number at last."""
        self.fence()
        self._set(image_seq=seq)

    def fills_nothing(self) -> None:
        """The target's table is nobody's any more."""
        self._set(fills=None)

    def looked(self, at: datetime, zone: str | None = None) -> None:
        """With the zone in which a window's bounds were taken."""
        self.fence()
        self._set(looked_at=at, **({"stamp_zone": zone} if zone else {}))

    def swept(self, at: datetime) -> None:
        """A sweep has gone all the way round."""
        self.fence()
        self._set(swept_at=at, sweep_key=None)

    def sweep_next(self) -> None:
        """The next run sweeps from the beginning, whenever the last one was."""
        self.fence()
        self._set(swept_at=None, sweep_key=None)

    def sweep_position(self) -> str | None:
        """The key after which a sweep under a budget goes on; None from the beginning."""
        standing = self.standing()
        return standing.sweep_key if standing else None

    def keep_sweep_position(self, key: str | None) -> None:
        self.fence()
        self._set(sweep_key=key)

    def ran(self, verdict: str, error: str | None, seconds: float) -> None:
        """How the run that is ending came out, and how long it took, for `status`."""
        self.fence()
        ended = {"ran_at": datetime.now(UTC), "ran_milliseconds": round(seconds * 1000)}
        self._set(**ended, ran_verdict=verdict, ran_error=error)

    def answered(self, question: str) -> None:
        """A person has decided what the last run asked for, if it did."""
        standing = self.fence()
        if standing.ran_error and question in standing.ran_error:
            self._set(ran_error=None)

    def waived_besides(self) -> None:
        """Somebody answers for what stands in no batch: contents, sums, a gap or a fork."""
        self.fence()
        self._set(ran_verdict=Verdict.WAIVED.value, ran_error=None)

    def compared(self, **counts: int) -> None:
        """What a comparison of contents (L3) found, by the names of `CONTENT`; it stands until the
        next one, or a new epoch."""
        self.fence()
        self._set(compared_at=datetime.now(UTC), **counts)

    # -- the operator's switch ---------------------------------------------------------------

    def enable(self, actor: str, why: str = "") -> None:
        self._switch(True, actor, why)

    def disable(self, actor: str, why: str = "") -> None:
        """Scheduled runs are skipped from now on; a run that is under way finishes."""
        self._switch(False, actor, why)

    # -- pieces ------------------------------------------------------------------------------

    def _switch(self, enabled: bool, actor: str, why: str) -> None:
        self.register()
        self._locked()
        self._set(enabled=enabled, enabled_by=actor, enabled_at=datetime.now(UTC))
        action = "enable" if enabled else "disable"
        Audit(self.connection, self.department).append(actor, action, self.job, {"why": why})

    def _ours(self, standing: Standing | None) -> Standing:
        if standing is None or standing.token != self.token:
            raise Busy(
                f"another run has taken over job {self.job}",
                remedy="nothing is lost; the other run goes on from here",
            )
        return standing

    def _locked(self) -> Standing:
        standing = self.locked_standing()
        if standing is None:
            raise Busy(f"job {self.job} has not been registered")
        return standing

    def _set(self, **values: Any) -> None:
        self.connection.execute(_JOB, self._this_job | values)

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"department": self.department, "job": self.job} | values
