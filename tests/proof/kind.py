"""What a kind of proof brings: blocks of cases, and how the cases of a block are run.

A kind is a module of this package named in `KINDS`, with two functions:

    blocks(seed: int) -> Iterable[Block]
        Every block of a full run. Cheap, and the same for the same seed.

    prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]
        Runs the block's cases one after the other, and yields each as it is done. What cannot be
        counted beforehand (passes of a failpoint, bytes on a line) is counted here, by a clean run.
        A case that is not `wanted` is left out: it was done before, or nobody asked for it. The
        iterator may be closed at any yield.

A block is run by one process from its beginning; its workshop is empty and its alone. A case has a
name that is the same whenever the same seed runs it again: `--block BLOCK --case CASE` repeats it.
An exception ends the block and counts as a finding of it; what goes wrong in a case is better
yielded as a finding of the case.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.proof.workshop import Workshop

__all__ = ["KINDS", "Block", "Kind", "Result", "Wanted", "load_kind"]

KINDS = ("kills", "moments", "cuts", "crashes", "disks", "types", "simulation")
"""In this order they stand in the summary."""

Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Block:
    """Cases with a common beginning. `combination` is what the summary counts by, such as
    `sqlite → postgresql → mysql, outbound, cursor`; `expected` is about how many cases it has."""

    kind: str
    name: str
    combination: str
    expected: int = 1


@dataclass(frozen=True)
class Result:
    """One case done. `count`: how many it stands for. `seconds`: what was measured, by the name
    under which the summary gives its percentiles."""

    case: str
    findings: tuple[str, ...] = ()
    count: int = 1
    seconds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class Kind(Protocol):
    def blocks(self, seed: int) -> Iterable[Block]: ...

    def prove(
        self, block: Block, seed: int, workshop: Workshop, wanted: Wanted
    ) -> Iterator[Result]: ...


def load_kind(name: str) -> Kind:
    kind: Kind = importlib.import_module(f"tests.proof.{name}")
    return kind
