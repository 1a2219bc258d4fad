"""What `check` looks at in one job whose structure is sound: key, cursor, horizon, target, ledger.

Everything here reads; the source needs SELECT alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bridge.batch import instant
from bridge.capture.zone import zone_of
from bridge.claim import find_claim
from bridge.errors import Gap, Outdated
from bridge.guarantee import Promise, guarantee_of
from bridge.hold import Hold
from bridge.inspection.files import files, sample
from bridge.inspection.finding import Finding, Level, refused
from bridge.inspection.rights import rights
from bridge.inspection.sample import rows
from bridge.inspection.stamp import stamp
from bridge.inspection.text import collation, lost_characters
from bridge.ledger.migrations import exchange_version
from bridge.plan import Plan, find_move
from bridge.preparation import refuse_loss, refuse_narrow
from bridge.route.changed import refuse_changed
from bridge.route.filling import refuse_disowned, refuse_own_columns
from connectors.dialect import EVERYTHING, Statement
from connectors.errors import MissingRight, StructureMismatch
from connectors.selection import Output, Selection, Span, repeated_keys
from connectors.table import Column, Kind

__all__ = ["Inspection", "inspections_of"]

Inspection = Callable[[Hold, Plan], Iterator[Finding]]

_COUNTED = 1000
_AHEAD = timedelta(minutes=1)  # clocks differ a little


def source(held: Hold, plan: Plan) -> Iterator[Finding]:
    shared, every = len(plan.route.columns), len(plan.table.columns)
    found = f"{plan.table.name}: {shared} of {every} columns shared"
    yield Finding(held.name, "source", found)


def guarantee(held: Hold, plan: Plan) -> Iterator[Finding]:
    promised = guarantee_of(held.job, held.deployment.feeder(held.job))
    level = Level.WARNING if promised.promise is Promise.NONE else Level.OK
    yield Finding(held.name, "guarantee", f"{promised.promise}: {promised.why}", level)


def key(held: Hold, plan: Plan) -> Iterator[Finding]:
    """Where the store itself does not see to it, the rows are counted."""
    names = {column.name for column in plan.key}
    listed = ", ".join(column.name for column in plan.key)
    if any(set(known) <= names for known in (plan.table.key, *plan.table.unique) if known):
        yield Finding(held.name, "key", f"{listed}: unique by the table's own constraint")
        return
    with held.source.transaction():
        repeated = int(held.source.value(repeated_keys(held.source.dialect, plan.table, plan.key)))
    nulls = [c.name for c in plan.key if c.nullable and _count(held, plan, _is_null(held, c))]
    if repeated:
        found = f"{listed}: {repeated:,} keys are borne by more than one row"
        yield _refused(held, "key", found, "name more key columns, or clear the duplicates")
    elif nulls:
        found = f"{', '.join(nulls)} is NULL in some rows, which go into quarantine"
        yield Finding(held.name, "key", found, Level.WARNING)
    else:
        yield Finding(held.name, "key", f"{listed}: unique in all rows, by no constraint")


def cursor(held: Hold, plan: Plan) -> Iterator[Finding]:
    column = plan.cursor
    if column is None:
        return
    indexed = column.name in plan.table.indexed
    stamped = f"{column.name}: {column.type}"
    found = f"{stamped}, indexed" if indexed else f"{stamped}, not indexed"
    remedy = "" if indexed else f"an index on {column.name} spares a full scan each run"
    yield Finding(held.name, "cursor", found, Level.OK if indexed else Level.WARNING, remedy)
    nulls = _count(held, plan, _is_null(held, column)) if column.nullable else 0
    if nulls:
        swept = held.job.capture.deletes.sweep is not None
        level = Level.WARNING if swept else Level.REFUSED
        what = "found by the sweep alone" if swept else "never found again: the sweep is off"
        text = f"{_about(nulls)} rows have no {column.name}: {what}"
        yield Finding(held.name, "cursor", text, level, exit_code=0 if swept else 4)
    yield from _ahead(held, plan, column)


def time_zone(held: Hold, plan: Plan) -> Iterator[Finding]:
    """Only stamps without a zone need one."""
    if plan.cursor is not None and not plan.cursor.type.zoned:
        origin = "capture.timezone" if held.job.capture.timezone else "the server's own"
        yield Finding(held.name, "time zone", f"{zone_of(held)} ({origin})")


def horizon(held: Hold, plan: Plan) -> Iterator[Finding]:
    if plan.cursor is None:
        return
    tokens = held.source.open_work()
    yield Finding(held.name, "horizon", f"open work can be seen; {len(tokens)} open now")
    begun = _begun(held)
    for token in sorted(tokens):
        (holder,) = held.source.describe_work(frozenset({token}))
        if token in begun:
            holder = f"{holder}; it holds the job back since {instant(begun[token])} at least"
        yield Finding(held.name, "horizon", f"open: {holder}", Level.WARNING)


def target(held: Hold, plan: Plan) -> Iterator[Finding]:
    job, place = held.job.target, plan.effects.table
    command = f"bridgehead check {held.name} --ddl prints it for the DBA"
    try:
        with held.target.transaction() as connection:
            known = held.finds_receiver(connection)
            held.receiver()
    except MissingRight as error:
        yield refused(held.name, "target", held.unseen(error))
        return
    except Outdated as error:
        if job.ddl:
            yield Finding(held.name, "target", error.message, Level.WARNING, error.remedy)
        else:
            yield _refused(held, "target", error.message, command)
        return
    claim = find_claim(held, place)
    with held.target.transaction():
        rows = 0
        if plan.target_exists and claim is None and not job.adopt:
            rows = int(held.target.value(plan.effects.count_range(EVERYTHING)))
    loss = _loss(held, plan)
    if loss is not None:
        yield refused(held.name, "target", loss)
    if rows:
        found = f"{place} holds {rows:,} rows already"
        yield _refused(held, "target", found, "empty it, or set target: {adopt: true}")
    elif not job.ddl and not plan.target_exists:
        yield _refused(held, "target", f"{place} does not exist, and ddl is false", command)
    elif loss is None:
        yield _fits(held, plan)
    if not known and not job.ddl:
        yield _refused(held, "target", "the receiver tables (bh_…) are missing", command)
    yield from rights(held, plan, known=known)


def exchange(held: Hold, plan: Plan) -> Iterator[Finding]:
    """A first load or a resync makes both tables anew; until then there is nothing to look at."""
    if not held.has_current_ledger:
        return
    with held.exchange.transaction():
        begun = held.ledger().newest_of_window()
    if begun is not None:
        refuse_own_columns(held, plan.changes)
        refuse_disowned(held, plan.changes)
        copy, key = plan.changes.copy, plan.changes.key
        if held.exchange.describe(copy).tells_apart(key):
            found = f"{copy} and {plan.changes.change} take the job's rows"
            yield Finding(held.name, "exchange", found)
        else:
            found = f"{copy} lacks its key ({', '.join(key)})"
            remedy = f"bridgehead resync {held.name} --why TEXT makes it anew"
            yield Finding(held.name, "exchange", found, Level.WARNING, remedy)


def ledger(held: Hold, plan: Plan) -> Iterator[Finding]:
    """Whether the job is still the one whose batches are there."""
    if not held.has_current_ledger:
        with held.exchange.transaction() as connection:
            made = exchange_version(connection) is not None
        found = "not looked at" if made else "its tables will be made by the first run"
        yield Finding(held.name, "ledger", found)
        return
    with held.exchange.transaction():
        history = held.ledger()
        known, watermark = history.content_hash(), history.watermark()
    moved = find_move(held, plan.table)
    if known is None:
        yield Finding(held.name, "ledger", "no batch yet")
    elif moved is not None:
        yield refused(held.name, "ledger", moved)
    else:
        refuse_changed(held, plan.route, plan.content_hash)
        yield Finding(held.name, "ledger", f"read up to {instant(watermark)}")


_INSPECTIONS: tuple[Inspection, ...] = (
    source,
    guarantee,
    rows,
    key,
    cursor,
    stamp,
    time_zone,
    horizon,
    lost_characters,
    target,
    collation,
    exchange,
    ledger,
)
_OF_FILES: tuple[Inspection, ...] = (guarantee, files, sample, target, collation, exchange, ledger)


def inspections_of(held: Hold) -> tuple[Inspection, ...]:
    """What there is to look at, in order."""
    return _OF_FILES if held.source.capabilities.files else _INSPECTIONS


def _fits(held: Hold, plan: Plan) -> Finding:
    """What a table of ours has become too narrow for is set aside; a resync would be refused."""
    place = plan.effects.table
    if not plan.target_exists:
        return Finding(held.name, "target", f"{place} will be made")
    try:
        refuse_narrow(held, plan)
    except StructureMismatch as error:
        return Finding(held.name, "target", error.message, Level.WARNING, error.remedy)
    if plan.missing:
        missing = ", ".join(column.name for column in plan.missing)
        return Finding(held.name, "target", f"a resync adds to {place}: {missing}")
    return Finding(held.name, "target", f"{place} has every column with a type that fits")


def _loss(held: Hold, plan: Plan) -> Gap | None:
    """What a run would find lost at the target. A job that was changed is held before it looks."""
    if not held.has_current_ledger:
        return None
    with held.exchange.transaction():
        if held.ledger().content_hash() != plan.content_hash:
            return None
    try:
        refuse_loss(held, plan)
    except Gap as error:
        return error
    return None


def _begun(held: Hold) -> dict[str, datetime]:
    """By token, the first moment at which a run has met it: whatever a login may see of it."""
    if not held.has_current_ledger:
        return {}
    with held.exchange.transaction():
        candidates = held.ledger().candidates()
    found: dict[str, datetime] = {}
    for candidate in candidates:
        for token in candidate.tokens:
            found.setdefault(token, candidate.at)
    return found


def _ahead(held: Hold, plan: Plan, column: Column) -> Iterator[Finding]:
    """A stamp beyond the clock hides its row from every window until that moment has come."""
    whole_days = column.type.kind is Kind.DATE
    low = held.source.clock() + (timedelta(days=1) if whole_days else _AHEAD)
    rows = _count(held, plan, span=(column, low))
    if rows:
        found = f"{_about(rows)} rows have a {column.name} ahead of the source's clock"
        remedy = "set capture.timezone right, correct the stamps, or use capture method compare"
        yield _refused(held, "cursor", found, remedy)


def _count(
    held: Hold,
    plan: Plan,
    where: Statement | None = None,
    span: tuple[Column, datetime] | None = None,
) -> int:
    """Rows of the source, up to a thousand."""
    wanted = Span(span[0], span[1], None, held.job.capture.timezone) if span else None
    output = Output(plan.key[0], held.exchange.dialect.represent(plan.key[0].type))
    selection = Selection(plan.table, (output,), plan.key, span=wanted, where=where)
    with held.source.snapshot():
        stream = held.source.read(selection)
        for _ in stream.part(_COUNTED):
            pass
        stream.close()
    return stream.handed_out


def _is_null(held: Hold, column: Column) -> Statement:
    return Statement(f"{held.source.dialect.quote(column.name)} IS NULL")


def _about(rows: int) -> str:
    return f"{rows:,}" if rows < _COUNTED else f"{rows:,} or more"


def _refused(held: Hold, subject: str, found: str, remedy: str) -> Finding:
    return Finding(held.name, subject, found, Level.REFUSED, remedy, 4)
