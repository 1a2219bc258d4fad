"""Types and canonical texts that every family must carry, and short ways to move them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from connectors.connector import Connector
from connectors.dialect import EVERYTHING, KeyRange
from connectors.effects import Effects
from connectors.selection import Output, Selection, Span
from connectors.table import Column, Kind, Table, TableName, Type

__all__ = ["AWKWARD", "EXTREMES", "Line", "batch", "fetch", "load", "make", "selection_of"]

Line = tuple[str | None, ...]

TEXTS = (
    "",
    " ",
    " 两端空格 ",
    "NULL",
    "\\N",
    "\\D",
    "a\tb",
    "a\\tb",
    "line\r\nline\nline\rend",
    "\x01\x7f\x1e",
    "𠮷野家䶮㛃",
    "e\u0301 é",
    "\ufeffbom",
    "1.10",
    "007",
    "'; DROP TABLE t; --",
    '%s %(a)s ? :a $1 {} "q" `b` [c]',
    '"quoted,comma"',
    "\U0010ffff",
)

EXTREMES: dict[str, tuple[Type, tuple[str, ...]]] = {
    "boolean": (Type(Kind.BOOLEAN), ("true", "false")),
    "integer(16)": (Type(Kind.INTEGER, bits=16), ("-32768", "0", "32767")),
    "integer(32)": (Type(Kind.INTEGER, bits=32), ("-2147483648", "-1", "100", "2147483647")),
    "integer(64)": (
        Type(Kind.INTEGER),
        ("-9223372036854775808", "9007199254740993", "9223372036854775807"),
    ),
    "unsigned(16)": (Type(Kind.INTEGER, bits=16, unsigned=True), ("0", "65535")),
    "unsigned(32)": (Type(Kind.INTEGER, bits=32, unsigned=True), ("0", "4294967295")),
    "unsigned(64)": (Type(Kind.INTEGER, unsigned=True), ("0", "18446744073709551615")),
    "decimal(5,2)": (Type(Kind.DECIMAL, precision=5, scale=2), ("-999.99", "1.1", "0", "100")),
    "decimal(18,0)": (
        Type(Kind.DECIMAL, precision=18, scale=0),
        ("999999999999999999", "-1", "100"),
    ),
    "decimal(38,10)": (
        Type(Kind.DECIMAL, precision=38, scale=10),
        (
            "9999999999999999999999999999.9999999999",
            "-9999999999999999999999999999.9999999999",
            "0.0000000001",
            "12345678901234567890",
        ),
    ),
    "decimal": (Type(Kind.DECIMAL), ("0.1", f"1{'0' * 60}", f"-0.{'0' * 60}1")),
    "float(64)": (
        Type(Kind.FLOAT),
        (
            "0",
            "0.1",
            "-0.0001",
            "1e-05",
            "123456789012345",
            "1e+15",
            "1.7976931348623157e+308",
            "2.2250738585072014e-308",
            "5e-324",
            "0.30000000000000004",
            "-9.007199254740992e+15",
            "-5.140551043047566e+16",
            "1e+23",
            "9.5e+22",
            "-999999999999999",
        ),
    ),
    "float(32)": (
        Type(Kind.FLOAT, bits=32),
        ("0.1", "16777216", "10000000", "3.4028235e+38", "1e-45", "-1.1754944e-38"),
    ),
    "text": (Type(Kind.TEXT), TEXTS),
    "text(50)": (Type(Kind.TEXT, length=50), TEXTS),
    "text(5)": (Type(Kind.TEXT, length=5), ("𠮷𠮷𠮷𠮷𠮷", "", "abc  ")),
    "char(18)": (Type(Kind.TEXT, length=18, padded=True), ("11010519491231002X", "", "𠮷")),
    "binary": (Type(Kind.BINARY), ("", "00", "5c4e", "ff00ff", "00" * 300)),
    "binary(16)": (Type(Kind.BINARY, length=16), ("", "0a0d09", "ff" * 16)),
    "date": (Type(Kind.DATE), ("0001-01-01", "1582-10-10", "2024-02-29", "9999-12-31")),
    "time": (Type(Kind.TIME), ("00:00:00", "12:30:00.5", "23:59:59.999999")),
    "time(0)": (Type(Kind.TIME, fraction=0), ("00:00:00", "23:59:59")),
    "timestamp": (
        Type(Kind.TIMESTAMP),
        (
            "0001-01-01 00:00:00",
            "1970-01-01 00:00:00.000001",
            "2024-02-29 12:00:00.5",
            "9999-12-31 23:59:59.999999",
        ),
    ),
    "timestamp(0)": (Type(Kind.TIMESTAMP, fraction=0), ("2024-02-29 12:00:00",)),
    "timestamp(3) with zone": (
        Type(Kind.TIMESTAMP, fraction=3, zoned=True),
        ("2024-02-29 12:00:00.123+00", "2024-02-29 12:00:00.5+00", "2024-02-29 12:00:00+00"),
    ),
    "timestamp with zone": (
        Type(Kind.TIMESTAMP, zoned=True),
        (
            "0001-01-01 00:00:00+00",
            "1969-12-31 23:59:59.999999+00",
            "9999-12-31 23:59:59.999999+00",
        ),
    ),
    "uuid": (
        Type(Kind.UUID),
        ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ),
    "json": (
        Type(Kind.JSON),
        ('{"b": 1, "a":\t[1.10, "𠮷"]}', "1.10", "null", '"\\u0041\\n"', "{}"),
    ),
}
"""Types, and canonical texts at the ends of what they hold."""

AWKWARD = (
    "统一社会信用代码",
    "two words",
    'double"quote',
    "single'quote",
    "back`tick",
    "per%cent%s",
    "colon:name",
    "question?mark",
    "1digit",
    "select",
    "order",
    "MixedCase",
    "back\\slash",
    "dollar$1",
    "brack[et]",
    "line\nbreak",
    "字" * 20,
)
"""Names that some store or driver could trip over; the last has 60 bytes."""


def batch(columns: Sequence[Column], lines: Iterable[Line]) -> pa.RecordBatch:
    """A record batch of canonical texts."""
    rows = list(lines)
    arrays = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(columns))]
    return pa.RecordBatch.from_arrays(arrays, [c.name for c in columns])


def make(
    store: Connector, name: str, columns: Sequence[tuple[str, Type]], key: Sequence[str]
) -> Table:
    """A table as we create them, described."""
    held = tuple(Column(c, store.dialect.represent(kind)) for c, kind in columns)
    target = Effects(store.dialect, TableName(name), held, tuple(key), owned=True)
    with store.transaction():
        store.execute_all(target.create())
    return store.describe(TableName(name))


def load(store: Connector, table: Table, lines: Iterable[Line]) -> int:
    with store.transaction():
        return store.load(table.name, table.columns, iter([batch(table.columns, lines)]))


def selection_of(
    table: Table,
    keys: KeyRange = EVERYTHING,
    span: Span | None = None,
    among: tuple[tuple[str, ...], ...] | None = None,
) -> Selection:
    outputs = tuple(Output(c, c.type) for c in table.columns)
    return Selection(table, outputs, tuple(map(table.column, table.key)), keys, span, among)


def fetch(store: Connector, selection: Selection) -> list[Line]:
    """The rows that a selection yields, in its order."""
    with store.snapshot():
        stream = store.read(selection)
        batches = list(stream.part(1_000_000))
        assert stream.exhausted
    rows: list[Line] = []
    for found in batches:
        assert found.schema.names == [output.name for output in selection.outputs]
        assert all(kind == pa.string() for kind in found.schema.types)
        rows += zip(*(column.to_pylist() for column in found.columns), strict=True)
    assert stream.handed_out == len(rows)
    return rows
