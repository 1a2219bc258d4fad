"""Cuts: the line to a store ends, or falls silent, before a byte that is chosen.

A clean run counts the bytes that go each way between the agent and each store. Positions are spread
evenly over them, from a beginning that the seed draws. Each is a case: rows change, a run is cut
there; the books must hold as it left them; a whole line must bring everything to rest; and the
changes must be in the books once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product
from random import Random

from tests.cutting import WAYS, Cutting
from tests.proof.kind import Block, Result, Wanted
from tests.proof.workshop import Workshop
from tests.scenario.proxy import Act
from tests.scenario.world import ROLES, World

__all__ = ["blocks", "prove"]

ENDED = "of a run that is cut"
DIED = "of a run that its driver ended"
_PLAIN = ("postgresql", "mysql")
_ODBC = ("odbc-postgresql", "odbc-mariadb")
_CHAINS = (
    *product(_PLAIN, repeat=3),
    *product(_ODBC, ("mysql",), ("postgresql",)),
    *product(("mysql",), ("mysql",), _ODBC),
)
_CAPTURES = ("cursor", "compare")
# how a line ends, positions on each line and way, and for how long a run tries again
_MANNERS: dict[str, tuple[tuple[Act, ...], int, int]] = {
    "cut": (("reset", "drop"), 28, 0),
    "tried again": (("reset", "drop"), 3, 15),
    "silent": (("stall",), 2, 0),
}


def blocks(seed: int) -> Iterable[Block]:
    for manner, chain, capture, role, way in product(_MANNERS, _CHAINS, _CAPTURES, ROLES, WAYS):
        combination = f"{' → '.join(chain)}, {capture}, {manner}"
        yield Block("cuts", f"{combination}, {role} {way}", combination, _MANNERS[manner][1])


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    chain, capture, manner, line = block.name.split(", ")
    role, way = line.split()
    acts, count, retry = _MANNERS[manner]
    stores = dict(zip(ROLES, map(workshop.store, chain.split(" → ")), strict=True))
    chance = Random(f"{seed} {block.name}")
    with (
        closing(World(workshop.place(), stores)) as world,
        closing(Cutting(world, retry=retry, capture=capture)) as cutting,
    ):
        for number, cut in enumerate(cutting.on(role, way, count, chance, acts)):
            case = f"{number} {cut.act}"
            if wanted(case):
                fared = cutting.fare(cut)
                told = tuple(f"before byte {cut.at}: {finding}" for finding in fared.findings)
                seconds = {DIED if fared.has_died else ENDED: (fared.seconds,)}
                yield Result(case, told, int(fared.was_cut), seconds)
