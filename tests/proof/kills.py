"""Kills: the process is ended by SIGKILL at every pass of a failpoint, then started again.

A clean run counts the passes. Each is then a case, from a copy of the stores as they were before
that run: killed there, started again, judged; and once more, killed a second time on its way to
recover, at a pass that the seed chooses, and started again. The oracle must find nothing, and the
counts of the ledger must be those of the clean run.

Blocks `by statement` do the same after statements of SQL, of which the seed chooses some: a store
that commits at each CREATE TABLE has effects that no failpoint stands between.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from random import Random

from bridge.failpoint import arm
from bridge.run import Outcome
from connectors.endpoint import Endpoint
from tests.kill import killed, statements
from tests.proof.kind import Block, Result, Wanted
from tests.proof.story import ACTS, CAPTURES, DIRECTIONS, Act, Scene, prepare
from tests.proof.workshop import Workshop
from tests.scenario.world import ROLES, World

__all__ = ["CHAINS", "Life", "block_of", "blocks", "prove"]

STATEMENTS = 20
BY_STATEMENT = " by statement"
RECOVERY = "from the restart to reconciled"
_PLAIN = ("sqlite", "postgresql", "mysql")
_ODBC = ("odbc-postgresql", "odbc-mariadb")
CHAINS = (
    *product(_PLAIN, repeat=3),
    *product(_ODBC, _PLAIN, ("postgresql",)),
    *product(("postgresql",), _PLAIN, _ODBC),
)


def blocks(seed: int) -> Iterable[Block]:
    for chain, direction, capture, act in product(CHAINS, DIRECTIONS, CAPTURES, ACTS):
        if direction == "outbound" or not ACTS[act].outbound_only:
            yield block_of(chain, direction, capture, act)
            yield block_of(chain, direction, capture, act, by_statement=True)


def block_of(
    chain: tuple[str, ...], direction: str, capture: str, act: str, *, by_statement: bool = False
) -> Block:
    combination = f"{' → '.join(chain)}, {direction}, {capture}"
    name = f"{combination}, {act}{BY_STATEMENT if by_statement else ''}"
    return Block("kills", name, combination, 2 * STATEMENTS if by_statement else 60)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    life = Life(block, seed, workshop)
    for hit in life.hits:
        if wanted(f"pass {hit}"):
            yield life.kill_at(hit)


@dataclass(frozen=True)
class Came:
    """To what a job came in the end: what must not depend on how often it was killed."""

    epoch: int
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True)
class Recovery:
    """What was found after it, the failpoints that it passed, and how long it took."""

    findings: tuple[str, ...]
    passed: tuple[str, ...]
    seconds: float


class Life:
    """A job before an act, the passes of a clean run of it, and what that run came to."""

    def __init__(self, block: Block, seed: int, workshop: Workshop) -> None:
        name = block.name.rpartition(", ")[2]
        self.act: Act = ACTS[name.removesuffix(BY_STATEMENT)]
        self._by_statement = name.endswith(BY_STATEMENT)
        self._combination = block.combination
        self._seed = f"{seed} {block.combination}"
        self._workshop = workshop
        chain, self._direction, self._capture = block.combination.split(", ")
        stores = dict(zip(ROLES, map(workshop.store, chain.split(" → ")), strict=True))
        self._before = World(workshop.place(), stores)
        prepare(self._scene(self._before), self.act)
        self._before.close()
        self.passed: list[str] = []
        self._wanted: Came | None = None
        with self._copied() as world:
            outcome = self._run(world, self.passed)
            found = list(self._judge(world, outcome))
            if found:
                raise AssertionError(f"a clean run of {block.name}: {found}")
            self._wanted = _came(world)

    @property
    def hits(self) -> list[int]:
        """Every pass; of statements those that the seed has chosen."""
        every = range(1, len(self.passed) + 1)
        if not self._by_statement:
            return list(every)
        chance = Random(f"{self._seed} {self.act.name}")
        return sorted(chance.sample(every, min(STATEMENTS, len(every))))

    def kill_at(self, hit: int) -> Result:
        """Once, and once more with a second kill on the way to recover."""
        once = self._killed([hit])
        if once is None:
            what = f"a clean run passed {len(self.passed)} failpoints, this one less than {hit}"
            return Result(f"pass {hit}", (what,), count=0)
        second = self._chance_of(hit, len(once.passed))
        twice = None
        while twice is None:  # two threads do not always share the work in the same way
            twice = self._killed([hit, second])
            second -= twice is None
        what = self.passed[hit - 1]
        told = [f"killed at {what}: {finding}" for finding in once.findings]
        what += f", then at {second} {once.passed[second - 1]}"
        told += [f"killed at {what}: {finding}" for finding in twice.findings]
        return Result(f"pass {hit}", tuple(told), 2, {RECOVERY: (once.seconds, twice.seconds)})

    def _killed(self, hits: list[int]) -> Recovery | None:
        """Killed at these passes, one run after the other; then a run is let end. None if one of
        them ended before."""
        passed: list[str] = []
        with self._copied() as world:
            for hit in hits:
                if not killed(partial(self._run, world), hit):
                    return None
            began = time.monotonic()
            outcome = self._run(world, passed)
            seconds = time.monotonic() - began
            return Recovery(tuple(self._judge(world, outcome)), tuple(passed), seconds)

    def _run(self, world: World, passed: list[str] | None = None) -> Outcome:
        """`passed` takes the failpoints; without it they stay armed as they are."""
        with statements() if self._by_statement else nullcontext():
            if passed is None:
                return self.act.run(world)
            arm(passed.append)
            outcome = self.act.run(world)
            arm(None)
            return outcome

    def _judge(self, world: World, outcome: Outcome) -> Iterator[str]:
        if (outcome.error, outcome.verdict) != (None, "reconciled"):
            yield f"ended {outcome.verdict}: {outcome.error}"
            return
        yield from map(str, world.findings(columns=dict(self.act.columns)))
        if self._wanted and _came(world) != self._wanted:
            yield f"came to {_came(world)}, a clean run to {self._wanted}"
        yield from _kept(world)

    @contextmanager
    def _copied(self) -> Iterator[World]:
        """The stores as they were before the act. The source is only read: it is shared."""
        place = Path(shutil.copytree(self._before.directory, self._workshop.place()))
        copies = {role: self._workshop.copy(self._before.stores[role]) for role in ROLES[1:]}
        _guard(place, self._before.stores["exchange"].name, copies["exchange"].name)
        stores: dict[str, Endpoint] = {"source": self._before.stores["source"], **copies}
        with closing(World(place, stores)) as world:
            yield world
        self._workshop.drop(*copies.values())
        shutil.rmtree(place)

    def _scene(self, world: World) -> Scene:
        return Scene.of(world, self._direction, self._capture, self._seed)

    def _chance_of(self, hit: int, most: int) -> int:
        return Random(f"{self._seed} {self.act.name} {hit}").randint(1, most)


def _guard(place: Path, before: str, now: str) -> None:
    """The guard file speaks of the copy: a case is no restore."""
    for file in place.glob("guard/*.json"):
        file.write_text(re.sub(rf"{before}(?!\d)", now, file.read_text("utf-8")), "utf-8")


def _came(world: World) -> Came:
    batches = world.batches()
    sums = (sum(batch[name] for batch in batches) for name in ("inserted", "updated", "deleted"))
    return Came(batches[-1]["epoch"], *sums)


def _kept(world: World) -> Iterator[str]:
    """Change rows belong to batches whose payload is still kept."""
    stamps = world.sql("exchange", "SELECT DISTINCT bh_epoch, bh_seq FROM bh_change_j")
    for batch in world.batches():
        at = (batch["epoch"], batch["seq"])
        if batch["state"] not in ("reconciled", "purged"):
            yield f"{at} is {batch['state']}"
        elif batch["state"] == "purged" and at in stamps:
            yield f"{at} is purged, and has change rows"
