"""What `check` says of the rights of the logins at exchange and target."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.hold import Hold
from bridge.inspection.finding import Finding, Level
from bridge.ledger.receiverschema import claim_row, position_row, receipt_row
from bridge.plan import Plan
from connectors.table import TableName

__all__ = ["rights"]

_RECEIVER_RIGHTS = {
    position_row.name: ("SELECT", "INSERT", "UPDATE"),
    receipt_row.name: ("SELECT", "INSERT"),
    claim_row.name: ("SELECT", "INSERT"),
}


def rights(held: Hold, plan: Plan, *, known: bool) -> Iterator[Finding]:
    """`known`: the receiver's tables are there."""
    missing = held.target.missing_rights(plan.effects.table) if plan.target_exists else []
    if held.job.target.ddl and not (known and plan.target_exists):
        missing += held.target.missing_rights(None)
    missing += held.target.missing_stage_rights()
    missing += _missing_of_receiver(held) if known else []
    if missing := list(dict.fromkeys(missing)):
        found = f"missing at {held.job.target.endpoint}: {', '.join(missing)}"
        yield _refused(held, found, "have them granted; what makes tables, the DBA may do instead")
    lacking = held.exchange.missing_rights(None) + held.exchange.missing_stage_rights()
    lacking = list(dict.fromkeys(lacking))
    if lacking:
        found = f"missing at {held.deployment.exchange}: {', '.join(lacking)}"
        yield _refused(held, found, "the exchange database belongs to Bridgehead")
    if not missing and not lacking:
        yield Finding(held.name, "rights", "source read, exchange and target written")


def _missing_of_receiver(held: Hold) -> list[str]:
    """Nothing there is ever altered but the position, and nothing deleted but a claim, by
    `release`."""
    found = []
    for name, needed in _RECEIVER_RIGHTS.items():
        missing = held.target.missing_rights(held.target.resolve(TableName(name)))
        if lacking := [right for right in missing if right in needed]:
            found.append(f"{name} ({', '.join(lacking)})")
    return found


def _refused(held: Hold, found: str, remedy: str) -> Finding:
    return Finding(held.name, "rights", found, Level.REFUSED, remedy, 4)
