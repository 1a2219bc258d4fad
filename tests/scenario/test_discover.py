"""discover: what it collects is kept, what changed is told, and its job files run as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.command import call
from tests.scenario.world import MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3, ("mysql", "postgresql", "postgresql")]
on_each = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
TEXTS = {"sqlite": "text", "postgresql": "text", "mysql": "varchar(50)"}


def discover(world: World, capsys: Capsys, *arguments: str) -> Any:
    told = call(capsys, "--config", world.directory, "discover", "source", *arguments, "--json")
    assert told.code == 0, told.err
    return told.json


def changes(world: World, capsys: Capsys, *arguments: str) -> list[tuple[str, str, str]]:
    found = discover(world, capsys, *arguments)
    return [(c["table"].split(".")[-1], c["change"], c["name"]) for c in found]


@on_each
def test_what_changed_since_the_last_look_is_told_and_kept(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    text = TEXTS[world.family]
    world.sql("source", f"CREATE TABLE old (id integer PRIMARY KEY, a {text}, b {text})")
    assert changes(world, capsys, "--changes") == []
    assert changes(world, capsys, "--changes") == []
    world.sql(
        "source",
        f"CREATE TABLE newer (id integer PRIMARY KEY, a {text})",
        f"ALTER TABLE t ADD COLUMN more {text}",
        "ALTER TABLE t DROP COLUMN amount",
        "CREATE INDEX by_name ON t (id, updated_at)",
        "DROP TABLE old",
    )
    expected = [
        ("newer", "table new", ""),
        ("old", "table gone", ""),
        ("t", "column removed", "amount"),
        ("t", "column added", "more"),
        ("t", "index added", "by_name"),
    ]
    assert changes(world, capsys, "--changes") == expected
    assert changes(world, capsys, "--changes") == []
    assert changes(world, capsys, "--history") == expected
    assert changes(world, capsys, "t", "--history") == expected[2:]
    whole = discover(world, capsys, "--history")
    assert all(c["and"] and (c["between"] or c["change"] == "table new") for c in whole)


def test_comments_types_and_keys_are_told_with_both_values(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    discover(world, capsys, "t")
    world.sql(
        "source",
        "COMMENT ON COLUMN t.name IS '姓名'",
        "COMMENT ON TABLE t IS '人口'",
        "ALTER TABLE t ALTER COLUMN name TYPE varchar(80)",
        "ALTER TABLE t ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY (id, name)",
    )
    told = discover(world, capsys, "public.t", "--changes")
    found = {(c["change"], c["name"]): (c["before"], c["after"]) for c in told}
    assert found == {
        ("table comment", ""): ("none", "人口"),
        ("column comment", "name"): ("none", "姓名"),
        ("column type", "name"): ("text (text)", "text(80) (character varying)"),
        ("column nullable", "name"): ("nullable", "not null"),
        ("key", ""): ("id", "id, name"),
        ("index changed", "t_pkey"): ("unique: id", "unique: id name"),
    }


def test_the_first_whole_look_after_one_at_a_table_finds_nothing_new(
    world: World, capsys: Capsys
) -> None:
    world.make_table(3)
    world.sql("source", "CREATE TABLE other (id integer PRIMARY KEY)")
    discover(world, capsys, "t")
    assert changes(world, capsys, "--changes") == []
    assert changes(world, capsys, "--history") == []


def test_a_plain_look_keeps_too_and_says_so_on_stderr(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    discover(world, capsys)
    world.sql("source", "ALTER TABLE t ADD COLUMN more text")
    plain = ("--config", world.directory, "discover", "source")
    assert call(capsys, *plain, "t", "--no-keep").err == ""
    told = call(capsys, *plain, "t")
    assert (told.code, "--history" in told.err) == (0, True)
    assert call(capsys, *plain, "t").err == ""
    printed = call(capsys, *plain, "t", "--job")
    assert "more:" in printed.out


def test_what_changed_in_a_table_of_a_job_is_an_event_until_it_has_run(
    world: World, capsys: Capsys
) -> None:
    world.make_table(3)
    columns: dict[str, Any] = {"id": {}, "name": {}, "updated_at": {}}
    world.job("j", columns=columns, **cursor_job())
    world.run_well()
    discover(world, capsys)
    world.sql("source", "ALTER TABLE t ADD COLUMN more text", "COMMENT ON TABLE t IS 'x'")
    discover(world, capsys)
    seen = "SELECT kind, job, facts FROM bh_event WHERE closed_at IS NULL"
    ((kind, job, facts),) = world.sql("exchange", seen)
    assert (kind, job) == ("structure", "j")
    assert "column added more: text (text)" in facts
    assert "comment" not in facts
    discover(world, capsys)
    assert len(world.sql("exchange", seen)) == 1
    world.run_well()
    assert world.sql("exchange", seen) == []
    world.sql(
        "source",
        "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY (name)",
        "ALTER TABLE t ALTER COLUMN id DROP NOT NULL",
        "ALTER TABLE t DROP COLUMN more",
        "ALTER TABLE t ALTER COLUMN amount TYPE numeric(12,2)",
    )
    discover(world, capsys)
    ((kind, job, facts),) = world.sql("exchange", seen)
    assert (kind, job) == ("structure", "j")
    told = (
        "key: id → name",
        "column nullable id: not null → nullable",
        "column nullable name: nullable → not null",
        "column removed more",
        "column type amount",
    )
    assert [what for what in told if what not in facts] == []
    assert "index" not in facts
    world.sql("source", "DROP TABLE t")
    discover(world, capsys)
    ((_, _, facts),) = world.sql("exchange", seen)
    assert "table gone" in facts


def test_so_is_what_changed_in_its_table_at_the_target(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    look = ("--config", world.directory, "discover", "target")
    assert call(capsys, *look).code == 0
    world.sql("target", "ALTER TABLE t DROP COLUMN amount")
    assert call(capsys, *look).code == 0
    seen = "SELECT kind, job, facts FROM bh_event WHERE closed_at IS NULL"
    ((kind, job, facts),) = world.sql("exchange", seen)
    assert (kind, job) == ("structure", "j")
    assert "column removed amount" in facts
    assert "in the table public.t at target" in facts


def test_without_a_ledger_it_still_looks(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.write({"exchange": {"port": 1}})
    told = call(capsys, "--config", world.directory, "discover", "source", "t")
    assert (told.code, "no history was kept" in told.err) == (0, True)
    assert "updated_at" in told.out
    assert call(capsys, "--config", world.directory, "discover", "source", "--changes").code == 3
    assert call(capsys, "--config", world.directory, "discover", "source", "--history").code == 3


AWKWARD = {
    "postgresql": (
        'CREATE TABLE "Order: 明细" ("No" bigint, "select" text NOT NULL, gmt_modified timestamp, '
        'tags text[], more jsonb, addr inet, PRIMARY KEY ("No", "select"))',
        "INSERT INTO \"Order: 明细\" VALUES (1, 'a', now(), '{x}', '{}', '::1'), "
        "(2, 'b', NULL, NULL, NULL, NULL)",
    ),
    "mysql": (
        "CREATE TABLE `Order: 明细` (`No` bigint unsigned, `select` varchar(40) NOT NULL COMMENT "
        "'它: {x}', `gmt_modified` datetime, `bits` bit(9), `doc` json, `year` year, "
        "PRIMARY KEY (`No`, `select`))",
        "INSERT INTO `Order: 明细` VALUES (1, 'a', now(), b'1', '{}', 2024), "
        "(2, 'b', NULL, NULL, NULL, NULL)",
    ),
    "sqlite": (
        'CREATE TABLE "Order: 明细" ("No" integer, "select" text NOT NULL, gmt_modified timestamp, '
        'raw blob, price numeric(10,2), PRIMARY KEY ("No", "select"))',
        "INSERT INTO \"Order: 明细\" VALUES (1, 'a', datetime('now'), x'00ff', 1.5), "
        "(2, 'b', NULL, NULL, NULL)",
    ),
}


@on_each
def test_a_job_file_of_an_awkward_table_runs_as_it_is(world: World, capsys: Capsys) -> None:
    world.sql("source", *AWKWARD[world.family])
    config = ("--config", world.directory)
    listed = next(n for n in discover(world, capsys) if "明细" in n)
    printed = call(capsys, *config, "discover", "source", listed, "--job")
    assert printed.code == 0, printed.err
    (world.directory / "jobs/order.yaml").write_text(printed.out, encoding="utf-8")
    assert world.run_well("order").batches[0].sent.total == 2


@on_each
def test_so_does_that_of_a_table_whose_only_key_is_a_unique_index(
    world: World, capsys: Capsys
) -> None:
    text = TEXTS[world.family]
    world.sql(
        "source",
        f"CREATE TABLE 户籍 (a integer NOT NULL, b {text} NOT NULL, c {text})",
        "CREATE UNIQUE INDEX u ON 户籍 (b, a)",
        "INSERT INTO 户籍 VALUES (1, 'x', NULL), (2, 'x', 'y')",
    )
    printed = call(capsys, "--config", world.directory, "discover", "source", "户籍", "--job")
    name = printed.out.split("job: ")[1].split("\n")[0]
    assert name.startswith("table_")  # a job's name is of ASCII letters
    (world.directory / f"jobs/{name}.yaml").write_text(printed.out, encoding="utf-8")
    assert world.run_well(name).batches[0].sent.total == 2


def test_a_column_that_is_seen_to_be_stamped_makes_a_lossless_job(
    world: World, capsys: Capsys
) -> None:
    world.make_table(3)
    world.sql(
        "source",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$",
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()",
    )
    printed = call(capsys, "--config", world.directory, "discover", "source", "t", "--job")
    assert "stamp: database" in printed.out.split("capture:")[1].split("\n")[0]
    (world.directory / "jobs/t.yaml").write_text(printed.out, encoding="utf-8")
    assert world.deployment.job("t").capture.stamp == "database"


def test_a_column_that_only_inserts_stamp_is_no_promise(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.sql("source", "ALTER TABLE t ALTER COLUMN updated_at SET DEFAULT now()")
    printed = call(capsys, "--config", world.directory, "discover", "source", "t", "--job")
    assert "column: updated_at" in printed.out
    assert "stamp:" not in printed.out.split("capture:")[1].split("\n")[0]
    world.job("j", **cursor_job())
    told = call(capsys, "--config", world.directory, "check", "--json")
    (found,) = [line for line in told.json if line["what"] == "stamp"]
    assert (found["result"], "declared, not verified" in found["found"]) == ("warning", True)


def test_a_table_without_any_key_says_what_is_missing(world: World, capsys: Capsys) -> None:
    world.sql("source", "CREATE TABLE loose (a text)", "INSERT INTO loose VALUES ('x')")
    printed = call(capsys, "--config", world.directory, "discover", "source", "loose", "--job")
    assert "# key: [...]" in printed.out
    (world.directory / "jobs/loose.yaml").write_text(printed.out, encoding="utf-8")
    outcome = world.run("loose")
    assert outcome.error is not None
    assert outcome.exit_code == 4
    assert "key" in outcome.error.message


def test_a_job_file_leads_where_most_jobs_do_under_a_name_that_is_free(
    make: MakeWorld, capsys: Capsys
) -> None:
    """Never back to its own store, into the exchange, nor where nothing can be written."""
    world = make("sqlite", "sqlite", "sqlite")
    (world.directory / "files").mkdir()
    settings = yaml.safe_load((world.directory / "bridgehead.yaml").read_text("utf-8"))
    folder = {"family": "csv", "folder": "files"}
    archive = {"family": "sqlite", "path": str(world.directory / "archive.db")}
    settings["endpoints"] = {"files": folder, **settings["endpoints"], "archive": archive}
    (world.directory / "bridgehead.yaml").write_text(
        yaml.safe_dump(settings, sort_keys=False), "utf-8"
    )
    world.sql(
        "source", "CREATE TABLE Person (ID int PRIMARY KEY, GXSJ timestamp, Modified_At datetime)"
    )

    def printed() -> Any:
        told = call(capsys, "--config", world.directory, "discover", "source", "Person", "--job")
        assert told.code == 0, told.err
        return yaml.safe_load(told.out)

    assert printed()["target"] == {"endpoint": "target", "table": "Person"}
    back = {"endpoint": "target", "table": "t"}
    for name, source, end in (
        ("person", back, "source"),
        ("person_2", back, "source"),
        ("a", {"endpoint": "source", "table": "t"}, "target"),
        ("b", {"endpoint": "source", "table": "t"}, "archive"),
        ("c", {"endpoint": "source", "table": "t"}, "archive"),
    ):
        target = {"endpoint": end, "table": f"of_{name}"}
        world.job(name, source=source, target=target, key=["id"], capture={"method": "compare"})
    job = printed()
    assert (job["job"], job["target"]["endpoint"]) == ("person_3", "archive")
    assert job["capture"] == {"method": "cursor", "column": "Modified_At"}
