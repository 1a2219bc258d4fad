"""What changes without open work of its own database: no horizon holds there, and a window would
leave out what comes into it late."""

from __future__ import annotations

import pytest

from tests.scenario.world import MakeWorld, World, cursor_job

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
            assert "transactions" in refusal(source, table)
        source.sql("source", "DROP TABLE far")
    finally:
        source.sql("source", "UNINSTALL SONAME 'ha_federatedx'")
