"""check and discover: they look, they change nothing, and what they print can be used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.command import call
from tests.scenario.world import STAMPS, World, cursor_job

Capsys = pytest.CaptureFixture[str]

FAMILIES = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", FAMILIES, indirect=True, ids=lambda chain: chain[0])


def check(world: World, capsys: Capsys, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    told = call(capsys, "--config", world.directory, "check", *arguments, "--json")
    return told.code, told.json


def found(findings: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    return [finding for finding in findings if finding["what"] == what]


@on_both
def test_a_sound_job_is_looked_at_in_full(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    code, findings = check(world, capsys)
    assert code == 0, findings
    seen = {finding["what"] for finding in findings if finding["result"] != "refused"}
    whole = {"configuration", "connection", "source", "guarantee", "key", "cursor", "horizon"}
    assert whole | {"target", "rights", "ledger"} <= seen
    assert found(findings, "guarantee")[0]["found"].startswith("lossless")
    if not world.is_sqlite:
        assert world.sql("exchange", "SELECT to_regclass('bh_job')") == [(None,)]
        assert world.sql("target", "SELECT to_regclass('t')") == [(None,)]
    world.run_well()
    assert check(world, capsys, "j")[0] == 0


def test_texts_of_any_type_and_any_number_are_looked_at(world: World, capsys: Capsys) -> None:
    many = ", ".join(f"c{number} text" for number in range(600))
    world.sql(
        "source",
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        f"CREATE TABLE t (id mood PRIMARY KEY, code char(3), {many})",
        "INSERT INTO t (id, code, c599) VALUES ('sad', 'a?', 'lost \ufffd')",
    )
    world.job("j", capture={"method": "compare"})
    code, findings = check(world, capsys)
    assert code == 0, [finding for finding in findings if finding["result"] == "refused"]
    told = [finding["found"] for finding in found(findings, "lost characters")]
    assert told == [
        "code: 0 texts hold U+FFFD, 1 hold ?",
        "c599: 1 texts hold U+FFFD, 0 hold ?",
    ]


@on_both
def test_a_stamp_ahead_of_the_clock_is_refused(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    tomorrow = "now() + interval '1 d'"
    if world.is_sqlite:
        tomorrow = "strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 day')"
    world.insert([6, 7], stamp=tomorrow)
    world.job("j", **cursor_job())
    code, findings = check(world, capsys)
    assert code == 4
    (refused,) = [f for f in findings if f["result"] == "refused"]
    assert (refused["what"], refused["exit_code"]) == ("cursor", 4)
    assert "2 rows have a updated_at ahead" in refused["found"]


@on_both
def test_rows_without_a_stamp_need_the_sweep(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.insert([6], stamp="NULL")
    world.job("j", **cursor_job())
    code, findings = check(world, capsys)
    assert code == 0
    assert "warning" in [f["result"] for f in found(findings, "cursor")]
    world.job("j", **cursor_job(deletes={"sweep": "off"}))
    code, findings = check(world, capsys)
    assert code == 4
    assert found(findings, "guarantee")[0]["found"].startswith("none")


@on_both
def test_a_key_that_no_constraint_sees_to_is_counted(world: World, capsys: Capsys) -> None:
    world.sql(
        "source",
        "CREATE TABLE t (a integer, b text)",
        "INSERT INTO t VALUES (1, 'x'), (1, 'y'), (2, 'x')",
    )
    world.job("j", key=["a", "b"], capture={"method": "compare"})
    code, findings = check(world, capsys)
    assert (code, found(findings, "key")[0]["result"]) == (0, "ok")
    world.job("j", key=["a"], capture={"method": "compare"})
    code, findings = check(world, capsys)
    assert (code, found(findings, "key")[0]["result"]) == (4, "refused")
    assert "1 keys" in found(findings, "key")[0]["found"]


@on_both
def test_a_key_is_unique_by_a_constraint_on_no_other_columns(world: World, capsys: Capsys) -> None:
    world.sql(
        "source",
        "CREATE TABLE t (a integer, b integer, c integer, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1)",
    )
    for key, result in ((["b", "a"], "ok"), (["a", "b", "c"], "ok"), (["b"], "refused")):
        world.job("j", key=key, capture={"method": "compare"})
        (told,) = found(check(world, capsys)[1], "key")
        assert (told["result"], "constraint" in told["found"]) == (result, result == "ok")


def test_a_changed_job_is_told_before_it_runs(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", columns={"id": {}, "name": {"mask": "name"}, "updated_at": {}}, **cursor_job())
    code, findings = check(world, capsys)
    assert code == 1
    assert "resync" in found(findings, "ledger")[0]["remedy"]


@on_both
def test_a_target_that_a_run_would_not_take_is_told_before_it(world: World, capsys: Capsys) -> None:
    """Somebody else's rows, and rows of the job's own that are gone."""
    place = {"endpoint": "target", "table": "t"}
    world.make_table(5)
    stamp = STAMPS[world.family]
    columns = f"id integer PRIMARY KEY, name text, amount numeric(10,2), updated_at {stamp}"
    world.sql("target", f"CREATE TABLE t ({columns})", "INSERT INTO t (id) VALUES (98), (99)")
    for adopt, expected in ((False, (4, "refused", True)), (True, (0, "ok", False))):
        world.job("j", **cursor_job(), target=place | {"adopt": adopt})
        code, findings = check(world, capsys)
        (told,) = found(findings, "target")
        assert (code, told["result"], "holds 2 rows already" in told["found"]) == expected
    world.run_well()
    assert check(world, capsys)[0] == 0
    world.sql("target", "DROP TABLE t")
    code, findings = check(world, capsys)
    (told,) = found(findings, "target")
    assert (code, told["result"]) == (1, "refused")
    assert told["found"] == "j: the target has no table t any more, 1/1 had arrived"
    assert told["found"] in str(world.run().error)


def test_missing_rights_to_make_tables_are_named(world: World, capsys: Capsys) -> None:
    """Asked for wherever a run would make one: at the exchange, and at a target that knows other
    jobs already."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("k", **cursor_job(), target={"endpoint": "target", "table": "k"})
    world.sql(
        "target",
        "DROP ROLE IF EXISTS fills_only",
        "CREATE ROLE fills_only LOGIN PASSWORD 'fills'",
    )
    (world.directory / "fills").write_text("fills", encoding="ascii")
    for role in ("exchange", "target"):
        world.sql(
            role,
            f"GRANT CONNECT ON DATABASE {world.stores[role].database} TO fills_only",
            "REVOKE CREATE ON SCHEMA public FROM public",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO fills_only",
        )
        world.write({role: {"user": "fills_only", "password": {"file": "fills"}}})
        code, findings = check(world, capsys, "k")
        (told,) = found(findings, "rights")
        assert (code, told["result"]) == (4, "refused")
        assert told["found"] == f"missing at {role}: CREATE in the schema"
    assert check(world, capsys, "j")[0] == 0, "its table and the receiver's are there"


