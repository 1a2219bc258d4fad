"""A source that another job of ours fills: while an image of that job is under way, rows are not in
it yet, or not any more, that nobody has deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bridge.batch import Batch
from bridge.configuration.tableplace import place_of
from bridge.hold import Hold
from bridge.ledger.otherjob import fillers
from bridge.ledger.record import Standing
from bridge.plan import Plan
from connectors.errors import TransientError

__all__ = ["Feed", "feed_of", "whole_snapshot"]


@dataclass(frozen=True)
class Feed:
    """How far those jobs are that fill the source. `images` tells one image of theirs from the
    next; `waits` says what is still to come of one, and `since` when it came on last."""

    images: tuple[tuple[str, int, int | None], ...] = ()
    waits: str | None = None
    since: datetime | None = None


def feed_of(held: Hold, plan: Plan) -> Feed:
    """As the ledger knows it: of jobs of our department, with a file or without, that have begun an
    image of this table. A query, and a file, are filled by nobody."""
    if plan.table.query is not None or held.source.capabilities.files:
        return Feed()
    place = place_of(held.source, plan.table)
    images, waits, since = [], None, None
    with held.exchange.snapshot():
        for history in fillers(held.ledger(), place):
            standing, newest = history.standing(), history.newest_of_window()
            if standing is None:
                continue
            images.append((history.job, standing.epoch, standing.image_seq))
            if not _is_whole(standing, history.unsettled()):
                waits = _told(history.job, standing.epoch)
                since = newest.sealed_at if newest else standing.ran_at
    return Feed(tuple(images), waits, since)


@contextmanager
def whole_snapshot(held: Hold, plan: Plan) -> Iterator[None]:
    """A snapshot of the source's table, as `snapshot_of`, in which no row is missing that an image
    of its feeder was still to bring. Raises TransientError if one has begun."""
    before = feed_of(held, plan)
    with held.source.snapshot_of(plan.table):
        after = feed_of(held, plan)
        if after.waits is not None or after != before:
            raise TransientError(
                f"{plan.table.name} was filled anew while this run began to read it",
                endpoint=str(held.source.endpoint),
                remedy="nothing was read; the next run reads it once all of it has arrived",
            )
        yield


def _is_whole(standing: Standing, unsettled: list[Batch]) -> bool:
    """Whether the epoch's image has arrived; of files, with each one that was there."""
    end = standing.image_seq
    return end is not None and not any(
        batch.epoch == standing.epoch and batch.seq <= end for batch in unsettled
    )


def _told(job: str, epoch: int) -> str:
    return (
        f"job {job}, which fills this table: what it sends in epoch {epoch} has not all arrived "
        f"there; bridgehead run {job} goes on with it, or bridgehead release gives the table up"
    )
