"""Every type of every family, through every pair of families, cell by cell, by every way rows
travel: what arrives is what was there, and what the next store cannot hold is set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from bridge.job import Job
from bridge.route.mapping import Route
from bridge.route.route import find_route
from bridge.transform.rows import transform
from connectors.canonical import Digest, canonical_line
from connectors.connector import Connector
from connectors.dialect import EVERYTHING
from connectors.effects import Effects
from connectors.endpoint import Endpoint
from connectors.errors import RowRefused
from connectors.registry import connect
from connectors.selection import Output, Selection
from connectors.table import Kind, Table, TableName
from tests.conformance.conftest import MATRIX
from tests.conformance.natives import (
    ALIASES,
    NATIVES,
    PREPARED,
    Native,
    Value,
    types_of,
)
from tests.conformance.samples import Line, fetch, selection_of
from tests.scenario.world import World

Database = Callable[..., Endpoint]
FAMILIES = tuple(row.name for row in MATRIX if row.name in NATIVES)
PAIRS = tuple(product(FAMILIES, FAMILIES))
# Families of another one's types: from and to one other family shows how they read and write.
ALIKE = tuple((row.name, "sqlite") for row in MATRIX if row.name in ALIASES)
ALIKE_PAIRS = (*PAIRS, *ALIKE, *(("sqlite", name) for name, _ in ALIKE))
OPTIONS = {row.name: row.options for row in MATRIX}
NAME = TableName("所有类型")


@dataclass(frozen=True)
class Cell:
    """A row of the table of all types: its key, and the one column of it that is not NULL."""

    id: int
    column: int
    native: Native
    value: Value

    def refused(self, *families: str) -> str:
        return self.value.refused(*families)

    def line(self, width: int) -> Line:
        texts: list[str | None] = [None] * width
        texts[self.column] = self.value.text
        return (str(self.id), *texts)


def _cells(family: str) -> list[Cell]:
    found = [
        (column, native, value)
        for column, native in enumerate(types_of(family))
        for value in native.values
    ]
    return [Cell(number, *each) for number, each in enumerate(found, 1)]


def _make(store: Connector, family: str) -> Table:
    """The table of all types, by the family's own words."""
    d = store.dialect
    columns = [f"{_quote(d, _name(i))} {n.declared}" for i, n in enumerate(types_of(family))]
    statements = [
        *PREPARED.get(ALIASES.get(family, family), ()),
        f"CREATE TABLE {_quote(d, NAME.name)} "
        f"(id integer NOT NULL PRIMARY KEY, {', '.join(columns)})",
    ]
    for cell in _cells(family):
        into = f"{_quote(d, NAME.name)} (id, {_quote(d, _name(cell.column))})"
        statements.append(f"INSERT INTO {into} VALUES ({cell.id}, {cell.value.sql})")
    with _making(store, family) as making, making.transaction():
        for statement in statements:
            making.execute(statement.replace("%", "%%") if d.placeholder == "%s" else statement)
    return store.describe(NAME)


def _making(store: Connector, family: str) -> AbstractContextManager[Connector]:
    """Whom the tables of a store are made by: MariaDB's ODBC driver cannot carry our statements."""
    if family != "odbc-mariadb":
        return nullcontext(store)
    return connect(replace(store.endpoint, family="mysql", driver=None))


def _quote(dialect: Any, name: str) -> str:
    return str(dialect.quote(name))


def _name(column: int) -> str:
    return f"c{column}"


@pytest.fixture
def opened(database: Database) -> Iterator[Callable[[str], Connector]]:
    sessions: list[Connector] = []

    def open_store(family: str) -> Connector:
        sessions.append(connect(database(family, options=OPTIONS[family])))
        return sessions[-1]

    yield open_store
    for session in sessions:
        session.close()


JOB = {
    "job": "j",
    "source": {"endpoint": "source", "table": NAME.name},
    "target": {"endpoint": "target", "table": NAME.name},
    "capture": {"method": "compare"},
}


def _next_table(route: Route, store: Connector) -> Table:
    effects = Effects(store.dialect, NAME, route.exchange_columns, route.key, owned=True)
    with store.transaction():
        store.execute_all(effects.create())
    return store.describe(NAME)


def _selection(table: Table, route: Route) -> Selection:
    outputs = tuple(Output(c.source, c.exchange) for c in route.columns)
    return Selection(table, outputs, (table.column("id"),))


def _digest(store: Connector, table: Table) -> Digest:
    with store.transaction():
        key = [table.column("id")]
        return store.digest_all(
            store.dialect.range_lines(table.name, table.columns, key, EVERYTHING)
        )[1]


@pytest.mark.parametrize("family", [*FAMILIES, *ALIASES])
def test_a_declared_type_is_the_shared_type_it_says(
    opened: Callable[[str], Connector], family: str
) -> None:
    table = _make(opened(family), family)
    for column, native in zip(table.columns[1:], types_of(family), strict=True):
        assert (native.declared, column.type) == (native.declared, native.type)


