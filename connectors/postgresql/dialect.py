"""How PostgreSQL spells SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from connectors.dialect import Dialect, Statement
from connectors.selection import Format, Output
from connectors.table import Column, Kind, TableName, Type

__all__ = ["Postgresql18Dialect", "PostgresqlDialect"]

_SIMPLE: dict[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.BINARY: "bytea",
    Kind.DATE: "date",
    Kind.UUID: "uuid",
}
_INTEGERS = {16: "smallint", 32: "integer", 64: "bigint"}
_UNSIGNED = {16: "integer", 32: "bigint", 64: "numeric(20,0)"}
_UNSORTED = frozenset(
    {
        *("point", "line", "lseg", "box", "path", "polygon", "circle", "jsonpath", "refcursor"),
        *("xid", "cid", "txid_snapshot", "pg_snapshot", "json", "xml"),
    }
)
_STRINGS = frozenset({"", "text", "character varying", "character", "name", "citext"})
_LONGEST_VARCHAR = 10_485_760
_MOST_DIGITS = 1000
_MOST_ARGUMENTS = 90  # a function takes no more than 100


class PostgresqlDialect(Dialect):
    """PostgreSQL 13 and later."""

    family: ClassVar[str] = "postgresql"
    returns_changes: ClassVar[bool] = True
    longest_key: ClassVar[int | None] = 2700
    unsorted: ClassVar[frozenset[str]] = _UNSORTED
    unwritable: ClassVar[frozenset[str]] = frozenset({"money"})  # its digits are a setting's
    word: ClassVar[str] = (
        "CAST(CAST('x' || encode(substr(h, {start}, 8), 'hex') AS bit(64)) AS bigint)"
    )
    """Eight bytes of the hash `h` as a signed integer."""
    line_bytes: ClassVar[str] = "convert_to(line, 'UTF8')"
    prefer_index: ClassVar[str | None] = (
        "SELECT set_config('enable_seqscan', 'off', true), "
        "set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
    )

    def quote(self, name: str) -> str:
        """Percent signs are doubled: statements always go to the driver with parameters."""
        return '"' + name.replace('"', '""').replace("%", "%%") + '"'

    def ddl(self, kind: Type) -> str:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER:
                return (_UNSIGNED if kind.unsigned else _INTEGERS)[kind.bits]
            case Kind.DECIMAL:
                if kind.precision is None or kind.precision > _MOST_DIGITS:
                    return "numeric"
                return f"numeric({kind.precision},{kind.scale or 0})"
            case Kind.FLOAT:
                return "real" if kind.bits == 32 else "double precision"
            case Kind.TEXT:
                if kind.length is None or kind.length > _LONGEST_VARCHAR:
                    return "text"
                return f"{'character' if kind.padded else 'varchar'}({kind.length})"
            case Kind.TIME | Kind.TIMESTAMP:
                zone = " with time zone" if kind.zoned else ""
                return f"{kind.kind.value}({min(kind.fraction, 6)}){zone}"
            case Kind.JSON:
                return kind.native if self._is_ours(kind) else "json"
            case Kind.NATIVE:
                return kind.native if self._is_ours(kind) else "text"
            case _:
                return _SIMPLE[kind.kind]

    def represent(self, kind: Type) -> Type:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER if kind.unsigned and kind.bits == 64:
                return Type(Kind.DECIMAL, precision=20, scale=0)
            case Kind.INTEGER if kind.unsigned:
                return Type(Kind.INTEGER, bits=kind.bits * 2)
            case Kind.DECIMAL if self.ddl(kind) == "numeric":
                return Type(Kind.DECIMAL)
            case Kind.DECIMAL:
                return Type(Kind.DECIMAL, precision=kind.precision, scale=kind.scale or 0)
            case Kind.TEXT if self.ddl(kind) == "text":
                return Type(Kind.TEXT)
            case Kind.BINARY:
                return Type(Kind.BINARY)
            case Kind.TIME | Kind.TIMESTAMP:
                return Type(kind.kind, fraction=min(kind.fraction, 6), zoned=kind.zoned)
            case Kind.JSON if not self._is_ours(kind):
                return Type(Kind.JSON, family=self.family, native="json")
            case Kind.NATIVE if not self._is_ours(kind):
                return Type(Kind.TEXT)
            case _:
                return kind

    def render(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.DECIMAL:
                return f"CAST(trim_scale(CAST({expression} AS numeric)) AS text)"  # or money
            case Kind.FLOAT:
                if kind.bits == 64:
                    return _shortest(expression)
                # Its own text has an exponent from 1e+06 on.
                text = f"CAST({expression} AS text)"
                plain = f"abs({expression}) BETWEEN 1e-04 AND 1e+15"
                return (
                    f"CASE WHEN {expression} = 0 THEN '0' "
                    f"WHEN {plain} THEN CAST(CAST({text} AS double precision) AS text) "
                    f"ELSE {text} END"
                )
            case Kind.BINARY:
                return f"encode({expression}, 'hex')"
            case _:
                return f"CAST({expression} AS text)"

    def parse(self, expression: str, kind: Type) -> str:
        if kind.kind is Kind.BINARY:
            return f"decode({expression}, 'hex')"
        return super().parse(expression, kind)

    def same(self, left: str, right: str, column: Column) -> str:
        """A collation of its own is named on both sides: that of the staged keys is another."""
        if _is_another(column) or (column.folds and not column.collation):
            kind = column.native.replace("%", "%%")  # an enum, citext, or a domain of it
            found = f"CAST({left} AS {kind}) = CAST({right} AS {kind})"
        elif column.collation:
            collate = f"COLLATE {column.collation.replace('%', '%%')}"
            found = f"{left} {collate} = {right} {collate}"
        else:
            return f"{left} = {right}"
        exactly = f"{self.ordered(left, column)} = {self.ordered(right, column)}"
        return f"{found} AND {exactly}" if column.folds else found

    def given(self, expression: str, column: Column) -> str:
        if not _is_another(column):
            return expression
        return f"CAST({expression} AS {column.native.replace('%', '%%')})"

    def by_chance(self, share: float) -> str | None:
        return f"random() < {share:.9f}"

    def raw_text(self, expression: str) -> str:
        return f"encode(convert_to(CAST({expression} AS text), getdatabaseencoding()), 'hex')"

    def ordered(self, expression: str, column: Column) -> str:
        if column.type.kind in (Kind.NATIVE, Kind.JSON) or column.folds:
            return f'CAST({expression} AS text) COLLATE "C"'
        if column.bytewise or column.type.kind is not Kind.TEXT:
            return expression
        return f'{_as_text(expression, column)} COLLATE "C"'

    def among(self, key: Sequence[Column], keys: Sequence[Sequence[str]]) -> Statement:
        names = ", ".join(_as_text(self.quote(c.name), c) for c in key)
        one = f"({', '.join(self.parse(self.placeholder, c.type) for c in key)})"
        rows = ", ".join([one] * len(keys))
        return Statement(f"({names}) IN (VALUES {rows})", tuple(part for k in keys for part in k))

    def differs(self, left: str, right: str, kind: Type) -> str:
        """JSON and families' own types may have no equality, or one that hides a difference."""
        if kind.kind in (Kind.NATIVE, Kind.JSON):
            left, right = f"CAST({left} AS text)", f"CAST({right} AS text)"
        return f"{left} IS DISTINCT FROM {right}"

    def key_ddl(self, column: Column) -> str:
        collate = ' COLLATE "C"' if column.type.kind is Kind.TEXT else ""
        return self.ddl(column.type) + collate

    def line(self, columns: Sequence[Column], alias: str = "") -> str:
        """One call for many fields, at half the cost of an array or of a concatenation each."""
        fields = [self.field(self._plain(alias, c), c.type) for c in columns]
        return " || '\t' || ".join(
            f"concat_ws('\t', {', '.join(fields[start : start + _MOST_ARGUMENTS])})"
            for start in range(0, len(fields), _MOST_ARGUMENTS)
        )

    def _plain(self, alias: str, column: Column) -> str:
        """A collation that folds would not let a text be searched for what must be escaped."""
        name = self.column(alias, column.name)
        return f'CAST({name} AS text) COLLATE "C"' if column.folds else name

    def digest(self, lines: str, groups: Sequence[str] = ()) -> str:
        """The hash is computed once a row: OFFSET 0 keeps the planner from repeating it."""
        names = "".join(f"{self.quote(g)}, " for g in groups)
        high, low = (f"sum({self.word.format(start=start)})" for start in (1, 9))
        by = f"\nGROUP BY {names[:-2]}" if groups else ""
        return (
            f"SELECT {names}count(*), {high}, {low}\n"
            f"FROM (SELECT {names}sha256({self.line_bytes}) AS h\n"
            f"FROM ({lines}) l OFFSET 0) d{by}"
        )

    def analyze(self, name: str, key: Sequence[str]) -> str | None:
        return f"ANALYZE {self.quote(name)} ({self.columns(key)})"

    def comments(self, table: TableName, columns: Sequence[Column], comment: str) -> Sequence[str]:
        found = [f"COMMENT ON TABLE {self.table(table)} IS {_literal(comment)}"] if comment else []
        for column in columns:
            if column.comment:
                name = f"{self.table(table)}.{self.quote(column.name)}"
                found.append(f"COMMENT ON COLUMN {name} IS {_literal(column.comment)}")
        return found

    def output(self, output: Output, format: Format) -> str:
        """A selected column: canonical text, or for raw COPY the value as the next store has it."""
        name = self.quote(output.column.name)
        if output.literal is not None:
            name = _literal(output.literal)
        if format is Format.PGCOPY:
            return f"CAST({name} AS {self.ddl(output.type)})"
        kind = output.column.type
        if output.column.charset:
            return self.raw_text(name)
        text = self.render(f"CAST({name} AS {self.ddl(kind)})", kind)
        if format is Format.CSV and kind.kind is Kind.BINARY:
            return f"'\\x' || {text}"
        return text

    def _is_ours(self, kind: Type) -> bool:
        return kind.family == self.family and bool(kind.native)


