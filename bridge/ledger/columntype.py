"""Column types and expressions of our own tables that each database spells in its own way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import NVARCHAR, TIMESTAMP, BigInteger, Dialect, Integer, String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from bridge.batch import instant

__all__ = ["Instant", "LongText", "long_integer", "name_type", "seconds_since"]


class Instant(TypeDecorator[datetime]):
    """A moment to the microsecond: aware datetimes in, aware datetimes in UTC out.

    Stored as the database's own zoned timestamp where that is exact, and elsewhere as the text of
    `instant`, whose order is the order of the moments.
    """

    impl = String(27)
    cache_ok = True
    _native = {"postgresql": TIMESTAMP(timezone=True)}  # noqa: RUF012

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(self._native.get(dialect.name, self.impl_instance))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        text = instant(value)
        if value is None or dialect.name not in self._native:
            return text
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


class LongText(Text):
    """A text of any length; MySQL's own TEXT ends at 64 KB."""


@compiles(LongText, "mysql")
def _long_text(_kind: Any, _compiler: Any, **_options: Any) -> str:
    return "LONGTEXT"


def long_integer() -> TypeEngine[int]:
    """64 bits; SQLite numbers rows by itself only in a column called INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")


def name_type() -> TypeEngine[str]:
    """128 characters; SQL Server's own VARCHAR has those of one code page alone."""
    return String(128).with_variant(NVARCHAR(128), "mssql")


class seconds_since(FunctionElement[float]):
    """Seconds from a stored instant to now, by the database's clock."""

    inherit_cache = True


@compiles(seconds_since, "postgresql")
def _zoned(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(EXTRACT(EPOCH FROM now() - {moment}) AS DOUBLE PRECISION)"


@compiles(seconds_since, "mysql")
def _microseconds(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    stamp = f"CAST(REPLACE(REPLACE({moment}, 'T', ' '), 'Z', '') AS DATETIME(6))"
    return f"TIMESTAMPDIFF(MICROSECOND, {stamp}, UTC_TIMESTAMP(6)) / 1e6"


@compiles(seconds_since, "sqlite")
def _text(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"(julianday('now') - julianday({moment})) * 86400.0"


@compiles(seconds_since, "oracle")
def _days(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    stamp = f"TO_DATE(SUBSTR({moment}, 1, 19), 'YYYY-MM-DD\"T\"HH24:MI:SS')"
    return f"(CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS DATE) - {stamp}) * 86400"


@compiles(seconds_since, "mssql")
def _milliseconds(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    stamp = f"CONVERT(datetime2, LEFT({moment}, 26), 126)"
    return f"DATEDIFF_BIG(millisecond, {stamp}, SYSUTCDATETIME()) / 1000.0"
