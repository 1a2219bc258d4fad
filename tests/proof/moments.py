"""Moments: the process is ended by SIGKILL at a moment, wherever it is: also within a bulk load.

Rows are so long that loads take their share of a run. How long one takes is
measured first; moments are spread evenly over that time, from a beginning that the seed draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product
from random import Random

from tests.moment import ACTS, Moments
from tests.proof.kills import CHAINS
from tests.proof.kind import Block, Result, Wanted
from tests.proof.workshop import Workshop
from tests.scenario.world import CAPTURES, ROLES, World

__all__ = ["MOMENTS", "blocks", "prove"]

MOMENTS = 16
RECOVERY = "from the restart to reconciled"


def blocks(seed: int) -> Iterable[Block]:
    for chain, capture, act in product(CHAINS, CAPTURES, ACTS):
        combination = f"{' → '.join(chain)}, {capture}"
        yield Block("moments", f"{combination}, {act}", combination, MOMENTS)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    chain, capture, act = block.name.split(", ")
    first = Random(f"{seed} {block.name}").random()
    stores = dict(zip(ROLES, map(workshop.store, chain.split(" → ")), strict=True))
    with closing(World(workshop.place(), stores)) as world:
        moments = Moments(world, capture=capture)
        length = moments.length(act)
        for number in range(MOMENTS):
            case, seconds = str(number), length * (number + first) / MOMENTS
            if wanted(case):
                struck = moments.strike(act, seconds)
                where = f"killed after {seconds:.3f} s, behind {struck.behind}"
                told = tuple(f"{where}: {finding}" for finding in struck.findings)
                reached = struck.behind is not None
                yield Result(case, told, int(reached), {RECOVERY: (struck.seconds,)})
