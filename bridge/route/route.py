"""Finds a job's route: its file held against the real structure of the three stores.

Everything that is wrong is found here, before a row moves and before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.job import Job
from bridge.route.filetable import check_source, file_table
from bridge.route.fit import sorts_otherwise
from bridge.route.mapping import ColumnRoute, Limits, Route
from connectors.changes import RESERVED
from connectors.connector import Capabilities, Connector
from connectors.dialect import Dialect
from connectors.errors import ConfigurationError, MissingObject, StructureMismatch, nearest
from connectors.table import Column, Kind, Table, TableName, Type

__all__ = ["describe_source", "find_route", "refuse_late"]

_TEMPORAL = frozenset({Kind.DATE, Kind.TIMESTAMP})
_NO_KEY = frozenset({Kind.JSON, Kind.FLOAT})
_TEXTS = frozenset({Kind.TEXT, Kind.JSON})


def describe_source(job: Job, source: Connector) -> Table:
    """The source's table, query or files as they are now."""
    check_source(job, source)
    if source.capabilities.files:
        return file_table(job, source)
    place = job.source
    if place.query is not None:
        return _with_charsets(job, source, source.describe_query(place.query))
    assert place.table is not None  # one of both, by the model
    table = source.describe(source.resolve(TableName(place.table, place.schema)))
    return _with_charsets(job, source, table)


def _with_charsets(job: Job, source: Connector, table: Table) -> Table:
    """The table with what the job says of the bytes of its texts. A key is looked for in the
    store's own order and by its own equality, which only ASCII shares with every charset."""
    wished = {name: c.charset for name, c in (job.columns or {}).items() if c.charset}
    if not wished and job.source.charset is None:
        return table
    if source.dialect.raw_text("x") is None:
        raise ConfigurationError(
            f"{job.job}: the family {source.dialect.family} cannot read texts by their bytes",
            endpoint=job.source.endpoint,
            remedy="leave charset out, and convert the texts in a view",
        )
    key = _key_of(job, table)
    columns = []
    for column in table.columns:
        charset = wished.get(column.name) or job.source.charset
        if charset and column.type.kind in _TEXTS:
            column = replace(column, charset="ascii" if column.name in key else charset)
        elif column.name in wished:
            raise ConfigurationError(
                f"{job.job}: column {column.name} is {column.type}, and has no charset",
                endpoint=job.source.endpoint,
                remedy=f"leave charset out of columns.{column.name}",
            )
        columns.append(column)
    return replace(table, columns=tuple(columns))


def find_route(
    job: Job,
    table: Table,
    exchange: Connector,
    target: Connector,
    code_tables: Mapping[str, Mapping[str, str]],
) -> Route:
    """The route of every shared column, to a target table as we would make it.

    Raises MissingObject for a column that the source lacks, StructureMismatch for a key that is
    missing or unusable and for a cursor that is no time.
    """
    _check_columns_exist(job, table)
    key = _find_key(job, table)
    _check_cursor(job, table)
    names = job.shared_columns(table.names)
    columns = [
        _column_route(
            job, table.column(source), name, exchange.dialect, target.dialect, code_tables
        )
        for source, name in names.items()
    ]
    _check_names(job, columns, exchange, target)
    columns = _with_room_in_key(columns, key, exchange.dialect, target.dialect)
    limits = _limits(exchange.capabilities, target.capabilities)
    of_key = [c for c in columns if c.source.name in key]
    here = exchange.dialect.key_bound([c.exchange for c in of_key])
    there = target.dialect.key_bound([c.target for c in of_key])
    key_bytes = min(filter(None, (here, there)), default=None)
    route = Route(tuple(columns), tuple(names[k] for k in key), limits, key_bytes)
    _check_order(job, route, exchange, target)
    return route


def _column_route(
    job: Job,
    column: Column,
    name: str,
    exchange: Dialect,
    target: Dialect,
    code_tables: Mapping[str, Mapping[str, str]],
) -> ColumnRoute:
    wish = (job.columns or {}).get(column.name)
    mask, codes = (wish.mask, wish.codes) if wish else (None, None)
    kind = Type(Kind.TEXT) if mask or codes else column.type
    kept = exchange.represent(kind)
    return ColumnRoute(
        source=column,
        name=name,
        exchange=kept,
        target=target.represent(kept),
        rule=wish.rule if wish else None,
        mask=mask,
        codes=code_tables[codes] if codes else None,
    )


def _with_room_in_key(
    columns: Sequence[ColumnRoute], key: Sequence[str], exchange: Dialect, target: Dialect
) -> list[ColumnRoute]:
    """A key may hold less than the same columns elsewhere."""
    of_key = [c for c in columns if c.source.name in key]
    kept = exchange.in_key([c.exchange for c in of_key])
    arriving = target.in_key([target.represent(kind) for kind in kept])
    held = {
        c.name: replace(c, exchange=here, target=there)
        for c, here, there in zip(of_key, kept, arriving, strict=True)
    }
    return [held.get(c.name, c) for c in columns]


