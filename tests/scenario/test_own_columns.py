"""A table that comes to need a value which no job brings: told before anything is sealed."""

from __future__ import annotations

import pytest

from tests.command import call
from tests.scenario.world import STAMPS, MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]
SERVERS = [("postgresql",) * 3, ("mysql",) * 3]
FAMILIES = [*SERVERS, ("sqlite",) * 3]


def _comes_to_need(world: World, role: str, table: str) -> None:
    """A column `office` that every row must fill; the rows that are there have it."""
    if world.is_sqlite:  # there a column that comes later always has a default
        (declared,) = world.sql(role, f"SELECT sql FROM sqlite_master WHERE name = '{table}'")[0]
        head, comma, last = declared.rpartition(", PRIMARY KEY")
        needing = f"{head}, `office` text NOT NULL{comma}{last}"
        world.sql(
            role,
            f"ALTER TABLE {table} RENAME TO old",
            needing,
            f"INSERT INTO {table} SELECT *, 'x' FROM old",
            "DROP TABLE old",
        )
        return
    world.sql(
        role,
        f"ALTER TABLE {table} ADD COLUMN office varchar(9) NOT NULL DEFAULT 'x'",
        f"ALTER TABLE {table} ALTER COLUMN office DROP DEFAULT",
    )


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
def test_at_the_target_between_two_runs(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    before = world.batches()
    _comes_to_need(world, "target", "t")
    world.insert([4])

    told = call(capsys, "--config", world.directory, "check", "j", "--json")
    (refused,) = (finding for finding in told.json if finding["result"] == "refused")
    assert (told.code, refused["what"]) == (4, "structure")
    outcome = world.run()

    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
    for text in (str(outcome.error), f"{refused['found']} {refused['remedy']}"):
        assert "table t needs a value of office" in text
        assert "give the column a default, make it nullable, or drop it" in text
    assert world.batches() == before

    world.sql("target", "ALTER TABLE t DROP COLUMN office")
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("table", ["bh_copy_j", "bh_change_j"])
@pytest.mark.parametrize("world", SERVERS, indirect=True, ids=lambda chain: chain[0])
def test_at_the_exchange_between_two_runs(world: World, table: str, capsys: Capsys) -> None:
    """Nothing of it is taken for a fault of the rows; a resync makes both tables anew."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([4])
    world.run_well()
    before = world.batches()
    _comes_to_need(world, "exchange", table)
    world.insert([5])

    told = call(capsys, "--config", world.directory, "check", "j", "--json")
    (refused,) = (finding for finding in told.json if finding["result"] == "refused")
    assert (told.code, refused["what"]) == (4, "exchange")
    outcome = world.run()

    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
    for text in (str(outcome.error), refused["found"]):
        assert f"table {table} needs a value of office" in text
    assert world.batches() == before
    assert world.sql("exchange", "SELECT count(*) FROM bh_quarantine") == [(0,)]

    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
def test_what_others_wrote_into_a_table_that_was_taken_over_stays(world: World) -> None:
    world.make_table(3)
    world.sql(
        "target",
        "CREATE TABLE t (id integer PRIMARY KEY, name text, amount numeric(10,2), "
        f"updated_at {STAMPS[world.family]}, remark varchar(9) DEFAULT 'new')",
        "INSERT INTO t (id, remark) VALUES (1, 'seen'), (2, 'seen')",
    )
    world.job("j", **cursor_job(), target={"endpoint": "target", "table": "t", "adopt": True})
    world.run_well()
    world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 1")
    world.run_well()
    rows = [(1, "later", "seen"), (2, "n2", "seen"), (3, "n3", "new")]
    assert world.sql("target", "SELECT id, name, remark FROM t ORDER BY id") == rows
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT id, name, remark FROM t ORDER BY id") == rows


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
def test_what_others_wrote_into_a_table_of_ours_stays(world: World) -> None:
    """In columns that they have added; not so what we have sent in one that is not shared now."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        "target", "ALTER TABLE t ADD COLUMN remark varchar(9)", "UPDATE t SET remark = 'seen'"
    )
    world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 1")
    world.insert([4], stamp=world.now)
    world.run_well()
    rows = [(1, "later", "seen"), (2, "n2", "seen"), (3, "n3", "seen"), (4, "n4", None)]
    assert world.sql("target", "SELECT id, name, remark FROM t ORDER BY id") == rows
    world.job("j", columns={"id": {}, "amount": {}, "updated_at": {}}, **cursor_job())
    assert world.resync().verdict == "reconciled"
    kept = [(number, None, remark) for number, _, remark in rows]
    assert world.sql("target", "SELECT id, name, remark FROM t ORDER BY id") == kept


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
def test_a_table_that_was_taken_over_may_be_wider_and_number_its_rows_itself(world: World) -> None:
    """It needs no more than a unique key over the job's."""
    numbered = {
        "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
        "sqlite": "integer PRIMARY KEY",
    }
    world.make_table(3)
    world.sql(
        "target",
        f"CREATE TABLE t (nr {numbered[world.family]}, id bigint NOT NULL, name varchar(99), "
        f"amount numeric(14,2), updated_at {STAMPS[world.family]})",
        "CREATE UNIQUE INDEX by_id ON t (id)",
    )
    world.job("j", **cursor_job(), target={"endpoint": "target", "table": "t", "adopt": True})
    world.run_well()
    world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 2")
    world.insert([4], stamp=world.now)
    world.run_well()
    rows = world.sql("target", "SELECT nr, id, name FROM t ORDER BY id")
    assert rows == [(1, 1, "n1"), (2, 2, "later"), (3, 3, "n3"), (4, 4, "n4")]
    assert world.findings() == []
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


