"""The ledger over every kind of store it may live in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, update

from bridge.batch import GENESIS, Batch, Counts, Kind, State, Tally
from bridge.errors import BooksDoNotBalance, IllegalMove, NotContiguous
from bridge.event import EventKind, Recovery, Sighting
from bridge.ledger import Ledger
from bridge.ledger.alarm import Alarm, Occasion, Outbox
from bridge.ledger.audit import Audit
from bridge.ledger.batchrow import values_of
from bridge.ledger.candidate import Candidate, thin
from bridge.ledger.event import Events
from bridge.ledger.migrations import upgrade_exchange
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from bridge.ledger.record import Standing, Sums
from bridge.ledger.schema import audit_entry, batch_row, job_row
from bridge.ledger.timeliness import begun_at, count_kept, reconciled_at, reconciled_between
from bridge.ledger.verification import verify_chain, verify_ended
from connectors.errors import Busy, ConfigurationError

DEPARTMENT = "113301000024895242"
NOON = datetime(2026, 1, 2, 12, 0, 0, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DIGEST = "0123456789abcdef" * 2


@pytest.fixture
def exchange(engine: Engine) -> Engine:
    with engine.begin() as connection:
        upgrade_exchange(connection)
    return engine


@pytest.fixture
def connection(exchange: Engine) -> Iterator[Connection]:
    with exchange.begin() as opened:
        yield opened


@pytest.fixture
def ledger(connection: Connection) -> Ledger:
    return taken(connection)


def taken(connection: Connection, job: str = "population") -> Ledger:
    made = Ledger(connection, DEPARTMENT, job)
    made.register()
    made.take()
    return made


def seal(ledger: Ledger, **given: Any) -> Batch:
    """The next window, one minute long, with three changes unless said otherwise."""
    watermark = ledger.watermark()
    usual: dict[str, Any] = {
        "kind": Kind.DATA,
        "content_hash": "c" * 64,
        "window_low": watermark,
        "window_high": (watermark or NOON) + MINUTE,
        "tally": Tally(read=3, gone=1, inserted=1, updated=1, deleted=1, unchanged=1),
        "digest": DIGEST,
    }
    return ledger.seal(**usual | given)


def receive(ledger: Ledger, batch: Batch) -> Batch:
    return ledger.move(batch, State.APPLIED, received=batch.sent)


def reconcile(ledger: Ledger, batch: Batch) -> Batch:
    return ledger.move(receive(ledger, batch), State.RECONCILED, deviation=0)


# -- who may write ---------------------------------------------------------------------------


def test_a_job_that_never_ran_reads_as_at_its_beginning(connection: Connection) -> None:
    ledger = Ledger(connection, DEPARTMENT, "unknown")
    assert ledger.standing() is None
    assert (ledger.head().epoch, ledger.head().seq, ledger.head().head_hash) == (1, 0, GENESIS)
    assert ledger.watermark() is None
    assert ledger.unfinished() is None
    assert ledger.unsettled() == ledger.batches() == ledger.candidates() == []
    assert ledger.sums(1, 5) == Sums()
    assert verify_chain(ledger) == []
    assert ledger.content_hash() is None


def test_registering_again_changes_nothing(ledger: Ledger) -> None:
    before = ledger.standing()
    ledger.register()
    assert ledger.standing() == before == Standing(1, 1, GENESIS, True)


def test_a_lost_row_of_a_job_is_made_again_as_its_batches_say(ledger: Ledger) -> None:
    """Back in an ended epoch, what is sealed would be taken for superseded and never arrive."""
    reconcile(ledger, seal(ledger))
    ledger.new_epoch("because", "tester")
    reconcile(ledger, seal(ledger))
    newest = reconcile(ledger, seal(ledger))
    assert ledger.newest_applied() == newest
    ledger.connection.execute(delete(job_row))
    again = taken(ledger.connection)
    assert (again.epoch, again.head().head_hash) == (2, newest.batch_hash)
    assert verify_chain(again) == []
    assert (seal(again).epoch, again.head().seq) == (2, 3)
    assert again.newest_applied() == newest


def test_a_run_that_lost_its_job_cannot_write(connection: Connection, ledger: Ledger) -> None:
    batch = seal(ledger)
    taken(connection)
    with pytest.raises(Busy, match="another run has taken over"):
        seal(ledger)
    with pytest.raises(Busy):
        receive(ledger, batch)
    with pytest.raises(Busy):
        ledger.new_epoch("because", "operator")
    with pytest.raises(Busy):
        ledger.keep_candidates([])
    before = ledger.standing()
    counts = {"exchange_rows": 9, "target_rows": 9, "missing": 0, "extra": 0, "different": 0}
    writes: list[Callable[[], None]] = [
        lambda: ledger.looked(NOON),
        lambda: ledger.swept(NOON),
        lambda: ledger.keep_sweep_position('["m"]'),
        ledger.sweep_next,
        lambda: ledger.ran("in_flight", "busy", 1),
        lambda: ledger.compared(**counts),
        lambda: ledger.reads_from("elsewhere", "UTC"),
        lambda: ledger.begins_image("elsewhere", "UTC", "t"),
        lambda: ledger.ends_image(1),
        lambda: ledger.answered("what"),
        ledger.waived_besides,
    ]
    for write in writes:
        with pytest.raises(Busy):
            write()
    assert ledger.standing() == before
    assert [b.state for b in ledger.batches()] == [State.SEALED]


def test_reading_needs_no_token_and_writing_does(connection: Connection, ledger: Ledger) -> None:
    seal(ledger)
    reader = Ledger(connection, DEPARTMENT, "population")
    assert len(reader.batches()) == 1
    with pytest.raises(Busy):
        reader.fence()


def test_a_token_goes_past_the_one_the_target_has_seen(ledger: Ledger) -> None:
    assert ledger.token == 1
    assert ledger.take(minimum=41) == 42
    assert ledger.take() == 43


def test_a_reconnected_run_keeps_its_token(connection: Connection, ledger: Ledger) -> None:
    again = Ledger(connection, DEPARTMENT, "population", token=ledger.token)
    assert seal(again).seq == 1


def test_a_second_run_waits_for_the_first_ones_commit(exchange: Engine) -> None:
    """What a zombie commits comes before or after another's writing, never between."""
    with exchange.begin() as connection:
        zombie_token = taken(connection).token
    order: list[str] = []

    def take_over() -> None:
        with exchange.begin() as connection:
            taken(connection)
            order.append("taken over")

    with exchange.begin() as connection:
        zombie = Ledger(connection, DEPARTMENT, "population", token=zombie_token)
        zombie.fence()
        other = threading.Thread(target=take_over)
        other.start()
        other.join(0.3)
        seal(zombie)
        order.append("sealed")
    other.join()
    assert order == ["sealed", "taken over"]
    with exchange.begin() as connection, pytest.raises(Busy):
        Ledger(connection, DEPARTMENT, "population", token=zombie_token).fence()


