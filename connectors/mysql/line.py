"""One line of CSV for each row, composed by the server: the fewest functions that are exact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from connectors.mysql.dialect import MysqlDialect
from connectors.selection import Output
from connectors.table import Column, Kind

__all__ = ["csv_line", "sorts_alike", "unlike_bytes"]

_TEXTS = (Kind.TEXT, Kind.JSON, Kind.NATIVE)
_UNICODE = ("utf8mb4_", "utf8mb3_", "utf8_")

# Collations that order digits and capital letters as their bytes are, none taking two for one.
_PLAIN = (
    *("_general_ci", "_general_nopad_ci", "_unicode_ci", "_unicode_nopad_ci", "_unicode_520_ci"),
    *("_0900_ai_ci", "_uca1400_ai_ci", "_chinese_ci", "latin1_swedish_ci", "_bin"),
)
_ALIKE = "0-9A-Z"


def csv_line(dialect: MysqlDialect, outputs: Sequence[Output], *, marks_bytes: bool) -> str:
    """An expression for the line (see csvlines.py). Each function costs; so what CONCAT prints in
    canonical form itself is left to it, and only what may be NULL is looked at for it. Columns of
    several binary collations stand in one line only if it begins with a collation of its own."""
    pieces = []
    for output in outputs:
        column, kind = output.column, output.column.type
        text = _text(dialect, output)
        if kind.kind in _TEXTS or output.literal is not None:
            text = f"REPLACE({text}, '\"', '\"\"')"
        mark = "\\x" if marks_bytes and kind.kind is Kind.BINARY else ""
        quoted = f"'\"{mark}', {text}, '\"'"
        if column.nullable and output.literal is None:
            quoted = f"COALESCE(CONCAT({quoted}), 'NULL')"
        pieces.append(quoted)
    comma = ", ',', "
    return f"CONCAT('' COLLATE {dialect.collation}, {comma.join(pieces)}, '\n')"


def _text(dialect: MysqlDialect, output: Output) -> str:
    column = output.column
    plain = column.type.kind is Kind.DATE or (
        column.type.kind is Kind.INTEGER and column.native and "zerofill" not in column.native
    )
    if column.type.kind is Kind.TEXT:
        plain = not column.collation or column.collation.startswith(_UNICODE)
    if output.literal is None and not column.charset and plain:
        return dialect.quote(column.name)
    return dialect.output(output)


def sorts_alike(column: Column, texts: Iterable[str]) -> bool:
    """Whether the column's own order is that of bytes, as long as it holds nothing but digits and
    capital letters, also with these texts that it is compared with."""
    if column.bytewise:
        return True
    plain = column.type.kind is Kind.TEXT and column.collation.endswith(_PLAIN)
    return plain and all(re.fullmatch(f"[{_ALIKE}]*", text) for text in texts)


def unlike_bytes(dialect: MysqlDialect, column: Column) -> str:
    """A condition for a row whose text has any other character."""
    text = f"CONVERT({dialect.quote(column.name)} USING utf8mb4) COLLATE utf8mb4_bin"
    return f"{text} RLIKE '[^{_ALIKE}]'"
