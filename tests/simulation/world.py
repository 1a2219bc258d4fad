"""A deployment in memory that can be run, crashed, cut, frozen, restored, and looked at."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from bridge.capture import sweep
from bridge.comparison import Comparison, reconcile_job
from bridge.failpoint import arm
from bridge.purge import Purged, purge_jobs
from bridge.run import Outcome, resync_job, run_job
from bridge.settings import Deployment
from connectors.errors import BridgeheadError, ConnectionLost
from tests.scenario.world import DEPARTMENT, World, cursor_job
from tests.simulation.judge import JOB, TABLE, Judge, Wrong
from tests.simulation.store import ROLES, Machine, endpoint, simulated

__all__ = ["CHUNKS", "STORIES", "Crash", "Fault", "Simulated", "simulation"]

_QUICK = {"column": "at", "overlap": 0, "drain_wait": 0}
_BARE = {**_QUICK, "deletes": {"sweep": "off"}}
VARIANTS: dict[str, dict[str, Any]] = {
    "swept": cursor_job(**_QUICK),
    "bare": cursor_job(**_BARE),
    "compare": {"capture": {"method": "compare"}},
    "fused": cursor_job(**_QUICK) | {"max_delete": 2},
    "fused compare": {"capture": {"method": "compare"}, "max_delete": 2},
    "overlapping": cursor_job(**{**_BARE, "overlap": 60}),
    "seconds": cursor_job(**_BARE),
    "milliseconds": cursor_job(**_BARE),
    "Europe/Berlin": cursor_job(**{**_BARE, "timezone": "Europe/Berlin"}),
    "America/New_York": cursor_job(**{**_BARE, "timezone": "America/New_York"}),
}
STORIES = ("swept", "bare", "compare", "fused", "fused compare")
"""`bare` has nothing to lean on but its horizon: no overlap, no sweep."""
FRACTIONS = {"seconds": "timestamp(0)", "milliseconds": "timestamp(3)"}
CHUNKS = (2, 1000)

T = TypeVar("T")
Decision = Callable[[Deployment, str, int, str, str], object]


class Crash(BaseException):
    """The process ends here, as by SIGKILL: whatever was not committed is gone."""


@dataclass
class Fault:
    """What happens to a run at its hit-th failpoint, or at its first of that `name`: `crash`, `cut`
    (an error of the connection) or `freeze` (at the next point where it holds no transaction)."""

    way: str = "none"
    hit: int = 0
    name: str | None = None
    passed: list[str] = field(default_factory=list)

    @property
    def is_there(self) -> bool:
        return len(self.passed) >= self.hit if self.name is None else self.name in self.passed


class Simulated:
    """One simulated deployment. Its runs are the real ones."""

    def __init__(self, variant: str, chunk_rows: int, *, loaded: bool) -> None:
        self.deployment = _deployment(variant, chunk_rows)
        self.has_fuse = self.deployment.job(JOB).max_delete is not None
        self.machine = Machine()
        self.judge = Judge(self.machine.__getitem__)
        self.frozen: list[greenlet] = []
        self._faults: dict[Any, Fault] = {}
        for role, kept in _template(variant, chunk_rows, loaded).items():
            self.machine.restore(role, kept)
        shutil.rmtree(self.deployment.guard_folder, ignore_errors=True)  # of the one before
        self.tick(60)
        self.judge.accept()

    @property
    def guard(self) -> bytes | None:
        """What the guard file holds; None where there is none."""
        return self._guard_file.read_bytes() if self._guard_file.exists() else None

    @guard.setter
    def guard(self, content: bytes | None) -> None:
        if content is None:
            self._guard_file.unlink(missing_ok=True)
        else:
            self._guard_file.write_bytes(content)

    @property
    def _guard_file(self) -> Path:
        return self.deployment.guard_folder / f"{DEPARTMENT}.{JOB}.json"

    def tick(self, seconds: float) -> None:
        self.machine.now += timedelta(seconds=seconds)

    @property
    def stamp(self) -> str:
        return self.machine.now.strftime("%Y-%m-%d %H:%M:%S.%f")

    # -- running -----------------------------------------------------------------------------

    def run(self, *steps: Any, fault: Fault | None = None) -> Outcome | None:
        """None if the run crashed or froze."""
        return self._guarded(lambda: run_job(self.deployment, JOB, steps, 0), fault or Fault())

    def resync(self, fault: Fault | None = None) -> Outcome | None:
        return self._guarded(
            lambda: resync_job(self.deployment, JOB, "simulated", "simulation", 0),
            fault or Fault(),
        )

    def decide(
        self, decision: Decision, seq: int, fault: Fault | None = None
    ) -> BridgeheadError | None:
        """Why it was refused, if it was."""

        def decided() -> BridgeheadError | None:
            try:
                decision(self.deployment, JOB, seq, "simulated", "simulation")
            except BridgeheadError as error:
                return error
            return None

        return self._guarded(decided, fault or Fault())

    def purge(self, fault: Fault | None = None) -> Purged | None:
        """None if it crashed or froze."""
        found = self._guarded(
            lambda: purge_jobs(self.deployment, [JOB], "simulated", 0), fault or Fault()
        )
        return found[0] if found else None

    def compare(self) -> Comparison | None:
        return self._guarded(lambda: reconcile_job(self.deployment, JOB, 0), Fault())

    def wake(self, zombie: greenlet) -> object:
        """Who was frozen goes on, after whatever has happened meanwhile."""
        self.frozen.remove(zombie)
        with self._armed():
            return zombie.switch()

    def end(self) -> None:
        """Frozen runs never come back."""
        while self.frozen:
            zombie = self.frozen.pop()
            with self._armed():
                zombie.throw(Crash)
        self.machine.close()

    def _guarded(self, run: Callable[[], T], fault: Fault) -> T | None:
        def survive() -> T | None:
            try:
                return run()
            except Crash:
                return None

        running = greenlet(survive)
        self._faults[running] = fault
        with self._armed():
            outcome: T | None = running.switch()
        if not running.dead:
            self.frozen.append(running)
        self.machine.locks.clear()  # a lock dies with its session
        return outcome

    @contextmanager
    def _armed(self) -> Iterator[None]:
        arm(self._pass)
        try:
            yield
        finally:
            arm(None)

    def _pass(self, name: str) -> None:
        fault = self._faults[getcurrent()]
        fault.passed.append(name)
        if name == "push.applied":
            self.judge.see_target()
        if fault.way == "none" or not fault.is_there:
            return
        if fault.way == "crash":
            raise Crash
        if fault.way == "cut":
            fault.way = "none"
            raise ConnectionLost("cut", endpoint="target")
        if not self.machine.is_busy():
            fault.way = "none"
            getcurrent().parent.switch(None)


@contextmanager
def simulation(variant: str, chunk_rows: int = 1000, *, loaded: bool = True) -> Iterator[Simulated]:
    """Where parts are small, a sweep goes round in several runs too."""
    world = Simulated(variant, chunk_rows, loaded=loaded)
    with simulated(world.machine), _sweeping(chunk_rows):
        try:
            yield world
        finally:
            world.end()


@contextmanager
def _sweeping(rows: int) -> Iterator[None]:
    before = sweep.SEGMENT_ROWS, sweep.BUDGET_ROWS
    sweep.SEGMENT_ROWS, sweep.BUDGET_ROWS = rows, 3 * rows
    try:
        yield
    finally:
        sweep.SEGMENT_ROWS, sweep.BUDGET_ROWS = before


@lru_cache
def _deployment(variant: str, chunk_rows: int) -> Deployment:
    directory = Path(tempfile.mkdtemp(prefix="simulated"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    stores = {role: endpoint(role) for role in ROLES}
    settings = _Settings(directory, stores)
    settings.write(retry=0)
    settings.job(JOB, chunk_rows=chunk_rows, **VARIANTS[variant])
    return settings.deployment


class _Settings(World):
    """Only its configuration: its stores are no files."""

    def __init__(self, directory: Path, stores: Any) -> None:
        self.directory, self.stores = directory, stores
        (directory / "jobs").mkdir(parents=True, exist_ok=True)


@lru_cache
def _template(variant: str, chunk_rows: int, loaded: bool) -> dict[str, sqlite3.Connection]:
    """The stores when a simulation begins: made and empty, or with five rows delivered."""
    machine = Machine()
    early = (machine.now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
    machine["source"].execute(TABLE.replace("timestamp", FRACTIONS.get(variant, "timestamp")))
    machine["source"].executemany(
        "INSERT INTO t VALUES (?, 'first', ?)", [(number, early) for number in range(1, 6)]
    )
    deployment = _deployment(variant, chunk_rows)
    with simulated(machine):
        outcome = run_job(deployment, JOB, () if loaded else (_prepare,), 0)
    if outcome.error is not None:
        raise Wrong(str(outcome.error))
    return {role: machine.backup(role) for role in ROLES}


def _prepare(held: Any, _: Outcome) -> None:
    from bridge.plan import make_plan
    from bridge.preparation import prepare_target

    prepare_target(held, make_plan(held))