def test_two_that_take_a_job_at_once_have_a_token_each(exchange: Engine) -> None:
    """Whatever became of the lock: of one token neither would ever be refused."""
    with exchange.begin() as connection:
        taken(connection)
    given: list[int] = []

    def take() -> None:
        with exchange.begin() as connection:
            given.append(Ledger(connection, DEPARTMENT, "population").take())

    with exchange.begin() as connection:
        given.append(Ledger(connection, DEPARTMENT, "population").take())
        other = threading.Thread(target=take)
        other.start()
        other.join(0.3)
    other.join()
    assert given == [2, 3]


# -- sealing ---------------------------------------------------------------------------------


def test_a_batch_comes_back_as_it_was_sealed(ledger: Ledger) -> None:
    beijing = timezone(timedelta(hours=8))
    first = seal(
        ledger,
        window_high=datetime(2026, 1, 2, 20, 0, 0, 123456, tzinfo=beijing),
        key_low=None,
        key_high='["\\u5f20","1"]',
        note="张三",
        tally=Tally(20, 2, 3, 4, 5, 6, 3, 1, 2**40),
    )
    stored = ledger.batch(1, 1)
    assert stored == first
    assert stored.window_high.tzinfo is UTC
    assert stored.compute_hash() == stored.batch_hash
    assert first.prev_hash == GENESIS


def test_batches_are_numbered_and_chained(ledger: Ledger) -> None:
    batches = [seal(ledger) for _ in range(3)]
    assert [b.seq for b in batches] == [1, 2, 3]
    assert [b.prev_hash for b in batches[1:]] == [b.batch_hash for b in batches[:-1]]
    assert ledger.head().head_hash == batches[-1].batch_hash
    assert verify_chain(ledger) == []
    assert verify_chain(ledger, from_seq=3) == []


def test_books_that_do_not_balance_are_not_sealed(ledger: Ledger) -> None:
    with pytest.raises(BooksDoNotBalance, match="1 rows unaccounted"):
        seal(ledger, tally=Tally(read=2, inserted=1))
    with pytest.raises(BooksDoNotBalance, match="-1 rows unaccounted"):
        seal(ledger, tally=Tally(read=1, inserted=1, quarantined=1))
    with pytest.raises(BooksDoNotBalance, match="counts -1 rows of one kind"):
        seal(ledger, tally=Tally(read=1, inserted=2, unchanged=-1))
    for tally in Tally(read=1, inserted=1), Tally(read=1, updated=1), Tally(gone=1, deleted=1):
        with pytest.raises(BooksDoNotBalance, match="empty batch"):
            seal(ledger, kind=Kind.EMPTY, tally=tally)
    assert ledger.batches() == []


def test_a_window_may_not_leave_a_hole(ledger: Ledger) -> None:
    with pytest.raises(NotContiguous):
        seal(ledger, window_low=NOON)
    first = seal(ledger)
    silent = {"kind": Kind.EMPTY, "tally": Tally()}
    for kind in {}, silent:
        with pytest.raises(NotContiguous):
            seal(ledger, window_low=first.window_high + timedelta(microseconds=1), **kind)
    with pytest.raises(NotContiguous):
        seal(ledger, window_high=first.window_high - MINUTE)
    overlapping = seal(ledger, window_low=first.window_high - MINUTE)
    assert overlapping.seq == 2
    at = overlapping.window_high  # a sweep may be due though the horizon stands still
    standing = seal(ledger, window_low=at, window_high=at)
    assert (standing.seq, ledger.watermark()) == (3, at)


def test_nothing_is_sealed_after_a_held_batch(ledger: Ledger) -> None:
    held = seal(ledger, state=State.HELD)
    for kind in Kind.DATA, Kind.REPAIR:
        with pytest.raises(NotContiguous, match="held"):
            seal(ledger, kind=kind)
    assert ledger.held() == [held]
    assert ledger.unsettled() == []
    approved = ledger.move(held, State.SEALED, note="by two people")
    assert seal(ledger).seq == 2
    assert ledger.unsettled()[0] == approved


def test_nothing_is_sealed_after_a_held_part(ledger: Ledger) -> None:
    seal(ledger, state=State.HELD, key_high='["m"]', last=False)
    with pytest.raises(NotContiguous, match="held"):
        seal(ledger, key_low='["m"]')


