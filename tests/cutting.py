"""A deployment whose lines to the three stores are cut, run by run, at any byte.

Each case changes a few rows, sets a trap on one line, and runs; whatever came of that run, the
books must hold, a whole line must bring everything to rest, and the changes must be in the books
exactly once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from reconcile.verdict import Verdict
from tests.kill import told_apart
from tests.scenario.proxy import Act, Proxy, Way
from tests.scenario.world import ROLES, World, cursor_job

__all__ = ["LIMITS", "WAYS", "Cut", "Cutting", "Fared"]

_ROWS = 12
LIMITS = {"connect_timeout": 2, "silence_timeout": 1}
_CRASHES = (signal.SIGSEGV, signal.SIGABRT)
_DYING = ("MariaDB Unicode",)
WAYS: tuple[Way, ...] = ("there", "back")


@dataclass(frozen=True)
class Cut:
    """Where: on the line to `role`, before byte `at` of what goes that way in one run."""

    role: str
    way: Way
    at: int
    act: Act

    def __str__(self) -> str:
        return f"{self.act} {self.role} {self.way} {self.at}"


@dataclass(frozen=True)
class Fared:
    """What came of a case. `was_cut`: the run got as far as that byte. `was_settled`: the run
    ended reconciled all the same. `has_died`: its driver ended it. `seconds`: how long it took."""

    cut: Cut
    was_cut: bool
    was_settled: bool
    has_died: bool
    seconds: float
    findings: tuple[str, ...]


@dataclass(frozen=True)
class _Ended:
    """How a run ended; one that a signal has ended is told by its number."""

    exit_code: int
    verdict: str | None
    error: str | None = None


_WELL = _Ended(0, Verdict.RECONCILED)


class Cutting:
    """One job and its world, used again for every case."""

    def __init__(self, world: World, *, retry: int = 0, capture: str = "cursor") -> None:
        self._world = world
        self._lines = {role: Proxy.before(world.stores[role]) for role in ROLES}
        self._run = 0
        self._retry = retry
        how = cursor_job(overlap=1) if capture == "cursor" else {"capture": {"method": capture}}
        world.job("j", **how)
        world.make_table(_ROWS)
        world.write(self._endpoints, retry=retry)
        world.run_well()
        self._change()
        world.run_well()
        self.totals = self._measured()

    def close(self) -> None:
        for line in self._lines.values():
            line.cut()

    def positions(self, count: int, chance: Random, acts: tuple[Act, ...]) -> Iterator[Cut]:
        """So many on every line and way."""
        for role in ROLES:
            for way in WAYS:
                yield from self.on(role, way, count, chance, acts)

    def on(
        self, role: str, way: str, count: int, chance: Random, acts: tuple[Act, ...]
    ) -> Iterator[Cut]:
        """Evenly spaced, from a beginning that is drawn."""
        first, found = chance.random(), WAYS[0] if way == WAYS[0] else WAYS[1]
        for number in range(count):
            at = int(self.totals[role, found] * (number + first) / count)
            yield Cut(role, found, at, acts[number % len(acts)])

    def fare(self, cut: Cut) -> Fared:
        """One case, from its change to rest."""
        line, world = self._lines[cut.role], self._world
        seen = len(world.batches())
        expected = self._change()
        line.trap(cut.way, cut.at, cut.act)
        before = time.monotonic()
        ended = told_apart(self._ended)
        seconds = time.monotonic() - before
        was_cut = line.sprung()
        has_died, was_settled = isinstance(ended, int), ended == _WELL
        findings = [] if was_settled or self._may_end_so(ended, was_cut) else [str(ended)]
        findings += map(str, world.oracle().at_any_moment())
        if was_settled:
            findings += map(str, world.findings())
        for each in self._lines.values():
            each.mend()
        outcome = world.run()
        if (outcome.error, outcome.verdict) != (None, "reconciled"):
            findings.append(f"a whole line, and {outcome.verdict}: {outcome.error}")
        findings += map(str, world.findings())
        counted = world.counted(seen)
        world.close()  # the looks at it, which are many
        if counted != expected:
            findings.append(f"the books say {counted}, what happened is {expected}")
        return Fared(cut, was_cut, was_settled, has_died, seconds, tuple(findings))

    def _ended(self) -> _Ended:
        """A run."""
        outcome = self._world.run()
        error = str(outcome.error) if outcome.error else None
        return _Ended(outcome.exit_code, outcome.verdict, error)

    def _may_end_so(self, ended: _Ended | int, was_cut: bool) -> bool:
        """As a run that has lost a connection; MariaDB's ODBC driver was seen to crash then."""
        if isinstance(ended, int):
            dying = any(store.driver in _DYING for store in self._world.stores.values())
            return was_cut and dying and ended in _CRASHES
        return was_cut and ended.exit_code == 3

    @property
    def _endpoints(self) -> dict[str, dict[str, object]]:
        return {
            role: {"host": "127.0.0.1", "port": line.port, **LIMITS}
            for role, line in self._lines.items()
        }

    def _measured(self) -> dict[tuple[str, Way], int]:
        """The bytes of a clean run."""
        self._change()
        for line in self._lines.values():
            line.mend()
        self._world.run_well()
        return {(role, w): line.passed(w) for role, line in self._lines.items() for w in WAYS}

    def _change(self) -> tuple[int, int, int]:
        """Two rows come, one changes, one goes that came before; as many bytes each time."""
        self._run += 1
        new, world = 100_000 + 10 * self._run, self._world
        gone = 0
        if self._run > 1:
            gone = 2
            world.sql("source", f"DELETE FROM t WHERE id BETWEEN {new - 10} AND {new - 9}")
        world.sql(
            "source",
            f"UPDATE t SET amount = {new % 7919}, updated_at = {world.now} WHERE id = 3",
        )
        world.insert([new, new + 1], stamp=world.now)
        return 2, 1, gone
