"""The oracle sees each defect that it is there to see, and nothing where there is none."""

from __future__ import annotations

import ast
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import Oracle, Place, Subject, batch_hash
from tests.oracle.canonical import canonical, digest_of, line_of

ZEROS = "0" * 64
EXCHANGE = (
    "CREATE TABLE bh_batch (department, job, epoch, seq, kind, state, content_hash, prev_hash, "
    "batch_hash, window_low, window_high, key_low, key_high, last, read, gone, inserted, updated, "
    "deleted, unchanged, superseded, quarantined, late, digest, received_total, received_inserted, "
    "received_updated, received_deleted, received_digest, deviation)",
    "CREATE TABLE bh_job (department, job, epoch, anchor_hash, missing, extra, different)",
    "CREATE TABLE bh_batch_event (number INTEGER PRIMARY KEY, department, job, epoch, seq, before, "
    "after, token)",
    "CREATE TABLE bh_quarantine (number INTEGER PRIMARY KEY, department, job, key, open_key, "
    "reason, epoch, seq, seen)",
    "CREATE TABLE bh_audit (number, at, department, job, actor, action, details, prev_hash, hash)",
    "CREATE TABLE bh_copy_j (id BIGINT, name TEXT, bh_cursor, bh_epoch, bh_seq)",
    "CREATE TABLE bh_change_j (bh_epoch, bh_seq, bh_op, id BIGINT, name TEXT)",
)
RECEIVER = (
    "CREATE TABLE bh_receipt (department, job, epoch, seq, batch_hash, total, inserted, updated, "
    "deleted, digest, verdict)",
    "CREATE TABLE bh_position (department, job, epoch, seq, head_hash)",
)
SUBJECT = Subject(
    "d", "j", "t", "t", ("id",), {"id": "number", "name": "text"}, without=frozenset({("9",)})
)
Stores = dict[str, sqlite3.Connection]
Record = dict[str, Any]


