"""Refuses a table that would take no row of a job, before anything is sealed for it."""

from __future__ import annotations

from collections.abc import Collection

from bridge.hold import Hold
from connectors.changes import EPOCH, OPERATION, SEQ, Changes
from connectors.errors import MissingObject, StructureMismatch
from connectors.table import Filling, Table

__all__ = ["refuse_own_columns", "refuse_unfilled"]


def refuse_unfilled(job: str, endpoint: str, table: Table, filled: Collection[str]) -> None:
    """Raises StructureMismatch for columns that need a value which the job, filling those named,
    does not bring, and for those that the store alone fills though the job does."""
    needed = [c.name for c in table.columns if c.filling is Filling.NEEDED and c.name not in filled]
    if needed:
        raise StructureMismatch(
            f"{job}: every row of table {table.name} needs a value of {', '.join(needed)}, "
            "and the job brings none",
            endpoint=endpoint,
            remedy="give the column a default, make it nullable, or drop it",
        )
    computed = [c.name for c in table.columns if c.filling is Filling.STORE and c.name in filled]
    if computed:
        raise StructureMismatch(
            f"{job}: table {table.name} takes no value of {', '.join(computed)} from a job: "
            "the store alone computes it",
            endpoint=endpoint,
            remedy="leave it out of columns, share it under another name with `to:`, "
            "or make it an ordinary column",
        )


def refuse_own_columns(held: Hold, changes: Changes) -> None:
    """The same for the current copy and the change rows, should somebody have altered them."""
    names = [column.name for column in changes.staged]
    for table in (changes.copy, changes.change):
        try:
            found = held.exchange.describe(table)
        except MissingObject as error:
            raise MissingObject(
                f"{held.name}: its table {table.name} is gone",
                endpoint=held.deployment.exchange,
                remedy=f"bridgehead resync {held.name} --why TEXT "
                "sends everything again as it is now",
            ) from error
        refuse_unfilled(held.name, held.deployment.exchange, found, {EPOCH, SEQ, OPERATION, *names})
