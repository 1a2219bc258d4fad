"""The command itself: every command is in the manual, and how calls are read and ended."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bridge import runs
from bridge.cli.app import COMMANDS, app, globals_first
from bridge.cli.session import actor_of
from bridge.run import Outcome
from bridge.runs import SEVERITY, exit_code_of, run_jobs
from bridge.settings import Deployment, load
from tests.command import call

PAGE = (Path(__file__).resolve().parents[2] / "docs/commands.md").read_text(encoding="utf-8")
# The first line of each; examples may follow.
SYNOPSES = dict(re.findall(r"^    bridgehead (\w+)(.*)$", PAGE, re.MULTILINE)[::-1])

Capsys = pytest.CaptureFixture[str]


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    found = (p.opts + p.secondary_opts for p in command.params)
    return {option for options in found for option in options} - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_manual_has_every_command_with_every_option(name: str) -> None:
    written = set(re.findall(r"--[a-z][a-z-]*", SYNOPSES[name]))
    assert written == {option for option in options_of(name) if option.startswith("--")}


def test_the_manual_has_no_command_besides() -> None:
    assert SYNOPSES.keys() == COMMANDS.keys()
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(headings))) == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: Capsys) -> None:
    told = call(capsys, name, "--help")
    assert told.code == 0
    assert "Usage: bridgehead" in told.out


def test_the_version(capsys: Capsys) -> None:
    told = call(capsys, "--version")
    assert told.code == 0
    assert re.fullmatch(r"bridgehead \d+\.\d+\.\d+\n", told.out)


def test_an_unknown_command_names_the_nearest(capsys: Capsys) -> None:
    told = call(capsys, "statsu")
    assert told.code == 2
    assert "status" in told.err


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["run", "x", "--config", "d"], ["--config", "d", "run", "x"]),
        (["run", "--config=d", "x"], ["--config=d", "run", "x"]),
        (["--config", "d", "status", "--debug"], ["--config", "d", "--debug", "status"]),
        (["run", "--", "--config"], ["run", "--", "--config"]),
        (["run", "--config"], ["--config", "run"]),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], read: list[str]) -> None:
    assert globals_first(given) == read


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 2], 2), ([2, 4, 3], 4), ([4, 1, 2], 1)],
)
def test_of_several_jobs_the_most_severe_code_counts(codes: list[int], expected: int) -> None:
    assert exit_code_of(codes) == expected
    assert set(SEVERITY) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_bug_in_one_job_harms_no_other(parallel: int) -> None:
    def run(name: str) -> Outcome:
        if name == "b":
            raise KeyError("张三 110101199003070134")
        return Outcome(name)

    a, b, c = run_jobs(["a", "b", "c"], parallel, run)
    assert (a.error, c.error) == (None, None)
    assert b.error is not None
    assert (b.exit_code, b.error.code) == (4, "internal")
    assert "KeyError" in b.error.message
    assert "张三" not in str(b.error)


def test_an_interruption_is_one_line(capsys: Capsys, tmp_path: Path) -> None:
    import bridge.cli.setup as setup

    def interrupt() -> None:
        raise KeyboardInterrupt

    probe = typer.Typer()
    probe.command("families")(interrupt)
    kept, setup.commands = setup.commands, probe
    try:
        told = call(capsys, "families")
    finally:
        setup.commands = kept
    assert told.code == 130
    assert told.err == "interrupted; nothing is lost, the next run goes on from here\n"


def test_so_is_one_before_everything_is_imported(tmp_path: Path) -> None:
    """Nothing has begun, and nothing is said."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt", "utf-8")
    command = [sys.executable, "-c", "from bridge.cli import main; main(['families'])"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_init_writes_a_configuration_that_loads_as_far_as_it_can(
    capsys: Capsys, tmp_path: Path
) -> None:
    place = tmp_path / "new"
    assert call(capsys, "init", place).code == 0
    deployment: Deployment = load(place)
    assert runs.due_jobs(deployment) == ["enterprise", "population"]
    assert deployment.problems == ()
    again = call(capsys, "init", place)
    assert again.code == 2
    assert "not empty" in again.err


@pytest.mark.parametrize("was_there", [True, False])
def test_init_leaves_nothing_where_it_finds_no_room(
    capsys: Capsys, tmp_path: Path, was_there: bool
) -> None:
    place = tmp_path / "some/new"
    if was_there:
        place.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        told = call(capsys, "init", place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (told.code, "cannot be made: File too large" in told.err) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before
    assert call(capsys, "init", place).code == 0
    assert load(place).problems == ()


def test_families_lists_what_is_known(capsys: Capsys) -> None:
    told = call(capsys, "families", "--json")
    assert {family["family"] for family in told.json} >= {"postgresql", "sqlite"}


def test_an_account_without_a_name_still_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container any number may be the account's."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_001)
    assert actor_of(None) == "uid 4000001"
    assert actor_of("Li") == "Li"
