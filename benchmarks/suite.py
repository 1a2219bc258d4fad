"""The order of one repeat: what is measured, from which state, and who goes first."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import floor
from benchmarks.agent import Agent, Finding
from benchmarks.figure import BOTH, HOPS, Figure, Scenario, Side
from benchmarks.measure import Usage
from benchmarks.population import ChangeSet
from benchmarks.statement import Statements
from benchmarks.store import Stores

__all__ = ["Suite"]

_BEYOND_MARGIN_SECONDS = 1.5
_SWEEPING, _PLAIN = Finding("every_run"), Finding("off")
_PLAIN_AGAIN = Finding("off", overlap_seconds=0)


class Suite:
    """Collects figures. Floor and ours alternate, and every other repeat the other goes first."""

    def __init__(
        self,
        stores: Stores,
        agent: Agent,
        changes: ChangeSet,
        statements: Statements,
        tell: Callable[[str], None],
    ) -> None:
        self._stores = stores
        self._agent = agent
        self.changes = changes
        self.statements = statements
        self._tell = tell
        self._repeat = 0
        self.figures: list[Figure] = []

    def run(self) -> None:
        """One repeat. Raises WrongRows or CommandFailed: then no figure is worth anything."""
        self._repeat += 1
        self._tell("the business database is filled")
        self._stores.fill()
        self._agent.configure(_SWEEPING)
        self._agent.warm_up()
        self._alternate(self._floor_load, self._load_by_hops, self._load_whole)
        self._stores.vacuum()
        self._idle()
        self._change_sets()

    # -- scenarios ---------------------------------------------------------------------------

    def _floor_load(self) -> None:
        self._note_hops(Scenario.FIRST_LOAD, Side.FLOOR, floor.first_load(self._stores))

    def _load_by_hops(self) -> None:
        """Pull, then push, each a run of its own: nothing overlaps."""
        self._stores.empty_ours()
        used = [self._agent.run("pull", "pull"), self._agent.run("push", "push")]
        self._agent.verify()
        self._note_hops(Scenario.FIRST_LOAD, Side.OURS, used)

    def _load_whole(self) -> None:
        self._stores.empty_ours()
        expected = ChangeSet(0, self._stores.rows, 0)
        self._note_whole(Scenario.FIRST_LOAD, self._run(Scenario.FIRST_LOAD, expected))

    def _idle(self) -> None:
        time.sleep(_BEYOND_MARGIN_SECONDS)
        nothing = ChangeSet(0, 0, 0)
        for scenario, finding in ((Scenario.IDLE_SWEEP, _SWEEPING), (Scenario.IDLE, _PLAIN)):
            self._agent.configure(finding)
            self._note_whole(scenario, self._run(scenario, nothing))
        self._note_whole(Scenario.STATUS, self._agent.status())

    def _change_sets(self) -> None:
        self._change_set(Scenario.CHANGES, _SWEEPING, self.changes)
        second = self.changes.without_deletes()
        self._change_set(Scenario.UPSERTS, _PLAIN_AGAIN, second)

    def _change_set(self, scenario: Scenario, finding: Finding, changes: ChangeSet) -> None:
        def floor_side() -> None:
            self._note_hops(scenario, Side.FLOOR, floor.apply_changes(self._stores))

        def our_side() -> None:
            self._note_whole(scenario, self._run(scenario, changes))

        self._tell("the business database is changed")
        self._agent.configure(finding)
        self._stores.change(changes)
        time.sleep(_BEYOND_MARGIN_SECONDS)
        self._alternate(floor_side, our_side)

    # -- pieces ------------------------------------------------------------------------------

    def _run(self, name: str, expected: ChangeSet) -> Usage:
        used = self._agent.run("run", name, expected)
        self._agent.verify()
        return used

    def _alternate(self, *sides: Callable[[], None]) -> None:
        for side in sides if self._repeat % 2 else reversed(sides):
            self._stores.settle()
            side()

    def _note_hops(self, scenario: Scenario, side: Side, hops: list[Usage]) -> None:
        self._note(scenario, side, dict(zip(HOPS, hops, strict=True)))

    def _note_whole(self, scenario: Scenario, usage: Usage) -> None:
        self._note(scenario, Side.OURS, {BOTH: usage})

    def _note(self, scenario: Scenario, side: Side, usages: dict[str, Usage]) -> None:
        for hop, usage in usages.items():
            self.figures.append(Figure(self._repeat, scenario, side, hop, usage))
            self._tell(f"{scenario}, {side}, {hop}: {usage}")
        self.statements.collect(f"{self._repeat} {scenario}, {side}, {', '.join(usages)}")
