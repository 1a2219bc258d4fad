"""Kills: the process is ended by SIGKILL at every pass of a failpoint, then started again.

Each pass of a clean run is a case: killed there, started again, judged; and once more, killed a
second time on its way to recover, at a pass that the seed chooses, and started again.

Blocks `by statement` do the same after statements of SQL, of which the seed chooses some: a store
that commits at each CREATE TABLE has effects that no failpoint stands between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from random import Random

from tests.kill import killed
from tests.proof.kind import Block, Result, Wanted
from tests.proof.life import Life, Recovery
from tests.proof.story import ACTS, CAPTURES, DIRECTIONS
from tests.proof.workshop import Workshop

__all__ = ["CHAINS", "KilledLife", "block_of", "blocks", "prove"]

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
    life = KilledLife(block, seed, workshop)
    for hit in life.hits:
        if wanted(f"pass {hit}"):
            yield life.kill_at(hit)


class KilledLife(Life):
    """A life whose runs are killed."""

    def __init__(self, block: Block, seed: int, workshop: Workshop) -> None:
        act = block.name.rpartition(", ")[2]
        super().__init__(
            block.combination,
            act.removesuffix(BY_STATEMENT),
            seed,
            workshop,
            by_statement=act.endswith(BY_STATEMENT),
        )

    @property
    def hits(self) -> list[int]:
        """Every pass; of statements those that the seed has chosen."""
        return self.chosen(STATEMENTS if self._by_statement else len(self.passed))

    def kill_at(self, hit: int) -> Result:
        """Once, and once more with a second kill on the way to recover."""
        once = self._killed([hit])
        if once is None and self.passes_now() < hit:
            return Result(f"pass {hit}", count=0)
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
        with self._copied() as world:
            for hit in hits:
                if not killed(partial(self._run, world), hit):
                    return None
            return self._recovered(world)

    def _chance_of(self, hit: int, most: int) -> int:
        return Random(f"{self._seed} {self.act.name} {hit}").randint(1, most)
