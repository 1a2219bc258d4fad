"""The receiver's tables at the target. As at the exchange, none names a schema."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, MetaData, String, Table

from bridge.ledger.column import department_column, hash_column, job_column, number_column
from bridge.ledger.columntype import Instant, name_type

__all__ = [
    "RECEIVER",
    "RECEIVER_VERSION",
    "RELEASED",
    "claim_row",
    "health_view",
    "position_row",
    "receipt_row",
]

RECEIVER_VERSION = "0001"
"""The newest migration, so that an up-to-date database is known without loading Alembic."""

RELEASED = "released"

RECEIVER = MetaData()
"""The target's own tables."""

position_row = Table(
    "bh_position",
    RECEIVER,
    department_column(primary_key=True),
    job_column(primary_key=True),
    number_column("epoch"),
    number_column("seq"),
    hash_column("head_hash"),
    number_column("token"),
    Column("updated_at", Instant, nullable=False),
    Column("stalled", String(16)),  # gap, fork or released, until the job goes on
    Column("stalled_at", Instant),
)

receipt_row = Table(
    "bh_receipt",
    RECEIVER,
    department_column(primary_key=True),
    job_column(primary_key=True),
    number_column("epoch", primary_key=True, autoincrement=False),
    number_column("seq", primary_key=True, autoincrement=False),
    hash_column("batch_hash"),
    Column("kind", String(16), nullable=False),
    Column("window_high", Instant, nullable=False),
    number_column("total"),
    number_column("inserted"),
    number_column("updated"),
    number_column("deleted"),
    Column("digest", String(64), nullable=False),
    number_column("insert_updated"),
    number_column("update_inserted"),
    number_column("delete_missing"),
    Column("verdict", String(16), nullable=False),
    Column("applied_at", Instant, nullable=False),
    Index("bh_receipt_hash", "department", "job", "batch_hash"),
    Index("bh_receipt_kind", "department", "job", "kind", "applied_at"),
)

claim_row = Table(
    "bh_claim",
    RECEIVER,
    Column("table_schema", name_type(), primary_key=True),
    Column("table_name", name_type(), primary_key=True),
    department_column(),
    job_column(),
    Column("owned", Boolean, nullable=False),  # made by us, and holds nothing else
    Column("claimed_at", Instant, nullable=False),
)


health_view = Table(
    "bh_health",
    MetaData(),
    department_column(),
    job_column(),
    number_column("epoch"),
    number_column("seq"),  # of the last batch applied; 0 before the first
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

`verdict` is the receiver's own: `gap` or `fork` while it is stalled, `released` once the table was
given up and the job fills no other there, else what its measurement of
the last batch said against the manifest. Received sums, `deviations` (batches that differed) and
`misfits` are of the current epoch. `lag_seconds` is the age of the newest state known here: from
the end of the last batch's window to now. A job that has nothing to send still moves it, by empty
batches.
"""
