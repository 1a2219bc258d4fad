"""Refuses a table that would take no row of a job, would not keep it, or would take others along,
before anything is sealed for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bridge.hold import Hold
from bridge.job import Job
from connectors.changes import EPOCH, OPERATION, SEQ, Changes
from connectors.connector import Connector
from connectors.errors import MissingObject, MissingRight, StructureMismatch
from connectors.table import Filling, ForeignKey, Kind, Table, TableName

__all__ = [
    "refuse_cascades",
    "refuse_disowned",
    "refuse_own_columns",
    "refuse_unfilled",
    "refuse_unkept",
]


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


def refuse_cascades(job: Job, place: TableName, leading: Sequence[ForeignKey]) -> None:
    """Raises StructureMismatch for foreign keys by which rows are deleted or altered, uncounted,
    along with one that is deleted at the target, unless the job says that it is meant so."""
    acting = [key for key in leading if not key.is_in_the_way]
    if acting and not job.target.cascade:
        named = "; ".join(f"{k.name} of table {k.table} (ON DELETE {k.on_delete})" for k in acting)
        raise StructureMismatch(
            f"{job.job}: to target table {place} lead foreign keys that take other rows along when "
            f"one is deleted there: {named}",
            endpoint=job.target.endpoint,
            remedy="have the DBA make them ON DELETE NO ACTION, or set target: {cascade: true} "
            "if those rows shall go or change, too",
        )


def refuse_unkept(job: str, store: Connector, names: Sequence[TableName]) -> None:
    """Raises StructureMismatch for those that a crash of the server would leave empty: no run would
    miss the rows. And for those that keep a receipt whose rows were taken back."""
    if found := store.unlogged(names):
        raise StructureMismatch(
            f"{job}: UNLOGGED, and empty after a crash: {', '.join(map(str, found))}",
            endpoint=store.endpoint.name,
            remedy="set it, or its partition, LOGGED (ALTER TABLE); where the server has crashed "
            f"meanwhile, bridgehead reconcile {job} tells what is missing",
        )
    if found := store.without_transactions(names):
        raise StructureMismatch(
            f"{job}: without transactions, and half done once a run is cut off: "
            f"{', '.join(map(str, found))}",
            endpoint=store.endpoint.name,
            remedy="set it ENGINE=InnoDB (ALTER TABLE); where a run was cut off meanwhile, "
            f"bridgehead reconcile {job} tells what is missing",
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
        shared = [found.column(name) for name in names if name in found.names]
        texts = [column for column in shared if column.type.kind is Kind.TEXT]
        if folding := [f"{c.name} ({c.collation})" for c in texts if c.folds]:
            raise StructureMismatch(
                f"{held.name}: its table {table.name} was given a collation that takes different "
                f"texts for one: {', '.join(folding)}",
                endpoint=held.deployment.exchange,
                remedy=f"bridgehead resync {held.name} --why TEXT makes it anew",
            )


def refuse_disowned(held: Hold, changes: Changes) -> None:
    """Raises MissingRight where the exchange was restored under another owner: what an image makes
    anew there, only an owner drops."""
    if found := held.exchange.disowned([changes.copy, changes.change]):
        login = held.exchange.endpoint.user
        raise MissingRight(
            f"{held.name}: its tables belong to another login: {', '.join(map(str, found))}",
            endpoint=held.deployment.exchange,
            remedy=f"have them, and all others of Bridgehead there, given to {login} "
            "(ALTER TABLE … OWNER TO)",
        )