class Postgresql18Dialect(PostgresqlDialect):
    """PostgreSQL from 18 on, where bytes cast to integers: a quarter less for a digest. A line goes
    out as the session's encoding, UTF-8, has it, without being looked through a second time."""

    word: ClassVar[str] = "CAST(substr(h, {start}, 8) AS bigint)"
    line_bytes: ClassVar[str] = "textsend(line)"


def _is_another(column: Column) -> bool:
    """An enum, and what an extension has made, compare with no text."""
    return column.type.kind is Kind.TEXT and column.native not in _STRINGS


def _as_text(expression: str, column: Column) -> str:
    return f"CAST({expression} AS text)" if _is_another(column) else expression


def _shortest(number: str) -> str:
    """The shortest text that reads back to the double. The server's own is no shorter than one
    strictly between its neighbours; from 2^53 up a decimal may lie half way to one of them."""
    text = f"CAST({number} AS text)"
    mantissa = f"round(CAST(split_part({text}, 'e', 1) AS numeric), n)"
    exponent = f"CAST(split_part({text}, 'e', 2) AS integer)"
    found = (
        f"SELECT CASE WHEN abs({mantissa}) = 10 "
        f"THEN concat(trim_scale({mantissa} / 10), 'e+', {exponent} + 1) "
        f"ELSE concat(trim_scale({mantissa}), 'e+', {exponent}) END "
        f"FROM generate_series(0, 16) n "
        f"WHERE CAST(concat({mantissa}, 'e', {exponent}) AS double precision) = {number} "
        f"ORDER BY n LIMIT 1"
    )
    return (
        f"CASE WHEN {number} = 0 THEN '0' "
        f"WHEN abs({number}) BETWEEN 9007199254740992 AND 1e41 THEN ({found}) ELSE {text} END"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
