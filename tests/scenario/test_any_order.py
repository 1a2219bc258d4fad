"""Anything in any order: changes of every kind, parts of runs, kills and resyncs, by seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from bridge.failpoint import arm, at
from bridge.run import pull_only, push_only
from tests.scenario.test_kills import killed
from tests.scenario.world import World, cursor_job

STEPS = 20
CAPTURES = (
    cursor_job(overlap=0),
    cursor_job(overlap=2, margin=0),
    {"capture": {"method": "compare"}},
)


class Chaos:
    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.oracle = world.oracle()
        self.random = random.Random(seed)
        self.done: list[str] = []

    def step(self) -> None:
        changes = [self.insert, self.update, self.backdate, self.delete, self.rekey, self.swap]
        runs = [self.run, self.run, self.pull, self.push, self.kill, self.kill, self.resync]
        way = self.random.choice(self.random.choice([changes, changes, runs]))
        self.done.append(way.__name__)
        way()
        assert self.oracle.at_any_moment() == [], self.done

    def ids(self, most: int = 8) -> str:
        low = self.random.randint(0, 40)
        return f"id BETWEEN {low} AND {low + self.random.randint(0, most)}"

    def stamp(self) -> str:
        return self.random.choice([self.world.now, self.world.now, self.world.ago(60), "NULL"])

    def insert(self) -> None:
        low = self.random.randint(0, 40)
        taken = {i for (i,) in self.world.sql("source", "SELECT id FROM t")}
        self.world.insert([i for i in range(low, low + 5) if i not in taken], stamp=self.stamp())

    def update(self) -> None:
        change = self.random.choice(["name = name || 'x'", "amount = amount + 1", "name = NULL"])
        stamp = f"updated_at = {self.world.now}"
        self.world.sql("source", f"UPDATE t SET {change}, {stamp} WHERE {self.ids()}")

    def backdate(self) -> None:
        stamp = self.random.choice([self.world.ago(86400 + self.random.random()), "NULL"])
        text = f"UPDATE t SET name = 'old', updated_at = {stamp} WHERE updated_at IS NOT NULL"
        self.world.sql("source", f"{text} AND {self.ids(3)}")

    def delete(self) -> None:
        self.world.sql("source", f"DELETE FROM t WHERE {self.ids()}")

    def rekey(self) -> None:
        free = "id < 500 AND id + 1000 NOT IN (SELECT id FROM t)"
        self.world.sql("source", f"UPDATE t SET id = id + 1000 WHERE {self.ids(3)} AND {free}")

    def swap(self) -> None:
        """Delete and insert again, under the same key."""
        self.delete()
        self.insert()

    def run(self) -> None:
        outcome = self.world.run()
        assert (outcome.error, outcome.deviation) == (None, 0), self.done

    def pull(self) -> None:
        assert self.world.run("j", pull_only).error is None, self.done

    def push(self) -> None:
        assert self.world.run("j", push_only).error is None, self.done

    def resync(self) -> None:
        if self.random.random() < 0.5:
            assert self.world.resync().error is None, self.done

    def kill(self) -> None:
        hit = self.random.randint(1, 40)
        run: Callable[[], Any] = self.random.choice([self.world.run, self.world.resync])
        self.done[-1] += f" {run.__name__} {hit}"
        if self.world.is_sqlite:
            killed(run, hit)
            return
        arm(at("*", hit, _break))
        try:
            run()
        except ZeroDivisionError:
            pass
        finally:
            arm(None)


def _break(_: str) -> None:
    raise ZeroDivisionError


CHAINS = [("sqlite",) * 3, ("postgresql",) * 3]


@pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
@pytest.mark.parametrize("seed", range(3))
def test_any_order(world: World, seed: int) -> None:
    chaos = Chaos(world, seed)
    world.make_table(20)
    capture = CAPTURES[seed % len(CAPTURES)]
    world.job("j", chunk_rows=chaos.random.choice([3, 5, 100]), **capture)
    for _ in range(STEPS):
        chaos.step()
    world.run_well()
    world.run_well()
    assert chaos.oracle.findings() == [], chaos.done
    assert {b["state"] for b in world.batches()} <= {"reconciled", "purged"}
