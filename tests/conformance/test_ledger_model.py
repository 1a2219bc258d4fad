"""The ledger and the receiver against a model, whatever is done to them and in whatever order.

The model is three lists and a few lines; the ledger is the real one on SQLite. After each step both
say the same, and the oracle, which shares no code with either, finds the books in order.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from bridge.batch import GENESIS, MOVES, Batch, Kind, State, Tally
from bridge.errors import BooksDoNotBalance, Fork, Gap, IllegalMove, NotContiguous
from bridge.ledger import Ledger
from bridge.ledger.migrations import upgrade_exchange, upgrade_receiver
from bridge.ledger.receiver import Expectation, Receiver
from bridge.ledger.record import Sums
from bridge.ledger.verification import verify_chain
from connectors.endpoint import Endpoint
from connectors.errors import Busy
from tests.conftest import _engine
from tests.oracle import books

DEPARTMENT, JOB = "113301000024895242", "population"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
DIGESTS = ("0" * 32, "1" * 32)
COUNT = st.integers(0, 3)
WHICH = st.integers(0, 1 << 30)
SEAL_REFUSALS = (BooksDoNotBalance, NotContiguous)


class Books(RuleBasedStateMachine):
    """`home` holds a ledger and a receiver that are empty and up to date."""

    home: Path
    numbers = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.directory = self.home / f"{next(self.numbers)}"
        shutil.copytree(self.home / "empty", self.directory)
        self.engines: list[Engine] = []
        self.token = 0
        self.tokens: list[int] = []
        self.epoch, self.anchor = 1, GENESIS
        self.batches: list[Batch] = []
        self.applied: list[Batch] = []  # at the receiver, in order

    def teardown(self) -> None:
        for engine in self.engines:
            engine.dispose()
        shutil.rmtree(self.directory)

    # -- who may write -----------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.restart()
        with self.engines[0].begin() as connection:
            Ledger(connection, DEPARTMENT, JOB).register()
        self.take(minimum=0)

    @rule()
    def restart(self) -> None:
        for engine in self.engines:
            engine.dispose()
        paths = [str(self.directory / name) for name in ("exchange.db", "target.db")]
        self.engines = [_engine(Endpoint(path, "sqlite", path=path)) for path in paths]

    @rule(minimum=st.integers(0, 3))
    def take(self, minimum: int) -> None:
        self.token = max(self.token, minimum) + 1
        self.tokens.append(self.token)
        assert self.write(lambda ledger: ledger.take(minimum)) == self.token

    @precondition(lambda self: len(self.tokens) > 1)
    @rule(which=WHICH, act=st.integers(0, 4), place=WHICH)
    def wake_up_late(self, which: int, act: int, place: int) -> None:
        """A run that lost its job can do nothing."""
        token = self.tokens[which % (len(self.tokens) - 1)]
        batch = self.batches[place % len(self.batches)] if self.batches else None
        acts: list[Callable[[Ledger], object]] = [
            lambda ledger: ledger.fence(),
            lambda ledger: ledger.peek(),
            lambda ledger: self.seal_on(ledger, self.next_window(), Tally(), State.SEALED),
            lambda ledger: ledger.new_epoch("late", "zombie"),
        ]
        if batch is not None and MOVES[batch.state] - {State.APPLIED}:
            after = sorted(MOVES[batch.state] - {State.APPLIED})[0]
            acts.append(lambda ledger: ledger.move(batch, after))
        with pytest.raises(Busy):
            self.write(acts[act % len(acts)], token)

    # -- batches -----------------------------------------------------------------------------

    @rule(
        tally=st.builds(Tally, *[COUNT] * 9),
        balanced=st.booleans() | st.just(value=True),
        shift=st.sampled_from([0, 0, 0, -60, 60]),
        end=st.sampled_from([60, 60, 0, -3600]),
        last=st.booleans() | st.just(value=True),
        held=st.sampled_from([State.SEALED] * 4 + [State.HELD]),
    )
    def seal(
        self, tally: Tally, balanced: bool, shift: int, end: int, last: bool, held: State
    ) -> None:
        tally = balanced_anew(tally) if balanced else replace(tally, late=0)
        window = self.next_window(shift, end) | {"last": last}
        newest = self.newest()
        refused = (
            tally.residual != 0
            or (newest is not None and newest.state is State.HELD)
            or not self.fits(newest, window)
        )
        if refused:
            with pytest.raises(SEAL_REFUSALS):
                self.write(lambda ledger: self.seal_on(ledger, window, tally, held))
            return
        batch = self.write(lambda ledger: self.seal_on(ledger, window, tally, held))
        number = newest.seq + 1 if newest else 1
        assert (batch.epoch, batch.seq, batch.state) == (self.epoch, number, held)
        assert batch.prev_hash == (newest.batch_hash if newest else self.anchor)
        self.batches.append(batch)

    @precondition(lambda self: self.batches)
    @rule(which=WHICH, after=st.sampled_from(State), stale=st.sampled_from([None, *State]))
    def move(self, which: int, after: State, stale: State | None) -> None:
        """Only the moves that are drawn, from the state that the batch is really in."""
        place = which % len(self.batches)
        batch = self.batches[place]
        seen = replace(batch, state=stale) if stale else batch
        received = batch.sent if after is State.APPLIED else None
        legal = after in MOVES[seen.state] and seen.state is batch.state
        if not legal:
            with pytest.raises(IllegalMove):
                self.write(lambda ledger: ledger.move(seen, after, received=received))
            return
        self.moved(place, after, received=received)

    @precondition(lambda self: any(b.state is State.SEALED for b in self.batches))
    @rule()
    def settle(self) -> None:
        """The usual way of a batch, which chance alone would seldom take."""
        place = next(i for i, b in enumerate(self.batches) if b.state is State.SEALED)
        self.moved(place, State.APPLIED, received=self.batches[place].sent)
        self.moved(place, State.RECONCILED, deviation=0)

    def moved(self, place: int, after: State, **given: Any) -> None:
        batch = self.batches[place]
        given = {name: value for name, value in given.items() if value is not None}
        self.batches[place] = self.write(lambda ledger: ledger.move(batch, after, **given))
        assert self.batches[place].state is after

    @rule(asked=st.booleans(), minimum=st.integers(0, 3))
    def new_epoch(self, asked: bool, minimum: int) -> None:
        """As a resync, and as the rejection of a held batch begin it."""
        head = self.applied[-1].batch_hash if self.applied else GENESIS
        confirmed = [b for b in self.batches if b.applied_at is not None]
        self.anchor = head if asked else (confirmed[-1].batch_hash if confirmed else GENESIS)
        self.epoch = max(self.epoch, minimum) + 1
        given = {"confirmed": head if asked else None, "minimum": minimum}
        begun = self.write(lambda ledger: ledger.new_epoch("because", "tester", **given))
        assert begun == self.epoch
        for place, batch in enumerate(self.batches):
            if batch.state in (State.SEALED, State.HELD):
                note = "superseded by a new epoch: because"
                self.batches[place] = replace(batch, state=State.PURGED, note=note)

    @rule(tally=st.builds(Tally, *[COUNT] * 9))
    def roll_back(self, tally: Tally) -> None:
        """What was not committed has not been."""
        tally = balanced_anew(tally)
        with self.engines[0].connect() as connection:
            ledger = Ledger(connection, DEPARTMENT, JOB, token=self.token)
            newest = self.newest()
            if newest is None or newest.state is not State.HELD:
                self.seal_on(ledger, self.next_window(), tally, State.SEALED)
            ledger.new_epoch("never", "nobody")
            ledger.take()
            connection.rollback()

    # -- the receiver ------------------------------------------------------------------------

    @precondition(lambda self: self.batches)
    @rule(which=WHICH, forge=st.sampled_from(["", "", "", "content", "history"]))
    def deliver(self, which: int, forge: str) -> None:
        """Any batch, any number of times, altered or of another history."""
        batch = self.batches[which % len(self.batches)]
        if forge:
            batch = replace(batch, digest=DIGESTS[batch.digest == DIGESTS[0]])
            batch = batch.with_hash() if forge == "history" else batch
        expected = self.expects(batch)
        with self.engines[1].begin() as connection:
            receiver = Receiver(connection, DEPARTMENT, JOB)
            receiver.lock_position(self.token)
            assert receiver.expects(batch) is expected
            if expected is Expectation.NEXT:
                receipt = receiver.record(batch, batch.sent)
                assert receipt.verdict == "reconciled"
        if expected is Expectation.NEXT:
            self.applied.append(batch)
            return
        error = Gap if expected is Expectation.GAP else Fork
        with pytest.raises(error), self.engines[1].begin() as connection:
            Receiver(connection, DEPARTMENT, JOB).record(batch, batch.sent)

    def expects(self, batch: Batch) -> Expectation:
        """By number: known or not, older, next, or beyond."""
        if batch.compute_hash() != batch.batch_hash:
            return Expectation.FORK
        at = (batch.epoch, batch.seq)
        for known in self.applied:
            if (known.epoch, known.seq) == at:
                same = known.batch_hash == batch.batch_hash
                return Expectation.DUPLICATE if same else Expectation.FORK
        last = self.applied[-1] if self.applied else None
        epoch, seq = (last.epoch, last.seq) if last else (0, 0)
        if batch.epoch < epoch:
            return Expectation.SUPERSEDED
        if batch.epoch == epoch:
            if batch.seq > seq + 1:
                return Expectation.GAP
            follows = last is not None and batch.prev_hash == last.batch_hash
            return Expectation.NEXT if follows else Expectation.FORK
        hashes = {GENESIS} | {known.batch_hash for known in self.applied}
        fits = batch.seq == 1 and batch.prev_hash in hashes
        return Expectation.NEXT if fits else Expectation.GAP

    # -- both say the same -------------------------------------------------------------------

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        if not self.engines:
            return
        mine = [b for b in self.batches if b.epoch == self.epoch]
        complete = [b.window_high for b in mine if b.last]
        with self.engines[0].begin() as connection:
            ledger = Ledger(connection, DEPARTMENT, JOB)
            assert ledger.batches(limit=None) == self.batches[::-1]
            assert ledger.newest() == (mine[-1] if mine else None)
            assert ledger.head().head_hash == (mine[-1].batch_hash if mine else self.anchor)
            assert ledger.watermark() == (complete[-1] if complete else None)
            assert ledger.unfinished() == (mine[-1] if mine and not mine[-1].last else None)
            assert ledger.unsettled() == self.in_state(State.SEALED, State.APPLIED)
            assert ledger.open_deviations() == self.in_state(State.DEVIATED)
            assert ledger.held() == self.in_state(State.HELD)
            assert [p for e in {b.epoch for b in mine} for p in verify_chain(ledger, epoch=e)] == []
            if mine:
                assert ledger.sums(self.epoch, mine[-1].seq) == sums(mine)
        with self.engines[1].begin() as connection:
            receiver = Receiver(connection, DEPARTMENT, JOB)
            position = receiver.position()
            stood = (position.epoch, position.seq, position.head_hash) if position else None
            last = self.applied[-1] if self.applied else None
            if last is not None:
                assert stood == (last.epoch, last.seq, last.batch_hash)
                latest = [b for b in self.applied if b.epoch == last.epoch]
                assert receiver.sums(last.epoch, last.seq) == sums(latest)
            else:
                assert stood in (None, (0, 0, GENESIS))

    @invariant()
    def the_oracle_finds_nothing(self) -> None:
        if not self.engines:
            return
        batches = self.records("exchange", "bh_batch", "epoch, seq")
        receipts = self.records("target", "bh_receipt", "epoch, seq")
        (job,) = self.records("exchange", "bh_job", "job") or [None]
        written = [(b.epoch, b.seq) for b in self.applied]
        assert [
            *books.chain(batches, receipts, job),
            *(finding for batch in batches for finding in books.balance(batch)),
            *books.windows(batches),
            *books.audit_chain(self.records("exchange", "bh_audit", "number")),
        ] == []
        between = {found.kind for found in books.received(batches, receipts, written)}
        if {b.batch_hash for b in self.applied} <= {b.batch_hash for b in self.batches}:
            assert between <= {"receipt"}  # a move said more than was delivered
        else:
            assert "fork" in between

    # -- pieces ------------------------------------------------------------------------------

    def write(self, act: Callable[[Ledger], Any], token: int | None = None) -> Any:
        with self.engines[0].begin() as connection:
            return act(Ledger(connection, DEPARTMENT, JOB, token=token or self.token))

    def seal_on(self, ledger: Ledger, window: dict[str, Any], tally: Tally, state: State) -> Batch:
        digest = DIGESTS[tally.inserted % 2]
        kind = {"kind": Kind.DATA, "content_hash": "c" * 64, "state": state}
        return ledger.seal(tally=tally, digest=digest, **kind, **window)

    def newest(self) -> Batch | None:
        return next((b for b in reversed(self.batches) if b.epoch == self.epoch), None)

    def next_window(self, shift: int = 0, end: int = 60) -> dict[str, Any]:
        """What may follow, moved by some seconds."""
        newest = self.newest()
        if newest is None:
            low = NOON if shift else None
            return {"window_low": low, "window_high": NOON + timedelta(seconds=end), "last": True}
        if not newest.last:
            bounds = {"window_low": newest.window_low, "key_low": newest.key_high}
            high = newest.window_high + timedelta(seconds=shift)
            return bounds | {"window_high": high, "last": True}
        mark = newest.window_high
        low, high = mark + timedelta(seconds=shift), mark + timedelta(seconds=end)
        return {"window_low": low, "window_high": high, "last": True}

    def fits(self, newest: Batch | None, window: dict[str, Any]) -> bool:
        low, high = window["window_low"], window["window_high"]
        if newest is None:
            return low is None
        if not newest.last:
            return bool(high == newest.window_high)
        return bool(low <= newest.window_high <= high)

    def in_state(self, *states: State) -> list[Batch]:
        return [batch for batch in self.batches if batch.state in states]

    def records(self, store: str, table: str, order: str) -> list[dict[str, Any]]:
        with sqlite3.connect(self.directory / f"{store}.db") as opened:
            opened.row_factory = sqlite3.Row
            found = opened.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
        opened.close()
        return [dict(row) for row in found]


def balanced_anew(tally: Tally) -> Tally:
    """Without a residual, and with no count that cannot be."""
    accounted = tally.read + tally.gone - tally.residual
    gone = min(tally.gone, accounted)
    return replace(tally, read=accounted - gone, gone=gone, late=min(tally.late, accounted - gone))


def sums(batches: list[Batch]) -> Sums:
    tallies = [batch.tally for batch in batches]
    return Sums(
        len(batches),
        sum(t.inserted for t in tallies),
        sum(t.updated for t in tallies),
        sum(t.deleted for t in tallies),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("books")
    (made / "empty").mkdir()
    for name, upgrade in (("exchange", upgrade_exchange), ("target", upgrade_receiver)):
        path = str(made / f"empty/{name}.db")
        engine = _engine(Endpoint(name, "sqlite", path=path))
        with engine.begin() as connection:
            upgrade(connection)
        engine.dispose()
    return made


def test_whatever_is_done_the_books_are_the_models(home: Path) -> None:
    steps = settings(
        max_examples=20,
        stateful_step_count=25,
        phases=[Phase.generate],  # a shorter story would take minutes to find
    )
    machine = type("Here", (Books,), {"home": home})
    run_state_machine_as_test(machine, settings=steps)
