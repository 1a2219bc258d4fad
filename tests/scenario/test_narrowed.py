"""A target's column that its owner narrows once the job is at work."""

from __future__ import annotations

import pytest

from bridge.run import pull_only
from tests.scenario.world import World, cursor_job

NARROWED = {
    "postgresql": (
        "ALTER TABLE t ALTER COLUMN name TYPE varchar(5), ALTER COLUMN amount SET NOT NULL",
    ),
    "mysql": ("ALTER TABLE t MODIFY name varchar(5), MODIFY amount decimal(10,2) NOT NULL",),
}
FAMILIES = [("postgresql",) * 3, ("mysql",) * 3]


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
def test_what_does_not_fit_any_more_is_set_aside_or_told(world: World) -> None:
    """A row that is sealed already is refused there, and the columns are named."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    rows = f"(4, 'longer', 1, {world.now}), (5, 'n5', NULL, {world.now}), (6, 'n6', 1, {world.now})"
    world.sql("source", f"INSERT INTO t VALUES {rows}")
    world.run("j", pull_only)
    world.sql("target", *NARROWED[world.family])
    outcome = world.run()
    told = str(outcome.error)
    assert (outcome.exit_code, len(world.sql("target", "SELECT * FROM t"))) == (4, 3)
    assert "narrower than what comes: amount (NOT NULL), name (text(5))" in told
    assert "bridgehead resync j --why TEXT sets aside what does not fit" in told
    assert world.resync().verdict == "reconciled"
    world.sql("source", f"INSERT INTO t VALUES (7, 'n7', NULL, {world.now})")
    world.run_well()
    aside = "SELECT reason FROM bh_quarantine ORDER BY number"
    assert [reason for (reason,) in world.sql("exchange", aside)] == [
        "too_long",
        "not_allowed",
        "not_allowed",
    ]
    ids = [i for (i,) in world.sql("target", "SELECT id FROM t ORDER BY id")]
    assert ids == [1, 2, 3, 6]


@pytest.mark.parametrize("world", FAMILIES[:1], indirect=True, ids=["postgresql"])
def test_a_column_that_takes_no_null_is_looked_at_though_all_its_types_fit(world: World) -> None:
    """Rows that travel unlooked at would be refused there, and stop the job."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "ALTER TABLE t ALTER COLUMN amount SET NOT NULL")
    world.sql("source", f"INSERT INTO t VALUES (4, 'n4', NULL, {world.now})")
    world.insert([5], stamp=world.now)
    assert world.run_well().quarantined == 1
    assert world.sql("target", "SELECT id FROM t WHERE id > 3") == [(5,)]