def insert(store: sqlite3.Connection, table: str, **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


def batch(seq: int, prev_hash: str, lines: list[str], **more: object) -> Record:
    names = ("gone", "inserted", "updated", "deleted", "unchanged", "superseded", "quarantined")
    zero: Record = dict.fromkeys((*names, "late", "deviation"), 0)
    made = {
        "department": "d", "job": "j", "epoch": 1, "seq": seq, "kind": "data",
        "state": "reconciled", "content_hash": "c", "prev_hash": prev_hash, "key_low": None,
        "window_low": f"2026-01-0{seq - 1}T00:00:00.000000Z" if seq > 1 else None,
        "window_high": f"2026-01-0{seq}T00:00:00.000000Z", "key_high": None, "last": 1,
        "read": 2, "digest": digest_of(lines),
    }  # fmt: skip
    made = zero | made | more
    received = {f"received_{name}": made[name] for name in ("inserted", "updated", "deleted")}
    received |= {"received_total": len(lines), "received_digest": made["digest"]}
    return made | received | {"batch_hash": batch_hash(made)}


def keep(stores: Stores, sealed: Record, first_event: int) -> None:
    """A batch that was sealed, delivered and reconciled."""
    at = {name: sealed[name] for name in ("department", "job", "epoch", "seq")}
    insert(stores["exchange"], "bh_batch", **sealed)
    ways = [(None, "sealed"), ("sealed", "applied"), ("applied", "reconciled")]
    for number, (before, after) in enumerate(ways, first_event):
        moved = {"number": number, "before": before, "after": after, "token": 5}
        insert(stores["exchange"], "bh_batch_event", **at, **moved)
    names = ("total", "inserted", "updated", "deleted", "digest")
    measured = {name: sealed[f"received_{name}"] for name in names}
    known = {"batch_hash": sealed["batch_hash"], "verdict": "reconciled"}
    insert(stores["target"], "bh_receipt", **at, **measured, **known)


def audit(stores: Stores, count: int) -> None:
    head = ZEROS
    for number in range(count):
        entry: Record = {
            "number": number, "at": "2026-01-01T00:00:00.000000Z", "department": "d", "job": "j",
            "actor": "a", "action": "enable", "details": "{}", "prev_hash": head,
        }  # fmt: skip
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        head = hashlib.sha256(text.encode()).hexdigest() if number else ZEROS
        insert(stores["exchange"], "bh_audit", **entry, hash=head)


@pytest.fixture
def stores() -> Iterator[Stores]:
    """An image of three rows, then one inserted, one updated, one deleted; a row quarantined. All
    delivered and receipted."""
    opened = {role: sqlite3.connect(":memory:") for role in ("source", "exchange", "target")}
    for statement in (*EXCHANGE, *RECEIVER):
        opened["target" if statement in RECEIVER else "exchange"].execute(statement)
    rows = [(1, "一", 1), (2, "two\t", 2), (4, "", 2)]
    for role in ("source", "target"):
        opened[role].execute("CREATE TABLE t (id, name)")
        opened[role].executemany("INSERT INTO t VALUES (?, ?)", [row[:2] for row in rows])
    opened["source"].execute("INSERT INTO t VALUES (9, 'refused')")
    opened["exchange"].executemany("INSERT INTO bh_copy_j VALUES (?, ?, 0, 1, ?)", rows)
    changed = [("U", 2, "two\t"), ("D", 3, None), ("I", 4, "")]
    opened["exchange"].executemany("INSERT INTO bh_change_j VALUES (1, 2, ?, ?, ?)", changed)
    lines = [line_of(["1", "一"]), line_of(["2", "old"]), line_of(["3", None])]
    image = batch(1, ZEROS, lines, kind="first", read=4, inserted=3, quarantined=1)
    later = [line_of(["2", "two\t"]), "3\t\\D", line_of(["4", ""])]
    moved = {"inserted": 1, "updated": 1, "deleted": 1, "gone": 1}
    data = batch(2, str(image["batch_hash"]), later, **moved)
    keep(opened, image, 1)
    keep(opened, data, 4)
    insert(opened["exchange"], "bh_job", department="d", job="j", epoch=1, anchor_hash=ZEROS)
    insert(
        opened["exchange"], "bh_quarantine", department="d", job="j", key='["9"]', open_key="x",
        reason="nul", epoch=1, seq=1, seen=1,
    )  # fmt: skip
    head = data["batch_hash"]
    insert(opened["target"], "bh_position", department="d", job="j", epoch=1, seq=2, head_hash=head)
    audit(opened, 3)
    yield opened
    for store in opened.values():
        store.close()


def judged(stores: Stores, subject: Subject = SUBJECT) -> Oracle:
    return Oracle(*(Place(stores[role]) for role in ("source", "exchange", "target")), subject)


def kinds(stores: Stores) -> list[str]:
    return sorted({finding.kind for finding in judged(stores).findings()})


def test_nothing_wrong(stores: Stores) -> None:
    assert kinds(stores) == []


DEFECTS = {
    "lost at the target": ("target", "DELETE FROM t WHERE id = 1", "falsely_reconciled lost"),
    "lost on the way in": ("source", "INSERT INTO t VALUES (5, 'five')", "lost"),
    "twice": ("target", "INSERT INTO t VALUES (1, '一')", "falsely_reconciled twice"),
    "extra": ("target", "INSERT INTO t VALUES (8, 'x')", "extra falsely_reconciled"),
    "a delete undone": ("target", "INSERT INTO t VALUES (3, NULL)", "extra falsely_reconciled"),
    "differs": ("target", "UPDATE t SET name = ' ' WHERE id = 4", "differs falsely_reconciled"),
    "null is not empty": (
        "target", "UPDATE t SET name = NULL WHERE id = 4", "differs falsely_reconciled",
    ),
    "missed change": ("source", "UPDATE t SET name = 'new' WHERE id = 1", "differs"),
    "a batch is missing": (
        "exchange", "DELETE FROM bh_batch WHERE seq = 1", "books gap quarantine",
    ),
    "the last is missing": ("exchange", "DELETE FROM bh_batch WHERE seq = 2", "books gap"),
    "hash": ("exchange", "UPDATE bh_batch SET digest = 'x', received_digest = 'x' WHERE seq = 2",
             "books falsely_reconciled fork receipt"),
    "chain": ("exchange", f"UPDATE bh_batch SET prev_hash = '{ZEROS}' WHERE seq = 2", "fork"),
    "balance": ("exchange", "UPDATE bh_batch SET read = 3 WHERE seq = 1", "books fork"),
    "window": ("exchange", "UPDATE bh_batch SET window_low = '2026-01-01T01:00:00Z' WHERE seq = 2",
               "books fork"),
    "said to be equal": (
        "exchange", "UPDATE bh_batch SET received_inserted = 2, received_updated = 0 WHERE seq = 2",
        "falsely_reconciled receipt",
    ),
    "no move led there": (
        "exchange", "UPDATE bh_batch SET state = 'applied' WHERE seq = 2", "books",
    ),
    "a move that is none": (
        "exchange", "DELETE FROM bh_batch_event WHERE number = 5", "books",
    ),
    "applied in another order": (
        "exchange",
        "UPDATE bh_batch_event SET seq = 3 - seq, number = number + 10 WHERE number IN (2, 5)",
        "books order",
    ),
    "a run that had lost its job": (
        "exchange", "UPDATE bh_batch_event SET token = 4 WHERE number = 6", "order",
    ),
    "anchor": ("exchange", "UPDATE bh_job SET anchor_hash = 'x'", "fork"),
    "epoch": ("exchange", "UPDATE bh_job SET epoch = 0", "fork"),
    "change row lost": ("exchange", "DELETE FROM bh_change_j WHERE id = 4", "books"),
    "change row altered": ("exchange", "UPDATE bh_change_j SET name = 'x' WHERE id = 2", "books"),
    "change row twice": (
        "exchange", "INSERT INTO bh_change_j SELECT * FROM bh_change_j WHERE id = 4", "books",
    ),
    "change row of no batch": (
        "exchange", "INSERT INTO bh_change_j VALUES (1, 3, 'D', 7, NULL)", "books",
    ),
    "copy row of no batch": (
        "exchange", "INSERT INTO bh_copy_j VALUES (7, 'x', 0, 1, 3)", "books extra",
    ),
    "quarantined and not counted": (
        "exchange", "UPDATE bh_quarantine SET seq = 2", "quarantine",
    ),
    "set aside in silence": ("exchange", "DELETE FROM bh_quarantine", "quarantine"),
    "set aside without a reason": (
        "exchange", "UPDATE bh_quarantine SET reason = ''", "quarantine",
    ),
    "set aside twice": (
        "exchange",
        "INSERT INTO bh_quarantine SELECT 2, department, job, key, open_key, reason, 1, 1, 2 "
        "FROM bh_quarantine",
        "quarantine",
    ),
    "audit entry altered": ("exchange", "UPDATE bh_audit SET actor = 'b' WHERE number = 1",
                            "audit"),
    "audit entry missing": ("exchange", "DELETE FROM bh_audit WHERE number = 1", "audit"),
    "receipt": ("target", "UPDATE bh_receipt SET total = 4 WHERE seq = 1",
                "falsely_reconciled receipt"),
    "no receipt": ("target", "DELETE FROM bh_receipt WHERE seq = 1", "order receipt"),
    "two receipts": ("target", "INSERT INTO bh_receipt SELECT * FROM bh_receipt", "order receipt"),
    "receipts in another order": (
        "target", "UPDATE bh_receipt SET rowid = 9 WHERE seq = 1", "order",
    ),
    "position": ("target", "UPDATE bh_position SET seq = 1", "gap"),
    "no position": ("target", "DELETE FROM bh_position", "gap"),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_sees(stores: Stores, defect: str) -> None:
    role, statement, expected = DEFECTS[defect]
    stores[role].execute(statement)
    assert kinds(stores) == expected.split()


def set_batch(stores: Stores, seq: int, **changes: object) -> None:
    """Seals the batches from there on anew, as a program that does it wrong would."""
    place = Place(stores["exchange"])
    head = None
    for row in place.records("SELECT * FROM bh_batch ORDER BY epoch, seq"):
        if row["seq"] < seq:
            continue
        row |= changes if row["seq"] == seq else {"prev_hash": head}
        head = batch_hash(row)
        sets = ", ".join(f'"{name}" = ?' for name in row)
        values = [*(row | {"batch_hash": head}).values(), row["seq"]]
        stores["exchange"].execute(f"UPDATE bh_batch SET {sets} WHERE seq = ?", values)
        stores["target"].execute(
            "UPDATE bh_receipt SET batch_hash = ? WHERE seq = ?", (head, row["seq"])
        )
    stores["target"].execute("UPDATE bh_position SET head_hash = ?", (head,))


WRONGLY_SEALED = {
    "a hole between windows": ({"window_low": "2026-01-01T01:00:00.000000Z"}, "books"),
    "an end below the watermark": ({"window_high": "2025-01-01T00:00:00.000000Z"}, "books"),
    "another configuration": ({"content_hash": "other"}, "books"),
    "an image behind changes": ({"kind": "first"}, "books falsely_reconciled order"),
    "more inserted": ({"inserted": 2, "updated": 0}, "books falsely_reconciled"),
    "less than nothing": ({"unchanged": -1, "superseded": 1}, "books"),
    "later than read": ({"late": 3}, "books"),
    "the digest of nothing": ({"digest": digest_of([])}, "books falsely_reconciled"),
}


@pytest.mark.parametrize("what", WRONGLY_SEALED)
def test_sees_what_was_sealed_wrongly(stores: Stores, what: str) -> None:
    """All hashes fit, and yet it cannot be."""
    changes, expected = WRONGLY_SEALED[what]
    set_batch(stores, 2, **changes)
    assert kinds(stores) == expected.split()


def test_sees_an_image_whose_rows_were_altered(stores: Stores) -> None:
    exchange = stores["exchange"]
    exchange.execute("DELETE FROM bh_change_j")
    exchange.execute("UPDATE bh_copy_j SET bh_seq = 1")
    for table in ("bh_batch", "bh_batch_event"):
        exchange.execute(f"DELETE FROM {table} WHERE seq = 2")
    oracle = judged(stores)
    (found,) = oracle.recounted()
    assert "another digest" in str(found)


# -- what was cut off ------------------------------------------------------------------------------


def undelivered(stores: Stores) -> None:
    """The second batch is sealed, and has not gone out."""
    stores["exchange"].execute("DELETE FROM bh_batch_event WHERE number > 4")
    nothing = ", ".join(f"received_{n} = NULL" for n in ("total", "inserted", "updated"))
    stores["exchange"].execute(
        f"UPDATE bh_batch SET state = 'sealed', deviation = NULL, received_deleted = NULL, "
        f"received_digest = NULL, {nothing} WHERE seq = 2"
    )
    stores["target"].execute("DELETE FROM bh_receipt WHERE seq = 2")
    head = stores["exchange"].execute("SELECT batch_hash FROM bh_batch WHERE seq = 1").fetchone()
    stores["target"].execute("UPDATE bh_position SET seq = 1, head_hash = ?", head)
    stores["target"].execute("DELETE FROM t")
    stores["target"].execute("INSERT INTO t VALUES (1, '一'), (2, 'old'), (3, NULL)")


def test_what_is_on_its_way_is_no_false_reconciliation(stores: Stores) -> None:
    undelivered(stores)
    assert judged(stores).at_any_moment() == []
    assert {f.kind for f in judged(stores).content()} == {"differs", "extra", "lost"}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t WHERE id = 1",
        "UPDATE t SET name = 'x' WHERE id = 1",
        "INSERT INTO t VALUES (8, 'x')",
    ],
)
def test_a_false_reconciliation_is_seen_while_more_is_on_its_way(
    stores: Stores, statement: str
) -> None:
    undelivered(stores)
    stores["target"].execute(statement)
    assert {f.kind for f in judged(stores).at_any_moment()} == {"falsely_reconciled"}


