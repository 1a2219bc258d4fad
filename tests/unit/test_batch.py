"""A batch: its books, its identity and its legal moves."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bridge.batch
from bridge.batch import GENESIS, MOVES, Batch, Counts, Kind, State, Tally, instant
from bridge.ledger.batchrow import values_of
from bridge.ledger.schema import batch_row

NOON = datetime(2026, 1, 2, 12, 0, 0, 6, tzinfo=UTC)

BATCH = Batch(
    department="113301000024895242",
    job="population",
    epoch=1,
    seq=7,
    kind=Kind.DATA,
    state=State.SEALED,
    content_hash="c" * 64,
    prev_hash=GENESIS,
    window_low=NOON - timedelta(minutes=10),
    window_high=NOON,
    key_low=None,
    key_high='["b"]',
    last=True,
    tally=Tally(115, 5, 70, 40, 5, 3, 0, 2, 0),
    digest="0123456789abcdef" * 2,
    sealed_at=NOON,
).with_hash()


def test_the_books_balance_when_every_row_is_accounted_for() -> None:
    assert BATCH.tally.residual == 0
    assert replace(BATCH.tally, read=116).residual == 1
    assert replace(BATCH.tally, quarantined=3).residual == -1
    assert replace(BATCH.tally, late=50).residual == 0


def test_changes_send_their_operations() -> None:
    assert BATCH.sent == Counts(115, 70, 40, 5, BATCH.digest)


def test_an_image_sends_the_rows_of_its_range() -> None:
    for kind in Kind.FIRST, Kind.RESYNC:
        assert replace(BATCH, kind=kind).sent == Counts(113, 70, 40, 5, BATCH.digest)


def test_the_identity_is_published_and_stays() -> None:
    """Packets and ledgers in the field hold these hashes."""
    assert BATCH.batch_hash == "2b7ee41ec4725c7ba7b22f3d2204ce1380e8b7916e456a8895bc4a57fa02b0db"


SEALED: dict[str, Any] = {
    "department": "x",
    "job": "enterprise",
    "epoch": 2,
    "seq": 8,
    "kind": Kind.REPAIR,
    "content_hash": "d" * 64,
    "prev_hash": "1" + "0" * 63,
    "window_low": None,
    "window_high": NOON + timedelta(microseconds=1),
    "key_low": "[]",
    "key_high": None,
    "last": False,
    "digest": "f" * 32,
    **{f"tally.{name}": 99 for name in vars(Tally())},
}


@pytest.mark.parametrize("name", SEALED)
def test_whatever_is_sealed_is_in_the_hash(name: str) -> None:
    value = SEALED[name]
    if name.startswith("tally."):
        name, value = "tally", replace(BATCH.tally, **{name.removeprefix("tally."): value})
    assert replace(BATCH, **{name: value}).compute_hash() != BATCH.batch_hash


def test_what_happens_later_is_not_in_the_hash() -> None:
    later: dict[str, Any] = {
        "state": State.PURGED,
        "received": BATCH.sent,
        "deviation": 1,
        "cause": "late",
    }
    assert replace(BATCH, **later, note="n", sealed_at=NOON, applied_at=NOON).compute_hash() == (
        BATCH.batch_hash
    )
    covered = {name.partition(".")[0] for name in SEALED}
    rest = {"state", "sealed_at", "received", "deviation", "cause", "note", "batch_hash"}
    assert covered | rest | {"applied_at", "reconciled_at"} == set(vars(BATCH))


def test_the_hash_does_not_depend_on_the_zone_a_moment_is_written_in() -> None:
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    assert replace(BATCH, window_high=beijing).compute_hash() == BATCH.batch_hash


def test_a_batch_has_a_column_for_everything() -> None:
    assert set(values_of(BATCH)) == set(batch_row.c.keys())


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-02T12:00:00.000006Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (NOON.astimezone(timezone(timedelta(hours=8))), "2026-01-02T12:00:00.000006Z"),
        (None, None),
    ],
)
def test_an_instant_has_one_spelling(moment: datetime | None, text: str | None) -> None:
    assert instant(moment) == text


def test_a_moment_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant(NOON.replace(tzinfo=None))


moments = st.datetimes(timezones=st.just(UTC))


@given(moments, moments)
def test_instants_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    first, second = instant(one), instant(other)
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)
    assert datetime.fromisoformat(first) == one


def test_every_state_has_its_moves_and_can_end() -> None:
    assert set(MOVES) == set(State)
    reached = {State.SEALED, State.HELD}
    for _ in State:
        reached |= {after for before in reached for after in MOVES[before]}
    assert reached == set(State)
    assert [state for state in State if not MOVES[state]] == [State.PURGED]


def test_nothing_is_reconciled_that_was_not_applied() -> None:
    assert State.RECONCILED not in MOVES[State.SEALED] | MOVES[State.HELD]


def test_the_drawing_shows_every_state() -> None:
    assert bridge.batch.__doc__ is not None
    drawn = set(re.findall(r"[a-z]+", bridge.batch.__doc__))
    assert {state.value for state in State} <= drawn
