"""How SQL Server spells SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from connectors.agentdigest import AgentLines, float_mark
from connectors.canonical import NULL
from connectors.cursorread import CursorDialect
from connectors.keyed import SpelledKeys
from connectors.table import Column, Kind, TableName, Type

__all__ = ["MssqlDialect"]

_OLD_TIMES = ("datetime", "smalldatetime")
"""Types of whole three-hundredths of a second, and of minutes."""

_BYTES = "Latin1_General_100_BIN2_UTF8"
_INTEGERS = {16: "smallint", 32: "int", 64: "bigint"}
_SIGNED = {16: 32, 32: 64}
_MOST_DIGITS = 38
_LONGEST_NVARCHAR = 4000
_LONGEST_BINARY = 8000
_NATIONAL = ("nvarchar", "nchar")
_SIMPLE = {Kind.BOOLEAN: "bit", Kind.DATE: "date", Kind.UUID: "uniqueidentifier"}


class MssqlDialect(AgentLines, SpelledKeys, CursorDialect):
    """SQL Server 2019 and later (collations of UTF-8).

    A text of ours is nvarchar, whose length counts UTF-16 units: one with as many characters of
    four bytes is refused by the server, never cut. Keys sort and compare by their UTF-8 bytes.
    """

    family: ClassVar[str] = "mssql"
    text_mark: ClassVar[str] = "N"
    placeholder: ClassVar[str] = "?"
    max_identifier_bytes: ClassVar[int] = 128

    def quote(self, name: str) -> str:
        return "[" + name.replace("]", "]]") + "]"

    def name_problem(self, name: str) -> str | None:
        """Names count UTF-16 units."""
        size = len(name.encode("utf-16-le")) // 2
        most = self.max_identifier_bytes
        return f"has {size} characters, and {self.family} takes {most}" if size > most else None

    def ddl(self, kind: Type) -> str:
        held = self.represent(kind)
        match held.kind:
            case Kind.INTEGER:
                return _INTEGERS[held.bits]
            case Kind.DECIMAL:
                return f"decimal({held.precision},{held.scale})"
            case Kind.FLOAT:
                return "real" if held.bits == 32 else "float"
            case Kind.TEXT:
                return f"nvarchar({'max' if held.length is None else held.length})"
            case Kind.BINARY:
                return f"varbinary({held.length or 'max'})"
            case Kind.TIME:
                return f"time({held.fraction})"
            case Kind.TIMESTAMP:
                return f"{'datetimeoffset' if held.zoned else 'datetime2'}({held.fraction})"
            case _:
                return _SIMPLE[held.kind]

    def represent(self, kind: Type) -> Type:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER if kind.unsigned and kind.bits == 64:
                return Type(Kind.DECIMAL, precision=20, scale=0)
            case Kind.INTEGER:
                return Type(Kind.INTEGER, bits=_SIGNED[kind.bits] if kind.unsigned else kind.bits)
            case Kind.DECIMAL if kind.precision and kind.precision <= _MOST_DIGITS:
                return Type(Kind.DECIMAL, precision=kind.precision, scale=kind.scale or 0)
            case Kind.DECIMAL:
                return Type(Kind.DECIMAL, precision=_MOST_DIGITS, scale=kind.scale or 10)
            case Kind.FLOAT:
                return Type(Kind.FLOAT, bits=kind.bits)
            case Kind.TEXT if kind.length and kind.length <= _LONGEST_NVARCHAR:
                return Type(Kind.TEXT, length=kind.length)
            case Kind.BINARY if kind.length and kind.length <= _LONGEST_BINARY:
                return Type(Kind.BINARY, length=kind.length)
            case Kind.BINARY:
                return Type(Kind.BINARY)
            case Kind.TIME | Kind.TIMESTAMP:
                return Type(kind.kind, fraction=min(kind.fraction, 7), zoned=kind.zoned)
            case Kind.BOOLEAN | Kind.DATE | Kind.UUID:
                return Type(kind.kind)
            case _:
                return Type(Kind.TEXT)

    def render(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.BOOLEAN:
                return f"CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
            case Kind.INTEGER:
                return f"CONVERT(varchar(20), {expression})"
            case Kind.DECIMAL:
                plain = f"CAST({expression} AS {self.ddl(kind)})"  # money alone has two digits
                return _without_zeros(f"CONVERT(varchar(41), {plain})")
            case Kind.FLOAT:
                return f"CONVERT(varchar(30), {expression}, 3)"
            case Kind.TEXT if kind.padded:
                return f"RTRIM({expression})"
            case Kind.BINARY:
                return f"LOWER(CONVERT(varchar(max), {expression}, 2))"
            case Kind.DATE:
                return f"CONVERT(varchar(10), {expression}, 23)"
            case Kind.TIME:
                return _without_zeros(f"CONVERT(varchar(16), {expression}, 121)")
            case Kind.TIMESTAMP:
                return _stamp(expression, kind)
            case Kind.UUID:
                return f"LOWER(CONVERT(varchar(36), {expression}))"
            case _:
                return f"CONVERT(nvarchar(max), {expression})"

    def parse(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.BOOLEAN:
                return f"CASE {expression} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
            case Kind.BINARY:
                return f"CONVERT({self.ddl(kind)}, {expression}, 2)"
            case Kind.TIMESTAMP if kind.zoned:
                return f"CAST(REPLACE({expression}, '+00', ' +00:00') AS {self.ddl(kind)})"
            case Kind.TEXT | Kind.JSON | Kind.NATIVE:
                return expression
            case _:
                return f"CAST({expression} AS {self.ddl(kind)})"

    def ordered(self, expression: str, column: Column) -> str:
        """UUIDs sort by their last bytes first, and UTF-16 otherwise than UTF-8."""
        if column.type.kind is Kind.UUID:
            return f"{self.render(expression, column.type)} COLLATE {_BYTES}"
        if column.type.kind is not Kind.TEXT or column.bytewise:
            return expression
        return _bytes(expression)

    def same(self, left: str, right: str, column: Column) -> str:
        """Found by the column's own collation, and then compared byte for byte."""
        if column.native in _OLD_TIMES:
            return f"{left} = CAST({right} AS {column.native})"
        if column.type.kind is not Kind.TEXT:
            return super().same(left, right, column)
        if column.native in _NATIONAL:  # else it would be put into the collation's code page
            right = f"CAST({right} AS nvarchar({_LONGEST_NVARCHAR}))"
        found = f"{left} = {right} COLLATE {column.collation or _BYTES}"
        exactly = f"{_bytes(left)} = {_bytes(right)}"
        return f"{found} AND {exactly}" if column.collation else found

    def bound(self, column: Column) -> str:
        """As the column has it: else the column would be converted to what is bound, to another
        order, or to more digits than it has."""
        text = super().bound(column)
        if column.native in _OLD_TIMES:
            return f"CAST({text} AS {column.native})"
        is_text = column.type.kind is Kind.TEXT
        return _bytes(text) if is_text and column.bytewise and column.type.length else text

    def key_ddl(self, column: Column) -> str:
        collate = f" COLLATE {_BYTES}" if column.type.kind is Kind.TEXT else ""
        spelled = self.ddl(column.type)
        if column.type.kind is Kind.TEXT and column.type.length:
            spelled = f"varchar({min(column.type.length * 4, 8000)})"
        return f"{spelled}{collate} NOT NULL"

    def field(self, expression: str, kind: Type) -> str:
        """In UTF-16 until the driver turns it into text."""
        if kind.kind is Kind.FLOAT:
            marked = f"'{float_mark(kind)}' + {self.render(expression, kind)}"
            return f"coalesce({marked}, '{NULL}')"
        return super().field(expression, kind).replace("replace(replace(", "REPLACE(REPLACE(")

    def line(self, columns: Sequence[Column], alias: str = "") -> str:
        fields = [self.field(self.column(alias, c.name), c.type) for c in columns]
        return " + N'\t' + ".join([f"CAST({fields[0]} AS nvarchar(max))", *fields[1:]])

    def absent_line(self, key: Sequence[Column], alias: str = "") -> str:
        return f"{self.line(key, alias)} + N'\t\\D'"

    def differs(self, left: str, right: str, kind: Type) -> str:
        return f"EXISTS (SELECT {left} EXCEPT SELECT {right})"

    def stage_name(self, name: str, owner: TableName) -> str:
        return f"#{name}"

    def temporary(self, name: str, body: str) -> Sequence[str]:
        table = self.quote(name)
        return (f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({body})")

    def add_column(self, table: str, column: str) -> str:
        return f"ALTER TABLE {table} ADD {column}"

    def delete(self, table: str, alias: str, where: str) -> str:
        return f"DELETE {alias}\nFROM {table} AS {alias}\nWHERE {where}"

    def update(
        self, table: str, alias: str, sets: Sequence[str], source: str, match: str, where: str
    ) -> str:
        return (
            f"UPDATE {alias}\n"
            f"SET {', '.join(sets)}\n"
            f"FROM {table} AS {alias}\n"
            f"JOIN {source} ON {match}\n"
            f"WHERE {where}"
        )


def _bytes(text: str) -> str:
    """Its UTF-8. What is cast to varchar is put into the code page of its own collation."""
    return f"CAST({text} COLLATE {_BYTES} AS varchar({_LONGEST_BINARY}))"


def _stamp(expression: str, kind: Type) -> str:
    if kind.zoned:
        expression = f"CAST(SWITCHOFFSET({expression}, '+00:00') AS datetime2({kind.fraction}))"
    else:  # a datetime has thirds of a hundredth in a datetime2 of seven digits
        expression = f"CAST({expression} AS datetime2({kind.fraction}))"
    text = f"REPLACE(CONVERT(varchar(27), {expression}, 121), ' ', 'T')"
    bare = f"REPLACE({_without_zeros(text)}, 'T', ' ')"
    return f"{bare} + '+00'" if kind.zoned else bare


def _without_zeros(text: str) -> str:
    """Before 2022 only blanks can be trimmed: zeros become blanks, and the inner ones zeros again.
    The text has no blank of its own."""
    bare = f"REPLACE(RTRIM(REPLACE({text}, '0', ' ')), ' ', '0')"
    whole = f"REPLACE(REPLACE({bare} + '|', '.|', ''), '|', '')"
    return f"CASE WHEN {text} LIKE '%.%' THEN {whole} ELSE {text} END"
