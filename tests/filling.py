"""A deployment one of whose disks is filled, run by run, until only a few kilobytes are left.

Each case changes rows, takes the room, and runs; whatever came of that run, the books must hold.
With room again, and its server started again if that had ended, a run must bring everything to
rest, and the changes must be in the books exactly once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from tests.scenario.world import CAPTURES, World

__all__ = ["Fared", "Filling", "Room"]

_ROWS = 400
_LEAST, _MOST = 16, 1 << 16
_LIMITS = {"connect_timeout": 5, "silence_timeout": 10}


@dataclass(frozen=True)
class Fared:
    """What came of a case. `was_refused`: the run found no room. `seconds`: how long it took."""

    was_refused: bool
    seconds: float
    findings: tuple[str, ...]


class Room(Protocol):
    """Where one store lies."""

    def leave(self, kilobytes: int) -> None:
        """Take all the room but so much."""

    def give_back(self) -> None:
        """There is room again, and a server that had ended for want of it answers again."""


class Filling:
    """One job and its world, used again for every case."""

    def __init__(self, world: World, room: Room, *, capture: str) -> None:
        self._world, self._room = world, room
        self._run = 0
        world.job("j", **CAPTURES[capture])
        world.make_table(_ROWS)
        served = [role for role, store in world.stores.items() if not store.path]
        world.write(dict.fromkeys(served, _LIMITS), retry=0)
        world.run_well()

    def enough(self) -> int:
        """So many kilobytes are enough for a run, and half of them are not."""
        kilobytes = _LEAST
        while self.fare(kilobytes).was_refused:
            kilobytes *= 2
            if kilobytes > _MOST:
                raise ValueError(f"{_MOST} kB are not enough for a run")
        return kilobytes

    def fare(self, kilobytes: int) -> Fared:
        """One case, from its change to rest."""
        world = self._world
        seen = len(world.batches())
        expected = self._change()
        world.close()
        self._room.leave(kilobytes)
        before = time.monotonic()
        try:
            outcome = world.run(wait=1.0)
            seconds = time.monotonic() - before
        finally:
            self._room.give_back()
        findings: list[str] = []
        if outcome.error is not None and outcome.exit_code != 3:
            findings.append(f"exit {outcome.exit_code}: {outcome.error}")
        if outcome.error is None and outcome.verdict != "reconciled":
            findings.append(f"no error, and {outcome.verdict}")
        findings += map(str, world.oracle().at_any_moment())
        if outcome.error is None:
            findings += map(str, world.findings())
        again = world.run()
        if (again.error, again.verdict) != (None, "reconciled"):
            findings.append(f"with room, and {again.verdict}: {again.error}")
        findings += map(str, world.findings())
        counted = world.counted(seen)
        world.close()  # the looks at it, which are many
        if counted != expected:
            findings.append(f"the books say {counted}, what happened is {expected}")
        return Fared(outcome.error is not None, seconds, tuple(findings))

    def _change(self) -> tuple[int, int, int]:
        """Long rows come, a quarter of the first ones changes, and what came before goes."""
        self._run += 1
        new, world = 10_000 * self._run, self._world
        gone = _ROWS if self._run > 1 else 0
        world.sql(
            "source",
            f"DELETE FROM t WHERE id BETWEEN {new - 10_000} AND {new - 1} AND id > {_ROWS}",
            f"UPDATE t SET amount = {self._run}, updated_at = {world.now} WHERE id <= {_ROWS // 4}",
        )
        world.insert(range(new, new + _ROWS), name="x" * 400, stamp=world.now)
        return _ROWS, _ROWS // 4, gone
