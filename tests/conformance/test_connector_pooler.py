"""PostgreSQL behind a real PgBouncer: whole sessions are as good as the server's own; a pooler
that hands out less is refused before it can mix what two sessions have set, locked or staged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from connectors.endpoint import Endpoint
from connectors.errors import (
    BridgeheadError,
    ConfigurationError,
    MissingObject,
    StoreFull,
)
from connectors.postgresql.connector import PostgresqlConnector
from connectors.registry import connect
from tests.pgbouncer import pooled

Database = Callable[..., Endpoint]
ways = pytest.mark.parametrize("way", ["postgresql", "odbc-postgresql"])


@ways
def test_a_whole_session_is_as_good_as_the_servers_own(
    way: str, database: Database, tmp_path: Path
) -> None:
    """PgBouncer as it comes lets no option of a session in with the login."""
    with pooled(replace(database(way), statement_timeout=90), tmp_path, "session") as place:
        for _ in range(2):  # the second has the first one's process, as new
            with connect(place) as store, store.lock("a", 0.0):
                with store.transaction():
                    store.execute("CREATE TEMPORARY TABLE t AS SELECT 1 AS n")
                    assert store.value("SHOW statement_timeout") == "90s"
                with store.transaction():
                    assert store.value("SELECT n FROM t") == 1
                with store.snapshot():
                    assert store.value("SHOW TimeZone") == "UTC"


@ways
def test_a_session_that_another_has_used_is_refused(
    way: str, database: Database, tmp_path: Path
) -> None:
    """What a run has locked or set would still be there."""
    with (
        pooled(database(way), tmp_path, "transaction") as place,
        connect(place),
        _refused("whole"),
    ):
        connect(place)


@ways
@pytest.mark.parametrize("begin", ["transaction", "snapshot"])
def test_the_session_of_a_transaction_is_the_one_of_the_last(
    begin: str, way: str, database: Database, tmp_path: Path
) -> None:
    with (
        pooled(database(way), tmp_path, "transaction") as place,
        connect(place) as store,
        _in_use(place),
        _refused("whole"),
        getattr(store, begin)(),
    ):
        pytest.fail("a transaction in another session has begun")


def test_a_session_of_one_statement_is_refused(database: Database, tmp_path: Path) -> None:
    with pooled(database(), tmp_path, "statement") as place, _refused("whole"):
        PostgresqlConnector(place)


def test_a_pooler_without_room(database: Database, tmp_path: Path) -> None:
    with (
        pooled(database(), tmp_path, "session", max_client_conn=1) as place,
        PostgresqlConnector(place),
        _refused("no more connections", StoreFull),
    ):
        PostgresqlConnector(place)


def test_a_database_of_which_a_pooler_knows_nothing(database: Database, tmp_path: Path) -> None:
    with pooled(database(), tmp_path, "session") as place:
        elsewhere = replace(place, database="nowhere")
        with _refused("no such database", MissingObject):
            PostgresqlConnector(elsewhere)


@contextmanager
def _refused(words: str, kind: type[BridgeheadError] = ConfigurationError) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert words in str(caught.value)


@contextmanager
def _in_use(place: Endpoint) -> Iterator[None]:
    """Another program has a transaction in the process that was ours a moment ago."""
    login = place.password
    assert login is not None
    with ExitStack() as stack:
        other = psycopg.connect(
            host=place.host,
            port=place.port,
            dbname=place.database,
            user=place.user,
            password=login.reveal(),
        )
        stack.enter_context(other)
        other.execute("SELECT 1")
        yield
