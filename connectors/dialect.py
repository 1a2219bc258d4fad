"""How a family spells SQL: identifiers, types, canonical text, order, and parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from connectors.canonical import ABSENT, NULL
from connectors.table import Column, Kind, TableName, Type

__all__ = ["EVERYTHING", "Dialect", "KeyRange", "Statement"]


@dataclass(frozen=True)
class Statement:
    """SQL in the driver's own parameter style, with the values to bind, in order."""

    sql: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True)
class KeyRange:
    """The keys above `low` up to and including `high`, as canonical texts; None is unbounded."""

    low: tuple[str, ...] | None = None
    high: tuple[str, ...] | None = None


EVERYTHING = KeyRange()
_KEY_COLUMN_BYTES = 40  # what a number or time takes in an index, or goes with a text


class Dialect(ABC):
    """One family's spelling. Pure: strings in, strings out.

    Text compares and sorts by its UTF-8 bytes everywhere, whatever a database's collation says.
    """

    family: ClassVar[str]
    placeholder: ClassVar[str] = "%s"
    max_identifier_bytes: ClassVar[int] = 63
    folds_names: ClassVar[bool] = False
    prefer_index: ClassVar[str | None] = None
    returns_changes: ClassVar[bool] = False
    unwritable: ClassVar[frozenset[str]] = frozenset()
    """Native types that are read, and that no column of a table of others may have."""
    unsorted: ClassVar[frozenset[str]] = frozenset()
    """Native types that have no order, nor have arrays of them: no key may be one."""
    longest_key: ClassVar[int | None] = None
    """Bytes that an index takes of a key, where its texts may have more."""

    def takes(self, column: Column) -> bool:
        """Whether a column of a table of others keeps what is put into it."""
        return column.native not in self.unwritable

    @abstractmethod
    def quote(self, name: str) -> str:
        """The identifier, quoted, ready for a statement with parameters."""

    @abstractmethod
    def ddl(self, kind: Type) -> str:
        """The type's name in CREATE TABLE and CAST. Total: every type has one."""

    @abstractmethod
    def represent(self, kind: Type) -> Type:
        """The type that a column made by `ddl` holds. Lossless for every value of `kind` that the
        family's capabilities admit. Integers of 8 and 24 bits are some stores' own: others keep
        `kind.widened`."""

    @abstractmethod
    def render(self, expression: str, kind: Type) -> str:
        """An expression for the canonical text of a value; NULL stays NULL."""

    @abstractmethod
    def digest(self, lines: str, groups: Sequence[str] = ()) -> str:
        """A query over the query `lines`, which yields a column `line` and the columns `groups`:
        one row per group with the groups, count(*), and the two lane sums (DESIGN: canonical.py).
        """

    def parse(self, expression: str, kind: Type) -> str:
        """An expression that turns a canonical text into a value of the type."""
        return f"CAST({expression} AS {self.ddl(kind)})"

    def ordered(self, expression: str, column: Column) -> str:
        """An expression that sorts and compares in the order that all stores share."""
        return expression

    def holds(self, text: str, column: Column) -> str:
        """Whether a column's canonical text is like a pattern, the statement's next value."""
        return f"{self.ordered(text, column)} LIKE {self.placeholder}"

    def differs(self, left: str, right: str, kind: Type) -> str:
        """True where the two values differ, NULL being equal to NULL alone."""
        return f"{left} IS DISTINCT FROM {right}"

    def same(self, left: str, right: str, column: Column) -> str:
        """True where two keys are one, byte for byte, found by the index of `left`, which is that
        column. Whatever folds more is left to the store's own unique index to refuse."""
        if not column.folds:
            return f"{left} = {right}"
        return f"{left} = {right} AND {self.ordered(left, column)} = {self.ordered(right, column)}"

    def given(self, expression: str, column: Column) -> str:
        """A staged value as that column of a table of others takes it."""
        return expression

    def raw_text(self, expression: str) -> str | None:
        """An expression for the bytes of a text as the store keeps them, in hex; None where the
        family cannot tell them."""
        return None

    def by_chance(self, share: float) -> str | None:
        """A condition that holds for about this share of all rows, each by chance; None where the
        family has none that is asked anew for each row."""
        return None

    def in_key(self, kinds: Sequence[Type]) -> Sequence[Type]:
        """What columns of these types hold where they are the key of a table of ours: no more than
        an index has room for."""
        return kinds

    def key_bound(self, key: Sequence[Type]) -> int | None:
        """How many bytes a key's texts may have together; None where they cannot have more."""
        if self.longest_key is None:
            return None
        bound = self.longest_key - _KEY_COLUMN_BYTES * len(key)
        wide = [k for k in key if k.kind in (Kind.TEXT, Kind.BINARY)]
        if all(k.length for k in wide) and sum(k.most_bytes for k in wide) <= bound:
            return None
        return bound

    def key_ddl(self, column: Column) -> str:
        """A key column of a table of ours: its type, sorted in the shared order."""
        return self.ddl(column.type)

    def temporary(self, name: str, body: str) -> Sequence[str]:
        """Statements that leave an empty temporary table of that name and body."""
        return (f"CREATE TEMPORARY TABLE {self.quote(name)} ({body}) ON COMMIT DROP",)

    def stage_name(self, name: str, owner: TableName) -> str:
        """What a stage of the table `owner` is called. A temporary table is its session's alone and
        needs no other name."""
        return name

    def prepare_stage(self, name: str, body: str) -> Sequence[str]:
        """Statements that make an ordinary table for a stage, in a transaction of its own before
        the first that fills it; none where `temporary` makes one."""
        return ()

    def clear_stage(self, name: str) -> Sequence[str]:
        """Statements that leave nothing of a stage's rows behind, where it outlives its
        transaction."""
        return ()

    def delete(self, table: str, alias: str, where: str) -> str:
        """A DELETE whose condition may name the rows it would delete by `alias`."""
        return f"DELETE FROM {table} AS {alias}\nWHERE {where}"

    def update(
        self, table: str, alias: str, sets: Sequence[str], source: str, match: str, where: str
    ) -> str:
        """An UPDATE from the rows of `source` (a table and its alias) that `match`, and of those
        `where` it holds. `sets` are assignments to bare column names."""
        return (
            f"UPDATE {table} AS {alias}\n"
            f"SET {', '.join(sets)}\n"
            f"FROM {source}\n"
            f"WHERE {match} AND {where}"
        )

    def drop(self, table: str) -> str:
        """Drops a table of ours, if it is there."""
        return f"DROP TABLE IF EXISTS {table}"

    def add_column(self, table: str, column: str) -> str:
        """Adds a column, given as its name and type."""
        return f"ALTER TABLE {table} ADD COLUMN {column}"

    def first(self, query: str, limit: int, offset: int | None = None) -> str:
        """At most `limit` rows of an ordered query, those at the `offset` and after it."""
        return f"{query}\nLIMIT {limit}" + ("" if offset is None else f" OFFSET {offset}")

    def analyze(self, name: str, key: Sequence[str]) -> str | None:
        """Refreshes the planner's view of the key of a table just loaded; None where nothing is
        gained."""
        return None

    def plain(self, statement: str) -> str:
        """A statement without values as a person runs it: ours have each percent sign twice where a
        driver looks for places of values."""
        return statement.replace("%%", "%") if self.placeholder == "%s" else statement

    def comments(self, table: TableName, columns: Sequence[Column], comment: str) -> Sequence[str]:
        """Statements that carry the source's comments over; none where the family has none."""
        return ()

    # -- built on the above, the same for every family ---------------------------------------

    def table(self, name: TableName) -> str:
        if name.schema:
            return f"{self.quote(name.schema)}.{self.quote(name.name)}"
        return self.quote(name.name)

    def column(self, alias: str, name: str) -> str:
        return f"{alias}.{self.quote(name)}" if alias else self.quote(name)

    def columns(self, names: Sequence[str], alias: str = "") -> str:
        return ", ".join(self.column(alias, name) for name in names)

    def match(self, left: str, right: str, key: Sequence[str]) -> str:
        """`left.k = right.k` for every key column."""
        return " AND ".join(f"{self.column(left, k)} = {self.column(right, k)}" for k in key)

    def absent(self, alias: str, key: Sequence[Column]) -> str:
        """A condition: the row that was looked for by its key, in an outer join, is not there."""
        return f"{self.column(alias, key[0].name)} IS NULL"

    def found(self, alias: str, key: Sequence[str], rows: str, other: str, where: str = "") -> str:
        """A condition for the rows of `alias` whose key is that of one of `rows` (a table that is
        called `other`) `where` it holds."""
        also = f"{where} AND " if where else ""
        match = self.match(other, alias, key)
        return f"EXISTS (SELECT 1 FROM {rows} {other} WHERE {also}{match})"

    def match_keys(self, left: str, right: str, key: Sequence[Column]) -> str:
        """The same where `left` is a table of others, whose collations may be of any kind."""
        return " AND ".join(
            self.same(self.column(left, c.name), self.column(right, c.name), c) for c in key
        )

    def name_problem(self, name: str) -> str | None:
        """Why the family cannot take a table or column of that name as it is; None if it can."""
        size = len(name.encode())
        if size > self.max_identifier_bytes:
            return f"has {size} bytes, and {self.family} takes {self.max_identifier_bytes}"
        return None

    def field(self, expression: str, kind: Type) -> str:
        """A field of the canonical line: canonical text, escaped, NULL as `\\N`."""
        text = self.render(expression, kind)
        if kind.kind in (Kind.TEXT, Kind.JSON, Kind.NATIVE):
            text = f"replace(replace({text}, '\\', '\\\\'), '\t', '\\t')"
        return f"coalesce({text}, '{NULL}')"

    def line(self, columns: Sequence[Column], alias: str = "") -> str:
        """An expression for the canonical line of a row."""
        fields = [self.field(self.column(alias, c.name), c.type) for c in columns]
        return " || '\t' || ".join(fields)

    def absent_line(self, key: Sequence[Column], alias: str = "") -> str:
        """An expression for the canonical line of a key that must be absent."""
        return f"{self.line(key, alias)} || '\t{ABSENT}'"

    def in_range(self, key: Sequence[Column], keys: KeyRange, alias: str = "") -> Statement:
        """A condition for the rows of a key range; `1 = 1` where it is unbounded."""
        left = [self.ordered(self.column(alias, c.name), c) for c in key]
        right = [self.ordered(self.parse(self.placeholder, c.type), c) for c in key]
        parts: list[str] = []
        values: list[object] = []
        for bound, operator in ((keys.low, ">"), (keys.high, "<=")):
            if bound is not None:
                parts.append(f"{_row(left)} {operator} {_row(right)}")
                values.extend(bound)
        return Statement(" AND ".join(parts) or "1 = 1", tuple(values))

    def body(
        self, columns: Sequence[Column], key: Sequence[str], *more: str, key_name: str = ""
    ) -> str:
        """What stands between the parentheses of CREATE TABLE, for a table of ours."""
        parts = [
            f"{self.quote(c.name)} {self.key_ddl(c) if c.name in key else self.ddl(c.type)}"
            for c in columns
        ]
        return ", ".join([*parts, *more, self.primary_key(key, key_name)])

    def primary_key(self, key: Sequence[str], name: str) -> str:
        """Its name, where one is given, is that of an index, and in many families no table of the
        schema may bear it."""
        named = f"CONSTRAINT {self.quote(name)} " if name else ""
        return f"{named}PRIMARY KEY ({self.columns(key)})"

    def range_lines(
        self, table: TableName, columns: Sequence[Column], key: Sequence[Column], keys: KeyRange
    ) -> Statement:
        """A query for the canonical lines of a key range of a table."""
        inside = self.in_range(key, keys)
        return Statement(
            f"SELECT {self.line(columns)} AS line\nFROM {self.table(table)}\nWHERE {inside.sql}",
            inside.values,
        )

    def keyed_lines(
        self, table: TableName, columns: Sequence[Column], key: Sequence[Column], keys: KeyRange
    ) -> Statement:
        """The same with the key's canonical texts before each line, as `bh_0`, `bh_1`, …"""
        inside = self.in_range(key, keys)
        texts = [
            f"{self.render(self.quote(c.name), c.type)} AS {self.quote(f'bh_{place}')}"
            for place, c in enumerate(key)
        ]
        return Statement(
            f"SELECT {', '.join(texts)}, {self.line(columns)} AS line\n"
            f"FROM {self.table(table)}\n"
            f"WHERE {inside.sql}",
            inside.values,
        )

    def key_at(
        self, table: TableName, key: Sequence[Column], keys: KeyRange, place: int
    ) -> Statement:
        """The canonical texts of one key of a range: `place` keys come before it in order."""
        inside = self.in_range(key, keys, "k")
        texts = ", ".join(self.render(self.column("k", c.name), c.type) for c in key)
        order = ", ".join(self.ordered(self.column("k", c.name), c) for c in key)
        query = f"SELECT {texts}\nFROM {self.table(table)} k\nWHERE {inside.sql}\nORDER BY {order}"
        return Statement(self.first(query, 1, place), inside.values)

    def among(self, key: Sequence[Column], keys: Sequence[Sequence[str]]) -> Statement:
        """A condition for the rows whose key is one of `keys` (canonical texts, at least one)."""
        names = _row([self.column("", c.name) for c in key])
        one = f"({', '.join(self.parse(self.placeholder, c.type) for c in key)})"
        rows = ", ".join([one] * len(keys))
        return Statement(f"{names} IN (VALUES {rows})", tuple(part for k in keys for part in k))


def _row(expressions: Sequence[str]) -> str:
    return expressions[0] if len(expressions) == 1 else f"({', '.join(expressions)})"
