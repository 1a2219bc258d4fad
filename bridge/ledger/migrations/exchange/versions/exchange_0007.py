"""Which table a job fills, and whether all of its image has been sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("bh_job", sa.Column("fills", sa.String(64)))
    op.add_column("bh_job", sa.Column("image_seq", sa.BigInteger))
