"""In which schema a job's table was found, and in which time zone its stamps were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("bh_job", sa.Column("source_schema", sa.String(128)))
    op.add_column("bh_job", sa.Column("stamp_zone", sa.String(64)))
