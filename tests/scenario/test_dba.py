"""Where `target.ddl` is false, a DBA runs what `check --ddl` prints, word for word and in another
session than ours; then the login needs no right to make a table, and nothing more is printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from connectors.endpoint import Endpoint
from tests.command import call
from tests.mariadb import MariaDB
from tests.scenario.world import CAPTURES, MakeWorld, World

Capsys = pytest.CaptureFixture[str]

LOGIN = "fills_only"
OURS = ("bh_position", "bh_receipt", "bh_claim")
OTHER = {"endpoint": "source", "table": "other"}
COMPARE = CAPTURES["compare"]
HOSTILE = r"50% \'; DROP TABLE kept; -- \\"


@pytest.fixture(params=["postgresql", "mysql"])
def world(make: MakeWorld, request: pytest.FixtureRequest) -> Iterator[World]:
    """Two tables of a source, whose names and comments are not meant well."""
    made = make("postgresql", "sqlite", request.param)
    made.make_table(3)
    made.sql(
        "source",
        'CREATE TABLE other (id integer PRIMARY KEY, "50%" text)',
        "INSERT INTO other VALUES (1, 'a'), (2, 'b')",
        *(f"COMMENT ON {it} IS $${HOSTILE}$$" for it in ("TABLE t", "COLUMN t.name")),
    )
    made.sql("target", "CREATE TABLE kept (id integer)")
    target = {"endpoint": "target", "ddl": False}
    made.job("j", target=target | {"table": "t"}, **COMPARE)
    made.job("k", source=OTHER, target=target | {"table": "k"}, **COMPARE)
    database = made.stores["target"].database
    if request.param == "mysql":
        server: MariaDB = request.getfixturevalue("mariadb")
        server.create_user(LOGIN, "x", f"CREATE TEMPORARY TABLES ON {database}.*")
    else:
        made.sql(
            "target",
            f"DROP ROLE IF EXISTS {LOGIN}",
            f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'x'",
            f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {LOGIN}",
            "REVOKE CREATE ON SCHEMA public FROM public",
        )
    (made.directory / "secret").write_text("x", "ascii")
    made.write({"target": {"user": LOGIN, "password": {"file": "secret"}}}, retry=0)
    yield made
    if request.param == "mysql":
        server.drop_user(LOGIN)


def printed(world: World, capsys: Capsys, job: str) -> list[str]:
    told = call(capsys, "--config", world.directory, "check", job, "--ddl")
    assert told.code == 0, told.err
    return [one for one in told.out.split(";\n") if one]


def who(world: World) -> str:
    return f"'{LOGIN}'@'%'" if world.stores["target"].family == "mysql" else LOGIN


def granted(world: World, *tables: str) -> None:
    rights = [("SELECT, INSERT, UPDATE, DELETE", table) for table in (*tables, *OURS)]
    rights.append(("SELECT", "bh_receiver_version"))
    to = who(world)
    world.sql("target", *(f"GRANT {right} ON {table} TO {to}" for right, table in rights))


def test_what_is_printed_is_all_that_is_needed(world: World, capsys: Capsys) -> None:
    for command in (("run", "j"), ("check", "j", "--json")):
        told = call(capsys, "--config", world.directory, *command)
        assert told.code == 4
        assert "bridgehead check j --ddl prints" in told.out + told.err
    world.sql("target", *printed(world, capsys, "j"))
    granted(world, "t")
    world.run_well("j")
    (table, *more) = printed(world, capsys, "k")
    assert table.startswith("CREATE TABLE ")
    assert not more, "the receiver's tables are there"
    world.sql("target", table)
    granted(world, "k")
    world.run_well("k")
    assert [printed(world, capsys, job) for job in "jk"] == [[], []]
    assert world.sql("target", "SELECT count(*) FROM kept") == [(0,)]
    assert world.findings("j") == []
    renamed = {"id": "number", "50%": "text"}
    assert world.findings("k", columns=renamed, source_table="other", target_table="k") == []


def test_a_receiver_table_that_was_dropped_is_printed_alone(world: World, capsys: Capsys) -> None:
    world.sql("target", *printed(world, capsys, "j"))
    granted(world, "t")
    world.run_well("j")
    world.sql("target", "DROP TABLE bh_claim")
    if world.stores["target"].family == "mysql":  # which shows no view that it may not read
        world.sql("target", f"GRANT SELECT ON bh_health TO {who(world)}")
    (table,) = printed(world, capsys, "j")
    assert table.startswith("CREATE TABLE bh_claim")


def test_a_receiver_that_came_back_without_its_version_needs_that_alone(
    world: World, capsys: Capsys
) -> None:
    world.sql("target", *printed(world, capsys, "j"))
    granted(world, "t")
    world.run_well("j")
    world.sql(
        "target", "DROP TABLE bh_receiver_version", f"GRANT SELECT ON bh_health TO {who(world)}"
    )
    for command in (("run", "j"), ("push", "j"), ("reconcile", "j"), ("check", "j", "--json")):
        told = call(capsys, "--config", world.directory, *command)
        assert (command, told.code) == (command, 4)
        assert "bridgehead check j --ddl prints" in told.out + told.err
    made = printed(world, capsys, "j")
    assert [one.split()[:3] for one in made] == [
        ["CREATE", "TABLE", "bh_receiver_version"],
        ["INSERT", "INTO", "bh_receiver_version"],
    ]
    world.sql("target", *made)
    granted(world, "t")
    world.run_well("j")
    assert {batch["epoch"] for batch in world.batches("j")} == {1}


def test_what_each_target_needs_is_told_apart(
    world: World, capsys: Capsys, database: Callable[..., Endpoint]
) -> None:
    """Both lack the receiver's tables."""
    world.stores["elsewhere"] = database(world.stores["target"].family)
    world.write()
    target = {"endpoint": "elsewhere", "table": "k", "ddl": False}
    world.job("k", source=OTHER, target=target, **COMPARE)
    told = call(capsys, "--config", world.directory, "check", "--ddl")
    assert told.code == 0
    heading = re.compile("^-- (?:target|elsewhere)$", re.MULTILINE)
    beginning, of_target, of_elsewhere = heading.split(told.out)
    assert beginning == ""
    for endpoint, script in (("target", of_target), ("elsewhere", of_elsewhere)):
        world.sql(endpoint, *(one for one in script.strip().split(";\n") if one))
    world.run_well("j")
    world.run_well("k")
