"""What somebody does behind the bridge's back: to a row at the target, and to the books."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.simulation.people import KEYS
from tests.simulation.world import Simulated

__all__ = ["Forger", "Suspicion"]


@dataclass
class Suspicion:
    """What the bridge has not told of yet. `edited`: the target, by hand, which only a comparison
    of contents sees. `forged`: what no whole run may call reconciled, unless in a later epoch."""

    edited: bool = False
    forged: str | None = None
    epoch: int = 0


class Forger:
    def __init__(self, world: Simulated, chance: random.Random, suspicion: Suspicion) -> None:
        self._world = world
        self._judge = world.judge
        self._chance = chance
        self._suspicion = suspicion

    def tamper(self) -> str:
        """In one way or another; which."""
        ways = [self.edit, self.forge_change, self.forge_receipt, self.forge_batch, self.trap]
        ways += [self.wreck]
        way = self._chance.choice(ways)
        with suppress(sqlite3.OperationalError):  # no such table yet, or not any more
            way()
        self._judge.accept()
        return way.__name__

    def edit(self) -> None:
        """A row at the target, by hand."""
        way = self._chance.choice(["DELETE FROM t", "UPDATE t SET name = 'by hand'"])
        done = self._at("target", f"{way} WHERE id = (SELECT min(id) FROM t)")
        self._suspicion.edited |= done > 0

    def forge_change(self) -> None:
        """What is sealed and waits is not what was sealed any more. Of what has arrived already it
        matters no more: a run may have ended before it could note that."""
        arrived = {(receipt["epoch"], receipt["seq"]) for receipt in self._judge.known_receipts()}
        waiting = [
            batch
            for batch in self._judge.batches()
            if (batch["state"], batch["kind"]) == ("sealed", "data")
            and (batch["epoch"], batch["seq"]) not in arrived
        ]
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

    def wreck(self) -> None:
        """A table is emptied or dropped; which of the target's rows are gone by that, no batch
        tells."""
        role, act = self._chance.choice(
            [
                ("target", "DELETE FROM t"),
                ("target", "DROP TABLE t"),
                ("target", "DELETE FROM bh_position"),
                ("target", "DELETE FROM bh_receipt"),
                ("exchange", "DROP TABLE bh_copy_j"),
                ("exchange", "DROP TABLE bh_change_j"),
            ]
        )
        self._at(role, act)
        self._judge.meddled = True
        self._suspicion.edited |= act == "DELETE FROM t"

    def trap(self) -> None:
        """From now on the target swallows a row, or keeps another than it was given."""
        event, act = self._chance.choice(
            [(f"BEFORE {way}", "SELECT RAISE(IGNORE)") for way in ("INSERT", "UPDATE", "DELETE")]
            + [("AFTER INSERT", "UPDATE t SET name = 'trapped' WHERE id = NEW.id")]
        )
        key = self._chance.choice(KEYS)
        row = f"{'OLD' if 'DELETE' in event else 'NEW'}.id = {key}"
        if event == "BEFORE INSERT":  # an update there may be a deletion and an insertion
            self._judge.swallowed.add(key)
        trap = f"CREATE TRIGGER IF NOT EXISTS trap {event} ON t WHEN {row} BEGIN {act}; END"
        self._at("target", trap)

    def disarm(self) -> None:
        self._at("target", "DROP TRIGGER IF EXISTS trap")

    def _newest_confirmed(self) -> tuple[int, int] | None:
        """Of the current epoch, if the target has come as far."""
        batches, receipts = self._judge.batches(), self._judge.known_receipts()
        if not (batches and receipts):
            return None
        newest = receipts[-1]["epoch"], receipts[-1]["seq"]
        confirmed = {(b["epoch"], b["seq"]) for b in batches if b["state"] == "reconciled"}
        return newest if newest in confirmed and newest[0] == batches[-1]["epoch"] else None

    def _suspect(self, what: str, epoch: int) -> None:
        self._judge.meddled = True
        self._suspicion.forged, self._suspicion.epoch = what, epoch

    def _at(self, role: str, statement: str, values: tuple[Any, ...] = ()) -> int:
        return self._world.machine[role].execute(statement, values).rowcount
