"""Crashes: the server of one store is killed at a pass of a failpoint, and comes back at once.

It is set to answer a commit long before it is written, where a session does not ask for more. The
run goes on, with sessions that are lost, to its end or to what it tries again by itself; a further
run must bring everything to rest. The seed chooses the passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Protocol

import MySQLdb
import psycopg

from bridge.failpoint import arm, at
from bridge.run import Outcome
from connectors.errors import BridgeheadError
from tests.proof.kills import CHAINS
from tests.proof.kind import Block, Result, Wanted
from tests.proof.life import Life
from tests.proof.story import ACTS, CAPTURES, DIRECTIONS
from tests.proof.workshop import Workshop
from tests.scenario.world import ROLES, World

__all__ = ["CrashedLife", "block_of", "blocks", "prove"]

PASSES = 4
RECOVERY = "from the server's return to reconciled"
# MariaDB's ODBC driver may end the process when it loses a connection: that is a kill.
_SERVED = ("postgresql", "mysql", "odbc-postgresql")
_OF_THE_STORY = (psycopg.Error, MySQLdb.Error)
"""What a person meets who looks on."""


class Server(Protocol):
    def kill(self) -> None: ...

    def start(self) -> None: ...


def blocks(seed: int) -> Iterable[Block]:
    for chain, direction, capture, act in product(CHAINS, DIRECTIONS, CAPTURES, ACTS):
        if direction == "outbound" or not ACTS[act].outbound_only:
            for role, family in zip(ROLES, chain, strict=True):
                if family in _SERVED:
                    yield block_of(chain, direction, capture, role, act)


def block_of(chain: tuple[str, ...], direction: str, capture: str, role: str, act: str) -> Block:
    combination = f"{' → '.join(chain)}, {direction}, {capture}, {role}"
    return Block("crashes", f"{combination}, {act}", combination, PASSES)


def prove(block: Block, seed: int, workshop: Workshop, wanted: Wanted) -> Iterator[Result]:
    with workshop.apart() as fragile:
        life = CrashedLife(block, seed, workshop, fragile)
        for hit in life.chosen(PASSES):
            if wanted(f"pass {hit}"):
                yield life.crash_at(hit)


class CrashedLife(Life):
    """A life of which one store is in a workshop of its own, whose server falls."""

    def __init__(self, block: Block, seed: int, workshop: Workshop, fragile: Workshop) -> None:
        role, act = block.name.split(", ")[-2:]
        super().__init__(block.combination, act, seed, workshop, apart={role: fragile})
        is_maria, servers = self._before.stores[role].family == "mysql", fragile.servers
        if role == "source" and not is_maria:
            self._before.sql(role, "CHECKPOINT")  # what the story has put there is written
            self._before.close()
        self._server: Server = servers.mariadb if is_maria else servers.postgres

    def crash_at(self, hit: int) -> Result:
        told = []
        with self._copied() as world:
            outcome = self._crashed(world, hit)
            if outcome is not None and outcome.error is not None and outcome.exit_code != 3:
                told.append(f"exit {outcome.exit_code}: {outcome.error}")
            told += map(str, world.oracle(columns=dict(self.act.columns)).at_any_moment())
            world.close()
            recovery = self._recovered(world)
        told += recovery.findings
        what = self.passed[hit - 1]
        told = [f"a crash at {what}: {finding}" for finding in told]
        return Result(f"pass {hit}", tuple(told), seconds={RECOVERY: (recovery.seconds,)})

    def _crashed(self, world: World, hit: int) -> Outcome | None:
        """None where what was asked for was refused."""

        def fall(_: str) -> None:
            self._server.kill()
            self._server.start()

        arm(at("*", hit, fall))
        try:
            return self._run(world)
        except (BridgeheadError, *_OF_THE_STORY):
            return None
        finally:
            arm(None)
