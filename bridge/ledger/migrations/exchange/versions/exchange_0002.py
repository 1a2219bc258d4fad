"""Files that a source is made of, and where in its file a quarantined row stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.ledger.columntype import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "bh_file",
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("job", sa.String(128), nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, autoincrement=False)
            for name in ("epoch", "seq")
        ),
        sa.Column("name", sa.Text, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("size_bytes", "modified_ns", "rows", "blank")
        ),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("taken_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("department", "job", "epoch", "seq"),
    )
    op.add_column("bh_quarantine", sa.Column("place", sa.Text))
