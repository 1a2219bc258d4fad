"""What the outcome of a run says of the job and of its stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.batch import State
from bridge.errors import Changed, Fork, Gap, Held
from bridge.event import EventKind, Observation, Recovery, Sighting
from bridge.outcome import Outcome, Part, is_past, part_of
from connectors.errors import (
    BridgeheadError,
    Busy,
    ConnectionLost,
    MissingObject,
    StoreFull,
    StructureMismatch,
    Unreachable,
)

__all__ = ["down_store", "endpoint_of", "observe"]

_DOWN = (Unreachable, ConnectionLost, StoreFull)
_KINDS: Mapping[type[BridgeheadError], EventKind] = {
    Fork: EventKind.FORK,
    Gap: EventKind.GAP,
    Changed: EventKind.STRUCTURE,
    Held: EventKind.HELD,
    StructureMismatch: EventKind.STRUCTURE,
    MissingObject: EventKind.STRUCTURE,
}
# Told of the part of a run in which they came up, and over when that goes through.
_OF_A_PART = (EventKind.FAILED, EventKind.STRUCTURE)
_OF_THE_CHAIN = (EventKind.GAP, EventKind.FORK)


def observe(outcome: Outcome) -> Observation:
    """Nothing is concluded from what the run did not get to."""
    renewed = tuple(_of_renewal(outcome))
    if outcome.skipped or isinstance(outcome.error, Busy):
        return Observation(renewed)
    seen = _of_error(outcome) if outcome.error else _of_conclusion(outcome)
    return Observation((*renewed, *seen), tuple(_recovered(outcome)))


def down_store(error: BridgeheadError | None) -> str | None:
    """The endpoint that cannot be used at all, if that is what the error says."""
    return endpoint_of(error) if isinstance(error, _DOWN) else None


def endpoint_of(error: BridgeheadError) -> str | None:
    """Its name alone: an error may say where it is, too."""
    return error.endpoint.partition(" ")[0] if error.endpoint else None


def _of_error(outcome: Outcome) -> Iterator[Sighting]:
    error = outcome.error
    assert error is not None
    facts = {"code": error.code, "found": error.message, "remedy": error.remedy}
    if (endpoint := endpoint_of(error)) is not None:
        facts["endpoint"] = endpoint
    if (down := down_store(error)) is not None:
        yield Sighting(EventKind.STORE, None, down, facts)
        return
    kinds = (kind for mistake, kind in _KINDS.items() if isinstance(error, mistake))
    kind = next(kinds, EventKind.FAILED)
    batch = error.batch if isinstance(error, Held) else ""
    subject = part_of(error) if kind in _OF_A_PART or is_past(error) else batch
    yield Sighting(kind, outcome.job, subject, facts)


def _of_renewal(outcome: Outcome) -> Iterator[Sighting]:
    """However the run went on: the epoch has begun."""
    if outcome.renewed:
        facts = {"found": outcome.renewed, "remedy": "everything was sent again by itself"}
        yield Sighting(EventKind.GAP, outcome.job, facts=facts)


def _of_conclusion(outcome: Outcome) -> Iterator[Sighting]:
    job = outcome.job
    if outcome.deviation:
        numbers = {"deviation": outcome.deviation}
        if (newest := outcome.deviated) is not None:
            numbers |= {"epoch": newest.epoch, "seq": newest.seq}
        yield Sighting(EventKind.DEVIATION, job, facts=numbers)
    if (batch := outcome.held) is not None:
        found = f"{job}: batch {batch.seq} deletes {batch.tally.deleted} rows"
        yield Sighting(EventKind.HELD, job, batch.place, {"found": found})
    if outcome.overdue:
        holders = ", ".join(outcome.holders)
        yield Sighting(EventKind.HORIZON, job, facts={"holders": holders}, since=outcome.held_since)


def _recovered(outcome: Outcome) -> Iterator[Recovery]:
    """Only what the steps have really looked at."""
    job, error, through = outcome.job, outcome.error, outcome.through
    for name in sorted(outcome.reached - {down_store(error)}):
        yield Recovery(EventKind.STORE, None, name)
    if Part.PULL in through and not outcome.holders:
        yield Recovery(EventKind.HORIZON, job)
    for part in sorted(through - ({part_of(error)} if error else set())):
        yield from (Recovery(kind, job, part) for kind in _OF_A_PART)
    if Part.PAST in through:
        yield from (Recovery(kind, job, Part.PAST) for kind in _OF_THE_CHAIN)
    if outcome.anew or (error is None and Part.PUSH in through):
        yield Recovery(EventKind.HELD, job, but=outcome.held.place if outcome.held else None)
    if error is not None:
        return
    if not outcome.deviation:
        yield Recovery(EventKind.DEVIATION, job)
    looked = not through.isdisjoint({Part.BEGINNING, Part.COMPARISON})
    followed = any(batch.state is State.RECONCILED for batch in outcome.batches)
    if looked and (followed or outcome.cut is not None) and not outcome.renewed:
        yield from (Recovery(kind, job, "") for kind in _OF_THE_CHAIN)
