"""Run by Alembic; its caller hands over the connection or dialect and the version table."""

from __future__ import annotations

from alembic import context

from bridge.ledger.migrations import restartable  # noqa: F401 — known to Alembic once imported

given = context.config.attributes
options = {"version_table": given["version_table"]}
if context.is_offline_mode():
    context.configure(dialect_name=given["dialect"].name, literal_binds=True, **options)
else:
    context.configure(connection=given["connection"], **options)
with context.begin_transaction():
    context.run_migrations()
