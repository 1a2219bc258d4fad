"""What happens, by a seed: people work at the source, runs come and go, and things go wrong.

Everything is drawn from one generator, so a seed is a story that can be told again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.batch import State
from bridge.hold import Hold
from bridge.plan import make_plan, prepare_target
from bridge.push import Push
from bridge.run import Outcome, pull_only, push_only
from tests.simulation.judge import Wrong
from tests.simulation.store import ROLES
from tests.simulation.world import CHUNKS, STORIES, Fault, Simulated, simulation

__all__ = ["Story", "tell"]

MOST_STEPS = 10
MOST_RUNS_TO_REST = 8
KEYS = range(1, 13)
GOOD = ("reconciled", "in_flight")


@dataclass
class Writer:
    """A transaction of somebody else at the source: its stamp is fixed when it begins."""

    token: str
    stamp: str
    keys: list[int]
    delete: bool
    name: str = field(default="")


class Story:
    """One seed. `told` is what has happened, in words."""

    def __init__(self, seed: int, world: Simulated, variant: str) -> None:
        self.random = random.Random(seed * 7919 + 1)
        self.world = world
        self.variant = variant
        self.judge = world.judge
        self.machine = world.machine
        self.told: list[str] = []
        self.writers: list[Writer] = []
        self.backups: dict[str, list[Any]] = {role: [] for role in ROLES}
        self.edited = False  # the target, by hand: only a comparison of contents sees it
        self.suspect: str | None = None  # what the next whole run must not call reconciled
        self._suspect_epoch = 0
        self.latest = world.machine.now  # before its clock was set back
        self._number = 0

    # -- the plot ----------------------------------------------------------------------------

    def unfold(self) -> None:
        ways = self._ways()
        for _ in range(self.random.randint(3, MOST_STEPS)):
            way = self.random.choice(ways)
            self.told.append(way.__name__)
            way()
            self.world.tick(self.random.choice([0.000001, 0.7, 9]))
            self.look()
        self.come_to_rest()

    def _ways(self) -> list[Callable[[], None]]:
        work = [self.change, self.change, self.begin, self.commit]
        runs = [self.run, self.faulty_run, self.faulty_run, self.pull, self.push]
        trouble = [self.backup, self.backup, self.restore, self.redeliver, self.later_first]
        trouble += [self.resync, self.wake, self.unreachable, self.tamper]
        if self.variant != "bare":
            work += [self.backdate, self.delete]
            trouble += [self.set_clock_back]
        return self.random.choice([work * 3 + runs * 2, work * 2 + runs + trouble, work + runs])

    def look(self) -> None:
        self.judge.see_ledger(complete=self.variant == "bare" and not self.judge.meddled)

    def come_to_rest(self) -> None:
        """Everybody finishes, the operator does what he is told, and all must come right."""
        while self.world.frozen and self.random.random() < 0.5:
            self.wake()
        while self.writers:
            self.commit()
        self.machine.now = max(self.machine.now, self.latest)
        self.world.tick(100)
        if self.edited:
            self.resync()
        for _ in range(MOST_RUNS_TO_REST):
            outcome = self.run()
            self.world.tick(100)
            if outcome is not None and _is_well(outcome):
                self.judge.see_rest()
                return
            if outcome is not None and outcome.verdict not in GOOD:
                self.resync()
        raise Wrong("it does not come to rest")

    # -- at the source -----------------------------------------------------------------------

    def _new_writer(self, delete: bool = False) -> Writer | None:
        taken = {key for writer in self.writers for key in writer.keys}
        free = [key for key in KEYS if key not in taken]
        if not free:
            return None
        keys = self.random.sample(free, min(len(free), self.random.randint(1, 4)))
        self._number += 1
        return Writer(f"w{self._number}", self.world.stamp, keys, delete, f"n{self._number}")

    def _write(self, writer: Writer, stamp: str | None) -> None:
        source = self.machine["source"]
        if writer.delete:
            source.executemany("DELETE FROM t WHERE id = ?", [(key,) for key in writer.keys])
            return
        rows = [(key, writer.name, stamp) for key in writer.keys]
        source.executemany("INSERT OR REPLACE INTO t VALUES (?, ?, ?)", rows)

    def change(self) -> None:
        if writer := self._new_writer():
            self._write(writer, writer.stamp)

    def delete(self) -> None:
        if writer := self._new_writer(delete=True):
            self._write(writer, writer.stamp)

    def backdate(self) -> None:
        """Below any watermark, of the future, or for new rows without a stamp. Never the stamp that
        a row has already: such a change shows to nobody who goes by stamps."""
        if writer := self._new_writer():
            year = self.random.choice([2001, 2099])
            stamp = f"{year}-01-01 00:00:00.{self._number:06d}"
            known = self.judge.rows("source").keys()
            bare = known.isdisjoint(writer.keys) and self.random.random() < 0.5
            self._write(writer, None if bare else stamp)

    def begin(self) -> None:
        if writer := self._new_writer():
            self.writers.append(writer)
            self._tell_tokens()

    def commit(self) -> None:
        """At once, or first prepared: then it is open under another name."""
        if not self.writers:
            return
        writer = self.random.choice(self.writers)
        if self.random.random() < 0.3 and not writer.token.startswith("prepared "):
            writer.token = f"prepared {writer.token}"
        else:
            self.writers.remove(writer)
            if self.random.random() < 0.9:
                self._write(writer, writer.stamp)
        self._tell_tokens()

    def _tell_tokens(self) -> None:
        self.machine.tokens = frozenset(writer.token for writer in self.writers)

    def set_clock_back(self) -> None:
        self.latest = max(self.latest, self.machine.now)
        self.world.tick(-self.random.choice([0.5, 30, 4000]))

    # -- runs --------------------------------------------------------------------------------

    def run(self) -> Outcome | None:
        return self._judged(self.world.run(), whole=True)

    def faulty_run(self) -> None:
        way = self.random.choice(["crash", "crash", "cut", "freeze"])
        fault = Fault(way, self.random.randint(1, 16))
        again = self.random.random() < 0.15
        self._judged(self.world.resync(fault) if again else self.world.run(fault=fault), whole=True)
        self.told[-1] += f" {way} {fault.hit} {fault.passed[-1:]}"

    def pull(self) -> None:
        self._judged(self.world.run(pull_only), whole=False)

    def push(self) -> None:
        self._judged(self.world.run(push_only), whole=False)

    def resync(self) -> None:
        outcome = self._judged(self.world.resync(), whole=True)
        if outcome is not None and _is_well(outcome):
            self.edited = False

    def wake(self) -> None:
        if self.world.frozen:
            zombie = self.random.choice(self.world.frozen)
            self._judged(self.world.wake(zombie), whole=False)

    def unreachable(self) -> None:
        role = self.random.choice(ROLES)
        self.machine.refused.add(role)
        outcome = self.world.run()
        self.machine.refused.discard(role)
        if outcome is None or outcome.error is None:
            raise Wrong(f"falsely reconciled: {role} could not be reached")

    def _judged(self, outcome: Outcome | None, *, whole: bool) -> Outcome | None:
        if outcome is None:
            return None
        verdict = f"{outcome.verdict}{f' {outcome.error.code}' if outcome.error else ''}"
        self.told[-1:] = [f"{self.told[-1] if self.told else 'at rest'} -> {verdict}"]
        if whole and self.suspect is not None:
            epochs = {batch.epoch for batch in outcome.batches}
            if _is_well(outcome) and max(epochs, default=0) <= self._suspect_epoch:
                raise Wrong(f"falsely reconciled: {self.suspect}")
            self.suspect = None
        if whole and _is_well(outcome):
            self.judge.see_reconciled(edited=self.edited)
        return outcome

    # -- deliveries that come twice, or in another order -------------------------------------

    def redeliver(self) -> None:
        """A batch that arrived long ago is sent again, as after a lost answer."""
        self._deliver(lambda held: held.ledger().batches(limit=6), {"sealed"})

    def later_first(self) -> None:
        """One of several waiting batches is sent before its turn: the one before it is not at the
        target yet. Where it is, and only its answer was lost, this would be in turn there, while a
        sender that notes it first is not one of ours."""

        def early(held: Hold) -> list[Any]:
            waiting = held.ledger().unsettled()[1:]
            with held.target.transaction():
                position = held.receiver().position()
            at = (position.epoch, position.seq) if position else (0, 0)
            return [b for b in waiting if (b.epoch, b.seq - 1) > at]

        self._deliver(early, set())

    def _deliver(self, choose: Callable[[Hold], list[Any]], without: set[str]) -> None:
        def step(held: Hold, _: Outcome) -> None:
            plan = prepare_target(held, make_plan(held))
            with held.exchange.transaction():
                chosen = [b for b in choose(held) if b.state not in without]
            if chosen:
                batch = replace(self.random.choice(chosen), state=State.SEALED)
                self.told[-1] += f" {batch.epoch}/{batch.seq}"
                Push(held, plan, held.exchange).settle(batch)

        self._judged(self.world.run(step), whole=False)

    # -- stores ------------------------------------------------------------------------------

    def backup(self) -> None:
        for role in self.random.sample(ROLES, self.random.randint(1, 3)):
            self.backups[role].append(self.machine.backup(role))

    def restore(self) -> None:
        """From any earlier backup; the exchange and the target may be restored together."""
        roles = [role for role in ROLES if self.backups[role]]
        if self.variant == "bare":
            roles = [role for role in roles if role != "source"]
        for role in self.random.sample(roles, min(len(roles), self.random.randint(1, 2))):
            self.told[-1] += f" {role}"
            self.machine.restore(role, self.random.choice(self.backups[role]))
            if role != "source":
                self.judge.meddled, self.suspect = True, None
            self.edited |= role == "target"
        self.judge.accept()

    # -- forgeries ---------------------------------------------------------------------------

    def tamper(self) -> None:
        ways = [self.edit, self.forge_change, self.forge_receipt, self.forge_batch]
        way = self.random.choice(ways)
        self.told[-1] = way.__name__
        way()
        self.judge.accept()

    def edit(self) -> None:
        """A row at the target, by hand."""
        way = self.random.choice(["DELETE FROM t", "UPDATE t SET name = 'by hand'"])
        done = self._at("target", f"{way} WHERE id = (SELECT min(id) FROM t)")
        self.edited |= done > 0

    def forge_change(self) -> None:
        """What is sealed and waits is not what was sealed any more."""
        waiting = [b for b in self.judge.batches() if (b["state"], b["kind"]) == ("sealed", "data")]
        if waiting and self._at(
            "exchange",
            "UPDATE bh_change_j SET name = 'forged' WHERE rowid = (SELECT min(rowid) "
            "FROM bh_change_j WHERE bh_op <> 'D' AND bh_epoch = ? AND bh_seq = ?)",
            (waiting[0]["epoch"], waiting[0]["seq"]),
        ):
            self._suspect("a change row was forged", waiting[0]["epoch"])

    def forge_receipt(self) -> None:
        newest = self._newest_confirmed()
        if newest is not None:
            forgery = "UPDATE bh_receipt SET digest = ? WHERE epoch = ? AND seq = ?"
            self._at("target", forgery, ("f" * 32, *newest))
            self._suspect("a receipt was forged", newest[0])

    def forge_batch(self) -> None:
        newest = self._newest_confirmed()
        if newest is not None:
            forgery = "UPDATE bh_batch SET inserted = inserted + 1, read = read + 1"
            self._at("exchange", f"{forgery} WHERE epoch = ? AND seq = ?", newest)
            self._suspect("a batch was forged", newest[0])

    def _newest_confirmed(self) -> tuple[int, int] | None:
        """Of the current epoch, if the target has come as far."""
        batches, receipts = self.judge.batches(), self.judge.known_receipts()
        if not (batches and receipts):
            return None
        newest = receipts[-1]["epoch"], receipts[-1]["seq"]
        confirmed = {(b["epoch"], b["seq"]) for b in batches if b["state"] == "reconciled"}
        return newest if newest in confirmed and newest[0] == batches[-1]["epoch"] else None

    def _suspect(self, what: str, epoch: int) -> None:
        self.judge.meddled, self.suspect, self._suspect_epoch = True, what, epoch

    def _at(self, role: str, statement: str, values: tuple[Any, ...] = ()) -> int:
        return self.machine[role].execute(statement, values).rowcount


def _is_well(outcome: Outcome) -> bool:
    return outcome.error is None and outcome.verdict == "reconciled" and not outcome.deviation


def tell(seed: int) -> None:
    """Lives through one seed. `Wrong` tells what was found, the seed, and the whole story."""
    chance = random.Random(seed)
    variant, chunk = chance.choice(STORIES), chance.choice(CHUNKS)
    with simulation(variant, chunk, loaded=chance.random() < 0.8) as world:
        story = Story(seed, world, variant)
        try:
            story.unfold()
        except Exception as error:
            place = f"seed {seed} ({variant}, parts of {chunk})"
            raise Wrong(
                f"{error}\n{place}: {'; '.join(story.told)}\n"
                f"again: python -m tests.simulation {seed}"
            ) from error
