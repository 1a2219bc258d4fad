"""What a run knows before rows move: the route, the tables at exchange and target, the formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.claim import is_ours
from bridge.errors import Changed
from bridge.hold import Hold
from bridge.ledger.history import History
from bridge.ledger.otherjob import neighbour
from bridge.ledger.receiverschema import RECEIVER
from bridge.ledger.schema import EXCHANGE
from bridge.route.changed import refuse_changed
from bridge.route.filling import refuse_cascades, refuse_unkept
from bridge.route.fit import onto_table, other_key
from bridge.route.mapping import Route
from bridge.route.narrow import narrow_columns
from bridge.route.route import describe_source, find_route, refuse_late
from connectors.changes import Changes
from connectors.effects import Effects
from connectors.errors import ConfigurationError
from connectors.selection import Format
from connectors.table import Column, ForeignKey, Table, TableName, Type

__all__ = ["Plan", "find_move", "make_plan", "refuse_neighbour"]


@dataclass(frozen=True)
class Plan:
    """A job resolved for this run. `pull_format` and `push_format` are how rows travel on each hop;
    `content_hash` is that of the job as it really travels. `is_led_to`: rows lead to those of the
    target by a foreign key. `others`: columns there that the job does not fill. Of a job that is
    sent anew, the columns that a target table of ours is still `missing`, and those that are too
    `narrow` for all that may come."""

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
    others: tuple[str, ...]
    cursor_name: str | None
    missing: tuple[Column, ...]
    narrow: tuple[str, ...]

    @property
    def key(self) -> tuple[Column, ...]:
        """The key columns as the source describes them, in the order of the key."""
        by_name = {c.name: c.source for c in self.route.columns}
        return tuple(by_name[name] for name in self.route.key)

    @property
    def cursor(self) -> Column | None:
        """The source's cursor column; None for a job without one."""
        return self.table.column(self.cursor_name) if self.cursor_name else None


def make_plan(held: Hold, *, anew: bool = False) -> Plan:
    """Reads structures only; whatever is wrong with the job is raised here.

    Raises Changed if the job is no longer the one whose batches are in the ledger, unless
    everything is sent `anew`; then a table of ours counts as if it had all columns already.
    """
    _refuse_neighbour(held)
    job = held.job
    table = describe_source(job, held.source)
    moved = None if anew else find_move(held, table)
    if moved is not None:
        raise moved
    there = _look_there(held)
    if there.table is not None and table.query is None:
        _refuse_itself(held, table.name, there.place)
    route = find_route(job, table, held.exchange, held.target, held.deployment.code_tables)
    cursor = _cursor_of(held, table, route)
    if cursor is not None and job.capture.stamp == "database":
        refuse_late(job, table, held.source)
    content_hash = _content_hash(held, route, cursor)
    if anew:
        there = _as_extended(held, route, there)
        _refuse_other_key(held, route, there, cursor)
    else:
        refuse_changed(held, route, content_hash)
    if there.table is not None:
        route = onto_table(job, route, there.table, held.target.dialect)
        refuse_cascades(job, there.place, there.leading)
    changes = _changes_of(held, route, cursor)
    own = [TableName(name) for name in EXCHANGE.tables]
    refuse_unkept(held.name, held.exchange, [changes.copy, changes.change, *own])
    refuse_unkept(held.name, held.target, [there.place, *map(TableName, RECEIVER.tables)])
    columns = _target_columns(route, there.table)
    effects = Effects(held.target.dialect, there.place, columns, route.key, owned=True)
    return Plan(
        table=table,
        route=route,
        changes=changes,
        effects=effects,
        pull_format=_pull_format(held, route, cursor.type if cursor else None),
        push_format=_push_format(held, route, effects),
        content_hash=content_hash,
        chunk_rows=held.deployment.chunk_rows(job),
        target_exists=there.table is not None,
        is_led_to=bool(there.leading),
        others=_others(route, there.table),
        cursor_name=cursor.name if cursor else None,
        missing=there.missing,
        narrow=there.narrow,
    )


