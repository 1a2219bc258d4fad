"""How all jobs of a department stand, so that `status` over hundreds stays cheap."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    ScalarSelect,
    Select,
    Subquery,
    case,
    func,
    literal,
    null,
    select,
)

from bridge.batch import Kind, State
from bridge.errors import Gap
from bridge.ledger.audit import Audit
from bridge.ledger.schema import batch_row, job_row, quarantine_row
from bridge.ledger.word import read_verdict
from reconcile.verdict import Verdict

__all__ = ["JobStanding", "jobs"]


@dataclass(frozen=True)
class JobStanding:
    """Counts are of open matters and of waived ones, whatever their epoch; `seq`, `kind` and the
    watermark are of the current one. In flight is what is sealed or applied and not yet
    compared."""

    job: str
    epoch: int
    enabled: bool
    enabled_by: str | None
    enabled_at: datetime | None
    looked_at: datetime | None
    swept_at: datetime | None
    ran_at: datetime | None
    ran_verdict: Verdict | None
    ran_error: str | None
    compared_at: datetime | None
    missing: int
    extra: int
    different: int
    seq: int
    kind: str | None
    content_hash: str | None
    watermark: datetime | None
    last_sealed_at: datetime | None
    last_reconciled_at: datetime | None
    sealed: int
    applied: int
    deviated: int
    held: int
    waived: int
    waived_rows: int
    in_flight_since: datetime | None
    deviation: int
    quarantined: int

    @property
    def is_waived(self) -> bool:
        """Somebody answers for what stands in no batch; until the job runs again."""
        return self.ran_verdict == Verdict.WAIVED

    @property
    def content_deviation(self) -> int:
        """Keys that the last comparison of contents found missing, extra or different; none where
        that is waived."""
        return 0 if self.is_waived else self.missing + self.extra + self.different

    @property
    def in_flight(self) -> int:
        return self.sealed + self.applied


def jobs(connection: Connection, department: str) -> list[JobStanding]:
    """Every job that is registered or has batches, or of whose epochs the audit log tells, by name.
    Besides the open batches and that log, a few rows per job are read, each found by an index: the
    history's length does not matter."""
    found = _standings(connection, department, job_row)
    lost = _unregistered(connection, department, {standing.job for standing in found})
    if lost:
        found += _standings(connection, department, _in_place_of_rows(department, lost))
    begun = _begun(connection, department, {standing.job for standing in found})
    found += [_deleted(job, epoch) for job, epoch in begun.items()]
    return sorted(found, key=lambda standing: standing.job)


def _standings(connection: Connection, department: str, rows: FromClause) -> list[JobStanding]:
    """`rows` are those of `bh_job`, or like them."""
    matters, entries = _open_batches(department), _open_entries(department)
    chosen: dict[str, Any] = {column.name: column for column in rows.c}
    chosen |= {column.name: column for column in [*matters.c, *entries.c] if column.name != "job"}
    chosen |= _newest(rows)
    names = [field.name for field in fields(JobStanding)]
    query = (
        select(*(chosen[name].label(name) for name in names))
        .select_from(
            rows.outerjoin(matters, matters.c.job == rows.c.job).outerjoin(
                entries, entries.c.job == rows.c.job
            )
        )
        .where(rows.c.department == department)
    )
    return [_standing(row._mapping) for row in connection.execute(query)]


def _unregistered(connection: Connection, department: str, registered: set[str]) -> set[str]:
    """Jobs that have batches, and no row any more. Which job has batches next in order is asked
    behind each one that is known: a look into an index each."""

    def first(*conditions: Any) -> Select[Any]:
        c = batch_row.c
        return select(func.min(c.job)).where(c.department == department, *conditions)

    next_one = first(batch_row.c.job > job_row.c.job).correlate(job_row).scalar_subquery()
    behind = select(next_one).where(job_row.c.department == department)
    new = {*connection.execute(behind).scalars(), connection.execute(first()).scalar()}
    found: set[str] = set()
    while new := new - registered - found - {None}:
        found |= new
        new = {connection.execute(first(batch_row.c.job > name)).scalar() for name in new}
    return found


def _begun(connection: Connection, department: str, known: set[str]) -> dict[str, int]:
    """The last epoch of each job that is not known but by the audit log."""
    audit = Audit(connection, department)
    return {job: max(audit.epochs(job), default=1) for job in audit.begun_jobs() - known}


