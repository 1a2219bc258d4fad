"""Key order, key ranges, parts, spans and descriptions."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from connectors.connector import Connector
from connectors.dialect import KeyRange, Statement
from connectors.errors import ConfigurationError, MissingObject
from connectors.selection import Format, Output, Span, count_containing
from connectors.table import Column, Kind, Table, TableName, Type
from tests.conformance.samples import EXTREMES, Line, fetch, load, make, selection_of

if TYPE_CHECKING:
    from tests.conformance.conftest import Another, Row

TEXT = Type(Kind.TEXT)
INTEGER = Type(Kind.INTEGER)
MONEY = Type(Kind.DECIMAL, precision=38, scale=10)
STAMP = Type(Kind.TIMESTAMP)
ZONED = Type(Kind.TIMESTAMP, zoned=True)

WORDS = (
    "",
    " ",
    "A",
    "Z",
    "a",
    "aa",
    "a b",
    "b",
    "é",
    "e\u0301",
    "中",
    "𠮷",
    "\U0010ffff",
    "~",
    "0",
    "00",
    "9",
    "10",
    "_",
    "-",
)
NUMBERS = ("-10", "-9", "0", "1", "2", "9", "10", "100", "9223372036854775807")
AMOUNTS = ("-10", "-9.5", "0", "0.0000000001", "0.5", "2", "10", "100.01", "12345678901234567890")
DAYS = ("0001-01-01", "1999-12-31", "2024-02-29", "9999-12-31")
MOMENTS = (
    "1999-12-31 23:59:59.999999",
    "2000-01-01 00:00:00",
    "2000-01-01 00:00:00.5",
    "2000-01-01 00:00:01",
)

ORDERS = [
    (TEXT, sorted(WORDS, key=str.encode)),
    (
        Type(Kind.TEXT, length=18, padded=True),
        sorted({w.rstrip(" ") for w in WORDS}, key=str.encode),
    ),
    (INTEGER, sorted(NUMBERS, key=int)),
    (MONEY, sorted(AMOUNTS, key=Decimal)),
    (Type(Kind.DATE), list(DAYS)),
    (STAMP, list(MOMENTS)),
    (ZONED, [f"{moment}+00" for moment in MOMENTS]),
]


def _keyed(store: Connector, name: str, kinds: list[Type], lines: list[Line]) -> Table:
    columns = [(f"k{number}", kind) for number, kind in enumerate(kinds)]
    table = make(store, name, columns, [column for column, _ in columns])
    shuffled = random.Random(7).sample(lines, len(lines))
    load(store, table, shuffled)
    return table


def test_every_store_sorts_alike(store: Connector) -> None:
    for number, (kind, values) in enumerate(ORDERS):
        table = _keyed(store, f"t{number}", [kind], [(value,) for value in values])
        assert fetch(store, selection_of(table)) == [(value,) for value in values], kind


def test_a_key_range_is_open_below_and_closed_above(store: Connector) -> None:
    for number, (kind, values) in enumerate(ORDERS[:5]):
        table = _keyed(store, f"t{number}", [kind], [(value,) for value in values])
        for low, high in itertools.combinations([None, *range(len(values))], 2):
            keys = KeyRange(None if low is None else (values[low],), (values[high],))
            expected = values[0 if low is None else low + 1 : high + 1]
            assert fetch(store, selection_of(table, keys)) == [(v,) for v in expected], kind
        above = fetch(store, selection_of(table, KeyRange((values[1],), None)))
        assert above == [(v,) for v in values[2:]]


def test_ranges_of_a_composite_key(store: Connector) -> None:
    lines: list[Line] = [
        (word, number, amount)
        for word in sorted(WORDS[:8], key=str.encode)
        for number in ("-1", "2", "10")
        for amount in ("-0.5", "2", "10")
    ]
    table = _keyed(store, "composite", [TEXT, INTEGER, MONEY], lines)
    assert fetch(store, selection_of(table)) == lines
    for low in range(0, len(lines), 5):
        for high in range(low, len(lines), 11):
            keys = KeyRange(lines[low], lines[high])  # type: ignore[arg-type]
            assert fetch(store, selection_of(table, keys)) == lines[low + 1 : high + 1]
    some = (lines[3], lines[40], ("no", "1", "1"))
    assert fetch(store, selection_of(table, among=some)) == [lines[3], lines[40]]  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 25_000])
def test_a_stream_is_read_in_parts(store: Connector, rows: int) -> None:
    lines: list[Line] = [(str(number), f"row {number}") for number in range(rows)]
    table = make(store, "t", [("id", INTEGER), ("v", TEXT)], ["id"])
    load(store, table, lines)
    limit = 4 if rows < 100 else 12_500
    found: list[Line] = []
    with store.snapshot():
        stream = store.read(selection_of(table))
        assert stream.exhausted is (rows == 0)
        while not stream.exhausted:
            part = [
                line
                for chunk in stream.part(limit)
                for line in zip(*(c.to_pylist() for c in chunk.columns), strict=True)
            ]
            assert len(part) == min(limit, rows - len(found))
            found += part
            assert stream.handed_out == len(found)
            assert stream.exhausted is (len(found) == rows)
        assert list(stream.part(limit)) == []
    assert found == lines


def test_a_stream_may_be_left_unread(store: Connector) -> None:
    table = make(store, "t", [("id", INTEGER)], ["id"])
    load(store, table, [(str(number),) for number in range(30_000)])
    with store.snapshot():
        next(iter(store.read(selection_of(table)).part(10)))
    with store.transaction():
        store.execute(f"DELETE FROM {store.dialect.table(table.name)}")
    assert fetch(store, selection_of(table)) == []


def test_a_stream_follows_another_that_nobody_has_closed(store: Connector) -> None:
    """As the keys of a whole table follow the rows of its last window."""
    table = make(store, "t", [("id", INTEGER)], ["id"])
    load(store, table, [("1",), ("2",)])
    with store.snapshot():
        first = store.read(selection_of(table))
        counts = [sum(chunk.num_rows for chunk in first.part(10))]
        assert first.exhausted
        counts += [chunk.num_rows for chunk in store.read(selection_of(table)).part(10)]
    assert counts == [2, 2]


def test_a_table_of_an_awkward_name_is_read_from(store: Connector) -> None:
    table = make(store, '100% "%s" of `x`\'s', [("id", INTEGER)], ["id"])
    load(store, table, [("1",)])
    with store.snapshot_of(table):
        assert [chunk.num_rows for chunk in store.read(selection_of(table)).part(10)] == [1]


def test_a_further_condition_and_a_list_of_keys(store: Connector) -> None:
    table = make(store, "t", [("id", INTEGER), ("v", TEXT)], ["id"])
    load(store, table, [(str(number), "odd" if number % 2 else "even") for number in range(10)])
    d = store.dialect
    where = Statement(f"{d.quote('v')} = {d.placeholder}", ("odd",))
    chosen = selection_of(table, KeyRange(("2",), ("8",)), among=(("3",), ("4",), ("9",)))
    assert fetch(store, replace(chosen, where=where)) == [("3", "odd")]


BASE = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)
LAST = timedelta(microseconds=1)


@pytest.mark.parametrize("kind", [STAMP, ZONED], ids=str)
def test_a_span_takes_its_low_bound_and_leaves_its_high_one(store: Connector, kind: Type) -> None:
    high = BASE + timedelta(hours=1)
    moments = [BASE - LAST, BASE, BASE + LAST, high - LAST, high]
    for number, zone in enumerate(("UTC", "Asia/Shanghai", "America/St_Johns")):
        table = make(store, f"t{number}", [("id", INTEGER), ("at", kind)], ["id"])
        load(store, table, [(str(n), _stamp(m, kind, zone)) for n, m in enumerate(moments)])
        load(store, table, [("9", None)])
        column = table.column("at")
        for low, up, expected in (
            (BASE, high, "123"),
            (None, BASE, "0"),
            (high, None, "4"),
            (BASE, BASE, ""),
        ):
            span = Span(column, low, up, zone)
            found = fetch(store, selection_of(table, span=span))
            assert "".join(str(line[0]) for line in found) == expected, (zone, low, up)


def _stamp(moment: datetime, kind: Type, zone: str) -> str:
    local = moment if kind.zoned else moment.astimezone(ZoneInfo(zone))
    text = local.replace(tzinfo=None).isoformat(" ")
    text = text.rstrip("0") if "." in text else text
    return text + ("+00" if kind.zoned else "")


def test_texts_that_hold_a_part_are_counted(store: Connector) -> None:
    """None of the rare characters that collations take for U+FFFD."""
    table = make(store, "t", [("k", TEXT), ("v", TEXT)], ["k"])
    load(store, table, [("𠮷", "𠮷"), ("a\ufffdb", "\ufffd"), ("?", "😀"), ("c", "a?b")])
    with store.transaction():
        counted = count_containing(store.dialect, table, table.columns, ["\ufffd", "?"])
        assert store.rows(counted) == [(1, 1, 1, 1)]


def test_a_view_and_a_query_are_read_like_a_table(store: Connector) -> None:
    table = make(store, "t", [("id", INTEGER), ("v", Type(Kind.TEXT, length=9))], ["id"])
    load(store, table, [("10", "a"), ("9", "b"), ("1", None)])
    name, quote = store.dialect.table(table.name), store.dialect.quote
    with store.transaction():
        store.execute(f"CREATE VIEW {quote('v')} AS SELECT * FROM {name} WHERE {quote('id')} > 1")
    view = store.describe(TableName("v"))
    assert view.is_view
    assert [c.type for c in view.columns] == [c.type for c in table.columns]
    query = store.describe_query(
        f"SELECT * FROM {name} WHERE {quote('id')} % 7 > 1 -- 100%\n;".replace("\n;", "")
    )
    assert [c.type for c in query.columns] == [c.type for c in table.columns]
    for found in (view, query):
        chosen = selection_of(replace(found, key=("id",)))
        assert fetch(store, chosen) == [("9", "b"), ("10", "a")]


def test_what_is_not_there_is_named_with_the_nearest_name(store: Connector) -> None:
    make(store, "population", [("id", INTEGER)], ["id"])
    with pytest.raises(MissingObject) as error:
        store.describe(TableName("populaton"))
    assert "population" in error.value.remedy
    assert "populaton" in error.value.message
    assert not store.exists(TableName("populaton"))
    assert store.exists(TableName("population"))
    with pytest.raises(MissingObject):
        store.describe_query("SELECT id FROM nowhere")
    with pytest.raises(MissingObject):
        store.describe_query("SELECT absent FROM population")
    with pytest.raises(ConfigurationError):
        store.describe_query("SELEC id")
    assert [table.name for table in store.tables()] == ["population"]


def test_keys_and_indexes_are_described(store: Connector) -> None:
    d = store.dialect
    name = d.table(TableName("t"))
    with store.transaction():
        store.execute(
            f"CREATE TABLE {name} (a INTEGER NOT NULL, b VARCHAR(9) NOT NULL, c INTEGER NOT NULL, "
            "d INTEGER, PRIMARY KEY (b, a))"
        )
        store.execute(f"CREATE UNIQUE INDEX one ON {name} (c)")
        store.execute(f"CREATE UNIQUE INDEX two ON {name} (c, d)")
        store.execute(f"CREATE INDEX three ON {name} (d)")
    table = store.describe(TableName("t"))
    assert table.key == ("b", "a")
    assert table.unique == (("c",),)
    assert table.indexed >= {"b", "c", "d"}
    assert [c.nullable for c in table.columns] == [False, False, False, True]
    assert table.column("b").type == Type(Kind.TEXT, length=9)


# Unique among some rows, or of something made of a column: no two rows are told apart by it.
_OF_SOME = "CREATE UNIQUE INDEX few ON t (a) WHERE b <> 'x'"
_OF_A_WORD = "CREATE UNIQUE INDEX mixed ON t (a, lower(b))"
NO_KEYS = {
    "sqlite": (_OF_SOME, _OF_A_WORD),
    "postgresql": (
        _OF_SOME,
        _OF_A_WORD,
        "CREATE UNIQUE INDEX broken ON t (b)",  # as one is left that could not be built
        "UPDATE pg_catalog.pg_index SET indisvalid = false\n"
        "WHERE indexrelid = CAST('broken' AS regclass)",
    ),
    "mysql": ("CREATE UNIQUE INDEX part ON t (b(3))",),
}


def test_what_tells_no_rows_apart_is_no_key(family: Row, store: Connector) -> None:
    with store.definition():
        store.execute("CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR(9) NOT NULL, id INTEGER)")
        store.execute("CREATE INDEX plain ON t (b, a)")
        store.execute_all(NO_KEYS[family.speaks or family.name])
    table = store.describe(TableName("t"))
    assert (table.key, table.unique) == ((), ())


def test_tables_of_ours_are_not_offered(store: Connector) -> None:
    make(store, "bh_batch", [("id", INTEGER)], ["id"])
    make(store, "bhutan", [("id", INTEGER)], ["id"])
    assert [table.name for table in store.tables()] == ["bhutan"]


def test_outputs_may_have_other_names_or_be_literals(store: Connector) -> None:
    table = make(store, "t", [("id", INTEGER), ("v", TEXT)], ["id"])
    load(store, table, [("10", "a"), ("9", None)])
    chosen = selection_of(table)
    first, second = chosen.outputs
    fixed = Output(Column("bh_op", TEXT), TEXT, literal="it's 100% ?")
    outputs = (fixed, replace(second, alias="id"), replace(first, alias="v"))
    found = fetch(store, replace(chosen, outputs=outputs))
    assert found == [("it's 100% ?", None, "9"), ("it's 100% ?", "a", "10")]


def test_raw_rows_arrive_as_canonical_texts_do(store: Connector, another: Another) -> None:
    """The family's own formats, from one of its sessions to another."""
    writer = another()
    formats = store.capabilities.reads & store.capabilities.loads
    for format in (Format.ARROW, *sorted(formats)):
        for name, (kind, values) in EXTREMES.items():
            columns = [("id", INTEGER), ("v", kind)]
            table = make(store, f"from {format} {name}", columns, ["id"])
            copy = make(store, f"to {format} {name}", columns, ["id"])
            load(store, table, [(str(n), text) for n, text in enumerate((*values, None))])
            with store.snapshot(), writer.transaction():
                stream = store.read(selection_of(table), format)
                parts = itertools.chain.from_iterable(
                    stream.part(2) for _ in range(len(values)) if not stream.exhausted
                )
                assert writer.load(copy.name, copy.columns, parts, format) == len(values) + 1
            assert fetch(store, selection_of(copy)) == fetch(store, selection_of(table)), name
