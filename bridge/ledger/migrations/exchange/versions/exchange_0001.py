"""Jobs, batches and their events, candidates, quarantine and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.ledger.columntype import Instant, LongText, long_integer

revision = "0001"
down_revision = None

_COUNTS = [
    *("read", "gone", "inserted", "updated", "deleted"),
    *("unchanged", "superseded", "quarantined", "late"),
]
_RECEIVED = ["received_total", "received_inserted", "received_updated", "received_deleted"]
_NO_HASH = "0" * 64


def upgrade() -> None:
    _jobs()
    _batches()
    _candidates()
    _quarantine()
    _audit()


_CONTENT = ("exchange_rows", "target_rows", "missing", "extra", "different")


def _jobs() -> None:
    op.create_table(
        "bh_job",
        *_job(),
        _count("token"),
        _count("epoch"),
        _hash("anchor_hash"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("enabled_by", sa.String(128)),
        sa.Column("enabled_at", Instant),
        sa.Column("looked_at", Instant),
        sa.Column("swept_at", Instant),
        sa.Column("sweep_key", sa.Text),
        sa.Column("ran_at", Instant),
        sa.Column("ran_verdict", sa.String(16)),
        sa.Column("ran_error", sa.Text),
        sa.Column("compared_at", Instant),
        *(sa.Column(name, sa.BigInteger) for name in _CONTENT),
        sa.PrimaryKeyConstraint("department", "job"),
    )


def _batches() -> None:
    op.create_table(
        "bh_batch",
        *_job(),
        _count("epoch"),
        _count("seq"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *(_hash(name) for name in ("content_hash", "prev_hash", "batch_hash")),
        sa.Column("window_low", Instant),
        sa.Column("window_high", Instant, nullable=False),
        sa.Column("key_low", sa.Text),
        sa.Column("key_high", sa.Text),
        sa.Column("last", sa.Boolean, nullable=False),
        *(_count(name) for name in _COUNTS),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed_at", Instant, nullable=False),
        sa.Column("applied_at", Instant),
        sa.Column("reconciled_at", Instant),
        *(sa.Column(name, sa.BigInteger) for name in _RECEIVED),
        sa.Column("received_digest", sa.String(64)),
        sa.Column("deviation", sa.BigInteger),
        sa.Column("cause", sa.String(64)),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("department", "job", "epoch", "seq"),
    )
    op.create_index("bh_batch_state", "bh_batch", ["department", "state", "job"])
    op.create_index("bh_batch_sealed", "bh_batch", ["department", "job", "sealed_at"])
    op.create_table(
        "bh_batch_event",
        sa.Column("number", long_integer(), primary_key=True, autoincrement=True),
        *_job(),
        _count("epoch"),
        _count("seq"),
        sa.Column("at", Instant, nullable=False),
        sa.Column("before", sa.String(16)),
        sa.Column("after", sa.String(16), nullable=False),
        _count("token"),
        sa.Column("note", sa.Text),
    )
    of_batch = ["department", "job", "epoch", "seq"]
    op.create_index("bh_batch_event_batch", "bh_batch_event", of_batch)


def _candidates() -> None:
    op.create_table(
        "bh_candidate",
        *_job(),
        sa.Column("at", Instant, nullable=False),
        sa.Column("tokens", LongText(), nullable=False),
        sa.PrimaryKeyConstraint("department", "job", "at"),
    )


def _quarantine() -> None:
    op.create_table(
        "bh_quarantine",
        sa.Column("number", long_integer(), primary_key=True, autoincrement=True),
        *_job(),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("open_key", sa.String(64)),
        sa.Column("column", sa.String(128)),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("sample", sa.Text),
        _count("epoch"),
        _count("seq"),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
        _count("seen"),
        sa.Column("closed_at", Instant),
        sa.Column("closed_why", sa.Text),
    )
    open_ones = ["department", "job", "open_key"]
    op.create_index("bh_quarantine_open", "bh_quarantine", open_ones, unique=True)


def _audit() -> None:
    audit = op.create_table(
        "bh_audit",
        _count("number"),
        sa.Column("at", Instant, nullable=False),
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("job", sa.String(128)),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("details", LongText(), nullable=False),
        _hash("prev_hash"),
        _hash("hash"),
        sa.PrimaryKeyConstraint("number"),
    )
    hashes = {"prev_hash": _NO_HASH, "hash": _NO_HASH}
    words = {"department": "", "job": None, "actor": "bridgehead", "action": "begin"}
    anchor = {"number": 0, "at": datetime.now(UTC), "details": "{}"} | words | hashes
    op.bulk_insert(audit, [anchor])


def _job() -> list[sa.Column[Any]]:
    names = {"department": 32, "job": 128}
    return [sa.Column(name, sa.String(length), nullable=False) for name, length in names.items()]


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False)


def _hash(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(64), nullable=False)
