"""A job whose content changed is held: rows already sent must be sent again as they are now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.failpoint import arm, at
from bridge.run import pull_only
from connectors.endpoint import Secret
from tests.command import call
from tests.mariadb import MariaDB
from tests.scenario.world import BASIC, CAPTURES, MakeWorld, World, cursor_job, cut_off

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
MASKED = {"id": {}, "name": {"mask": "name"}, "updated_at": {}}
PLAIN = {"id": {}, "name": {}, "updated_at": {}}


@on_both
def test_held_until_resync(world: World) -> None:
    world.make_table(5)
    world.job("j", columns=PLAIN, **cursor_job())
    world.run_well()
    world.job("j", columns=MASKED, **cursor_job())
    world.insert([9], stamp=world.now)
    for _ in range(2):
        outcome = world.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        assert "resync" in str(outcome.error.remedy)
        assert len(world.batches()) == 1
    resynced = world.resync(why="a mask")
    assert (resynced.verdict, resynced.exit_code) == ("reconciled", 0)
    assert {(b["epoch"], b["kind"]) for b in world.batches()} == {(1, "first"), (2, "resync")}
    for role, table in (("exchange", "bh_copy_j"), ("target", "t")):
        names = {name for (name,) in world.sql(role, f"SELECT name FROM {table}")}
        assert all("*" in name for name in names), role
    assert world.oracle().books() == []
    world.run_well()


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
def test_a_column_that_changes_at_the_source_holds_the_job(world: World) -> None:
    """Its file says the same as before."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    for role in ("source", "target"):
        world.sql(role, "ALTER TABLE t ALTER COLUMN amount TYPE numeric(12,2)")
    world.insert([9], stamp=world.now)
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code, len(world.batches())) == ("held", 1, 1)
    assert world.resync(why="a wider amount").verdict == "reconciled"
    assert world.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_what_it_has_become_is_named(world: World) -> None:
    world.sql("source", "CREATE TABLE t (id integer PRIMARY KEY, a text NOT NULL, b text)")
    world.job("j", **CAPTURES["compare"])
    world.run_well()
    for columns, told in (
        ("id integer PRIMARY KEY, a text NOT NULL", "it lacks, or may not read any more: b"),
        ("id integer PRIMARY KEY, a text, b text, c text", "it has come to share: c"),
        ("id integer PRIMARY KEY, b text, a text", "in another order: id, b, a"),
        ("id integer, a text PRIMARY KEY, b text", "its key is a, and was id"),
    ):
        world.sql("source", "DROP TABLE t", f"CREATE TABLE t ({columns})")
        outcome = world.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        assert outcome.error is not None
        assert outcome.error.message.endswith(told)


def test_a_column_that_the_login_may_not_read_any_more_is_named(
    make: MakeWorld, mariadb: MariaDB
) -> None:
    """MariaDB shows a login no column that it may not read: a resync would empty it there."""
    world = make("mysql", "sqlite", "sqlite")
    world.make_table(2)
    owner = world.stores["source"]
    mariadb.create_user("reader", "x", f"SELECT ON {owner.database}.*")
    try:
        world.stores["source"] = replace(owner, user="reader", password=Secret("x"))
        world.write()
        world.job("j", **CAPTURES["compare"])
        world.run_well()
        mariadb.sql(
            f"REVOKE SELECT ON {owner.database}.* FROM reader",
            f"GRANT SELECT (id, name, updated_at) ON {owner.database}.t TO reader",
        )
        outcome = world.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        assert "it lacks, or may not read any more: amount" in str(outcome.error)
    finally:
        mariadb.drop_user("reader")


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
def test_a_cursor_of_another_type_holds_the_job(world: World) -> None:
    """It is not shared, and kept at the exchange as it was: each sweep read every row again."""
    world.sql("source", "CREATE TABLE t (id integer PRIMARY KEY, name text, changed date)")
    world.sql("source", "INSERT INTO t VALUES (1, 'a', '2026-01-01')")
    job = cursor_job(column="changed") | {"columns": {"id": {}, "name": {}}}
    world.job("j", **job)
    world.run_well()
    world.sql("source", "ALTER TABLE t ALTER COLUMN changed TYPE timestamp")
    assert world.run().verdict == "held"
    assert world.resync().verdict == "reconciled"
    world.sql("source", "UPDATE t SET name = 'b', changed = '2026-01-01 10:00'")
    assert [b.tally.late for b in (*world.run_well().batches, *world.run_well().batches)] == [1, 0]


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
def test_another_schema_of_the_source_holds_the_job(world: World) -> None:
    """Its table of the same name is another one. Where the schema is written does not matter."""
    world.make_table(5)
    world.sql("source", "CREATE SCHEMA b", "CREATE TABLE b.t (LIKE t INCLUDING ALL)")
    world.write({"source": {"schema": "public"}})
    world.job("j", **cursor_job())
    world.run_well()
    world.write({"source": {"schema": "b"}})
    assert world.run().verdict == "held"
    assert len(world.sql("target", "SELECT id FROM t")) == 5
    world.write()
    world.job("j", source={"endpoint": "source", "schema": "public", "table": "t"}, **cursor_job())
    world.run_well()


