"""What differs between versions of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from connectors.canonical import Digest, canonical_line
from connectors.dialect import EVERYTHING
from connectors.endpoint import Endpoint
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.dialect import Postgresql18Dialect, PostgresqlDialect
from connectors.table import Kind, Type
from tests.conformance.samples import load, make


def test_every_version_computes_the_same_digest(database: Callable[..., Endpoint]) -> None:
    lines = [(str(number), f"{number} 桥") for number in range(500)]
    columns = [("id", Type(Kind.INTEGER)), ("v", Type(Kind.TEXT))]
    with PostgresqlConnector(database()) as store:
        table = make(store, "t", columns, ["id"])
        load(store, table, lines)
        expected = Digest.of_lines(canonical_line(line) for line in lines)
        for dialect in (PostgresqlDialect(), Postgresql18Dialect()):
            store.dialect = dialect
            with store.transaction():
                query = dialect.range_lines(
                    table.name, table.columns, [table.columns[0]], EVERYTHING
                )
                assert store.digest_all(query) == (500, expected)
