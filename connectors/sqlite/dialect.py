"""How SQLite spells SQL; the functions named `bh_…` are those of connectors/sqlite/values.py."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, timedelta
from typing import ClassVar

from connectors.dialect import Dialect, Statement
from connectors.selection import Output, Span
from connectors.sqlite.types import has_text_affinity, makes_numbers
from connectors.table import Column, Kind, Type

__all__ = ["SqliteDialect"]

_SIMPLE: dict[Kind, str] = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON_TEXT",
    Kind.NATIVE: "TEXT",
}
_INTEGERS = {16: "SMALLINT", 32: "INT4", 64: "BIGINT"}
_SIGNED = {16: 32, 32: 64}
_FUNCTIONS = {
    Kind.BOOLEAN: "replace(replace(lower({}), '1', 'true'), '0', 'false')",
    Kind.DATE: "bh_date({})",
    Kind.TIME: "bh_time({})",
    Kind.UUID: "bh_uuid({}, 1)",
}
_MOST = 2**63 - 1
_MARGIN = timedelta(days=2)  # more than any two clocks on earth lie apart


class SqliteDialect(Dialect):
    """SQLite 3.35 and later.

    What we create keeps canonical text wherever a number's affinity would change it, so that equal
    values are equal texts. Tables of others hold what they hold: `render` knows their spellings.
    """

    family: ClassVar[str] = "sqlite"
    placeholder: ClassVar[str] = "?"
    max_identifier_bytes: ClassVar[int] = 512
    folds_names: ClassVar[bool] = True

    def takes(self, column: Column) -> bool:
        return column.type.kind is not Kind.TEXT or not makes_numbers(column.native)

    def quote(self, name: str) -> str:
        """In backticks: a name in double quotes that is no column would become a string."""
        return "`" + name.replace("`", "``") + "`"

    def ddl(self, kind: Type) -> str:
        held = self.represent(kind)
        match held.kind:
            case Kind.INTEGER:
                return _INTEGERS[held.bits]
            case Kind.DECIMAL:
                digits = f"({held.precision},{held.scale})" if held.precision else ""
                return f"DECIMAL_TEXT{digits}"
            case Kind.FLOAT:
                return "FLOAT4" if held.bits == 32 else "DOUBLE"
            case Kind.TEXT:
                return f"VARCHAR({held.length})" if held.length else "TEXT"
            case Kind.BINARY:
                return f"BLOB({held.length})" if held.length else "BLOB"
            case Kind.TIME | Kind.TIMESTAMP:
                zone = "TZ" if held.zoned else ""
                return f"{held.kind.value.upper()}{zone}({held.fraction})"
            case _:
                return _SIMPLE[held.kind]

    def represent(self, kind: Type) -> Type:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER if kind.unsigned and kind.bits == 64:
                return Type(Kind.DECIMAL, precision=20, scale=0)
            case Kind.INTEGER:
                return Type(Kind.INTEGER, bits=_SIGNED[kind.bits] if kind.unsigned else kind.bits)
            case Kind.DECIMAL if kind.precision:
                return Type(Kind.DECIMAL, precision=kind.precision, scale=kind.scale or 0)
            case Kind.FLOAT:
                return Type(Kind.FLOAT, bits=kind.bits)
            case Kind.TEXT | Kind.BINARY:
                return Type(kind.kind, length=kind.length)
            case Kind.TIME | Kind.TIMESTAMP:
                return Type(kind.kind, fraction=kind.fraction, zoned=kind.zoned)
            case Kind.NATIVE:
                return Type(Kind.TEXT)
            case _:
                return Type(kind.kind)

    def render(self, expression: str, kind: Type) -> str:
        text = f"CAST({expression} AS TEXT)"
        match kind.kind:
            case Kind.INTEGER:
                return text
            case Kind.BOOLEAN:
                plain = f"lower({expression})"
                return f"CASE {plain} WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE {plain} END"
            case Kind.BINARY:
                return f"CASE WHEN {expression} IS NOT NULL THEN lower(hex({expression})) END"
            case Kind.DECIMAL:
                return (
                    f"CASE typeof({expression}) WHEN 'real' THEN bh_decimal({expression})"
                    f" WHEN 'text' THEN CAST(bh_decimal(CAST({expression} AS BLOB)) AS TEXT)"
                    f" ELSE {text} END"
                )
            case Kind.FLOAT:
                number = f"typeof({expression}) IN ('real', 'integer')"
                return f"CASE WHEN {number} THEN bh_float({expression}) ELSE {text} END"
            case Kind.UUID:
                raw = f"typeof({expression}) = 'blob'"
                return f"CAST(bh_uuid(CAST({expression} AS BLOB), {raw}) AS TEXT)"
            case Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
                return f"CAST({_canonical(expression, kind)} AS TEXT)"
            case _:
                real = f"typeof({expression}) = 'real'"
                return f"CASE WHEN {real} THEN bh_float({expression}) ELSE {text} END"

    def parse(self, expression: str, kind: Type) -> str:
        """A bound of a range may have more digits than the canonical form."""
        match kind.kind:
            case Kind.TIMESTAMP:
                return _canonical(expression, kind)
            case Kind.BOOLEAN:
                return expression
            case _:
                return self.stored(expression, kind)

    def stored(self, expression: str, kind: Type) -> str:
        """Most texts are the value itself: a column's affinity turns digits into a number, and
        what are no digits stays visible, where CAST would make it 0."""
        match kind.kind:
            case Kind.BOOLEAN:
                return f"CASE {expression} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
            case Kind.FLOAT:
                return f"bh_real({expression})"
            case Kind.BINARY:
                return f"bh_bytes({expression})"
            case _:
                return expression

    def ordered(self, expression: str, column: Column) -> str:
        match column.type.kind:
            case Kind.DECIMAL:
                return f"{expression} COLLATE bh_decimal"
            case Kind.BOOLEAN | Kind.UUID | Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
                return _canonical(expression, column.type)
            case Kind.TEXT | Kind.JSON | Kind.NATIVE:
                if column.native and not has_text_affinity(column.native):
                    expression = f"CAST({expression} AS TEXT)"
                return expression if column.bytewise else f"{expression} COLLATE BINARY"
            case _:
                return expression

    def by_chance(self, share: float) -> str | None:
        return f"(random() & {_MOST}) < {round(share * _MOST)}"

    def raw_text(self, expression: str) -> str:
        return f"CASE WHEN {expression} IS NOT NULL THEN lower(hex({expression})) END"

    def among(self, key: Sequence[Column], keys: Sequence[Sequence[str]]) -> Statement:
        """Compared in canonical form: a key's own spelling may be another."""
        names = ", ".join(self.ordered(self.column("", c.name), c) for c in key)
        one = ", ".join(self.ordered(self.parse(self.placeholder, c.type), c) for c in key)
        rows = ", ".join([f"({one})"] * len(keys))
        names = names if len(key) == 1 else f"({names})"
        return Statement(f"{names} IN (VALUES {rows})", tuple(part for k in keys for part in k))

    def differs(self, left: str, right: str, kind: Type) -> str:
        return f"{left} IS NOT {right}"

    def found(self, alias: str, key: Sequence[str], rows: str, other: str, where: str = "") -> str:
        """The planner takes EXISTS as it is written: it would go through `rows` for each row."""
        keys = self.columns(key, alias)
        among = f"SELECT {self.columns(key, other)} FROM {rows} {other}"
        also = f" WHERE {where}" if where else ""
        return f"{keys if len(key) == 1 else f'({keys})'} IN ({among}{also})"

    def key_ddl(self, column: Column) -> str:
        """SQLite allows NULL in a primary key unless told otherwise."""
        return f"{self.ddl(column.type)} NOT NULL"

    def temporary(self, name: str, body: str) -> Sequence[str]:
        table = f"temp.{self.quote(name)}"
        return (
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE TEMPORARY TABLE {self.quote(name)} ({body})",
        )

    def digest(self, lines: str, groups: Sequence[str] = ()) -> str:
        """The two sums come out of one aggregate: a sum of 64-bit words would overflow."""
        names = "".join(f"{self.quote(g)}, " for g in groups)
        by = f"\nGROUP BY {names[:-2]}" if groups else ""
        return (
            f"SELECT {names}n, substr(sums, 1, 20), substr(sums, 21)\n"
            f"FROM (SELECT {names}count(*) AS n, bh_lanes(CAST(line AS BLOB)) AS sums\n"
            f"FROM ({lines}) l{by}) d"
        )

    def output(self, output: Output) -> str:
        """A selected column's canonical text."""
        if output.literal is not None:
            text = output.literal.replace("'", "''")
            return f"'{text}'"
        name = self.quote(output.column.name)
        if output.column.charset:
            return self.raw_text(name)
        return self.render(name, output.column.type)

    def unreadable(self, outputs: Sequence[Output]) -> str:
        """The position of the first column whose value has no text that could stand for it: bytes
        where no bytes belong, or a number where they do. NULL if there is none."""
        cases = []
        for position, output in enumerate(outputs):
            column = output.column
            if output.literal is not None or column.charset:
                continue
            name = self.quote(column.name)
            misplaced = f"typeof({name}) = 'blob'"
            if column.type.kind is Kind.BINARY:
                misplaced = f"typeof({name}) IN ('integer', 'real')"
            elif column.type.kind is Kind.UUID:
                misplaced += f" AND length({name}) <> 16"
            cases.append(f"WHEN {misplaced} THEN {position}")
        return f"CASE {' '.join(cases)} END" if cases else "NULL"

    def in_span(self, span: Span, zone: str) -> Statement:
        """By instants, since stamps with and without an offset stand in one column; `zone` is that
        of those without. Every spelling begins with the day, so an index on the column still finds
        the days around the span."""
        name = self.quote(span.column.name)
        zone = "UTC" if span.column.type.zoned else zone
        parts: list[str] = []
        values: list[object] = []
        for moment, operator, days in ((span.low, ">=", -_MARGIN), (span.high, "<", _MARGIN)):
            if moment is not None:
                local = moment.astimezone(UTC).replace(tzinfo=None)
                with suppress(OverflowError):
                    values.append((local + days).date().isoformat())
                    parts.append(f"{name} {operator} ?")
                text = local.isoformat(" ")
                values += [zone, text.rstrip("0") if "." in text else text]
                parts.append(f"bh_instant(CAST({name} AS BLOB), ?) {operator} ?")
        return Statement(" AND ".join(parts) or "1 = 1", tuple(values))


def _canonical(expression: str, kind: Type) -> str:
    """Names its expression once, so that it may be a placeholder; bytes, as text may be invalid."""
    value = f"CAST({expression} AS BLOB)"
    if kind.kind is Kind.TIMESTAMP:
        return f"bh_stamp({value}, {int(kind.zoned)})"
    return _FUNCTIONS[kind.kind].format(value)
