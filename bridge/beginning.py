"""Before anything moves: do both sides agree, and what is to be moved? Where the ledger is found
restored, and to begin again is safe, a new epoch begins by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.batch import GENESIS, Batch
from bridge.claim import find_claim, is_ours, refuse_elsewhere
from bridge.errors import Gap, Held, Restored
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.ledger.record import Head
from bridge.log import about
from bridge.outcome import Outcome, Part, how_to_decide
from bridge.plan import Plan, make_plan
from bridge.preparation import extend_target, find_receiver, prepare_target, refuse_narrow
from bridge.route.filling import refuse_disowned
from bridge.stream import check_stream
from reconcile.verdict import Verdict

__all__ = ["begin", "begin_epoch", "check_positions", "plan_whole", "remembered"]

BY_ITSELF = "bridgehead"
_OF_THE_STREAM = (Verdict.DEVIATION, Verdict.GAP, Verdict.FORK)

log = logging.getLogger("bridgehead")


def begin(held: Hold, outcome: Outcome) -> Plan:
    """Both sides agree, and what is to be moved is known. The receiver's position is read before
    anything else: a ledger that was restored would give numbers away twice. Where the source is a
    folder, which may lack what it once brought, to begin again is for a person to decide."""
    try:
        checked = find_receiver(held)
        if checked:
            check_positions(held, outcome)
    except Restored as error:
        if held.job.capture.method == "files":
            remedy = "put back the files that were taken, or their rows are deleted at the target"
            again = f"then bridgehead resync {held.name} --why TEXT"
            raise Gap(error.message, remedy=f"{remedy}; {again}") from error
        log.warning("%s; a new epoch begins, and everything is sent again", error.message)
        begin_epoch(held, error.message, BY_ITSELF, by_itself=True)
        outcome.renewed, outcome.anew = error.message, True
    plan = plan_whole(held)
    if not checked:
        check_positions(held, outcome)
    outcome.through.add(Part.BEGINNING)
    return plan


def plan_whole(held: Hold) -> Plan:
    """What is to be moved, if nothing waits for a person; what the target lacks is made."""
    with held.exchange.transaction():
        waiting, newest = held.ledger().held(), held.ledger().newest()
    plan = make_plan(held) if newest else _plan_anew(held)
    if waiting:
        batch = waiting[0]
        with about(held.name, batch.epoch, batch.seq):
            raise Held(
                f"{held.name}: batch {batch.seq} deletes {batch.tally.deleted} rows, "
                "more than max_delete was when it was sealed",
                remedy=how_to_decide(batch),
                batch=batch.place,
            )
    plan = prepare_target(held, plan)
    if newest is None:
        _empty_left_behind(held, plan)
    return plan


def check_positions(held: Hold, outcome: Outcome) -> None:
    """L2; and where the ledger stands is remembered outside the database. What a deeper look has
    found is over when one as deep does not find it any more."""
    mark = held.guard.mark()
    with held.exchange.transaction(), held.target.transaction():
        ledger = held.ledger()
        standing = ledger.standing()
        whole = standing is not None and standing.left in _OF_THE_STREAM
        outcome.cut = check_stream(ledger, held.receiver(), mark, whole=whole)
        head, position = ledger.head(), held.receiver().position()
    held.guard.keep(head)
    if position is not None and position.stalled:  # nothing is in the way any more
        with held.target.transaction():
            receiver = held.receiver()
            receiver.lock_position(held.token)
            receiver.go_on()
            failpoint("stall.ending")
        failpoint("stall.ended")


def remembered(held: Hold, sink: Callable[[Batch], None]) -> Callable[[Batch], None]:
    """What is sealed is remembered outside the database before it leaves: a target that is ahead of
    the guard file has heard somebody else."""

    def take(batch: Batch) -> None:
        held.guard.keep(Head(batch.epoch, batch.seq, batch.batch_hash))
        sink(batch)

    return take


def begin_epoch(held: Hold, why: str, actor: str, *, by_itself: bool = False) -> None:
    """The new chain hangs on the receiver's head, as the receiver itself tells it, and its number
    is higher than any that the receiver or the guard file has seen. What it lays aside cannot
    arrive any more."""
    refuse_elsewhere(held)
    find_receiver(held, anew=True)
    plan = _plan_anew(held)
    refuse_disowned(held, plan.changes)
    was_filled = find_claim(held, plan.effects.table) is not None
    plan = prepare_target(held, plan, resync=True)
    if was_filled and plan.target_exists:
        _tell_left_behind(held, plan)
    position = held.take_target()
    mark = held.guard.mark()
    known = [position.epoch if position else 0, mark.head.epoch if mark else 0]
    with held.exchange.transaction():
        ledger = held.ledger()
        ledger.new_epoch(
            why,
            actor,
            confirmed=position.head_hash if position else GENESIS,
            minimum=max(known),
            by_itself=by_itself,
        )
        head = ledger.head()
        failpoint("epoch.beginning")
    failpoint("epoch.begun")
    held.guard.keep(head)


def _plan_anew(held: Hold) -> Plan:
    """Of everything that there is, to a table of ours that has every column of it."""
    plan = make_plan(held, anew=True)
    refuse_narrow(held, plan)
    if plan.missing:
        extend_target(held, plan)
        plan = make_plan(held, anew=True)
    return plan


def _empty_left_behind(held: Hold, plan: Plan) -> None:
    """A table of ours loses what was sent in columns that the job has ceased to fill; what others
    keep in columns of their own stays."""
    left = _left_behind(held, plan)
    if left and is_ours(held, plan.effects.table):
        with held.target.transaction():
            held.target.execute(plan.effects.empty_columns(left))


def _tell_left_behind(held: Hold, plan: Plan) -> None:
    """Whether what we have sent may stay in a table that was taken over, a person decides."""
    left, there = _left_behind(held, plan), plan.effects.table
    if left and not is_ours(held, there):
        told = "%s: target table %s keeps what was sent in columns not shared any more: %s"
        log.warning(told, held.name, there, ", ".join(left))


def _left_behind(held: Hold, plan: Plan) -> list[str]:
    copy = plan.changes.copy
    with held.exchange.transaction():
        begun = bool(plan.others) and held.exchange.exists(copy)
    sent = held.exchange.describe(copy).names if begun else ()
    return [name for name in sent if name in plan.others]
