"""Kills: the process is ended by SIGKILL at every pass of a failpoint, then started again.

A clean run counts the passes. Each is then a case, from a copy of the stores as they were before
that run: killed there, started again, judged; and once more, killed a second time on its way to
recover, at a pass that the seed chooses, and started again. The oracle must find nothing, and the
counts of the ledger must be those of the clean run.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from random import Random

from bridge.failpoint import arm
from bridge.run import Outcome
from connectors.endpoint import Endpoint
from tests.kill import killed
from tests.proof.kind import Block, Result, Wanted
from tests.proof.story import ACTS, CAPTURES, DIRECTIONS, Act, Scene, prepare
from tests.proof.workshop import Workshop
from tests.scenario.world import ROLES, World

__all__ = ["CHAINS", "Life", "block_of", "blocks", "prove"]

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
        yield block_of(chain, direction, capture, act)


def block_of(chain: tuple[str, ...], direction: str, capture: str, act: str) -> Block:
    combination = f"{' → '.join(chain)}, {direction}, {capture}"
    return Block("kills", f"{combination}, {act}", combination, expected=50)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    life = Life(block, seed, workshop)
    for hit, name in enumerate(life.passed, 1):
        case = f"{hit} {name}"
        if wanted(case):
            yield life.kill_at(hit, case)


@dataclass(frozen=True)
class Came:
    """To what a job came in the end: what must not depend on how often it was killed."""

    epoch: int
    inserted: int
    updated: int
    deleted: int


class Life:
    """A job before an act, the passes of a clean run of it, and what that run came to."""

    def __init__(self, block: Block, seed: int, workshop: Workshop) -> None:
        self.act: Act = ACTS[block.name.rpartition(", ")[2]]
        self._combination = block.combination
        self._seed = f"{seed} {block.combination}"
        self._chance = Random(f"{seed} {block.name}")
        self._workshop = workshop
        chain, self._direction, self._capture = block.combination.split(", ")
        stores = dict(zip(ROLES, map(workshop.store, chain.split(" → ")), strict=True))
        self._before = World(workshop.place(), stores)
        prepare(self._scene(self._before), self.act)
        self._before.close()
        self.passed: list[str] = []
        with self._copied() as world:
            _arm(self.passed)
            outcome = self.act.run(world)
            arm(None)
            self._wanted = _came(world)
            if found := list(self._judge(world, outcome)):
                raise AssertionError(f"a clean run of {block.name}: {found}")

    def kill_at(self, hit: int, case: str) -> Result:
        """Once, and once more with a second kill on the way to recover."""
        recovery: list[str] = []
        findings, seconds = self._killed([hit], recovery)
        second = self._chance_of(case, len(recovery))
        more, also = self._killed([hit, second], [])
        told = [f"then {second} {recovery[second - 1]}: {finding}" for finding in more]
        return Result(case, (*findings, *told), 2, {RECOVERY: (seconds, also)})

    def _killed(self, hits: list[int], passed: list[str]) -> tuple[list[str], float]:
        """What is found after kills at these passes, one after the other, and a run that is let
        end; and how long that took."""
        with self._copied() as world:
            for number, hit in enumerate(hits, 1):
                if not killed(partial(self.act.run, world), hit):
                    return [f"run {number} was not killed at its pass {hit}"], 0.0
            began = time.monotonic()
            _arm(passed)
            outcome = self.act.run(world)
            arm(None)
            seconds = time.monotonic() - began
            return list(self._judge(world, outcome)), seconds

    def _judge(self, world: World, outcome: Outcome) -> Iterator[str]:
        if (outcome.error, outcome.verdict) != (None, "reconciled"):
            yield f"ended {outcome.verdict}: {outcome.error}"
        yield from map(str, world.findings())
        if _came(world) != self._wanted:
            yield f"came to {_came(world)}, a clean run to {self._wanted}"
        yield from _kept(world)

    @contextmanager
    def _copied(self) -> Iterator[World]:
        """The stores as they were before the act. The source is only read: it is shared."""
        place = Path(shutil.copytree(self._before.directory, self._workshop.place()))
        copies = {role: self._workshop.copy(self._before.stores[role]) for role in ROLES[1:]}
        stores: dict[str, Endpoint] = {"source": self._before.stores["source"], **copies}
        with closing(World(place, stores)) as world:
            yield world
        self._workshop.drop(*copies.values())
        shutil.rmtree(place)

    def _scene(self, world: World) -> Scene:
        return Scene.of(world, self._direction, self._capture, self._seed)

    def _chance_of(self, case: str, most: int) -> int:
        return Random(f"{self._seed} {self.act.name} {case}").randint(1, most)


def _arm(passed: list[str]) -> None:
    note: Callable[[str], None] = passed.append
    arm(note)


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
