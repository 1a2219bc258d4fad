"""Commands that only look into the ledger: status, batches."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.session import AsJson, JobName, Session
from bridge.cli.shown import (
    age,
    batch_table,
    console,
    print_json,
    show_problems,
    table,
    verdict_text,
)
from bridge.document import batches_document, status_document
from bridge.language import say
from bridge.ledger.history import History
from bridge.overview import JobOverview, overview, read_ledger

commands = typer.Typer()

Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")]

_COLUMNS = ("job", "title", "verdict", "batch", "watermark", "lag", "in flight", "deviation")
_MORE_COLUMNS = ("quarantined", "due by", "timeliness", "guarantee", "why", "last run")
_WAIVED = "{0}: {1}: {2} rows waived by {3} on {4}: {5}"
_FOLDS = ("job", "verdict", "due by", "why")
_SPARE = ("title", "batch", "watermark", "in flight", "timeliness", "guarantee", "why", "last run")


@commands.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """How every job stands, from the ledger alone; exit 1 if one deviates or is held."""
    session: Session = ctx.obj
    found = overview(session.deployment)
    if as_json:
        print_json([status_document(job) for job in found])
    else:
        title = f"{session.deployment.department.name} {session.deployment.department.code}"
        columns = (*_COLUMNS, *_MORE_COLUMNS)
        lines = [_status_line(job) for job in found]
        console().print(table(title, columns, lines, spare=_SPARE, folds=_FOLDS))
        for job in found:
            _show_failure(job)
            _show_waivers(job)
    show_problems(session.deployment)
    raise typer.Exit(1 if any(job.needs_a_person for job in found) else 0)


@commands.command()
def batches(ctx: typer.Context, job: JobName, limit: Limit = 20, as_json: AsJson = False) -> None:
    """The newest batches of a job, oldest first: sent against received."""
    session: Session = ctx.obj
    deployment = session.deployment
    with read_ledger(deployment) as exchange:
        found = []
        if exchange is not None:
            with exchange.transaction() as connection:
                history = History(connection, deployment.department.code, job)
                found = history.batches(limit)[::-1]
                if not found and history.standing() is None:
                    deployment.job(job)  # neither the ledger nor the configuration may know it
        else:
            deployment.job(job)
    if as_json:
        print_json(batches_document(job, found))
    else:
        console().print(batch_table(found))


def _status_line(job: JobOverview) -> list[object]:
    standing = job.standing
    watermark = standing.watermark if standing else None
    return [
        job.job,
        job.title or "",
        _verdict(job),
        f"{standing.epoch}/{standing.seq}" if standing else None,
        f"{watermark:%Y-%m-%d %H:%M:%SZ}" if watermark else None,
        _age(job.lag_seconds),
        _in_flight(job),
        job.deviation if standing else None,
        standing.quarantined if standing else None,
        _due(job),
        _timeliness(job),
        say(job.guarantee.promise.value) if job.guarantee else "",
        say(job.guarantee.why) if job.guarantee else "",
        f"{standing.ran_at:%Y-%m-%d %H:%M:%SZ}" if standing and standing.ran_at else None,
    ]


def _verdict(job: JobOverview) -> Text:
    text = verdict_text(job.verdict)
    if not job.configured:
        text.append(say(" (no usable job file)"), style="red")
    if job.standing and not job.standing.enabled:
        text.append(say(" (disabled)"), style="dim")
    if job.standing and job.standing.ran_error and job.standing.ran_at:
        text.append(say(" (last run failed)"), style="red")
    return text


def _due(job: JobOverview) -> Text | None:
    if job.deadline is None:
        return None
    moment = f"{job.deadline.due_at:%Y-%m-%d %H:%MZ}"
    overdue = job.deadline.overdue
    return Text(say("overdue since {0}", moment) if overdue else moment, style=_late(job))


def _late(job: JobOverview) -> str:
    return "bold red" if job.deadline and job.deadline.overdue else ""


def _timeliness(job: JobOverview) -> str | None:
    """Rounded down: 99.99 % is not all."""
    recent = job.deadline.recent if job.deadline else None
    if recent is None or recent.share is None:
        return None
    return say("{0}% of {1}", f"{recent.kept * 1000 // recent.due / 10:g}", recent.due)


def _show_failure(job: JobOverview) -> None:
    standing = job.standing
    if standing and standing.ran_error:
        ran = standing.ran_at is not None  # else no run has said so
        words = "{0}: the last run ended with: {1}" if ran else "{0}: {1}"
        told = say(words, job.job, standing.ran_error)
        console().print(Text(told, style="red"), soft_wrap=True)


def _show_waivers(job: JobOverview) -> None:
    for one in job.waivers:
        day = f"{one.at:%Y-%m-%d}"
        rows = f"{one.rows:,}"
        what = say("batch {0}", one.place) if one.seq else say(one.found)
        told = say(_WAIVED, job.job, what, rows, one.actor, day, one.why)
        console().print(told, soft_wrap=True)


def _in_flight(job: JobOverview) -> object:
    if job.standing is None or not job.standing.in_flight:
        return 0
    return say("{0} since {1}", job.standing.in_flight, _age(job.in_flight_seconds))


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else age(seconds)
