"""Names and keys are others' own: none may end a line, move the cursor or hide what follows it."""

from __future__ import annotations

import pytest

from tests.command import call
from tests.scenario.world import CAPTURES, MakeWorld, World

Capsys = pytest.CaptureFixture[str]

CONCEAL = "\x1b[8m"
KEY = f"{CONCEAL}0123456789\u202ex"


@pytest.fixture
def hostile(make: MakeWorld) -> World:
    """Its keys conceal on a terminal whatever comes after them."""
    world = make("sqlite", "sqlite", "sqlite")
    world.sql("source", "CREATE TABLE t (id TEXT PRIMARY KEY, v TEXT)")
    world.sql("source", f"INSERT INTO t VALUES ('{KEY}', 'v'), ('{KEY}y', CAST(x'6100' AS TEXT))")
    world.job("j", **CAPTURES["compare"])
    return world


def test_no_key_of_a_row_hides_the_verdict_after_it(hostile: World, capsys: Capsys) -> None:
    assert hostile.run().verdict == "reconciled"
    hostile.sql("target", "DELETE FROM t")
    for command in ("quarantine", "reconcile"):
        told = call(capsys, "--config", hostile.directory, command, "j")
        assert r"\x1b[8m" in told.out
        assert r"\u202e" in told.out
        assert not {"\x1b", "\u202e"} & set(told.out), command


def test_no_name_of_a_table_or_column_ends_its_line(hostile: World, capsys: Capsys) -> None:
    hostile.sql("source", f'CREATE TABLE "a\nforged{CONCEAL}" (id INTEGER, "b\nforged" TEXT)')
    for more in ([], [f"a\nforged{CONCEAL}"]):
        told = call(capsys, "--config", hostile.directory, "discover", "source", *more)
        assert r"a\nforged\x1b[8m" in told.out
        assert "\x1b" not in told.out
        assert not any(line.lstrip().startswith("forged") for line in told.out.splitlines())


def test_no_job_of_another_department_hides_those_below_it(hostile: World, capsys: Capsys) -> None:
    hostile.run()
    others = f"'913{CONCEAL}', 'x\ny', epoch, 0, head_hash, 0, updated_at, NULL, NULL"
    hostile.sql("target", f"INSERT INTO bh_position SELECT {others} FROM bh_position")
    told = call(capsys, "--config", hostile.directory, "watch", "--once")
    assert {r"913\x1b[8m", r"x\ny"} < set(told.out.split())
    assert "\x1b" not in told.out


def test_no_name_that_is_not_there_forges_a_line_of_an_error(
    hostile: World, capsys: Capsys
) -> None:
    name = f"register{CONCEAL}\nj: reconciled"
    told = call(capsys, "--config", hostile.directory, "discover", "source", name)
    assert told.code == 4
    assert r"register\x1b[8m\nj: reconciled" in told.err


def test_a_path_is_told_as_it_is(hostile: World, capsys: Capsys) -> None:
    hostile.run()
    page = hostile.directory / ":bug:.html"
    told = call(capsys, "--config", hostile.directory, "report", "--output", page)
    assert str(page) in told.out
