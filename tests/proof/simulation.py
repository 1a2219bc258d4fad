"""Simulation: seeds of a life in memory, a million of them for each seed of the proof.

A case is fifty seeds in a row. What is found names its own seed and its story, and
`python -m tests.simulation SEED` tells it again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from tests.proof.kind import Block, Result, Wanted
from tests.proof.workshop import Workshop
from tests.simulation.judge import Wrong
from tests.simulation.scheduler import tell

__all__ = ["blocks", "prove"]

SEEDS = 1_000_000
OF_A_BLOCK, OF_A_CASE = 1_000, 50
COMBINATION = "three stores in memory"


def blocks(seed: int) -> Iterable[Block]:
    first = (seed - 1) * SEEDS
    for low in range(first, first + SEEDS, OF_A_BLOCK):
        name = f"seeds {low}-{low + OF_A_BLOCK - 1}"
        yield Block("simulation", name, COMBINATION, expected=OF_A_BLOCK)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    logging.disable()  # what the runs say of their troubles
    first = int(block.name.split()[1].partition("-")[0])
    for low in range(first, first + OF_A_BLOCK, OF_A_CASE):
        case = f"{low}-{low + OF_A_CASE - 1}"
        if wanted(case):
            told = map(_told, range(low, low + OF_A_CASE))
            yield Result(case, tuple(filter(None, told)), OF_A_CASE)


def _told(seed: int) -> str | None:
    try:
        tell(seed)
    except Wrong as error:
        return str(error)
    return None