def _deleted(job: str, epoch: int) -> JobStanding:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(JobStanding))
    found = Gap(
        "the audit log tells of its epochs, and nothing else of the ledger of it",
        remedy="find out who deleted it: compare the exchange database with a backup of it",
    )
    told = {"job": job, "epoch": epoch, "enabled": True, "ran_verdict": Verdict.GAP.value}
    return _standing(values | told | {"ran_error": str(found)})


def _in_place_of_rows(department: str, names: Collection[str]) -> Subquery:
    """What `bh_job` would say of these, as far as their batches tell."""
    c = batch_row.c
    told: dict[str, Any] = {
        "department": c.department,
        "job": c.job,
        "epoch": func.max(c.epoch),
        "enabled": literal(True),
    }
    return (
        select(*(told.get(column.name, null()).label(column.name) for column in job_row.c))
        .where(c.department == department, c.job.in_(names))
        .group_by(c.department, c.job)
        .subquery("lost")
    )


def _open_batches(department: str) -> Subquery:
    """Counted by state first: in that order they stand in the index `bh_batch_state`."""
    c = batch_row.c
    open_states = [State.SEALED, State.APPLIED, State.DEVIATED, State.HELD, State.WAIVED]
    carried = c.inserted + c.updated + c.deleted
    by_state = (
        select(
            c.state,
            c.job,
            func.count().label("batches"),
            func.min(c.sealed_at).label("since"),
            func.sum(c.deviation).label("deviation"),
            func.sum(func.coalesce(c.deviation, carried)).label("amiss"),
        )
        .where(c.department == department, c.state.in_([state.value for state in open_states]))
        .group_by(c.state, c.job)
        .subquery("by_state")
    ).c
    in_flight = by_state.state.in_([State.SEALED.value, State.APPLIED.value])
    deviated = by_state.state == State.DEVIATED.value
    return (
        select(
            by_state.job,
            *(
                _sum(by_state.state == state.value, by_state.batches).label(state.value)
                for state in open_states
            ),
            func.min(case((in_flight, by_state.since))).label("in_flight_since"),
            _sum(deviated, by_state.deviation).label("deviation"),
            _sum(by_state.state == State.WAIVED.value, by_state.amiss).label("waived_rows"),
        )
        .group_by(by_state.job)
        .subquery("matters")
    )


def _open_entries(department: str) -> Subquery:
    c = quarantine_row.c
    return (
        select(c.job, func.count().label("quarantined"))
        .where(c.department == department, c.open_key.is_not(None))
        .group_by(c.job)
        .subquery("entries")
    )


def _newest(rows: FromClause) -> dict[str, ScalarSelect[Any]]:
    c = batch_row.alias("newest").c
    of_window = c.kind != Kind.REPAIR.value
    this_epoch = c.epoch == rows.c.epoch

    def latest(wanted: Any, *conditions: Any) -> ScalarSelect[Any]:
        return (
            select(wanted)
            .where(c.department == rows.c.department, c.job == rows.c.job, *conditions)
            .order_by(c.epoch.desc(), c.seq.desc())
            .limit(1)
            .correlate(rows)
            .scalar_subquery()
        )

    return {
        "seq": latest(c.seq, this_epoch),
        "kind": latest(c.kind, this_epoch),
        "content_hash": latest(c.content_hash, this_epoch),
        "watermark": latest(c.window_high, this_epoch, c.last, of_window),
        "last_sealed_at": latest(c.sealed_at),
        "last_reconciled_at": latest(c.reconciled_at, c.reconciled_at.is_not(None)),
    }


def _sum(condition: Any, value: Any) -> Any:
    return func.sum(case((condition, value), else_=0))


_COUNTS = frozenset(
    {"seq", "sealed", "applied", "deviated", "held", "deviation", "quarantined"}
    | {"waived", "waived_rows", "missing", "extra", "different"}
)


def _standing(values: Any) -> JobStanding:
    counts = {name: int(values[name] or 0) for name in _COUNTS}
    verdict = read_verdict(values["ran_verdict"], values["job"])
    return JobStanding(**{**values, **counts, "ran_verdict": verdict})
