"""Schema equals migrations, on both sides, over every kind of store."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, Engine, MetaData, event, inspect, text
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from bridge.ledger import migrations
from bridge.ledger.audit import Audit
from bridge.ledger.migrations import (
    exchange_version,
    is_exchange_current,
    is_receiver_current,
    receiver_ddl,
    receiver_version,
    upgrade_exchange,
    upgrade_receiver,
)
from bridge.ledger.receiver import Receiver
from bridge.ledger.receiverschema import RECEIVER, RECEIVER_VERSION, health_view
from bridge.ledger.schema import EXCHANGE, EXCHANGE_VERSION
from connectors.errors import ConfigurationError

Version = Callable[[Connection], str | None]
Upgrade = Callable[[Connection], None]

SIDES = [
    pytest.param(upgrade_exchange, exchange_version, "bh_version", EXCHANGE, id="exchange"),
    pytest.param(
        upgrade_receiver, receiver_version, "bh_receiver_version", RECEIVER, id="receiver"
    ),
]
COMMITS_DDL = ("mysql",)
VERSIONS = {EXCHANGE: EXCHANGE_VERSION, RECEIVER: RECEIVER_VERSION}
BOTH = pytest.mark.parametrize(("upgrade", "version", "table", "metadata"), SIDES)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as opened:
        yield opened


@BOTH
def test_migrations_make_exactly_the_schema(
    connection: Connection, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    upgrade(connection)
    options = {"version_table": table, "compare_type": True}
    context = MigrationContext.configure(connection, opts=options)
    assert compare_metadata(context, metadata) == []


@BOTH
def test_upgrading_again_changes_nothing(
    connection: Connection, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    assert version(connection) is None
    upgrade(connection)
    first = version(connection)
    upgrade(connection)
    assert version(connection) == first is not None
    assert is_exchange_current(connection) is (metadata is EXCHANGE)
    assert is_receiver_current(connection) is (metadata is RECEIVER)


@BOTH
def test_the_caller_owns_the_transaction(
    engine: Engine, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    with engine.connect() as connection:
        transaction = connection.begin()
        upgrade(connection)
        assert transaction.is_active
        transaction.rollback()
    with engine.begin() as connection:
        if engine.dialect.name not in COMMITS_DDL:
            assert inspect(connection).get_table_names() == []
        upgrade(connection)
        assert version(connection) == VERSIONS[metadata]


@BOTH
@pytest.mark.parametrize("engine", COMMITS_DDL, indirect=True)
def test_a_migration_that_was_cut_off_is_done_again(
    engine: Engine, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    """After each of its statements that change anything."""
    cuts = 0
    for cut in itertools.count(1):
        with engine.connect() as connection, connection.begin():
            for name in inspect(connection).get_table_names():
                connection.execute(text(f"DROP TABLE {name}"))
            if _is_cut_off(connection, upgrade, cut):
                cuts += 1
            upgrade(connection)
            options = {"version_table": table, "compare_type": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []
            assert version(connection) == VERSIONS[metadata]
        if cuts < cut:
            break
    assert cuts > 5


@BOTH
def test_tables_that_came_back_without_their_version_stay_as_they_are(
    connection: Connection, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    upgrade(connection)
    connection.execute(text(f"DROP TABLE {table}"))
    upgrade(connection)
    assert version(connection) == VERSIONS[metadata]
    context = MigrationContext.configure(connection, opts={"version_table": table})
    assert compare_metadata(context, metadata) == []
    if metadata is EXCHANGE:
        assert Audit(connection, "d").verify() == []


def _is_cut_off(connection: Connection, upgrade: Upgrade, cut: int) -> bool:
    """Runs the migrations up to the statement before the one of that number."""
    seen = itertools.count(1)

    def stop(_: object, __: object, sql: str, *___: object) -> None:
        if sql.split()[0] in ("CREATE", "ALTER", "INSERT", "UPDATE") and next(seen) == cut:
            raise _CutOff

    event.listen(connection, "before_cursor_execute", stop)
    try:
        upgrade(connection)
    except _CutOff:
        return True
    finally:
        event.remove(connection, "before_cursor_execute", stop)
    return False


class _CutOff(Exception):
    pass


@BOTH
def test_what_a_newer_bridgehead_wrote_is_refused(
    connection: Connection, upgrade: Upgrade, version: Version, table: str, metadata: MetaData
) -> None:
    upgrade(connection)
    connection.execute(text(f"UPDATE {table} SET version_num = '9001'"))
    with pytest.raises(ConfigurationError, match="written by a newer Bridgehead"):
        upgrade(connection)
    assert version(connection) == "9001"


@pytest.mark.parametrize(
    ("side", "newest"), [("exchange", EXCHANGE_VERSION), ("receiver", RECEIVER_VERSION)]
)
def test_the_newest_version_is_the_head_of_the_migrations(side: str, newest: str) -> None:
    config = Config()
    config.set_main_option("script_location", f"{migrations.__path__[0]}/{side}")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [newest]


def test_both_sides_may_share_a_database(connection: Connection) -> None:
    upgrade_receiver(connection)
    upgrade_exchange(connection)
    assert (exchange_version(connection), receiver_version(connection)) == (
        EXCHANGE_VERSION,
        RECEIVER_VERSION,
    )
    wanted = {*EXCHANGE.tables, *RECEIVER.tables, "bh_version", "bh_receiver_version"}
    assert set(inspect(connection).get_table_names()) == wanted


def test_the_view_shows_what_is_documented(connection: Connection) -> None:
    upgrade_receiver(connection)
    assert inspect(connection).get_view_names() == [health_view.name]
    found = [column["name"] for column in inspect(connection).get_columns(health_view.name)]
    assert found == list(health_view.c.keys())


def test_the_audit_log_begins_with_its_anchor(connection: Connection) -> None:
    upgrade_exchange(connection)
    audit = Audit(connection, "d")
    assert audit.head() == (0, "0" * 64)
    assert audit.verify() == []
    assert audit.entries() == []


def test_migrations_leave_logging_and_output_alone(
    connection: Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    before = [*logging.getLogger().handlers], logging.getLogger().level
    upgrade_exchange(connection)
    upgrade_receiver(connection)
    assert ([*logging.getLogger().handlers], logging.getLogger().level) == before
    assert capfd.readouterr() == ("", "")


def test_a_current_database_costs_no_alembic(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade_exchange(connection)
        upgrade_receiver(connection)
    url = engine.url.render_as_string(hide_password=False)
    subprocess.run([sys.executable, "-c", _NORMAL_RUN, url], check=True)


_NORMAL_RUN = """
import sys
from sqlalchemy import create_engine
from bridge.ledger.migrations import upgrade_exchange, upgrade_receiver
with create_engine(sys.argv[1]).begin() as connection:
    upgrade_exchange(connection)
    upgrade_receiver(connection)
