"""Tables that a crash of their server leaves empty, and those that keep a receipt whose rows were
taken back: no row is trusted to one."""

from __future__ import annotations

import pytest

from bridge.run import Outcome, push_only
from tests.command import call
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]
OURS = ["bh_copy_j", "bh_change_j", "bh_quarantine"]


def test_a_table_set_unlogged_is_refused_at_target_and_exchange(
    world: World, capsys: Capsys
) -> None:
    """Also one of which only a partition of a partition is, and tables of the ledger."""
    world.sql(
        "target",
        "CREATE TABLE t (id integer PRIMARY KEY, name text, amount numeric(10,2), "
        "updated_at timestamptz) PARTITION BY RANGE (id)",
        "CREATE TABLE whole PARTITION OF t FOR VALUES FROM (0) TO (200) PARTITION BY RANGE (id)",
        "CREATE UNLOGGED TABLE first PARTITION OF whole FOR VALUES FROM (0) TO (100)",
    )
    world.make_table(3)
    world.job("j", **cursor_job())
    outcome = world.run()
    assert (outcome.exit_code, outcome.batches) == (4, [])
    world.sql("target", "ALTER TABLE first SET LOGGED")
    world.run_well()

    world.sql("target", "ALTER TABLE first SET UNLOGGED")
    for outcome in world.run(), world.run("j", push_only), world.resync():
        assert _told(outcome) == "j: UNLOGGED, and empty after a crash: t"
    shown = call(capsys, "--config", world.directory, "check", "j", "--json").json
    assert [f["found"] for f in shown if f["what"] == "structure"] == [_told(outcome)]
    world.sql("target", "ALTER TABLE first SET LOGGED", "ALTER TABLE bh_receipt SET UNLOGGED")
    assert _told(world.run()) == "j: UNLOGGED, and empty after a crash: bh_receipt"
    world.sql("target", "ALTER TABLE bh_receipt SET LOGGED")
    world.sql("exchange", *(f"ALTER TABLE {name} SET UNLOGGED" for name in OURS))
    assert _told(world.run()) == f"j: UNLOGGED, and empty after a crash: {', '.join(OURS)}"
    world.sql("exchange", *(f"ALTER TABLE {name} SET LOGGED" for name in OURS))
    world.run_well()
    assert {batch["epoch"] for batch in world.batches()} == {1}


def test_of_two_schemas_the_table_that_is_meant_decides(world: World) -> None:
    world.make_table(3)
    world.sql("target", "CREATE SCHEMA s", "CREATE UNLOGGED TABLE s.t (id integer)")
    world.job("j", **cursor_job())
    world.run_well()
    world.job("k", target={"endpoint": "target", "schema": "s", "table": "k"}, **cursor_job())
    world.run_well("k")
    world.sql("target", "ALTER TABLE s.k SET UNLOGGED", "CREATE TABLE k (id integer)")
    assert _told(world.run("k")) == "k: UNLOGGED, and empty after a crash: s.k"
    world.run_well()


@pytest.mark.parametrize(
    "world",
    [("mysql", "mysql", "mysql"), ("mysql", "mysql", "odbc-mariadb")],
    indirect=True,
    ids=["mysql", "odbc"],
)
def test_a_table_of_ours_that_knows_no_transactions_is_refused(world: World) -> None:
    """A run that was cut off would leave its receipt there, and take its rows back."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([4])
    for role, table in (("target", "bh_receipt"), ("exchange", "bh_change_j")):
        world.sql(role, f"ALTER TABLE {table} ENGINE=Aria")
        told = f"j: without transactions, and half done once a run is cut off: {table}"
        for outcome in world.run(), world.run("j", push_only), world.resync():
            assert _told(outcome, "ENGINE=InnoDB") == told
        world.sql(role, f"ALTER TABLE {table} ENGINE=InnoDB")
    world.run_well()
    assert world.findings() == []


def _told(outcome: Outcome, remedy: str = "LOGGED (ALTER TABLE)") -> str:
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
    assert remedy in outcome.error.remedy
    return outcome.error.message
