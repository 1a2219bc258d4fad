"""Hands at the target that no later change betrays: the comparison of contents sees them."""

from __future__ import annotations

import pytest

from bridge.comparison import reconcile_job
from tests.scenario.world import World, cursor_job

CHAINS = [("postgresql",) * 3, ("postgresql", "postgresql", "sqlite"), ("sqlite",) * 3]
everywhere = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)


@everywhere
def test_edited_deleted_and_inserted_by_hand(world: World) -> None:
    world.make_table(40)
    world.job("j", chunk_rows=16, **cursor_job())
    world.run_well()
    world.insert([50], stamp=world.now)
    world.run_well()
    clean = reconcile_job(world.deployment, "j")
    assert (clean.outcome.verdict, clean.outcome.exit_code) == ("reconciled", 0)
    assert (clean.content.exchange_rows, clean.content.target_rows) == (41, 41)

    world.sql(
        "target",
        "UPDATE t SET name = 'n10 ' WHERE id = 10",
        "UPDATE t SET amount = amount + 0.01 WHERE id = 33",
        "DELETE FROM t WHERE id IN (1, 40)",
        "INSERT INTO t (id, name) VALUES (-1, 'x')",
    )
    assert world.run().verdict == "reconciled"  # no batch touches these rows
    assert "falsely_reconciled" in {f.kind for f in world.findings()}
    found = reconcile_job(world.deployment, "j")
    assert (found.outcome.verdict, found.outcome.exit_code) == ("deviation", 1)
    assert (found.content.missing, found.content.extra, found.content.different) == (2, 1, 2)

    assert world.run().verdict == "deviation"  # and stays one until it is put right
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []
    assert reconcile_job(world.deployment, "j").outcome.verdict == "reconciled"
