"""What a run knows before rows move: the route, the tables at exchange and target, the formats."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.claim import find_claim
from bridge.errors import Changed
from bridge.failpoint import failpoint
from bridge.filling import refuse_cascades, refuse_unlogged
from bridge.fit import onto_table
from bridge.hold import SCHEMA_LOCK, SCHEMA_WAIT_SECONDS, Hold
from bridge.ledger.history import History
from bridge.ledger.migrations import exchange_version, is_receiver_current
from bridge.ledger.schema import EXCHANGE, RECEIVER
from bridge.mapping import Route
from bridge.route import describe_source, find_route
from connectors.changes import Changes
from connectors.effects import Effects
from connectors.errors import ConfigurationError, StructureMismatch
from connectors.selection import Format
from connectors.table import Column, Fit, Kind, Table, TableName, Type

__all__ = ["Plan", "extend_target", "find_move", "find_ours", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """A job resolved for this run. `pull_format` and `push_format` are how rows travel on each hop;
    `content_hash` is that of the job as it really travels. `is_led_to`: rows lead to those of the
    target by a foreign key."""

    table: Table
    route: Route
    changes: Changes
    effects: Effects
    pull_format: Format
    push_format: Format
    content_hash: str
    chunk_rows: int
    target_exists: bool
    is_led_to: bool
    cursor_name: str | None

    @property
    def key(self) -> tuple[Column, ...]:
        """The key columns as the source describes them, in the order of the key."""
        by_name = {c.name: c.source for c in self.route.columns}
        return tuple(by_name[name] for name in self.route.key)

    @property
    def cursor(self) -> Column | None:
        """The source's cursor column; None for a job without one."""
        return self.table.column(self.cursor_name) if self.cursor_name else None


def make_plan(held: Hold, *, resync: bool = False) -> Plan:
    """Reads structures only; whatever is wrong with the job is raised here.

    Raises Changed if the job is no longer the one whose batches are in the ledger, unless a
    `resync` is about to begin again.
    """
    _refuse_neighbour(held)
    job = held.job
    table = describe_source(job, held.source)
    moved = None if resync else find_move(held, table)
    if moved is not None:
        raise moved
    place = held.target.resolve(TableName(job.target.table, job.target.schema))
    with held.target.transaction():
        exists = held.target.exists(place)
    existing = held.target.describe(place) if exists else None
    leading = held.target.leading_to(place) if exists else []
    if exists and table.query is None:
        _refuse_itself(held, table.name, place)
    route = find_route(job, table, held.exchange, held.target, held.deployment.code_tables)
    cursor = _cursor_of(held, table, route)
    content_hash = _content_hash(held, route, cursor)
    if not resync:
        _refuse_changed(held, content_hash)
    if existing is not None:
        if resync:
            existing = _as_extended(held, route, existing)
        route = onto_table(job, route, existing, held.target.dialect)
        refuse_cascades(job, place, leading)
    changes = Changes(
        held.exchange.dialect,
        held.exchange.resolve(TableName(f"bh_copy_{job.job}")),
        held.exchange.resolve(TableName(f"bh_change_{job.job}")),
        route.exchange_columns,
        route.key,
        cursor.kept if cursor else None,
        cursor_is_shared=cursor is not None and cursor.is_shared,
    )
    own = [TableName(name) for name in EXCHANGE.tables]
    refuse_unlogged(held.name, held.exchange, [changes.copy, changes.change, *own])
    refuse_unlogged(held.name, held.target, [place, *map(TableName, RECEIVER.tables)])
    effects = Effects(
        held.target.dialect, place, _target_columns(route, existing), route.key, owned=True
    )
    return Plan(
        table=table,
        route=route,
        changes=changes,
        effects=effects,
        pull_format=_pull_format(held, route, cursor.type if cursor else None),
        push_format=_push_format(held, route, effects),
        content_hash=content_hash,
        chunk_rows=held.deployment.chunk_rows(job),
        target_exists=exists,
        is_led_to=bool(leading),
        cursor_name=cursor.name if cursor else None,
    )


def find_move(held: Hold, table: Table) -> Changed | None:
    """Why the table that was found is another one than that which the job began with: a job that
    names no schema leaves it to the login where its table is looked for."""
    if held.job.source.schema or held.source.endpoint.schema:
        return None
    with held.exchange.transaction() as connection:
        history = History(connection, held.department, held.name)
        standing, newest = history.standing(), history.newest()
    before = standing.source_schema if standing and newest else None
    if not before or table.schema in ("", before):
        return None
    return Changed(
        f"{held.name}: table {table.name.name} is that of schema {table.schema} now, and was that "
        f"of {before}",
        endpoint=held.job.source.endpoint,
        remedy=f"have the login's search path set back; or, if schema {table.schema} is meant, "
        f"bridgehead resync {held.name} --why TEXT",
    )


@dataclass(frozen=True)
class _Cursor:
    """The source's cursor column, and the type that it is kept as; shared, if it is as it is."""

    name: str
    type: Type
    kept: Type
    is_shared: bool


def _cursor_of(held: Hold, table: Table, route: Route) -> _Cursor | None:
    name = held.job.capture.column
    if held.job.capture.method != "cursor" or name is None:
        return None
    kind = table.column(name).type
    is_shared = any(
        c.source.name == name and not (c.mask or c.codes is not None) for c in route.columns
    )
    return _Cursor(name, kind, held.exchange.dialect.represent(kind), is_shared)


def _content_hash(held: Hold, route: Route, cursor: _Cursor | None) -> str:
    beside = cursor.kept if cursor and not cursor.is_shared else None
    return route.structure_hash(held.deployment.content_hash(held.job), beside)


