"""How all jobs of a deployment stand, from the ledger and the configuration alone: it works while
source and target are down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from bridge.batch import Batch, State
from bridge.deadline.timeliness import Deadline, deadlines
from bridge.guarantee import Guarantee, guarantee_of
from bridge.ledger import JobStanding, Ledger
from bridge.ledger.migrations import has_ledger
from bridge.ledger.waiver import Waiver, standing_waivers
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.registry import connect
from reconcile.verdict import Verdict, worst

__all__ = ["VERDICTS", "JobOverview", "overview", "overview_of", "read_ledger", "verdict_of"]

VERDICTS = {
    State.SEALED: Verdict.IN_FLIGHT,
    State.APPLIED: Verdict.IN_FLIGHT,
    State.RECONCILED: Verdict.RECONCILED,
    State.DEVIATED: Verdict.DEVIATION,
    State.HELD: Verdict.HELD,
    State.WAIVED: Verdict.WAIVED,
}


@dataclass(frozen=True)
class JobOverview:
    """One job. `standing` is None for a job that never ran; `guarantee` for one whose file is gone
    or cannot be used; `deadline` for one that owes nothing or has not begun. `waivers` are those
    that stand. Seconds count up to `at`."""

    job: str
    title: str | None
    at: datetime
    standing: JobStanding | None
    guarantee: Guarantee | None
    configured: bool
    deadline: Deadline | None = None
    waivers: tuple[Waiver, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """None for a job that has not sealed a batch yet, and was not stopped before."""
        found, ran = self.standing, self._standing_verdict
        if found is None or found.last_sealed_at is None:
            return ran
        matters = {
            Verdict.DEVIATION: found.deviated or found.content_deviation,
            Verdict.HELD: found.held,
            Verdict.WAIVED: found.waived or found.is_waived,
            Verdict.IN_FLIGHT: found.in_flight or found.seq == 0,  # an epoch is about to begin
        }
        ended = [ran] if ran else []
        return worst([*ended, *(verdict for verdict, count in matters.items() if count)])

    @property
    def _standing_verdict(self) -> Verdict | None:
        """What the last run that looked has found, besides what stands in the batches."""
        found = self.standing.ran_verdict if self.standing else None
        return found if found and found.stands else None

    @property
    def deviation(self) -> int:
        """What open batches or the last comparison of contents found: two views of one thing. Of
        sums that differ it is only known that they do."""
        found, least = self.standing, int(self._standing_verdict is Verdict.DEVIATION)
        return max(found.deviation, found.content_deviation, least) if found else 0

    @property
    def waived(self) -> int:
        """Rows that somebody answers for: two views of one thing, as in `deviation`."""
        found = self.standing
        besides = sum(waiver.rows for waiver in self.waivers if not waiver.seq)
        return max(found.waived_rows, besides) if found else 0

    @property
    def lag_seconds(self) -> float | None:
        """How far the watermark lies behind now."""
        return self._age(self.standing.watermark if self.standing else None)

    @property
    def in_flight_seconds(self) -> float | None:
        """The age of the oldest batch in flight."""
        return self._age(self.standing.in_flight_since if self.standing else None)

    @property
    def needs_a_person(self) -> bool:
        well = (None, Verdict.RECONCILED, Verdict.IN_FLIGHT, Verdict.WAIVED)
        return self.verdict not in well

    def _age(self, moment: datetime | None) -> float | None:
        return None if moment is None else max(0.0, (self.at - moment).total_seconds())


def overview(deployment: Deployment) -> list[JobOverview]:
    """Every job by name: those configured, those whose files are bad, those that only the ledger
    still knows."""
    at = datetime.now(UTC)
    with read_ledger(deployment) as exchange:
        if exchange is None:
            return overview_of(None, deployment, at)
        with exchange.transaction() as connection:
            return overview_of(connection, deployment, at)


def overview_of(
    connection: Connection | None, deployment: Deployment, at: datetime
) -> list[JobOverview]:
    """The same in a transaction with the ledger; None where it has no tables yet."""
    found: list[JobStanding] = []
    due: dict[str, Deadline] = {}
    given: list[Waiver] = []
    if connection is not None:
        found = Ledger.jobs(connection, deployment.department.code)
        if any(standing.waived or standing.is_waived for standing in found):
            given = standing_waivers(connection, deployment.department.code)
        due = deadlines(connection, deployment, at)
    standings = {standing.job: standing for standing in found}
    names = sorted({*standings, *deployment.jobs, *deployment.bad_jobs})
    return [
        replace(
            _overview(deployment, name, standings.get(name), due.get(name), at),
            waivers=tuple(waiver for waiver in given if waiver.job == name),
        )
        for name in names
    ]


def verdict_of(batch: Batch) -> Verdict | None:
    """None for a batch that was superseded or rejected: nothing is claimed of it."""
    if batch.state is State.PURGED:
        return Verdict.RECONCILED if batch.reconciled_at is not None else None
    return VERDICTS[batch.state]


@contextmanager
def read_ledger(deployment: Deployment) -> Iterator[Connector | None]:
    """A session with the exchange for reading only: nothing is made there, and no writer is waited
    for. None where the ledger has no tables yet; one of another release is refused."""
    with connect(deployment.endpoint(deployment.exchange)) as exchange:
        exchange.only_read()
        with exchange.transaction() as connection:
            known = has_ledger(connection)
        yield exchange if known else None


def _overview(
    deployment: Deployment,
    name: str,
    standing: JobStanding | None,
    deadline: Deadline | None,
    at: datetime,
) -> JobOverview:
    job = deployment.jobs.get(name)
    return JobOverview(
        job=name,
        title=job.title if job else None,
        at=at,
        standing=standing,
        guarantee=guarantee_of(job, deployment.feeder(job)) if job else None,
        configured=job is not None,
        deadline=deadline,
    )