@pytest.mark.parametrize(
    ("world", "narrow", "wide", "value"),
    [
        (CHAINS[0], "varchar(5)", "varchar(20)", "'abcdefg'"),
        (CHAINS[0], "integer", "bigint", "5000000000"),
        (("mysql",) * 3, "decimal(6,2)", "decimal(10,4)", "1.2345"),
    ],
    indirect=["world"],
    ids=["text", "number", "mysql"],
)
def test_a_table_that_was_made_for_less_is_not_emptied(
    world: World, capsys: pytest.CaptureFixture[str], narrow: str, wide: str, value: str
) -> None:
    """A column became wider at the source, and the job is sent again, as its run says."""
    world.sql("source", f"CREATE TABLE t (id integer PRIMARY KEY, v {narrow}, name varchar(9))")
    world.sql("source", "INSERT INTO t VALUES (1, '1', 'a'), (2, '2', 'b')")
    world.job("j", **CAPTURES["compare"])
    world.run_well()
    way = "MODIFY v" if world.family == "mysql" else "ALTER COLUMN v TYPE"
    widen = f"ALTER TABLE t {way} {wide}"
    world.sql("source", widen, f"UPDATE t SET v = {value}")
    assert world.run().verdict == "held"
    told = call(capsys, "--config", world.directory, "check", "j", "--json").json
    warnings = [f["found"] for f in told if (f["what"], f["result"]) == ("target", "warning")]
    outcome = world.resync()
    assert (outcome.exit_code, outcome.batches) == (4, [])
    for said in (*warnings, str(outcome.error)):
        assert "is too narrow by now: column v is" in said
    assert len(warnings) == 1
    assert "widen these columns there" in str(outcome.error.remedy)
    assert len(world.sql("target", "SELECT id FROM t")) == 2
    assert {batch["epoch"] for batch in world.batches()} == {1}
    world.sql("target", widen if value.startswith("'") else "DROP TABLE t")
    resynced = world.resync()
    assert (resynced.verdict, resynced.quarantined) == ("reconciled", 0)
    assert world.sql("target", "SELECT * FROM t") == world.sql("source", "SELECT * FROM t")
    assert world.oracle().books() == []
    (world.directory / "codes").mkdir()
    (world.directory / "codes/c.csv").write_text("code,name,values\n1,one,a\n2,two,b\n", "utf-8")
    for short in {"codes": "c"}, {"mask": "name"}:
        world.job("j", columns={"id": {}, "v": {}, "name": short}, **CAPTURES["compare"])
        assert world.resync().verdict == "reconciled"


CODES = "code,name,values\nmale,m,1\nfemale,f,2\n"
TO_MORE = {
    "codes": {"v": {"codes": "sex"}},
    "mask": {"v": {"mask": "id"}},
    "an address": {"name": {"mask": "address"}},
    "a wider column": {},
}
"""What makes texts longer than the columns `v` and `name` of the source."""