@pytest.mark.parametrize("world", FAMILIES[2:], indirect=True, ids=["sqlite"])
def test_a_table_that_was_taken_over_gets_no_column_of_ours(world: World) -> None:
    """Who made it alters it."""
    world.make_table(3)
    world.sql("target", "CREATE TABLE t (id integer PRIMARY KEY, name text, updated_at TIMESTAMP)")
    place = {"endpoint": "target", "table": "t", "adopt": True}
    shared = {"id": {}, "name": {}, "updated_at": {}}
    world.job("j", **cursor_job(), target=place, columns=shared)
    world.run_well()
    world.job("j", **cursor_job(), target=place, columns=shared | {"amount": {}})
    outcome = world.resync()
    assert outcome.error is not None
    assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
    assert "column amount is missing" in str(outcome.error)
    assert len(world.sql("target", "SELECT * FROM t")[0]) == 3
    assert {batch["epoch"] for batch in world.batches()} == {1}
    world.job("j", **cursor_job(), target=place, columns=shared)
    world.run_well()


@pytest.mark.parametrize("world", FAMILIES[2:], indirect=True, ids=["sqlite"])
def test_a_table_that_was_taken_over_and_made_again_stays_its_owners(world: World) -> None:
    """Who made it puts it back, with what was in columns of its own."""
    made = (
        "CREATE TABLE t (id integer PRIMARY KEY, name text, amount numeric(10,2), "
        "updated_at TIMESTAMP, remark text)"
    )
    world.make_table(3)
    world.sql("target", made, "INSERT INTO t (id, remark) VALUES (1, 'mine')")
    world.job("j", **cursor_job(), target={"endpoint": "target", "table": "t", "adopt": True})
    world.run_well()
    world.sql("target", "CREATE TABLE kept AS SELECT * FROM t", "DROP TABLE t")
    assert world.run().verdict == "gap"
    assert world.resync().verdict == "reconciled"
    world.sql("target", "DROP TABLE t", made, "INSERT INTO t SELECT * FROM kept")
    world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 1")
    world.run_well()
    assert world.sql("target", "SELECT name, remark FROM t WHERE id = 1") == [("later", "mine")]


@pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])
@pytest.mark.parametrize("key", ["integer", "text"])
def test_a_unique_constraint_that_the_target_has_besides_the_key(world: World, key: str) -> None:
    """An adopted table is updated row by row: two rows cannot exchange a unique value in it. A text
    key of MariaDB folds, and it is not the key that collides."""
    kind = "varchar(9)" if key == "text" else "integer"
    columns = f"(id {kind} PRIMARY KEY, plate varchar(9), updated_at {STAMPS[world.family]}"
    world.sql(
        "source",
        f"CREATE TABLE t {columns})",
        f"INSERT INTO t VALUES ('1', 'a', {world.ago(3600)}), ('2', 'b', {world.ago(3600)})",
    )
    world.sql("target", f"CREATE TABLE t {columns}, own varchar(9), UNIQUE (plate))")
    target = {"endpoint": "target", "table": "t", "adopt": True}
    world.job("j", target=target, **cursor_job())
    world.run_well()
    swapped = "CASE plate WHEN 'a' THEN 'b' ELSE 'a' END"
    world.sql("source", f"UPDATE t SET plate = {swapped}, updated_at = {world.now}")
    outcome = world.run()
    assert (outcome.exit_code, outcome.error is None) == (4, False)
    told = str(outcome.error)
    assert "the target's table has a unique constraint of its own, not of the job's key" in told
    assert "(plate)" in told
    assert "drop the constraint" in told
    assert {row[0] for row in world.sql("target", "SELECT plate FROM t")} == {"a", "b"}


@pytest.mark.parametrize("family", ["mysql", "postgresql"])
def test_a_row_that_no_partition_takes_is_told_as_that(make: MakeWorld, family: str) -> None:
    """As where next month's was forgotten."""
    world = make("sqlite", "sqlite", family)
    world.make_table(3)
    world.job("j", target={"endpoint": "target", "table": "t", "adopt": True}, **cursor_job())
    stamp = {"mysql": "datetime(6)", "postgresql": "timestamp"}[family]
    made, more = {
        "mysql": (
            ["PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (4))"],
            "ALTER TABLE t ADD PARTITION (PARTITION b VALUES LESS THAN (10))",
        ),
        "postgresql": (
            ["PARTITION BY RANGE (id)", "CREATE TABLE a PARTITION OF t FOR VALUES FROM (0) TO (4)"],
            "CREATE TABLE b PARTITION OF t FOR VALUES FROM (4) TO (10)",
        ),
    }[family]
    table = (
        "CREATE TABLE t (id integer PRIMARY KEY, name text, amount numeric(10,2), "
        f"updated_at {stamp}) {made[0]}"
    )
    world.sql("target", table, *made[1:])
    world.run_well()
    world.insert([4])
    outcome = world.run()
    assert outcome.exit_code == 4
    assert "→ have a partition made there that takes the row" in str(outcome.error)
    world.sql("target", more)
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_a_current_copy_that_was_given_another_collation(make: MakeWorld, collation: str) -> None:
    """A DBA converts a whole database."""
    world = make("sqlite", "mysql", "sqlite")
    world.sql("source", "CREATE TABLE t (id text PRIMARY KEY NOT NULL, name text)")
    world.sql("source", "INSERT INTO t VALUES ('a', 'one')")
    world.job("j", capture={"method": "compare"})
    world.run_well()
    for table in ("bh_copy_j", "bh_change_j"):
        converted = f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"
        world.sql("exchange", converted)
    world.sql("source", "INSERT INTO t VALUES ('A', 'two')")
    outcome = world.run()
    assert outcome.exit_code == 4
    assert f"takes different texts for one: id ({collation}), name" in str(outcome.error)
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT id FROM t ORDER BY 1") == [("A",), ("a",)]
    world.run_well()
