"""A ledger that is written by hand, through the ledger's own door: two jobs, `a` and `b`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from bridge.batch import Batch, Kind, State, Tally, instant
from bridge.deadline.deadline import CHINA
from bridge.decision import waive
from bridge.hold import open_ledger
from bridge.ledger import Ledger
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from bridge.ledger.schema import batch_row
from tests.command import Called, call
from tests.scenario.world import DEPARTMENT, World, cursor_job

__all__ = ["DAY", "FEBRUARY", "JANUARY", "MANY", "MARCH", "TALLY", "Books", "fill", "seal"]

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 10, 3, tzinfo=UTC) for month in (1, 2, 3))
BEGIN = datetime(2026, 2, 1, tzinfo=CHINA).astimezone(UTC)
DAY = timedelta(days=1)
DIGEST = "0123456789abcdef" * 2
TALLY = Tally(read=3, gone=1, inserted=1, updated=1, deleted=1, unchanged=1)
MANY = Tally(read=9, inserted=9)


class Books:
    """`b` is in order, with a batch in each of three months; `a` is the test's own."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys
        for name in "ab":
            world.job(name, target={"endpoint": "target", "table": name}, **cursor_job())
        with self.open("b") as ledger:
            for at in (JANUARY, FEBRUARY, MARCH):
                seal(ledger, at, State.RECONCILED)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        with open_ledger(self.world.deployment) as exchange, exchange.transaction() as connection:
            yield connection

    @contextmanager
    def open(self, job: str = "a") -> Iterator[Ledger]:
        with self.connection() as connection:
            ledger = Ledger(connection, DEPARTMENT, job)
            ledger.register()
            ledger.take()
            yield ledger

    def call(self, *command: str) -> Called:
        return call(self._capsys, "--config", self.world.directory, *command)

    def state(self, *more: str) -> Called:
        """February's statement, as JSON."""
        period = ("--from", "2026-02-01", "--to", "2026-03-01")
        folder = str(self.world.directory)
        return self.call("statement", *period, "--output", folder, "--json", *more)

    def recounted(self, told: Any, code: str, job: str = "a") -> list[tuple[Any, ...]]:
        """What the auditor's query finds of the job, without its name."""
        (recount,) = (r for r in told["recounts"] if r["code"] == code)
        rows = self.world.sql("exchange", recount["sql"])
        return [row[1:] for row in rows if row[0] == job]


def seal(
    ledger: Ledger, at: datetime, state: State, lost: int = 0, tally: Tally = TALLY, **given: Any
) -> Batch:
    """The next batch, sealed then and brought into that state; `lost` inserts did not arrive."""
    low = ledger.watermark()
    batch = ledger.seal(
        kind=given.pop("kind", Kind.DATA),
        content_hash="c" * 64,
        window_low=low,
        window_high=(low or JANUARY - DAY) + timedelta(minutes=1),
        tally=tally,
        digest=DIGEST,
        state=State.HELD if state is State.HELD else State.SEALED,
        **given,
    )
    if state in (State.APPLIED, State.DEVIATED, State.RECONCILED):
        sent = batch.sent
        measured = replace(sent, total=sent.total - lost, inserted=sent.inserted - lost)
        batch = ledger.move(batch, State.APPLIED, received=measured)
    if lost:
        batch = ledger.move(batch, State.DEVIATED, deviation=lost, cause="lost_at_target")
    if state is State.RECONCILED:
        batch = ledger.move(batch, state, deviation=lost)
    c = batch_row.c
    ours = (c.department == ledger.department, c.job == ledger.job)
    this = (c.epoch == batch.epoch, c.seq == batch.seq)
    ledger.connection.execute(update(batch_row).where(*ours, *this).values(sealed_at=at))
    return batch


def fill(books: Books) -> None:
    """No two numbers alike: `a` has a batch of every state, one of them from the very begin of
    February, a gap and rows in quarantine; `b` does not balance."""
    catalogue = {"code": "307010010001/000001", "update_cycle": "daily"}
    target = {"endpoint": "target", "table": "a"}
    books.world.job("a", title="人口基础信息", target=target, catalogue=catalogue, **cursor_job())
    states = [
        (JANUARY, State.RECONCILED, 0),
        (BEGIN, State.RECONCILED, 0),
        (FEBRUARY, State.RECONCILED, 0),
        (FEBRUARY, State.DEVIATED, 3),
        (FEBRUARY, State.DEVIATED, 5),
        (FEBRUARY + DAY, State.APPLIED, 0),
        (FEBRUARY + 2 * DAY, State.SEALED, 0),
        (FEBRUARY + 2 * DAY, State.SEALED, 0),
        (FEBRUARY + 2 * DAY, State.HELD, 0),
    ]
    with books.open() as ledger:
        for number, (at, state, lost) in enumerate(states):
            seal(ledger, at, state, lost, tally_of(number))
        kept = Quarantine(ledger.connection, DEPARTMENT, "a")
        keys = [key_text([str(number)]) for number in range(6)]
        kept.open_entries([SetAside(key, "too_long", "name") for key in keys], 1, 1)
    waive(books.world.deployment, "a", 5, "李工", "已核实")
    with books.open("b") as ledger:
        seal(ledger, FEBRUARY, State.SEALED, 0, tally_of(10))  # it will claim nothing
        ledger.new_epoch("all was sent again", "tester")
        seal(ledger, FEBRUARY + DAY, State.RECONCILED, 0, tally_of(9), kind=Kind.FIRST)
    books.world.sql(
        "exchange",
        "DELETE FROM bh_batch WHERE job = 'a' AND seq = 3",
        "UPDATE bh_batch SET read = read + 4 WHERE job = 'b' AND epoch = 2",
        f"UPDATE bh_batch SET received_digest = '{'f' * 32}' WHERE job = 'a' AND seq = 4",
        f"UPDATE bh_batch SET reconciled_at = '{instant(FEBRUARY)}' WHERE job = 'a' AND seq = 2",
    )


def tally_of(number: int) -> Tally:
    """In balance; no count is that of another batch, or another count of this one."""
    parts = [(place + 2) * 1000 + 37 * number * (place + 1) for place in range(6)]
    inserted, updated, deleted, unchanged, superseded, quarantined = parts
    gone = deleted + 11 + number
    return Tally(
        read=sum(parts) - gone,
        gone=gone,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        unchanged=unchanged,
        superseded=superseded,
        quarantined=quarantined,
        late=91 + number,
    )
