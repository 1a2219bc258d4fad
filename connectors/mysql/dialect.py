"""How MariaDB and MySQL spell SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from connectors.dialect import Dialect, KeyRange, Statement
from connectors.mysql.number import canonical_double, shortest_single
from connectors.selection import Output
from connectors.table import Column, Kind, TableName, Type

__all__ = ["UTC_MARK", "MysqlDialect"]

UTC_MARK = "[UTC]"
"""The end of the comment of a DATETIME that holds instants: TIMESTAMP ends in 2038."""

_INTEGERS = {16: "SMALLINT", 32: "INT", 64: "BIGINT"}
_LONGEST_VARCHAR = 255  # all of a row's VARCHARs together have 65,535 bytes
_LONGEST_KEY = 3072
_MOST_DIGITS, _LARGEST_SCALE = 65, 30
_FIXED_KEY_BYTES = 33  # no number or time takes more in an index
_TEXTS = (Kind.TEXT, Kind.JSON, Kind.NATIVE)
_UUID = Type(Kind.TEXT, length=36)


class MysqlDialect(Dialect):
    """MariaDB 10.6 and later; `MysqlDialect("utf8mb4_0900_bin")` is MySQL 8.

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

    def key_ddl(self, column: Column) -> str:
        return self._key_ddl(column, _LONGEST_KEY)

    def body(self, columns: Sequence[Column], key: Sequence[str], *more: str) -> str:
        """Texts without a length share what an index has room for."""
        texts = [c for c in columns if c.name in key and c.type.kind in (*_TEXTS, Kind.BINARY)]
        fixed = _FIXED_KEY_BYTES * (len(key) - len(texts))
        room = (_LONGEST_KEY - fixed) // max(1, len(texts))
        parts = [
            f"{self.quote(c.name)} "
            f"{self._key_ddl(c, room) if c.name in key else self.ddl(c.type)}{self._comment(c)}"
            for c in columns
        ]
        return ", ".join([*parts, *more, f"PRIMARY KEY ({self.columns(key)})"])

    def _key_ddl(self, column: Column, room: int) -> str:
        kind = column.type
        if kind.kind is Kind.BINARY:
            return f"VARBINARY({kind.length or room})"
        if kind.kind in _TEXTS or kind.kind is Kind.UUID:
            length = kind.length or (36 if kind.kind is Kind.UUID else room // 4)
            return self._text(length, column.collation, padded=kind.padded, in_key=True)
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
        return f" COMMENT {_literal(column.comment[: 1000 - len(mark)] + mark)}"

    # -- values ------------------------------------------------------------------------------

    def render(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.BOOLEAN:
                return f"CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
            case Kind.INTEGER:  # ZEROFILL prints zeros
                return f"CAST({expression} + 0 AS CHAR)"
            case Kind.DECIMAL if kind.scale:
                digits = f"TRIM(TRAILING '0' FROM {expression})"
                return f"TRIM(TRAILING '.' FROM {digits})"
            case Kind.FLOAT if kind.bits == 32:
                return canonical_double(shortest_single(expression))
            case Kind.FLOAT:
                return canonical_double(expression)
            case Kind.BINARY:
                return f"LOWER(HEX({expression}))"
            case Kind.TIME | Kind.TIMESTAMP:
                text = f"CAST({expression} AS CHAR)"
                if kind.fraction:
                    text = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {text}))"
                return f"CONCAT({text}, '+00')" if kind.zoned else text
            case Kind.NATIVE if kind.native.startswith("bit("):
                width = kind.native[4:-1]
                return f"LPAD(BIN({expression} + 0), {width}, '0')"
            case Kind.NATIVE if kind.native == "geometry":
                return f"CONCAT('SRID=', ST_SRID({expression}), ';', ST_AsText({expression}))"
            case Kind.DATE | Kind.DECIMAL:
                return f"CAST({expression} AS CHAR)"
            case _:
                return f"CONVERT({expression} USING utf8mb4)"

    def parse(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.BOOLEAN:
                return f"({expression} = 'true')"
            case Kind.INTEGER:
                return f"CAST({expression} AS {'UNSIGNED' if kind.unsigned else 'SIGNED'})"
            case Kind.DECIMAL:
                return f"CAST({expression} AS DECIMAL({kind.precision},{kind.scale or 0}))"
            case Kind.FLOAT:
                return f"({expression} + 0e0)"
            case Kind.BINARY:
                return f"UNHEX({expression})"
            case Kind.DATE:
                return f"CAST({expression} AS DATE)"
            case Kind.TIME:
                return f"CAST({expression} AS TIME(6))"
            case Kind.TIMESTAMP if kind.zoned:
                return f"CAST(REPLACE({expression}, '+00', '') AS DATETIME(6))"
            case Kind.TIMESTAMP:
                return f"CAST({expression} AS DATETIME(6))"
            case Kind.NATIVE if kind.native.startswith("bit("):
                return f"CAST(CONV({expression}, 2, 10) AS UNSIGNED)"
            case Kind.NATIVE if kind.native == "geometry":
                point = f"SUBSTRING_INDEX({expression}, ';', -1)"
                return f"ST_GeomFromText({point}, SUBSTRING_INDEX({expression}, ';', 1))"
            case _:
                return expression

    def raw_text(self, expression: str) -> str:
        return f"LOWER(HEX(CAST({expression} AS BINARY)))"

    def output(self, output: Output) -> str:
        """A selected column's canonical text."""
        if output.literal is not None:
            return _literal(output.literal)
        name = self.quote(output.column.name)
        if output.column.charset:
            return self.raw_text(name)
        return self.render(name, output.column.type)

    def csv_line(self, texts: Sequence[tuple[str, Type]], *, marks_bytes: bool) -> str:
        """One line of CSV from canonical texts: each in quotes, NULL bare, a newline at the end."""
        fields = []
        for text, kind in texts:
            quoted = f"REPLACE({text}, '\"', '\"\"')" if kind.kind in _TEXTS else text
            mark = "\\x" if marks_bytes and kind.kind is Kind.BINARY else ""
            fields.append(f"COALESCE(CONCAT('\"{mark}', {quoted}, '\"'), 'NULL')")
        return f"CONCAT(CONCAT_WS(',', {', '.join(fields)}), '\n')"

    # -- keys --------------------------------------------------------------------------------

    def ordered(self, expression: str, column: Column) -> str:
        if column.bytewise or column.type.kind not in _TEXTS:
            return expression
        return f"CAST(CONVERT({expression} USING utf8mb4) AS BINARY)"

    def differs(self, left: str, right: str, kind: Type) -> str:
        return f"NOT ({left} <=> {right})"

    def in_range(self, key: Sequence[Column], keys: KeyRange, alias: str = "") -> Statement:
        """A comparison of rows would use no index: it is written out, column by column."""
        left = [self.ordered(self.column(alias, c.name), c) for c in key]
        right = [self.ordered(self.parse(self.placeholder, c.type), c) for c in key]
        parts: list[str] = []
        values: list[object] = []
        for bound, strict, last in ((keys.low, ">", ">"), (keys.high, "<", "<=")):
            if bound is None:
                continue
            tail = f"{left[-1]} {last} {right[-1]}"
            bounds: tuple[str, ...] = bound[-1:]
            for place in range(len(key) - 2, -1, -1):
                one, other = left[place], right[place]
                tail = (
                    f"{one} {strict}= {other} AND ({one} {strict} {other} OR {one} = {other} "
                    f"AND {tail})"
                )
                bounds = (*(bound[place],) * 3, *bounds)
            parts.append(tail if len(key) == 1 else f"({tail})")
            values.extend(bounds)
        return Statement(" AND ".join(parts) or "1 = 1", tuple(values))

    def among(self, key: Sequence[Column], keys: Sequence[Sequence[str]]) -> Statement:
        """Found by the store's own equality, and then told apart byte by byte."""
        names = [self.quote(c.name) for c in key]
        bound = [self.parse(self.placeholder, c.type) for c in key]
        exact = [c for c in key if self.ordered("x", c) != "x"]
        one = " AND ".join(
            f"{name} = {value}" for name, value in zip(names, bound, strict=True)
        ) + "".join(
            f" AND {self.ordered(self.quote(c.name), c)} = {self.ordered(self.placeholder, c)}"
            for c in exact
        )
        again = [place for place, c in enumerate(key) if c in exact]
        values = tuple(part for k in keys for part in (*k, *(k[place] for place in again)))
        if len(key) == 1 and not exact:
            places = ", ".join(bound * len(keys))
            return Statement(f"{names[0]} IN ({places})", values)
        return Statement(f"({' OR '.join([f'({one})'] * len(keys))})", values)

    # -- statements --------------------------------------------------------------------------

    def temporary(self, name: str, body: str) -> Sequence[str]:
        table = self.quote(name)
        return (
            f"DROP TEMPORARY TABLE IF EXISTS {table}",
            f"CREATE TEMPORARY TABLE {table} ({body}) ENGINE=InnoDB",
        )

    def delete(self, table: str, alias: str, where: str) -> str:
        return f"DELETE {alias} FROM {table} AS {alias}\nWHERE {where}"

    def update(
        self, table: str, alias: str, sets: Sequence[str], source: str, match: str, where: str
    ) -> str:
        return (
            f"UPDATE {table} AS {alias}\n"
            f"JOIN {source} ON {match}\n"
            f"SET {', '.join(f'{alias}.{one}' for one in sets)}\n"
            f"WHERE {where}"
        )

    def comments(self, table: TableName, columns: Sequence[Column], comment: str) -> Sequence[str]:
        """Those of columns stand in their definitions."""
        return [f"ALTER TABLE {self.table(table)} COMMENT {_literal(comment[:2000])}"] * bool(
            comment
        )

    def line(self, columns: Sequence[Column], alias: str = "") -> str:
        fields = [self.field(self.column(alias, c.name), c.type) for c in columns]
        return f"CONCAT_WS('\t', {', '.join(fields)})"

    def digest(self, lines: str, groups: Sequence[str] = ()) -> str:
        """The hash is computed once a row: LIMIT keeps the optimizer from repeating it. A line that
        is too long for the server is NULL, and is counted by neither sum."""
        names = "".join(f"{self.quote(g)}, " for g in groups)
        high, low = (
            f"SUM(CAST(CONV(SUBSTR(h, {start}, 16), 16, 10) AS UNSIGNED))" for start in (1, 17)
        )
        by = f"\nGROUP BY {names[:-2]}" if groups else ""
        return (
            f"SELECT {names}count(*), CASE WHEN count(*) = count(h) THEN {high} END, {low}\n"
            f"FROM (SELECT {names}SHA2(line, 256) AS h\n"
            f"FROM ({lines}) l LIMIT 18446744073709551615) d{by}"
        )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