@pytest.mark.parametrize(("one", "other"), ALIKE_PAIRS)
def test_the_exact_path_changes_nothing_and_sets_aside_what_does_not_fit(
    opened: Callable[[str], Connector], one: str, other: str
) -> None:
    source, store = opened(one), opened(other)
    table, cells = _make(source, one), _cells(one)
    route = find_route(Job.model_validate(JOB), table, store, store, {})
    held = _next_table(route, store)
    refused: dict[str, tuple[str, str]] = {}
    with source.snapshot(), store.transaction():
        accepted = []
        for batch in source.read(_selection(table, route)).part(100_000):
            done = transform(batch, route)
            accepted.append(done.accepted)
            refused |= {str(r.key[0]): (r.column, r.reason.value) for r in done.refused}
        store.load(NAME, held.columns, iter(accepted))
    expected = {str(c.id): (_name(c.column), c.refused(other)) for c in cells if c.refused(other)}
    assert refused == expected
    lines = [cell.line(len(types_of(one))) for cell in cells if not cell.refused(other)]
    assert fetch(store, selection_of(held)) == lines
    assert _digest(store, held) == Digest.of_lines(map(canonical_line, lines))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_raw_path_carries_each_column_that_it_is_used_for(
    opened: Callable[[str], Connector], one: str, other: str
) -> None:
    """Each column by itself, since one that needs a look takes all others the exact way."""
    source, store = opened(one), opened(other)
    raw = source.capabilities.reads & store.capabilities.loads
    table = _make(source, one)
    for column, native in enumerate(types_of(one)):
        narrow = Table(NAME, (table.columns[0], table.columns[1 + column]), ("id",))
        job = Job.model_validate({**JOB, "columns": {"id": {}, _name(column): {}}})
        route = find_route(job, narrow, store, store, {})
        untouched = route.needs_no_look(source.capabilities, store.capabilities)
        for format in raw if untouched else ():
            cells = [cell for cell in _cells(one) if cell.column == column]
            held = _next_table(route, store)
            for cell in cells:
                keys = replace(_selection(narrow, route), among=((str(cell.id),),))
                refused = pytest.raises(RowRefused) if cell.refused(other) else nullcontext()
                with refused, source.snapshot(), store.transaction():
                    stream = source.read(keys, format)
                    store.load(NAME, held.columns, stream.part(100_000), format)
            lines = [(str(c.id), c.value.text) for c in cells if not c.refused(other)]
            assert fetch(store, selection_of(held)) == lines, (native.declared, format)
            with store.transaction():
                store.execute(store.dialect.drop(store.dialect.table(NAME)))


@pytest.mark.parametrize("family", [*FAMILIES, *ALIASES])
def test_the_server_s_digest_is_the_agent_s(
    opened: Callable[[str], Connector], family: str
) -> None:
    """Over the family's own types, of all values that can be told in a text at all."""
    store = opened(family)
    table = _make(store, family)
    bad = [str(cell.id) for cell in _cells(family) if cell.value.never]
    if bad:
        with store.transaction():
            store.execute(f"DELETE FROM {store.dialect.table(NAME)} WHERE id IN ({', '.join(bad)})")
    lines = [c.line(len(types_of(family))) for c in _cells(family) if not c.value.never]
    assert fetch(store, selection_of(table)) == lines
    assert _digest(store, table) == Digest.of_lines(map(canonical_line, lines))


@pytest.mark.parametrize(("one", "other"), [*PAIRS, *ALIKE])
def test_a_job_takes_every_type_to_the_next_family_and_back(
    database: Database, tmp_path: Any, one: str, other: str
) -> None:
    """The whole path: source, exchange of the other family, and a target of the first again."""
    roles = {"source": one, "exchange": other, "target": one}
    stores = {role: database(family, options=OPTIONS[family]) for role, family in roles.items()}
    with connect(stores["source"]) as source:
        _make(source, one)
    world = World(tmp_path / "config", stores)
    try:
        world.job(**{**JOB, "name": "j"})
        outcome = world.run()
        assert (outcome.error, outcome.verdict) == (None, "reconciled")
        (batch,) = outcome.batches
        cells = _cells(one)
        good = [cell for cell in cells if not cell.refused(one, other)]
        assert batch.tally.read == len(cells)
        assert batch.tally.quarantined == len(cells) - len(good)
        reasons = world.sql("exchange", "SELECT q.key, reason FROM bh_quarantine q")
        refused = {f'["{c.id}"]': c.refused(one, other) for c in cells if c not in good}
        assert dict(reasons) == refused
        lines = [cell.line(len(types_of(one))) for cell in good]
        for role, name in (("exchange", TableName("bh_copy_j")), ("target", NAME)):
            with connect(stores[role]) as store:
                assert fetch(store, _shared(store.describe(name))) == lines, role
        assert batch.digest == str(Digest.of_lines(map(canonical_line, lines)))
        assert batch.received is not None
        assert batch.received.digest == batch.digest
        world.run_well()
    finally:
        world.close()


def _shared(table: Table) -> Selection:
    columns = tuple(c for c in table.columns if not c.name.startswith("bh_"))
    return selection_of(Table(table.name, columns, table.key))


def test_every_kind_is_among_the_types() -> None:
    for family, natives in NATIVES.items():
        missing = set(Kind) - {native.type.kind for native in natives}
        assert missing <= {Kind.NATIVE}, family


def test_long_names_are_refused_before_anything_is_cut(database: Database, tmp_path: Any) -> None:
    """64 characters pass where a store takes them; PostgreSQL takes 63 bytes."""
    for name in ("x" * 64, "信" * 64):
        for exchange in FAMILIES:
            stores = {"source": "sqlite", "exchange": exchange, "target": "sqlite"}
            made = {r: database(f, options=OPTIONS[f]) for r, f in stores.items()}
            world = World(tmp_path / f"{exchange}{len(name.encode())}", made)
            world.sql("source", f'CREATE TABLE t (id integer PRIMARY KEY, "{name}" text)')
            world.sql("source", "INSERT INTO t VALUES (1, 'a')")
            world.job("j", capture={"method": "compare"})
            outcome = world.run()
            with connect(made["exchange"]) as store:
                problem = store.dialect.name_problem(name)
            if problem is None:
                assert outcome.verdict == "reconciled", outcome.error
                assert world.sql("target", f'SELECT "{name}" FROM t') == [("a",)]
            else:
                assert outcome.exit_code == 4
                assert problem in str(outcome.error)
                assert len(outcome.batches) == 0
            world.close()
