"""What people do at the source: at once, or in transactions that stay open for a while."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.simulation.world import Simulated

__all__ = ["KEYS", "People"]

KEYS = range(1, 13)


@dataclass
class Writer:
    """A transaction of somebody else at the source: its stamp is fixed when it begins."""

    token: str
    stamp: str
    keys: list[int]
    delete: bool
    name: str | bytes = field(default="")


class People:
    """`at_work` are those whose transaction is open."""

    def __init__(self, world: Simulated, chance: random.Random) -> None:
        self.at_work: list[Writer] = []
        self._world = world
        self._machine = world.machine
        self._chance = chance
        self._number = 0
        self._bare: set[int] = set()
        """Keys that have borne no stamp."""

    def _new_writer(self, delete: bool = False) -> Writer | None:
        taken = {key for writer in self.at_work for key in writer.keys}
        free = [key for key in KEYS if key not in taken]
        if not free:
            return None
        keys = self._chance.sample(free, min(len(free), self._chance.randint(1, 4)))
        self._number += 1
        return Writer(f"w{self._number}", self._world.stamp, keys, delete, f"n{self._number}")

    def _write(self, writer: Writer, stamp: str | None) -> None:
        source = self._machine["source"]
        if writer.delete:
            self._world.judge.ever_gone |= {*writer.keys}
            source.executemany("DELETE FROM t WHERE id = ?", [(key,) for key in writer.keys])
            return
        rows = [(key, writer.name, stamp) for key in writer.keys]
        source.executemany("INSERT OR REPLACE INTO t (id, name, at) VALUES (?, ?, ?)", rows)
        if self._has_note and not isinstance(writer.name, bytes):
            noted = [(f"note of {writer.name}", key) for key in writer.keys[1:]]
            source.executemany("UPDATE t SET note = ? WHERE id = ?", noted)

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
            year = self._chance.choice([2001, 2099])
            stamp = f"{year}-01-01 00:00:00.{self._number:06d}"
            known = self._world.judge.rows("source").keys()
            bare = known.isdisjoint(writer.keys) and self._chance.random() < 0.5
            self._bare |= {*writer.keys} if bare else set()
            self._write(writer, None if bare else stamp)

    def spoil(self) -> None:
        """With a name that is no text, or a stamp that is none: such rows are set aside. A stamp
        that is none does not differ from NULL."""
        if writer := self._new_writer():
            if self._chance.random() < 0.6 or not self._bare.isdisjoint(writer.keys):
                writer.name = b"n%d\xff" % self._number
            self._write(writer, writer.stamp if isinstance(writer.name, bytes) else "never")

    def widen(self) -> None:
        """A column more, empty until rows are written."""
        if not self._has_note:
            self._machine["source"].execute("ALTER TABLE t ADD COLUMN note text")

    @property
    def _has_note(self) -> bool:
        """A table that was restored may have none again."""
        found = self._machine["source"].execute("PRAGMA table_info(t)")
        return "note" in {row[1] for row in found}

    def begin(self) -> None:
        if writer := self._new_writer():
            self.at_work.append(writer)
            self._tell_tokens()

    def commit(self) -> None:
        """At once, or first prepared: then it is open under another name."""
        if not self.at_work:
            return
        writer = self._chance.choice(self.at_work)
        if self._chance.random() < 0.3 and not writer.token.startswith("prepared "):
            writer.token = f"prepared {writer.token}"
        else:
            self.at_work.remove(writer)
            if self._chance.random() < 0.9:
                self._write(writer, writer.stamp)
        self._tell_tokens()

    def _tell_tokens(self) -> None:
        self._machine.tokens = frozenset(writer.token for writer in self.at_work)
