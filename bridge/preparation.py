"""What the target must have before rows move: receiver tables, the job's claim, its table."""

from __future__ import annotations

from dataclasses import replace

from bridge.batch import Batch
from bridge.claim import find_claim, refuse_elsewhere
from bridge.errors import Gap
from bridge.failpoint import failpoint
from bridge.hold import SCHEMA_LOCK, SCHEMA_WAIT_SECONDS, Hold
from bridge.ledger.claim import Claim, Claims
from bridge.ledger.migrations import (
    has_receiver,
    is_receiver_current,
    is_receiver_unversioned,
    lost_receiver_tables,
    upgrade_receiver,
)
from bridge.ledger.receiver import Position
from bridge.ledger.writer import Ledger
from bridge.plan import Plan
from bridge.route.narrow import narrowed_columns
from connectors.dialect import EVERYTHING
from connectors.errors import MissingObject, StructureMismatch

__all__ = ["extend_target", "find_receiver", "prepare_target", "refuse_loss", "refuse_narrow"]


def prepare_target(held: Hold, plan: Plan, *, resync: bool = False) -> Plan:
    """Makes what the target lacks: receiver tables, the job's claim and table. Idempotent, and
    without the schema lock when nothing is lacking.

    A table with rows that the job has not claimed before needs `adopt`. What was delivered and is
    gone is made again after a resync alone. Where the job may not create, what is missing is named
    for the DBA. A `resync` that has not begun its epoch yet leaves claim and table to the run that
    follows: if it were cut off, changes alone would go on into an empty one.
    """
    claim = _known_claim(held, plan)
    owned = claim is not None and claim.owned
    if claim is None:
        if not resync:
            refuse_loss(held, plan)
        _refuse_unmade(held)
        with held.target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS):
            claim = find_claim(held, plan.effects.table)
            with held.target.definition() as connection:
                if held.job.target.ddl:
                    upgrade_receiver(connection)
                    failpoint("receiver.made")
                owned = _claim(held, plan, claim, make=not resync)
                failpoint("target.claiming")
        failpoint("target.claimed")
    replaced = owned and not plan.is_led_to and not plan.others
    exists = plan.target_exists or not resync
    return replace(plan, effects=replace(plan.effects, owned=replaced), target_exists=exists)


def _refuse_unmade(held: Hold) -> None:
    if held.job.target.ddl:
        return
    with held.target.transaction() as connection:
        if has_receiver(connection):
            return
    raise MissingObject(
        f"{held.name}: the receiver tables (bh_…) are missing",
        endpoint=held.job.target.endpoint,
        remedy=f"bridgehead check {held.name} --ddl prints it for the DBA",
    )


def extend_target(held: Hold, plan: Plan) -> None:
    """Adds the columns that the job has come to share to a target table of ours; for an image,
    which then fills them."""
    with held.target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), held.target.definition():
        held.target.execute_all(plan.effects.add_columns(plan.missing))
        failpoint("target.extending")
    failpoint("target.extended")


def refuse_narrow(held: Hold, plan: Plan) -> None:
    """Raises StructureMismatch if the job has changed since rows came to the table, and that cannot
    hold all that may come: an image would set aside what does not fit, and delete it there."""
    if not plan.target_exists or not held.has_current_ledger:
        return
    place = plan.effects.table
    claim = find_claim(held, place)
    if claim is None:
        return
    if claim.owned:
        narrow = plan.narrow if _has_changed(held, plan) else ()
        remedy = "widen these columns there, or drop the table: a resync makes it anew"
    else:
        narrow = _narrowed(held, plan)
        remedy = "have them widened: what does not fit would be set aside, and deleted there"
    if narrow:
        raise StructureMismatch(
            f"{held.name}: target table {place} is too narrow by now: {'; '.join(narrow)}",
            endpoint=held.job.target.endpoint,
            remedy=remedy,
        )


def _has_changed(held: Hold, plan: Plan) -> bool:
    """Or may have: a ledger that was lost does not know what it was."""
    with held.exchange.transaction():
        newest = held.ledger().newest_applied()
    return newest is None or newest.content_hash != plan.content_hash