# -- watermark -------------------------------------------------------------------------------


def test_the_watermark_moves_with_the_last_part(ledger: Ledger) -> None:
    image: dict[str, Any] = {"kind": Kind.FIRST, "window_low": None, "window_high": NOON}
    assert ledger.watermark() is None
    first = seal(ledger, **image, key_high='["b"]', last=False)
    assert ledger.watermark() is None
    assert ledger.unfinished() == first
    with pytest.raises(NotContiguous):
        seal(ledger, **image, key_low='["c"]')
    with pytest.raises(NotContiguous):
        seal(ledger, **image | {"window_high": NOON + MINUTE}, key_low='["b"]')
    seal(ledger, **image, key_low='["b"]')
    assert ledger.watermark() == NOON
    assert ledger.unfinished() is None


def test_a_repair_does_not_move_the_watermark(ledger: Ledger) -> None:
    batch = seal(ledger)
    seal(ledger, kind=Kind.REPAIR, window_low=None, window_high=NOON + timedelta(days=1))
    assert ledger.watermark() == batch.window_high
    assert ledger.head().seq == 2
    assert seal(ledger).seq == 3


def test_an_oversized_window_is_resumed_past_a_repair(ledger: Ledger) -> None:
    whole = seal(ledger)
    part = seal(ledger, key_high='["m"]', last=False)
    seal(ledger, kind=Kind.REPAIR)
    assert ledger.watermark() == whole.window_high
    assert ledger.unfinished() == part
    seal(ledger, key_low='["m"]')
    assert ledger.watermark() == part.window_high


def test_the_content_is_that_of_the_newest_batch(ledger: Ledger) -> None:
    seal(ledger, content_hash="a" * 64)
    seal(ledger, content_hash="b" * 64)
    assert ledger.content_hash() == "b" * 64


def test_silence_is_sealed_once_per_interval(ledger: Ledger) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    assert ledger.should_seal_empty(now, hour)
    seal(ledger)
    assert ledger.should_seal_empty(now, hour)
    empty = seal(ledger, kind=Kind.EMPTY, tally=Tally(read=2, unchanged=2))
    soon = empty.sealed_at + timedelta(seconds=1)
    assert not ledger.should_seal_empty(soon, hour)
    assert ledger.should_seal_empty(empty.sealed_at + hour, hour)
    assert ledger.should_seal_empty(soon, timedelta(0))
    assert ledger.should_seal_empty(empty.sealed_at - hour, hour)


# -- moves -----------------------------------------------------------------------------------


def test_every_move_leaves_an_event(ledger: Ledger) -> None:
    seal(ledger)
    batch = receive(ledger, seal(ledger))
    batch = ledger.move(batch, State.DEVIATED, deviation=2, cause="truncated value")
    assert ledger.open_deviations() == [batch]
    batch = ledger.move(batch, State.RECONCILED, deviation=0, note="repaired")
    batch = ledger.move(batch, State.PURGED)
    assert ledger.batch(1, 2) == batch
    assert batch.cause == "truncated value"
    assert batch.received == batch.sent
    assert batch.applied_at is not None
    assert batch.reconciled_at is not None
    moves = [(event.before, event.after) for event in ledger.events(1, 2)]
    states = [State.SEALED, State.APPLIED, State.DEVIATED, State.RECONCILED, State.PURGED]
    assert moves == list(zip([None, *states], states, strict=False))
    assert {event.token for event in ledger.events(1, 2)} == {ledger.token}


def test_a_deviation_that_is_put_right_is_zero_and_not_what_it_was(ledger: Ledger) -> None:
    batch = ledger.move(receive(ledger, seal(ledger)), State.DEVIATED, deviation=3, cause="lost")
    ledger.move(batch, State.RECONCILED, deviation=0)
    kept = ledger.batch(1, 1)
    assert kept is not None
    assert (kept.state, kept.deviation, kept.cause) == (State.RECONCILED, 0, "lost")


def test_a_move_that_is_not_drawn_is_refused(ledger: Ledger) -> None:
    batch = seal(ledger)
    for state in State.RECONCILED, State.DEVIATED, State.SEALED:
        with pytest.raises(IllegalMove):
            ledger.move(batch, state)
    with pytest.raises(IllegalMove, match="without a receipt"):
        ledger.move(batch, State.APPLIED)


def test_a_move_from_a_state_long_left_is_refused(ledger: Ledger) -> None:
    batch = seal(ledger)
    receive(ledger, batch)
    with pytest.raises(IllegalMove, match="no longer sealed"):
        ledger.move(batch, State.PURGED)
    assert len(ledger.events(1, 1)) == 2


def test_a_move_is_of_its_own_epochs_batch(ledger: Ledger) -> None:
    first = receive(ledger, seal(ledger))
    ledger.new_epoch("again", "li")
    receive(ledger, seal(ledger, kind=Kind.RESYNC))
    ledger.move(first, State.RECONCILED, deviation=0)
    kept = [ledger.batch(epoch, 1) for epoch in (1, 2)]
    assert [b and b.state for b in kept] == [State.RECONCILED, State.APPLIED]


def test_unsettled_batches_come_in_order(ledger: Ledger) -> None:
    batches = [seal(ledger) for _ in range(4)]
    reconcile(ledger, batches[0])
    applied = receive(ledger, batches[1])
    assert ledger.unsettled() == [applied, *batches[2:]]


