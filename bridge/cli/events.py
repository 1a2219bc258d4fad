"""The command events: what somebody should know of, who has taken it over, and whether alarms
arrive."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.session import Actor, AsJson, Session, Why, actor_of, only_text
from bridge.cli.shown import console, print_json, table
from bridge.decision import acknowledge
from bridge.document import event_document
from bridge.eventwording import happened, name_of, remedy_of, severity_word
from bridge.language import say, spoken
from bridge.ledger.event import EventEntry, Events
from bridge.ledger.history import History
from bridge.log import log
from bridge.notice.alarm import send_trial
from bridge.notice.notice import note_all, note_trial
from bridge.overview import read_ledger
from bridge.settings import Deployment
from connectors.errors import ConfigurationError

commands = typer.Typer()
group = typer.Typer()
commands.add_typer(group, name="events")

_COLUMNS = ("event", "severity", "kind", "job", "what happened", "since", "last seen", "seen")
_MORE_COLUMNS = ("state", "what to do")
_FOLDS = ("job", "what happened", "state", "what to do")
_SPARE = ("severity", "since", "last seen", "seen")
_TRY_AGAIN = 3
_COLOURS = {"critical": "bold red", "error": "red", "warning": "yellow"}


@group.callback(invoke_without_command=True)
def events(
    ctx: typer.Context,
    every: Annotated[
        bool,
        typer.Option("--all/--open", help="Also those that are over; else those that are open."),
    ] = False,
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="JOB", help="Of this job alone.", callback=only_text),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="At most so many, the newest.")
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """What somebody should know of: open events, from the ledger alone."""
    if ctx.invoked_subcommand is not None:
        return
    session: Session = ctx.obj
    found, is_open, there = _entries(session.deployment, every, job, limit)
    over = say(", {0} over", f"{there - is_open:,}") if every else ""
    is_cut_off = len(found) < (there if every else is_open)
    cut_off = say(", the newest {0} shown", f"{len(found):,}") if is_cut_off else ""
    counted = say("{0} open", f"{is_open:,}") + over + cut_off
    if as_json:
        print_json([event_document(entry) for entry in found])
        if is_cut_off:
            log.warning("%s", counted)
        return
    lines = [_line(entry) for entry in found]
    columns = (*_COLUMNS, *_MORE_COLUMNS)
    console().print(table("", columns, lines, spare=_SPARE, folds=_FOLDS))
    console().print(counted)


@group.command()
def ack(
    ctx: typer.Context,
    number: Annotated[
        int, typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="The event's number.")
    ],
    why: Why,
    by: Actor = None,
) -> None:
    """Take an event over: it stays open, and is not sent again until it is over or worse."""
    session: Session = ctx.obj
    if not why.strip():
        raise typer.BadParameter("say why: the reason is kept in the audit log")
    entry = acknowledge(session.deployment, number, actor_of(by), why.strip())
    name = name_of(entry.kind, spoken())
    console().print(say("event {0} ({1}) is acknowledged", number, name))


@group.command()
def send(ctx: typer.Context) -> None:
    """Note what is overdue, and send the alarms that wait; what the scheduler does by itself."""
    session: Session = ctx.obj
    _tell(note_all(session.deployment))


@group.command()
def test(ctx: typer.Context) -> None:
    """Send a trial message to every rule, and say what came of it."""
    session: Session = ctx.obj
    rules = session.deployment.settings.alarms
    if not rules:
        raise ConfigurationError(
            "no alarm is configured", remedy="add `alarms` to bridgehead.yaml; see docs/alarms.md"
        )
    came = {rule.called: failure for rule, failure in send_trial(session.deployment)}
    note_trial(session.deployment, came)
    _tell(came)


def _tell(came: dict[str, str | None]) -> None:
    for rule, failure in came.items():
        told = Text(f"{rule}: ").append(say("arrived"), style="green")
        if failure is not None:
            why = say("did not arrive: {0}", say(failure))
            told = Text(f"{rule}: ").append(why, style="red")
        console().print(told, soft_wrap=True)
    raise typer.Exit(_TRY_AGAIN if any(came.values()) else 0)


def _entries(
    deployment: Deployment, every: bool, job: str | None, limit: int
) -> tuple[list[EventEntry], int, int]:
    """The newest, how many are open, and how many there are in all."""
    department = deployment.department.code
    with read_ledger(deployment) as exchange:
        if exchange is not None:
            with exchange.transaction() as connection:
                events = Events(connection, department)
                is_open, there = events.count(job)
                if there or (job and History(connection, department, job).standing()):
                    return events.entries(closed=every, job=job, limit=limit), is_open, there
    if job is not None and job not in deployment.bad_jobs:
        deployment.job(job)
    return [], 0, 0


def _line(entry: EventEntry) -> list[object]:
    return [
        entry.number,
        Text(severity_word(entry.severity, spoken()), style=_COLOURS[entry.severity]),
        f"{name_of(entry.kind, 'zh')} {name_of(entry.kind, 'en')}",
        entry.job or entry.subject,
        " ".join(happened(entry, spoken()).split()),
        f"{entry.first_seen_at:%Y-%m-%d %H:%M:%SZ}",
        f"{entry.last_seen_at:%Y-%m-%d %H:%M:%SZ}",
        entry.seen,
        _state(entry),
        remedy_of(entry, spoken()) if entry.is_open else "",
    ]


def _state(entry: EventEntry) -> str:
    if entry.closed_at is not None:
        return say("over since {0}", f"{entry.closed_at:%Y-%m-%d %H:%M:%SZ}")
    if entry.acknowledged_at is not None:
        who, why = entry.acknowledged_by, entry.acknowledged_why
        return say("acknowledged by {0}: {1}", who, why)
    return say("open")
