"""How openGauss spells SQL: PostgreSQL's as of 9.2, without what came later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from connectors.agentdigest import AgentLines, float_mark
from connectors.canonical import NULL
from connectors.postgresql.dialect import PostgresqlDialect
from connectors.table import Kind, Type

__all__ = ["OpengaussDialect"]


class OpengaussDialect(AgentLines, PostgresqlDialect):
    """Lacks ON CONFLICT, trim_scale and sha256, and prints floats with all their digits: the agent
    computes digests."""

    returns_changes: ClassVar[bool] = False

    def temporary(self, name: str, body: str) -> Sequence[str]:
        """A temporary table outlives its transaction here."""
        return (
            f"DROP TABLE IF EXISTS {self.quote(name)}",
            f"CREATE TEMPORARY TABLE {self.quote(name)} ({body})",
        )

    def render(self, expression: str, kind: Type) -> str:
        text = f"CAST({expression} AS text)"
        if kind.kind is Kind.DECIMAL:
            text = f"CAST(CAST({expression} AS numeric) AS text)"  # or money
            return (
                f"CASE WHEN {text} LIKE '%%.%%' THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
            )
        return text if kind.kind is Kind.FLOAT else super().render(expression, kind)

    def field(self, expression: str, kind: Type) -> str:
        if kind.kind is Kind.FLOAT:
            return f"coalesce('{float_mark(kind)}' || {self.render(expression, kind)}, '{NULL}')"
        return super().field(expression, kind)
