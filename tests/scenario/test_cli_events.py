"""events: what is open is counted whole, however little of it is shown."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime

import pytest

from bridge.event import EventKind, Observation, Recovery, Sighting
from bridge.hold import open_ledger
from bridge.notice.notice import record
from tests.command import Called, call
from tests.scenario.world import MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def troubled(make: MakeWorld) -> World:
    """Three events of `j`: two are open, one is over; and one of no job."""
    world = make("sqlite", "sqlite", "sqlite")
    world.job("j", **cursor_job())
    seen = [Sighting(kind, "j", facts={"found": "x"}) for kind in (EventKind.GAP, EventKind.FORK)]
    seen += [
        Sighting(EventKind.HORIZON, "j", facts={"holders": "x"}),
        Sighting(EventKind.STORE, subject="target", facts={"found": "x"}),
    ]
    over = Observation(over=(Recovery(EventKind.HORIZON, "j"),))
    with open_ledger(world.deployment) as exchange:
        for look in (Observation(tuple(seen)), over):
            record(exchange, world.deployment, lambda _, look=look: look, datetime.now(UTC))  # type: ignore[misc]
    return world


def events(world: World, capsys: Capsys, *given: str) -> Called:
    return call(capsys, "--config", world.directory, "events", *given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "3 open"),
        ("--limit 1", "3 open, the newest 1 shown"),
        ("--job j", "2 open"),
        ("--all", "3 open, 1 over"),
        ("--all --limit 3", "3 open, 1 over, the newest 3 shown"),
        ("--all --limit 4", "3 open, 1 over"),
        ("--all --job j --limit 1", "2 open, 1 over, the newest 1 shown"),
    ],
)
def test_all_that_is_open_is_counted(
    troubled: World, capsys: Capsys, given: str, told: str
) -> None:
    shown = events(troubled, capsys, *given.split())
    assert (shown.code, shown.out.splitlines()[-1]) == (0, told)


def test_json_that_does_not_hold_all_says_so_beside_it(troubled: World, capsys: Capsys) -> None:
    shown = events(troubled, capsys, "--json", "--limit", "1")
    assert (len(shown.json), "3 open, the newest 1 shown" in shown.err) == (1, True)
    assert events(troubled, capsys, "--json").err == ""


def test_a_narrow_terminal_shows_what_happened_and_what_to_do(troubled: World) -> None:
    command = "from bridge.cli import main; main()"
    given = [sys.executable, "-c", command, "--config", str(troubled.directory)]
    given += ["events", "--limit", "1"]  # what a terminal holds unread
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    subprocess.run(given, stdout=far, check=True, env=os.environ | {"TERM": "xterm", "LANG": "C"})
    shown = os.read(near, 65_536).decode()
    for each in near, far:
        os.close(each)
    assert "what happened" in shown
    assert "what to do" in shown
    assert "last seen" not in shown


def test_a_job_that_nobody_knows_is_no_job_without_events(troubled: World, capsys: Capsys) -> None:
    told = events(troubled, capsys, "--job", "jj")
    assert (told.code, "unknown job 'jj'" in told.err) == (2, True)
    (troubled.directory / "jobs/j.yaml").unlink()
    assert events(troubled, capsys, "--job", "j").out.endswith("2 open\n")