def test_the_newest_is_of_the_newest_epoch(ledger: Ledger) -> None:
    """Whatever its number; and what an ended one has left goes first."""
    for _ in range(2):
        reconcile(ledger, seal(ledger))
    left = receive(ledger, seal(ledger))
    ledger.new_epoch("restored", "li")
    first = seal(ledger, kind=Kind.RESYNC)
    assert ledger.unsettled() == [left, first]
    assert ledger.newest_applied() == left
    newest = reconcile(ledger, first)
    assert ledger.newest_applied() == newest


def test_moments_of_a_period_end_before_the_next_begins(ledger: Ledger) -> None:
    for _ in range(3):
        reconcile(ledger, seal(ledger))
    first, second, third = (b.reconciled_at for b in reversed(ledger.batches()) if b.reconciled_at)
    place = (ledger.connection, DEPARTMENT, "population")
    assert reconciled_between(*place, first, third) == [first, second]
    assert reconciled_between(*place, second, third + MINUTE) == [second, third]
    part = reconcile(ledger, seal(ledger, last=False, key_high='["5"]'))
    assert part.reconciled_at is not None
    assert reconciled_between(*place, third, part.reconciled_at + MINUTE) == [third]
    spans = [(first, second), (third, third + MINUTE), (first - MINUTE, first)]
    assert count_kept(*place, spans) == 2
    only_a_part = (part.reconciled_at, part.reconciled_at + MINUTE)
    assert count_kept(*place, [only_a_part]) == 0
    ours = (ledger.connection, DEPARTMENT)
    for names in None, ["population"]:
        assert reconciled_at(*ours, third, names) == {"population": third}
        assert begun_at(*ours, names) == {"population": ledger.batches()[-1].sealed_at}
        before = third - timedelta(microseconds=1)  # what came later was not so yet
        assert reconciled_at(*ours, before, names) == {"population": second}
    assert reconciled_at(*ours, third, ["enterprise"]) == {}
    assert reconciled_at(ledger.connection, "other", third) == {}


def test_events_are_listed_oldest_first_and_the_newest_stay(connection: Connection) -> None:
    events = Events(connection, DEPARTMENT)
    for subject in "abc":
        events.see(Sighting(EventKind.STORE, subject=subject), NOON)
    assert [entry.subject for entry in events.entries(limit=2)] == ["b", "c"]
    events.recover(Recovery(EventKind.STORE, subject="b"), NOON + MINUTE)
    assert [entry.subject for entry in events.entries()] == ["a", "c"]
    assert [entry.is_open for entry in events.entries(closed=True)] == [True, False, True]


def test_what_is_over_for_one_job_is_open_for_the_others(connection: Connection) -> None:
    events = Events(connection, DEPARTMENT)
    for job in ("population", "enterprise", None):
        events.see(Sighting(EventKind.DEVIATION, job), NOON)
    for job, left in (("population", ["enterprise", None]), (None, ["enterprise"])):
        events.recover(Recovery(EventKind.DEVIATION, job), NOON + MINUTE)
        assert [entry.job for entry in events.entries()] == left


def test_what_is_over_is_taken_over_by_nobody(connection: Connection) -> None:
    events = Events(connection, DEPARTMENT)
    over = events.see(Sighting(EventKind.STORE, subject="a"), NOON)
    events.recover(Recovery(EventKind.STORE, subject="a"), NOON + MINUTE)
    again = events.see(Sighting(EventKind.STORE, subject="a"), NOON + MINUTE)
    for number, what in ((over.number, "has recovered"), (again.number + 1, "there is no event")):
        with pytest.raises(ConfigurationError, match=what):
            events.acknowledge(number, "li", "seen to", NOON + MINUTE)
    assert [event.acknowledged_by for event in events.entries(closed=True)] == [None, None]
    assert Audit(connection, DEPARTMENT).entries() == []


def test_batches_are_listed_newest_first(ledger: Ledger) -> None:
    batches = [seal(ledger) for _ in range(4)]
    assert ledger.batches(limit=2) == [batches[3], batches[2]]
    assert len(ledger.batches(limit=None)) == 4


