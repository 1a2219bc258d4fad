"""Whether a target table that exists fits a job: its columns and its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.job import Job
from bridge.route.filling import refuse_unfilled
from bridge.route.mapping import Route
from connectors.dialect import Dialect
from connectors.errors import StructureMismatch, nearest
from connectors.table import Filling, Fit, Kind, Table, TableName, Type

__all__ = ["onto_table", "other_key", "sorts_otherwise"]

_NOT_AS_TEXT = frozenset({Kind.DECIMAL, Kind.TIME})


def onto_table(job: Job, route: Route, existing: Table, target: Dialect) -> Route:
    """The same route with the types that the target's table really has. Raises StructureMismatch
    with every column that is missing, unwritable or of another kind, for a key that is not unique
    there, or for columns that let no row of the job in."""
    problems, columns = [], []
    for column in route.columns:
        if column.name not in existing.names:
            hint = nearest(column.name, existing.names)
            problems.append(f"column {column.name} is missing{f' ({hint})' if hint else ''}")
            continue
        there = existing.column(column.name)
        writable = target.takes(there)
        comes = column.source.type if column.brings_uuids else column.exchange
        if not writable or there.type.fit(comes) is Fit.NO:
            found = there.type if writable else there.native
            problems.append(f"column {column.name} is {found}, and {column.exchange} comes")
        elif column.name in route.key and sorts_otherwise(column.exchange, there.type):
            problems.append(
                f"key column {column.name} is {there.type}, which sorts otherwise than "
                f"{column.exchange}"
            )
        may_be_null = column.source.nullable and column.name not in route.key
        required = may_be_null and there.filling is Filling.NEEDED
        columns.append(replace(column, target=there.type, allowed=there.allowed, required=required))
    if problems:
        raise StructureMismatch(
            f"{job.job}: target table {existing.name} does not fit: {'; '.join(problems)}",
            endpoint=job.target.endpoint,
            remedy="change the table, or share the columns under other names",
        )
    _check_target_key(job, route.key, existing)
    refuse_unfilled(job.job, job.target.endpoint, existing, [c.name for c in columns])
    return replace(route, columns=tuple(columns))


def other_key(
    job: Job, key: Sequence[str], place: TableName, others: Sequence[str]
) -> StructureMismatch:
    """Of a table of ours whose key is another; `others`: what others keep in it, or by it."""
    remedy = "drop the table: a resync makes it anew"
    if others:
        kept = ", ".join(others)
        remedy = f"share the key as before, or name another target table: others need it for {kept}"
    return StructureMismatch(
        f"{job.job}: target table {place} has another key than {', '.join(key)}",
        endpoint=job.target.endpoint,
        remedy=remedy,
    )


def sorts_otherwise(comes: Type, kept: Type) -> bool:
    """Whether a store that keeps them as that type has the values in another order."""
    return comes.kind in _NOT_AS_TEXT and kept.kind is Kind.TEXT


def _check_target_key(job: Job, key: Sequence[str], existing: Table) -> None:
    if existing.is_view:
        raise StructureMismatch(
            f"{job.job}: target {existing.name} is a view",
            endpoint=job.target.endpoint,
            remedy="name a table",
        )
    if existing.heirs:
        raise StructureMismatch(
            f"{job.job}: target table {existing.name} has tables that inherit from it, whose rows "
            f"would be changed with its own: {existing.heirs}",
            endpoint=job.target.endpoint,
            remedy="name another table, or have them detached: ALTER TABLE … NO INHERIT …",
        )
    if not existing.transactional:
        raise StructureMismatch(
            f"{job.job}: target {existing.name} knows no transactions: half a batch may stay",
            endpoint=job.target.endpoint,
            remedy="ALTER TABLE … ENGINE=InnoDB",
        )
    if all(set(k) != set(key) for k in (existing.key, *existing.unique)):
        raise StructureMismatch(
            f"{job.job}: target table {existing.name} has no unique key over {', '.join(key)}",
            endpoint=job.target.endpoint,
            remedy="make these columns its primary key",
        )
