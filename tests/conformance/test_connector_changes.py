"""The statements at the exchange, against a model of a few lines of Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from connectors.canonical import ABSENT, Digest, canonical_line
from connectors.changes import GONE, LATE, SEEN, STAGE, Changes
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, KeyRange, Statement
from connectors.returning import advance
from connectors.table import Column, Kind, TableName, Type
from tests.conformance.conftest import EXCHANGES, Row
from tests.conformance.samples import Line, batch

Key = tuple[str, ...]


@pytest.fixture(params=EXCHANGES, ids=lambda row: row.name)
def family(request: pytest.FixtureRequest) -> Row:
    """Only what may be an exchange."""
    row: Row = request.param
    return row


COLUMNS = (
    ("code", Type(Kind.TEXT, length=20)),
    ("number", Type(Kind.INTEGER)),
    ("name", Type(Kind.TEXT)),
    ("amount", Type(Kind.DECIMAL, precision=20, scale=4)),
    ("ratio", Type(Kind.FLOAT)),
    ("open", Type(Kind.BOOLEAN)),
    ("born", Type(Kind.DATE)),
    ("photo", Type(Kind.BINARY)),
    ("note", Type(Kind.JSON)),
)
VALUES: tuple[tuple[str | None, ...], ...] = (
    (None, "", "a", "a\tb", "\\N", "𠮷"),
    (None, "0", "1", "-1.5"),
    (None, "0", "0.1", "1e+20"),
    (None, "true", "false"),
    (None, "2024-02-29", "0001-01-01"),
    (None, "", "00", "ff"),
    (None, "null", '{"a":1}', '{"a": 1}'),
)
STAMPS = (None, "2024-01-01 00:00:00", "2024-01-01 00:00:00.000001")


@dataclass
class Model:
    """What the current copy holds, and what a batch must do to it."""

    cursor: bool
    rows: dict[Key, tuple[Line, str | None]] = field(default_factory=dict)

    def seal(
        self, staged: dict[Key, tuple[Line, str | None]], gone: Iterable[Key]
    ) -> tuple[dict[str, int], Digest]:
        counts: dict[str, int] = {}
        lines = []
        for key, (values, stamp) in staged.items():
            known = self.rows.get(key)
            self.rows[key] = (values, stamp)
            if known is None or known[0] != values:
                operation = "I" if known is None else "U"
                counts[operation] = counts.get(operation, 0) + 1
                lines.append(canonical_line((*key, *values)))
        for key in gone:
            if self.rows.pop(key, None) is not None:
                counts["D"] = counts.get("D", 0) + 1
                lines.append(f"{canonical_line(key)}\t{ABSENT}")
        return counts, Digest.of_lines(lines)

    def image(self) -> tuple[int, Digest]:
        lines = [canonical_line((*key, *values)) for key, (values, _) in self.rows.items()]
        return len(lines), Digest.of_lines(lines)


def _changes(store: Connector, *, cursor: bool, keys: int = 2) -> Changes:
    held = tuple(Column(name, store.dialect.represent(kind)) for name, kind in COLUMNS)
    stamp = store.dialect.represent(Type(Kind.TIMESTAMP)) if cursor else None
    found = Changes(
        store.dialect,
        TableName("copy of 人口"),
        TableName("changes of 人口"),
        held,
        tuple(c.name for c in held[:keys]),
        stamp,
    )
    with store.transaction():
        store.execute_all(found.drop())
        store.execute_all(found.create())
    return found


def _fill(store: Connector, table: str, columns: Iterable[Column], lines: Iterable[Line]) -> None:
    shown = tuple(columns)
    store.load(TableName(table), shown, iter([batch(shown, lines)]))


def _line(key: Key, row: tuple[Line, str | None], cursor: bool) -> Line:
    values, stamp = row
    return (*key, *values, stamp) if cursor else (*key, *values)


Way = Callable[[Changes, int, int], list[Statement]]


def _by_sets(changes: Changes, epoch: int, seq: int) -> list[Statement]:
    return [*changes.classify(epoch, seq), *changes.apply(epoch, seq)]


def _ways(store: Connector) -> list[Way]:
    return [_by_sets, *([advance] if store.dialect.returns_changes else [])]


@pytest.mark.parametrize("cursor", [True, False], ids=["cursor", "compare"])
def test_random_batches_do_what_the_model_does(store: Connector, cursor: bool) -> None:
    for way in _ways(store):
        _run_random_batches(store, way, cursor)


def _run_random_batches(store: Connector, way: Way, cursor: bool) -> None:
    choose = random.Random(20240229)
    changes, model = _changes(store, cursor=cursor), Model(cursor)
    keys: list[Key] = [(code, number) for code in ("", "a", "中") for number in ("1", "9", "10")]
    for seq in range(1, 26):
        touched = choose.sample(keys, choose.randint(0, len(keys)))
        cut = choose.randint(0, len(touched))
        staged = {key: _row(choose, model.rows.get(key)) for key in touched[:cut]}
        with store.transaction():
            store.execute_all(changes.stage())
            lines = [_line(key, row, cursor) for key, row in staged.items()]
            _fill(store, STAGE, changes.staged, lines)
            _fill(store, GONE, changes.key_columns, touched[cut:])
            store.analyze(STAGE, changes.key)
            store.execute_all(way(changes, 1, seq))
        counts, digest = model.seal(staged, touched[cut:])
        with store.transaction():
            assert dict(store.rows(changes.count_changes(1, seq))) == counts
            sealed = store.digest_all(changes.sealed_lines(1, seq))
            assert sealed == (sum(counts.values()), digest)
            assert store.digest_all(changes.image_lines(EVERYTHING)) == model.image()
            if cursor:
                assert _stamps(store, changes) == {k: s for k, (_, s) in model.rows.items()}


def _row(choose: random.Random, known: tuple[Line, str | None] | None) -> tuple[Line, str | None]:
    """Often what is known already, with its stamp or another one."""
    values = known[0] if known and choose.random() < 0.5 else None
    return values or tuple(map(choose.choice, VALUES)), choose.choice(STAMPS)


def _stamps(store: Connector, changes: Changes) -> dict[Key, str | None]:
    d = store.dialect
    texts = [d.render(d.quote(c.name), c.type) for c in (*changes.key_columns, changes.staged[-1])]
    rows = store.rows(f"SELECT {', '.join(texts)} FROM {d.table(changes.copy)}")
    return {row[:-1]: row[-1] for row in rows}


def test_null_and_value_are_different_in_every_column(store: Connector) -> None:
    blank: Line = ("a", "1", *(None for _ in VALUES))
    for way in _ways(store):
        changes = _changes(store, cursor=False)
        _apply(store, changes, 1, [blank], way)
        seq = 1
        for position, values in enumerate(VALUES):
            line = list(blank)
            line[2 + position] = values[1]
            for after in (tuple(line), tuple(line), blank, blank):
                seq += 1
                before = _image(store, changes)
                _apply(store, changes, seq, [after], way)
                with store.transaction():
                    counts = dict(store.rows(changes.count_changes(1, seq)))
                assert counts == ({} if _image(store, changes) == before else {"U": 1})
                assert _image(store, changes) == Digest.of_lines([canonical_line(after)])


def _apply(
    store: Connector, changes: Changes, seq: int, lines: list[Line], way: Way | None = None
) -> None:
    with store.transaction():
        store.execute_all(changes.stage())
        _fill(store, STAGE, changes.staged, lines)
        store.execute_all((way or _by_sets)(changes, 1, seq))


def _image(store: Connector, changes: Changes) -> Digest:
    with store.transaction():
        return store.digest_all(changes.image_lines(EVERYTHING))[1]


def _keyed(number: int, stamp: str | None = None) -> Line:
    return ("k", str(number), *(None for _ in VALUES), stamp)


def test_the_highest_key_is_highest_by_value(store: Connector) -> None:
    changes = _changes(store, cursor=True)
    with store.transaction():
        store.execute_all(changes.stage())
        assert store.rows(changes.highest_key(TableName(STAGE))) == []
        _fill(store, STAGE, changes.staged, [_keyed(n) for n in (9, 10, -11)])
        assert store.rows(changes.highest_key(TableName(STAGE))) == [("k", "10")]


def test_a_sweep_settles_what_stands_on_both_sides(store: Connector) -> None:
    """3 and 4 moved their cursor, 13 is staged already, 12 and 100 are new, 5 and 6 are gone."""
    changes = _changes(store, cursor=True)
    early, later = STAMPS[1], STAMPS[2]
    here: list[Line] = [("k", "3", early), ("k", "4", early), ("k", "5", None), ("k", "6", early)]
    there: list[Line] = [("k", "3", later), ("k", "4", None), ("k", "12", early)]
    there += [("k", "13", early), ("k", "100", None)]
    with store.transaction():
        store.execute_all(changes.stage())
        _fill(store, STAGE, changes.staged, [_keyed(13, early)])
        _fill(store, GONE, changes.swept, here)
        _fill(store, LATE, changes.swept, there)
        store.execute_all(changes.settle_differences())
        assert _gone(store, changes) == [5, 6]
        late = store.rows(changes.late_keys(10))
        assert late == [("k", "3"), ("k", "4"), ("k", "12"), ("k", "100")]
        assert store.rows(changes.late_keys(2)) == late[:2]
        store.execute(changes.forget(LATE, [late[1], late[3], ("x", "1")]))
        assert store.rows(changes.late_keys(10)) == [late[0], late[2]]
        store.execute(changes.forget(GONE, [("k", "5")]))
        assert _gone(store, changes) == [6]


def test_young_rows_are_not_late(store: Connector) -> None:
    changes = _changes(store, cursor=True)
    stamps = ["2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-01 00:00:01", None]
    with store.transaction():
        store.execute_all(changes.stage())
        late: list[Line] = [("k", str(n), stamp) for n, stamp in enumerate(stamps)]
        _fill(store, LATE, changes.swept, late)
        bounds = "2024-01-01 00:00:00.000000", "2024-01-01 00:00:01.000000"
        store.execute(changes.forget_young(*bounds))
        assert store.rows(changes.late_keys(10)) == [("k", "2"), ("k", "3")]


def test_a_single_row_of_a_sweep_shows_its_key(store: Connector) -> None:
    changes = _changes(store, cursor=True)
    with store.transaction():
        store.execute_all(changes.see())
        _fill(store, SEEN, changes.swept, [("k", "10", STAMPS[2])])
        assert store.rows(changes.highest_key(TableName(SEEN))) == [("k", "10")]


def test_a_complete_read_finds_what_it_has_not_seen(store: Connector) -> None:
    changes = _changes(store, cursor=True)
    _apply(store, changes, 1, [_keyed(n) for n in range(1, 12)])
    with store.transaction():
        store.execute_all(changes.stage())
        _fill(store, STAGE, changes.staged, [_keyed(n) for n in (1, 2, 9, 10, 20)])
        store.execute(changes.missing_in_stage(KeyRange(("k", "2"), ("k", "10"))))
        assert _gone(store, changes) == [3, 4, 5, 6, 7, 8]
        store.execute(changes.missing_in_stage(KeyRange(("k", "10"), None)))
        assert _gone(store, changes) == [3, 4, 5, 6, 7, 8, 11]


def _gone(store: Connector, changes: Changes) -> list[int]:
    name = store.dialect.quote("number")
    rows = store.rows(f"SELECT {name} FROM {store.dialect.quote(GONE)} ORDER BY {name}")
    return [int(Decimal(number)) for (number,) in rows]


def test_a_key_of_all_columns_is_only_there_or_not(store: Connector) -> None:
    changes = _changes(store, cursor=False, keys=2)
    held = changes.columns[:2]
    bare = Changes(store.dialect, TableName("c"), TableName("h"), held, changes.key, None)
    for way in _ways(store):
        with store.transaction():
            store.execute_all([*bare.drop(), *bare.create()])
        for seq, counts in ((1, {"I": 1}), (2, {})):
            _apply(store, bare, seq, [("a", "1")], way)
            with store.transaction():
                assert dict(store.rows(bare.count_changes(1, seq))) == counts
        assert _image(store, bare) == Digest.of_lines(["a\t1"])


def test_a_shared_cursor_moves_with_its_row(store: Connector) -> None:
    """No second look at the rows is needed: what moves it is a change."""
    for way in _ways(store):
        changes = replace(_changes(store, cursor=True), cursor_is_shared=True)
        assert changes.refresh_cursor() == []
        for seq, (name, stamp) in enumerate([("a", STAMPS[1]), ("b", STAMPS[2])], 1):
            line = list(_keyed(1, stamp))
            line[2] = name
            _apply(store, changes, seq, [tuple(line)], way)
            with store.transaction():
                assert _stamps(store, changes) == {("k", "1"): stamp}


def test_parts_of_the_copy_have_digests_that_add_up(store: Connector) -> None:
    changes = _changes(store, cursor=False)
    lines = [_keyed(n)[:-1] for n in range(20)]
    _apply(store, changes, 1, lines)
    middle = ("k", "9")
    with store.transaction():
        below = store.digest_all(changes.image_lines(KeyRange(None, middle)))
        above = store.digest_all(changes.image_lines(KeyRange(middle, None)))
    assert (below[0], above[0]) == (10, 10)
    assert below[1] + above[1] == Digest.of_lines(map(canonical_line, lines))


def test_lines_stand_behind_their_keys_and_are_found_by_place(store: Connector) -> None:
    changes = _changes(store, cursor=False)
    lines = [_keyed(n)[:-1] for n in range(20)]
    _apply(store, changes, 1, lines)
    keys = KeyRange(("k", "2"), ("k", "11"))
    with store.transaction():
        found = store.rows(changes.keyed_lines(keys))
        places = [store.rows(changes.key_at(keys, place)) for place in (0, 7, 8, 9)]
    assert sorted(found, key=lambda row: int(row[1])) == [
        ("k", str(n), canonical_line(lines[n])) for n in range(3, 12)
    ]
    assert places == [[("k", "3")], [("k", "10")], [("k", "11")], []]


def test_keys_that_a_collation_folds_have_digests_of_their_own(store: Connector) -> None:
    changes = _changes(store, cursor=False)
    keys = ["A", "a", "á", "a ", "𠮷", "\ufffd"]
    lines = [(key, *_keyed(1)[1:-1]) for key in keys]
    _apply(store, changes, 1, lines)
    with store.transaction():
        every = changes.keyed_lines(KeyRange(None, None))
        found = {row.group[0]: row for row in store.digest(every, ["bh_0", "bh_1"])}
    assert {key: found[key].digest for key in found} == {
        line[0]: Digest.of_lines([canonical_line(line)]) for line in lines
    }
