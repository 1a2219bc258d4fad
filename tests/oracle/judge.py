"""Judges one job by what stands in the three stores."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tests.oracle import books
from tests.oracle.canonical import canonical, is_known
from tests.oracle.finding import Finding, Row, Subject
from tests.oracle.rows import Stamped, as_many, compare, plain, recount
from tests.oracle.store import Place

__all__ = ["Oracle"]

Record = dict[str, Any]
STAMP = ("bh_epoch", "bh_seq")
OWN = (*STAMP, "bh_op", "bh_cursor")


class Oracle:
    """`findings` once the job has come to rest, `at_any_moment` while no process is running."""

    def __init__(self, source: Place, exchange: Place, target: Place, subject: Subject) -> None:
        self.source = source
        self.exchange = exchange
        self.target = target
        self.subject = subject

    def findings(self) -> list[Finding]:
        """Everything that is wrong, once the job has come to rest."""
        return [*self.content(), *self.at_any_moment()]

    def at_any_moment(self) -> list[Finding]:
        """What may never be, wherever a run was cut off: books that do not add up, rows that are
        not in the books, and what is called reconciled up to the cut and is not."""
        return [*self.books(), *self.recounted(), *self.false_reconciliations()]

    # -- content -----------------------------------------------------------------------------

    def content(self) -> list[Finding]:
        """Source against exchange, and source against target."""
        source = self._rows(self.source, self.subject.source_table, at_source=True)
        wanted = [row for row in source if row[0] not in self.subject.without]
        found: list[Finding] = []
        for name, place, table in self._copies():
            found += compare(name, wanted, self._rows(place, table), list(self.subject.columns))
        return found

    def _copies(self) -> list[tuple[str, Place, str]]:
        return [
            ("exchange", self.exchange, self.subject.copy),
            ("target", self.target, self.subject.target_table),
        ]

    def _rows(self, place: Place, table: str, *, at_source: bool = False) -> list[Row]:
        names = [c if at_source else self.subject.shared(c) for c in self.subject.columns]
        return [self._row(texts) for texts in place.texts(table, names)]

    def _row(self, texts: Sequence[str | None]) -> Row:
        """Of the texts of the subject's columns."""
        columns = self.subject.columns
        values = dict(zip(columns, map(plain, texts, columns.values()), strict=True))
        return self._key([values[column] for column in self.subject.key]), tuple(values.values())

    def _key(self, texts: Sequence[str | None]) -> tuple[str, ...]:
        kinds = [self.subject.columns[column] for column in self.subject.key]
        return tuple(str(plain(text, kind)) for text, kind in zip(texts, kinds, strict=True))

    # -- books -------------------------------------------------------------------------------

    def batches(self) -> list[Record]:
        return self._records(self.exchange, "bh_batch", "epoch, seq")

    def receipts(self) -> list[Record]:
        return self._records(self.target, "bh_receipt", "epoch, seq")

    def _records(self, place: Place, table: str, order: str) -> list[Record]:
        if not place.holds(table):  # no run has come so far
            return []
        return place.records(
            f"SELECT * FROM {table} WHERE department = ? AND job = ? ORDER BY {order}", self._named
        )

    @property
    def _named(self) -> tuple[str, str]:
        return self.subject.department, self.subject.job

    def books(self) -> list[Finding]:
        """Every batch for itself, the chain, moves, quarantine, audit, and both sides' sums."""
        batches, receipts = self.batches(), self.receipts()
        job = self._records(self.exchange, "bh_job", "job")
        events = self._records(self.exchange, "bh_batch_event", "number")
        positions = self._records(self.target, "bh_position", "job")
        entries = self._records(self.exchange, "bh_quarantine", "number")
        return [
            *books.chain(batches, receipts, job[0] if job else None),
            *(finding for batch in batches for finding in books.balance(batch)),
            *books.windows(batches),
            *books.moves(batches, events),
            *books.quarantined(batches, entries),
            *self._set_aside(entries),
            *books.audit_chain(self._audit()),
            *books.waived(batches, self._audit()),
            *books.received(batches, receipts, self._written()),
            *books.position(positions, receipts),
        ]

    def _audit(self) -> list[Record]:
        """Of all jobs: it is one chain."""
        if not self.exchange.holds("bh_audit"):
            return []
        return self.exchange.records("SELECT * FROM bh_audit ORDER BY number")

    def _written(self) -> list[tuple[int, int]]:
        return self.target.applied(self._named) if self.target.holds("bh_receipt") else []

    def _set_aside(self, entries: Sequence[Record]) -> Iterator[Finding]:
        """What is rightly not there has an open entry with its reason (I8)."""
        opened = {
            self._key(json.loads(entry["key"]))
            for entry in entries
            if entry["open_key"] is not None and entry["reason"]
        }
        for key in sorted(self.subject.without - opened):
            yield Finding("quarantine", f"{key} was set aside, and nothing says so")

    # -- rows in the books -------------------------------------------------------------------

    def recounted(self) -> list[Finding]:
        """The rows of every batch that are still kept, counted and digested anew; and as many rows
        in the copy as came in."""
        natives = self.exchange.natives(self.subject.copy)
        epochs = [job["epoch"] for job in self._records(self.exchange, "bh_job", "job")]
        newest = [batch for batch in self.batches() if batch["epoch"] in epochs]
        if not natives or not newest:  # an epoch's copy is made anew before its first batch
            return []
        shared = {name: t for name, t in natives.items() if name not in OWN}
        exact = all(is_known(t, mysql=self.exchange.is_mysql) for t in shared.values())
        copy = self._stamped(self.subject.copy, shared, STAMP)
        change = self._stamped(self.subject.change, shared, (*STAMP, "bh_op"))
        return [
            *recount(newest, copy, change, self._keys(shared), exact=exact),
            *as_many(newest, sum(map(len, copy.values()))),
        ]

    def _keys(self, shared: dict[str, str]) -> list[int]:
        return [list(shared).index(self.subject.shared(column)) for column in self.subject.key]

    def _stamped(self, table: str, shared: dict[str, str], own: Sequence[str]) -> Stamped:
        """The rows of each (epoch, seq): the operation, if there is one, and canonical texts."""
        found: Stamped = defaultdict(list)
        for texts in self.exchange.texts(table, [*own, *shared]):
            stamp, operation = (int(texts[0] or 0), int(texts[1] or 0)), texts[2 : len(own)]
            values = zip(texts[len(own) :], shared.values(), strict=True)
            row = [canonical(text, native) for text, native in values]
            found[stamp].append((operation[0] if operation else None, row))
        return found

    # -- what is called reconciled -----------------------------------------------------------

    def false_reconciliations(self) -> list[Finding]:
        """All up to the receiver's position is called reconciled, and a row that no later batch
        touches is not at the target as it is in the copy."""
        cut = self._cut()
        if cut is None:
            return []
        touched, whole = self._touched(cut), self._arrived(cut)
        sent = self._settled(cut, touched)
        received = self._rows(self.target, self.subject.target_table)
        counted = Counter(received)
        missing = [key for (key, values) in sent if counted[(key, values)] != 1]
        keys = {key for key, _ in sent} | touched
        extra = [key for key, _ in received if whole and key not in keys]
        wrong = [*missing, *extra]
        if not wrong:
            return []
        what = f"{self.subject.job}: {len(wrong)} rows are other than up to {cut}, as {wrong[0]}"
        return [Finding("falsely_reconciled", what)]

    def _cut(self) -> tuple[int, int] | None:
        """Up to where the books call everything reconciled; None where they do not."""
        batches = self.batches()
        jobs = self._records(self.exchange, "bh_job", "job")
        found = self._records(self.target, "bh_position", "job")
        if not found or not jobs or jobs[0]["epoch"] != found[0]["epoch"]:
            return None
        cut = books.place_of(found[0])
        said = {b["state"] for b in batches if b["epoch"] == cut[0] and b["seq"] <= cut[1]}
        said |= {b["state"] for b in batches if b["state"] in ("deviated", "waived")}
        content = sum(jobs[0][name] or 0 for name in ("missing", "extra", "different"))
        called = bool(said) and not said - {"reconciled", "purged"}
        return cut if called and not content else None

    def _arrived(self, cut: tuple[int, int]) -> bool:
        """Whether the image with which the epoch began has arrived whole."""
        within = [b for b in self.batches() if b["epoch"] == cut[0] and b["seq"] <= cut[1]]
        images = [batch for batch in within if batch["kind"] in books.IMAGES]
        return bool(images) and bool(images[-1]["last"])

    def _settled(self, cut: tuple[int, int], touched: set[tuple[str, ...]]) -> list[Row]:
        """Rows of the copy that are at the target if what arrived did."""
        names = [*STAMP, *map(self.subject.shared, self.subject.columns)]
        settled = []
        for epoch, seq, *texts in self.exchange.texts(self.subject.copy, names):
            row = self._row(texts)
            if _after(cut, epoch, seq):
                touched.add(row[0])
            elif row[0] not in touched:
                settled.append(row)
        return settled

    def _touched(self, cut: tuple[int, int]) -> set[tuple[str, ...]]:
        """Keys of change rows that are still on their way."""
        names = [*STAMP, *map(self.subject.shared, self.subject.key)]
        found = self.exchange.texts(self.subject.change, names)
        return {self._key(texts) for epoch, seq, *texts in found if _after(cut, epoch, seq)}


def _after(cut: tuple[int, int], epoch: str | None, seq: str | None) -> bool:
    return (int(epoch or 0), int(seq or 0)) > cut
