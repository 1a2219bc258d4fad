"""ODBC as source and as target: the stories of the families behind it, told through their drivers.

What arrived is read by plain drivers, or by the family's own connector, and compared cell by cell.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.inspection.check import ddl_of
from tests.scenario import test_awkward_table, test_mariadb
from tests.scenario.world import MakeWorld, World, cursor_job

PG, MARIA = "postgresql", "mysql"
PG_ODBC, MARIA_ODBC = "odbc-postgresql", "odbc-mariadb"


@pytest.mark.parametrize("families", [(PG_ODBC, PG, PG), (PG, PG, PG_ODBC)], ids="-".join)
def test_every_type_of_postgresql_arrives_as_it_is(
    make: MakeWorld, families: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canonical form knows one zero; only raw rows between two of the family keep its sign."""
    monkeypatch.setitem(test_awkward_table.ODD, "%s", "'-5e-324'")
    test_awkward_table.test_awkward_table(make(*families))


@pytest.mark.parametrize("families", [(MARIA_ODBC, PG, PG), (MARIA, PG, MARIA_ODBC)], ids="-".join)
def test_every_type_of_mariadb_arrives_as_it_is(make: MakeWorld, families: tuple[str, ...]) -> None:
    world = make(*families)
    stores = dict(world.stores)
    for role in ("source", "target"):  # what the test looks with is not what it looks at
        if stores[role].driver == "MariaDB Unicode":
            world.stores[role] = replace(stores[role], family=MARIA, driver=None)
    test_mariadb.test_every_type_of_mariadb_arrives_as_it_is(world)


@pytest.mark.parametrize("behind", [PG_ODBC, MARIA_ODBC])
def test_a_receiver_that_came_back_without_its_version(make: MakeWorld, behind: str) -> None:
    world = make("sqlite", "sqlite", behind)
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DROP TABLE bh_receiver_version")
    world.insert([4], stamp=world.now)
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("behind", [PG_ODBC, MARIA_ODBC])
def test_a_job_from_odbc_to_odbc(make: MakeWorld, behind: str) -> None:
    """First load in parts, changes, deletes found by the sweep, no change, a changed target."""
    world = make(behind, PG, behind)
    world.write(chunk_rows=100)
    world.make_table(250)
    world.job("j", **cursor_job())
    first = world.run_well()
    assert [batch.tally.inserted for batch in first.batches] == [100, 100, 50]
    assert world.findings() == []

    world.sql(
        "source",
        "DELETE FROM t WHERE id <= 3",
        f"UPDATE t SET name = '𠮷 ''new''', updated_at = {world.ago(60)} WHERE id BETWEEN 4 AND 9",
    )
    world.insert(range(1000, 1010), stamp=world.ago(60))
    (changed,) = world.run_well().batches
    tally = changed.tally
    assert (tally.inserted, tally.updated, tally.deleted) == (10, 6, 3)
    assert world.findings() == []

    (nothing,) = world.run_well().batches
    assert (nothing.kind, nothing.tally.unchanged) == ("empty", nothing.tally.read)

    world.sql("target", "UPDATE t SET name = 'by hand' WHERE id = 4", "DELETE FROM t WHERE id = 5")
    assert world.findings() != []
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []
    assert world.sql("target", _stages(world)) == []


@pytest.mark.parametrize("behind", [PG_ODBC, MARIA_ODBC])
def test_the_dba_makes_everything(make: MakeWorld, behind: str) -> None:
    world = make(PG, PG, behind)
    world.make_table(5)
    target = {"endpoint": "target", "table": "t", "ddl": False}
    world.job("j", target=target, **cursor_job())
    (statements,) = ddl_of(world.deployment, ["j"]).values()
    stages = [s for s in statements if "bh_incoming" in s or "bh_present" in s]
    assert len(stages) == 4  # each is dropped and made
    world.sql("target", *(s for s in statements if s not in stages))
    outcome = world.run()
    assert outcome.exit_code == 4
    assert "check j --ddl" in str(outcome.error)
    world.sql("target", *stages)
    world.run_well()
    assert world.findings() == []
    before = world.sql("target", _STAGES)
    world.insert([6], stamp=world.ago(60))
    assert world.run_well().batches[0].tally.inserted == 1
    assert world.sql("target", _STAGES) == before


_STAGES = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_name LIKE 'bh\\_incoming%' OR table_name LIKE 'bh\\_present%'"
)


def _stages(world: World) -> str:
    """Which stages at the target have rows."""
    names = world.sql("target", _STAGES)
    assert len(names) == 2
    return " UNION ALL ".join(f"SELECT 1 FROM {name}" for (name,) in names)
