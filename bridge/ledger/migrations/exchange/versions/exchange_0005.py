"""Structures that were collected, and since when a job is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.ledger.columntype import Instant, LongText, long_integer

revision = "0005"
down_revision = "0004"

_PLACE = ("endpoint", "table_schema", "table_name")


def upgrade() -> None:
    op.create_table(
        "bh_known",
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("job", sa.String(128), nullable=False),
        sa.Column("known_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("department", "job"),
    )
    op.create_table(
        "bh_structure",
        sa.Column("number", long_integer(), primary_key=True, autoincrement=True),
        sa.Column("department", sa.String(32), nullable=False),
        *(sa.Column(name, sa.String(128), nullable=False) for name in _PLACE),
        sa.Column("collected_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("structure", LongText()),
    )
    of_table = ["department", "endpoint", "table_name"]
    op.create_index("bh_structure_table", "bh_structure", of_table)
