"""The tables of a statement as plain values, so that page, workbook and PDF all show the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Literal

from markupsafe import Markup

from reconcile.level import BatchLine, Position
from reconcile.matter import Matter
from reconcile.statement import JobPeriod, Statement
from reconcile.verdict import Verdict
from reconcile.wording import Speaker, Words

__all__ = ["Column", "Listing", "attention", "listings", "pages", "said"]

_MOST_ON_PAPER = 2000  # batches of all jobs: more is for the workbook

Code = Literal["kind", "state", "action"]
Kind = Literal["text", "count", "moment", "day", "share", "hash", "verdict", "age", "phrase"] | Code
Cell = str | int | float | datetime | date | Words | Verdict | None


@dataclass(frozen=True)
class Column:
    """`phrase` names the heading, `kind` how a value is written; counts may have a sum."""

    phrase: str
    kind: Kind = "text"
    summed: bool = False


@dataclass(frozen=True)
class Listing:
    """`code` is the phrase of its title. A row has a value for each column. Of `whole` rows that
    there are these are shown. `sums` is the last line, over all of them: the sum of each column
    that has one; None for a table without."""

    code: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    whole: int
    sums: tuple[int | None, ...] | None


def listings(statement: Statement) -> tuple[Listing, ...]:
    """Every table whole, as the workbook holds them."""
    everything = _batches_of(statement)
    return (
        *_short(statement),
        _made("list_batches", _BATCHES, everything),
        _made("list_conservation", _CONSERVATION, everything),
        _made("list_hashes", _HASHES, everything),
        _made("list_audit", _AUDIT, statement.audit),
        _made("list_recounts", _RECOUNTS, statement.recounts),
    )


def pages(statement: Statement) -> tuple[Listing, ...]:
    """The same for paper: of very many batches the newest of each job, and those that need
    action."""
    everything, listed = _batches_of(statement), _on_paper(statement)
    return (
        *_short(statement),
        _made("list_batches", _BATCHES, everything, listed),
        _made("list_conservation", _CONSERVATION, everything, listed),
        _made("list_hashes", _HASHES, everything, listed),
        _made("list_audit", _AUDIT, statement.audit),
    )


def attention(statement: Statement, most: int) -> Listing:
    """The jobs that somebody must look at, the gravest first, also those that sealed nothing though
    something was due; without sums."""
    grave = [
        job
        for job in statement.jobs
        if job.is_silent or job.cycles_unknown or job.section.verdict is not Verdict.RECONCILED
    ]
    ranks = {verdict: rank for rank, verdict in enumerate(Verdict)}
    grave.sort(key=lambda job: (-ranks[job.section.verdict], -job.deviation, job.section.job))
    made = _made("list_attention", _OVERVIEW, grave, grave[:most])
    return replace(made, sums=None)


def _matters_of(statement: Statement) -> list[tuple[JobPeriod | None, Matter]]:
    """What decides, or needs somebody, and is no batch of the period."""
    found: list[tuple[JobPeriod | None, Matter]] = [(None, one) for one in statement.matters]
    for job in statement.jobs:
        found += [(job, one) for one in job.matters]
    return found


def _batches_of(statement: Statement) -> list[tuple[JobPeriod, BatchLine]]:
    return [(job, batch) for job in statement.jobs for batch in job.section.batches]


def _on_paper(statement: Statement) -> list[tuple[JobPeriod, BatchLine]]:
    listed = [(job, batch) for job in statement.jobs for batch in job.section.listed]
    if len(listed) <= _MOST_ON_PAPER:
        return listed
    newest = max(1, _MOST_ON_PAPER // len(statement.jobs))
    return [
        (job, batch)
        for job in statement.jobs
        for place, batch in enumerate(job.section.listed, 1 - len(job.section.listed))
        if place > -newest or batch.alarming
    ]


def said(value: Cell, kind: Kind, speaker: Speaker) -> Markup:
    """One value in the words of the speaker's languages."""
    if value is None:
        return Markup("—")
    if isinstance(value, Verdict):
        return speaker.verdict(value)
    if kind in ("kind", "state", "action"):
        return speaker.code(kind, str(value))
    if kind == "phrase":
        return speaker.say(str(value))
    if kind == "age" and isinstance(value, int | float):
        return speaker.words(speaker.duration(value))
    if kind == "share" and isinstance(value, float):
        return Markup(speaker.percent(value))
    if isinstance(value, int):
        return Markup(speaker.number(value))
    if isinstance(value, datetime):
        return Markup(speaker.moment(value))
    return speaker.words(value if isinstance(value, tuple) else str(value))


