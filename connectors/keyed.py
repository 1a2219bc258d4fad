"""Key comparisons spelled out, for servers that cannot compare rows of values."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.dialect import Dialect, KeyRange, Statement
from connectors.table import Column

__all__ = ["SpelledKeys"]


class SpelledKeys(Dialect):
    """`(a, b) > (x, y)` as `a > x OR (a = x AND b > y)`, and lists of keys as alternatives."""

    def in_range(self, key: Sequence[Column], keys: KeyRange, alias: str = "") -> Statement:
        bounds = [(keys.low, ">", ">"), (keys.high, "<", "<=")]
        parts = [
            self._beyond(key, bound, alias, operator, last)
            for bound, operator, last in bounds
            if bound is not None
        ]
        sql = " AND ".join(part.sql for part in parts) or "1 = 1"
        return Statement(sql, tuple(value for part in parts for value in part.values))

    def _beyond(
        self, key: Sequence[Column], bound: Sequence[str], alias: str, operator: str, last: str
    ) -> Statement:
        alternatives: list[str] = []
        values: list[object] = []
        for place in range(len(key)):
            equal = [self._compare(c, alias, "=") for c in key[:place]]
            final = last if place == len(key) - 1 else operator
            alternatives.append(" AND ".join([*equal, self._compare(key[place], alias, final)]))
            values.extend(bound[: place + 1])
        if len(alternatives) == 1:
            return Statement(alternatives[0], tuple(values))
        return Statement(f"({' OR '.join(f'({a})' for a in alternatives)})", tuple(values))

    def bound(self, column: Column) -> str:
        """The statement's next value as one of a key column."""
        return self.parse(self.placeholder, column.type)

    def _compare(self, column: Column, alias: str, operator: str) -> str:
        left = self.ordered(self.column(alias, column.name), column)
        right = self.ordered(self.bound(column), column)
        return f"{left} {operator} {right}"

    def among(self, key: Sequence[Column], keys: Sequence[Sequence[str]]) -> Statement:
        one = " AND ".join(f"{self.quote(c.name)} = {self.bound(c)}" for c in key)
        sql = " OR ".join([f"({one})"] * len(keys))
        return Statement(f"({sql})", tuple(part for k in keys for part in k))
