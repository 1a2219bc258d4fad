"""Columns that come as bytes: which texts they are, and which row is none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.canonical import UNREADABLE
from connectors.charset import decoded, read_as_utf8

GOOD, BAD = "李".encode("gbk"), b"\xff"


def test_of_two_columns_that_are_no_text_the_first_is_named() -> None:
    a, b = [BAD, GOOD, BAD, None], [BAD, BAD, GOOD, b""]
    hexes = {
        name: [None if v is None else v.hex() for v in values]
        for name, values in (("a", a), ("b", b))
    }
    made = decoded(pa.RecordBatch.from_pydict(hexes), ["gbk", "gbk"])
    assert made.column(UNREADABLE).to_pylist() == ["a", "b", "a", None]
    assert made.column("a").to_pylist() == ["\\xff", "李", "\\xff", None]
    columns = {name: pa.array(values, pa.binary()) for name, values in (("a", a), ("b", b))}
    plain = pa.RecordBatch.from_pydict(columns)
    assert read_as_utf8(plain).column(UNREADABLE).to_pylist() == ["a", "a", "a", None]


@pytest.mark.parametrize(("known", "named"), [("a", "a"), ("c", "b"), (None, "b")])
def test_what_was_found_before_counts_as_well(known: str | None, named: str) -> None:
    columns = {"a": ["x"], "b": [BAD.hex()], "c": ["y"], UNREADABLE: pa.array([known], pa.string())}
    made = decoded(pa.RecordBatch.from_pydict(columns), ["", "gbk", "", ""])
    assert made.column(UNREADABLE).to_pylist() == [named]
