"""The names and types of MariaDB and MySQL, and how tables of ours are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from connectors.dialect import Dialect
from connectors.table import Column, Kind, Type

__all__ = ["UTC_MARK", "MysqlTypes", "is_bits", "literal", "reads_as_it_is", "remark"]

UTC_MARK = "[UTC]"
"""The end of the comment of a DATETIME that holds instants: TIMESTAMP ends in 2038."""

_INTEGERS = {16: "SMALLINT", 32: "INT", 64: "BIGINT"}
_LONGEST_VARCHAR = 255  # all of a row's VARCHARs together have 65,535 bytes
_LONGEST_KEY = 3072
_MOST_DIGITS, _LARGEST_SCALE = 65, 30
_FIXED_KEY_BYTES = 33  # no number or time takes more in an index
_TEXTS = (Kind.TEXT, Kind.JSON, Kind.NATIVE)
_AS_THEY_ARE = frozenset(
    {Kind.INTEGER, Kind.DECIMAL, Kind.TEXT, Kind.JSON, Kind.DATE, Kind.TIME, Kind.UUID}
)
_UUID = Type(Kind.TEXT, length=36)


class MysqlTypes(Dialect):
    """The half of the dialect that defines tables.

    `collation` is the one that tells any two texts apart, blanks at their end included.
    """

    family: ClassVar[str] = "mysql"
    max_identifier_bytes: ClassVar[int] = 192
    folds_names: ClassVar[bool] = True

    def __init__(self, collation: str = "utf8mb4_nopad_bin", *, keeps_json: bool = True) -> None:
        self.collation = collation
        self.keeps_json = keeps_json

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``").replace("%", "%%") + "`"

    def name_problem(self, name: str) -> str | None:
        if len(name) > 64:
            return f"has {len(name)} characters, and {self.family} takes 64"
        if any(ord(character) > 0xFFFF for character in name) or name.endswith(" "):
            return f"has a character that {self.family} takes in no name"
        return None

    # -- types -------------------------------------------------------------------------------

    def ddl(self, kind: Type) -> str:
        held = self.represent(kind)
        match held.kind:
            case Kind.BOOLEAN:
                return "BIT(1)"
            case Kind.INTEGER:
                return _INTEGERS[held.bits] + " UNSIGNED" * held.unsigned
            case Kind.DECIMAL:
                return f"DECIMAL({held.precision},{held.scale})"
            case Kind.FLOAT:
                return "DOUBLE"
            case Kind.BINARY:
                return f"VARBINARY({held.length})" if held.length else "LONGBLOB"
            case Kind.TIME:
                return f"TIME({held.fraction})"
            case Kind.TIMESTAMP:
                mark = f" COMMENT '{UTC_MARK}'" if held.zoned else ""
                return f"DATETIME({held.fraction}){mark}"
            case Kind.DATE:
                return "DATE"
            case Kind.JSON:
                return "JSON"
            case Kind.NATIVE:
                return held.native
            case _:
                return self._text(held.length, padded=held.padded)

    def represent(self, kind: Type) -> Type:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER:
                return Type(Kind.INTEGER, bits=kind.bits, unsigned=kind.unsigned)
            case Kind.DECIMAL if kind.precision is None or (
                kind.precision > _MOST_DIGITS or (kind.scale or 0) > _LARGEST_SCALE
            ):
                return Type(Kind.TEXT)
            case Kind.DECIMAL:
                return Type(Kind.DECIMAL, precision=kind.precision, scale=kind.scale or 0)
            case Kind.FLOAT:  # a FLOAT takes no digits that it gives
                return Type(Kind.FLOAT)
            case Kind.TEXT if kind.length and kind.length <= _LONGEST_VARCHAR:
                return Type(Kind.TEXT, length=kind.length, padded=kind.padded)
            case Kind.BINARY if kind.length and kind.length <= _LONGEST_VARCHAR:
                return Type(Kind.BINARY, length=kind.length)
            case Kind.BINARY:
                return Type(Kind.BINARY)
            case Kind.TIME if kind.zoned:
                return Type(Kind.TEXT)
            case Kind.TIME | Kind.TIMESTAMP:
                return Type(kind.kind, fraction=min(kind.fraction, 6), zoned=kind.zoned)
            case Kind.UUID:
                return _UUID
            case Kind.JSON if self.keeps_json:
                return Type(Kind.JSON)
            case Kind.NATIVE if kind.family == self.family and kind.native:
                return kind
            case Kind.TEXT | Kind.JSON | Kind.NATIVE:
                return Type(Kind.TEXT)
            case _:
                return kind

    def in_key(self, kinds: Sequence[Type]) -> Sequence[Type]:
        """What is declared stays, unless all of it together is more than the index takes."""
        shares = {Kind.TEXT: _room(kinds) // 4, Kind.BINARY: _room(kinds)}
        held = [replace(k, length=k.length or shares.get(k.kind)) for k in kinds]
        if sum(k.most_bytes for k in held) <= _LONGEST_KEY:
            return held
        return [replace(k, length=min(k.length, shares[k.kind])) if k.length else k for k in held]

    def key_ddl(self, column: Column) -> str:
        return self._key_ddl(column, _LONGEST_KEY)

    def body(
        self, columns: Sequence[Column], key: Sequence[str], *more: str, key_name: str = ""
    ) -> str:
        room = _room([c.type for c in columns if c.name in key])
        parts = [
            f"{self.quote(c.name)} "
            f"{self._key_ddl(c, room) if c.name in key else self.ddl(c.type)}{self._comment(c)}"
            for c in columns
        ]
        return ", ".join([*parts, *more, self.primary_key(key, key_name)])

    def _key_ddl(self, column: Column, room: int) -> str:
        """No CHAR: the server sorts one by the blanks behind it, and compares it without them."""
        kind = column.type
        if kind.kind is Kind.BINARY:
            return f"VARBINARY({kind.length or room})"
        if (kind.kind in _TEXTS and not is_bits(kind)) or kind.kind is Kind.UUID:
            length = kind.length or (36 if kind.kind is Kind.UUID else room // 4)
            collation = "" if column.folds else column.collation
            return self._text(length, collation, in_key=True)
        return self.ddl(kind)

    def _text(
        self,
        length: int | None,
        collation: str = "",
        *,
        padded: bool = False,
        in_key: bool = False,
    ) -> str:
        collation = collation or self.collation
        name = "LONGTEXT"
        if length and (length <= _LONGEST_VARCHAR or in_key):
            name = f"{'CHAR' if padded else 'VARCHAR'}({length})"
        return f"{name} CHARACTER SET {collation.partition('_')[0]} COLLATE {collation}"

    def _comment(self, column: Column) -> str:
        if not column.comment:
            return ""
        mark = f" {UTC_MARK}" if column.type.kind is Kind.TIMESTAMP and column.type.zoned else ""
        return f" COMMENT {remark(column.comment[: 1000 - len(mark)] + mark)}"


def _room(key: Sequence[Type]) -> int:
    """Bytes for each of a key's texts: those without a length share what an index has room for."""
    wide = [k for k in key if k.kind in (*_TEXTS, Kind.BINARY) and not is_bits(k)]
    fixed = _FIXED_KEY_BYTES * (len(key) - len(wide))
    return (_LONGEST_KEY - fixed) // max(1, len(wide))


def reads_as_it_is(kind: Type) -> bool:
    """Whether the server takes the canonical text of a value for that value, unparsed."""
    match kind.kind:
        case Kind.TIMESTAMP:
            return not kind.zoned
        case Kind.FLOAT:
            return kind.bits == 64
        case _:
            return kind.kind in _AS_THEY_ARE


def is_bits(kind: Type) -> bool:
    """Whether it is a BIT(n) of this family: a number, whose order is that of its digits."""
    return kind.family == MysqlTypes.family and kind.native.startswith("bit(")


def literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def remark(comment: str) -> str:
    """The literal of a source's words about a table. Where a DBA runs the statement, in a session
    that is not ours, a backslash could end the literal, and what follows it be run."""
    return literal(comment.replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}"))
