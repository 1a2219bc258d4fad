"""What a session says of a commit, while its line to the server ends before one byte or another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import ConnectionLost
from connectors.registry import connect
from connectors.table import Kind, Table, Type
from tests.conformance.conftest import MATRIX, Row
from tests.conformance.samples import load, make
from tests.scenario.proxy import Lines, Proxy, apart

_STEP_BYTES = 3
_COMMIT_BYTES = 20  # of the last statement alone, and more


@pytest.fixture(params=[row for row in MATRIX if not row.is_file], ids=lambda row: row.name)
def family(request: pytest.FixtureRequest) -> Row:
    row: Row = request.param
    return row


@pytest.fixture(scope="module")
def lines() -> Iterator[Lines]:
    with apart() as lines:
        yield lines


@pytest.fixture
def table(store: Connector) -> Table:
    made = make(store, "t", [("id", Type(Kind.INTEGER)), ("name", Type(Kind.TEXT))], ["id"])
    load(store, made, [("1", "0")])
    return made


def test_what_is_told_as_committed_is(
    place: Endpoint, store: Connector, table: Table, lines: Lines
) -> None:
    """A driver may let a statement go after it, and keep to itself that nobody was there."""
    line = lines(place)
    there = replace(place, host="127.0.0.1", port=line.at())
    at = 0
    try:
        while not _is_told(there, line, table, at):
            assert line.sprung(), f"before byte {at}"
            line.mend()
            at += _STEP_BYTES
        (found,) = store.rows(f"SELECT name FROM {store.dialect.table(table.name)}")
    finally:
        line.cut()
    assert found[0] == str(at), f"before byte {at}"
    assert at > _COMMIT_BYTES


def _is_told(there: Endpoint, line: Proxy, table: Table, at: int) -> bool:
    """Changes the row to `at`, over a line that ends before that byte: whether that is told."""
    change = text(f"UPDATE {table.name.name} SET name = :now WHERE id = :id")
    try:
        with connect(there) as session:
            with session.transaction() as connection:
                line.trap("there", at, "drop")
                connection.execute(change, {"now": str(at), "id": 1})
            return True
    except ConnectionLost:
        return False
