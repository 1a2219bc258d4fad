"""Do the counts of a batch agree?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.batch import Tally
from reconcile.tally import Measured, deviation

SENT = Measured(total=12, inserted=7, updated=4, deleted=1, digest="a")


def test_equal_books() -> None:
    assert deviation(SENT, SENT, image=False) == 0
    assert deviation(SENT, SENT, image=True) == 0


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (replace(SENT, total=11, inserted=6), 1),
        (replace(SENT, total=9, inserted=5, deleted=0), 3),
        (replace(SENT, inserted=8, updated=3), 2),  # the same total, other operations
        (replace(SENT, digest="b"), 1),  # the same counts, another content
        (replace(SENT, total=13), 1),  # a total that is not the sum of its parts
    ],
)
def test_deviation_of_changes(received: Measured, expected: int) -> None:
    assert deviation(SENT, received, image=False) == expected
    assert deviation(received, SENT, image=False) == expected


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (replace(SENT, inserted=0, updated=0, deleted=0), 0),  # what the range held before
        (replace(SENT, total=10), 2),
        (replace(SENT, digest="b"), 1),
    ],
)
def test_deviation_of_an_image(received: Measured, expected: int) -> None:
    assert deviation(SENT, received, image=True) == expected


@pytest.mark.parametrize("name", ["inserted", "updated", "deleted"])
def test_differences_do_not_cancel(name: str) -> None:
    """One more here and one less there is two, not none."""
    others = [n for n in ("inserted", "updated", "deleted") if n != name]
    for other in others:
        more, less = getattr(SENT, name) + 1, getattr(SENT, other) - 1
        assert deviation(SENT, replace(SENT, **{name: more, other: less}), image=False) == 2


def test_conservation() -> None:
    whole = Tally(
        read=20, gone=4, inserted=7, updated=4, deleted=1, unchanged=6, superseded=3, quarantined=3
    )
    assert whole.residual == 0
    for name in ("read", "gone"):
        assert replace(whole, **{name: getattr(whole, name) + 1}).residual == 1
    for name in ("inserted", "updated", "deleted", "unchanged", "superseded", "quarantined"):
        assert replace(whole, **{name: getattr(whole, name) + 1}).residual == -1
    assert replace(whole, late=5).residual == 0  # part of read
