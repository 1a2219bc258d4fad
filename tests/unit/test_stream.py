"""However wide a table's rows are, a chunk of them has a few megabytes."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.selection import Format
from connectors.stream import Chunk, GaugedRows

MB = 1 << 20


class Rows(GaugedRows):
    """Rows of so many bytes each; what was fetched at once is kept."""

    format = Format.CSV

    def __init__(self, widths: list[int]) -> None:
        self._left = [bytes(width) for width in widths]
        self.fetched: list[int] = []
        super().__init__()

    def _fetch(self, size: int) -> list[Any]:
        found, self._left = self._left[:size], self._left[size:]
        self.fetched.append(sum(map(len, found)))
        return found

    def _chunk(self, rows: list[Any]) -> tuple[Chunk, int]:
        return rows, sum(map(len, rows))


@pytest.mark.parametrize(
    ("width", "rows", "most"),
    [(0, 20_000, 0), (300, 20_000, 2 * MB), (40_000, 500, 5 * MB), (MB, 110, 21 * MB)],
)
def test_no_chunk_is_larger_than_its_rows_allow(width: int, rows: int, most: int) -> None:
    stream = Rows([width] * rows)
    chunks = list(stream.part(rows))
    assert [len(row) for chunk in chunks for row in chunk] == [width] * rows
    assert max(stream.fetched) <= most
    assert max(stream.fetched[2:]) <= 5 * MB  # after the first ones, whose rows nobody had seen
    assert stream.exhausted
    assert stream.handed_out == rows


def test_a_chunk_grows_slowly_when_rows_may_become_wide() -> None:
    stream = Rows([10] * 150 + [MB // 10] * 900)
    assert sum(map(len, stream.part(2_000))) == 1_050
    assert max(stream.fetched) <= 40 * MB


def test_a_limit_is_kept_and_the_end_is_known_with_the_last_row() -> None:
    stream = Rows([10] * 250)
    assert sum(map(len, stream.part(249))) == 249
    assert not stream.exhausted
    assert [len(chunk) for chunk in stream.part(10)] == [1]
    assert stream.exhausted
    assert list(stream.part(10)) == []


def test_no_rows_at_all() -> None:
    stream = Rows([])
    assert stream.exhausted
    assert list(stream.part(5)) == []
