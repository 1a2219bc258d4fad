"""What `check` says of who writes the cursor column: whether the catalogue shows it, or it is only
declared."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.hold import Hold
from bridge.inspection.finding import Finding, Level
from bridge.plan import Plan
from connectors.errors import BridgeheadError
from connectors.telling import Stamping

__all__ = ["stamp"]


def stamp(held: Hold, plan: Plan) -> Iterator[Finding]:
    """`capture.stamp: database` makes a job lossless: it should be seen, not only said."""
    if plan.cursor is None:
        return
    name, declared = plan.cursor.name, held.job.capture.stamp == "database"
    seen = _seen(held, plan)
    found = _told(name, seen)
    if not declared:
        hint = seen is not None and seen.is_whole
        remedy = "capture.stamp: database would make the job lossless" if hint else ""
        yield Finding(held.name, "stamp", found, remedy=remedy)
    elif seen is not None and seen.is_whole:
        yield Finding(held.name, "stamp", found)
    else:
        remedy = f"let the database write {name} at each insert and update, or leave stamp out"
        told = f"{found}; that the database stamps it is declared, not verified"
        yield Finding(held.name, "stamp", told, Level.WARNING, remedy)


def _seen(held: Hold, plan: Plan) -> Stamping | None:
    assert plan.cursor is not None
    if plan.table.query is not None:
        return None
    try:
        return held.source.stamping(plan.table, plan.cursor.name)
    except BridgeheadError:
        return None


def _told(name: str, seen: Stamping | None) -> str:
    if seen is None:
        return f"{name}: who writes it is not to be seen here"
    if seen == Stamping():
        return f"{name}: nothing in the catalogue writes it"
    return f"{name}: written at insert by {_by(seen.inserted)}, at update by {_by(seen.updated)}"


def _by(writer: str | None) -> str:
    return writer or "nothing in the catalogue"
