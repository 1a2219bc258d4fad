"""May this batch be sealed here? Its books balance, and it leaves no hole after the one before."""

from __future__ import annotations

from bridge.batch import Batch, Kind
from bridge.errors import BooksDoNotBalance

__all__ = ["check_books", "follows"]


def check_books(batch: Batch) -> None:
    if batch.tally.residual:
        raise BooksDoNotBalance(
            f"batch {batch.seq} of job {batch.job} leaves {batch.tally.residual} rows unaccounted",
            remedy="nothing was sealed; report this with the job's configuration",
        )
    least = min(vars(batch.tally).values())
    if least < 0:
        raise BooksDoNotBalance(
            f"batch {batch.seq} of job {batch.job} counts {least} rows of one kind",
            remedy="nothing was sealed; report this with the job's configuration",
        )
    if batch.kind is Kind.EMPTY and batch.sent.total:
        raise BooksDoNotBalance(f"an empty batch of job {batch.job} has changes")


def follows(batch: Batch, before: Batch | None) -> bool:
    """A part begins where the part before it ended; a window at or below the watermark, and it
    does not end below it; the first of an epoch at the beginning of time."""
    if before is None:
        return batch.window_low is None
    if not before.last:
        whole = (before.kind, before.window_low, before.window_high, before.key_high)
        return whole == (batch.kind, batch.window_low, batch.window_high, batch.key_low)
    low, watermark = batch.window_low, before.window_high
    return (low is None or low <= watermark) and watermark <= batch.window_high
