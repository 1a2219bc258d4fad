"""Why a batch deviates, as far as its own numbers tell, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconcile.tally import Measured

__all__ = ["Cause", "Misfit", "cause_of"]


class Cause(StrEnum):
    """What most likely happened, in the order in which the evidence is weighed."""

    LOST_AT_TARGET = "lost_at_target"  # rows were applied and are not there: a trigger, a rule
    ALTERED_AT_TARGET = "altered_at_target"  # rows are there with other values: rounding, a trigger
    MISSING_BEFORE = "missing_before"  # updates found no row: it was lost or deleted earlier
    PRESENT_BEFORE = "present_before"  # inserts found a row: it came another way, or came twice
    DELETED_BEFORE = "deleted_before"  # deletes found nothing: somebody was quicker
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Misfit:
    """Effects that do not fit the operation: early evidence of an older loss."""

    insert_updated: int = 0
    update_inserted: int = 0
    delete_missing: int = 0


def cause_of(sent: Measured, received: Measured, misfit: Misfit) -> Cause:
    if misfit.update_inserted:
        return Cause.MISSING_BEFORE
    if misfit.insert_updated:
        return Cause.PRESENT_BEFORE
    if misfit.delete_missing:
        return Cause.DELETED_BEFORE
    if received.total < sent.total:
        return Cause.LOST_AT_TARGET
    if received.digest != sent.digest:
        return Cause.ALTERED_AT_TARGET
    return Cause.UNKNOWN
