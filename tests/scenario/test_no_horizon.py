"""What brings rows under stamps of before: no horizon holds there, and a window that was read would
not be looked at again, but by the sweep."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.demo.postgres import EmbeddedPostgres
from connectors.endpoint import Endpoint, Secret
from tests.scenario.world import ROLES, MakeWorld, World, cursor_job

PG, MARIA, LITE = "postgresql", "mysql", "sqlite"
COMPARED = {"capture": {"method": "compare"}, "key": ["id"]}
OF_A_TABLE_ELSEWHERE = """
id integer NOT NULL, name text, amount numeric(10,2), updated_at timestamptz
"""


@pytest.fixture
def source(make: MakeWorld, request: pytest.FixtureRequest) -> World:
    world = make(request.param, LITE, LITE)
    world.make_table(3)
    return world


def refusal(world: World, table: str) -> str:
    world.job("j", source={"endpoint": "source", "table": table}, key=["id"], **cursor_job())
    refused = world.run().error
    assert refused is not None
    assert (refused.exit_code, refused.endpoint) == (4, "source")
    assert "compare" in (refused.remedy or "")
    assert not world.batches()
    return refused.message


@pytest.mark.parametrize("source", [PG], indirect=True)
def test_a_job_that_is_bounded_by_its_sweep_may_read_it(source: World) -> None:
    source.sql("source", "CREATE MATERIALIZED VIEW kept AS SELECT * FROM t")
    whence = {"endpoint": "source", "table": "kept"}
    source.job("j", source=whence, key=["id"], **cursor_job(stamp="application"))
    assert source.run_well().batches[0].tally.inserted == 3
    source.insert([4], stamp="now() - interval '1 day'")
    source.sql("source", "REFRESH MATERIALIZED VIEW kept")
    assert source.run_well().batches[0].tally.inserted == 1


def arrived(world: World, table: str) -> int:
    place = {"endpoint": "target", "table": "other"}
    whence = {"endpoint": "source", "table": table}
    world.job("k", source=whence, target=place, key=["id"], **cursor_job())
    return world.run_well("k").batches[0].tally.inserted


@pytest.mark.parametrize("source", [PG, "odbc-postgresql"], indirect=True)
def test_a_materialized_view_brings_rows_under_stamps_of_before(source: World) -> None:
    source.sql(
        "source",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM t",
        "CREATE VIEW beside AS SELECT k.* FROM kept k JOIN t ON t.id = k.id",
        "CREATE VIEW above AS SELECT * FROM beside",
        "CREATE VIEW sound AS SELECT * FROM t",
        "CREATE RULE noted AS ON UPDATE TO sound DO ALSO SELECT * FROM kept",
    )
    for table in ("kept", "beside", "above"):
        assert "materialized view public.kept" in refusal(source, table)
    source.job("j", source={"endpoint": "source", "table": "above"}, **COMPARED)
    assert source.run_well().batches[0].tally.inserted == 3
    source.insert([4])
    source.sql("source", "REFRESH MATERIALIZED VIEW kept")
    assert source.run_well().batches[0].tally.inserted == 1
    assert arrived(source, "sound") == 4


@pytest.mark.parametrize("source", [PG], indirect=True)
def test_a_table_of_another_server_commits_there(source: World) -> None:
    source.sql(
        "source",
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw",
        f"CREATE FOREIGN TABLE far ({OF_A_TABLE_ELSEWHERE}) SERVER there",
        f"CREATE TABLE parted ({OF_A_TABLE_ELSEWHERE}) PARTITION BY RANGE (id)",
        "CREATE FOREIGN TABLE part PARTITION OF parted FOR VALUES FROM (1) TO (9) SERVER there",
        f"CREATE TABLE whole ({OF_A_TABLE_ELSEWHERE}) PARTITION BY RANGE (id)",
        "CREATE TABLE near PARTITION OF whole FOR VALUES FROM (1) TO (9)",
        "INSERT INTO near SELECT * FROM t",
    )
    assert "foreign table public.far" in refusal(source, "far")
    assert "foreign table public.part" in refusal(source, "parted")
    assert arrived(source, "whole") == 3


def test_a_subscription_brings_rows_under_the_stamps_of_its_publisher(
    database: Callable[..., Endpoint], tmp_path: Path
) -> None:
    settings = {"fsync": "off", "shared_buffers": "32MB", "wal_level": "logical"}
    with EmbeddedPostgres(tmp_path / "postgres", settings=settings) as server:
        here, there = (of_own(server, name, database, tmp_path) for name in ("here", "there"))
        here.make_table()
        there.make_table(3)
        there.sql(
            "source",
            "CREATE PUBLICATION p FOR TABLE t",
            "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
        )
        login = f"host={server.host} port={server.port} user={server.user} dbname=there"
        here.sql(
            "source",
            "CREATE VIEW above AS SELECT * FROM t",
            f"CREATE SUBSCRIPTION s CONNECTION '{login} password={server.password}' "
            "PUBLICATION p WITH (create_slot = false)",
        )
        wait_for_rows(here, 3)
        for table in ("t", "above"):
            assert "table public.t of a subscription" in refusal(here, table)
        stamp = "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        here.sql(
            "source",
            f"{stamp} NEW.updated_at := now(); RETURN NEW; END $$",
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stamp()",
            "CREATE TRIGGER b BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stamp()",
            "ALTER TABLE t ENABLE ALWAYS TRIGGER a",
        )
        refusal(here, "t")  # an update would bear the publisher's stamp
        here.sql("source", "ALTER TABLE t ENABLE ALWAYS TRIGGER b")
        assert arrived(here, "t") == 3
        there.insert([4], stamp="now() - interval '1 day'")
        wait_for_rows(here, 4)
        assert arrived(here, "t") == 1
        here.close()
        there.close()


def of_own(
    server: EmbeddedPostgres, name: str, database: Callable[..., Endpoint], tmp_path: Path
) -> World:
    server.create_database(name)
    login = {"user": server.user, "password": Secret(server.password)}
    place = Endpoint(name, PG, host=server.host, port=server.port, database=name, **login)
    stores = {role: place if role == "source" else database(LITE) for role in ROLES}
    return World(tmp_path / name, stores)


def wait_for_rows(world: World, expected: int) -> None:
    end = time.monotonic() + 60
    while world.sql("source", "SELECT count(*) FROM t") != [(expected,)]:
        assert time.monotonic() < end, "the subscription brings nothing"
        time.sleep(0.1)


@pytest.mark.parametrize("source", [MARIA], indirect=True)
def test_an_engine_whose_transactions_are_another_servers(source: World) -> None:
    source.sql("source", "INSTALL SONAME 'ha_federatedx'")
    try:
        there = source.stores["source"]
        password = there.password.reveal() if there.password else ""
        place = f"mysql://{there.user}:{password}@{there.host}:{there.port}/{there.database}/t"
        source.sql(
            "source",
            f"CREATE TABLE far ENGINE=FEDERATED CONNECTION='{place}'",
            "CREATE VIEW above AS SELECT * FROM far",
        )
        for table in ("far", "above"):
            assert "a table of the engine FEDERATED" in refusal(source, table)
        source.sql("source", "DROP TABLE far")
    finally:
        source.sql("source", "UNINSTALL SONAME 'ha_federatedx'")