def test_a_known_deviation_is_not_called_reconciled(stores: Stores) -> None:
    stores["target"].execute("DELETE FROM t WHERE id = 1")
    stores["exchange"].execute("UPDATE bh_job SET missing = 1")
    assert kinds(stores) == ["lost"]


# -- restored stores -------------------------------------------------------------------------------


def resynced(stores: Stores, prev_hash: str) -> None:
    """A second epoch that hangs on `prev_hash`, delivered."""
    rows = [("1", "一"), ("2", "two\t"), ("4", "")]
    kind = {"epoch": 2, "kind": "resync", "read": 3, "inserted": 3}
    image = batch(1, prev_hash, [line_of(row) for row in rows], **kind)
    keep(stores, image, 10)
    stores["exchange"].execute("DELETE FROM bh_change_j")
    stores["exchange"].execute("UPDATE bh_copy_j SET bh_epoch = 2, bh_seq = 1")
    stores["exchange"].execute("UPDATE bh_job SET epoch = 2, anchor_hash = ?", (prev_hash,))
    head = image["batch_hash"]
    stores["target"].execute("UPDATE bh_position SET epoch = 2, seq = 1, head_hash = ?", (head,))


def hash_of(stores: Stores, seq: int) -> str:
    found = stores["exchange"].execute("SELECT batch_hash FROM bh_batch WHERE seq = ?", (seq,))
    return str(found.fetchone()[0])


