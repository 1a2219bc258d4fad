"""Canonical lines of whole columns are those of single rows."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bridge.transform.textarray import lines_of
from connectors.canonical import canonical_line

FIELDS = st.none() | st.text(st.sampled_from("a\\\tN张"), max_size=4)


@given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=9))
def test_the_lines_of_columns_are_those_of_their_rows(rows: list[tuple[str | None, ...]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    assert lines_of(columns).to_pylist() == list(map(canonical_line, rows))
