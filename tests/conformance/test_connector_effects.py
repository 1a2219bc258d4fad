"""The statements at the target, against a model: what is applied, and what is then measured."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from connectors.canonical import ABSENT, Digest, canonical_line
from connectors.changes import OPERATION
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, KeyRange, Statement
from connectors.effects import AFTER, BEFORE, Effects
from connectors.returning import replace_rows
from connectors.table import Column, Kind, TableName, Type
from tests.conformance.samples import Line, batch, fetch, selection_of

if TYPE_CHECKING:
    from tests.conformance.conftest import Row

Measured = dict[tuple[str, int, int], tuple[int, Digest]]
TARGET = TableName("t")
OWN = "not filled by us"


def _effects(store: Connector, *, owned: bool) -> Effects:
    """A table as we make it, or a business table with a column and a row of its own."""
    d = store.dialect
    kinds = (
        ("id", Type(Kind.TEXT, length=20)),
        ("name", Type(Kind.TEXT)),
        ("amount", Type(Kind.DECIMAL, precision=12, scale=2)),
        ("born", Type(Kind.DATE)),
    )
    held = tuple(Column(name, d.represent(kind)) for name, kind in kinds)
    effects = Effects(d, TARGET, held, ("id",), owned)
    with store.transaction():
        store.execute_all(effects.create())
        if not owned:
            own = d.quote("own")
            store.execute(f"ALTER TABLE {d.table(TARGET)} ADD COLUMN {own} VARCHAR(20)")
    return effects


Way = Callable[[Effects], Sequence[Statement]]


def _by_sets(effects: Effects) -> list[Statement]:
    return [effects.note_present(), *effects.apply()]


def _ways(store: Connector, *, owned: bool) -> list[Way]:
    return [_by_sets, *([replace_rows] if owned and store.dialect.returns_changes else [])]


def _deliver(
    store: Connector, effects: Effects, lines: list[Line], way: Way = _by_sets
) -> Measured:
    _prepare(store, effects)
    with store.transaction():
        return _apply(store, effects, lines, way)


def _prepare(store: Connector, effects: Effects) -> None:
    with store.transaction():
        store.execute_all(effects.prepare())


def _apply(store: Connector, effects: Effects, lines: list[Line], way: Way = _by_sets) -> Measured:
    """One batch: (operation, values…); values of a delete are its key alone."""
    blank = (None,) * (len(effects.columns) - 1)
    rows = [line if line[0] != "D" else (*line[:2], *blank) for line in lines]
    store.execute_all(effects.stage())
    store.load(effects.incoming_table, effects.incoming, iter([batch(effects.incoming, rows)]))
    store.analyze(effects.incoming_table.name, effects.key)
    store.execute_all(way(effects))
    found = store.digest(Statement(effects.lines()), [OPERATION, BEFORE, AFTER])
    return {
        (str(one.group[0]), int(str(one.group[1])), int(str(one.group[2]))): (one.rows, one.digest)
        for one in found
    }


def _content(store: Connector) -> list[Line]:
    return fetch(store, selection_of(store.describe(TARGET)))


@pytest.mark.parametrize("owned", [True, False], ids=["owned", "business"])
def test_random_batches_do_what_the_model_does(store: Connector, owned: bool) -> None:
    effects = _effects(store, owned=owned)
    for way in _ways(store, owned=owned):
        _run_random_batches(store, effects, way)


def _run_random_batches(store: Connector, effects: Effects, way: Way) -> None:
    choose = random.Random(7)
    with store.transaction():
        store.execute(f"DELETE FROM {store.dialect.table(TARGET)}")
    model: dict[str, Line] = {}
    keys = ["", "a", "A", "中", "𠮷", "x y", "\\", "\t"]
    for _ in range(20):
        lines: list[Line] = []
        expected: dict[tuple[str, int, int], list[str]] = {}
        for key in choose.sample(keys, choose.randint(0, len(keys))):
            # Whatever the sender says, what counts is what the table does.
            operation = choose.choice("IUD")
            row: Line = (key, choose.choice([None, "", "n"]), choose.choice(["1.5", "0"]), None)
            before = int(key in model)
            if operation == "D":
                model.pop(key, None)
                found = (operation, before, 0), f"{canonical_line([key])}\t{ABSENT}"
            else:
                model[key] = row
                found = (operation, before, 1), canonical_line(row)
            lines.append((operation, *row))
            expected.setdefault(found[0], []).append(found[1])
        measured = _deliver(store, effects, lines, way)
        assert measured == {
            group: (len(texts), Digest.of_lines(texts)) for group, texts in expected.items()
        }
        content = [line[:4] for line in _content(store)]
        assert content == sorted(model.values(), key=lambda line: (line[0] or "").encode())


def test_what_we_do_not_fill_is_kept(store: Connector) -> None:
    effects = _effects(store, owned=False)
    d = store.dialect
    _deliver(store, effects, [("I", "a", "x", "1", None), ("I", "b", "y", "2", None)])
    with store.transaction():
        store.execute(f"UPDATE {d.table(TARGET)} SET {d.quote('own')} = '{OWN}'")
    _deliver(store, effects, [("U", "a", "z", "3", "2024-01-01"), ("I", "c", None, "4", None)])
    assert _content(store) == [
        ("a", "z", "3", "2024-01-01", OWN),
        ("b", "y", "2", None, OWN),
        ("c", None, "4", None, None),
    ]


def test_unique_values_swapped_between_rows_arrive(store: Connector) -> None:
    effects = _effects(store, owned=True)
    d = store.dialect
    with store.transaction():
        store.execute(f"CREATE UNIQUE INDEX one ON {d.table(TARGET)} ({d.quote('name')})")
    for way in _ways(store, owned=True):
        _deliver(store, effects, [("I", "a", "x", "1", None), ("I", "b", "y", "2", None)], way)
        _deliver(store, effects, [("U", "a", "y", "1", None), ("U", "b", "x", "2", None)], way)
        assert [line[:2] for line in _content(store)] == [("a", "y"), ("b", "x")]


def test_a_trigger_that_swallows_a_row_is_seen(store: Connector, family: Row) -> None:
    effects = _effects(store, owned=True)
    with store.transaction():
        for statement in family.swallow:
            store.execute(statement)
    for key, way in zip("bc", _ways(store, owned=True), strict=False):
        lines: list[Line] = [("I", "swallowed", "x", "1", None), ("I", key, "y", "2", None)]
        assert _deliver(store, effects, lines, way) == {
            ("I", 0, 0): (1, Digest.of_lines([f"swallowed\t{ABSENT}"])),
            ("I", 0, 1): (1, Digest.of_lines([f"{key}\ty\t2\t\\N"])),
        }


def test_a_value_that_the_target_changes_is_seen(store: Connector) -> None:
    effects = _effects(store, owned=True)
    line: Line = ("a", "x", "1.5", "2024-01-01")
    measured = _deliver(store, effects, [("I", *line)])
    assert measured == {("I", 0, 1): (1, Digest.of_lines([canonical_line(line)]))}
    d = store.dialect
    with store.transaction():
        store.execute(f"UPDATE {d.table(TARGET)} SET {d.quote('name')} = 'x '")
        after = store.digest_all(effects.range_lines(EVERYTHING))
    assert after[0] == 1
    assert after[1] != Digest.of_lines([canonical_line(line)])


def test_an_image_replaces_its_key_range(store: Connector) -> None:
    effects = _effects(store, owned=True)
    before: list[Line] = [("I", key, "old", "1", None) for key in "abcdefg"]
    assert _deliver(store, effects, before).keys() == {("I", 0, 1)}
    keys = KeyRange(("b",), ("e",))
    after: list[Line] = [("I", "c", "new", "2", None), ("I", "cc", "new", "2", None)]
    with store.transaction():
        assert store.value(effects.count_range(keys)) == 3
        assert store.value(effects.count_range(EVERYTHING)) == 7
    with store.transaction():
        measured = _apply(store, effects, after)
        assert store.value(effects.count_present()) == 1
        store.execute(effects.delete_others(keys))
        assert store.rows(effects.count_after()) == [(2, 1)]
        rows, digest = store.digest_all(effects.range_lines(keys))
    assert {group: number for group, (number, _) in measured.items()} == {
        ("I", 1, 1): 1,
        ("I", 0, 1): 1,
    }
    assert (rows, digest) == (2, Digest.of_lines(["c\tnew\t2\t\\N", "cc\tnew\t2\t\\N"]))
    assert [line[0] for line in _content(store)] == ["a", "b", "c", "cc", "f", "g"]


def test_a_table_of_only_key_columns_can_be_filled(store: Connector) -> None:
    for owned in (True, False):
        held = (Column("id", store.dialect.represent(Type(Kind.INTEGER))),)
        effects = Effects(store.dialect, TableName(f"t{owned}"), held, ("id",), owned)
        with store.transaction():
            store.execute_all(effects.create())
        measured = _deliver(store, effects, [("I", "1"), ("U", "2"), ("D", "3")])
        assert {group: rows for group, (rows, _) in measured.items()} == {
            ("I", 0, 1): 1,
            ("U", 0, 1): 1,
            ("D", 0, 0): 1,
        }


def test_columns_can_be_added_to_a_table_of_ours(store: Connector) -> None:
    effects = _effects(store, owned=True)
    more = Column("添加", store.dialect.represent(Type(Kind.TIMESTAMP, fraction=3, zoned=True)))
    with store.transaction():
        store.execute_all(effects.add_columns([more]))
    assert store.describe(TARGET).column("添加").type == more.type