def find_move(held: Hold, table: Table) -> Changed | None:
    """Why the table that was found is another one than that which the job began with: a job that
    names no schema leaves it to the login where its table, or those of its query, are looked for.
    """
    if held.job.source.schema or held.source.endpoint.schema:
        return None
    with held.exchange.transaction() as connection:
        history = History(connection, held.department, held.name)
        standing, newest = history.standing(), history.newest()
    before = standing.source_schema if standing and newest else None
    if not before or table.schema in ("", before):
        return None
    name, now = held.name, table.schema
    if table.query is None:
        found = (
            f"{name}: table {table.name.name} is that of schema {now} now, and was that of {before}"
        )
    else:
        found = f"{name}: its query looks for tables in {now} now, and did so in {before}"
    return Changed(
        found,
        endpoint=held.job.source.endpoint,
        remedy=f"have the login's search path set back; or, if {now} is meant, "
        f"bridgehead resync {name} --why TEXT",
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


def _changes_of(held: Hold, route: Route, cursor: _Cursor | None) -> Changes:
    return Changes(
        held.exchange.dialect,
        held.exchange.resolve(TableName(f"bh_copy_{held.name}")),
        held.exchange.resolve(TableName(f"bh_change_{held.name}")),
        route.exchange_columns,
        route.key,
        cursor.kept if cursor else None,
        cursor_is_shared=cursor is not None and cursor.is_shared,
    )


@dataclass(frozen=True)
class _There:
    """The target table, if there is one, and the foreign keys that lead to it. `missing` and
    `narrow` as in a plan."""

    place: TableName
    table: Table | None = None
    leading: Sequence[ForeignKey] = ()
    missing: tuple[Column, ...] = ()
    narrow: tuple[str, ...] = ()


def _look_there(held: Hold) -> _There:
    target, wanted = held.target, held.job.target
    place = target.resolve(TableName(wanted.table, wanted.schema))
    with target.transaction():
        exists = target.exists(place)
    if not exists:
        return _There(place)
    return _There(place, target.describe(place), target.leading_to(place))


def _as_extended(held: Hold, route: Route, there: _There) -> _There:
    """A table of ours as it is once it has been given what it lacks, where the job may do that."""
    if there.table is None:
        return there
    missing = tuple(c for c in route.target_columns if c.name not in there.table.names)
    if missing and not (held.job.target.ddl and is_ours(held, there.place)):
        missing = ()
    table = replace(there.table, columns=(*there.table.columns, *missing))
    return replace(there, table=table, missing=missing, narrow=narrow_columns(route, there.table))


def _refuse_other_key(held: Hold, route: Route, there: _There, cursor: _Cursor | None) -> None:
    """A table of ours may be given the columns that it lacks, and no other key."""
    if there.table is None or not any(c.name in route.key for c in there.missing):
        return
    ours = {column.name for column in route.target_columns}
    copy = _changes_of(held, route, cursor).copy
    with held.exchange.transaction():
        begun = held.exchange.exists(copy)
    ours |= set(held.exchange.describe(copy).names if begun else ())
    others = [name for name in there.table.names if name not in ours]
    others += [str(key.table) for key in there.leading]
    raise other_key(held.job, route.key, there.place, others)


def _refuse_neighbour(held: Hold) -> None:
    if held.has_current_ledger:
        with held.exchange.transaction():
            refuse_neighbour(held)


def refuse_neighbour(held: Hold) -> None:
    """The job's tables at the exchange bear its name, and not its department's. In the caller's
    transaction there."""
    other = neighbour(held.ledger())
    if other is not None:
        raise ConfigurationError(
            f"{held.name}: department {other} has a job of this name in this exchange database",
            endpoint=held.exchange.endpoint.name,
            remedy="give this job another name, or this department an exchange database of its own",
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


def _others(route: Route, existing: Table | None) -> tuple[str, ...]:
    filled = {column.name for column in route.columns}
    return tuple(name for name in existing.names if name not in filled) if existing else ()


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
