"""The cause of a deviation, as far as the numbers tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.cause import Cause, Misfit, cause_of
from reconcile.tally import Measured

SENT = Measured(total=12, inserted=7, updated=4, deleted=1, digest="a")
FEWER = replace(SENT, total=11, inserted=6, digest="b")
OTHER = replace(SENT, digest="b")


@pytest.mark.parametrize(
    ("received", "misfit", "expected"),
    [
        (FEWER, Misfit(), Cause.LOST_AT_TARGET),
        (OTHER, Misfit(), Cause.ALTERED_AT_TARGET),
        (replace(SENT, inserted=8, updated=3), Misfit(update_inserted=1), Cause.MISSING_BEFORE),
        (replace(SENT, inserted=6, updated=5), Misfit(insert_updated=1), Cause.PRESENT_BEFORE),
        (replace(SENT, total=11, deleted=0), Misfit(delete_missing=1), Cause.DELETED_BEFORE),
        (replace(SENT, total=13), Misfit(), Cause.UNKNOWN),
        (FEWER, Misfit(update_inserted=1), Cause.MISSING_BEFORE),  # the older loss comes first
    ],
)
def test_cause(received: Measured, misfit: Misfit, expected: Cause) -> None:
    assert cause_of(SENT, received, misfit) is expected
