"""The ledger's tables at the exchange and the receiver's at the target.

No table names a schema: the connection's search path decides where they live. What is derived is
not stored: watermark, seq and head are read from `bh_batch`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    MetaData,
    String,
    Table,
    Text,
)

from bridge.ledger.columntype import Instant, LongText, long_integer

__all__ = [
    "CONTENT",
    "EXCHANGE",
    "EXCHANGE_VERSION",
    "RECEIVER",
    "RECEIVER_VERSION",
    "alarm_row",
    "audit_entry",
    "batch_event",
    "batch_row",
    "candidate_row",
    "claim_row",
    "event_row",
    "file_row",
    "health_view",
    "job_row",
    "known_row",
    "position_row",
    "quarantine_row",
    "receipt_row",
    "structure_row",
]

EXCHANGE_VERSION = "0007"
RECEIVER_VERSION = "0001"
"""The newest migrations, so that an up-to-date database is known without loading Alembic."""


def _department(**options: Any) -> Column[str]:
    return Column("department", String(32), nullable=False, **options)


def _job(**options: Any) -> Column[str]:
    return Column("job", String(128), nullable=False, **options)


def _number(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def _hash(name: str) -> Column[str]:
    return Column(name, String(64), nullable=False)


CONTENT = ("exchange_rows", "target_rows", "missing", "extra", "different")
"""What a comparison of contents counts."""

EXCHANGE = MetaData()
"""The exchange database's own tables."""

job_row = Table(
    "bh_job",
    EXCHANGE,
    _department(primary_key=True),
    _job(primary_key=True),
    _number("token"),  # who may write: the run that took it last
    _number("epoch"),
    _hash("anchor_hash"),  # prev_hash of this epoch's first batch
    Column("enabled", Boolean, nullable=False),
    Column("enabled_by", String(128)),
    Column("enabled_at", Instant),
    Column("looked_at", Instant),
    Column("swept_at", Instant),
    Column("sweep_key", Text),  # where a sweep under a budget goes on
    Column("ran_at", Instant),  # how the last run ended
    Column("ran_verdict", String(16)),
    Column("ran_error", Text),
    Column("ran_milliseconds", BigInteger),
    Column("compared_at", Instant),  # L3, of this epoch: what the stores held
    *(Column(name, BigInteger) for name in CONTENT),
    Column("source_schema", String(128)),  # as its image began; of files, the folder they lay in
    Column("stamp_zone", String(64)),  # of stamps without one, as they were read last
    Column("fills", String(64)),  # the target's table, by a digest of its place
    Column("image_seq", BigInteger),  # the epoch's image ends with that batch; empty until it does
)

