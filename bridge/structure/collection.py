"""Collects the structures of a store's tables, keeps them in the ledger, and tells what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from bridge.event import EventKind, Observation, Sighting
from bridge.hold import open_ledger
from bridge.job import Job
from bridge.ledger.structure import Structures
from bridge.notice.notice import note
from bridge.settings import Deployment
from bridge.structure.structure import Difference, differences, structure_of
from connectors.connector import Connector
from connectors.errors import MissingObject, MissingRight
from connectors.table import Table, TableName

__all__ = ["Changed", "Collection", "changes_kept", "collect", "keep", "listed_name"]

_MOST_TOLD = 5


@dataclass(frozen=True)
class Collection:
    """What one look at an endpoint has found. `whole`: every table was asked for, so one that is
    missing is gone. `unread` are tables that are listed and cannot be described, and why."""

    endpoint: str
    at: datetime
    tables: Mapping[TableName, Mapping[str, Any]]
    whole: bool = False
    unread: Mapping[TableName, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Changed:
    """How a table differs from the state that was collected at `since` (None: it is new here)."""

    table: TableName
    since: datetime | None
    at: datetime
    differences: tuple[Difference, ...]


def collect(store: Connector, names: Iterable[TableName]) -> Collection:
    """Every table of a store. One that vanished or may not be read meanwhile hides no other."""
    tables: dict[TableName, Mapping[str, Any]] = {}
    unread: dict[TableName, str] = {}
    for name in names:
        try:
            tables[name] = structure_of(store.describe(name))
        except (MissingObject, MissingRight) as error:
            unread[name] = error.message
    return Collection(store.endpoint.name, datetime.now(UTC), tables, whole=True, unread=unread)


def listed_name(store: Connector, table: Table) -> TableName:
    """The name that the store lists a table by, whatever name it was found by."""
    wanted = table.name.name.casefold()
    alike = [name for name in store.tables() if name.name.casefold() == wanted]
    if not alike:
        return table.name
    identity = store.identity(table.name)
    return next((name for name in alike if store.identity(name) == identity), table.name)


def keep(deployment: Deployment, found: Collection) -> list[Changed]:
    """Keeps what was found in the ledger, and tells how it differs from what was there before. What
    changed in a table of a job is an event of that job. Raises BridgeheadError where the ledger
    cannot be reached; then nothing is kept."""
    told: list[Changed] = []

    def look(connection: Connection) -> Observation:
        told[:] = _keep(connection, deployment, found)
        return _events(deployment, found.endpoint, told)

    with open_ledger(deployment) as exchange:
        note(exchange, deployment, look, found.at)
    return told


def changes_kept(
    connection: Connection, department: str, endpoint: str, table: TableName | None = None
) -> list[Changed]:
    """Every change that the ledger knows of, the oldest first."""
    structures = Structures(connection, department, endpoint)
    looked = structures.looked_at()
    found = []
    for name, kept in structures.states(table).items():
        if looked is not None and kept[0].collected_at > looked.collected_at:
            new = differences(None, kept[0].structure)
            found.append(Changed(name, None, kept[0].collected_at, tuple(new)))
        for before, after in pairwise(kept):
            differing = differences(before.structure, after.structure)
            found.append(Changed(name, before.seen_at, after.collected_at, tuple(differing)))
    return sorted(found, key=lambda change: (change.at, str(change.table)))


def _keep(connection: Connection, deployment: Deployment, found: Collection) -> list[Changed]:
    structures = Structures(connection, deployment.department.code, found.endpoint)
    newest = {name: states[-1] for name, states in structures.states().items()}
    looked = structures.looked_at()
    tables: dict[TableName, Mapping[str, Any] | None] = dict(found.tables)
    if found.whole:
        structures.note_look(found.at)
        known = {name for name, state in newest.items() if state.structure is not None}
        tables |= dict.fromkeys(known - tables.keys())
    changed = []
    for name, structure in sorted(tables.items(), key=lambda item: str(item[0])):
        last = newest.get(name)
        structures.keep(name, structure, last, found.at)
        differing = differences(last.structure if last else None, structure)
        if differing and (last or looked):  # what was never looked at before is not new
            since = last.seen_at if last else None
            changed.append(Changed(name, since, found.at, tuple(differing)))
    return changed


def _events(deployment: Deployment, endpoint: str, changed: Iterable[Changed]) -> Observation:
    seen = [
        Sighting(EventKind.STRUCTURE, job.job, facts=facts)
        for change in changed
        for facts in _facts(endpoint, change)
        for job in deployment.jobs.values()
        if _uses(job, endpoint, change.table)
    ]
    return Observation(tuple(seen))


def _facts(endpoint: str, change: Changed) -> Iterator[dict[str, str | int]]:
    matters = [d for d in change.differences if d.change.matters]
    if change.since is None or not matters:
        return
    told = [*map(str, matters[:_MOST_TOLD])]
    if len(matters) > _MOST_TOLD:
        told.append(f"and {len(matters) - _MOST_TOLD} more")
    told.append(f"in the table {change.table} at {endpoint}")
    yield {"endpoint": endpoint, "found": "; ".join(told)}


def _uses(job: Job, endpoint: str, table: TableName) -> bool:
    places = (
        (job.source.endpoint, job.source.table, job.source.schema),
        (job.target.endpoint, job.target.table, job.target.schema),
    )
    return any(
        place == endpoint and name == table.name and schema in (None, table.schema)
        for place, name, schema in places
    )
