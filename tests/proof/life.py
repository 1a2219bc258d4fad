"""A life that is disturbed, again and again from the same beginning, and what it comes to.

A clean run of an act counts the passes of failpoints. Each disturbed one begins with a copy of the
stores as they were before that run; in the end the oracle must find nothing, and the counts of the
ledger must be those of the clean run.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bridge.failpoint import arm
from bridge.run import Outcome
from connectors.endpoint import Endpoint
from tests.kill import statements
from tests.proof.story import ACTS, Act, Scene, prepare
from tests.proof.workshop import Workshop
from tests.scenario.world import ROLES, World

__all__ = ["Life", "Recovery"]


@dataclass(frozen=True)
class Came:
    """To what a job came in the end: what must not depend on how often it was disturbed."""

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
    """A job before an act, the passes of a clean run of it, and what that run came to.

    `combination` begins with the chain of families, the direction and the capture. The store of
    each role is of `workshop`, or of the one that stands for the role in `apart`.
    """

    def __init__(
        self,
        combination: str,
        act: str,
        seed: int,
        workshop: Workshop,
        *,
        apart: Mapping[str, Workshop] | None = None,
        by_statement: bool = False,
    ) -> None:
        self.act: Act = ACTS[act]
        self._by_statement = by_statement
        self._seed = f"{seed} {combination}"
        self._workshop = workshop
        self._workshops = dict.fromkeys(ROLES, workshop) | dict(apart or {})
        chain, self._direction, self._capture, *_ = combination.split(", ")
        families = zip(ROLES, chain.split(" → "), strict=True)
        stores = {role: self._workshops[role].store(family) for role, family in families}
        self._before = World(workshop.place(), stores)
        prepare(self._scene(self._before), self.act)
        self._before.close()
        self.passed: list[str] = []
        self._wanted: Came | None = None
        with self._copied() as world:
            outcome = self._run(world, self.passed)
            found = list(self._judge(world, outcome))
            if found:
                raise AssertionError(f"a clean run of {combination}, {act}: {found}")
            self._wanted = _came(world)

    def chosen(self, count: int) -> list[int]:
        """So many passes at most, of the seed's choice."""
        every = range(1, len(self.passed) + 1)
        chance = Random(f"{self._seed} {self.act.name}")
        return sorted(chance.sample(every, min(count, len(every))))

    def passes_now(self) -> int:
        """Of another clean run: how much of the overlap is read again is a matter of time, so that
        two do not always make as many."""
        passed: list[str] = []
        with self._copied() as world:
            self._run(world, passed)
        return len(passed)

    def _run(self, world: World, passed: list[str] | None = None) -> Outcome:
        """`passed` takes the failpoints; without it they stay armed as they are."""
        with statements() if self._by_statement else nullcontext():
            if passed is None:
                return self.act.run(world)
            arm(passed.append)
            outcome = self.act.run(world)
            arm(None)
            return outcome

    def _recovered(self, world: World) -> Recovery:
        """A run that nothing disturbs any more."""
        passed: list[str] = []
        began = time.monotonic()
        outcome = self._run(world, passed)
        seconds = time.monotonic() - began
        return Recovery(tuple(self._judge(world, outcome)), tuple(passed), seconds)

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
        copies = {r: self._workshops[r].copy(self._before.stores[r]) for r in ROLES[1:]}
        _guard(place, self._before.stores["exchange"].name, copies["exchange"].name)
        stores: dict[str, Endpoint] = {"source": self._before.stores["source"], **copies}
        with closing(World(place, stores)) as world:
            yield world
        for role, copy in copies.items():
            self._workshops[role].drop(copy)
        shutil.rmtree(place)

    def _scene(self, world: World) -> Scene:
        return Scene.of(world, self._direction, self._capture, self._seed)


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
    stamps: Sequence[object] = world.sql(
        "exchange", "SELECT DISTINCT bh_epoch, bh_seq FROM bh_change_j"
    )
    for batch in world.batches():
        at = (batch["epoch"], batch["seq"])
        if batch["state"] not in ("reconciled", "purged"):
            yield f"{at} is {batch['state']}"
        elif batch["state"] == "purged" and at in stamps:
            yield f"{at} is purged, and has change rows"
