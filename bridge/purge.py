"""Purge: change rows go when nobody can need them again (I9).

A batch's payload is let go when the batch is reconciled *and* its receipt is older than both
`retention.payload` and the oldest backup from which the target may be restored. The batch itself,
its counts, digest and receipt stay in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridge.batch import Batch, State
from bridge.failpoint import failpoint
from bridge.hold import Hold, hold
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit
from bridge.overview import read_ledger
from bridge.runs import due_jobs
from bridge.settings import Deployment
from connectors import payload
from connectors.connector import Connector
from connectors.errors import BridgeheadError
from connectors.table import TableName
from reconcile.verdict import Verdict

__all__ = ["Purged", "purge_jobs"]

_BATCHES_AT_ONCE = 100
_ROWS_AT_ONCE = 100_000
_STOPPED = (Verdict.GAP, Verdict.FORK)


@dataclass(frozen=True)
class Purged:
    """What was let go of one job, or would be. `why_not`: why everything is kept."""

    job: str
    batches: int = 0
    rows: int = 0
    why_not: str | None = None
    error: BridgeheadError | None = None


def purge_jobs(
    deployment: Deployment,
    names: Sequence[str],
    actor: str,
    wait: float,
    *,
    dry_run: bool = False,
) -> list[Purged]:
    """Those jobs, or all. What goes wrong with one stands in its result and harms no other. A job
    is held only if something of it can go."""
    for name in names:
        deployment.job(name)
    chosen = list(dict.fromkeys(names)) or due_jobs(deployment)
    found = _foresee(deployment, chosen, count=dry_run)
    if not names:
        found += _without_file(deployment, chosen)
    if dry_run:
        return found
    return [_purge(deployment, p.job, actor, wait) if p.batches else p for p in found]


def _foresee(deployment: Deployment, names: Sequence[str], *, count: bool) -> list[Purged]:
    """What may go now; without `count`, whether anything may."""
    with read_ledger(deployment) as exchange:
        if exchange is None:
            return [Purged(name) for name in names]
        return [_foreseen(deployment, exchange, name, count=count) for name in names]


def _without_file(deployment: Deployment, names: Sequence[str]) -> list[Purged]:
    """Jobs that the ledger alone still knows: what has outlived its retention there is told."""
    department = deployment.department.code
    with read_ledger(deployment) as exchange:
        if exchange is None:
            return []
        before = _before(deployment, exchange)
        with exchange.transaction() as connection:
            known = {standing.job for standing in Ledger.jobs(connection, department)}
            ledgers = (Ledger(connection, department, name) for name in sorted(known - {*names}))
            old = [batch for ledger in ledgers for batch in _old(ledger, before, 1)]
            left = [batch.job for batch in old if exchange.exists(_table(exchange, batch))]
    return [Purged(name, why_not="its job file is gone") for name in left]


def _foreseen(deployment: Deployment, exchange: Connector, name: str, *, count: bool) -> Purged:
    try:
        deployment.job(name)
        before = _before(deployment, exchange)
        with exchange.transaction() as connection:
            ledger = Ledger(connection, deployment.department.code, name)
            why_not = _why_kept(ledger)
            if why_not:
                return Purged(name, why_not=why_not)
            batches = _old(ledger, before, None if count else 1)
            rows = sum(_rows(exchange, batch) for batch in batches) if count else 0
            return Purged(name, len(batches), rows)
    except BridgeheadError as error:
        return Purged(name, error=error)


def _purge(deployment: Deployment, name: str, actor: str, wait: float) -> Purged:
    """In transactions of bounded size; what is committed before an error is told beside it."""
    purged = Purged(name)
    try:
        with hold(deployment, deployment.job(name), wait) as held:
            while portion := _let_go(held, actor):
                batches, rows = portion
                purged = Purged(name, purged.batches + batches, purged.rows + rows)
    except BridgeheadError as error:
        return replace(purged, error=error)
    return purged


def _let_go(held: Hold, actor: str) -> tuple[int, int] | None:
    """One transaction: change rows, states and audit entry. None if nothing may go."""
    exchange = held.exchange
    before = _before(held.deployment, exchange)
    with exchange.transaction() as connection:
        ledger = held.ledger()
        ledger.fence()
        old = [] if _why_kept(ledger) else _old(ledger, before, _BATCHES_AT_ONCE)
        batches = list(_bounded(old))
        if not batches:
            return None
        rows = sum(_rows(exchange, batch) for batch in batches)
        for batch in batches:
            place = (exchange.dialect, _table(exchange, batch), batch.epoch, batch.seq)
            exchange.execute(payload.delete(*place))
            ledger.move(batch, State.PURGED, note="retention")
        failpoint("purge.moving")
        details = _details(batches, rows, before)
        Audit(connection, held.department).append(actor, "purge", held.name, details)
        failpoint("purge.noting")
    failpoint("purge.gone")
    return len(batches), rows


def _why_kept(ledger: Ledger) -> str | None:
    """Where the target stands elsewhere than the ledger says, nobody knows yet what it lacks."""
    standing = ledger.standing()
    if standing is None or standing.ran_verdict not in _STOPPED:
        return None
    return f"the last run found a {standing.ran_verdict}: the target may have been restored"


def _before(deployment: Deployment, exchange: Connector) -> datetime:
    """By the exchange's clock; one that runs ahead of ours lets nothing go early."""
    now = min(exchange.clock(), datetime.now(UTC))
    return now - timedelta(seconds=deployment.settings.retention.payload_seconds)


def _old(ledger: Ledger, before: datetime, limit: int | None) -> list[Batch]:
    """The newest batch stays: it is what the next one stands on."""
    newest = {(batch.epoch, batch.seq) for batch in ledger.batches(limit=1)}
    found = ledger.purgeable(before, None if limit is None else limit + 1)
    return [batch for batch in found if (batch.epoch, batch.seq) not in newest][:limit]


def _bounded(batches: Iterable[Batch]) -> Iterable[Batch]:
    """As many as fit into a transaction, at least one."""
    rows = 0
    for number, batch in enumerate(batches):
        rows += batch.sent.total
        if number and rows > _ROWS_AT_ONCE:
            return
        yield batch


def _rows(exchange: Connector, batch: Batch) -> int:
    """A resync has made the table anew: a batch of an earlier epoch has none."""
    table = _table(exchange, batch)
    return int(exchange.value(payload.count(exchange.dialect, table, batch.epoch, batch.seq)))


def _table(exchange: Connector, batch: Batch) -> TableName:
    return exchange.resolve(TableName(f"bh_change_{batch.job}"))


def _details(batches: Sequence[Batch], rows: int, before: datetime) -> dict[str, object]:
    first, last = batches[0], batches[-1]
    return {
        "from": [first.epoch, first.seq],
        "to": [last.epoch, last.seq],
        "batches": len(batches),
        "rows": rows,
        "reconciled_before": before.isoformat(timespec="seconds"),
    }
