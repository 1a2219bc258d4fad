"""What a command says may have nowhere to go: that is told, and is no verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.command import call
from tests.scenario.world import DEPARTMENT, World, cursor_job

Capsys = pytest.CaptureFixture[str]

pytestmark = pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])


@pytest.fixture
def settled(world: World) -> World:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    return world


def shell(world: World, line: str) -> tuple[int, str]:
    """The line as an operator types it: its exit code, and stderr."""
    command = f"{sys.executable} -c 'from bridge.cli import main; main()'"
    command += f" --config {world.directory}"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", line.replace("bridgehead", command)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["status --json", "run j --json", "run j", "metrics"])
def test_a_full_disk_behind_stdout_is_an_error_of_the_output(settled: World, command: str) -> None:
    code, told = shell(settled, f"bridgehead {command} >/dev/full")
    assert code == 4
    assert "the output could not be written: No space left on device" in told


def test_a_reader_that_has_gone_is_no_deviation(settled: World) -> None:
    many = "for _ in 1 2 3 4 5 6 7 8; do bridgehead status --json; done"
    code, told = shell(settled, f"{{ {many}; }} | true; exit ${{PIPESTATUS[0]}}")
    assert (code in (0, 141), told) == (True, "")


@pytest.mark.parametrize("nowhere", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_a_run_does_its_work_whoever_listens(settled: World, nowhere: str) -> None:
    settled.insert([4], stamp=settled.now)
    assert shell(settled, f"bridgehead run j {nowhere}")[0] == 0
    assert settled.sql("target", "SELECT count(*) FROM t") == [(4,)]


def test_a_report_that_cannot_be_written_says_where(
    settled: World, tmp_path: Path, capsys: Capsys
) -> None:
    for place, code in ((tmp_path / "none" / "x.html", 2), (tmp_path, 2), (Path("/dev/full"), 3)):
        told = call(capsys, "--config", settled.directory, "report", "--output", place)
        assert told.code == code
        assert f"the report cannot be written to {place}" in told.err


def test_a_statement_that_finds_no_room_may_be_tried_again(
    settled: World, tmp_path: Path, capsys: Capsys
) -> None:
    name = f"statement-{DEPARTMENT}-2026-01-01-2026-02-01.html"
    folder = tmp_path / "statements"
    folder.mkdir()
    (folder / f"{name}.part").symlink_to("/dev/full")
    given = ("statement", "--from", "2026-01-01", "--to", "2026-02-01", "--output", folder)
    told = call(capsys, "--config", settled.directory, *given)
    assert (told.code, list(folder.iterdir())) == (3, [])
    assert f"the statement cannot be written to {folder}: No space left on device" in told.err
    assert "free disk space there" in told.err


def test_a_report_that_finds_no_room_leaves_the_one_before(
    settled: World, tmp_path: Path, capsys: Capsys
) -> None:
    page = tmp_path / "page.html"
    page.write_text("the one before", "ascii")
    page.with_name("page.html.part").mkdir()
    told = call(capsys, "--config", settled.directory, "report", "--output", page)
    assert (told.code, page.read_text("ascii")) == (2, "the one before")


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--days", "999999"),
        ("events", "ack", "9" * 30, "--why", "x"),
        ("init", "/dev/null/x"),
        ("init", "x" * 300),
    ],
)
def test_what_cannot_be_is_refused_as_bad_input(
    settled: World, capsys: Capsys, words: tuple[str, ...]
) -> None:
    told = call(capsys, "--config", settled.directory, *words)
    assert (told.code, "internal error" in told.err) == (2, False)


def test_what_only_tells_does_not_wait_for_a_writer(settled: World, capsys: Capsys) -> None:
    """A run may be at work at an exchange that is a SQLite file."""
    for command in ("status",), ("batches", "j"), ("events",), ("quarantine", "j"), ("metrics",):
        with closing(settled.connect("exchange")) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("UPDATE bh_job SET token = token + 1")
            began = time.monotonic()
            told = call(capsys, "--config", settled.directory, *command)
            took = time.monotonic() - began
        assert (told.code, took < 5) == (0, True), command
