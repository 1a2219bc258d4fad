"""Key-range segments: they split into parts that are the whole, and name what differs."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconcile.segment import Bounds, Extent, Key, Segment, find_difference, ranges


def segment(sent: int, received: int, *, equal: bool = False) -> Segment:
    return Segment(Bounds(), Extent(sent, "d"), Extent(received, "d" if equal else "e"))


def test_a_segment_agrees_by_rows_and_digest() -> None:
    assert segment(5, 5, equal=True).agrees
    assert not segment(5, 5).agrees
    assert not segment(5, 6, equal=True).agrees


def test_the_larger_side_decides_how_a_segment_is_split() -> None:
    assert segment(10, 100_000).rows == 100_000
    assert segment(10, 100_000).part_rows == 6250
    assert segment(1001, 0).part_rows == 63
    assert not segment(1001, 0).is_small
    assert segment(0, 1000).is_small


@given(st.lists(st.integers(0, 99), unique=True), st.integers(0, 99), st.integers(0, 99))
def test_the_parts_of_a_range_are_the_whole(cuts: list[int], low: int, high: int) -> None:
    inner = [(f"{cut:02}",) for cut in sorted(cuts) if low < cut <= high]
    whole = Bounds((f"{low:02}",), (f"{high:02}",))
    parts = ranges(whole, inner)
    assert (parts[0].low, parts[-1].high) == (whole.low, whole.high)
    assert all(one.high == other.low for one, other in pairwise(parts))
    assert len(parts) == len([key for key in inner if key != whole.high]) + 1


keys = st.dictionaries(st.tuples(st.text("ab", max_size=2)), st.sampled_from("xyz"), max_size=6)


@given(keys, keys)
def test_every_key_is_missing_extra_different_or_equal(
    sent: dict[Key, str], received: dict[Key, str]
) -> None:
    found = find_difference(sent, received)
    assert set(found.missing) == sent.keys() - received.keys()
    assert set(found.extra) == received.keys() - sent.keys()
    both = sent.keys() & received.keys()
    assert set(found.different) == {key for key in both if sent[key] != received[key]}
    assert found.total == len(found.missing) + len(found.extra) + len(found.different)
