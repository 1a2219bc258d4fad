"""The ledger's tables at the exchange.

No table names a schema: the connection's search path decides where they live. What is derived is
not stored: watermark, seq and head are read from `bh_batch`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    MetaData,
    String,
    Table,
    Text,
)

from bridge.ledger.column import department_column, hash_column, job_column, number_column
from bridge.ledger.columntype import Instant, LongText, long_integer

__all__ = [
    "CONTENT",
    "EXCHANGE",
    "EXCHANGE_VERSION",
    "alarm_row",
    "audit_entry",
    "batch_event",
    "batch_row",
    "candidate_row",
    "event_row",
    "file_row",
    "job_row",
    "known_row",
    "quarantine_row",
    "structure_row",
]

EXCHANGE_VERSION = "0007"
"""The newest migration, so that an up-to-date database is known without loading Alembic."""


CONTENT = ("exchange_rows", "target_rows", "missing", "extra", "different")
"""What a comparison of contents counts."""

EXCHANGE = MetaData()
"""The exchange database's own tables."""

job_row = Table(
    "bh_job",
    EXCHANGE,
    department_column(primary_key=True),
    job_column(primary_key=True),
    number_column("token"),  # who may write: the run that took it last
    number_column("epoch"),
    hash_column("anchor_hash"),  # prev_hash of this epoch's first batch
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
    department_column(primary_key=True),
    job_column(primary_key=True),
    number_column("epoch", primary_key=True, autoincrement=False),
    number_column("seq", primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    hash_column("content_hash"),
    hash_column("prev_hash"),
    hash_column("batch_hash"),
    Column("window_low", Instant),
    Column("window_high", Instant, nullable=False),
    Column("key_low", Text),
    Column("key_high", Text),
    Column("last", Boolean, nullable=False),
    number_column("read"),
    number_column("gone"),
    number_column("inserted"),
    number_column("updated"),
    number_column("deleted"),
    number_column("unchanged"),
    number_column("superseded"),
    number_column("quarantined"),
    number_column("late"),
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
    department_column(),
    job_column(),
    number_column("epoch"),
    number_column("seq"),
    Column("at", Instant, nullable=False),
    Column("before", String(16)),
    Column("after", String(16), nullable=False),
    number_column("token"),
    Column("note", Text),
    Index("bh_batch_event_batch", "department", "job", "epoch", "seq"),
)

candidate_row = Table(
    "bh_candidate",
    EXCHANGE,
    department_column(primary_key=True),
    job_column(primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("tokens", LongText(), nullable=False),  # JSON array
)

quarantine_row = Table(
    "bh_quarantine",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    department_column(),
    job_column(),
    Column("key", Text, nullable=False),  # JSON array of canonical texts, ASCII
    Column("open_key", String(64)),  # SHA-256 of the key while open, then NULL: one open per key
    Column("column", String(128)),
    Column("reason", String(64), nullable=False),
    Column("sample", Text),  # masked
    number_column("epoch"),
    number_column("seq"),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    number_column("seen"),
    Column("closed_at", Instant),
    Column("closed_why", Text),
    Column("place", Text),  # where in its file the row stands
    Index("bh_quarantine_open", "department", "job", "open_key", unique=True),
)

file_row = Table(
    "bh_file",
    EXCHANGE,
    department_column(primary_key=True),
    job_column(primary_key=True),
    number_column("epoch", primary_key=True, autoincrement=False),
    number_column("seq", primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    number_column("size_bytes"),
    number_column("modified_ns"),
    number_column("rows"),
    number_column("blank"),
    Column("sha256", String(64), nullable=False),
    Column("taken_at", Instant, nullable=False),
)

event_row = Table(
    "bh_event",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    department_column(),
    job_column(),  # empty for what concerns no single job
    Column("kind", String(16), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("open_key", String(64)),  # SHA-256 of kind and subject while open, then NULL
    Column("facts", Text, nullable=False),  # JSON: numbers, names, our own messages
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    number_column("seen"),
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
    department_column(),
    number_column("event"),
    Column("rule", String(128), nullable=False),
    Column("occasion", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    number_column("tries"),
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
    department_column(),
    Column("job", String(128)),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("details", LongText(), nullable=False),  # canonical JSON
    hash_column("prev_hash"),
    hash_column("hash"),
)

known_row = Table(
    "bh_known",
    EXCHANGE,
    department_column(primary_key=True),
    job_column(primary_key=True),
    Column("known_at", Instant, nullable=False),
)
"""Since when it is known that there is such a job, whether or not it has ever run."""

structure_row = Table(
    "bh_structure",
    EXCHANGE,
    Column("number", long_integer(), primary_key=True, autoincrement=True),
    department_column(),
    Column("endpoint", String(128), nullable=False),
    Column("table_schema", String(128), nullable=False),  # empty where none was named
    Column("table_name", String(128), nullable=False),
    Column("collected_at", Instant, nullable=False),  # first found like this
    Column("seen_at", Instant, nullable=False),  # last found like this
    Column("structure", LongText()),  # canonical JSON; NULL once the table is gone
    Index("bh_structure_table", "department", "endpoint", "table_name"),
)
