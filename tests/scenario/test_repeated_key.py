"""A query whose key more than one row bears, as it turns out when the job is at work: none of them
is passed over, and the run says so."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import StructureMismatch
from tests.scenario.world import CAPTURES, STAMPS, World

CHAINS = [("sqlite",) * 3, ("mysql", "sqlite", "sqlite"), ("postgresql",) * 3]
on_all = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
on_two = pytest.mark.parametrize("world", CHAINS[:2], indirect=True, ids=lambda chain: chain[0])


def _begin(world: World, capture: dict[str, Any], rows: str, **more: Any) -> None:
    """`s`, whose rows are keyed by what is not unique there."""
    stamp = STAMPS[world.family]
    world.sql("source", f"CREATE TABLE s (id integer, name varchar(9), updated_at {stamp})")
    for place, name in enumerate(rows, start=1):
        _insert(world, place, name, 3600)
    query = "SELECT id, name, updated_at FROM s"
    source = {"endpoint": "source", "query": query}
    world.job("j", source=source, key=["id"], **(capture | more))


def _insert(world: World, key: int, name: str, seconds: int) -> None:
    world.sql("source", f"INSERT INTO s VALUES ({key}, '{name}', {world.ago(seconds)})")


def _check_refused(world: World) -> None:
    """In each run, until the source is put right. Until then nothing is sealed."""
    for _ in range(2):
        outcome = world.run()
        assert isinstance(outcome.error, StructureMismatch)
        assert "more than one row of query bears the same key (id)" in str(outcome.error)
        assert outcome.batches == []
    world.sql("source", "DELETE FROM s WHERE name = 'x'")
    world.run_well()
    columns = {"id": "number", "name": "text", "updated_at": "moment"}
    assert world.findings(columns=columns, source_table="s") == []


@on_all
def test_a_row_that_only_the_sweep_finds(world: World) -> None:
    """It was read, and laid aside for the first row of its key without a word."""
    _begin(world, CAPTURES["cursor"], "abc")
    world.run_well()
    _insert(world, 2, "x", 1800)
    _check_refused(world)


@on_two
def test_a_row_that_begins_the_next_part(world: World) -> None:
    """It took the place of the one that had ended the part before, in every run again."""
    _begin(world, CAPTURES["compare"], "abc", chunk_rows=2)
    world.run_well()
    _insert(world, 2, "x", 3600)
    _check_refused(world)


@on_two
def test_a_load_that_goes_on_behind_a_repeated_key(world: World) -> None:
    """Its first run had said so."""
    _begin(world, CAPTURES["cursor"], "abc", chunk_rows=2)
    _insert(world, 2, "x", 3600)
    assert "bears the same key (id)" in str(world.run().error)
    _check_refused(world)
