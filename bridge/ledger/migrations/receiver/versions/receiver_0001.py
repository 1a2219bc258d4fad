"""Positions, receipts and claims, and the view by which the central platform watches."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.ledger.columntype import Instant, name_type, seconds_since

revision = "0001"
down_revision = None

_HEALTH = """
CREATE VIEW bh_health AS
SELECT
    p.department,
    p.job,
    p.epoch,
    p.seq,
    r.applied_at AS last_batch_at,
    r.kind AS last_batch_kind,
    r.window_high AS last_window_high,
    (
        SELECT max(e.applied_at)
        FROM bh_receipt e
        WHERE e.department = p.department AND e.job = p.job AND e.kind = 'empty'
    ) AS last_empty_at,
    coalesce(p.stalled, r.verdict) AS verdict,
    s.batches,
    s.received_total,
    s.received_inserted,
    s.received_updated,
    s.received_deleted,
    s.deviations,
    s.misfits,
    {lag} AS lag_seconds
FROM bh_position p
LEFT JOIN bh_receipt r
    ON r.department = p.department AND r.job = p.job AND r.epoch = p.epoch AND r.seq = p.seq
LEFT JOIN (
    SELECT
        department,
        job,
        epoch,
        count(*) AS batches,
        CAST(sum(total) AS {long}) AS received_total,
        CAST(sum(inserted) AS {long}) AS received_inserted,
        CAST(sum(updated) AS {long}) AS received_updated,
        CAST(sum(deleted) AS {long}) AS received_deleted,
        sum(CASE WHEN verdict = 'reconciled' THEN 0 ELSE 1 END) AS deviations,
        CAST(sum(insert_updated + update_inserted + delete_missing) AS {long}) AS misfits
    FROM bh_receipt
    GROUP BY department, job, epoch
) s ON s.department = p.department AND s.job = p.job AND s.epoch = p.epoch
"""


_TRUTH = sa.Boolean().with_variant(sa.SmallInteger(), "oracle")  # it has booleans from 23 on


def upgrade() -> None:
    op.create_table(
        "bh_position",
        *_job(),
        _count("epoch"),
        _count("seq"),
        sa.Column("head_hash", sa.String(64), nullable=False),
        _count("token"),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("stalled", sa.String(16)),
        sa.Column("stalled_at", Instant),
        sa.PrimaryKeyConstraint("department", "job"),
    )
    op.create_table(
        "bh_receipt",
        *_job(),
        _count("epoch"),
        _count("seq"),
        sa.Column("batch_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("window_high", Instant, nullable=False),
        _count("total"),
        _count("inserted"),
        _count("updated"),
        _count("deleted"),
        sa.Column("digest", sa.String(64), nullable=False),
        _count("insert_updated"),
        _count("update_inserted"),
        _count("delete_missing"),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("applied_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("department", "job", "epoch", "seq"),
    )
    op.create_index("bh_receipt_hash", "bh_receipt", ["department", "job", "batch_hash"])
    op.create_index("bh_receipt_kind", "bh_receipt", ["department", "job", "kind", "applied_at"])
    op.create_table(
        "bh_claim",
        sa.Column("table_schema", name_type(), nullable=False),
        sa.Column("table_name", name_type(), nullable=False),
        *_job(),
        sa.Column("owned", _TRUTH, nullable=False),
        sa.Column("claimed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("table_schema", "table_name"),
    )
    context = op.get_context()
    if context.as_sql or not sa.inspect(op.get_bind()).has_table("bh_health"):
        op.execute(_HEALTH.format(**_spelling(context.dialect)))


def _spelling(dialect: sa.Dialect) -> dict[str, object]:
    lag = seconds_since(sa.literal_column("r.window_high"))
    long = {"mysql": "SIGNED", "oracle": "NUMBER(19)"}.get(dialect.name, "BIGINT")
    return {"lag": lag.compile(dialect=dialect), "long": long}


def _job() -> list[sa.Column[Any]]:
    names = {"department": sa.String(32), "job": name_type()}
    return [sa.Column(name, kind, nullable=False) for name, kind in names.items()]


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False)
