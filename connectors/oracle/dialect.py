"""How Oracle spells SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import ClassVar

from connectors.agentdigest import AgentLines, float_mark
from connectors.canonical import NULL
from connectors.cursorread import CursorDialect
from connectors.errors import StructureMismatch
from connectors.keyed import SpelledKeys
from connectors.table import Column, Kind, TableName, Type

__all__ = ["OracleDialect", "all_digits", "literal"]

_DIGITS = {16: 5, 32: 10, 64: 20}
_MOST_DIGITS = 38
_LONGEST_VARCHAR = 1000  # characters of four bytes each
_LONGEST_CHAR = 500
_LONGEST_RAW = 2000
_SECONDS = "YYYY-MM-DD HH24:MI:SS"
_TEXTS = {Kind.BOOLEAN: 5, Kind.UUID: 36, Kind.TIME: 18}
_TEXTUAL = ("ROWID", "UROWID", "XMLTYPE")
_DROP = (
    "BEGIN EXECUTE IMMEDIATE 'DROP TABLE {table} PURGE'; EXCEPTION WHEN OTHERS THEN "
    "IF SQLCODE <> -942 THEN RAISE; END IF; END;"
)


class OracleDialect(AgentLines, SpelledKeys, CursorDialect):
    """Oracle 12.2 and later as a target, 11.2 and later as a source.

    What Oracle has no type for is kept as its canonical text. A DATE of ours has a check constraint
    that it is a day; any other DATE holds a time of day as well.
    """

    family: ClassVar[str] = "oracle"
    placeholder: ClassVar[str] = ":v"
    selects_padding: ClassVar[bool] = True
    max_identifier_bytes: ClassVar[int] = 128

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def name_problem(self, name: str) -> str | None:
        if '"' in name:
            return f"has a double quote, and {self.family} takes none"
        return super().name_problem(name)

    def ddl(self, kind: Type) -> str:
        held = self.represent(kind)
        match held.kind:
            case Kind.DECIMAL:
                return f"NUMBER({held.precision},{held.scale})"
            case Kind.FLOAT:
                return "BINARY_FLOAT" if held.bits == 32 else "BINARY_DOUBLE"
            case Kind.TEXT if held.length is None:
                return "CLOB"
            case Kind.TEXT:
                return f"{'CHAR' if held.padded else 'VARCHAR2'}({held.length} CHAR)"
            case Kind.BINARY:
                return f"RAW({held.length})"
            case Kind.DATE:
                return "DATE"
            case _:
                zone = " WITH TIME ZONE" if held.zoned else ""
                return f"TIMESTAMP({held.fraction}){zone}"

    def represent(self, kind: Type) -> Type:
        """Values with more digits than NUMBER keeps are told apart before they are loaded. Bytes
        without limit are kept in hex: their LOBs cannot be measured in the server."""
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER:
                return Type(Kind.DECIMAL, precision=_DIGITS[kind.bits], scale=0)
            case Kind.DECIMAL if kind.precision and kind.precision <= _MOST_DIGITS:
                return Type(Kind.DECIMAL, precision=kind.precision, scale=kind.scale or 0)
            case Kind.DECIMAL:
                return Type(Kind.DECIMAL, precision=_MOST_DIGITS, scale=kind.scale or 10)
            case Kind.FLOAT:
                return Type(Kind.FLOAT, bits=kind.bits)
            case Kind.TEXT:
                most = _LONGEST_CHAR if kind.padded else _LONGEST_VARCHAR
                if kind.length is None or kind.length > most:
                    return Type(Kind.TEXT)
                return Type(Kind.TEXT, length=kind.length, padded=kind.padded)
            case Kind.BINARY if kind.length and kind.length <= _LONGEST_RAW:
                return Type(Kind.BINARY, length=kind.length)
            case Kind.DATE:
                return Type(Kind.DATE)
            case Kind.TIMESTAMP:
                return Type(Kind.TIMESTAMP, fraction=min(kind.fraction, 9), zoned=kind.zoned)
            case _:
                return Type(Kind.TEXT, length=_TEXTS.get(kind.kind))

    def render(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.DECIMAL | Kind.INTEGER:
                return f"REGEXP_REPLACE(TO_CHAR({expression}, 'TM9'), '^(-{{0,1}})[.]', '\\10.')"
            case Kind.FLOAT:
                return self._float(expression)
            case Kind.TEXT if kind.padded:
                return f"RTRIM({expression})"
            case Kind.BINARY if kind.length is None:
                raise StructureMismatch(
                    "a BLOB cannot be measured in the server",
                    remedy="use RAW, or a CLOB that holds the bytes in hex",
                )
            case Kind.BINARY:
                return f"LOWER(RAWTOHEX({expression}))"
            case Kind.DATE:
                return f"REPLACE(LTRIM(TO_CHAR({expression}, 'S{_SECONDS}')), ' 00:00:00')"
            case Kind.TIMESTAMP:
                return self._stamp(expression, kind)
            case Kind.NATIVE if kind.native.startswith("INTERVAL"):
                return f"TO_CHAR({expression})"
            case Kind.NATIVE if kind.family == self.family and kind.native not in _TEXTUAL:
                raise StructureMismatch(
                    f"a column of type {kind.native} has no text that can be read",
                    remedy="leave it out, or share a query that makes a text of it",
                )
            case _:
                return expression

    def _float(self, expression: str) -> str:
        """A format has no word for what is no number."""
        special = f"{expression} IS NAN OR {expression} IS INFINITE"
        digits = all_digits(expression)
        return f"CASE WHEN {special} THEN TO_CHAR({expression}) ELSE {digits} END"

    def _stamp(self, expression: str, kind: Type) -> str:
        """A year before Christ has a sign, and is no canonical text."""
        if kind.fraction == 0 and not kind.zoned:
            return f"LTRIM(TO_CHAR({expression}, 'S{_SECONDS}'))"
        if kind.zoned:
            expression = f"{expression} AT TIME ZONE 'UTC'"
        text = f"LTRIM(RTRIM(RTRIM(TO_CHAR({expression}, 'S{_SECONDS}.FF9'), '0'), '.'))"
        return f"{text} || '+00'" if kind.zoned else text

    def parse(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.DECIMAL | Kind.INTEGER:
                return f"TO_NUMBER({expression})"
            case Kind.FLOAT:
                return f"TO_BINARY_DOUBLE({expression})"
            case Kind.BINARY:
                return f"HEXTORAW({expression})"
            case Kind.TEXT if kind.padded:
                return f"CAST({expression} AS {self.ddl(kind)})"
            case Kind.DATE:
                return f"TO_DATE({expression}, 'YYYY-MM-DD')"
            case Kind.TIMESTAMP if kind.zoned:
                text = f"REPLACE({expression}, '+00')"
                return f"FROM_TZ(TO_TIMESTAMP({text}, '{_SECONDS}.FF9'), 'UTC')"
            case Kind.TIMESTAMP if kind.fraction == 0:
                return f"TO_DATE(SUBSTR({expression}, 1, 19), '{_SECONDS}')"
            case Kind.TIMESTAMP:
                return f"TO_TIMESTAMP({expression}, '{_SECONDS}.FF9')"
            case _:
                return expression

    def ordered(self, expression: str, column: Column) -> str:
        if column.type.kind is Kind.TEXT and not column.bytewise:
            return f"UTL_I18N.STRING_TO_RAW({expression}, 'AL32UTF8')"
        return expression

    def field(self, expression: str, kind: Type) -> str:
        if kind.kind is Kind.FLOAT:
            marked = f"'{float_mark(kind)}' || {self.render(expression, kind)}"
            return f"CASE WHEN {expression} IS NULL THEN '{NULL}' ELSE {marked} END"
        if kind.kind is Kind.TEXT and kind.length is None:
            text = f"REPLACE(REPLACE({expression}, '\\', '\\\\'), '\t', '\\t')"
            return f"CASE WHEN {expression} IS NULL THEN TO_CLOB('{NULL}') ELSE {text} END"
        return super().field(expression, kind)

    def line(self, columns: Sequence[Column], alias: str = "") -> str:
        """A CLOB, since a VARCHAR2 ends at 4000 bytes."""
        first, *rest = [self.field(self.column(alias, c.name), c.type) for c in columns]
        return " || '\t' || ".join([f"TO_CLOB({first})", *rest])

    def differs(self, left: str, right: str, kind: Type) -> str:
        if kind.kind is Kind.TEXT and kind.length is None:
            both = f"CASE WHEN {left} IS NULL AND {right} IS NULL THEN 0 ELSE 1 END"
            return f"NVL(DBMS_LOB.COMPARE({left}, {right}), {both}) <> 0"
        return f"DECODE({left}, {right}, 0, 1) = 1"

    def stage_name(self, name: str, owner: TableName) -> str:
        """A global temporary table: its definition is shared, its rows are the session's alone."""
        mark = hashlib.sha256(str(owner).encode()).hexdigest()[:12]
        return f"{name}_{mark}"

    def prepare_stage(self, name: str, body: str) -> Sequence[str]:
        table = self.quote(name)
        return (
            self.drop(table),
            f"CREATE GLOBAL TEMPORARY TABLE {table} ({body}) ON COMMIT DELETE ROWS",
        )

    def temporary(self, name: str, body: str) -> Sequence[str]:
        """DDL would commit: only the rows are taken away."""
        return (f"DELETE FROM {self.quote(name)}",)

    def body(
        self, columns: Sequence[Column], key: Sequence[str], *more: str, key_name: str = ""
    ) -> str:
        names = [self.quote(c.name) for c in columns if c.type.kind is Kind.DATE]
        days = [check for check in map(self._is_day, names) if check]
        return super().body(columns, key, *more, *days, key_name=key_name)

    def _is_day(self, name: str) -> str:
        """A constraint that a DATE has no time of day."""
        return f"CHECK ({name} = TRUNC({name}))"

    def add_column(self, table: str, column: str) -> str:
        name, _, spelled = column.rpartition(" ")
        check = f" {self._is_day(name)}" if spelled == "DATE" else ""
        return f"ALTER TABLE {table} ADD ({column}{check.rstrip()})"

    def drop(self, table: str) -> str:
        return _DROP.format(table=table.replace("'", "''"))

    def delete(self, table: str, alias: str, where: str) -> str:
        return f"DELETE FROM {table} {alias}\nWHERE {where}"

    def update(
        self, table: str, alias: str, sets: Sequence[str], source: str, match: str, where: str
    ) -> str:
        return (
            f"MERGE INTO {table} {alias}\n"
            f"USING {source}\n"
            f"ON ({match})\n"
            f"WHEN MATCHED THEN UPDATE SET {', '.join(sets)}\n"
            f"WHERE {where}"
        )

    def comments(self, table: TableName, columns: Sequence[Column], comment: str) -> Sequence[str]:
        found = [f"COMMENT ON TABLE {self.table(table)} IS {literal(comment)}"] if comment else []
        for column in columns:
            if column.comment:
                name = f"{self.table(table)}.{self.quote(column.name)}"
                found.append(f"COMMENT ON COLUMN {name} IS {literal(column.comment)}")
        return found


def all_digits(expression: str) -> str:
    return f"TO_CHAR({expression}, 'FM9.9999999999999999EEEE')"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