sys.exit("alembic" in sys.modules)
"""


def test_a_dba_can_make_the_receivers_tables(connection: Connection) -> None:
    for statement in receiver_ddl(connection.dialect):
        connection.exec_driver_sql(statement)
    assert receiver_version(connection) == RECEIVER_VERSION
    upgrade_receiver(connection)
    options = {"version_table": "bh_receiver_version"}
    context = MigrationContext.configure(connection, opts=options)
    assert compare_metadata(context, RECEIVER) == []
    assert inspect(connection).get_view_names() == [health_view.name]
    Receiver(connection, "d", "j").lock_position(1)


@pytest.mark.parametrize("dialect", [PGDialect(), SQLiteDialect(), MySQLDialect()])
def test_ddl_is_printed_without_a_connection(dialect: Dialect) -> None:
    statements = receiver_ddl(dialect)
    words = [" ".join(statement.split()[:3]) for statement in statements]
    assert words == [
        "CREATE TABLE bh_receiver_version",
        "CREATE TABLE bh_position",
        "CREATE TABLE bh_receipt",
        "CREATE INDEX bh_receipt_hash",
        "CREATE INDEX bh_receipt_kind",
        "CREATE TABLE bh_claim",
        "CREATE VIEW bh_health",
        "INSERT INTO bh_receiver_version",
    ]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_tables_may_live_in_a_schema(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA front"))
        connection.execute(text("SET search_path = front"))
        upgrade_exchange(connection)
        upgrade_receiver(connection)
        assert exchange_version(connection) == EXCHANGE_VERSION
        assert inspect(connection).get_table_names("public") == []
        assert "bh_batch" in inspect(connection).get_table_names("front")
