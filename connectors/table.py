"""What a table looks like, in words that every family shares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

__all__ = ["Column", "Filling", "Fit", "ForeignKey", "Index", "Kind", "Table", "TableName", "Type"]


_WIDEST_EVERYWHERE = 38  # digits of a decimal that every family holds


class Kind(StrEnum):
    """The kinds of value that travel between families."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BINARY = "binary"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    JSON = "json"
    NATIVE = "native"  # one family's own (inet, int4range, integer[]); text anywhere else


class Fit(Enum):
    """Does one type hold the values of another?"""

    EXACT = "exact"  # every value, unchanged
    CHECKED = "checked"  # the same kind, but narrower: each value is checked
    NO = "no"  # another kind


class Filling(StrEnum):
    """Who gives a column its value in a row that is inserted?"""

    FREE = "free"  # whoever inserts, or else the store
    NEEDED = "needed"  # whoever inserts: nothing else has a value for it
    STORE = "store"  # the store alone: it is computed, or an identity that takes no other value


@dataclass(frozen=True)
class Type:
    """A column's type. Only the fields of its kind are used; None means unlimited.

    bits: 8, 16, 24, 32, 64 for integers, 32 or 64 for floats; precision and scale for decimals;
    length in characters for text, in bytes for binary; padded for CHAR(n); fraction digits of a
    second and zoned for times; family and native for the kind that belongs to one family (and for
    JSON, whose text one family may rewrite).
    """

    kind: Kind
    bits: int = 64
    unsigned: bool = False
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    padded: bool = False
    fraction: int = 6
    zoned: bool = False
    family: str = ""
    native: str = ""

    def __str__(self) -> str:
        match self.kind:
            case Kind.INTEGER:
                return f"{'unsigned ' if self.unsigned else ''}integer({self.bits})"
            case Kind.FLOAT:
                return f"float({self.bits})"
            case Kind.DECIMAL:
                return f"decimal({self.precision},{self.scale})" if self.precision else "decimal"
            case Kind.TEXT | Kind.BINARY:
                name = "char" if self.padded else self.kind.value
                return f"{name}({self.length})" if self.length else name
            case Kind.TIME | Kind.TIMESTAMP:
                return f"{self.kind.value}({self.fraction}){' with zone' if self.zoned else ''}"
            case Kind.NATIVE:
                return self.native
            case _:
                return self.kind.value

    def fit(self, value: Type) -> Fit:
        """Whether a column of this type holds every value of a column of type `value`."""
        if self == value:
            return Fit.EXACT
        if self.kind != value.kind:
            return _across_kinds(self, value)
        match self.kind:
            case Kind.INTEGER:
                return _exact_if(self._integer_range_covers(value))
            case Kind.FLOAT:
                return _exact_if(self.bits >= value.bits)
            case Kind.DECIMAL:
                return _exact_if(self._digits_cover(value))
            case Kind.TEXT:
                # CHAR strips trailing blanks, so a text that ends in one does not fit.
                strips = self.padded and not value.padded
                return _exact_if(_covers(self.length, value.length) and not strips)
            case Kind.BINARY:
                return _exact_if(_covers(self.length, value.length))
            case Kind.TIME | Kind.TIMESTAMP:
                if self.zoned != value.zoned:
                    return Fit.NO
                return _exact_if(self.fraction >= value.fraction)
            case Kind.NATIVE:
                return Fit.NO
            case Kind.JSON if self.native != value.native and self.native and value.native:
                return Fit.NO  # one of the two rewrites the text
            case _:
                return Fit.EXACT

    @property
    def widened(self) -> Type:
        """The same, or the usual integer type of 16 or 32 bits that holds one of 8 or 24."""
        if self.kind is Kind.INTEGER and self.bits in (8, 24):
            return Type(Kind.INTEGER, bits=self.bits + 8)
        return self

    @property
    def most_bytes(self) -> int:
        """What the longest text, or binary, of its length has."""
        return (self.length or 0) * (4 if self.kind is Kind.TEXT else 1)

    @property
    def resolution_seconds(self) -> float:
        """The step between two neighbouring values of a temporal type."""
        return 86400.0 if self.kind is Kind.DATE else 10.0**-self.fraction

    def _integer_range_covers(self, value: Type) -> bool:
        if self.unsigned == value.unsigned:
            return self.bits >= value.bits
        return value.unsigned and self.bits > value.bits

    def _digits_cover(self, value: Type) -> bool:
        if self.precision is None:
            return True
        if value.precision is None:
            return False
        whole = self.precision - (self.scale or 0)
        scale = value.scale or 0
        return (self.scale or 0) >= scale and whole >= value.precision - scale


