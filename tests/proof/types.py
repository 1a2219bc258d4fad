"""Types: each type of a family, with its awkward values, as a key and beside it.

A case is the life of a table of one type. *Adopted* means that the target's table was there before,
made by the source's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product

from tests.conformance.natives import NATIVES, types_of
from tests.proof.kind import Block, Result, Wanted
from tests.proof.workshop import Workshop
from tests.scenario.world import CAPTURES, ROLES, World
from tests.typed import carry

__all__ = ["blocks", "prove"]

_MADE_BY = ("owned", "adopted")


def blocks(seed: int) -> Iterable[Block]:
    for chain, made_by, capture in product(product(NATIVES, repeat=3), _MADE_BY, CAPTURES):
        if made_by == "owned" or chain[0] == chain[-1]:
            name = f"{' → '.join(chain)}, {made_by}, {capture}"
            cases = sum(bool(native.values) for native in types_of(chain[0]))
            yield Block("types", name, name, cases)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    chain, made_by, capture = block.name.split(", ")
    families = chain.split(" → ")
    for native in types_of(families[0]):
        if not native.values or not wanted(native.declared):
            continue
        stores = dict(zip(ROLES, map(workshop.store, families), strict=True))
        with closing(World(workshop.place(), stores)) as world:
            carried = carry(world, native, capture, adopted=made_by == "adopted")
        workshop.drop(*stores.values())
        yield Result(native.declared, tuple(carried.findings))
