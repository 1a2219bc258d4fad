"""What it means that a target refuses a row of a batch, in the words of the job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bridge.hold import Hold
from bridge.plan import Plan
from connectors.errors import RepeatedKey, RowRefused, StructureMismatch
from connectors.table import Index

__all__ = ["refusals_told"]


@contextmanager
def refusals_told(held: Hold, plan: Plan) -> Iterator[None]:
    """The errors of a delivery inside, with what is to be done about them."""
    try:
        yield
    except RepeatedKey as error:
        raise _of_a_key(held, plan, error) from error
    except RowRefused as error:
        narrow = ", ".join(plan.route.narrow_columns)
        if not narrow:
            raise
        raise _of_a_value(held, narrow, error) from error


def _of_a_key(held: Hold, plan: Plan, error: RepeatedKey) -> StructureMismatch:
    """What refuses a row is a unique index of the table's owner; or that of the key, where a
    collation of the target folds what would be one row there: nothing is merged. Else what was
    deleted has stayed, for what is inserted was not there, or was deleted first."""
    key = {*plan.effects.key}
    unique = [i for i in held.target.describe(plan.effects.table).indexes if i.unique]
    own = [i for i in unique if {*i.columns} != key]
    words = {*re.findall(r"\w+", error.message.partition(": ")[2])}
    told = [i for i in own if i.name in words or (i.columns and words >= {*i.columns})]
    is_of_key = words >= key or any(i.name in words for i in unique if {*i.columns} == key)
    folding = [c for c in plan.effects.key_columns if c.folds]
    if told or (own and not folding and not is_of_key):
        return _not_unique_there(held, told or own, error)
    if not folding:
        return _still_there(held, plan, error)
    named = ", ".join(f"{c.name} ({c.collation or c.native})" for c in folding)
    return StructureMismatch(
        f"{held.name}: a key collides under the target's collation: {named} takes "
        "two different keys of the source for one; neither was merged",
        endpoint=held.job.target.endpoint,
        remedy="give the key a collation there that tells them apart, or clear one of them; "
        f"where the source has only one of them left: bridgehead resync {held.name} --why TEXT",
    )


def _still_there(held: Hold, plan: Plan, error: RepeatedKey) -> StructureMismatch:
    return StructureMismatch(
        f"{held.name}: target table {plan.effects.table} has kept a row that was deleted there, "
        f"or somebody else has written it meanwhile; {error.message}",
        endpoint=held.job.target.endpoint,
        remedy="have triggers and rules taken away that keep what is deleted; deletes that shall "
        "be kept belong to a table of their own, by a trigger after each delete",
    )


def _not_unique_there(
    held: Hold, indexes: Sequence[Index], error: RepeatedKey
) -> StructureMismatch:
    named = "; ".join(f"{i.name} ({', '.join(i.columns)})" for i in indexes)
    return StructureMismatch(
        f"{held.name}: the target's table has a unique constraint of its own, not of the "
        f"job's key, and it refuses a row: {named}; {error.message}",
        endpoint=held.job.target.endpoint,
        remedy="where the source has such a value twice, correct it there; where rows have "
        "exchanged theirs, have the DBA drop the constraint",
    )


def _of_a_value(held: Hold, narrow: str, error: RowRefused) -> RowRefused:
    """What was sealed before its owner narrowed a column is refused there; some stores do not say
    by which."""
    return RowRefused(
        f"{held.name}: the target refuses a row, and columns there are narrower than what comes: "
        f"{narrow}; it says: {error.message}",
        endpoint=error.endpoint,
        remedy=f"{error.remedy}; a column that was narrowed meanwhile: have it widened, or "
        f"bridgehead resync {held.name} --why TEXT sets aside what does not fit",
    )
