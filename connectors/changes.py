"""The set-based statements at the exchange: stage, classify, apply to the current copy, sweep.

Written once in SQL that every family understands; a dialect spells the parts that differ. A job
has a *current copy* and its *change rows*; what capture delivers is staged first in temporary
tables, then moved by whole sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.canonical import UNREADABLE
from connectors.dialect import Dialect, KeyRange, Statement
from connectors.table import Column, Kind, TableName, Type

__all__ = [
    "CURSOR",
    "EPOCH",
    "GONE",
    "LATE",
    "OPERATION",
    "RESERVED",
    "SEEN",
    "SEQ",
    "STAGE",
    "Changes",
]

EPOCH, SEQ, OPERATION, CURSOR = "bh_epoch", "bh_seq", "bh_op", "bh_cursor"
RESERVED = frozenset({EPOCH, SEQ, OPERATION, CURSOR, UNREADABLE})
"""Column names that a resource may not use."""

STAGE, GONE, LATE, SEEN = "bh_stage", "bh_gone", "bh_late", "bh_seen"


@dataclass(frozen=True)
class Changes:
    """A job's tables at the exchange, and the statements on them.

    `cursor` is the type of the source's cursor column, kept beside each row as `bh_cursor` so that
    the sweep can compare it; None for a job without one. If it is shared as it is, it cannot move
    without a change row.
    """

    dialect: Dialect
    copy: TableName
    change: TableName
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    cursor: Type | None
    cursor_is_shared: bool = False

    @property
    def key_columns(self) -> tuple[Column, ...]:
        return tuple(next(c for c in self.columns if c.name == name) for name in self.key)

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of a staged row: the shared ones, then the cursor."""
        if self.cursor is None:
            return self.columns
        return (*self.columns, Column(CURSOR, self.cursor))

    @property
    def swept(self) -> tuple[Column, ...]:
        """What a sweep compares: the key, then the cursor."""
        return (*self.key_columns, *self.staged[len(self.columns) :])

    def create(self) -> list[str]:
        """The indexes' names begin otherwise than those of any job's tables: in many families they
        stand in one namespace, and a job may be called as one that ends in `_seq` or `_pkey`."""
        d = self.dialect
        number = d.ddl(Type(Kind.INTEGER))
        stamp = f"{d.quote(EPOCH)} {number} NOT NULL, {d.quote(SEQ)} {number} NOT NULL"
        change = ", ".join(f"{d.quote(c.name)} {d.ddl(c.type)}" for c in self.columns)
        operation = f"{d.quote(OPERATION)} CHAR(1) NOT NULL"
        index = d.quote(f"bh_seq_{self.change.name}")
        primary = f"bh_key_{self.copy.name}"
        copy = d.body(self.staged, self.key, stamp, *self._bound(), key_name=primary)
        return [
            f"CREATE TABLE {d.table(self.copy)} ({copy})",
            f"CREATE TABLE {d.table(self.change)} ({stamp}, {operation}, {change})",
            f"CREATE INDEX {index} ON {d.table(self.change)} ({d.columns([EPOCH, SEQ])})",
        ]

    def drop(self) -> list[str]:
        d = self.dialect
        return [d.drop(d.table(t)) for t in (self.copy, self.change)]

    def stage(self) -> list[str]:
        """Empty tables for the rows that capture delivers, the keys it finds missing at the
        source, and those it finds missing here."""
        d = self.dialect
        keys = d.body(self.swept, self.key)
        return [
            *d.temporary(STAGE, d.body(self.staged, self.key, *self._bound())),
            *d.temporary(GONE, keys),
            *d.temporary(LATE, keys),
        ]

    def see(self) -> list[str]:
        """An empty table for single rows of (key, cursor)."""
        d = self.dialect
        return [*d.temporary(SEEN, d.body(self.swept, self.key))]

    def _bound(self) -> list[str]:
        """What no row is loaded against: rows that nobody has looked at are refused for the same
        keys as those that somebody has."""
        bound = self.dialect.key_bound([c.type for c in self.key_columns])
        if bound is None:
            return []
        texts = [c.name for c in self.key_columns if c.type.kind in (Kind.TEXT, Kind.BINARY)]
        sizes = " + ".join(f"octet_length({self.dialect.quote(name)})" for name in texts)
        return [f"CHECK ({sizes} <= {bound})"]

    # -- classify ----------------------------------------------------------------------------

    def classify(self, epoch: int, seq: int) -> list[Statement]:
        """Write the change rows of a batch: what is staged and differs from the copy, and the
        missing keys that the copy still has."""
        d, names = self.dialect, [c.name for c in self.columns]
        absent = d.absent("c", self.key_columns)
        values = [c for c in self.columns if c.name not in self.key]
        differs = [d.differs(d.column("s", c.name), d.column("c", c.name), c.type) for c in values]
        into = f"INSERT INTO {d.table(self.change)} ({d.columns([EPOCH, SEQ, OPERATION])}, "
        stamp = f"{d.placeholder}, {d.placeholder}"
        return [
            Statement(
                f"{into}{d.columns(names)})\n"
                f"SELECT {stamp}, CASE WHEN {absent} THEN 'I' ELSE 'U' END, "
                f"{d.columns(names, 's')}\n"
                f"FROM {d.quote(STAGE)} s\n"
                f"LEFT JOIN {d.table(self.copy)} c ON {d.match('c', 's', self.key)}\n"
                f"WHERE {' OR '.join([absent, *differs])}",
                (epoch, seq),
            ),
            Statement(
                f"{into}{d.columns(self.key)})\n"
                f"SELECT {stamp}, 'D', {d.columns(self.key, 'g')}\n"
                f"FROM {d.quote(GONE)} g\n"
                f"JOIN {d.table(self.copy)} c ON {d.match('c', 'g', self.key)}",
                (epoch, seq),
            ),
        ]

    def count_changes(self, epoch: int, seq: int) -> Statement:
        """Rows of (operation, count)."""
        d = self.dialect
        return Statement(
            f"SELECT {d.quote(OPERATION)}, count(*)\n"
            f"FROM {d.table(self.change)}\n"
            f"WHERE {self._stamped('')}\n"
            f"GROUP BY {d.quote(OPERATION)}",
            (epoch, seq),
        )

    def apply(self, epoch: int, seq: int) -> list[Statement]:
        """Bring the current copy to the state after the batch whose change rows are written."""
        d, names = self.dialect, [c.name for c in self.columns]
        copy, change = d.table(self.copy), d.table(self.change)
        outdated = f"{self._stamped('h')} AND {d.column('h', OPERATION)} <> 'I'"
        into = [*names, *([CURSOR] if self.cursor else []), EPOCH, SEQ]
        statements = [
            Statement(
                d.delete(copy, "c", d.found("c", self.key, change, "h", outdated)),
                (epoch, seq),
            ),
            Statement(
                f"INSERT INTO {copy} ({d.columns(into)})\n"
                f"SELECT {d.columns(into[:-2], 's')}, {d.placeholder}, {d.placeholder}\n"
                f"FROM {d.quote(STAGE)} s\n"
                f"JOIN {change} h ON {self._stamped('h')} AND {d.match('h', 's', self.key)}",
                (epoch, seq, epoch, seq),
            ),
        ]
        return [*statements, *self.refresh_cursor()]

    def refresh_cursor(self) -> list[Statement]:
        """A cursor that moved while no shared column did leaves no change row, only its value."""
        if self.cursor is None or self.cursor_is_shared:
            return []
        d = self.dialect
        differs = d.differs(d.column("c", CURSOR), d.column("s", CURSOR), self.cursor)
        return [
            Statement(
                d.update(
                    d.table(self.copy),
                    "c",
                    [f"{d.quote(CURSOR)} = {d.column('s', CURSOR)}"],
                    f"{d.quote(STAGE)} s",
                    d.match("c", "s", self.key),
                    differs,
                )
            )
        ]

    # -- read and digest ---------------------------------------------------------------------

    def sealed_lines(self, epoch: int, seq: int) -> Statement:
        """A query for the canonical lines of the state a batch's keys must be in."""
        d = self.dialect
        return Statement(
            f"SELECT CASE WHEN {d.quote(OPERATION)} = 'D' THEN {d.absent_line(self.key_columns)} "
            f"ELSE {d.line(self.columns)} END AS line\n"
            f"FROM {d.table(self.change)}\n"
            f"WHERE {self._stamped('')}",
            (epoch, seq),
        )

    def image_lines(self, keys: KeyRange) -> Statement:
        """A query for the canonical lines of a key range of the current copy."""
        return self.dialect.range_lines(self.copy, self.columns, self.key_columns, keys)

    def keyed_lines(self, keys: KeyRange) -> Statement:
        """The same, each line behind its key."""
        return self.dialect.keyed_lines(self.copy, self.columns, self.key_columns, keys)

    def key_at(self, keys: KeyRange, place: int) -> Statement:
        """The key of the copy that has `place` others before it in a range."""
        return self.dialect.key_at(self.copy, self.key_columns, keys, place)

    def highest_key(self, table: TableName) -> Statement:
        """The canonical texts of the highest key of the stage or the copy, in the shared order."""
        d = self.dialect
        order = ", ".join(f"{d.ordered(d.column('k', c.name), c)} DESC" for c in self.key_columns)
        texts = ", ".join(d.render(d.column("k", c.name), c.type) for c in self.key_columns)
        return Statement(d.first(f"SELECT {texts}\nFROM {d.table(table)} k\nORDER BY {order}", 1))

    # -- sweep -------------------------------------------------------------------------------

    def settle_differences(self) -> list[Statement]:
        """What differs between source and copy stands on both sides if only its cursor moved: then
        it is late, not gone. What is staged already is not late."""
        d = self.dialect
        return [
            Statement(d.delete(d.quote(table), "x", d.found("x", self.key, d.quote(other), "y")))
            for table, other in ((GONE, LATE), (LATE, STAGE))
        ]

    def forget_young(self, low: str, high: str) -> Statement:
        """Take rows out of the late ones whose stamp lies in [low, high), canonical texts."""
        d = self.dialect
        if self.cursor is None:
            raise ValueError("a sweep compares cursor values")
        bound = d.parse(d.placeholder, self.cursor)
        name = d.quote(CURSOR)
        return Statement(
            f"DELETE FROM {d.quote(LATE)}\nWHERE {name} >= {bound} AND {name} < {bound}",
            (low, high),
        )

    def late_keys(self, limit: int) -> Statement:
        """The canonical texts of the first late keys, in order."""
        d = self.dialect
        texts = ", ".join(d.render(d.column("k", c.name), c.type) for c in self.key_columns)
        order = ", ".join(d.ordered(d.column("k", c.name), c) for c in self.key_columns)
        query = f"SELECT {texts}\nFROM {d.quote(LATE)} k\nORDER BY {order}"
        return Statement(d.first(query, limit))

    def forget(self, table: str, keys: Sequence[Sequence[str]]) -> Statement:
        """Take keys (canonical texts, at least one) out of the late or the gone ones."""
        d = self.dialect
        among = d.among(self.key_columns, keys)
        return Statement(f"DELETE FROM {d.quote(table)}\nWHERE {among.sql}", among.values)

    def missing_in_stage(self, keys: KeyRange) -> Statement:
        """Into the gone keys: those of the copy's key range that a complete read has not staged."""
        d = self.dialect
        inside = d.in_range(self.key_columns, keys, "c")
        return Statement(
            f"INSERT INTO {d.quote(GONE)} ({d.columns(self.key)})\n"
            f"SELECT {d.columns(self.key, 'c')}\n"
            f"FROM {d.table(self.copy)} c\n"
            f"LEFT JOIN {d.quote(STAGE)} s ON {d.match('s', 'c', self.key)}\n"
            f"WHERE {d.absent('s', self.key_columns)} AND {inside.sql}",
            inside.values,
        )

    def _stamped(self, alias: str) -> str:
        d = self.dialect
        epoch, seq = d.column(alias, EPOCH), d.column(alias, SEQ)
        return f"{epoch} = {d.placeholder} AND {seq} = {d.placeholder}"
