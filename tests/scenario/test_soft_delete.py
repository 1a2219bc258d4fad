"""A target that keeps what is deleted there, as some do by trigger: nothing is called reconciled,
and who is called at night is told what keeps it."""

from __future__ import annotations

import pytest

from connectors.errors import StructureMismatch
from tests.scenario.world import MakeWorld, World, cursor_job

KEEPS = {
    "sqlite": [
        "CREATE TRIGGER soft BEFORE DELETE ON t "
        "BEGIN UPDATE t SET name = 'gone' WHERE id = OLD.id; SELECT RAISE(IGNORE); END"
    ],
    "postgresql": [
        "CREATE FUNCTION soft() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE t SET name = 'gone' WHERE id = OLD.id; RETURN NULL; END $$",
        "CREATE TRIGGER soft BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION soft()",
    ],
    "odbc-postgresql": [
        "CREATE RULE soft AS ON DELETE TO t DO INSTEAD UPDATE t SET name = 'gone' WHERE id = OLD.id"
    ],
}
LET_GO = {
    "sqlite": "DROP TRIGGER soft",
    "postgresql": "DROP TRIGGER soft ON t",
    "odbc-postgresql": "DROP RULE soft ON t",
}


def lived(make: MakeWorld, family: str) -> World:
    """One row is changed and one deleted, at a target that keeps both."""
    world = make(family.removeprefix("odbc-"), "sqlite", family)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    if not family.startswith("odbc"):  # its driver does not tell which index it was
        world.sql("target", "CREATE UNIQUE INDEX of_others ON t (name, id)")
    world.sql("target", *KEEPS[family])
    change = f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id = 1"
    world.sql("source", change, "DELETE FROM t WHERE id = 2")
    return world


@pytest.mark.parametrize("family", KEEPS)
def test_what_keeps_a_row_is_named(make: MakeWorld, family: str) -> None:
    world = lived(make, family)
    for _ in range(2):
        error = world.run().error
        assert isinstance(error, StructureMismatch)
        assert (error.exit_code, error.endpoint) == (4, "target")
        assert "kept a row that was deleted there" in error.message
        assert "triggers and rules" in error.remedy
    world.sql("target", LET_GO[family])
    world.run_well()
    assert world.findings() == []