@pytest.mark.parametrize(
    ("world", "taken_over", "change"),
    [
        (CHAINS[0], False, "codes"),
        (CHAINS[0], False, "an address"),
        (CHAINS[0], True, "mask"),
        (CHAINS[0], True, "a wider column"),
        (("sqlite", "sqlite", "mysql"), False, "mask"),
        (("sqlite", "sqlite", "mysql"), True, "codes"),
    ],
    indirect=["world"],
    ids=["codes", "address", "adopted-mask", "adopted-wider", "mysql-mask", "mysql-adopted-codes"],
)
def test_a_table_too_short_for_what_a_job_makes_of_its_texts_is_not_emptied(
    world: World, taken_over: bool, change: str
) -> None:
    """Each row would be set aside, and be deleted there."""
    made = "CREATE TABLE t (id integer PRIMARY KEY, v varchar(1), name varchar(9))"
    world.sql("source", made, "INSERT INTO t VALUES (1, '1', '市县'), (2, '2', '市县')")
    target = {"endpoint": "target", "table": "t", "adopt": True}
    (world.directory / "codes").mkdir()
    (world.directory / "codes/sex.csv").write_text(CODES, "utf-8")
    if taken_over:
        world.sql("target", made)
    columns = {"id": {}, "v": {}, "name": {}}
    world.job("j", target=target, columns=columns, **CAPTURES["compare"])
    world.run_well()
    assert world.resync().verdict == "reconciled"
    if not TO_MORE[change]:
        world.sql("source", "ALTER TABLE t ALTER COLUMN v TYPE varchar(5)", "UPDATE t SET v = 'ab'")
    world.job("j", target=target, columns=columns | TO_MORE[change], **CAPTURES["compare"])
    for outcome in (world.run(), world.resync(), world.resync()):
        assert outcome.batches == []
    assert outcome.exit_code == 4
    assert "is too narrow by now: column " in str(outcome.error)
    assert len(world.sql("target", "SELECT id FROM t")) == 2
    way = "MODIFY" if "mysql" in world.stores["target"].family else "ALTER COLUMN"
    kind = "varchar(20)" if way == "MODIFY" else "TYPE varchar(20)"
    world.sql("target", f"ALTER TABLE t {way} v {kind}", f"ALTER TABLE t {way} name {kind}")
    resynced = world.resync()
    assert (resynced.verdict, resynced.quarantined) == ("reconciled", 0)
    assert len(world.sql("target", "SELECT id FROM t")) == 2


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
def test_a_table_too_narrow_for_a_job_whose_ledger_is_lost_is_not_emptied(world: World) -> None:
    """A new epoch begins by itself, and would set aside what a table of ours cannot hold."""
    world.sql("source", "CREATE TABLE t (id integer PRIMARY KEY, name varchar(3))")
    world.sql("source", "INSERT INTO t VALUES (1, 'abc'), (2, 'de')")
    world.job("j", **CAPTURES["compare"])
    world.run_well()
    world.sql("source", "ALTER TABLE t ALTER name TYPE varchar(10)", "UPDATE t SET name = 'longer'")
    world.sql("exchange", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    for _ in range(2):
        outcome = world.run()
        assert outcome.exit_code == 4
        assert "is too narrow by now: column name is text(3), and text(10)" in str(outcome.error)
    assert len(world.sql("target", "SELECT id FROM t")) == 2
    world.sql("target", "ALTER TABLE t ALTER name TYPE varchar(10)")
    world.run_well()
    assert world.sql("target", "SELECT * FROM t") == world.sql("source", "SELECT * FROM t")


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_table_that_was_taken_over_may_be_narrower(world: World) -> None:
    world.make_table(3)
    columns = "(id integer PRIMARY KEY, name varchar(5), amount numeric(10,2))"
    world.sql("target", f"CREATE TABLE t {columns}")
    job = cursor_job() | {"target": {"endpoint": "target", "table": "t", "adopt": True}}
    world.job("j", columns={"id": {}, "name": {}}, **job)
    world.run_well()
    world.insert([4], name="longer")
    world.job("j", columns={"id": {}, "name": {}, "amount": {}}, **job)
    outcome = world.resync()
    assert (outcome.verdict, outcome.quarantined) == ("reconciled", 1)


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_held_though_nothing_has_arrived_yet(world: World) -> None:
    """What was sealed does not travel beside what is sealed otherwise."""
    world.make_table(5)
    world.job("j", columns=PLAIN, **cursor_job())
    assert len(world.run("j", pull_only).batches) == 1
    world.job("j", columns=MASKED, **cursor_job())
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert world.sql("target", "SELECT name FROM t") == []
    assert world.resync(why="a mask").verdict == "reconciled"
    assert all("*" in name for (name,) in world.sql("target", "SELECT name FROM t"))


@on_both
def test_resync_replaces_what_is_at_the_target(world: World) -> None:
    """Rows edited, removed and added by hand are put right, beyond the last key too, and where one
    of them bears what is unique there."""
    world.make_table(20)
    world.job("j", chunk_rows=6, **cursor_job())
    world.run_well()
    world.sql(
        "target",
        "UPDATE t SET name = 'edited' WHERE id = 3",
        "DELETE FROM t WHERE id IN (1, 10)",
        "INSERT INTO t (id, name) VALUES (-5, 'n1'), (999, 'high')",
        "CREATE UNIQUE INDEX one_name ON t (name)",
    )
    outcome = world.resync()
    assert (outcome.verdict, outcome.exit_code) == ("reconciled", 0)
    received = [b.received for b in outcome.batches]
    assert sum(r.inserted for r in received) == 2
    assert sum(r.deleted for r in received) == 2
    assert world.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("taken_over", [True, False])
def test_what_is_not_shared_any_more_is_gone_or_named(
    world: World, caplog: pytest.LogCaptureFixture, taken_over: bool
) -> None:
    """In a table of somebody else's we delete no column's values, but say that they stay."""
    world.make_table(2)
    job = cursor_job() | {"target": {"endpoint": "target", "table": "t", "adopt": True}}
    if taken_over:
        world.sql("target", *world.sql("source", "SELECT sql FROM sqlite_master")[0])
    world.job("j", **job)
    world.run_well()
    assert world.resync().verdict == "reconciled"
    assert not caplog.records
    world.job("j", columns={"id": {}, "name": {"sharing": "none"}, "amount": {}}, **job)
    assert world.resync().verdict == "reconciled"
    told = [record.getMessage() for record in caplog.records]
    here = "j: target table t keeps what was sent in columns not shared any more: name, updated_at"
    assert told == ([here] if taken_over else [])
    names = {name for (name,) in world.sql("target", "SELECT name FROM t")}
    assert names == ({"n1", "n2"} if taken_over else {None})


@pytest.mark.parametrize("world", CHAINS[:1], indirect=True, ids=["postgresql"])
def test_a_key_of_another_name_needs_a_table_of_its_own(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table of ours is dropped for that, unless others keep something in it."""
    world.make_table(2)
    world.job("j", columns=PLAIN, **cursor_job())
    world.run_well()
    renamed = {"id": {"to": "number"}, "name": {}, "updated_at": {}}
    world.job("j", columns=renamed, **cursor_job())
    assert world.run().verdict == "held"
    told = call(capsys, "--config", world.directory, "check", "j", "--json").json
    (checked,) = [f["found"] for f in told if f["result"] == "refused"]
    outcome = world.resync()
    assert outcome.exit_code == 4
    assert outcome.error.message == checked == "j: target table t has another key than number"
    assert outcome.error.remedy == "drop the table: a resync makes it anew"
    world.sql("target", "ALTER TABLE t ADD COLUMN note text")
    remedy = world.resync().error.remedy
    assert (
        remedy == "share the key as before, or name another target table: others need it for note"
    )
    world.sql("target", "ALTER TABLE t DROP COLUMN note")
    world.sql("target", "CREATE TABLE leads (id integer REFERENCES t (id))")
    assert "others need it for public.leads" in world.resync().error.remedy
    world.sql("target", "DROP TABLE leads", "DROP TABLE t")
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT number, name FROM t") == [(1, "n1"), (2, "n2")]


@on_both
def test_resync_of_an_empty_source_empties_the_target(world: World) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("source", "DELETE FROM t")
    outcome = world.resync()
    (batch,) = outcome.batches
    assert (outcome.verdict, batch.sent.total, batch.received.deleted) == ("reconciled", 0, 5)
    assert world.sql("target", "SELECT * FROM t") == []


@on_both
@pytest.mark.parametrize("kind", ["first", "resync"])
def test_nothing_is_pulled_over_an_image_that_is_on_its_way(world: World, kind: str) -> None:
    world.write(retry=0)
    world.make_table(5)
    world.job("j", **cursor_job())
    if kind == "resync":
        world.run_well()
    arm(at("push.begins", 1, cut_off))
    outcome = world.run() if kind == "first" else world.resync()
    arm(None)
    assert [batch.kind for batch in outcome.batches] == [kind]
    world.sql("source", f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id = 2")
    outcome = world.run("j", pull_only)
    assert (outcome.verdict, outcome.batches) == ("in_flight", [])
    world.run_well()
    assert world.findings() == []


@on_both
def test_check_knows_what_a_resync_adds(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It asked to have the column made at the target, where nobody else has to do that."""
    world.make_table(2)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("source", "ALTER TABLE t ADD COLUMN note text", "UPDATE t SET note = 'n'")
    told = call(capsys, "--config", world.directory, "check", "j", "--json")
    found = {f["what"]: (f["result"], f["found"]) for f in told.json}
    assert (told.code, found["ledger"][0]) == (1, "refused")
    assert found["target"] == ("ok", "a resync adds to t: note")
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT DISTINCT note FROM t") == [("n",)]
    assert call(capsys, "--config", world.directory, "check", "j").code == 0


@on_both
def test_a_target_made_before_a_column_came_has_it_too(world: World) -> None:
    """Nothing was sent yet, so that no resync is needed for it."""
    world.write(retry=0)
    world.make_table(5)
    world.job("j", **cursor_job())
    arm(at("target.claimed", 1, cut_off))
    assert world.run().error is not None
    arm(None)
    world.sql("source", "ALTER TABLE t ADD COLUMN note text", "UPDATE t SET note = 'n'")
    world.run_well()
    assert world.sql("target", "SELECT DISTINCT note FROM t") == [("n",)]
    assert world.findings(columns=BASIC | {"note": "text"}) == []


@on_both
def test_a_job_that_may_not_make_tables_alters_none(world: World) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", target={"endpoint": "target", "table": "t", "ddl": False}, **cursor_job())
    world.sql("source", "ALTER TABLE t ADD COLUMN note text")
    outcome = world.resync()
    assert outcome.exit_code == 4
    assert "column note is missing" in str(outcome.error)
    world.sql("target", "ALTER TABLE t ADD COLUMN note text")
    assert world.resync().verdict == "reconciled"


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_job_alters_no_table_that_another_job_has_made(world: World) -> None:
    """Such as one of another department, or itself before it was given another name."""
    world.make_table(5)
    world.job("j", columns=PLAIN, **cursor_job())
    world.run_well()
    (world.directory / "jobs/j.yaml").rename(world.directory / "j.yaml")
    world.job("k", **cursor_job())
    for outcome in (world.run("k"), world.resync("k")):
        assert (outcome.exit_code, outcome.error.code) == (4, "structure_mismatch")
    assert len(world.sql("target", "SELECT * FROM t")[0]) == len(PLAIN)
    world.job("k", columns=PLAIN, **cursor_job())
    assert "is filled by job j" in str(world.run("k").error)
    assert world.batches("k") == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
def test_settings_that_change_no_row_do_not_hold(world: World) -> None:
    world.make_table(5)
    world.job("j", title="人口", **cursor_job())
    world.run_well()
    world.job("j", title="人口基础信息", chunk_rows=7, schedule="1h", **cursor_job(overlap=5))
    world.run_well()


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
def test_unsent_batches_of_an_ended_epoch_are_laid_aside(world: World) -> None:
    from bridge.run import pull_only

    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([10], stamp=world.now)
    world.run("j", pull_only)
    assert world.resync().verdict == "reconciled"
    assert [(b["epoch"], b["state"]) for b in world.batches()] == [
        (1, "reconciled"),
        (1, "purged"),
        (2, "reconciled"),
    ]
    assert world.findings() == []