def _short(statement: Statement) -> tuple[Listing, ...]:
    return (
        _made("list_overview", _OVERVIEW, statement.jobs),
        _made("list_standing", _STANDING, statement.jobs),
        _made("list_matters", _MATTERS, _matters_of(statement)),
        _made("list_positions", _POSITIONS, statement.jobs),
        _made("list_days", _DAYS, statement.days),
    )


_EFFECTS = ("total", "inserted", "updated", "deleted")
Spec = Sequence[tuple[Column, str | Callable[[Any], Cell]]]


def _made(
    code: str, spec: Spec, things: Sequence[Any], shown: Sequence[Any] | None = None
) -> Listing:
    getters = [attrgetter(get) if isinstance(get, str) else get for _, get in spec]
    rows = tuple(
        tuple(get(thing) for get in getters) for thing in (things if shown is None else shown)
    )
    columns = tuple(column for column, _ in spec)
    sums = None
    if any(column.summed for column in columns):
        sums = tuple(
            sum(get(thing) or 0 for thing in things) if column.summed else None  # type: ignore[misc]
            for column, get in zip(columns, getters, strict=True)
        )
    return Listing(code, columns, rows, len(things), sums)


def _count(phrase: str, get: str | Callable[[Any], Cell]) -> tuple[Column, Any]:
    return Column(phrase, "count", summed=True), get


def _effects(prefix: str, phrase: str) -> list[tuple[Column, Any]]:
    return [_count(f"{phrase}_{name}", f"{prefix}.{name}") for name in _EFFECTS]


def _received(name: str) -> Callable[[tuple[JobPeriod, BatchLine]], Cell]:
    def of(pair: tuple[JobPeriod, BatchLine]) -> Cell:
        received = pair[1].received
        return None if received is None else getattr(received, name)

    return of


def _batch(name: str) -> Callable[[tuple[JobPeriod, BatchLine]], Cell]:
    get = attrgetter(name)
    return lambda pair: get(pair[1])


def _matter(name: str) -> Callable[[tuple[JobPeriod | None, Matter]], Cell]:
    get = attrgetter(name)
    return lambda pair: get(pair[1])


def _share(job: JobPeriod) -> Cell:
    return job.section.timeliness


def _at(name: str) -> Callable[[JobPeriod], Cell]:
    side, _, what = name.partition(".")

    def of(job: JobPeriod) -> Cell:
        position: Position | None = getattr(job, side)
        return None if position is None else getattr(position, what)

    return of


def _legible(details: str) -> str:
    """What is hashed is ASCII; people read the characters themselves. What was altered may be no
    JSON any more, and is shown as it is."""
    try:
        return json.dumps(json.loads(details), ensure_ascii=False)
    except ValueError:
        return details