@pytest.mark.parametrize("at_once", [2, 1000])
def test_batches_of_a_period_are_read_in_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Of every epoch, from the moment on, and before the other."""
    monkeypatch.setattr("bridge.ledger.history._AT_ONCE", at_once)
    first = [reconcile(ledger, seal(ledger)) for _ in range(5)]
    ledger.new_epoch("restored", "li")
    every = [*first, *(seal(ledger) for _ in range(4))]
    for low, high in ((1, 7), (0, 4), (4, 6), (6, 8), (3, 3)):
        found = [*ledger.sealed(every[low].sealed_at, every[high].sealed_at)]
        assert found == every[low:high]
    assert [*ledger.sealed(None, datetime.now(UTC) + MINUTE)] == every


def test_only_old_reconciled_batches_may_be_purged(ledger: Ledger) -> None:
    old, young = reconcile(ledger, seal(ledger)), reconcile(ledger, seal(ledger))
    seal(ledger)
    assert young.reconciled_at is not None
    assert ledger.purgeable(young.reconciled_at) == [old]
    assert ledger.purgeable(young.reconciled_at + MINUTE) == [old, young]
    ledger.new_epoch("restored", "li")
    newest = reconcile(ledger, seal(ledger))
    assert newest.reconciled_at is not None
    assert ledger.purgeable(newest.reconciled_at) == [old, young]


def test_sums_keep_changes_and_images_apart(ledger: Ledger) -> None:
    image = Tally(read=10, gone=2, inserted=3, updated=2, deleted=2, unchanged=4, quarantined=1)
    first = seal(ledger, kind=Kind.FIRST, tally=image)
    seal(ledger)
    seal(ledger)
    seal(ledger)
    assert first.sent == Counts(9, 3, 2, 2, DIGEST)
    assert ledger.sums(1, 3) == Sums(3, 2, 2, 2, image_rows=9)
    assert ledger.sums(1, 3).total == 15
    assert ledger.sums(2, 3) == Sums()


# -- epochs ----------------------------------------------------------------------------------


def test_a_new_epoch_hangs_on_the_last_confirmed_hash(ledger: Ledger) -> None:
    confirmed = reconcile(ledger, seal(ledger))
    seal(ledger)
    held = seal(ledger, state=State.HELD)
    assert ledger.new_epoch("mask changed", "li") == 2
    assert ledger.unsettled() == ledger.held() == []
    superseded = ledger.batch(1, held.seq)
    assert superseded is not None
    assert superseded.state is State.PURGED
    assert superseded.note == "superseded by a new epoch: mask changed"
    assert ledger.watermark() is None
    assert ledger.content_hash() is None
    assert (ledger.head().epoch, ledger.head().seq) == (2, 0)
    again = seal(ledger, kind=Kind.RESYNC)
    assert (again.epoch, again.seq, again.prev_hash) == (2, 1, confirmed.batch_hash)
    assert verify_chain(ledger) == []
    assert verify_chain(ledger, epoch=1) == []
    [entry] = Audit(ledger.connection, DEPARTMENT).entries()
    assert (entry.actor, entry.action, entry.job) == ("li", "new_epoch", "population")


def test_a_new_epoch_takes_the_receivers_word(ledger: Ledger) -> None:
    assert ledger.new_epoch("restored", "li", confirmed="d" * 64, minimum=6) == 7
    assert seal(ledger, kind=Kind.RESYNC).prev_hash == "d" * 64
    assert ledger.new_epoch("target lost", "li", confirmed=GENESIS) == 8
    assert ledger.head().head_hash == GENESIS


def test_a_decision_answers_its_own_question_alone(ledger: Ledger) -> None:
    for error, left in (("a store is down", "a store is down"), ("held → approve 3", None)):
        ledger.ran("held", error, 1)
        ledger.answered("approve 3")
        standing = ledger.standing()
        assert standing is not None
        assert (standing.ran_error, standing.ran_verdict) == (left, "held")


def test_a_new_epoch_forgets_how_far_a_sweep_and_a_comparison_had_come(ledger: Ledger) -> None:
    ledger.keep_sweep_position('["m"]')
    ledger.compared(exchange_rows=9, target_rows=8, missing=1, extra=0, different=0)
    ledger.new_epoch("again", "li")
    standing = ledger.standing()
    assert standing is not None
    assert standing.sweep_key is standing.compared_at is standing.missing is None
    assert standing.content_deviation == 0


def test_an_epoch_nobody_confirmed_begins_with_zeros(ledger: Ledger) -> None:
    seal(ledger)
    ledger.new_epoch("again", "li")
    assert ledger.head().head_hash == GENESIS


# -- the chain -------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [2, 1000])
def test_a_missing_batch_is_a_gap(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("bridge.ledger.history._AT_ONCE", at_once)
    for _ in range(6):
        seal(ledger)
    ledger.connection.execute(delete(batch_row).where(batch_row.c.seq.in_([1, 4, 5])))
    problems = [(p.kind, p.seq, p.what) for p in verify_chain(ledger)]
    assert problems == [("gap", 1, "1 is missing"), ("gap", 4, "4 to 5 are missing")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("inserted", 2),
        ("digest", "f" * 32),
        ("window_high", NOON + timedelta(microseconds=1)),
        ("kind", "repair"),
        ("last", False),
        ("content_hash", "0" * 64),
    ],
)
def test_an_altered_batch_is_a_fork(ledger: Ledger, column: str, value: object) -> None:
    for _ in range(3):
        seal(ledger)
    second = batch_row.c.seq == 2
    ledger.connection.execute(update(batch_row).where(second).values({column: value}))
    assert [(p.kind, p.seq) for p in verify_chain(ledger)] == [("fork", 2)]


def test_a_batch_resealed_by_hand_breaks_the_next_link(ledger: Ledger) -> None:
    batches = [seal(ledger) for _ in range(3)]
    forged = replace(batches[1], digest="f" * 32).with_hash()
    values = {"digest": forged.digest, "batch_hash": forged.batch_hash}
    second = batch_row.c.seq == 2
    ledger.connection.execute(update(batch_row).where(second).values(values))
    [problem] = verify_chain(ledger)
    assert (problem.kind, problem.seq) == ("fork", 3)
    assert "does not follow" in problem.what
    assert [p.seq for p in verify_chain(ledger, from_seq=3)] == [3]


def test_the_first_batch_of_an_ended_epoch_hangs_on_its_anchor(ledger: Ledger) -> None:
    """Of the very first on nothing, of a later one on what the audit log tells."""
    for epoch in (1, 2):
        forged = replace(seal(ledger), prev_hash="f" * 64).with_hash()
        values = {"prev_hash": forged.prev_hash, "batch_hash": forged.batch_hash}
        this = batch_row.c.epoch == epoch
        ledger.connection.execute(update(batch_row).where(this).values(values))
        ledger.new_epoch("again", "li")
        assert [(p.kind, p.seq) for p in verify_chain(ledger, epoch=epoch)] == [("fork", 1)]


def test_another_batch_behind_the_last_of_an_ended_epoch_is_a_fork(ledger: Ledger) -> None:
    """Sealed as if it were, and answered: its own hash says nothing against it."""
    reconcile(ledger, seal(ledger))
    last = reconcile(ledger, seal(ledger))
    ledger.new_epoch("because", "tester")
    assert verify_ended(ledger) == []
    other = replace(last, seq=3, prev_hash=last.batch_hash).with_hash()
    ledger.connection.execute(insert(batch_row), values_of(other))
    (problem,) = verify_ended(ledger)
    assert (problem.kind, problem.epoch, problem.seq) == ("fork", 1, 3)
    assert problem.what == "3 is not what its epoch ended with"


def test_another_departments_epochs_say_nothing_of_ours(ledger: Ledger) -> None:
    theirs = Ledger(ledger.connection, "another", ledger.job)
    theirs.register()
    theirs.take()
    for one in ledger, theirs:
        reconcile(one, seal(one))
        one.new_epoch("because", "tester")
    assert verify_ended(ledger) == verify_ended(theirs) == []


def test_the_last_batch_of_an_ended_epoch_is_missed(ledger: Ledger) -> None:
    for _ in range(2):
        reconcile(ledger, seal(ledger))
    ledger.new_epoch("because", "tester")
    ledger.connection.execute(delete(batch_row).where(batch_row.c.seq == 2))
    (problem,) = verify_ended(ledger)
    assert (problem.kind, problem.epoch, problem.what) == ("gap", 1, "2 is missing")


# -- looking, sweeping, switching ------------------------------------------------------------


def test_candidates_are_replaced_and_thinned(ledger: Ledger) -> None:
    many = [Candidate(NOON + n * MINUTE, frozenset({f"vxid 1/{n}", "gid 张"})) for n in range(40)]
    ledger.keep_candidates(reversed(many))
    kept = ledger.candidates()
    assert len(kept) == 16
    assert (kept[0], kept[-1]) == (many[0], many[-1])
    assert set(kept) < set(many)
    ledger.keep_candidates([*kept[:2], Candidate(kept[1].at, frozenset())])
    assert ledger.candidates() == [kept[0], Candidate(kept[1].at, frozenset())]
    ledger.keep_candidates([])
    assert ledger.candidates() == []


def test_thinning_drops_what_reaches_least_further() -> None:
    at = [Candidate(NOON + n * MINUTE, frozenset()) for n in (0, 1, 10, 11, 20)]
    assert thin(at, 3) == [at[0], at[2], at[4]]


@pytest.mark.parametrize(("minutes", "goes"), [((0, 10, 11, 30), 10), ((0, 1, 20, 25), 1)])
def test_the_one_between_the_closest_neighbours_goes(minutes: tuple[int, ...], goes: int) -> None:
    at = {n: Candidate(NOON + n * MINUTE, frozenset()) for n in minutes}
    assert thin(at.values(), 3) == [at[n] for n in minutes if n != goes]


def test_jobs_keep_their_own_candidates(connection: Connection, ledger: Ledger) -> None:
    other = taken(connection, "enterprise")
    one = Candidate(NOON, frozenset({"a"}))
    ledger.keep_candidates([one])
    other.keep_candidates([])
    assert ledger.candidates() == [one]


def test_a_sweep_is_resumed_and_closed(ledger: Ledger) -> None:
    assert ledger.sweep_position() is None
    ledger.swept(datetime.now(UTC))
    assert not ledger.sweep_is_due(3600)
    ledger.keep_sweep_position('["m"]')
    assert ledger.sweep_position() == '["m"]'
    assert ledger.sweep_is_due(3600)
    ledger.swept(NOON)
    ledger.looked(NOON + MINUTE)
    standing = ledger.standing()
    assert standing is not None
    assert (standing.sweep_key, standing.swept_at) == (None, NOON)
    assert standing.looked_at == NOON + MINUTE


def test_a_sweep_that_is_asked_for_begins_anew(ledger: Ledger) -> None:
    """Also where one under a budget stands half way."""
    ledger.swept(datetime.now(UTC))
    ledger.keep_sweep_position('["m"]')
    ledger.sweep_next()
    assert (ledger.sweep_position(), ledger.sweep_is_due(3600)) == (None, True)


def test_the_switch_does_not_end_a_run(connection: Connection, ledger: Ledger) -> None:
    operator = Ledger(connection, DEPARTMENT, "population")
    operator.disable("wang", "maintenance")
    seal(ledger)
    standing = ledger.standing()
    assert standing is not None
    assert (standing.enabled, standing.enabled_by) == (False, "wang")
    operator.enable("zhao")
    entries = Audit(connection, DEPARTMENT).entries(job="population")
    assert [(e.actor, e.action) for e in entries] == [("zhao", "enable"), ("wang", "disable")]
    Ledger(connection, DEPARTMENT, "never ran").disable("wang")


# -- the audit log ---------------------------------------------------------------------------


def test_the_audit_log_is_chained(connection: Connection) -> None:
    audit = Audit(connection, DEPARTMENT)
    entries = [audit.append("li", "purge", "population", {"seq": n, "why": "到期"}) for n in (1, 2)]
    assert audit.entries() == entries[::-1]
    assert entries[1].prev_hash == entries[0].hash
    assert audit.head() == (2, entries[1].hash)
    assert audit.verify() == []
    assert audit.entries(since=entries[1].at) == [entries[1]]
    assert audit.details("purge", "population") == {"seq": 2, "why": "到期"}
    for action, job in ("purge", "enterprise"), ("resync", "population"):
        assert audit.details(action, job) == {}
    Audit(connection, "another").append("wang", "purge", "population", {"seq": 9})
    assert audit.details("purge", "population")["seq"] == 2


@pytest.mark.parametrize("column", ["actor", "action", "details", "job", "department"])
def test_an_altered_audit_entry_shows(connection: Connection, column: str) -> None:
    audit = Audit(connection, DEPARTMENT)
    for number in range(3):
        audit.append("li", "purge", "population", {"seq": number})
    second = audit_entry.c.number == 2
    connection.execute(update(audit_entry).where(second).values({column: "forged"}))
    assert [(p.kind, p.seq) for p in audit.verify()] == [("fork", 2)]
    connection.execute(delete(audit_entry).where(second))
    assert [(p.kind, p.seq) for p in audit.verify()] == [("gap", 2)]


def test_audit_entries_of_many_sessions_form_one_chain(exchange: Engine) -> None:
    failures: list[BaseException] = []

    def append(actor: str) -> None:
        try:
            for _ in range(5):
                with exchange.begin() as connection:
                    Audit(connection, DEPARTMENT).append(actor, "test")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=append, args=(f"actor {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with exchange.begin() as connection:
        audit = Audit(connection, DEPARTMENT)
        assert audit.head()[0] == 20
        assert audit.verify() == []


# -- quarantine ------------------------------------------------------------------------------


def rejected(*numbers: int, reason: str = "check_digit") -> list[SetAside]:
    return [SetAside(key_text([f"张{n}", None]), reason, "id_no", "3301****") for n in numbers]


def keys(*numbers: int) -> list[str]:
    return [entry.key for entry in rejected(*numbers)]


def test_one_open_entry_per_key(connection: Connection) -> None:
    """Which counts the rows that bore it."""
    quarantine = Quarantine(connection, DEPARTMENT, "population")
    assert quarantine.open_entries(rejected(1, 2, 2), 1, 1) == 2
    assert quarantine.open_entries(rejected(2, 3, reason="too_long"), 1, 2) == 1
    assert quarantine.count() == 3
    first, second, third = quarantine.list_masked()
    assert (first.reason, first.seen, first.seq) == ("check_digit", 1, 1)
    assert (second.reason, second.seen, second.seq) == ("too_long", 3, 2)
    assert second.last_seen_at > second.opened_at
    assert third.opened_at == second.last_seen_at
    assert third.key == '["\\u5f203",null]'
    assert third.sample == "3301****"


def test_keys_that_differ_in_case_have_an_entry_each(connection: Connection) -> None:
    quarantine = Quarantine(connection, DEPARTMENT, "population")
    entries = [SetAside(key_text([key]), "too_long") for key in ("a", "A")]
    assert quarantine.open_entries(entries, 1, 1) == 2
    assert quarantine.close([entries[0].key], "accepted") == 1
    assert list(quarantine.open_keys()) == [entries[1].key]


def test_entries_are_their_jobs_own_and_all_are_told(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pages they fill."""
    monkeypatch.setattr("bridge.ledger.quarantine._PAGE", 2)
    ours, other = (Quarantine(connection, DEPARTMENT, job) for job in ("population", "other"))
    keys = [key_text([str(number)]) for number in range(5)]
    ours.open_entries([SetAside(key, "too_long") for key in keys], 1, 1)
    assert list(ours.open_keys()) == keys
    assert (ours.count(), other.count(), list(other.open_keys())) == (5, 0, [])
    before = ours.list_masked()
    for seq in (7, 8):
        other.open_entries([SetAside(keys[0], "malformed")], 1, seq)
    assert ours.list_masked() == before


