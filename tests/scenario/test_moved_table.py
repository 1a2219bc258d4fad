"""A job that names no schema leaves it to the login where its table is found: a table of the same
name in another schema is not its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.comparison import reconcile_job
from bridge.failpoint import arm, at
from bridge.inspection.check import check_deployment
from connectors.postgresql.connector import PostgresqlConnector
from tests.scenario.world import World, cut_off

JOB = {"capture": {"method": "compare"}}
OTHER = (
    "CREATE SCHEMA other",
    "CREATE TABLE other.t (LIKE t INCLUDING ALL)",
    "INSERT INTO other.t SELECT id + 100, name, amount, updated_at FROM t",
)


def look_in(world: World, *schemas: str, role: str = "source") -> None:
    name = world.stores[role].database
    world.sql(role, f"ALTER DATABASE {name} SET search_path = {', '.join(schemas)}")


def test_held_until_a_person_says_which(world: World) -> None:
    world.make_table(5)
    world.sql("source", *OTHER)
    world.job("j", **JOB)
    world.run_well()
    look_in(world, "other", "public")
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code, len(world.batches())) == ("held", 1, 1)
    assert "table t is that of schema other now, and was that of public" in str(outcome.error)
    (looked,) = [f for f in check_deployment(world.deployment, "j") if f.subject == "ledger"]
    assert looked.exit_code == 1
    assert "was that of public" in looked.found
    look_in(world, "public")
    world.run_well()
    look_in(world, "other")
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT min(id), count(*) FROM t") == [(101, 5)]
    world.run_well()


def test_a_query_that_names_no_schema_is_held_too(world: World) -> None:
    world.make_table(5)
    world.sql("source", *OTHER)
    query = {"endpoint": "source", "query": "SELECT id, name, amount, updated_at FROM t"}
    world.job("j", **JOB | {"source": query, "key": ["id"]})
    world.run_well()
    look_in(world, "other", "public")
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code, len(world.batches())) == ("held", 1, 1)
    assert "looks for tables in other, public now, and did so in public" in str(outcome.error)
    look_in(world, "public")
    world.run_well()
    look_in(world, "other", "public")
    assert world.resync().verdict == "reconciled"
    assert world.sql("target", "SELECT min(id), count(*) FROM t") == [(101, 5)]
    world.run_well()


def test_a_load_that_was_cut_off_does_not_go_on_with_another(world: World) -> None:
    world.make_table(6)
    world.sql("source", *OTHER)
    world.job("j", chunk_rows=3, **JOB)
    arm(at("image.sealed", 1, cut_off))
    world.write(retry=0)
    try:
        world.run()
    finally:
        arm(None)
    look_in(world, "other")
    assert (world.run().verdict, len(world.batches())) == ("held", 1)
    look_in(world, "public")
    world.run_well()
    assert world.sql("target", "SELECT min(id), count(*) FROM t") == [(1, 6)]


def test_a_schema_that_is_named_is_no_matter_of_the_logins(world: World) -> None:
    world.make_table(3)
    world.sql("source", *OTHER)
    world.write({"source": {"schema": "other"}})
    world.job("j", **JOB)
    world.run_well()
    world.write({"source": {"schema": "public"}})
    world.job("j", **JOB | {"source": {"endpoint": "source", "schema": "other", "table": "t"}})
    assert world.resync().verdict == "reconciled"
    look_in(world, "public")
    world.run_well()
    assert world.sql("target", "SELECT min(id) FROM t") == [(101,)]


def test_another_table_of_its_name_at_the_target(world: World) -> None:
    """Its rows are nobody's to compare or to delete, whatever the receiver's tables say."""
    world.make_table(5)
    world.job("j", **JOB)
    world.run_well()
    world.sql("target", *OTHER)
    look_in(world, "other", "public", role="target")
    world.sql("source", "UPDATE t SET name = 'new' WHERE id = 1")
    told = "target table t is that of schema other now, and was that of public"
    for outcome in world.run(), reconcile_job(world.deployment, "j").outcome, world.resync():
        assert (outcome.verdict, outcome.exit_code, len(world.batches())) == ("held", 1, 1)
        assert told in str(outcome.error)
    findings = check_deployment(world.deployment, "j")
    assert [f.exit_code for f in findings if told in f.found] == [1]
    assert world.sql("target", "SELECT min(id), count(*) FROM other.t") == [(101, 5)]
    world.write({"target": {"schema": "public"}})
    world.run_well()
    look_in(world, "public", role="target")
    world.write()
    world.run_well()
    assert world.sql("target", "SELECT name FROM public.t WHERE id = 1") == [("new",)]
    assert world.findings() == []


def test_every_question_is_asked_in_a_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only there is a line that breaks told as that."""
    asked: list[str] = []
    execute = PostgresqlConnector._execute

    def watched(store: PostgresqlConnector, sql: str, values: Sequence[object]) -> Any:
        if not store.connection.in_transaction():
            asked.append(sql)
        return execute(store, sql, values)

    monkeypatch.setattr(PostgresqlConnector, "_execute", watched)
    world.make_table(5)
    world.job("j", **JOB)
    world.run_well()
    world.run_well()
    check_deployment(world.deployment, "j")
    assert reconcile_job(world.deployment, "j").outcome.verdict == "reconciled"
    assert world.resync().verdict == "reconciled"
    assert asked == []


def test_what_a_login_of_the_target_does_not_find_any_more_is_not_lost(world: World) -> None:
    """A resync would have filled a new table, and left the old one as it was."""
    world.make_table(5)
    world.job("j", **JOB)
    world.run_well()
    world.sql("target", "CREATE SCHEMA other")
    look_in(world, "other", role="target")
    told = "target table t is not found; it is in public"
    for outcome in world.run(), reconcile_job(world.deployment, "j").outcome, world.resync():
        assert (outcome.verdict, outcome.exit_code, len(world.batches())) == ("held", 1, 1)
        assert told in str(outcome.error)
    findings = check_deployment(world.deployment, "j")
    assert [f.exit_code for f in findings if told in f.found] == [1]
    look_in(world, "public", role="target")
    world.run_well()
    look_in(world, "other", role="target")
    world.write({"target": {"schema": "other"}})
    assert world.resync().verdict == "reconciled", "a schema that is named is meant"


def test_a_job_that_was_moved_to_another_schema_and_back(world: World) -> None:
    world.make_table(5)
    world.sql("target", "CREATE SCHEMA other")
    world.job("j", **JOB)
    world.run_well()
    world.job("j", target={"endpoint": "target", "schema": "other", "table": "t"}, **JOB)
    assert world.resync().verdict == "reconciled"
    world.job("j", **JOB)
    assert world.resync().verdict == "reconciled"
    world.run_well()
