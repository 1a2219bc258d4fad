"""The receiver's books over every kind of store it may live in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Row, select

from bridge.batch import GENESIS, Batch, Counts, Kind, Misfits, State, Tally
from bridge.errors import Fork, Gap
from bridge.ledger.claim import Claim, Claims
from bridge.ledger.migrations import upgrade_receiver
from bridge.ledger.receiver import Expectation, Position, Receiver
from bridge.ledger.receiverschema import health_view
from bridge.ledger.record import Sums
from connectors.errors import Busy
from connectors.table import TableName

DEPARTMENT = "113301000024895242"
MINUTE = timedelta(minutes=1)
DIGEST = "0123456789abcdef" * 2


@pytest.fixture
def target(engine: Engine) -> Engine:
    with engine.begin() as connection:
        upgrade_receiver(connection)
    return engine


@pytest.fixture
def connection(target: Engine) -> Iterator[Connection]:
    with target.begin() as opened:
        yield opened


@pytest.fixture
def receiver(connection: Connection) -> Receiver:
    made = Receiver(connection, DEPARTMENT, "population")
    made.lock_position(1)
    return made


def batch(seq: int = 1, prev_hash: str = GENESIS, **given: Any) -> Batch:
    now = datetime.now(UTC)
    usual: dict[str, Any] = {
        "department": DEPARTMENT,
        "job": "population",
        "epoch": 1,
        "seq": seq,
        "kind": Kind.DATA,
        "state": State.SEALED,
        "content_hash": "c" * 64,
        "prev_hash": prev_hash,
        "window_low": None,
        "window_high": now - MINUTE,
        "key_low": None,
        "key_high": None,
        "last": True,
        "tally": Tally(read=3, gone=1, inserted=1, updated=1, deleted=1, unchanged=1),
        "digest": DIGEST,
        "sealed_at": now,
    }
    return Batch(**usual | given).with_hash()


def after(before: Batch, **given: Any) -> Batch:
    usual: dict[str, Any] = {"prev_hash": before.batch_hash, "epoch": before.epoch}
    return batch(before.seq + 1, **usual | given)


def applied(receiver: Receiver, count: int = 1) -> list[Batch]:
    """So many batches in a row, applied as they were sent."""
    batches: list[Batch] = []
    for _ in range(count):
        batches.append(after(batches[-1]) if batches else batch())
        receiver.record(batches[-1], batches[-1].sent)
    return batches


# -- position --------------------------------------------------------------------------------


def test_a_job_that_never_came_has_no_position(connection: Connection) -> None:
    receiver = Receiver(connection, DEPARTMENT, "unknown")
    assert receiver.position() is None
    assert receiver.position(lock=True) is None
    assert receiver.newest() is None
    assert receiver.sums(1, 1) == Sums()
    assert receiver.expects(batch(job="unknown")) is Expectation.NEXT
    assert receiver.expects(batch(2, job="unknown")) is Expectation.GAP


def test_the_first_lock_makes_the_position(receiver: Receiver) -> None:
    position = receiver.position()
    assert position is not None
    assert (position.epoch, position.seq, position.head_hash) == (0, 0, GENESIS)
    assert receiver.lock_position(1) == position


def test_an_older_token_is_refused_and_a_newer_one_kept(receiver: Receiver) -> None:
    assert receiver.lock_position(5).token == 5
    with pytest.raises(Busy, match="taken over"):
        receiver.lock_position(4)
    position = receiver.position()
    assert position is not None
    assert position.token == 5


def test_a_zombie_comes_before_or_after_never_between(target: Engine) -> None:
    with target.begin() as connection:
        Receiver(connection, DEPARTMENT, "population").lock_position(1)
    order: list[str] = []

    def take_over() -> None:
        with target.begin() as connection:
            Receiver(connection, DEPARTMENT, "population").lock_position(2)
            order.append("taken over")

    with target.begin() as connection:
        zombie = Receiver(connection, DEPARTMENT, "population")
        zombie.lock_position(1)
        other = threading.Thread(target=take_over)
        other.start()
        other.join(0.3)
        zombie.record(batch(), batch().sent)
        order.append("applied")
    other.join()
    assert order == ["applied", "taken over"]
    with target.begin() as connection, pytest.raises(Busy):
        Receiver(connection, DEPARTMENT, "population").lock_position(1)


# -- what a delivery is ----------------------------------------------------------------------


def test_recording_advances_the_position(receiver: Receiver) -> None:
    first, second = applied(receiver, 2)
    position = receiver.position()
    assert isinstance(position, Position)
    assert (position.epoch, position.seq, position.head_hash) == (1, 2, second.batch_hash)
    assert position.token == 1
    newest = receiver.newest()
    assert newest is not None
    assert (newest.seq, newest.batch_hash) == (2, second.batch_hash)
    assert newest.applied_at == position.updated_at
    assert receiver.expects(after(second)) is Expectation.NEXT
    assert receiver.receipt(1, 1) != newest
    assert first.seq == 1


def test_a_redelivery_finds_the_stored_receipt(receiver: Receiver) -> None:
    first = batch()
    receipt = receiver.record(first, first.sent, Misfits(insert_updated=1, delete_missing=2))
    assert receiver.expects(first) is Expectation.DUPLICATE
    assert receiver.receipt(1, 1) == receipt
    assert receipt.received == first.sent
    assert receipt.misfits == Misfits(1, 0, 2)
    assert receipt.window_high == first.window_high
    with pytest.raises(Fork):
        receiver.record(first, first.sent)


def test_a_hole_is_a_gap(receiver: Receiver) -> None:
    [first] = applied(receiver)
    third = after(after(first))
    assert receiver.expects(third) is Expectation.GAP
    with pytest.raises(Gap, match="1/3"):
        receiver.record(third, third.sent)
    assert receiver.newest() == receiver.receipt(1, 1)


def test_a_receipt_says_whether_it_agrees(receiver: Receiver) -> None:
    """Also where the total does, or every number, and the digest alone differs."""
    newest = batch(1, GENESIS)
    assert receiver.record(newest, newest.sent).verdict == "reconciled"
    for other in {"digest": "f" * 32}, {"inserted": 2, "updated": 0}:
        newest = after(newest)
        assert receiver.record(newest, replace(newest.sent, **other)).verdict == "deviation"


def test_another_history_is_a_fork(receiver: Receiver) -> None:
    first, second = applied(receiver, 2)
    same_place = after(first, digest="f" * 32)
    not_ours = after(second, prev_hash=first.batch_hash)
    altered = replace(after(second), digest="f" * 32)
    sent_again = replace(second, digest="f" * 32)  # under the hash that was confirmed
    for other in same_place, not_ours, altered, sent_again:
        assert receiver.expects(other) is Expectation.FORK
        with pytest.raises(Fork):
            receiver.record(other, other.sent)


def test_a_later_epoch_begins_at_one_with_a_confirmed_hash(receiver: Receiver) -> None:
    first, second = applied(receiver, 2)
    again: dict[str, Any] = {"epoch": 3, "kind": Kind.RESYNC}
    for known in first.batch_hash, second.batch_hash, GENESIS:
        assert receiver.expects(batch(1, known, **again)) is Expectation.NEXT
    assert receiver.expects(batch(1, "d" * 64, **again)) is Expectation.GAP
    assert receiver.expects(batch(2, second.batch_hash, **again)) is Expectation.GAP
    resync = batch(1, second.batch_hash, **again)
    receiver.record(resync, resync.sent)
    position = receiver.position()
    assert position is not None
    assert (position.epoch, position.seq) == (3, 1)
    assert receiver.newest() == receiver.receipt(3, 1)
    then = after(resync)
    assert receiver.expects(then) is Expectation.NEXT
    receiver.record(then, then.sent)
    assert receiver.newest() == receiver.receipt(3, 2)


def test_what_arrives_late_from_an_ended_epoch_is_laid_aside(receiver: Receiver) -> None:
    first, second = applied(receiver, 2)
    resync = batch(1, second.batch_hash, epoch=2, kind=Kind.RESYNC)
    receiver.record(resync, resync.sent)
    assert receiver.expects(first) is Expectation.DUPLICATE
    assert receiver.expects(after(second)) is Expectation.SUPERSEDED
    assert receiver.expects(after(first, digest="f" * 32)) is Expectation.FORK


def test_jobs_and_departments_do_not_meet(connection: Connection, receiver: Receiver) -> None:
    applied(receiver, 2)
    for place in {"job": "enterprise"}, {"department": "other"}:
        names = {"department": DEPARTMENT, "job": "population"} | place
        other = Receiver(connection, **names)
        other.lock_position(9)
        first = batch(**names)
        assert other.expects(first) is Expectation.NEXT
        other.record(first, first.sent)
        assert other.sums(1, 9).batches == 1
    assert receiver.sums(1, 9).batches == 2


def test_sums_are_of_what_was_measured(receiver: Receiver) -> None:
    first = batch(kind=Kind.FIRST, tally=Tally(read=9, inserted=9))
    receiver.record(first, Counts(9, 4, 5, 0, DIGEST))
    second = after(first)
    receiver.record(second, Counts(2, 1, 1, 0, DIGEST))
    assert receiver.sums(1, 1) == Sums(1, image_rows=9)
    assert receiver.sums(1, 2) == Sums(2, 1, 1, 0, image_rows=9)
    first_receipt, second_receipt = receiver.receipt(1, 1), receiver.receipt(1, 2)
    assert first_receipt is not None
    assert second_receipt is not None
    assert (first_receipt.verdict, second_receipt.verdict) == ("reconciled", "deviation")


def test_rows_and_position_are_rolled_back_together(target: Engine) -> None:
    with target.connect() as connection:
        transaction = connection.begin()
        receiver = Receiver(connection, DEPARTMENT, "population")
        receiver.lock_position(1)
        applied(receiver)
        transaction.rollback()
    with target.begin() as connection:
        receiver = Receiver(connection, DEPARTMENT, "population")
        assert receiver.position() is None
        assert receiver.newest() is None


# -- claims ----------------------------------------------------------------------------------


def test_one_table_is_one_departments_job(connection: Connection, receiver: Receiver) -> None:
    claim = Claim(TableName("population", "public"), DEPARTMENT, "population", owned=True)
    Claims(connection).add(claim)
    assert Claims(connection).find() == [claim]
    held = f"public.population is filled by job population of department {DEPARTMENT}"
    assert held in claim.refusal(shared=False).message
    assert claim.is_of(DEPARTMENT, "population")
    for department, job in (DEPARTMENT, "enterprise"), ("other", "population"):
        assert not claim.is_of(department, job)
        Claims(connection).remove(replace(claim, department=department, job=job))
    assert Claims(connection).find() == [claim]


def test_a_table_of_another_schema_is_given_up_alone(
    connection: Connection, receiver: Receiver
) -> None:
    claims = Claims(connection)
    here, public, other = (
        Claim(TableName("population", schema), DEPARTMENT, "population", owned=schema is None)
        for schema in (None, "public", "other")
    )
    for claim in here, public, other:
        claims.add(claim)
    claims.remove(public)
    assert claims.find() == [here, other]


def test_names_alike_are_found_whatever_their_schema_and_case(
    connection: Connection, receiver: Receiver
) -> None:
    claims = Claims(connection)
    names = [("population", None), ("Population", "other"), ("populations", None)]
    for name, schema in names:
        claims.add(Claim(TableName(name, schema), DEPARTMENT, "population", owned=False))
    found = [claim.table for claim in claims.find("POPULATION")]
    assert found == [TableName("population"), TableName("Population", "other")]


# -- what the central platform sees ----------------------------------------------------------


def health(connection: Connection) -> Row[Any]:
    return connection.execute(select(health_view)).one()


def test_health_of_a_job_without_batches(connection: Connection, receiver: Receiver) -> None:
    row = health(connection)
    assert (row.department, row.job, row.epoch, row.seq) == (DEPARTMENT, "population", 0, 0)
    assert row.verdict is row.last_batch_at is row.last_empty_at is row.lag_seconds is None


def test_health_shows_the_last_batch_and_the_epochs_sums(
    connection: Connection, receiver: Receiver
) -> None:
    first = batch()
    receiver.record(first, first.sent, Misfits(1, 2, 4))
    empty = after(first, kind=Kind.EMPTY, tally=Tally(), digest="0" * 32)
    silence = receiver.record(empty, empty.sent)
    third = after(empty)
    receipt = receiver.record(third, Counts(2, 1, 0, 1, DIGEST))
    row = health(connection)
    assert (row.epoch, row.seq, row.batches) == (1, 3, 3)
    assert row.last_batch_at == receipt.applied_at
    assert row.last_batch_kind == "data"
    assert row.last_window_high == third.window_high
    assert row.last_empty_at == silence.applied_at
    assert row.verdict == "deviation"
    assert (row.received_total, row.received_inserted) == (5, 2)
    assert (row.received_updated, row.received_deleted) == (1, 2)
    assert (row.deviations, row.misfits) == (1, 7)
    assert 59 <= row.lag_seconds < 120


@pytest.mark.parametrize("problem", [Expectation.GAP, Expectation.FORK])
def test_health_shows_a_stalled_job_until_it_goes_on(
    connection: Connection, receiver: Receiver, problem: Any
) -> None:
    [first] = applied(receiver)
    receiver.stall(problem)
    assert health(connection).verdict == problem.value
    position = receiver.position()
    assert position is not None
    assert position.stalled_at is not None
    second = after(first)
    receiver.record(second, second.sent)
    assert health(connection).verdict == "reconciled"
    position = receiver.position()
    assert position is not None
    assert position.stalled is position.stalled_at is None
