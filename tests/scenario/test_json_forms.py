"""What `batches`, `status`, `quarantine` and `events` tell as JSON is what the ledger holds; the
names in it stay what they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.event import EventKind, Recovery, Sighting
from bridge.ledger.event import Events
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from tests.scenario.books import DAY, FEBRUARY, JANUARY, MARCH, Books, fill
from tests.scenario.world import DEPARTMENT, MakeWorld

Capsys = pytest.CaptureFixture[str]

EFFECTS = ("total", "inserted", "updated", "deleted", "digest")
BATCH = (
    *("epoch", "seq", "kind", "state", "batch_hash", "read", "gone", "inserted", "updated"),
    *("deleted", "unchanged", "superseded", "quarantined", "late"),
)


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    books = Books(make("sqlite", "sqlite", "sqlite"), capsys)
    fill(books)
    return books


def told(books: Books, *command: str) -> Any:
    return books.call(*command, "--json").json


def seconds_since(moment: datetime) -> Any:
    return pytest.approx((datetime.now(UTC) - moment).total_seconds(), abs=600)


def test_batches(books: Books) -> None:
    found = told(books, "batches", "a")
    received = [f"received_{name}" for name in EFFECTS]
    columns = ", ".join([*BATCH, "digest", *received, "window_low", "window_high"])
    query = f"SELECT {columns} FROM bh_batch WHERE job = 'a' ORDER BY seq"
    rows = books.world.sql("exchange", query)
    assert (found["job"], len(found["batches"])) == ("a", len(rows))
    for batch, row in zip(found["batches"], rows, strict=True):
        held = dict(zip(columns.split(", "), row, strict=True))
        measured = [held[name] for name in received]
        sent = {name: held[name] for name in EFFECTS[1:]}
        assert batch == {name: held[name] for name in BATCH} | {
            "window": [held["window_low"], held["window_high"]],
            "sent": {"total": sum(held[name] for name in EFFECTS[1:4]), **sent},
            "received": dict(zip(EFFECTS, measured, strict=True)) if measured[0] else None,
        }


def test_status(books: Books) -> None:
    on_time = "UPDATE bh_batch SET reconciled_at = :now WHERE job = 'a' AND seq = 2"
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    books.world.sql("exchange", on_time.replace(":now", f"'{now}'"))
    first, second = told(books, "status")
    (waiver,) = first.pop("waivers")
    assert datetime.fromisoformat(waiver.pop("at")) < datetime.now(UTC)
    assert waiver == {"epoch": 1, "seq": 5, "rows": 5, "by": "李工", "why": "已核实", "found": None}
    due_at, watermark = first.pop("due_at"), datetime(2026, 1, 9, 3, 9, tzinfo=UTC)
    assert datetime.fromisoformat(due_at) > datetime.now(UTC)
    assert first.pop("guarantee_why") != ""
    kept, due = first.pop("periods_kept"), first.pop("periods_due")
    assert (due, first.pop("timeliness")) == (30, pytest.approx(kept / due))
    assert first == {
        "job": "a",
        "title": "人口基础信息",
        "configured": True,
        "enabled": True,
        "verdict": "deviation",
        "epoch": 1,
        "seq": 9,
        "deviation": 3,
        "held": 1,
        "waived": 5,
        "watermark": "2026-01-09T03:09:00.000000Z",
        "lag_seconds": seconds_since(watermark),
        "in_flight": 3,
        "in_flight_seconds": seconds_since(FEBRUARY + DAY),
        "quarantined": 6,
        "guarantee": "lossless",
        "looked_at": None,
        "last_reconciled_at": now,
        "ran_at": None,
        "ran_error": None,
        "compared_at": None,
        "update_cycle": "daily",
        "overdue": False,
    }
    owes = ("update_cycle", "due_at", "overdue", "timeliness", "periods_due", "periods_kept")
    assert [second[name] for name in owes] == [None] * 6
    assert set(second) == {*first, *owes, "waivers", "guarantee_why"}


def test_quarantine(books: Books) -> None:
    key = key_text(["330102199001011234", None])
    with books.open() as ledger:
        kept = Quarantine(ledger.connection, DEPARTMENT, "a")
        bad = SetAside(key, "bad_value", "id_no", "9{17}x", "一月.xlsx, 人员, row 9")
        for number in (7, 8):
            kept.open_entries([bad], 1, number)
    found = told(books, "quarantine", "a", "--limit", "7")
    assert (found["job"], found["open"], len(found["entries"])) == ("a", 7, 7)
    entry = found["entries"][-1]
    opened, seen = (datetime.fromisoformat(entry.pop(n)) for n in ("opened_at", "last_seen_at"))
    assert opened <= seen <= datetime.now(UTC)
    assert entry == {
        "number": 7,
        "key": "330102********1234 | NULL",
        "column": "id_no",
        "reason": "bad_value",
        "sample": "9{17}x",
        "place": "一月.xlsx, 人员, row 9",
        "epoch": 1,
        "seq": 8,
        "seen": 2,
    }


def test_events(books: Books) -> None:
    with books.connection() as connection:
        events = Events(connection, DEPARTMENT)
        events.see(Sighting(EventKind.HELD, "a", "1/9", {"deletes": 4}), JANUARY)
        events.see(Sighting(EventKind.HELD, "a", "1/9", {"deletes": 4}), FEBRUARY)
        events.see(Sighting(EventKind.FORK, "b"), FEBRUARY)
        events.see(Sighting(EventKind.GAP, "b"), FEBRUARY)
        events.recover(Recovery(EventKind.GAP, "b"), MARCH)
    assert books.call("events", "ack", "1", "--why", "known", "--by", "Li").code == 0
    found = {event["event"]: event for event in told(books, "events", "--all")}
    assert {number: event["state"] for number, event in found.items()} == {
        1: "acknowledged",
        2: "open",
        3: "over",
    }
    first = found[1]
    assert first.pop("facts")["deletes"] == 4
    assert datetime.fromisoformat(first.pop("acknowledged_at")) <= datetime.now(UTC)
    assert first == {
        "event": 1,
        "kind": "held",
        "severity": first["severity"],
        "job": "a",
        "subject": "1/9",
        "state": "acknowledged",
        "seen": 2,
        "first_seen_at": "2026-01-10T03:00:00.000000Z",
        "last_seen_at": "2026-02-10T03:00:00.000000Z",
        "acknowledged_by": "Li",
        "acknowledged_why": "known",
        "closed_at": None,
    }
    assert found[3]["closed_at"] == "2026-03-10T03:00:00.000000Z"