def _check_columns_exist(job: Job, table: Table) -> None:
    named = [*(job.columns or {}), *job.key]
    if job.capture.column:
        named.append(job.capture.column)
    for name in named:
        if name not in table.names:
            raise MissingObject(
                f"{job.job}: there is no column {name} in {table.name}",
                endpoint=job.source.endpoint,
                remedy=nearest(name, table.names) or f"it has: {', '.join(table.names)}",
            )


def _key_of(job: Job, table: Table) -> tuple[str, ...]:
    return job.key or table.key or (table.unique[0] if table.unique else ())


def _find_key(job: Job, table: Table) -> tuple[str, ...]:
    key = _key_of(job, table)
    if not key:
        raise StructureMismatch(
            f"{job.job}: {table.name} has no key",
            endpoint=job.source.endpoint,
            remedy="name the columns that identify a row: key: [..]",
        )
    shared = job.shared_columns(table.names)
    for name in key:
        if name not in shared:
            raise StructureMismatch(
                f"{job.job}: key column {name} is not shared",
                endpoint=job.source.endpoint,
                remedy="share it under columns, or name another key",
            )
        if table.column(name).type.kind in _NO_KEY:
            raise StructureMismatch(
                f"{job.job}: key column {name} is {table.column(name).type}",
                endpoint=job.source.endpoint,
                remedy="name a key of numbers, text, dates or times",
            )
    return key


def _check_cursor(job: Job, table: Table) -> None:
    name = job.capture.column
    if job.capture.method != "cursor" or name is None:
        return
    if not table.transactional:
        raise StructureMismatch(
            f"{job.job}: {table.name} knows no transactions: half a change of it shows",
            endpoint=job.source.endpoint,
            remedy="ALTER TABLE … ENGINE=InnoDB, or use capture method compare",
        )
    kind = table.column(name).type
    if kind.kind not in _TEMPORAL:
        raise StructureMismatch(
            f"{job.job}: cursor column {name} is {kind}, not a date or timestamp",
            endpoint=job.source.endpoint,
            remedy="name the column of a row's last change, or use capture method compare",
        )


def refuse_late(job: Job, table: Table, source: Connector) -> None:
    """What a job whose stamps are the database's, and that is lossless for that, must not read: a
    window that was read is not looked at again, but by the sweep."""
    if found := source.without_horizon(table):
        raise StructureMismatch(
            f"{job.job}: {found} brings rows under stamps of before, so that no horizon holds",
            endpoint=job.source.endpoint,
            remedy="leave capture.stamp out, which makes the job bounded by its sweep; "
            "or use capture method compare, or read where its rows come from",
        )


def _check_order(job: Job, route: Route, exchange: Connector, target: Connector) -> None:
    """Parts and ranges of a key need one order at all three stores."""
    for column in (c for c in route.columns if c.name in route.key):
        if column.exchange.native.removesuffix("[]") in exchange.dialect.unsorted:
            raise StructureMismatch(
                f"{job.job}: key column {column.source.name} is {column.exchange}",
                endpoint=job.source.endpoint,
                remedy="name a key of numbers, text, dates or times",
            )
        steps = (
            (column.source.type, column.exchange, exchange, "exchange"),
            (column.exchange, column.target, target, "target"),
        )
        for comes, kept, store, role in steps:
            if sorts_otherwise(comes, kept):
                raise StructureMismatch(
                    f"{job.job}: key column {column.source.name} is {comes}, which the family "
                    f"{store.dialect.family} of the {role} keeps as text, in another order",
                    endpoint=job.source.endpoint,
                    remedy="give it a precision, or name another key",
                )


def _check_names(
    job: Job, columns: Sequence[ColumnRoute], exchange: Connector, target: Connector
) -> None:
    """A store would cut a name off, or take two for one, without a word."""
    stores = (exchange.dialect, target.dialect)
    seen: dict[str, str] = {}
    for column in columns:
        name = column.name
        problem = next(filter(None, (d.name_problem(name) for d in stores)), "")
        if name.lower() in RESERVED:
            problem = "is a name that Bridgehead uses itself"
        other = seen.setdefault(name.casefold(), name)
        if other != name and any(d.folds_names for d in stores):
            problem = (
                f"differs from column {other} in case alone, which a store does not tell apart"
            )
        if problem:
            raise StructureMismatch(
                f"{job.job}: column {name}: it {problem}",
                endpoint=job.target.endpoint,
                remedy="give it another name at the target with `to:`",
            )
    for name in filter(None, (job.target.table, job.target.schema)):
        problem = target.dialect.name_problem(name) or ""
        if problem:
            raise StructureMismatch(
                f"{job.job}: the target's name {name}: it {problem}",
                endpoint=job.target.endpoint,
                remedy="choose a shorter name",
            )


def _limits(exchange: Capabilities, target: Capabilities) -> Limits:
    stores = (exchange, target)
    return Limits(
        nul_in_text=all(s.nul_in_text for s in stores),
        infinite_times=all(s.infinite_times for s in stores),
        special_floats=all(s.special_floats for s in stores),
        special_decimals=all(s.special_decimals for s in stores),
        year_low=max(s.year_low for s in stores),
        year_high=min(s.year_high for s in stores),
        empty_text=all(s.empty_text for s in stores),
        unreal_dates=all(s.unreal_dates for s in stores),
        long_times=all(s.long_times for s in stores),
    )