def test_a_closed_entry_stays_and_a_new_one_opens(connection: Connection) -> None:
    quarantine = Quarantine(connection, DEPARTMENT, "population")
    quarantine.open_entries(rejected(1, 2), 1, 1)
    assert quarantine.close([*keys(1, 9), *keys(1)], "accepted") == 1
    assert quarantine.close(keys(1), "again") == 0
    assert list(quarantine.open_keys()) == keys(2)
    assert quarantine.open_entries(rejected(1), 1, 3) == 1
    everything = quarantine.list_masked(closed=True)
    assert [entry.closed_why for entry in everything] == ["accepted", None, None]
    assert [entry.closed_at is None for entry in everything] == [False, True, True]
    assert [entry.key for entry in quarantine.list_masked()] == keys(2, 1)


def test_thousands_are_set_aside_in_few_statements(connection: Connection) -> None:
    quarantine = Quarantine(connection, DEPARTMENT, "population")
    other = Quarantine(connection, DEPARTMENT, "enterprise")
    other.open_entries(rejected(1), 1, 1)
    assert quarantine.open_entries(rejected(*range(2000)), 1, 1) == 2000
    assert quarantine.open_entries(rejected(*range(1000, 3000)), 1, 2) == 1000
    assert list(quarantine.open_keys(limit=1500)) == keys(*range(1500))
    for number, key in enumerate(quarantine.open_keys()):
        assert key == keys(number)[0]
        if number % 100 == 0:
            quarantine.close([key], "absent")
            quarantine.open_entries(rejected(10_000 + number), 1, 3)
    assert number == 2999
    assert quarantine.count() == 3000
    assert quarantine.close(keys(*range(3000)), "accepted") == 2970
    assert other.count() == 1


