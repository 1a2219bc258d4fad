"""How DM spells SQL: Oracle's, with types of its own."""

from __future__ import annotations

from typing import ClassVar

from connectors.oracle.dialect import OracleDialect, all_digits
from connectors.table import Column, Kind, Type

__all__ = ["DmDialect"]

_INTEGERS = {16: "SMALLINT", 32: "INT", 64: "BIGINT"}
_SIGNED = {16: 32, 32: 64}


class DmDialect(OracleDialect):
    """DM8. It has integers, and real days and times."""

    family: ClassVar[str] = "dm"
    placeholder: ClassVar[str] = "?"

    def ddl(self, kind: Type) -> str:
        held = self.represent(kind)
        match held.kind:
            case Kind.INTEGER:
                return _INTEGERS[held.bits]
            case Kind.FLOAT:
                return "REAL" if held.bits == 32 else "DOUBLE"
            case Kind.BINARY:
                return f"VARBINARY({held.length})"
            case Kind.TIME:
                return f"TIME({held.fraction})"
            case _:
                return super().ddl(kind)

    def represent(self, kind: Type) -> Type:
        kind = kind.widened
        match kind.kind:
            case Kind.INTEGER if kind.unsigned and kind.bits == 64:
                return Type(Kind.DECIMAL, precision=20, scale=0)
            case Kind.INTEGER:
                return Type(Kind.INTEGER, bits=_SIGNED[kind.bits] if kind.unsigned else kind.bits)
            case Kind.TIME if not kind.zoned:
                return Type(Kind.TIME, fraction=min(kind.fraction, 6))
            case Kind.TIMESTAMP:
                return Type(Kind.TIMESTAMP, fraction=min(kind.fraction, 6), zoned=kind.zoned)
            case _:
                return super().represent(kind)

    def render(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.DATE:
                return f"TO_CHAR({expression}, 'YYYY-MM-DD')"
            case Kind.TIME:
                return _without_zeros(f"TO_CHAR({expression}, 'HH24:MI:SS.FF6')")
            case Kind.TIMESTAMP:
                if kind.zoned:
                    expression = f"SYS_EXTRACT_UTC({expression})"
                text = _without_zeros(f"TO_CHAR({expression}, 'YYYY-MM-DD HH24:MI:SS.FF6')")
                return f"{text} || '+00'" if kind.zoned else text
            case _:
                return super().render(expression, kind)

    def parse(self, expression: str, kind: Type) -> str:
        match kind.kind:
            case Kind.FLOAT | Kind.TIME:
                return f"CAST({expression} AS {self.ddl(kind)})"
            case Kind.TIMESTAMP if kind.zoned:
                text = f"REPLACE({expression}, '+00', ' +00:00')"
                return f"CAST({text} AS {self.ddl(kind)})"
            case Kind.TIMESTAMP | Kind.DATE:
                return f"CAST({expression} AS {self.ddl(kind)})"
            case _:
                return super().parse(expression, kind)

    def ordered(self, expression: str, column: Column) -> str:
        """A database of UTF-8 compares texts by their bytes; others have an order of their own."""
        return expression

    def _float(self, expression: str) -> str:
        return all_digits(expression)

    def _is_day(self, name: str) -> str:
        """A DATE is a day."""
        return ""


def _without_zeros(text: str) -> str:
    return f"RTRIM(RTRIM({text}, '0'), '.')"
