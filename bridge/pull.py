"""Pull: source → exchange. Seals what capture finds as batches; by that the watermark moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.batch import Batch, instant
from bridge.capture.feeder import Feed, feed_of
from bridge.capture.file import begin, look_through, take_files
from bridge.capture.image import load_image
from bridge.capture.origin import refuse_older_picture
from bridge.capture.window import Reach, capture_changes
from bridge.capture.zone import zone_of
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.horizon import drain, floor
from bridge.plan import Plan
from bridge.route.filling import refuse_own_columns
from connectors.errors import RowRefused
from connectors.selection import Format

__all__ = ["Pulled", "pull"]


@dataclass(frozen=True)
class Pulled:
    """What a pull came to. `holders` names what held the horizon back, if it could not advance;
    `held_since` since when. `begun`: files were begun with, or what an earlier run had been cut
    off in is complete; once that has arrived there may be more to pull. `overdue`: by the source's
    clock, the horizon is held back for longer than the job allows."""

    holders: tuple[str, ...] = ()
    held_since: datetime | None = None
    begun: bool = False
    overdue: bool = False


def pull(held: Hold, plan: Plan, sink: Callable[[Batch], None]) -> Pulled:
    """Seals what is due and hands each batch to `sink` once it is committed.

    A first load or an oversized window that was cut off goes on after its last sealed part. Where
    the exchange refuses a row that travelled without being looked at, all that is not sealed yet is
    read again the way on which each value is looked at, and what does not fit is set aside.
    """
    feed = feed_of(held, plan)
    if feed.waits is not None:
        return _fed(held, feed)
    try:
        return _pull(held, plan, sink)
    except RowRefused:
        if plan.pull_format is Format.ARROW:
            raise
    return _pull(held, replace(plan, pull_format=Format.ARROW), sink)


def _pull(held: Hold, plan: Plan, sink: Callable[[Batch], None]) -> Pulled:
    with held.exchange.transaction():
        ledger = held.ledger()
        newest = ledger.newest_of_window()
        watermark = ledger.watermark()
    if newest is not None:
        refuse_own_columns(held, plan.changes)
    if held.job.capture.method == "files":
        return _pull_files(held, plan, newest, watermark, sink)
    if newest is None or (newest.kind.is_image and not newest.last):
        return _pull_image(held, plan, newest, sink)
    if newest.last:
        return _pull_window(held, plan, watermark, sink)
    reach = _reach(held, plan, newest.window_low, newest.window_high)
    zone = _zone_before(held) or reach.zone
    capture_changes(held, plan, replace(reach, zone=zone), newest, sink)
    with held.exchange.transaction():
        return Pulled(begun=not held.ledger().held())


def _pull_image(
    held: Hold, plan: Plan, newest: Batch | None, sink: Callable[[Batch], None]
) -> Pulled:
    if newest is not None:
        load_image(held, plan, newest.window_high, newest, sink)
        return Pulled(begun=True)
    high, pulled = _horizon(held, plan)
    if high is not None:
        load_image(held, plan, high, None, sink)
    return pulled


def _pull_files(
    held: Hold,
    plan: Plan,
    newest: Batch | None,
    watermark: datetime | None,
    sink: Callable[[Batch], None],
) -> Pulled:
    """Where something deviated before a resync, another look follows once the files have arrived:
    if none is left to take, it is put right."""
    if newest is None or watermark is None:
        if waiting := look_through(held, plan):
            return Pulled(waiting)
        sink(begin(held, plan))
        return Pulled(begun=True)
    waiting = take_files(held, plan, watermark, sink)
    with held.exchange.transaction():
        ledger = held.ledger()
        taken, deviated = ledger.head().seq > newest.seq, ledger.deviations()
    older = any(batch.epoch < newest.epoch for batch in deviated)
    return Pulled(waiting, begun=taken and older and newest.kind.is_image)


def _pull_window(
    held: Hold, plan: Plan, watermark: datetime | None, sink: Callable[[Batch], None]
) -> Pulled:
    assert watermark is not None  # the newest batch is complete
    high, pulled = _horizon(held, plan)
    if high is not None and high < watermark:
        pulled = _behind(held, high, watermark)
    advanced = high is not None and high > watermark
    if not advanced and not _sweep_is_due(held, plan):
        return pulled
    high = max(high or watermark, watermark)
    reach = _reach(held, plan, _low(held, plan, watermark), high)
    capture_changes(held, plan, _from_before(held, plan, reach), None, sink)
    return pulled if not advanced else Pulled()


def _fed(held: Hold, feed: Feed) -> Pulled:
    """What fills the source is given as long as open work before a person is told."""
    limit = timedelta(seconds=held.job.capture.horizon_limit)
    overdue = feed.since is not None and datetime.now(UTC) - feed.since > limit
    return Pulled((feed.waits,) if feed.waits else (), feed.since, overdue=overdue)


def _reach(held: Hold, plan: Plan, low: datetime | None, high: datetime) -> Reach:
    zone = ZoneInfo("UTC") if plan.cursor is None else zone_of(held)
    return Reach(low, high, held.source.clock(), zone)


def _behind(held: Hold, high: datetime, watermark: datetime) -> Pulled:
    """A horizon below what was read already, beyond a stamp's rounding and the margin: the source's
    clock was set back, and until it has caught up nothing can be claimed."""
    seconds = (watermark - high).total_seconds()
    if seconds <= held.job.capture.margin + 1:
        return Pulled()
    overdue = seconds > held.job.capture.horizon_limit
    return Pulled(
        (
            f"the source's clock, {seconds:.0f} s behind the watermark {instant(watermark)}; where "
            f"it had been ahead, bridgehead resync {held.name} --why TEXT goes on from now",
        ),
        overdue=overdue,
    )


def _horizon(held: Hold, plan: Plan) -> tuple[datetime | None, Pulled]:
    """Up to where this pull may read; None if nothing is drained yet."""
    if plan.cursor is None:  # a comparison of everything needs no horizon
        waiting = held.source.newest_waits(plan.table.name)
        if not waiting:
            refuse_older_picture(held, plan.table.name)
        return None if waiting else held.source.clock(), Pulled(waiting)
    capture, source = held.job.capture, held.source
    with held.exchange.transaction():
        kept = held.ledger().candidates()
    horizon = drain(source, kept, capture.margin, capture.drain_wait)
    with held.exchange.transaction():
        held.ledger().keep_candidates(horizon.candidates)
        failpoint("horizon.keeping")
    failpoint("horizon.kept")
    high = None if horizon.at is None else floor(horizon.at, plan.cursor.type, zone_of(held))
    if not horizon.holders:
        return high, Pulled()
    since = min((c.at for c in horizon.candidates), default=None)
    limit = timedelta(seconds=capture.horizon_limit)
    overdue = since is not None and source.clock() - since > limit
    return high, Pulled(tuple(source.describe_work(horizon.holders)), since, overdue=overdue)


def _low(held: Hold, plan: Plan, watermark: datetime) -> datetime:
    if plan.cursor is None:
        return watermark
    overlap = held.job.capture.overlap
    finest = plan.cursor.type.resolution_seconds
    # Never below the column's resolution, unless that is finer than any clock step.
    return watermark - timedelta(seconds=max(overlap, finest if finest >= 1 else 0))


def _from_before(held: Hold, plan: Plan, reach: Reach) -> Reach:
    """The window as it must begin where the watermark was taken in a zone that is behind the one of
    now: until the change, rows got local times that lie below it. A row must rather be read twice
    than never."""
    if plan.cursor is None or plan.cursor.type.zoned or reach.low is None:
        return reach
    before = _zone_before(held)
    if before is None:
        return reach
    ahead = _offset(reach.low, reach.zone) - _offset(reach.low, before)
    return replace(reach, low=reach.low - max(ahead, timedelta()))


def _zone_before(held: Hold) -> ZoneInfo | None:
    """The one in which the watermark was taken. A window that was cut off goes on in it: what is
    stamped in another one is left to the next."""
    with held.exchange.transaction():
        standing = held.ledger().standing()
    return ZoneInfo(standing.stamp_zone) if standing and standing.stamp_zone else None


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _sweep_is_due(held: Hold, plan: Plan) -> bool:
    if plan.cursor is None:
        return False
    with held.exchange.transaction():
        return held.ledger().sweep_is_due(held.job.capture.deletes.sweep)
