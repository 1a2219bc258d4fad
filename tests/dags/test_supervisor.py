"""Processes are kept running, and none outlives the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bridgehead_stack import service
from tests.dags.conftest import DAGS

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(way: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "supervise.py", tmp_path, way],
            env={**os.environ, "PYTHONPATH": str(DAGS)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def _pids(folder: Path, count: int) -> list[int]:
    place = folder / "pids"
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if place.exists() and len(found := place.read_text().split()) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    raise AssertionError("the processes did not start")


def _living(pids: list[int]) -> list[int]:
    return [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != "zombie"]


def _gone(pids: list[int]) -> bool:
    until = time.monotonic() + 20
    while _living(pids) and time.monotonic() < until:
        time.sleep(0.05)
    return not _living(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    supervisor = start("steady")
    pids = _pids(tmp_path, 2)
    assert _living(pids) == pids
    supervisor.send_signal(number)
    assert supervisor.wait(30) == 0
    assert _living(pids) == []


def test_also_what_does_not_want_to_end(start: Start, tmp_path: Path) -> None:
    supervisor = start("stubborn")
    pids = _pids(tmp_path, 3)
    supervisor.terminate()
    assert supervisor.wait(30) == 0
    assert _living(pids) == []


def test_services_end_when_their_supervisor_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start("steady")
    pids = _pids(tmp_path, 2)
    (first,) = [pid for pid in pids if psutil.Process(pid).ppid() == supervisor.pid]
    supervisor.kill()
    assert _gone([first])
    for pid in _living(pids):
        os.kill(pid, signal.SIGKILL)


def test_a_process_that_dies_once_is_started_again(start: Start, tmp_path: Path) -> None:
    supervisor = start("once")
    pids = _pids(tmp_path, 3)
    assert (tmp_path / "deaths").read_text() == "x\nx\n"
    supervisor.terminate()
    told, _ = supervisor.communicate(timeout=30)
    assert "second ended with 3; see " in told
    assert "starting it again in 1 s" in told
    assert _living(pids) == []


def test_a_process_that_keeps_dying_ends_all(tmp_path: Path) -> None:
    """With pauses of its own, so that the test need not wait for them."""
    failing = service.Service("second", ["/bin/false"], {}, tmp_path / "log")
    failing.start()
    told: list[str] = []
    now = time.monotonic()
    while not failing.given_up:
        time.sleep(0.02)
        failing._again_at = failing._again_at and now
        if word := failing.look():
            told.append(word)
    pauses = [word.rpartition(" in ")[2] for word in told[:-1]]
    assert pauses == ["1 s", "2 s", "4 s", "8 s", "16 s"]
    assert "starting" not in told[-1]


def test_the_end_of_all_is_told_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    supervisor = start("dying")
    pids = _pids(tmp_path, 2)
    told, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert told.splitlines()[-1].startswith("second ended with 3; see ")
    assert (tmp_path / "deaths").read_text().count("x") == 3
    assert _living(pids) == []
