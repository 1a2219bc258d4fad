"""The oracle computes the published digest itself, whatever family the exchange is: a row of the
copy, or of a batch, that is altered there is seen without asking Bridgehead."""

from __future__ import annotations

import pytest

from tests.scenario.world import World, cursor_job

CHAINS = [(family,) * 3 for family in ("postgresql", "sqlite", "mysql")]


@pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
def test_an_altered_row_is_seen_in_every_family(world: World) -> None:
    world.make_table(4)
    world.job("j", **cursor_job())
    world.run_well()
    assert world.findings() == []
    world.sql("exchange", "UPDATE bh_copy_j SET amount = amount + 1 WHERE id = 2")
    assert altered(world) == {"1/1"}
    world.sql("exchange", "UPDATE bh_copy_j SET amount = amount - 1 WHERE id = 2")
    world.insert([9], stamp=world.now)
    world.run_well()
    assert world.findings() == []
    world.sql("exchange", "UPDATE bh_change_j SET name = 'n9 ' WHERE id = 9")
    assert altered(world) == {"1/2"}


def altered(world: World) -> set[str]:
    """Batches whose rows have another digest than the one that was sealed."""
    found = [finding.what for finding in world.oracle().recounted() if "digest" in finding.what]
    return {what.partition(")")[0].replace("(", "").replace(", ", "/") for what in found}
