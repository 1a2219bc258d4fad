"""The container's loop and its health check, as they are, over a real configuration."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.world import World, cursor_job

CONTAINER = Path(__file__).resolve().parents[2] / "deploy/container"
SQLITE = pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)


@pytest.fixture
def environment(world: World, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "BRIDGEHEAD_CONFIG": str(world.directory),
        "BRIDGEHEAD_EVERY": "1",
        "BRIDGEHEAD_PASS": str(tmp_path / "pass"),
    }


@pytest.fixture
def agent(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([CONTAINER / "agent"], env=environment)
    yield started
    if started.poll() is None:
        started.kill()
    started.wait()


def health(environment: dict[str, str], **more: str) -> tuple[int, str]:
    asked = subprocess.run(
        [CONTAINER / "health"], env=environment | more, capture_output=True, text=True, check=False
    )
    return asked.returncode, asked.stdout


@SQLITE
def test_a_pass_carries_rows_and_makes_it_healthy(
    world: World,
    environment: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    code, told = health(environment)
    assert (code, "no pass has ended" in told) == (1, True)
    agent: subprocess.Popen[bytes] = request.getfixturevalue("agent")
    mark = Path(environment["BRIDGEHEAD_PASS"])
    deadline = time.monotonic() + 120
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert world.sql("target", "SELECT count(*) FROM t") == [(3,)]
    assert health(environment)[0] == 0
    agent.terminate()
    assert agent.wait(60) == 0
    hours_ago = time.time() - 7200
    os.utime(mark, (hours_ago, hours_ago))
    assert health(environment)[0] == 1
    os.utime(mark)
    code, told = health(environment, BRIDGEHEAD_CONFIG="/nonexistent")
    assert (code, told.strip()) == (1, "bridgehead status: exit 2")


@SQLITE
def test_books_that_do_not_balance_are_not_the_containers_illness(
    world: World, environment: dict[str, str]
) -> None:
    world.make_table(3)
    world.job("j", **cursor_job(), max_delete=1)
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id > 1")
    assert world.run().verdict == "held"
    Path(environment["BRIDGEHEAD_PASS"]).touch()
    assert health(environment)[0] == 0
