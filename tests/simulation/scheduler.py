"""What happens, by a seed: people work at the source, runs come and go, and things go wrong.

Everything is drawn from one generator, so a seed is a story that can be told again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bridge.batch import State
from bridge.beginning import plan_whole
from bridge.decision import approve, reject
from bridge.errors import Changed
from bridge.hold import Hold
from bridge.push import Push
from bridge.run import Outcome, pull_only, push_only, read_quarantined_again
from connectors.errors import TransientError
from tests.simulation.forging import Forger, Suspicion
from tests.simulation.judge import Wrong
from tests.simulation.people import People
from tests.simulation.store import ROLES
from tests.simulation.world import CHUNKS, STORIES, Fault, Simulated, simulation

__all__ = ["Story", "tell"]

MOST_STEPS = 10
MOST_RUNS_TO_REST = 16


class Story:
    """One seed. `told` is what has happened, in words."""

    def __init__(self, seed: int, world: Simulated, variant: str) -> None:
        self.random = random.Random(seed * 7919 + 1)
        self.world = world
        self.variant = variant
        self.judge = world.judge
        self.machine = world.machine
        self.told: list[str] = []
        self.backups: dict[str, list[Any]] = {role: [] for role in ROLES}
        self.guards: list[bytes | None] = []
        """Of each backup of the exchange."""
        self.suspicion = Suspicion()
        self.people = People(world, self.random)
        self.forger = Forger(world, self.random, self.suspicion)
        self.latest = world.machine.now  # before its clock was set back

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
        people = self.people
        work = [people.change, people.change, people.begin, people.commit]
        runs = [self.run, self.faulty_run, self.faulty_run, self.pull, self.push]
        trouble = [self.backup, self.backup, self.restore, self.redeliver, self.later_first]
        trouble += [self.resync, self.wake, self.unreachable, self.tamper, self.purge, self.compare]
        trouble += [people.widen, self.lose_guard]
        if self.variant != "bare":
            work += [people.backdate, people.delete, people.spoil]
            runs += [self.read_again]
            trouble += [self.set_clock_back]
        if self.world.has_fuse:
            runs += [self.decide, self.faulty_decision]
        return self.random.choice([work * 3 + runs * 2, work * 2 + runs + trouble, work + runs])

    def look(self) -> None:
        self.judge.see_ledger(complete=self.variant == "bare" and not self.judge.meddled)

    def come_to_rest(self) -> None:
        """Everybody finishes, the operator does what he is told, and all must come right."""
        while self.world.frozen and self.random.random() < 0.5:
            self.wake()
        while self.people.at_work:
            self.people.commit()
        self.forger.disarm()
        self.machine.now = max(self.machine.now, self.latest)
        self.world.tick(100)
        if self.suspicion.edited:
            self.resync()
        round_begins = self.judge.is_between_sweeps()
        for _ in range(MOST_RUNS_TO_REST):
            outcome = self.run()
            self.world.tick(100)
            if outcome is not None and _is_well(outcome):
                if round_begins and self.judge.is_between_sweeps():
                    self.judge.see_rest()
                    return
                round_begins = round_begins or self.judge.is_between_sweeps()
            if outcome is not None and _needs_a_person(outcome) and not self.decide():
                if "has rows already" in str(outcome.error):  # nobody knows any more whose they are
                    self.machine["target"].execute("DELETE FROM t")
                    self.judge.accept()
                self.resync()
        raise Wrong("it does not come to rest")

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

    def read_again(self) -> None:
        """A run that reads what is set aside again."""
        self._judged(self.world.run(read_quarantined_again), whole=True)

    def resync(self) -> None:
        outcome = self._judged(self.world.resync(), whole=True)
        if outcome is not None and _is_well(outcome):
            self.suspicion.edited = False

    def wake(self) -> None:
        if self.world.frozen:
            outcome = self.world.wake(self.random.choice(self.world.frozen))
            if isinstance(outcome, Outcome):
                self._judged(outcome, whole=False)

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
        if whole and self.suspicion.forged is not None:
            epochs = {batch.epoch for batch in outcome.batches}
            if _is_well(outcome) and max(epochs, default=0) <= self.suspicion.epoch:
                raise Wrong(f"falsely reconciled: {self.suspicion.forged}")
            self.suspicion.forged = None
        if whole and _is_well(outcome):
            self.judge.see_reconciled(edited=self.suspicion.edited)
        return outcome

    # -- what a person decides, and looks at -------------------------------------------------

    def decide(self, fault: Fault | None = None) -> bool:
        """Lets a held batch go, or not. Whether that was done; what a job whose table has changed
        cannot send any more is not approved."""
        held = [batch for batch in self.judge.batches() if batch["state"] == "held"]
        if not held:
            return False
        chosen = self.random.choice([approve, approve, reject])
        self.told.append(f"{chosen.__name__} {held[0]['epoch']}/{held[0]['seq']}")
        refusal = self.world.decide(chosen, held[0]["seq"], fault)
        if refusal is None:
            return True
        if not (isinstance(refusal, Changed) and self.judge.is_widened()):
            raise Wrong(f"not decided: {refusal}")
        self.told[-1] += " refused"
        return False

    def faulty_decision(self) -> None:
        self.decide(self._fault_of_few())

    def _fault_of_few(self) -> Fault:
        """Of what passes few failpoints."""
        return Fault(self.random.choice(["crash", "freeze"]), self.random.randint(1, 8))

    def purge(self) -> None:
        """What was reconciled until now is long ago; who purges may be killed at it, or frozen."""
        self.machine["exchange"].execute(
            "UPDATE bh_batch SET reconciled_at = '2020' || substr(reconciled_at, 5)"
        )
        fault = self._fault_of_few() if self.random.random() < 0.3 else None
        purged = self.world.purge(fault)
        if purged is not None and purged.error is not None:
            raise Wrong(f"not purged: {purged.error}")
        self.told[-1] += f" {purged and purged.batches}"

    def compare(self) -> None:
        """Contents, row by row: the only look that sees what was done to the target by hand."""
        comparison = self.world.compare()
        assert comparison is not None
        outcome, content = comparison.outcome, comparison.content
        copy, target = self.judge.rows("exchange"), self.judge.rows("target", "exchange")
        if content is not None and bool(content.sample) != (copy != target):
            raise Wrong(f"contents: {content} was told of {copy} and {target}")
        self._judged(outcome, whole=True)
        if _is_well(outcome) and content is not None:
            self.judge.see_reconciled(edited=False)

    # -- deliveries that come twice, or in another order -------------------------------------

    def redeliver(self) -> None:
        """A batch that arrived long ago is sent again, as after a lost answer."""

        def arrived(held: Hold) -> list[Any]:
            return [b for b in held.ledger().batches(limit=6) if b.applied_at is not None]

        self._deliver(arrived, {"sealed"})

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
            plan = plan_whole(held)
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
            if role == "exchange":
                self.guards.append(self.world.guard)

    def restore(self) -> None:
        """From any earlier backup; the exchange and the target may be restored together."""
        roles = [role for role in ROLES if self.backups[role]]
        if self.variant == "bare":
            roles = [role for role in roles if role != "source"]
        for role in self.random.sample(roles, min(len(roles), self.random.randint(1, 2))):
            self.told[-1] += f" {role}"
            before = self.judge.rows(role).keys()
            place = self.random.randrange(len(self.backups[role]))
            self.machine.restore(role, self.backups[role][place])
            if role == "source":
                self.judge.ever_gone |= before - self.judge.rows(role).keys()
            if role == "exchange" and self.random.random() < 0.2:
                self.told[-1] += " with its guard file"
                self.world.guard = self.guards[place]
            if role != "source":
                self.judge.meddled, self.suspicion.forged = True, None
            self.suspicion.edited |= role == "target"
        self.judge.accept()

    def lose_guard(self) -> None:
        self.world.guard = None

    def tamper(self) -> None:
        self.told[-1] = self.forger.tamper()


def _needs_a_person(outcome: Outcome) -> bool:
    error = outcome.error
    lasting = error is not None and not isinstance(error, TransientError)
    return lasting or outcome.verdict not in ("reconciled", "in_flight")


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
