"""Capture by comparison: any difference is found, without a stamp."""

from __future__ import annotations

import pytest

from tests.scenario.world import World

CHAINS = [("postgresql",) * 3, ("sqlite", "postgresql", "postgresql"), ("sqlite",) * 3]
everywhere = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)
COMPARE = {"capture": {"method": "compare"}}


@everywhere
@pytest.mark.parametrize("chunk_rows", [4, 1000])
def test_compare(world: World, chunk_rows: int) -> None:
    world.make_table(20)
    world.job("j", chunk_rows=chunk_rows, **COMPARE)
    world.run_well()
    world.sql(
        "source",
        "UPDATE t SET name = 'silent' WHERE id IN (3, 19)",
        "UPDATE t SET id = 100 WHERE id = 1",
        "UPDATE t SET id = -7 WHERE id = 20",
        "DELETE FROM t WHERE id BETWEEN 8 AND 12",
    )
    world.insert([50])
    batches = world.run_well().batches
    sums = [sum(getattr(b.tally, n) for b in batches) for n in ("inserted", "updated", "deleted")]
    assert sums == [3, 2, 7]
    assert world.findings() == []
    assert [b.kind for b in world.run_well().batches] == ["empty"]
    world.sql("source", "UPDATE t SET name = 'first' WHERE id = 2")  # and nothing behind it
    batches = world.run_well().batches
    assert ({b.kind for b in batches}, batches[-1].last) == ({"data"}, True)
    world.sql("source", "DELETE FROM t")
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("world", [("postgresql",) * 3, ("sqlite",) * 3], indirect=True)
def test_key_change_is_delete_and_insert_in_one_batch(world: World) -> None:
    world.make_table(3)
    world.job("j", **COMPARE)
    world.run_well()
    world.sql("source", "UPDATE t SET id = 9 WHERE id = 2")
    (batch,) = world.run_well().batches
    assert (batch.tally.inserted, batch.tally.updated, batch.tally.deleted) == (1, 0, 1)
    assert world.findings() == []


@pytest.mark.parametrize("world", [("postgresql",) * 3, ("sqlite",) * 3], indirect=True)
def test_unique_values_swapped_between_rows_arrive(world: World) -> None:
    world.make_table(3)
    world.job("j", **COMPARE)
    world.run_well()
    world.sql("target", "CREATE UNIQUE INDEX one_name ON t (name)")
    world.sql(
        "source",
        "UPDATE t SET name = 'x' WHERE id = 1",
        "UPDATE t SET name = 'n1' WHERE id = 2",
        "UPDATE t SET name = 'n2' WHERE id = 1",
    )
    (batch,) = world.run_well().batches
    assert batch.tally.updated == 2
    assert world.findings() == []
