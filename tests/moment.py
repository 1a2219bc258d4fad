"""A deployment whose runs are killed at moments, wherever they are: also in the midst of a load of
long rows, where no failpoint is.

Each case changes rows, kills the run that carries the changes, and runs again: nothing may be told
falsely by what the killed one left, and what happened must be in the books exactly once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.kill import killed_after
from tests.scenario.world import CAPTURES, World

__all__ = ["ACTS", "Moments", "Struck"]

ACTS = ("change", "resync")
_ROWS = 900
_COME = 300
_AT_ONCE = 300
_CHUNK = 400
_LONG = "name " * 800


@dataclass(frozen=True)
class Struck:
    """What came of a case. `behind`: the failpoint that the killed run had passed last; None where
    it had ended before. `seconds`: how long it took to come to rest."""

    behind: str | None
    seconds: float
    findings: tuple[str, ...]


class Moments:
    """One job and its world, used again for every case."""

    def __init__(self, world: World, *, capture: str) -> None:
        self._world = world
        self._run = 0
        world.job("j", **CAPTURES[capture], chunk_rows=_CHUNK)
        world.make_table()
        self._insert(1, _ROWS)
        world.run_well()

    def length(self, act: str) -> float:
        """How many seconds it takes when nobody kills it."""
        run = self._begun(act)
        before = time.monotonic()
        run()
        seconds = time.monotonic() - before
        self._world.run_well()
        return seconds

    def strike(self, act: str, seconds: float) -> Struck:
        """One case: killed so long after its beginning, then run until it is at rest."""
        world, seen = self._world, len(self._world.batches())
        world.close()
        run = self._begun(act)
        behind = killed_after(run, seconds)
        findings = [str(found) for found in world.oracle().at_any_moment()]
        world.close()
        before = time.monotonic()
        outcome = world.run()
        took = time.monotonic() - before
        if (outcome.error, outcome.verdict) != (None, "reconciled"):
            findings.append(f"run again, and {outcome.verdict}: {outcome.error}")
        findings += map(str, world.findings())
        if act == "change" and world.counted(seen) != self._expected:
            findings.append(f"the books say {world.counted(seen)}, it was {self._expected}")
        world.close()  # the looks at it, which are many
        return Struck(behind, took, tuple(findings))

    def _begun(self, act: str) -> Callable[[], object]:
        """What there is to carry, and who carries it."""
        if act == "resync":
            return self._world.resync
        self._change()
        return self._world.run

    @property
    def _expected(self) -> tuple[int, int, int]:
        return _COME, _ROWS, _COME if self._run > 1 else 0

    def _change(self) -> None:
        """Rows come, the first ones change, and what came before goes."""
        self._run += 1
        new, world = 100_000 * self._run, self._world
        world.sql(
            "source",
            f"DELETE FROM t WHERE id > {_ROWS}",
            f"UPDATE t SET amount = {self._run}, updated_at = {world.now}",
        )
        self._insert(new, _COME)

    def _insert(self, first: int, count: int) -> None:
        for begin in range(first, first + count, _AT_ONCE):
            ids = range(begin, begin + _AT_ONCE)
            self._world.insert(ids, name=_LONG, stamp=self._world.now)
