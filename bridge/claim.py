"""Whose a table at the target is: one table is filled by one job of one department, under whatever
spelling of its name."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from bridge.configuration.tableplace import place_of
from bridge.errors import Changed
from bridge.hold import SCHEMA_LOCK, SCHEMA_WAIT_SECONDS, Hold, lock_of, open_ledger
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit
from bridge.ledger.claim import Claim, Claims
from bridge.ledger.migrations import has_receiver, lost_receiver_tables
from bridge.ledger.receiver import Receiver
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.errors import ConfigurationError
from connectors.registry import connect
from connectors.table import Table, TableName

__all__ = ["find_claim", "is_ours", "refuse_elsewhere", "release"]

_LISTED = 20


def find_claim(held: Hold, place: TableName) -> Claim | None:
    """The job's claim on this table of its target; None if nobody has claimed it. Raises
    StructureMismatch if another job fills it, and Changed if the table is another one than that
    which the job began with. Begins transactions of its own.

    Two names that are spelled alike may be one table: a schema that is named or the login's own,
    another case. What the store says of both decides.
    """
    alike = _claims(held.target, place.name)
    claims = _of(held.target, place, alike)
    ours = [claim for claim in claims if claim.is_of(held.department, held.name)]
    for claim in claims:
        if claim not in ours:
            raise claim.refusal(shared=bool(ours))
    found = next((claim for claim in ours if claim.table == place), next(iter(ours), None))
    if found is not None and found.table.schema is None:
        _refuse_another(held, place, {claim.table for claim in alike})
    return found


def refuse_elsewhere(held: Hold) -> None:
    """Raises Changed where a login that looks for its tables by itself finds neither the job's nor
    the receiver's any more, and what the job has filled is still there in another schema."""
    job, target = held.job.target, held.target
    if job.schema or target.endpoint.schema:
        return
    with target.transaction() as connection:
        if lost_receiver_tables(connection):  # it has found where they were
            return
    place = target.resolve(TableName(job.table))
    _refuse_another(held, place, {claim.table for claim in _claims(target, place.name)})


def _refuse_another(held: Hold, place: TableName, claimed: Container[TableName]) -> None:
    """A claim that names no schema leaves it to the login where its table is looked for: where that
    finds another one now, or none, the one that the job has filled is still there under its name.
    Not so of one that is `claimed` with its schema: to that the job had been moved."""
    if not held.has_current_ledger or not held.target.capabilities.schemas:
        return
    with held.exchange.transaction():
        standing = held.ledger().standing()
    fills = standing.fills if standing else None
    if fills is None:
        return
    with held.target.transaction():
        exists = held.target.exists(place)
    table = held.target.describe(place) if exists else Table(place, ())
    if fills == place_of(held.target, table):
        return
    for other in held.target.tables():
        there = replace(table, name=other, schema=other.schema or "")
        if (
            other.name == place.name
            and other not in claimed
            and fills == place_of(held.target, there)
        ):
            found = f"{held.name}: target table {place.name} is not found; it is in {other.schema}"
            if table.schema:
                found = (
                    f"{held.name}: target table {place.name} is that of schema {table.schema} now, "
                    f"and was that of {other.schema}"
                )
            raise Changed(
                found,
                endpoint=held.job.target.endpoint,
                remedy="have the login's search path set back, "
                f"or name the endpoint's schema: {other.schema}",
            )


def is_ours(held: Hold, place: TableName) -> bool:
    """Whether the job has made this table. As `find_claim`."""
    claim = find_claim(held, place)
    return claim is not None and claim.owned


def release(
    deployment: Deployment, endpoint: str, table: str, actor: str, why: str
) -> tuple[Claim, Claim | None]:
    """Our department's job gives up its claim on a table that it fills no more; afterwards the
    table is nobody's, or is left to the job that has claimed it too, by another spelling. Audited
    first: the two stores do not commit together."""
    settings, department = deployment.endpoint(endpoint), deployment.department.code
    with connect(settings) as target:
        claim = _claim_to_release(target, department, table)
        with open_ledger(deployment) as exchange, exchange.lock(lock_of(department, claim.job), 10):
            _refuse_filled(deployment, target, claim)
            with exchange.transaction() as connection:
                details = {"endpoint": endpoint, "table": str(claim.table), "why": why}
                Audit(connection, department).append(actor, "release", claim.job, details)
                Ledger(connection, department, claim.job).fills_nothing()
            with target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), target.transaction() as connection:
                claims = Claims(connection)
                claims.remove(claim)
                ours = [one for one in claims.find() if one.is_of(department, claim.job)]
                job = deployment.jobs.get(claim.job)
                if not ours and (job is None or job.target.endpoint != endpoint):
                    Receiver(connection, department, claim.job).retire()
        left = _of(target, claim.table, _claims(target, claim.table.name))
    return claim, next(iter(left), None)


def _claims(target: Connector, like: str | None = None) -> list[Claim]:
    with target.transaction() as connection:
        return Claims(connection).find(like) if has_receiver(connection) else []


def _of(target: Connector, table: TableName, claims: Sequence[Claim]) -> list[Claim]:
    """Those of the claims that are on this table."""
    return [
        claim
        for claim in claims
        if claim.table == table or target.identity(claim.table) == target.identity(table)
    ]


def _claim_to_release(target: Connector, department: str, table: str) -> Claim:
    claims = _claims(target)
    by_name = {str(claim.table): claim for claim in claims}
    endpoint = target.endpoint.name
    for name in (table, str(target.resolve(TableName(table)))):
        if name in by_name:
            claim = by_name[name]
            if claim.department != department:
                raise ConfigurationError(
                    f"table {table} is filled by job {claim.job} of department {claim.department}",
                    endpoint=endpoint,
                    remedy="that department alone gives it up",
                )
            return claim
    listed = ", ".join(f"{c.table} ({c.department}/{c.job})" for c in claims[:_LISTED])
    raise ConfigurationError(
        f"no job has claimed a table {table} there",
        endpoint=endpoint,
        remedy=f"claimed there: {listed}" if listed else "no table is claimed there",
    )


def _refuse_filled(deployment: Deployment, target: Connector, claim: Claim) -> None:
    """A claim is given up only where no job file can mean that table."""
    file = f"jobs/{claim.job}.yaml"
    if claim.job in deployment.bad_jobs:
        raise ConfigurationError(
            f"{file} has problems, and may mean table {claim.table}",
            remedy="put the file right, or take it away",
        )
    job = deployment.jobs.get(claim.job)
    if job is None:
        return
    with connect(deployment.endpoint(job.target.endpoint)) as filled:
        place = filled.resolve(TableName(job.target.table, job.target.schema))
        if filled.identity(place) == target.identity(claim.table):
            raise ConfigurationError(
                f"{file} names table {claim.table} as its target",
                remedy="let it name another target, or take the file away",
            )
