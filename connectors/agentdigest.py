r"""Digests computed by the agent, for stores whose server cannot compute them.

The server still builds the canonical lines. It cannot print a float in canonical form: such a field
stands in its line as a mark and the server's own digits, enough of them to be exact, and the agent
renders it. No canonical field begins with a mark: a backslash in a text is doubled.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from connectors.canonical import SHORT_POWERS, Digest, canonical_float
from connectors.connector import Connector, Grouped
from connectors.dialect import Dialect, Statement
from connectors.table import Type

__all__ = ["AgentDigest", "AgentLines", "canonical_real", "finished", "float_mark", "float_text"]

_DOUBLE, _REAL = "\\F", "\\G"
_SINGLE = struct.Struct("f")
_SHORT = {
    _SINGLE.pack(number): canonical_float(number)
    for power in SHORT_POWERS
    for number in (power, -power)
}
_LINES_AT_ONCE = 10_000


def float_mark(kind: Type) -> str:
    """What a float's field begins with in a line that the agent finishes."""
    return _REAL if kind.bits == 32 else _DOUBLE


def float_text(text: str | float, kind: Type) -> str:
    """The canonical text of a float that came as a number or as exact digits."""
    return canonical_real(float(text)) if kind.bits == 32 else canonical_float(float(text))


def canonical_real(value: float) -> str:
    """The fewest digits that read back to the same single-precision number."""
    if value - value != 0:
        return canonical_float(value)
    packed = _SINGLE.pack(value)
    if packed in _SHORT:
        return _SHORT[packed]
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        try:
            if _SINGLE.pack(float(text)) == packed:
                return canonical_float(float(text))
        except OverflowError:  # rounded up beyond the largest one
            continue
    return canonical_float(value)


def finished(line: str) -> str:
    """The canonical line of a line with marks."""
    if _DOUBLE not in line and _REAL not in line:
        return line
    return "\t".join(map(_field, line.split("\t")))


def _field(field: str) -> str:
    if field.startswith(_DOUBLE):
        return canonical_float(float(field[2:]))
    return canonical_real(float(field[2:])) if field.startswith(_REAL) else field


class AgentLines(Dialect):
    """A dialect whose digest query yields the lines themselves: the groups, then the line."""

    def digest(self, lines: str, groups: Sequence[str] = ()) -> str:
        return f"SELECT {', '.join([*map(self.quote, groups), 'line'])}\nFROM ({lines}) l"


class AgentDigest(Connector):
    """A connector that fetches the lines and digests them here. Memory is bounded by some lines and
    one sum for each group."""

    def digest(self, lines: Statement, groups: Sequence[str] = ()) -> list[Grouped]:
        cursor = self._execute(self.dialect.digest(lines.sql, groups), lines.values)
        counts: dict[tuple[object, ...], int] = {}
        sums: dict[tuple[object, ...], Digest] = {}
        while rows := self._lines(cursor):
            for group, found in _by_group(rows).items():
                counts[group] = counts.get(group, 0) + len(found)
                sums[group] = sums.get(group, Digest()) + Digest.of_lines(map(finished, found))
        return [Grouped(group, counts[group], sums[group]) for group in counts]

    def _lines(self, cursor: Any) -> list[Any]:
        with self._translated():
            return list(cursor.fetchmany(_LINES_AT_ONCE))


def _by_group(rows: Sequence[Any]) -> dict[tuple[object, ...], list[str]]:
    found: dict[tuple[object, ...], list[str]] = {}
    for *group, line in rows:
        found.setdefault(tuple(group), []).append(line)
    return found
