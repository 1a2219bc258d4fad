"""Events and the alarms about them; batches by the time of their reconciliation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.ledger.columntype import Instant, long_integer

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _events()
    _alarms()
    kept = ["department", "job", "reconciled_at"]
    op.create_index("bh_batch_reconciled", "bh_batch", kept)


def _events() -> None:
    op.create_table(
        "bh_event",
        sa.Column("number", long_integer(), primary_key=True, autoincrement=True),
        *(sa.Column(name, sa.String(n), nullable=False) for name, n in _EVENT_WORDS.items()),
        sa.Column("open_key", sa.String(64)),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("acknowledged_at", Instant),
        sa.Column("acknowledged_by", sa.String(128)),
        sa.Column("acknowledged_why", sa.Text),
        sa.Column("closed_at", Instant),
    )
    open_ones = ["department", "job", "open_key"]
    op.create_index("bh_event_open", "bh_event", open_ones, unique=True)


def _alarms() -> None:
    op.create_table(
        "bh_alarm",
        sa.Column("number", long_integer(), primary_key=True, autoincrement=True),
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String(n), nullable=False) for name, n in _ALARM_WORDS.items()),
        sa.Column("queued_at", Instant, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("sent_at", Instant),
    )
    op.create_index("bh_alarm_state", "bh_alarm", ["department", "state", "due_at"])
    op.create_index("bh_alarm_event", "bh_alarm", ["event"])


_EVENT_WORDS = {"department": 32, "job": 128, "kind": 16, "subject": 128, "severity": 16}
_ALARM_WORDS = {"rule": 128, "occasion": 16, "state": 16}