def _narrowed(held: Hold, plan: Plan) -> tuple[str, ...]:
    copy = plan.changes.copy
    with held.exchange.transaction():
        begun = held.exchange.exists(copy)
    return narrowed_columns(plan.route, held.exchange.describe(copy)) if begun else ()


def find_receiver(held: Hold, *, anew: bool = False) -> bool:
    """Whether the receiver's tables are there. Those that came back without their version are given
    it before anything is asked of them: what they say still holds. Gap where some were dropped; if
    everything is sent `anew`, these are made again."""
    makes = held.job.target.ddl
    with held.target.transaction() as connection:
        lost = lost_receiver_tables(connection) if anew and makes else []
        if is_receiver_current(connection) and not lost:
            held.receiver()
            return True
        if not makes or not (lost or is_receiver_unversioned(connection)):
            return False
    with held.target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), held.target.definition() as connection:
        upgrade_receiver(connection)
        failpoint("receiver.made")
    return True


def refuse_loss(held: Hold, plan: Plan) -> None:
    """Raises Gap where something was delivered, and the target has lost the position, the table or
    the job's claim on it: it was restored, or released. In an empty table the next changes would
    arrive as they were sent. Changed where the login only looks for them in another schema."""
    with held.exchange.transaction(), held.target.transaction() as connection:
        ledger = held.ledger()
        position = held.receiver().position() if has_receiver(connection) else None
        arrived = ledger.newest_confirmed() or _unconfirmed(ledger, position)
    if arrived is None:
        return
    place = f"{arrived.epoch}/{arrived.seq}"
    if position is None or not plan.target_exists:
        refuse_elsewhere(held)
    if position is None:
        what = f"the target has no position, {place} was confirmed"
    elif not plan.target_exists:
        what = f"the target has no table {plan.effects.table} any more, {place} had arrived"
    elif find_claim(held, plan.effects.table) is None:
        what = f"nobody claims target table {plan.effects.table} any more, {place} had arrived"
    else:
        return
    remedy = f"find out what was restored or changed, then bridgehead resync {held.name} --why TEXT"
    raise Gap(f"{held.name}: {what}", remedy=remedy)


def _unconfirmed(ledger: Ledger, position: Position | None) -> Batch | None:
    """What has arrived of this epoch by the receiver's account, though no run could note that."""
    if position is None or position.epoch != ledger.head().epoch:
        return None
    return ledger.batch(position.epoch, position.seq)


def _known_claim(held: Hold, plan: Plan) -> Claim | None:
    """The job's claim on the table, if everything is in place already. Where a position is, this
    is the run that may write from then on, whatever else has to be made."""
    with held.target.transaction() as connection:
        if not is_receiver_current(connection):
            return None
        position = held.receiver().position()
    if position is None:
        return None
    held.outrun(position.token)
    return find_claim(held, plan.effects.table) if plan.target_exists else None


def _claim(held: Hold, plan: Plan, claim: Claim | None, *, make: bool) -> bool:
    """Whether the table is made by us. One that was taken over stays so, though we make it again:
    its owner may put the first one back, with columns of its own."""
    place = plan.effects.table
    held.receiver().lock_position(held.token)
    if claim is None:
        if plan.target_exists and not held.job.target.adopt:
            _refuse_rows(held, plan)
        claim = Claim(place, held.department, held.name, owned=not plan.target_exists)
        if make:
            Claims(held.target.connection).add(claim)
    if not plan.target_exists:
        if not held.job.target.ddl:
            raise MissingObject(
                f"{held.name}: target table {place} does not exist, and ddl is false",
                endpoint=held.job.target.endpoint,
                remedy=f"have it created: {held.target.dialect.plain(plan.effects.create()[0])}",
            )
        if make:
            held.target.execute_all(plan.effects.create(plan.table.comment))
    return claim.owned


def _refuse_rows(held: Hold, plan: Plan) -> None:
    rows = held.target.value(plan.effects.count_range(EVERYTHING))
    if rows:
        raise StructureMismatch(
            f"{held.name}: target table {plan.effects.table} has rows already: {rows:,}",
            endpoint=held.job.target.endpoint,
            remedy="empty it, choose another, or set target: {adopt: true} to take it over",
        )
