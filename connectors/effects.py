"""The set-based statements at the target: stage what came, apply it, measure what it did.

Effects are measured, not claimed: which keys were there before, which are there after, and the
digest of what the table then really holds, read back in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.changes import OPERATION
from connectors.dialect import Dialect, KeyRange, Statement
from connectors.table import Column, Kind, TableName, Type

__all__ = ["AFTER", "BEFORE", "INCOMING", "PRESENT", "Effects"]

INCOMING, PRESENT = "bh_incoming", "bh_present"
BEFORE, AFTER = "bh_before", "bh_after"
_OPERATION = Column(OPERATION, Type(Kind.TEXT, length=1))


@dataclass(frozen=True)
class Effects:
    """A target table and the statements of one batch on it.

    `columns` are those that the job fills, with the target's own types. An `owned` table was made
    by us and holds nothing else: touched keys are deleted, then inserted, so that unique values
    swapped between rows arrive. Any other table keeps what we do not fill: update, then insert.
    """

    dialect: Dialect
    table: TableName
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    owned: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def key_columns(self) -> tuple[Column, ...]:
        return tuple(next(c for c in self.columns if c.name == name) for name in self.key)

    @property
    def incoming(self) -> tuple[Column, ...]:
        """The columns of a staged change: the operation (I, U, D), then the row."""
        return (_OPERATION, *self.columns)

    def create(self, comment: str = "") -> list[str]:
        d = self.dialect
        return [
            f"CREATE TABLE {d.table(self.table)} ({d.body(self.columns, self.key)})",
            *d.comments(self.table, self.columns, comment),
        ]

    def add_columns(self, columns: Sequence[Column]) -> list[str]:
        """For a table of ours that an earlier form of the job made."""
        d = self.dialect
        return [
            d.add_column(d.table(self.table), f"{d.quote(c.name)} {d.ddl(c.type)}") for c in columns
        ]

    def empty_columns(self, names: Sequence[str]) -> str:
        """For those that an earlier form of the job has filled."""
        d = self.dialect
        nothing = ", ".join(f"{d.quote(name)} = NULL" for name in names)
        return f"UPDATE {d.table(self.table)} SET {nothing}"

    @property
    def incoming_table(self) -> TableName:
        return TableName(self.dialect.stage_name(INCOMING, self.table))

    @property
    def present_table(self) -> TableName:
        return TableName(self.dialect.stage_name(PRESENT, self.table))

    def prepare(self) -> list[str]:
        """What a transaction of its own must have done once before the first `stage`."""
        return [s for name, body in self._stages() for s in self.dialect.prepare_stage(name, body)]

    def stage(self) -> list[str]:
        """Empty tables for what comes, and for the keys of it that are here."""
        return [s for name, body in self._stages() for s in self.dialect.temporary(name, body)]

    def clear(self) -> list[str]:
        """What leaves no row in a stage that outlives its transaction."""
        return [s for name, _ in self._stages() for s in self.dialect.clear_stage(name)]

    def _stages(self) -> list[tuple[str, str]]:
        d = self.dialect
        return [
            (self.incoming_table.name, d.body(self.incoming, self.key)),
            (self.present_table.name, d.body(self.key_columns, self.key)),
        ]

    def note_present(self) -> Statement:
        """Remember which staged keys the table has before anything is applied."""
        d = self.dialect
        return Statement(
            f"INSERT INTO {d.table(self.present_table)} ({d.columns(self.key)})\n"
            f"SELECT {d.columns(self.key, 't')}\n"
            f"FROM {d.table(self.table)} t\n"
            f"JOIN {d.table(self.incoming_table)} i ON {self._match()}"
        )

    def apply(self) -> list[Statement]:
        """Bring every staged key to the state it must be in."""
        if not self.owned:
            return [self._delete("= 'D'"), *self._update(), self._insert(only_new=True)]
        return [self._delete(None), self.insert_staged()]

    def insert_staged(self) -> Statement:
        """Insert every staged row but the deletes; none of their keys may be there."""
        return self._insert(only_new=False)

    def lines(self) -> str:
        """A query for the canonical lines of the state that the staged keys are in, with the
        operation, and whether the key was there before and is there after (0 or 1)."""
        d, key = self.dialect, self.key_columns
        before = f"CASE WHEN {d.absent('p', key)} THEN 0 ELSE 1 END"
        after = f"CASE WHEN {d.absent('t', key)} THEN 0 ELSE 1 END"
        return (
            f"SELECT {d.column('i', OPERATION)}, {before} AS {d.quote(BEFORE)}, "
            f"{after} AS {d.quote(AFTER)},\n"
            f"CASE WHEN {d.absent('t', key)} THEN {d.absent_line(key, 'i')} "
            f"ELSE {d.line(self.columns, 't')} END AS line\n"
            f"FROM {d.table(self.incoming_table)} i\n"
            f"LEFT JOIN {d.table(self.present_table)} p ON {d.match('p', 'i', self.key)}\n"
            f"LEFT JOIN {d.table(self.table)} t ON {self._match()}"
        )

    def count_present(self) -> str:
        return f"SELECT count(*) FROM {self.dialect.table(self.present_table)}"

    def count_after(self) -> str:
        """How many of the staged keys the table has, and how many of those it had before."""
        d = self.dialect
        return (
            f"SELECT count(*), count({d.column('p', self.key[0])})\n"
            f"FROM {d.table(self.incoming_table)} i\n"
            f"JOIN {d.table(self.table)} t ON {self._match()}\n"
            f"LEFT JOIN {d.table(self.present_table)} p ON {d.match('p', 'i', self.key)}"
        )

    # -- images ------------------------------------------------------------------------------

    def count_range(self, keys: KeyRange) -> Statement:
        d = self.dialect
        inside = d.in_range(self.key_columns, keys)
        return Statement(
            f"SELECT count(*)\nFROM {d.table(self.table)}\nWHERE {inside.sql}", inside.values
        )

    def delete_others(self, keys: KeyRange) -> Statement:
        """Delete the rows of a key range whose key is not staged."""
        d = self.dialect
        inside = d.in_range(self.key_columns, keys, "t")
        return Statement(
            d.delete(
                d.table(self.table),
                "t",
                f"{inside.sql} AND NOT EXISTS (SELECT 1 FROM {d.table(self.incoming_table)} i "
                f"WHERE {self._match()})",
            ),
            inside.values,
        )

    def range_lines(self, keys: KeyRange) -> Statement:
        """A query for the canonical lines of a key range of the table."""
        return self.dialect.range_lines(self.table, self.columns, self.key_columns, keys)

    def keyed_lines(self, keys: KeyRange) -> Statement:
        """The same, each line behind its key."""
        return self.dialect.keyed_lines(self.table, self.columns, self.key_columns, keys)

    def key_at(self, keys: KeyRange, place: int) -> Statement:
        """The key of the table that has `place` others before it in a range."""
        return self.dialect.key_at(self.table, self.key_columns, keys, place)

    # -- pieces ------------------------------------------------------------------------------

    def _match(self) -> str:
        """`t.k = i.k` for every key column, as exactly as the exchange tells keys apart."""
        return self.dialect.match_keys("t", "i", self.key_columns)

    def _delete(self, operation: str | None) -> Statement:
        d = self.dialect
        only = f" AND {d.column('i', OPERATION)} {operation}" if operation else ""
        return Statement(
            d.delete(
                d.table(self.table),
                "t",
                f"EXISTS (SELECT 1 FROM {d.table(self.incoming_table)} i "
                f"WHERE {self._match()}{only})",
            )
        )

    def _update(self) -> Sequence[Statement]:
        d = self.dialect
        values = [c for c in self.columns if c.name not in self.key]
        if not values:
            return []
        sets = [f"{d.quote(c.name)} = {self._given(c)}" for c in values]
        return [
            Statement(
                d.update(
                    d.table(self.table),
                    "t",
                    sets,
                    f"{d.table(self.incoming_table)} i",
                    self._match(),
                    f"{d.column('i', OPERATION)} <> 'D'",
                )
            )
        ]

    def _insert(self, *, only_new: bool) -> Statement:
        d = self.dialect
        new = f" AND NOT EXISTS (SELECT 1 FROM {d.table(self.table)} t WHERE {self._match()})"
        return Statement(
            f"INSERT INTO {d.table(self.table)} ({d.columns(self.names)})\n"
            f"SELECT {', '.join(map(self._given, self.columns))}\n"
            f"FROM {d.table(self.incoming_table)} i\n"
            f"WHERE {d.column('i', OPERATION)} <> 'D'{new if only_new else ''}"
        )

    def _given(self, column: Column) -> str:
        """The staged value of a column."""
        staged = self.dialect.column("i", column.name)
        return staged if self.owned else self.dialect.given(staged, column)
