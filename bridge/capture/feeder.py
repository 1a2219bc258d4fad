"""A source that another job of ours fills: while an image of that job is under way, rows are not in
it yet, or not any more, that nobody has deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bridge.batch import Batch
from bridge.hold import Hold
from bridge.job import Job
from bridge.ledger.history import History
from bridge.ledger.record import Standing
from connectors.errors import TransientError
from connectors.table import Table

__all__ = ["Feed", "feed_of", "whole_snapshot"]


@dataclass(frozen=True)
class Feed:
    """How far the job is that fills the source. `image` is another number for each image that it
    begins with; `waits` says what is still to come of one, and `since` when it came on last."""

    image: int = 0
    waits: str | None = None
    since: datetime | None = None


def feed_of(held: Hold) -> Feed:
    """As the ledger knows it: of a job of this configuration. One that has never begun has taken
    nothing away."""
    feeder = held.filler
    if feeder is None:
        return Feed()
    with held.exchange.snapshot():
        history = History(held.exchange.connection, held.department, feeder.job)
        standing, newest = history.standing(), history.newest_of_window()
        unsettled = history.unsettled()
    if standing is None or (standing.epoch == 1 and newest is None):
        return Feed()
    under_way = [batch for batch in unsettled if batch.epoch == standing.epoch]
    if newest is not None and _is_whole(feeder, standing, newest, under_way):
        return Feed(standing.epoch)
    name, epoch = feeder.job, standing.epoch
    waits = (
        f"job {name}, which fills this table: what it sends in epoch {epoch} has not all arrived "
        f"there, and bridgehead run {name} goes on with it"
    )
    return Feed(epoch, waits, newest.sealed_at if newest else standing.ran_at)


@contextmanager
def whole_snapshot(held: Hold, table: Table) -> Iterator[None]:
    """A snapshot of the source's table, as `snapshot_of`, in which no row is missing that an image
    of its feeder was still to bring. Raises TransientError if one has begun."""
    before = feed_of(held)
    with held.source.snapshot_of(table):
        after = feed_of(held)
        if after.waits is not None or after != before:
            raise TransientError(
                f"{table.name} was filled anew while this run began to read it",
                endpoint=str(held.source.endpoint),
                remedy="nothing was read; the next run reads it once all of it has arrived",
            )
        yield


def _is_whole(feeder: Job, standing: Standing, newest: Batch, under_way: list[Batch]) -> bool:
    """Whether the epoch's image has arrived; of files, with each one that was there."""
    if feeder.capture.method != "files":
        unfinished = newest.kind.is_image and not newest.last
        return not unfinished and not any(batch.kind.is_image for batch in under_way)
    taken = standing.swept_at
    return taken is not None and not any(batch.sealed_at <= taken for batch in under_way)
