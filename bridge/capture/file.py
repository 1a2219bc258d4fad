"""Capture by files: each new or changed file of a folder is a window, taken whole or not at all.

The ledger knows which files were taken, by name and content. A file brings rows, new or changed; it
never says that one is gone, so nothing is deleted. A job begins with an empty image, and a resync
does too, once every file that is there has been read: then all are taken again, in the order of
their last changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.batch import Batch, Kind, Tally
from bridge.capture.image import make_tables
from bridge.capture.origin import refuse_another_folder
from bridge.capture.window import Reach, capture_changes
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.intake import every_row
from bridge.ledger import file
from bridge.ledger.quarantine import Quarantine
from bridge.plan import Plan
from connectors.canonical import Digest
from connectors.connector import SourceFile, WaitingFile
from connectors.errors import MissingObject
from connectors.table import TableName

__all__ = ["begin", "look_through", "take_files"]


def look_through(held: Hold, plan: Plan) -> tuple[str, ...]:
    """Why files have to be waited for before an image without rows takes away what the target
    holds; raises what taking one of them would raise, or MissingObject if there is none."""
    with held.exchange.transaction():
        takes_nothing_away = held.ledger().epoch == 1 and plan.effects.owned
    if takes_nothing_away:
        return ()
    present, waiting = held.source.files(plan.table.name)
    if waiting:
        return tuple(map(str, waiting))
    if not present:
        raise MissingObject(
            f"there is no file {plan.table.name}, and all that the target holds would be deleted",
            endpoint=held.job.source.endpoint,
            remedy="put the files back; one with a row of names alone stands for no rows",
        )
    for one in present:
        table = replace(plan.table, name=TableName(one.name))
        with held.source.snapshot():
            held.source.read(replace(every_row(plan), table=table)).close()
    return ()


def begin(held: Hold, plan: Plan) -> Batch:
    """An image without rows: what the target holds from here on, the files brought."""
    exchange = held.exchange
    with exchange.transaction() as connection:
        ledger = held.ledger()
        standing = ledger.fence()
        make_tables(held, plan, standing.source_schema or "", "UTC")
        batch = ledger.seal(
            kind=Kind.FIRST if ledger.epoch == 1 else Kind.RESYNC,
            content_hash=plan.content_hash,
            window_low=None,
            window_high=held.source.clock(),
            tally=Tally(),
            digest=str(Digest()),
        )
        quarantine = Quarantine(connection, held.department, held.name)
        quarantine.close(quarantine.open_keys(), "everything is read again")
        failpoint("files.beginning")
    failpoint("files.begun")
    return batch


def take_files(
    held: Hold, plan: Plan, watermark: datetime, sink: Callable[[Batch], None]
) -> tuple[str, ...]:
    """Seals one batch for each new file, and one now and then if there is none: then what deviated
    before a resync is put right. Returns what has to be waited for."""
    new, waiting = _look(held, plan)
    for one in new:
        now = held.source.clock()
        reach = Reach(watermark, max(now, watermark), now, ZoneInfo("UTC"))
        capture_changes(held, plan, reach, None, sink, one.name)
        watermark = reach.high
    if not waiting:
        _note_whole(held)
    if not new:
        if not waiting:
            _put_right_older(held)
        _tell_of_nothing(held, plan, watermark, sink)
    return tuple(map(str, waiting))


def _look(held: Hold, plan: Plan) -> tuple[list[SourceFile], list[WaitingFile]]:
    """Files to take, oldest first, and those that have to be waited for, with all that are not
    older than one of them. A file is new in this epoch by its name, or by its content: one whose
    stamp alone moved was taken already."""
    present, waiting = held.source.files(plan.table.name)
    refuse_another_folder(held, plan.table.name, holds_files=bool(present or waiting))
    with held.exchange.transaction() as connection:
        taken = file.taken(connection, held.department, held.name, held.ledger().epoch)
    first = min(
        (w.file.modified_ns for w in waiting if not _is_still(taken.get(w.file.name), w.file)),
        default=None,
    )
    due = [f for f in present if first is None or f.modified_ns < first]
    return [f for f in due if not _is_taken(held, taken.get(f.name), f)], waiting


def _note_whole(held: Hold) -> None:
    """Every file that was there has been taken since the image without rows: what the target lacks
    from here on, no file has brought."""
    with held.exchange.transaction():
        ledger = held.ledger()
        standing = ledger.standing()
        if standing is not None and standing.image_seq is None:
            ledger.ends_image(ledger.head().seq)


def _put_right_older(held: Hold) -> None:
    """Every file that is there was taken in this epoch; what it brought must have arrived too."""
    with held.exchange.transaction():
        ledger = held.ledger()
        if ledger.unsettled() or not ledger.deviations():
            return
        ledger.put_right_older()
        failpoint("files.putting_right")
    failpoint("files.put_right")


def _tell_of_nothing(
    held: Hold, plan: Plan, watermark: datetime, sink: Callable[[Batch], None]
) -> None:
    now = datetime.now(UTC)
    with held.exchange.transaction():
        ledger = held.ledger()
        ledger.looked(now)
        if not ledger.should_seal_empty(now, timedelta(seconds=held.job.silent_seconds)):
            return
        batch = ledger.seal(
            kind=Kind.EMPTY,
            content_hash=plan.content_hash,
            window_low=watermark,
            window_high=max(held.source.clock(), watermark),
            tally=Tally(),
            digest=str(Digest()),
        )
        failpoint("files.telling")
    failpoint("files.told")
    sink(batch)


def _is_taken(held: Hold, known: file.TakenFile | None, found: SourceFile) -> bool:
    if known is None:
        return False
    return known.is_still(found) or known.sha256 == held.source.sha256(found.name)


def _is_still(known: file.TakenFile | None, found: SourceFile) -> bool:
    return known is not None and known.is_still(found)
