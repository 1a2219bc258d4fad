"""What a family's tables hold, and that nothing of it changes on the way in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.canonical import Digest, canonical_line
from connectors.connector import Connector
from connectors.dialect import EVERYTHING
from connectors.errors import RowRefused
from connectors.table import Fit, Kind, TableName, Type
from tests.conformance.samples import (
    AWKWARD,
    EXTREMES,
    Line,
    batch,
    fetch,
    load,
    make,
    selection_of,
)

if TYPE_CHECKING:
    from tests.conformance.conftest import Row

KEYABLE = [
    name
    for name, (kind, _) in EXTREMES.items()
    if kind.kind not in (Kind.JSON, Kind.FLOAT, Kind.BINARY)
]
ID = ("id", Type(Kind.INTEGER))


def _types(family: Row) -> dict[str, tuple[Type, tuple[str, ...]]]:
    return {**EXTREMES, **family.own}


def _lines(values: tuple[str, ...]) -> list[Line]:
    return [(str(number), text) for number, text in enumerate((*values, None))]


def test_a_table_of_ours_is_described_as_it_was_meant(store: Connector, family: Row) -> None:
    kinds = [ID, *((name, kind) for name, (kind, _) in _types(family).items())]
    table = make(store, "人口", kinds, ["id"])
    dialect = store.dialect
    assert table.key == ("id",)
    assert not table.is_view
    for name, kind in kinds:
        held = dialect.represent(kind)
        assert (name, table.column(name).type) == (name, held)
        assert dialect.represent(held) == held
        assert held.fit(kind) is Fit.EXACT, name


def test_times_finer_than_microseconds_have_a_type(store: Connector) -> None:
    kinds = [ID, ("t", Type(Kind.TIMESTAMP, fraction=9)), ("u", Type(Kind.TIME, fraction=7))]
    table = make(store, "fine", kinds, ["id"])
    for name, kind in kinds:
        assert table.column(name).type == store.dialect.represent(kind)


def test_a_type_of_another_family_is_kept_as_text(store: Connector) -> None:
    kind = Type(Kind.NATIVE, family="elsewhere", native="point")
    table = make(store, "native", [ID, ("p", kind)], ["id"])
    assert table.column("p").type == Type(Kind.TEXT)
    load(store, table, [("1", "(1,2)")])
    assert fetch(store, selection_of(table)) == [("1", "(1,2)")]


def test_every_value_comes_back_as_it_went_in(store: Connector, family: Row) -> None:
    for name, (kind, values) in _types(family).items():
        lines = _lines(values)
        table = make(store, f"t {name}", [ID, ("v", kind)], ["id"])
        assert load(store, table, lines) == len(lines)
        assert fetch(store, selection_of(table)) == lines, name


def test_the_store_computes_the_published_digest(store: Connector, family: Row) -> None:
    for name, (kind, values) in _types(family).items():
        lines = _lines(values)
        table = make(store, f"t {name}", [ID, ("v", kind)], ["id"])
        load(store, table, lines)
        expected = Digest.of_lines(canonical_line(line) for line in lines)
        assert _digest(store, table.name) == (len(lines), expected), name


def _digest(store: Connector, name: TableName) -> tuple[int, Digest]:
    table = store.describe(name)
    key = [table.column(k) for k in table.key]
    with store.transaction():
        query = store.dialect.range_lines(name, table.columns, key, EVERYTHING)
        return store.digest_all(query)


def test_no_cell_changes_without_the_digest(store: Connector, family: Row) -> None:
    """NULL against a value, and one value against another: the last row's cell is exchanged."""
    for name, (kind, values) in _types(family).items():
        lines = _lines(values)
        table = make(store, f"t {name}", [ID, ("v", kind)], ["id"])
        load(store, table, lines)
        seen = {_digest(store, table.name)[1]}
        d = store.dialect
        for text in dict.fromkeys(values):
            with store.transaction():
                store.execute(f"DELETE FROM {d.table(table.name)} WHERE id = {len(lines) - 1}")
            load(store, table, [(str(len(lines) - 1), text)])
            seen.add(_digest(store, table.name)[1])
        assert len(seen) == len(set(values)) + 1, name


def test_an_empty_table_has_the_digest_of_nothing(store: Connector) -> None:
    table = make(store, "empty", [ID], ["id"])
    assert _digest(store, table.name) == (0, Digest())
    assert fetch(store, selection_of(table)) == []


def test_no_column_of_a_wide_table_is_left_out(store: Connector) -> None:
    """More than a function takes arguments: every one has its part in the digest."""
    columns = [ID, *((f"c{n}", Type(Kind.INTEGER)) for n in range(200))]
    table = make(store, "wide", columns, ["id"])
    lines = [(row, *(f"{row}{n}" for n in range(200))) for row in ("1", "2")]
    load(store, table, lines)
    assert fetch(store, selection_of(table)) == lines
    assert _digest(store, table.name) == (2, Digest.of_lines(map(canonical_line, lines)))


def test_a_key_of_any_kind_finds_its_rows(store: Connector) -> None:
    for name in KEYABLE:
        kind, values = EXTREMES[name]
        columns = [("k", kind), ("n", Type(Kind.INTEGER))]
        table = make(store, f"keyed {name}", columns, ["k"])
        lines = [(text, str(number)) for number, text in enumerate(values)]
        load(store, table, lines)
        for line in lines:
            assert fetch(store, selection_of(table, among=((line[0],),))) == [line]
        some = fetch(store, selection_of(table, among=tuple((text,) for text in values)))
        assert sorted(some) == sorted(lines), name


def test_awkward_names_are_only_names(store: Connector) -> None:
    for name in AWKWARD:
        table = make(store, name, [(name, Type(Kind.TEXT)), ("v", Type(Kind.TEXT))], [name])
        assert table.names == (name, "v")
        lines: list[Line] = [("a", "b"), ("c", None)]
        load(store, table, lines)
        assert fetch(store, selection_of(table)) == lines
        assert fetch(store, selection_of(table, among=(("c",),))) == lines[1:]
        assert _digest(store, table.name) == (2, Digest.of_lines(map(canonical_line, lines)))
        query = store.describe_query(f"SELECT * FROM {_plain(store, name)}")
        assert query.names == (name, "v")
    assert {table.name for table in store.tables()} == set(AWKWARD)


def _plain(store: Connector, name: str) -> str:
    """Quoted as an operator writes it in a query of their own: nothing is doubled."""
    quoted = store.dialect.quote(name)
    return quoted.replace("%%", "%") if store.dialect.placeholder == "%s" else quoted


def test_a_nul_character_is_refused(store: Connector) -> None:
    table = make(store, "t", [ID, ("v", Type(Kind.TEXT))], ["id"])
    with pytest.raises(RowRefused):
        load(store, table, [("1", "a"), ("2", "a\0b")])
    assert fetch(store, selection_of(table)) == []


def test_constants_fill_further_columns(store: Connector) -> None:
    columns = [ID, ("v", Type(Kind.TEXT)), ("bh_epoch", ID[1]), ("bh_seq", ID[1])]
    table = make(store, "t", columns, ["id"])
    with store.transaction():
        chunks = [batch(table.columns[:2], [("1", "a")]), batch(table.columns[:2], [("2", None)])]
        constants = {"bh_epoch": 3, "bh_seq": 2**40}
        assert store.load(table.name, table.columns[:2], iter(chunks), constants=constants) == 2
    stamp = ("3", str(2**40))
    assert fetch(store, selection_of(table)) == [("1", "a", *stamp), ("2", None, *stamp)]