batch_row = Table(
    "bh_batch",
    EXCHANGE,
    _department(primary_key=True),
    _job(primary_key=True),
    _number("epoch", primary_key=True, autoincrement=False),
    _number("seq", primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    _hash("content_hash"),
    _hash("prev_hash"),
    _hash("batch_hash"),
    Column("window_low", Instant),
    Column("window_high", Instant, nullable=False),
    Column("key_low", Text),
    Column("key_high", Text),
    Column("last", Boolean, nullable=False),
    _number("read"),
    _number("gone"),
    _number("inserted"),
    _number("updated"),
    _number("deleted"),
    _number("unchanged"),
    _number("superseded"),
    _number("quarantined"),
    _number("late"),
    Column("digest", String(64), nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("reconciled_at", Instant),
    Column("received_total", BigInteger),
    Column("received_inserted", BigInteger),
    Column("received_updated", BigInteger),
    Column("received_deleted", BigInteger),
    Column("received_digest", String(64)),
    Column("deviation", BigInteger),
    Column("cause", String(64)),
    Column("note", Text),
    Index("bh_batch_state", "department", "state", "job"),
    Index("bh_batch_sealed", "department", "job", "sealed_at"),
    Index("bh_batch_reconciled", "department", "job", "reconciled_at"),
)

batch_event = Table(
    "bh_batch_event",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    _department(),
    _job(),
    _number("epoch"),
    _number("seq"),
    Column("at", Instant, nullable=False),
    Column("before", String(16)),
    Column("after", String(16), nullable=False),
    _number("token"),
    Column("note", Text),
    Index("bh_batch_event_batch", "department", "job", "epoch", "seq"),
)

candidate_row = Table(
    "bh_candidate",
    EXCHANGE,
    _department(primary_key=True),
    _job(primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("tokens", LongText(), nullable=False),  # JSON array
)

quarantine_row = Table(
    "bh_quarantine",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    _department(),
    _job(),
    Column("key", Text, nullable=False),  # JSON array of canonical texts, ASCII
    Column("open_key", String(64)),  # SHA-256 of the key while open, then NULL: one open per key
    Column("column", String(128)),
    Column("reason", String(64), nullable=False),
    Column("sample", Text),  # masked
    _number("epoch"),
    _number("seq"),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    _number("seen"),
    Column("closed_at", Instant),
    Column("closed_why", Text),
    Column("place", Text),  # where in its file the row stands
    Index("bh_quarantine_open", "department", "job", "open_key", unique=True),
)

file_row = Table(
    "bh_file",
    EXCHANGE,
    _department(primary_key=True),
    _job(primary_key=True),
    _number("epoch", primary_key=True, autoincrement=False),
    _number("seq", primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    _number("size_bytes"),
    _number("modified_ns"),
    _number("rows"),
    _number("blank"),
    Column("sha256", String(64), nullable=False),
    Column("taken_at", Instant, nullable=False),
)

event_row = Table(
    "bh_event",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    _department(),
    _job(),  # empty for what concerns no single job
    Column("kind", String(16), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("open_key", String(64)),  # SHA-256 of kind and subject while open, then NULL
    Column("facts", Text, nullable=False),  # JSON: numbers, names, our own messages
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    _number("seen"),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(128)),
    Column("acknowledged_why", Text),
    Column("closed_at", Instant),
    Index("bh_event_open", "department", "job", "open_key", unique=True),
)

alarm_row = Table(
    "bh_alarm",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    _department(),
    _number("event"),
    Column("rule", String(128), nullable=False),
    Column("occasion", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    _number("tries"),
    Column("failure", Text),
    Column("sent_at", Instant),
    Index("bh_alarm_state", "department", "state", "due_at"),
    Index("bh_alarm_event", "event"),
)

audit_entry = Table(
    "bh_audit",
    EXCHANGE,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    _department(),
    Column("job", String(128)),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("details", LongText(), nullable=False),  # canonical JSON
    _hash("prev_hash"),
    _hash("hash"),
)

known_row = Table(
    "bh_known",
    EXCHANGE,
    _department(primary_key=True),
    _job(primary_key=True),
    Column("known_at", Instant, nullable=False),
)
"""Since when it is known that there is such a job, whether or not it has ever run."""

structure_row = Table(
    "bh_structure",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    _department(),
    Column("endpoint", String(128), nullable=False),
    Column("table_schema", String(128), nullable=False),  # empty where none was named
    Column("table_name", String(128), nullable=False),
    Column("collected_at", Instant, nullable=False),  # first found like this
    Column("seen_at", Instant, nullable=False),  # last found like this
    Column("structure", LongText()),  # canonical JSON; NULL once the table is gone
    Index("bh_structure_table", "department", "endpoint", "table_name"),
)

RECEIVER = MetaData()
"""The target's own tables."""

position_row = Table(
    "bh_position",
    RECEIVER,
    _department(primary_key=True),
    _job(primary_key=True),
    _number("epoch"),
    _number("seq"),
    _hash("head_hash"),
    _number("token"),
    Column("updated_at", Instant, nullable=False),
    Column("stalled", String(16)),  # gap or fork, until the job goes on
    Column("stalled_at", Instant),
)

receipt_row = Table(
    "bh_receipt",
    RECEIVER,
    _department(primary_key=True),
    _job(primary_key=True),
    _number("epoch", primary_key=True, autoincrement=False),
    _number("seq", primary_key=True, autoincrement=False),
    _hash("batch_hash"),
    Column("kind", String(16), nullable=False),
    Column("window_high", Instant, nullable=False),
    _number("total"),
    _number("inserted"),
    _number("updated"),
    _number("deleted"),
    Column("digest", String(64), nullable=False),
    _number("insert_updated"),
    _number("update_inserted"),
    _number("delete_missing"),
    Column("verdict", String(16), nullable=False),
    Column("applied_at", Instant, nullable=False),
    Index("bh_receipt_hash", "department", "job", "batch_hash"),
    Index("bh_receipt_kind", "department", "job", "kind", "applied_at"),
)

claim_row = Table(
    "bh_claim",
    RECEIVER,
    Column("table_schema", String(128), primary_key=True),
    Column("table_name", String(128), primary_key=True),
    _department(),
    _job(),
    Column("owned", Boolean, nullable=False),  # made by us, and holds nothing else
    Column("claimed_at", Instant, nullable=False),
)


health_view = Table(
    "bh_health",
    MetaData(),
    _department(),
    _job(),
    _number("epoch"),
    _number("seq"),  # of the last batch applied; 0 before the first
    Column("last_batch_at", Instant),
    Column("last_batch_kind", String(16)),
    Column("last_window_high", Instant),
    Column("last_empty_at", Instant),
    Column("verdict", String(16)),
    Column("batches", BigInteger),
    Column("received_total", BigInteger),
    Column("received_inserted", BigInteger),
    Column("received_updated", BigInteger),
    Column("received_deleted", BigInteger),
    Column("deviations", BigInteger),
    Column("misfits", BigInteger),
    Column("lag_seconds", Float),
)
"""How the central platform watches: one row per department and job.

`verdict` is the receiver's own: `gap` or `fork` while it is stalled, else what its measurement of
the last batch said against the manifest. Received sums, `deviations` (batches that differed) and
`misfits` are of the current epoch. `lag_seconds` is the age of the newest state known here: from
the end of the last batch's window to now. A job that has nothing to send still moves it, by empty
batches.
"""
