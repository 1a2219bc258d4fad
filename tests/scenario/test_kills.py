"""Killed between any two durable effects, then started again: nothing lost, nothing twice.

One clean passage through a job's life counts how often each failpoint is passed. Then the process
is killed at every single pass, each time from a copy of the stores as they were before that run;
a second start must bring everything to rest, and the oracle judges.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bridge.failpoint import arm
from bridge.purge import purge_jobs
from bridge.run import Outcome
from connectors.endpoint import Endpoint
from tests.kill import FILE_POINTS, killed
from tests.scenario.world import ROLES, World, cursor_job

CHUNK_ROWS = 4
Act = Callable[[World], None]


def first_load(world: World) -> None:
    """In three parts, on a ledger that another job has made already."""
    world.job("other", target={"endpoint": "target", "table": "other"}, **cursor_job())
    world.make_table()
    world.run_well("other")
    world.insert(range(1, 2 * CHUNK_ROWS + 2))


def change(world: World) -> None:
    """More than two parts, with every kind of change."""
    world.sql(
        "source",
        f"UPDATE t SET name = 'changed', updated_at = {world.now} WHERE id <= 5",
        "DELETE FROM t WHERE id IN (7, 9)",
        f"UPDATE t SET amount = amount + 1, updated_at = {world.ago(7200)} WHERE id = 8",
    )
    world.insert(range(100, 105), stamp=world.now)
    world.insert([50, 51])


def change_nothing(world: World) -> None:
    pass


def change_a_little(world: World) -> None:
    world.job("j", chunk_rows=2 * CHUNK_ROWS, **cursor_job(overlap=1))
    world.sql("source", f"UPDATE t SET amount = amount * 2, updated_at = {world.now} WHERE id = 3")


def grow_old(world: World) -> None:
    """The receipts of all batches are older than any backup."""
    earlier = "strftime('%Y-%m-%dT%H:%M:%f000Z', reconciled_at, '-400 days')"
    world.sql("exchange", f"UPDATE bh_batch SET reconciled_at = {earlier}")


def purge(world: World) -> Outcome:
    for purged in purge_jobs(world.deployment, ["j"], "tester", 10):
        assert purged.error is None, purged
    return world.run()


STORY: list[tuple[Act, Callable[[World], Outcome]]] = [
    (first_load, World.run),
    (change, World.run),
    (change_nothing, World.run),
    (grow_old, purge),
    (change_a_little, World.resync),
    (change_a_little, World.run),
]
ACTS = [f"{number} {act.__name__}" for number, (act, _) in enumerate(STORY)]


def world_in(directory: Path) -> World:
    stores = {role: Endpoint(role, "sqlite", path=str(directory / f"{role}.db")) for role in ROLES}
    world = World(directory, stores)
    if not (directory / "jobs/j.yaml").exists():
        world.job("j", chunk_rows=CHUNK_ROWS, **cursor_job(overlap=1))
    return world


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, list[str]]]:
    """Before each run of the story: the stores, and the failpoints that a clean run passes."""
    passed: list[str] = []
    home = tmp_path_factory.mktemp("kills")
    world = world_in(home / "clean")
    found = []
    for number, (act, run) in enumerate(STORY):
        act(world)
        world.close()
        before = shutil.copytree(home / "clean", home / f"before {number}")
        arm(passed.append)
        outcome = run(world)
        arm(None)
        assert (outcome.error, outcome.verdict) == (None, "reconciled")
        assert world.findings() == []
        found.append((before, passed.copy()))
        passed.clear()
    world.close()
    return found


def test_every_failpoint_is_passed(stages: list[tuple[Path, list[str]]]) -> None:
    passed = Counter(name for _, names in stages for name in names)
    written = {
        name
        for file in Path("bridge").rglob("*.py")
        for name in re.findall(r'failpoint\("([^"]+)"\)', file.read_text("utf-8"))
    }
    assert {*passed, *FILE_POINTS} == written
    assert passed.total() >= 100, passed


@pytest.mark.parametrize("number", range(len(STORY)), ids=ACTS)
def test_killed_anywhere(stages: list[tuple[Path, list[str]]], number: int, tmp_path: Path) -> None:
    before, names = stages[number]
    run = STORY[number][1]
    for hit, name in enumerate(names, 1):
        directory = shutil.copytree(before, tmp_path / f"{hit}")
        world = world_in(directory)
        where = f"killed at {name}, pass {hit} of {len(names)}"
        assert killed(partial(run, world), hit), f"not {where}"
        outcome = finish(world, run)
        assert (outcome.error, outcome.verdict) == (None, "reconciled"), where
        assert world.findings() == [], where
        check_payload(world, where)
        world.close()
        shutil.rmtree(directory)


def check_payload(world: World, where: str) -> None:
    """All is reconciled, or purged and then without change rows."""
    stamps = world.sql("exchange", "SELECT DISTINCT bh_epoch, bh_seq FROM bh_change_j")
    for batch in world.batches():
        assert batch["state"] in ("reconciled", "purged"), where
        assert batch["state"] == "reconciled" or (batch["epoch"], batch["seq"]) not in stamps, where


def finish(world: World, run: Callable[[World], Outcome]) -> Outcome:
    """Starts again; what an operator had asked for and did not get, he asks for again."""
    outcome = purge(world) if run is purge else world.run()
    if run is World.resync and world.batches()[-1]["epoch"] == 1:
        return world.resync()
    return outcome


def test_armed_by_the_environment() -> None:
    """A whole process of its own, as an operator's would be."""
    code = "from bridge.failpoint import failpoint; failpoint('a'); failpoint('b'); failpoint('b')"
    for text, status in (("b:2:kill", -signal.SIGKILL), ("b:3:kill", 0), ("*:1:kill", -9)):
        environment = os.environ | {"BRIDGEHEAD_FAILPOINT": text}
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
        assert done.returncode == status, text
