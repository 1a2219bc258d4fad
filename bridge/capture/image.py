"""A first load or resync: every row of the source as it is, in parts by key range.

Each part goes straight into the current copy and is sealed as a batch of its own; the parts of one
load share the horizon that was taken before the first of them. All rows of the snapshot are read,
those stamped beyond the horizon too: the next window reads them again and finds them unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from bridge.batch import Batch, Kind, Tally
from bridge.capture.feeder import whole_snapshot
from bridge.capture.origin import note_origin
from bridge.capture.zone import zone_of
from bridge.configuration.tableplace import place_of
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.intake import Intake, every_row, refuse_repeated
from bridge.ledger.quarantine import Quarantine
from bridge.plan import Plan, refuse_neighbour
from connectors.changes import EPOCH, SEQ
from connectors.connector import RowStream
from connectors.dialect import KeyRange

__all__ = ["key_range", "load_image", "make_tables"]


def load_image(
    held: Hold,
    plan: Plan,
    high: datetime,
    newest: Batch | None,
    sink: Callable[[Batch], None],
) -> None:
    """Seals the whole source as parts up to `high`; after `newest`, the last part that an earlier
    run sealed, if there is one."""
    low, begins = newest.key_high if newest else None, newest is None
    if begins:
        zone = "UTC" if plan.cursor is None else zone_of(held).key
        with held.exchange.definition():
            make_tables(held, plan, plan.table.schema, zone)
            failpoint("image.beginning")
        failpoint("image.begun")
    with whole_snapshot(held, plan):
        if low is not None:
            refuse_repeated(held, plan, low)
        selection = every_row(plan, key_range(low, None))
        stream = held.source.read(selection, plan.pull_format)
        last = False
        while not last:
            batch = _seal_part(held, plan, stream, high, low, begins=begins)
            low, last, begins = batch.key_high, batch.last, False
            sink(batch)


def make_tables(held: Hold, plan: Plan, schema: str, zone: str) -> None:
    """Makes the job's tables at the exchange anew. From here on they are our department's, before
    any of them is taken away: where that commits what stands before it, too."""
    ledger = held.ledger()
    ledger.alone_by_name()
    refuse_neighbour(held)
    fills = place_of(held.target, held.target.describe(plan.effects.table))
    ledger.begins_image(schema, zone, fills)
    held.exchange.execute_all([*plan.changes.drop(), *plan.changes.create()])


def _seal_part(
    held: Hold, plan: Plan, stream: RowStream, high: datetime, low: str | None, *, begins: bool
) -> Batch:
    """The job's row is locked last: a part touches no row that another run could be changing, and
    the push of earlier parts goes on meanwhile. A run that lost the job loses the part too."""
    intake, changes = Intake(held, plan), plan.changes
    with held.exchange.transaction() as connection:
        held.exchange.prefer_index()
        ledger = held.ledger()
        ledger.peek()
        head = ledger.head()
        stamp = {EPOCH: head.epoch, SEQ: head.seq + 1}
        intake.load(stream, plan.chunk_rows, changes.copy, stamp)
        last = stream.exhausted
        top = low if last else _highest(held, plan, low)
        rows, digest = held.exchange.digest_all(
            changes.image_lines(key_range(low, None if last else top))
        )
        batch = ledger.seal(
            kind=Kind.FIRST if head.epoch == 1 else Kind.RESYNC,
            content_hash=plan.content_hash,
            window_low=None,
            window_high=high,
            key_low=low,
            key_high=None if last else top,
            last=last,
            tally=Tally(read=intake.read, inserted=rows, quarantined=len(intake.refused)),
            digest=str(digest),
            note=note_origin(held, plan.table.name, (head.epoch, head.seq + 1)),
        )
        quarantine = Quarantine(connection, held.department, held.name)
        if begins:
            quarantine.close(quarantine.open_keys(), "everything is read again")
        quarantine.open_entries(intake.refused, batch.epoch, batch.seq)
        if last:
            ledger.ends_image(batch.seq)
            ledger.swept(datetime.now(UTC))
            ledger.looked(datetime.now(UTC))
        failpoint("image.sealing")
    failpoint("image.sealed")
    return batch


def _highest(held: Hold, plan: Plan, low: str | None) -> str | None:
    """The highest key of the copy so far; `low` itself if the part brought no row."""
    found = held.exchange.rows(plan.changes.highest_key(plan.changes.copy))
    return json.dumps(found[0]) if found else low


def key_range(low: str | None, high: str | None) -> KeyRange:
    """A part's bounds as the ledger writes them."""
    return KeyRange(
        None if low is None else tuple(json.loads(low)),
        None if high is None else tuple(json.loads(high)),
    )
