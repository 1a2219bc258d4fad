"""How MariaDB and MySQL spell SQL."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.dialect import KeyRange, Statement
from connectors.mysql.number import canonical_double, parsed_single, shortest_single
from connectors.mysql.types import UTC_MARK, MysqlTypes, is_bits, literal, remark
from connectors.selection import Output
from connectors.table import Column, Kind, TableName, Type

__all__ = ["UTC_MARK", "MysqlDialect"]

_TEXTS = (Kind.TEXT, Kind.JSON, Kind.NATIVE)


class MysqlDialect(MysqlTypes):
    """MariaDB 10.6 and later; `MysqlDialect("utf8mb4_0900_bin")` is MySQL 8."""

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
            case _ if is_bits(kind):
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
            case Kind.FLOAT if kind.bits == 32:
                return parsed_single(expression)
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
            case _ if is_bits(kind):
                return f"CAST(CONV({expression}, 2, 10) AS UNSIGNED)"
            case Kind.NATIVE if kind.native == "geometry":
                point = f"SUBSTRING_INDEX({expression}, ';', -1)"
                system = f"SUBSTR(SUBSTRING_INDEX({expression}, ';', 1), {len('SRID=') + 1})"
                return f"ST_GeomFromText({point}, {system})"
            case _:
                return expression

    def by_chance(self, share: float) -> str | None:
        return f"RAND() < {share:.9f}"

    def raw_text(self, expression: str) -> str:
        return f"LOWER(HEX(CAST({expression} AS BINARY)))"

    def output(self, output: Output) -> str:
        """A selected column's canonical text."""
        if output.literal is not None:
            return literal(output.literal)
        name = self.quote(output.column.name)
        if output.column.charset:
            return self.raw_text(name)
        return self.render(name, output.column.type)

    # -- keys --------------------------------------------------------------------------------

    def ordered(self, expression: str, column: Column) -> str:
        kind = column.type
        if column.bytewise or kind.kind not in (*_TEXTS, Kind.UUID) or is_bits(kind):
            return expression
        return f"CAST(CONVERT({expression} USING utf8mb4) AS BINARY)"

    def holds(self, text: str, column: Column) -> str:
        """CONVERT folds, whatever the column's own collation does."""
        return f"CAST({text} AS BINARY) LIKE {self.placeholder}"

    def absent(self, alias: str, key: Sequence[Column]) -> str:
        """A date that may not be NULL is NULL to IS where it is 0000-00-00 (ODBC wants it so)."""
        dates = (Kind.DATE, Kind.TIMESTAMP)
        if sure := [column for column in key if column.type.kind not in dates]:
            return super().absent(alias, sure)
        return f"{self.column(alias, key[0].name)} <=> NULL"

    def same(self, left: str, right: str, column: Column) -> str:
        """Found by the index of `left`, whatever it folds, and then told apart byte by byte."""
        if not column.folds:
            return f"{left} = {right}"
        charset = column.collation.partition("_")[0]
        found = f"{left} = CONVERT({right} USING {charset}) COLLATE {column.collation}"
        return f"{found} AND {self.ordered(left, column)} = {self.ordered(right, column)}"

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
        return [f"ALTER TABLE {self.table(table)} COMMENT {remark(comment[:2000])}"] * bool(comment)

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
        folded = ", ".join(f"CAST({self.quote(g)} AS BINARY)" for g in groups)
        by = f"\nGROUP BY {folded}" if groups else ""
        return (
            f"SELECT {names}count(*), CASE WHEN count(*) = count(h) THEN {high} END, {low}\n"
            f"FROM (SELECT {names}SHA2(line, 256) AS h\n"
            f"FROM ({lines}) l LIMIT 18446744073709551615) d{by}"
        )