def test_missing_rights_at_the_target_are_named(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    database = world.stores["target"].database
    world.sql(
        "target",
        "DROP ROLE IF EXISTS reader_only",
        "CREATE ROLE reader_only LOGIN PASSWORD 'reads'",
        f"GRANT CONNECT ON DATABASE {database} TO reader_only",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_only",
    )
    (world.directory / "reads").write_text("reads", encoding="ascii")
    world.write({"target": {"user": "reader_only", "password": {"file": "reads"}}})
    code, findings = check(world, capsys)
    assert code == 4
    assert "INSERT, UPDATE, DELETE" in found(findings, "rights")[0]["found"]


def test_one_broken_endpoint_hides_nothing_else(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("good", **cursor_job())
    world.write({"source": {"port": 1}})
    (world.directory / "jobs/broken.yaml").write_text("job: [", encoding="utf-8")
    code, findings = check(world, capsys)
    assert code == 2
    refused = [(f["what"], f["exit_code"]) for f in findings if f["result"] == "refused"]
    assert refused == [("configuration", 2), ("connection", 3)]
    assert "not looked at" in found(findings, "structure")[0]["found"]


def test_the_ddl_is_what_a_job_without_ddl_needs(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    target = {"endpoint": "target", "table": "t", "ddl": False}
    world.job("j", **(cursor_job() | {"target": target}))
    assert check(world, capsys)[0] == 4
    told = call(capsys, "--config", world.directory, "check", "j", "--ddl")
    assert told.code == 0
    world.sql("target", told.out)
    assert check(world, capsys)[0] == 0
    world.run_well()


@on_both
def test_a_discovered_job_file_loads_and_runs_as_it_is(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    told = call(capsys, "--config", world.directory, "discover", "source")
    assert told.out.split()[0].endswith("t")
    described = call(capsys, "--config", world.directory, "discover", "source", "t", "--json")
    assert [c["column"] for c in described.json["columns"]] == [
        "id",
        "name",
        "amount",
        "updated_at",
    ]
    assert described.json["columns"][0]["key"] == 1
    printed = call(capsys, "--config", world.directory, "discover", "source", "t", "--job")
    (world.directory / "jobs/t.yaml").write_text(printed.out, encoding="utf-8")
    assert "method: cursor" in printed.out
    outcome = world.run_well("t")
    assert outcome.batches[0].sent.total == 5


def test_awkward_names_survive_discovery(world: World, capsys: Capsys) -> None:
    world.sql(
        "source",
        'CREATE SCHEMA "人口"',
        'CREATE TABLE "人口"."Per: son" ("No" integer PRIMARY KEY, "姓 名" text, "a: b" text)',
        """COMMENT ON COLUMN "人口"."Per: son"."姓 名" IS '姓名: {x}\n# "第二行"'""",
        'INSERT INTO "人口"."Per: son" VALUES (1, $$x$$, $$y$$)',
    )
    wanted = ("discover", "source", "人口.Per: son", "--job")
    printed = call(capsys, "--config", world.directory, *wanted)
    assert printed.code == 0
    (world.directory / "jobs/per_son.yaml").write_text(printed.out, encoding="utf-8")
    assert world.run_well("per_son").batches[0].sent.total == 1


def test_an_unknown_table_or_endpoint_names_the_nearest(world: World, capsys: Capsys) -> None:
    world.make_table()
    told = call(capsys, "--config", world.directory, "discover", "source", "tt")
    assert (told.code, "did you mean t?" in told.err) == (4, True)
    told = call(capsys, "--config", world.directory, "discover", "sorce")
    assert (told.code, "did you mean 'source'?" in told.err) == (2, True)
    assert call(capsys, "--config", world.directory, "check", "nojob").code == 2