_JOB = (Column("job"), "section.job")
_OVERVIEW: Spec = (
    (Column("list_title"), "section.title"),
    _JOB,
    _count("batches", lambda job: len(job.section.batches)),
    *_effects("section.sent", "list_sent"),
    *_effects("section.received", "list_received"),
    _count("deviation", "deviation"),
    _count("in_flight", "section.stream.in_flight_rows"),
    _count("quarantined_open", "section.quarantined_open"),
    (Column("timeliness", "share"), _share),
    (Column("verdict", "verdict"), "section.concluded"),
)
_STANDING: Spec = (
    _JOB,
    (Column("resource"), "section.resource_code"),
    _count("list_deviation_open", "deviation_open"),
    _count("list_in_flight_batches", "section.stream.in_flight_batches"),
    (Column("list_in_flight_age", "age"), "section.stream.in_flight_seconds"),
    _count("list_held_batches", "held_batches"),
    _count("list_held_rows", "held_rows"),
    _count("list_waived_batches", "section.waived_batches"),
    _count("list_waived_rows", "section.waived_rows"),
    _count("gaps", "gaps"),
    _count("list_forks", "forks"),
    _count("quarantined_open", "section.quarantined_open"),
    _count("list_periods_kept", "periods_kept"),
    _count("list_periods_due", "periods_due"),
    _count("residual", "residual"),
)
_MATTERS: Spec = (
    (Column("job"), lambda pair: pair[0].section.job if pair[0] else None),
    (Column("list_what"), _matter("what")),
    (Column("verdict", "verdict"), _matter("verdict")),
    (Column("deviation", "count"), _matter("deviation")),
    (Column("cause"), _matter("cause")),
    (Column("next_step"), _matter("next_step")),
)
_POSITIONS: Spec = (
    _JOB,
    (Column("list_opening_epoch", "count"), _at("opening.epoch")),
    (Column("list_opening_seq", "count"), _at("opening.seq")),
    (Column("list_opening_hash", "hash"), _at("opening.head_hash")),
    (Column("list_closing_epoch", "count"), _at("closing.epoch")),
    (Column("list_closing_seq", "count"), _at("closing.seq")),
    (Column("list_closing_hash", "hash"), _at("closing.head_hash")),
)
_DAYS: Spec = (
    (Column("list_day", "day"), "day"),
    _count("batches", lambda day: len(day.batches)),
    *_effects("sent", "list_sent"),
    *_effects("received", "list_received"),
    _count("list_unreceipted", "unreceipted"),
    _count("deviation", "deviation"),
)
_NUMBER: Spec = (
    (Column("job"), lambda pair: pair[0].section.job),
    (Column("list_epoch", "count"), _batch("epoch")),
    (Column("list_seq", "count"), _batch("seq")),
)
_BATCHES: Spec = (
    *_NUMBER,
    (Column("kind", "kind"), _batch("kind")),
    (Column("list_window_low", "moment"), _batch("window_low")),
    (Column("list_window_high", "moment"), _batch("window_high")),
    (Column("list_sealed_at", "moment"), _batch("sealed_at")),
    *(_count(f"list_sent_{name}", _batch(f"sent.{name}")) for name in _EFFECTS),
    *(_count(f"list_received_{name}", _received(name)) for name in _EFFECTS),
    _count("deviation", _batch("deviation")),
    (Column("verdict", "verdict"), _batch("verdict")),
)
_CONSERVATION: Spec = (
    *_NUMBER,
    *(_count(name, _batch(name)) for name in ("read", "gone")),
    *(_count(f"list_{name}", _batch(name)) for name in ("inserted", "updated", "deleted")),
    *(_count(name, _batch(name)) for name in ("unchanged", "superseded", "quarantined")),
    _count("residual", _batch("residual")),
    _count("late", _batch("late")),
)
_HASHES: Spec = (
    *_NUMBER,
    (Column("state", "state"), _batch("state")),
    (Column("list_prev_hash", "hash"), _batch("prev_hash")),
    (Column("batch_hash", "hash"), _batch("batch_hash")),
    (Column("digest_sent", "hash"), _batch("sent.digest")),
    (Column("digest_received", "hash"), _received("digest")),
)
_AUDIT: Spec = (
    (Column("list_number", "count"), "number"),
    (Column("list_at", "moment"), "at"),
    (Column("job"), "job"),
    (Column("list_actor"), "actor"),
    (Column("list_action", "action"), "action"),
    (Column("list_details"), lambda entry: _legible(entry.details)),
    (Column("list_prev_hash", "hash"), "prev_hash"),
    (Column("list_hash", "hash"), "hash"),
)
_RECOUNTS: Spec = (
    (Column("list_recount", "phrase"), "code"),
    (Column("list_store"), "store"),
    (Column("list_sql"), "sql"),
)