def test_a_new_epoch(stores: Stores) -> None:
    resynced(stores, hash_of(stores, 2))
    assert kinds(stores) == []


def test_a_new_epoch_that_hangs_elsewhere(stores: Stores) -> None:
    resynced(stores, hash_of(stores, 1))
    assert kinds(stores) == ["order"]


def test_a_new_epoch_that_hangs_nowhere(stores: Stores) -> None:
    resynced(stores, "1" * 64)
    assert kinds(stores) == ["fork", "order"]


def forget_sealed(stores: Stores) -> None:
    for table in ("bh_batch", "bh_batch_event"):
        stores["exchange"].execute(f"DELETE FROM {table} WHERE epoch = 1 AND seq = 2")


def forget_applied(stores: Stores) -> None:
    stores["target"].execute("DELETE FROM bh_receipt WHERE epoch = 1 AND seq = 2")


@pytest.mark.parametrize(("restore", "stood_at"), [(forget_sealed, 2), (forget_applied, 1)])
def test_a_restored_store_that_was_put_right(
    stores: Stores, restore: Callable[[Stores], None], stood_at: int
) -> None:
    resynced(stores, hash_of(stores, stood_at))
    restore(stores)
    assert kinds(stores) == []


@pytest.mark.parametrize(
    ("restore", "stood_at", "expected"),
    [(forget_sealed, 1, "gap order"), (forget_applied, 2, "order receipt")],
)
def test_a_restored_store_that_nobody_noticed(
    stores: Stores, restore: Callable[[Stores], None], stood_at: int, expected: str
) -> None:
    resynced(stores, hash_of(stores, stood_at))
    restore(stores)
    assert kinds(stores) == expected.split()


