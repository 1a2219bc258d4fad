"""The independent judge of a simulated deployment: what it sees in the stores, and what must hold.

Imports nothing of ours but the oracle of the tests. It looks after every commit at the target and
after every step, and remembers only what it saw itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from tests.oracle import Oracle, Place, Subject

__all__ = ["COLUMNS", "JOB", "TABLE", "Judge", "Wrong"]

JOB = "j"
DEPARTMENT = "113301000024895242"
TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text, at timestamp)"
COLUMNS = {"id": "number", "name": "text", "at": "moment", "note": "text"}
ROLES = ("source", "exchange", "target")
IMAGES = ("first", "resync")
OPEN = ("sealed", "applied", "deviated", "held")

Row = tuple[Any, ...]
"""Key, name, stamp, and a note, where the table has come to have any. A name of bytes is no text,
and `never` no stamp: such a row is set aside."""
Rows = dict[int, Row]
Receipt = dict[str, Any]
Connect = Callable[[str], sqlite3.Connection]


class Wrong(AssertionError):
    """Something that must never be: lost, twice, out of order, falsely reconciled, or books that
    do not add up."""


class Judge:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.target_rows: Rows = {}
        self.receipts: list[Receipt] = []
        self.ever_gone: set[int] = set()
        """Keys that were away from the source after they had been there."""
        self.swallowed: set[int] = set()
        """Keys that the target itself may lose: a trigger there has swallowed, or will."""
        self.meddled = False
        """Whether the ledger, a receipt, or a whole store is another than the bridge left it."""

    # -- looking -----------------------------------------------------------------------------

    def rows(self, role: str, like: str | None = None) -> Rows:
        """Without the columns that the table of `like` has not."""
        own, wanted = self._columns(role), self._columns(like or role) or COLUMNS
        if not own:  # not made yet
            return {}
        names = [name if {name} <= {*own} & {*wanted} else "NULL" for name in COLUMNS]
        query = f"SELECT {', '.join(names)} FROM {_table(role)}"
        found = self._connect(role).execute(query)
        return {row[0]: (*row[:2], _moment(row[2]), *row[3:]) for row in found}

    def _columns(self, role: str) -> list[str]:
        found = self._connect(role).execute(f"PRAGMA table_info({_table(role)})")
        return [row[1] for row in found if row[1] in COLUMNS]

    def is_widened(self) -> bool:
        """Whether the source has a column that has never been sent."""
        return not {*self._columns("source")} <= {*self._columns("exchange")}

    def batches(self) -> list[dict[str, Any]]:
        return self._records("exchange", "SELECT * FROM bh_batch ORDER BY epoch, seq")

    def known_receipts(self) -> list[Receipt]:
        return self._records("target", "SELECT * FROM bh_receipt ORDER BY epoch, seq")

    def _records(self, role: str, query: str) -> list[dict[str, Any]]:
        try:
            return Place(self._connect(role)).records(query)
        except sqlite3.OperationalError:
            return []

    def accept(self) -> None:
        """Take the target for what it is now: the test itself has changed it."""
        self.target_rows, self.receipts = self.rows("target"), self.known_receipts()

    # -- after every commit at the target ----------------------------------------------------

    def see_target(self) -> None:
        """At most one batch more, the next one, and it did what its receipt says."""
        rows, receipts = self.rows("target"), self.known_receipts()
        before, known = self.target_rows, self.receipts
        if receipts == known:
            if rows != before:
                raise Wrong(f"twice: rows changed without a receipt: {_difference(before, rows)}")
            return
        if receipts[:-1] != known:
            raise Wrong(f"out of order: receipts {_places(receipts)} after {_places(known)}")
        self._check_place(receipts)
        self._check_effects(receipts[-1], before, rows)
        self.target_rows, self.receipts = rows, receipts

    def _check_place(self, receipts: list[Receipt]) -> None:
        new = receipts[-1]
        same = [r["seq"] for r in receipts if r["epoch"] == new["epoch"]]
        first = same[0] if self.meddled else 1  # those before it were taken away
        if same != list(range(first, first + len(same))):
            raise Wrong(f"out of order: receipts of epoch {new['epoch']} are {same}")
        position = self._records("target", "SELECT epoch, seq, head_hash FROM bh_position")
        at = {"epoch": new["epoch"], "seq": new["seq"], "head_hash": new["batch_hash"]}
        if position != [at]:
            raise Wrong(f"books: the position is {position}, the last receipt {at}")

    def _check_effects(self, receipt: Receipt, before: Rows, after: Rows) -> None:
        inserted, deleted = after.keys() - before.keys(), before.keys() - after.keys()
        changed = [key for key in after.keys() & before.keys() if after[key] != before[key]]
        at = f"{receipt['epoch']}/{receipt['seq']}"
        if (receipt["inserted"], receipt["deleted"]) != (len(inserted), len(deleted)):
            raise Wrong(f"books: {at} measured {_counts(receipt)}, seen {inserted} and {deleted}")
        if receipt["kind"] not in IMAGES and not deleted <= self.ever_gone | self.swallowed:
            raise Wrong(f"lost: {at} deleted {deleted}, of which only {self.ever_gone} were gone")
        if receipt["updated"] < len(changed):
            raise Wrong(f"books: {at} measured {_counts(receipt)}, {len(changed)} rows changed")
        third = 0 if receipt["kind"] in IMAGES else receipt["deleted"]
        if receipt["total"] != receipt["inserted"] + receipt["updated"] + third:
            raise Wrong(f"books: {at} measured {_counts(receipt)}")

    # -- after every step --------------------------------------------------------------------

    def see_ledger(self, *, complete: bool) -> None:
        """Each epoch is 1, 2, 3 …; and where capture promises it by itself (`complete`), nothing
        that is committed below the watermark is missing from the copy."""
        batches = self.batches()
        for epoch in {batch["epoch"] for batch in batches}:
            numbers = [batch["seq"] for batch in batches if batch["epoch"] == epoch]
            if numbers != list(range(1, len(numbers) + 1)) and not self.meddled:
                raise Wrong(f"out of order: batches of epoch {epoch} are {numbers}")
        epochs = [job["epoch"] for job in self._records("exchange", "SELECT epoch FROM bh_job")]
        whole = [batch for batch in batches if batch["last"] and batch["epoch"] in epochs]
        if not (complete and whole):
            return
        watermark, copy = _moment(whole[-1]["window_high"]), self.rows("exchange")
        for key, row in self.rows("source").items():
            if row[2] is not None and row[2] < str(watermark) and copy.get(key, ())[:3] != row[:3]:
                raise Wrong(f"lost: {row} is below {watermark}, the copy has {copy.get(key)}")

    def see_reconciled(self, *, edited: bool) -> None:
        """A run has said that all is reconciled."""
        batches = self.batches()
        if waiting := [b for b in batches if b["state"] in OPEN]:
            raise Wrong(f"falsely reconciled: {_places(waiting)} are open")
        copy, target = self.rows("exchange"), self.rows("target", "exchange")
        if copy != target and not edited:
            raise Wrong(f"falsely reconciled: exchange to target {_difference(copy, target)}")

    # -- at rest -----------------------------------------------------------------------------

    def is_between_sweeps(self) -> bool:
        """None is half way round, which what happens behind it would escape."""
        jobs = self._records("exchange", "SELECT sweep_key FROM bh_job")
        return all(job["sweep_key"] is None for job in jobs)

    def see_rest(self) -> None:
        """Everything has been done that is to be done: all three stores hold the same."""
        source, copy, target = (self.rows(role, "source") for role in ROLES)
        bad = {key for key, row in source.items() if _is_bad(row)}
        for name, rows in ("exchange", copy), ("target", target):
            if _without(bad, rows) != _without(bad, source):
                raise Wrong(f"lost: source to {name}: {_difference(source, rows)}")
        if copy != target:
            raise Wrong(f"differs: exchange to target: {_difference(copy, target)}")
        self._see_quarantine(bad)
        columns = {name: COLUMNS[name] for name in self._columns("source")}
        subject = Subject(DEPARTMENT, JOB, "t", "t", ("id",), columns, without=_keys(bad))
        places = (Place(self._connect(role)) for role in ROLES)
        oracle = Oracle(*places, subject)
        known = bad & copy.keys()  # as they were when they were good
        findings = [] if known else oracle.content()
        findings += [] if self.meddled else oracle.books()
        if findings:
            raise Wrong("; ".join(map(str, findings)))

    def _see_quarantine(self, bad: set[int]) -> None:
        """One open entry for each row that was set aside, and none for any other."""
        opened = self._records("exchange", "SELECT * FROM bh_quarantine WHERE open_key IS NOT NULL")
        keys = sorted(int(json.loads(entry["key"])[0]) for entry in opened)
        if keys != sorted(bad):
            raise Wrong(f"quarantine: open entries of {keys}, while {sorted(bad)} are set aside")


def _table(role: str) -> str:
    return "bh_copy_j" if role == "exchange" else "t"


def _moment(text: str | None) -> str | None:
    """One spelling: the ledger, the copy and the source write one moment in different ways."""
    if text is None:
        return None
    plain = text.replace("T", " ").removesuffix("Z").removesuffix("+00:00")
    whole, _, fraction = plain.partition(".")
    return f"{whole}.{fraction:0<6}"


def _is_bad(row: Row) -> bool:
    return isinstance(row[1], bytes) or (row[2] is not None and row[2].startswith("never"))


def _without(keys: set[int], rows: Rows) -> Rows:
    return {key: row for key, row in rows.items() if key not in keys}


def _keys(keys: set[int]) -> frozenset[tuple[str, ...]]:
    return frozenset((str(key),) for key in keys)


def _places(of: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(each["epoch"], each["seq"]) for each in of]


def _counts(receipt: Receipt) -> tuple[int, ...]:
    return tuple(receipt[name] for name in ("total", "inserted", "updated", "deleted"))


def _difference(one: Rows, other: Rows) -> str:
    keys = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
    return ", ".join(f"{one.get(key)} is {other.get(key)}" for key in keys[:5])
