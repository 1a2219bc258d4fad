"""Rows on their way in: what is refused is set aside once, and a stamp that is none is NULL."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa

from bridge.ledger.quarantine import SetAside
from bridge.plan import Plan
from bridge.route.mapping import ColumnRoute, Limits, Route
from bridge.transform.sieve import Sieve
from connectors.canonical import PLACE, UNREADABLE, WHY
from connectors.changes import CURSOR
from connectors.table import Column, Kind, Type

LIMITS = Limits(False, False, True, False, 1, 9999)
STAMP = Type(Kind.TIMESTAMP, fraction=3)


def plan(*names: str, kind: Type, kept: Type | None = None) -> Plan:
    """All columns are of one kind, and the first two are the key."""
    columns = tuple(ColumnRoute(Column(name, kind), name, kind, kind) for name in names)
    changes = SimpleNamespace(cursor=kept)
    cursor = Column("updated_at", STAMP) if kept else None
    route = Route(columns, names[:2], LIMITS)
    return cast(Plan, SimpleNamespace(route=route, cursor=cursor, changes=changes))


def batch_of(**columns: list[str | None]) -> Any:
    return pa.record_batch({name: pa.array(v, pa.string()) for name, v in columns.items()})


def test_a_row_of_a_file_whose_key_lacks_one_part_is_known_by_its_place() -> None:
    refused: list[SetAside] = []
    rows = {
        "a": ["1", "1", "1"],
        "b": ["2", None, "3"],
        "c": ["x", "y", None],
        UNREADABLE: [None, "b", "c"],
        PLACE: ["f, 2", "f, 3", "f, 4"],
        WHY: [None, "error_value", "error_value"],
    }
    sieve = Sieve(plan("a", "b", "c", kind=Type(Kind.TEXT)), refused)
    (accepted,) = sieve.accepted(iter([batch_of(**rows)]))
    assert accepted.num_rows == 1
    assert [entry.key for entry in refused] == ['["1",null,"f, 3"]', '["1","3"]']
    assert [entry.reason for entry in refused] == ["error_value", "error_value"]
    (accepted,) = sieve.accepted(iter([batch_of(a=[None], b=["2"], c=["x"])]))  # of no file
    assert (accepted.num_rows, refused[2].key) == (0, '[null,"2"]')


def test_of_a_row_that_is_bad_as_a_whole_no_column_is_named() -> None:
    """Nor is it said that its key is missing, which it is too."""
    refused: list[SetAside] = []
    rows: dict[str, list[str | None]] = {"a": [None, "1"], "b": [None, "2"], "c": [None, "3"]}
    rows |= {UNREADABLE: [PLACE, None], PLACE: ["f, 2", "f, 3"], WHY: ["wrong_columns", None]}
    sieve = Sieve(plan("a", "b", "c", kind=Type(Kind.TEXT)), refused)
    assert [batch.num_rows for batch in sieve.accepted(iter([batch_of(**rows)]))] == [1]
    (entry,) = refused
    assert (entry.key, entry.place) == ('[null,null,"f, 2"]', "f, 2")
    assert (entry.column, entry.reason) == (None, "wrong_columns")


def test_a_key_that_is_set_aside_already_is_not_set_aside_again() -> None:
    refused: list[SetAside] = []
    sieve = Sieve(plan("a", "b", "c", kind=Type(Kind.INTEGER, bits=16)), refused)
    rows = batch_of(a=["x", "z"], b=["1", "1"], c=["1", "1"])
    assert [b.num_rows for b in sieve.accepted(iter([rows]))] == [0]
    keys = batch_of(a=["x", "2", "2", "z"], b=["1", "2", "y", "1"])
    assert [b.num_rows for b in sieve.accepted_keys(iter([keys]))] == [1]
    assert [entry.key for entry in refused] == ['["x","1"]', '["z","1"]', '["2","y"]']


def test_a_stamp_that_is_none_for_whatever_reason_is_null() -> None:
    good = "2026-01-02 03:04:05.678"
    bad = ["yesterday", "0000-00-00 00:00:00", "10000-01-01 00:00:00", f"{good}9", "infinity", None]
    made = plan("a", "b", kind=Type(Kind.TEXT), kept=STAMP)
    numbers: list[str | None] = [str(n) for n in range(len(bad) + 1)]
    rows = batch_of(a=numbers, b=numbers, **{CURSOR: [good, *bad]})
    (found,) = Sieve(made, []).accepted(iter([rows]))
    assert found.column(CURSOR).to_pylist() == [good, *[None] * len(bad)]