# -- all jobs at once ------------------------------------------------------------------------


def test_status_of_all_jobs(connection: Connection) -> None:
    busy, idle = taken(connection, "busy"), taken(connection, "idle")
    done = reconcile(busy, seal(busy))
    deviated = busy.move(receive(busy, seal(busy)), State.DEVIATED, deviation=3)
    receive(busy, seal(busy))
    waiting = seal(busy)
    seal(busy, kind=Kind.REPAIR)
    Quarantine(connection, DEPARTMENT, "busy").open_entries(rejected(1, 2), 1, 1)
    Quarantine(connection, DEPARTMENT, "busy").close(keys(1), "accepted")
    others = Ledger(connection, "another", "busy")
    others.register()
    others.take()
    for _ in range(7):
        seal(others)
    idle.new_epoch("test", "li")
    parts = taken(connection, "parts")
    for _ in range(2):
        arrived = reconcile(parts, seal(parts))
    parts.move(receive(parts, seal(parts)), State.DEVIATED, deviation=2)
    parts.new_epoch("test", "li")
    whole = seal(parts)
    newest = seal(parts, key_high='["m"]', last=False)
    first, second, last = Ledger.jobs(connection, DEPARTMENT)
    assert (first.job, first.epoch, first.seq, first.kind) == ("busy", 1, 5, "repair")
    assert first.watermark == waiting.window_high
    assert (first.sealed, first.applied, first.deviated, first.held) == (2, 1, 1, 0)
    assert first.in_flight == 3
    third = busy.batch(1, 3)
    assert third is not None
    assert first.in_flight_since == third.sealed_at
    assert (first.deviation, deviated.deviation) == (3, 3)
    assert first.quarantined == 1
    assert first.last_reconciled_at == done.reconciled_at
    assert first.content_hash == "c" * 64
    assert (second.job, second.epoch, second.seq, second.enabled) == ("idle", 2, 0, True)
    assert second.watermark is second.in_flight_since is second.last_sealed_at is None
    assert second.in_flight == second.quarantined == 0
    assert (last.watermark, last.seq, last.deviated) == (whole.window_high, 2, 1)
    assert (last.sealed, last.in_flight_since) == (2, whole.sealed_at)
    assert last.last_sealed_at == newest.sealed_at
    assert last.last_reconciled_at == arrived.reconciled_at, "of whatever epoch"
    now = reconcile(parts, whole)
    assert Ledger.jobs(connection, DEPARTMENT)[-1].last_reconciled_at == now.reconciled_at
    connection.execute(delete(job_row).where(job_row.c.job != "idle"))
    taken(connection, "zone")
    lost = [one for one in Ledger.jobs(connection, DEPARTMENT) if one.seq]
    assert lost == [
        first,
        replace(
            last, sealed=1, in_flight_since=newest.sealed_at, last_reconciled_at=now.reconciled_at
        ),
    ]
    assert (busy.newest(), busy.watermark()) == (busy.batch(1, 5), waiting.window_high)


