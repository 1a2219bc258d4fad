"""The oracle sees each defect that it is there to see, and nothing where there is none."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle import Oracle, Place, Subject, batch_hash

ZEROS = "0" * 64
LEDGER = (
    "CREATE TABLE bh_batch (department, job, epoch, seq, kind, state, content_hash, prev_hash, "
    "batch_hash, window_low, window_high, key_low, key_high, last, read, gone, inserted, updated, "
    "deleted, unchanged, superseded, quarantined, late, digest, received_total, received_inserted, "
    "received_updated, received_deleted, received_digest, deviation)"
)
RECEIVER = (
    "CREATE TABLE bh_receipt (department, job, epoch, seq, batch_hash, total, inserted, updated, "
    "deleted, digest)",
    "CREATE TABLE bh_position (department, job, epoch, seq, head_hash)",
)
SUBJECT = Subject("d", "j", "t", "t", ("id",), {"id": "number", "name": "text"})


def insert(store: sqlite3.Connection, table: str, **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


def batch(seq: int, prev_hash: str, **more: object) -> dict[str, object]:
    zero = dict.fromkeys(("gone", "updated", "deleted", "unchanged", "superseded"), 0)
    zero |= dict.fromkeys(("quarantined", "late", "deviation"), 0)
    sent = {"inserted": 2, "read": 2, "digest": f"digest {seq}"}
    received = {"received_updated": 0, "received_deleted": 0, "received_digest": f"digest {seq}"}
    made: dict[str, object] = {
        "department": "d", "job": "j", "epoch": 1, "seq": seq, "kind": "data",
        "state": "reconciled", "content_hash": "c", "prev_hash": prev_hash, "window_low": None,
        "window_high": "2026-01-01T00:00:00.000000Z", "key_low": None, "key_high": None, "last": 1,
        "received_total": 2, "received_inserted": 2,
    } | zero | sent | received | more  # fmt: skip
    return made | {"batch_hash": batch_hash(made)}


@pytest.fixture
def stores() -> Iterator[dict[str, sqlite3.Connection]]:
    """Two sealed batches of two rows each, delivered and receipted."""
    opened = {role: sqlite3.connect(":memory:") for role in ("source", "exchange", "target")}
    rows = [(1, "一"), (2, "two"), (3, None), (4, "")]
    for role, table in (("source", "t"), ("exchange", "bh_copy_j"), ("target", "t")):
        opened[role].execute(f"CREATE TABLE {table} (id, name)")
        opened[role].executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
    opened["exchange"].execute(LEDGER)
    for statement in RECEIVER:
        opened["target"].execute(statement)
    head = ZEROS
    for seq in (1, 2):
        made = batch(seq, head)
        head = str(made["batch_hash"])
        insert(opened["exchange"], "bh_batch", **made)
        insert(
            opened["target"], "bh_receipt", department="d", job="j", epoch=1, seq=seq, updated=0,
            batch_hash=head, total=2, inserted=2, deleted=0, digest=f"digest {seq}",
        )  # fmt: skip
    insert(opened["target"], "bh_position", department="d", job="j", epoch=1, seq=2, head_hash=head)
    yield opened
    for store in opened.values():
        store.close()


def kinds(stores: dict[str, sqlite3.Connection]) -> list[str]:
    places = [Place(stores[role]) for role in ("source", "exchange", "target")]
    return sorted({finding.kind for finding in Oracle(*places, SUBJECT).findings()})


def test_nothing_wrong(stores: dict[str, sqlite3.Connection]) -> None:
    assert kinds(stores) == []


DEFECTS = {
    "lost at the target": ("target", "DELETE FROM t WHERE id = 3", "falsely_reconciled lost"),
    "lost on the way in": ("source", "INSERT INTO t VALUES (5, 'five')", "lost"),
    "twice": ("target", "INSERT INTO t VALUES (3, NULL)", "falsely_reconciled twice"),
    "extra": ("target", "INSERT INTO t VALUES (9, 'x')", "extra falsely_reconciled"),
    "differs": ("target", "UPDATE t SET name = ' ' WHERE id = 4", "differs falsely_reconciled"),
    "null is not empty": (
        "target", "UPDATE t SET name = '' WHERE id = 3", "differs falsely_reconciled",
    ),
    "missed change": ("source", "UPDATE t SET name = 'new' WHERE id = 1", "differs"),
    "a batch is missing": ("exchange", "DELETE FROM bh_batch WHERE seq = 1", "gap"),
    "the last is missing": ("exchange", "DELETE FROM bh_batch WHERE seq = 2", "gap"),
    "hash": ("exchange", "UPDATE bh_batch SET digest = 'x', received_digest = 'x' WHERE seq = 2",
             "fork receipt"),
    "chain": ("exchange", f"UPDATE bh_batch SET prev_hash = '{ZEROS}' WHERE seq = 2", "fork"),
    "balance": ("exchange", "UPDATE bh_batch SET read = 3 WHERE seq = 1", "books fork"),
    "said to be equal": (
        "exchange", "UPDATE bh_batch SET received_inserted = 1, received_updated = 1 WHERE seq = 1",
        "falsely_reconciled receipt",
    ),
    "receipt": ("target", "UPDATE bh_receipt SET total = 3 WHERE seq = 1", "receipt"),
    "no receipt": ("target", "DELETE FROM bh_receipt WHERE seq = 1", "receipt"),
    "two receipts": ("target", "INSERT INTO bh_receipt SELECT * FROM bh_receipt", "receipt"),
    "position": ("target", "UPDATE bh_position SET seq = 1", "gap"),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_sees(stores: dict[str, sqlite3.Connection], defect: str) -> None:
    role, statement, expected = DEFECTS[defect]
    stores[role].execute(statement)
    assert kinds(stores) == expected.split()


def test_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path("tests/oracle.py").read_text("utf-8"))
    names = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    names += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    assert not {str(n).partition(".")[0] for n in names} & {"bridge", "connectors", "reconcile"}
