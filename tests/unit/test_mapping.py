"""What a route says of rows that nobody looks at, and by what a job is known to be the same."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.job import Job
from bridge.route.mapping import ColumnRoute, Limits, Route
from bridge.route.route import find_route
from connectors.capability import Capabilities
from connectors.sqlite.connector import SqliteConnector
from connectors.table import Column, Kind, Table, TableName, Type

TEXT, NUMBER = Type(Kind.TEXT, length=9), Type(Kind.INTEGER)
HOLDS_MUCH = Capabilities(
    nul_in_text=True,
    infinite_times=True,
    unreal_dates=True,
    long_times=True,
    special_decimals=True,
    year_low=-4712,
    year_high=99_999,
)
NAMES = Limits.__annotations__
NO_LIMITS = Limits(**{name: getattr(HOLDS_MUCH, name) for name in NAMES})
STRICTER: dict[str, tuple[Any, set[Kind]]] = {
    "nul_in_text": (False, {Kind.TEXT, Kind.NATIVE, Kind.JSON}),
    "empty_text": (False, {Kind.TEXT, Kind.NATIVE, Kind.JSON, Kind.BINARY}),
    "special_floats": (False, {Kind.FLOAT}),
    "special_decimals": (False, {Kind.DECIMAL}),
    "long_times": (False, {Kind.TIME}),
    "infinite_times": (False, {Kind.DATE, Kind.TIMESTAMP}),
    "unreal_dates": (False, {Kind.DATE, Kind.TIMESTAMP}),
    "year_low": (-4711, {Kind.DATE, Kind.TIMESTAMP}),
    "year_high": (99_998, {Kind.DATE, Kind.TIMESTAMP}),
}


def plain(column: str, kind: Type = TEXT, **given: Any) -> ColumnRoute:
    """A column that is the same everywhere, but for what is given."""
    usual: dict[str, Any] = {
        "source": Column(column, kind),
        "name": column,
        "exchange": kind,
        "target": kind,
    }
    return ColumnRoute(**usual | given)


def route_of(*columns: ColumnRoute, limits: Limits = NO_LIMITS) -> Route:
    return Route(columns, ("id", "part"), limits)


def store(capabilities: Capabilities) -> Any:
    return SimpleNamespace(dialect=SqliteConnector.dialect, capabilities=capabilities)


JOB = Job.model_validate(
    {
        "job": "j",
        "source": {"endpoint": "source", "table": "t"},
        "target": {"endpoint": "target", "table": "t"},
        "capture": {"method": "compare"},
    }
)
TABLE = Table(TableName("t"), (Column("id", NUMBER), Column("name", TEXT)), ("id",))
ROUTE = route_of(plain("id"), plain("part", NUMBER), plain("name"))


def test_every_limit_is_one() -> None:
    assert STRICTER.keys() == NAMES.keys()


@pytest.mark.parametrize("limit", STRICTER)
def test_what_one_limit_forbids_is_looked_at_where_it_may_come(limit: str) -> None:
    value, concerned = STRICTER[limit]
    stricter = replace(NO_LIMITS, **{limit: value})
    beyond = {kind for kind in Kind if not stricter.hold_all(HOLDS_MUCH, {kind, Kind.UUID})}
    assert beyond == concerned
    assert NO_LIMITS.hold_all(HOLDS_MUCH, set(Kind))


@pytest.mark.parametrize("limit", STRICTER)
def test_of_exchange_and_target_the_stricter_one_counts(limit: str) -> None:
    """Whichever it is; neither can make up for what the other cannot hold."""
    stricter = replace(HOLDS_MUCH, **{limit: STRICTER[limit][0]})
    for exchange, target in (stricter, HOLDS_MUCH), (HOLDS_MUCH, stricter):
        route = find_route(JOB, TABLE, store(exchange), store(target), {})
        assert route.limits == replace(NO_LIMITS, **{limit: STRICTER[limit][0]})
    assert find_route(JOB, TABLE, store(HOLDS_MUCH), store(HOLDS_MUCH), {}).limits == NO_LIMITS


@pytest.mark.parametrize(
    "work",
    [
        {"rule": "resident_id"},
        {"mask": "name"},
        {"codes": {"a": "1"}},
        {"source": Column("id", TEXT, charset="gbk")},
        {"allowed": "^[ab]$"},
        {"exchange": Type(Kind.TEXT, length=8)},
        {"target": Type(Kind.TEXT, length=8)},
    ],
    ids=lambda work: next(iter(work)),
)
def test_a_column_that_needs_a_look_is_looked_at_also_in_the_key(work: dict[str, Any]) -> None:
    stores = Capabilities(strict=True), Capabilities(strict=True)
    assert ROUTE.needs_no_look(*stores)
    for place in range(3):
        columns = list(ROUTE.columns)
        columns[place] = replace(columns[place], **work)
        assert not replace(ROUTE, columns=tuple(columns)).needs_no_look(*stores)


def test_rows_go_unseen_only_where_nothing_can_be_beyond_what_the_target_holds() -> None:
    """The exchange refuses what it cannot hold itself; what it holds and the target does not, it
    does not refuse."""
    limits = replace(NO_LIMITS, special_decimals=False)
    number = plain("n", NUMBER, exchange=Type(Kind.DECIMAL), target=Type(Kind.DECIMAL))
    route = route_of(plain("id"), number, limits=limits)
    few, strict = Capabilities(special_decimals=False), replace(HOLDS_MUCH, strict=True)
    assert not route.needs_no_look(HOLDS_MUCH, strict)
    assert not route.needs_no_look(HOLDS_MUCH, HOLDS_MUCH)
    assert route.needs_no_look(few, HOLDS_MUCH)
    assert route.needs_no_look(HOLDS_MUCH, replace(strict, special_decimals=False))


@pytest.mark.parametrize(
    "changed",
    [
        replace(ROUTE, key=("part", "id")),
        replace(ROUTE, key=("id",)),
        replace(ROUTE, columns=ROUTE.columns[:2]),
        replace(ROUTE, columns=(*ROUTE.columns[:2], plain("title"))),
        replace(ROUTE, columns=(*ROUTE.columns[:2], plain("name", name="title"))),
        replace(ROUTE, columns=(*ROUTE.columns[:2], plain("name", source=Column("title", TEXT)))),
        replace(ROUTE, columns=(*ROUTE.columns[:2], plain("name", Type(Kind.TEXT, length=8)))),
    ],
    ids=["key order", "key", "fewer", "another", "name there", "name here", "length"],
)
def test_a_job_is_another_where_its_structure_is(changed: Route) -> None:
    assert changed.structure_hash("a") != ROUTE.structure_hash("a")
    assert ROUTE.structure_hash("a") == replace(ROUTE).structure_hash("a")
    assert ROUTE.structure_hash("a") != ROUTE.structure_hash("b")