# -- the oracle itself -----------------------------------------------------------------------------


def test_counts_no_key_as_set_aside_that_the_test_does_not_name(stores: Stores) -> None:
    found = judged(stores, replace(SUBJECT, without=frozenset())).findings()
    assert [finding.kind for finding in found] == ["lost", "lost"]


@pytest.mark.parametrize(
    ("native", "text", "expected"),
    [
        ("numeric(10,2)", "1.50", "1.5"),
        ("decimal(5,1)", "-0.0", "0"),
        ("numeric", "100", "100"),
        ("numeric", "NaN", "NaN"),
        ("money", "-$1,234.50", "-1234.5"),
        ("double precision", "1e+15", "1e+15"),
        ("double", "1000000000000000.0", "1e+15"),
        ("double precision", "123456789012345", "123456789012345"),
        ("double precision", "0.0001", "0.0001"),
        ("double precision", "1e-05", "1e-05"),
        ("real", "1.5e-45", "1.5e-45"),
        ("double precision", "-0", "0"),
        ("double precision", "1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("double precision", "-Infinity", "-Infinity"),
        ("boolean", "1", "true"),
        ("bit(1)", "1", "1"),
        ("bytea", "\\x00ff", "00ff"),
        ("datetime(6)", "2024-02-29 12:00:00.120000", "2024-02-29 12:00:00.12"),
        ("datetime(6) in utc", "2024-02-29 12:00:00.000000", "2024-02-29 12:00:00+00"),
        ("time(6)", "12:30:00.500000", "12:30:00.5"),
        ("time with time zone", "12:30:00.5+10:00", "12:30:00.5+10:00"),
        ("timestamp with time zone", "2024-02-29 04:00:00.1+00", "2024-02-29 04:00:00.1+00"),
        ("varchar(9)", " a ", " a "),
        ("integer[]", "{1,NULL}", "{1,NULL}"),
        ("timestamptz(6)", "2026-01-02 03:04:05.6+00", "2026-01-02 03:04:05.6+00"),
    ],
)
def test_a_canonical_text(native: str, text: str, expected: str) -> None:
    assert canonical(text, native) == expected


def test_the_worked_examples_of_the_page() -> None:
    row = line_of(["7", "A\\B", "12.5", None, "2024-02-29 04:00:00+00"])
    page = Path("docs/canonical.md").read_text("utf-8")
    assert f"digest  {digest_of([row])}" in page
    assert f"digest  {digest_of([row, '8' + chr(9) + chr(92) + 'D'])}" in page


def test_imports_nothing_of_ours() -> None:
    files = list(Path("tests/oracle").glob("*.py"))
    assert len(files) > 5
    for file in files:
        tree = ast.parse(file.read_text("utf-8"))
        names = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        names += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        assert not {str(n).partition(".")[0] for n in names} & {"bridge", "connectors", "reconcile"}