def test_what_is_rolled_back_never_was(exchange: Engine) -> None:
    with exchange.begin() as connection:
        token = taken(connection).token
    with exchange.connect() as connection:
        transaction = connection.begin()
        seal(Ledger(connection, DEPARTMENT, "population", token=token))
        transaction.rollback()
    with exchange.begin() as connection:
        ledger = Ledger(connection, DEPARTMENT, "population", token=token)
        assert ledger.batches() == []
        assert ledger.watermark() is None
        assert connection.execute(job_row.select()).one().token == token


def test_behind_an_alarm_that_failed_only_those_of_its_rule_wait(connection: Connection) -> None:
    events, outbox = Events(connection, DEPARTMENT), Outbox(connection, DEPARTMENT)
    seen = [events.see(Sighting(EventKind.GAP, job), NOON).number for job in ("one", "other")]
    older = events.see(Sighting(EventKind.HORIZON, "one", since=NOON - MINUTE), NOON)
    assert (older.first_seen_at, older.last_seen_at) == (NOON - MINUTE, NOON)
    for event in seen:
        for rule in "ab":
            outbox.queue(event, rule, Occasion.OPENED, NOON)
    assert Outbox(connection, "another").claim(NOON, 10) == []
    (first,) = outbox.claim(NOON, 1)
    assert (first.event, first.rule, first.tries) == (seen[0], "a", 0)
    outbox.postpone(first, NOON + 9 * MINUTE, "no answer")
    taken = outbox.claim(NOON + MINUTE, 10)
    assert [(alarm.event, alarm.rule) for alarm in taken] == [(number, "b") for number in seen]
    for alarm in taken:
        outbox.sent(alarm, NOON + MINUTE)
    again = outbox.claim(NOON + 9 * MINUTE, 10)
    assert [(alarm.event, alarm.rule, alarm.tries) for alarm in again] == [
        (seen[0], "a", 1),
        (seen[1], "a", 0),
    ]
    assert outbox.claim(NOON + 10 * MINUTE, 10) == [], "another sender has them"
    assert outbox.claim(NOON + 12 * MINUTE, 10) == again, "which has died"
    outbox.release(again, NOON + 12 * MINUTE)
    assert (outbox.claim(NOON + 12 * MINUTE, 1), outbox.pending()) == (again[:1], 2)
    assert outbox.last_told(seen[0]) == {"a": NOON, "b": NOON}


def test_two_that_send_at_once_do_not_both_take_an_alarm(exchange: Engine) -> None:
    """The second has seen it pending, and waits for the first one's commit."""
    late: list[Alarm] = []

    def claim() -> None:
        with exchange.begin() as connection:
            late.extend(Outbox(connection, DEPARTMENT).claim(NOON, 10))

    with exchange.begin() as connection:
        number = Events(connection, DEPARTMENT).see(Sighting(EventKind.GAP, "one"), NOON).number
        Outbox(connection, DEPARTMENT).queue(number, "a", Occasion.OPENED, NOON)
    with exchange.begin() as connection:
        assert len(Outbox(connection, DEPARTMENT).claim(NOON, 10)) == 1
        other = threading.Thread(target=claim)
        other.start()
        other.join(0.3)
    other.join()
    assert late == []