@dataclass(frozen=True)
class Column:
    """A column as a store describes it.

    `bytewise`: the store's own order of this column is the order that all stores share (numbers by
    value, text by its UTF-8 bytes), so an index on it serves key-range reads. `collation` is that
    of a text where it is not the usual one, spelled as its store quotes it; a column that `folds`
    is one whose equality, or unique index, may take two different texts for one (case, accents,
    trailing blanks). `charset`: its texts are read by their bytes, as this (see charset.py).
    `filling` is what the catalogue tells; where a trigger may give a value, nothing is `needed`.
    `allowed`: a pattern (RE2) of the canonical texts that it takes, where its type does not say it.
    """

    name: str
    type: Type
    nullable: bool = True
    bytewise: bool = True
    native: str = ""
    comment: str = ""
    collation: str = ""
    folds: bool = False
    charset: str = ""
    filling: Filling = Filling.FREE
    allowed: str = ""


@dataclass(frozen=True)
class TableName:
    """A table's name, with its schema if one was given. Never quoted here."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class Index:
    """An index of a table, by its columns in order; what is an expression has none."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key by which rows of `table` lead to rows of another table, or of their own.
    `on_delete`: what becomes of them once that row is deleted, as SQL spells it."""

    name: str
    table: TableName
    on_delete: str

    @property
    def is_in_the_way(self) -> bool:
        """Whether a row to which others lead cannot be deleted, and nothing becomes of them."""
        return self.on_delete in ("NO ACTION", "RESTRICT")


@dataclass(frozen=True)
class Table:
    """A table, view or query as a store describes it. `query` is set when it is no stored table.

    `key` is the primary key; `unique` holds further keys without nullable columns; `indexed` are
    the columns that lead one of its `indexes`. `schema` is where a server that looks for a name in
    several has found it. `heirs` are tables whose rows are read, changed and deleted with its own.
    One that is not `transactional` shows rows before they are committed, and keeps them if they
    never are.
    """

    name: TableName
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    indexed: frozenset[str] = frozenset()
    query: str | None = None
    is_view: bool = False
    comment: str = ""
    row_estimate: int | None = None
    transactional: bool = True
    indexes: tuple[Index, ...] = ()
    schema: str = ""
    heirs: str = ""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def tells_apart(self, columns: tuple[str, ...]) -> bool:
        """Whether these, in this order, are its primary key, or those of a unique index."""
        unique = (index.columns for index in self.indexes if index.unique)
        return columns in (self.key, *unique)


def _exact_if(holds: bool) -> Fit:
    return Fit.EXACT if holds else Fit.CHECKED


def _covers(limit: int | None, length: int | None) -> bool:
    return limit is None or (length is not None and length <= limit)


def _across_kinds(store: Type, value: Type) -> Fit:
    """Another kind holds a value only where nothing of it can be lost or reread differently."""
    if store.kind is Kind.DECIMAL and value.kind is Kind.INTEGER:
        digits = {16: 5, 32: 10, 64: 20}[value.widened.bits]
        room = None if store.precision is None else store.precision - (store.scale or 0)
        return _exact_if(room is None or room >= digits)
    if store.kind is Kind.INTEGER and value.kind is Kind.DECIMAL:
        return Fit.CHECKED if value.precision and not value.scale else Fit.NO
    if store.kind is Kind.TEXT and _has_no_other_home(value):
        longest = 36 if value.kind is Kind.UUID else None
        return _exact_if(_covers(store.length, longest))
    return Fit.NO


def _has_no_other_home(value: Type) -> bool:
    """Whether text is the only other kind that some store may have for these values."""
    if value.kind is Kind.DECIMAL:
        return value.precision is None or value.precision > _WIDEST_EVERYWHERE
    if value.kind is Kind.TIME:
        return value.zoned
    return value.kind in {Kind.UUID, Kind.JSON, Kind.NATIVE}
