"""What the oracle is told, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Finding", "Row", "Subject"]

Row = tuple[tuple[str, ...], tuple[str | None, ...]]
"""A key, and all values."""


@dataclass(frozen=True)
class Finding:
    """`kind`: lost, twice, differs, extra (rows); falsely_reconciled; gap, fork, order, books,
    receipt, quarantine, audit."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass(frozen=True)
class Subject:
    """The table a job carries. `columns` maps a column to how its texts are compared: `text`,
    `number`, `moment`, `bytes`, `boolean`. `without` are keys that are rightly not there, since
    they are quarantined."""

    department: str
    job: str
    source_table: str
    target_table: str
    key: tuple[str, ...]
    columns: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    without: frozenset[tuple[str, ...]] = frozenset()

    @property
    def copy(self) -> str:
        return f"bh_copy_{self.job}"

    @property
    def change(self) -> str:
        return f"bh_change_{self.job}"

    def shared(self, column: str) -> str:
        """What a column of the source is called at the exchange and at the target."""
        return self.names.get(column, column)
