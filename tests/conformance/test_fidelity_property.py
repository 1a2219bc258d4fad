"""Any values of any shared type: they come back as they went in, by every way rows travel, and both
servers and the agent compute one digest of them, which no changed cell leaves as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.canonical import Digest, canonical_float, canonical_line
from connectors.connector import Connector
from connectors.dialect import EVERYTHING
from connectors.effects import Effects
from connectors.endpoint import Endpoint
from connectors.registry import connect
from connectors.selection import Format
from connectors.table import Column, Kind, Table, TableName, Type
from tests.conformance.samples import Line, batch, fetch, selection_of
from tests.conformance.test_fidelity import OPTIONS, PAIRS

Database = Callable[..., Endpoint]
NAME = TableName("any values")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
AWKWARD = st.sampled_from(
    ["", " ", "\\N", "\t", "\\", '"', "\r\n", "䶮㛃𠮷", "e\u0301", "é", "'", "NULL"]
)


def _integers(bits: int, *, unsigned: bool = False) -> st.SearchStrategy[str]:
    low = 0 if unsigned else -(1 << (bits - 1))
    high = (1 << bits) - 1 if unsigned else (1 << (bits - 1)) - 1
    return (st.integers(low, high) | st.sampled_from([low, high])).map(str)


def _decimals(precision: int, scale: int) -> st.SearchStrategy[str]:
    most = 10**precision - 1
    return st.integers(-most, most).map(partial(_point, scale))


def _point(scale: int, number: int) -> str:
    """Plain digits of number / 10**scale. Decimal would round beyond 28 of them."""
    sign, digits = "-" if number < 0 else "", str(abs(number)).zfill(scale + 1)
    whole, fraction = digits[:-scale], digits[-scale:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign * bool(number) + whole


def _clock(moment: time | datetime) -> str:
    text = f"{moment:%H:%M:%S}"
    return text + f".{moment.microsecond:06d}".rstrip("0") * bool(moment.microsecond)


def _stamp(moment: datetime) -> str:
    return f"{moment.date().isoformat()} {_clock(moment)}"


LOW, HIGH = datetime(1, 1, 2), datetime(9999, 12, 30)
STAMPS = st.datetimes(LOW, HIGH).map(_stamp)
KINDS: dict[str, tuple[Type, st.SearchStrategy[str]]] = {
    "boolean": (Type(Kind.BOOLEAN), st.sampled_from(["true", "false"])),
    "small": (Type(Kind.INTEGER, bits=16), _integers(16)),
    "integer": (Type(Kind.INTEGER), _integers(64)),
    "unsigned": (Type(Kind.INTEGER, unsigned=True), _integers(64, unsigned=True)),
    "decimal": (Type(Kind.DECIMAL, precision=38, scale=10), _decimals(38, 10)),
    "float": (
        Type(Kind.FLOAT),
        st.floats(allow_nan=False, allow_infinity=False).map(canonical_float),
    ),
    "text": (Type(Kind.TEXT), TEXT | AWKWARD),
    "words": (Type(Kind.TEXT, length=12), TEXT | AWKWARD),
    "binary": (Type(Kind.BINARY), st.binary(max_size=20).map(bytes.hex)),
    "date": (Type(Kind.DATE), st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)),
    "time": (Type(Kind.TIME), st.times().map(_clock)),
    "timestamp": (Type(Kind.TIMESTAMP), STAMPS),
    "zoned": (Type(Kind.TIMESTAMP, zoned=True), STAMPS.map("{}+00".format)),
    "uuid": (Type(Kind.UUID), st.uuids().map(str)),
}
CELLS = st.tuples(*(st.none() | values for _, values in KINDS.values()))
ROWS = st.lists(CELLS, min_size=1, max_size=20)


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(
    request: pytest.FixtureRequest, database: Database
) -> Iterator[tuple[Connector, Connector]]:
    one, other = (connect(database(f, options=OPTIONS[f])) for f in request.param)
    with one, other:
        yield one, other


def _made(store: Connector, columns: tuple[Column, ...]) -> Table:
    kept = tuple(Column(c.name, store.dialect.represent(c.type)) for c in columns)
    with store.transaction():
        store.execute(store.dialect.drop(store.dialect.table(NAME)))
        store.execute_all(Effects(store.dialect, NAME, kept, ("id",), owned=True).create())
    return store.describe(NAME)


def _emptied(*stores: Connector) -> None:
    for store in stores:
        with store.transaction():
            store.execute(f"DELETE FROM {store.dialect.table(NAME)}")


def _digest(store: Connector, table: Table) -> Digest:
    d, key = store.dialect, [table.column("id")]
    with store.transaction():
        return store.digest_all(d.range_lines(table.name, table.columns, key, EVERYTHING))[1]


def _carried(one: Connector, there: Table, other: Connector, here: Table, format: Format) -> None:
    with one.snapshot(), other.transaction():
        stream = one.read(selection_of(there), format)
        other.load(NAME, here.columns, stream.part(1000), format)


def test_any_row_arrives_and_has_one_digest(pair: tuple[Connector, Connector]) -> None:
    one, other = pair
    id_no = Column("id", Type(Kind.INTEGER))
    there = _made(one, (id_no, *(Column(name, kind) for name, (kind, _) in KINDS.items())))
    here = _made(other, there.columns)
    raw = one.capabilities.reads & other.capabilities.loads
    if any(a.type != b.type for a, b in zip(there.columns, here.columns, strict=True)):
        raw -= {Format.PGCOPY}

    @settings(
        max_examples=5,
        deadline=None,
        phases=[Phase.generate],  # a smaller example would take minutes to find
        suppress_health_check=list(HealthCheck),
    )
    @given(ROWS, st.data())
    def carry(rows: list[tuple[str | None, ...]], data: st.DataObject) -> None:
        lines: list[Line] = [(str(n), *row) for n, row in enumerate(rows, 1)]
        expected = Digest.of_lines(map(canonical_line, lines))
        _emptied(one)
        with one.transaction():
            one.load(NAME, there.columns, iter([batch(there.columns, lines)]))
        assert _digest(one, there) == expected
        for format in (Format.ARROW, *sorted(raw)):
            _emptied(other)
            _carried(one, there, other, here, format)
            assert fetch(other, selection_of(here)) == lines
            assert _digest(other, here) == expected
        _change_a_cell(other, here, lines, expected, data)

    carry()


def _change_a_cell(
    store: Connector, table: Table, lines: list[Line], expected: Digest, data: st.DataObject
) -> None:
    place, (_, values) = data.draw(st.sampled_from(list(enumerate(KINDS.values(), 1))))
    row = data.draw(st.sampled_from(lines))
    changed = (*row[:place], data.draw(st.none() | values), *row[place + 1 :])
    with store.transaction():
        store.execute(f"DELETE FROM {store.dialect.table(NAME)} WHERE id = {row[0]}")
        store.load(NAME, table.columns, iter([batch(table.columns, [changed])]))
    assert (_digest(store, table) == expected) is (changed == row)