def extend_target(held: Hold) -> None:
    """Adds columns that the job has come to share to a target table of ours; for an image, which
    then fills them. Raises StructureMismatch where one of its columns has become too narrow.
    Anything else that does not fit is left for `make_plan` to refuse."""
    ours = find_ours(held)
    if ours is None or not held.job.target.ddl:
        return
    target, (route, existing) = held.target, ours
    missing = [c for c in route.target_columns if c.name not in existing.names]
    if not missing:
        return
    effects = Effects(target.dialect, existing.name, route.target_columns, route.key, owned=True)
    with target.lock(SCHEMA_LOCK, SCHEMA_WAIT_SECONDS), target.definition():
        target.execute_all(effects.add_columns(missing))
        failpoint("target.extending")
    failpoint("target.extended")


def _as_extended(held: Hold, route: Route, existing: Table) -> Table:
    """The target table as a resync finds it, once `extend_target` has added what it lacks."""
    missing = tuple(c for c in route.target_columns if c.name not in existing.names)
    if not missing or not held.job.target.ddl:
        return existing
    claim = find_claim(held, existing.name)
    if claim is None or not claim.owned:
        return existing
    return replace(existing, columns=(*existing.columns, *missing))


def find_ours(held: Hold) -> tuple[Route, Table] | None:
    """The route to a table as we would make it now, and the target table that we have made; None
    where we have made none. Raises StructureMismatch if the job has changed since, and the table
    cannot hold all that may come: an image would set aside what does not fit, and delete it
    there."""
    job, target = held.job, held.target
    place = target.resolve(TableName(job.target.table, job.target.schema))
    with target.transaction() as connection:
        if not target.exists(place) or not is_receiver_current(connection):
            return None
    claim = find_claim(held, place)
    if claim is None or not claim.owned:
        return None
    table, existing = describe_source(job, held.source), target.describe(place)
    route = find_route(job, table, held.exchange, target, held.deployment.code_tables)
    with held.exchange.transaction() as connection:
        known = exchange_version(connection) is not None
        newest = held.ledger().newest_applied() if known else None
    now = _content_hash(held, route, _cursor_of(held, table, route))
    if newest is not None and newest.content_hash != now:
        _refuse_narrow(held, route, existing)
    return route, existing


def _refuse_narrow(held: Hold, route: Route, existing: Table) -> None:
    """How long a mask or code can be no type says, and what a type of a family's own has become."""
    narrow = [
        f"column {c.name} is {existing.column(c.name).type}, and {c.target} comes"
        for c in route.columns
        if c.name in existing.names and not c.mask and c.codes is None
        if c.target.kind is not Kind.NATIVE
        if existing.column(c.name).type.fit(c.target) is Fit.CHECKED
    ]
    if narrow:
        raise StructureMismatch(
            f"{held.name}: target table {existing.name} is too narrow by now: {'; '.join(narrow)}",
            endpoint=held.job.target.endpoint,
            remedy="widen these columns there, or drop the table: a resync makes it anew",
        )


def _refuse_neighbour(held: Hold) -> None:
    """The job's tables at the exchange bear its name, and not its department's."""
    with held.exchange.transaction() as connection:
        known = exchange_version(connection) is not None
        neighbour = held.ledger().neighbour() if known else None
    if neighbour is not None:
        raise ConfigurationError(
            f"{held.name}: department {neighbour} has a job of this name in this exchange database",
            endpoint=held.exchange.endpoint.name,
            remedy="give this job another name, or this department an exchange database of its own",
        )


def _refuse_changed(held: Hold, content_hash: str) -> None:
    with held.exchange.transaction():
        known = held.ledger().content_hash()
    if known is not None and known != content_hash:
        raise Changed(
            f"{held.name}: its columns, key, rules, source or target are not those it began with",
            remedy=f"bridgehead resync {held.name} --why TEXT sends everything again as it is now",
        )


def _refuse_itself(held: Hold, source: TableName, target: TableName) -> None:
    """Two endpoints may lead to one table by other names, ports or default schemas."""
    if held.source.identity(source) == held.target.identity(target):
        raise ConfigurationError(
            f"{held.name}: source and target are the same table {target}",
            endpoint=held.job.target.endpoint,
            remedy="name another target table or endpoint",
        )


def _target_columns(route: Route, existing: Table | None) -> tuple[Column, ...]:
    if existing is None:
        return route.target_columns
    return tuple(existing.column(column.name) for column in route.columns)


def _pull_format(held: Hold, route: Route, cursor: Type | None) -> Format:
    """Raw where both stores speak it and no value needs to be looked at."""
    dialect = held.exchange.dialect
    exact = cursor is None or dialect.represent(cursor) == cursor
    raw = held.source.capabilities.reads & held.exchange.capabilities.loads
    exact = exact and not any(c.source.nullable for c in route.columns if c.name in route.key)
    stores = held.source.capabilities, held.exchange.capabilities
    bound = dialect.key_bound([c.exchange for c in route.columns if c.name in route.key])
    exact = exact and route.key_bytes in (None, bound)
    untouched = exact and route.needs_no_look(*stores)
    return _fastest(raw) if untouched else Format.ARROW


def _push_format(held: Hold, route: Route, effects: Effects) -> Format:
    """What the exchange holds was looked at on its way in; a store that takes rows without a look
    needs its own types, and no cast."""
    raw = held.exchange.capabilities.reads & held.target.capabilities.loads
    given = [effects.dialect.given("x", column) for column in effects.columns]
    if any(column.exchange != column.target for column in route.columns) or {*given} != {"x"}:
        raw -= {Format.PGCOPY}
    return _fastest(raw)


def _fastest(raw: frozenset[Format]) -> Format:
    return next((f for f in (Format.PGCOPY, Format.CSV) if f in raw), Format.ARROW)
