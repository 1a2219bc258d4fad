"""The command watch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from bridge.batch import instant
from bridge.centre import Centre, Health, the_centre
from bridge.cli.session import AsJson, Session
from bridge.cli.shown import age, console, print_json, table, verdict_text
from bridge.cli.wait import seconds
from bridge.language import say
from bridge.log import legible
from connectors.errors import BridgeheadError

commands = typer.Typer()

_AGAIN = "{0}: {1}; trying again every {2} s"
_UNREADABLE = (
    "{0}: its rows at the centre cannot be read: {1} → look at bh_receipt and bh_position there"
)
_AHEAD = (
    "{0}: its newest state lies {1} ahead of this store's clock, which hides how long nothing comes"
    " → look at the clocks of both, and at the time zone of its source"
)

_COLUMNS = ("department", "job", "position", "last batch", "kind", "last empty", "received")
_MORE_COLUMNS = ("verdict", "lag")
_FOLDS = ("job", "verdict")
_SPARE = ("kind", "last empty", "received")


@commands.command()
def watch(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="NAME", help="Which store; else the jobs' only target."),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", parser=seconds, metavar="DURATION", help="How often.")
    ] = 2.0,
    overdue: Annotated[
        float,
        typer.Option(
            "--overdue", parser=seconds, metavar="DURATION", help="A lag beyond this is overdue."
        ),
    ] = 90_000.0,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """At the centre: every department and job that writes to a buffer store, worst first. With
    --once, exit 1 if any deviates, has a gap or a fork, is overdue, or ahead of the clock."""
    session: Session = ctx.obj
    deployment = session.deployment
    with closing(Centre(deployment, the_centre(deployment, endpoint))) as centre:
        if once or as_json:
            found = centre.look()
            if as_json:
                print_json([_document(health, overdue) for health in found])
            else:
                console().print(_drawn(found, overdue))
            raise typer.Exit(0 if all(health.is_well(overdue) for health in found) else 1)
        try:
            _follow(centre, max(every, 0.1), overdue)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def _follow(centre: Centre, every: float, overdue: float) -> None:
    """Until Ctrl-C. A store that is away is told, above what was last known of it."""
    known: list[Health] = []
    with Live(console=console(), auto_refresh=False, transient=False) as live:
        while True:
            trouble: Text | None = None
            try:
                known = centre.look()
            except BridgeheadError as error:
                told = say(_AGAIN, centre.endpoint, say(error.message), f"{every:g}")
                trouble = Text(legible(told), style="bold red")
            shown = _drawn(known, overdue, trouble)
            if console().is_terminal:
                live.update(shown, refresh=True)
            else:
                console().print(shown)
            time.sleep(every)


def _drawn(found: Sequence[Health], overdue: float, trouble: Text | None = None) -> RenderableType:
    lines = [_line(health, overdue) for health in found]
    well = sum(health.is_well(overdue) for health in found)
    counts = say("{0} jobs, {1} need somebody", len(found), len(found) - well)
    title = f"{datetime.now():%H:%M:%S}  {counts}"
    drawn = table(title, (*_COLUMNS, *_MORE_COLUMNS), lines, spare=_SPARE, folds=_FOLDS)
    return Group(*([trouble] if trouble else []), drawn, *_troubles(found))


def _troubles(found: Sequence[Health]) -> Iterator[Text]:
    for health in found:
        if health.trouble is not None:
            told = say(_UNREADABLE, f"{health.department}/{health.job}", say(health.trouble))
            yield Text(legible(told), style="bold red")
        elif health.is_ahead:
            told = say(_AHEAD, f"{health.department}/{health.job}", age(health.ahead_seconds))
            yield Text(legible(told), style="bold red")


def _line(health: Health, overdue: float) -> list[object]:
    return [
        health.department,
        health.job,
        Text(f"{health.epoch}/{health.seq}"),
        _moment(health.last_batch_at),
        health.last_batch_kind and say(health.last_batch_kind),
        _moment(health.last_empty_at),
        health.received_total,
        _verdict(health),
        _lag(None if health.released else health.lag_seconds, overdue),
    ]


def _verdict(health: Health) -> Text:
    if health.released:
        return Text(say("released"), style="dim")
    return verdict_text(health.verdict, "unreadable" if health.trouble else "no batch yet")


def _lag(lag: float | None, overdue: float) -> Text:
    if lag is None:
        return Text("–", style="dim")
    colour = "bold red" if lag > overdue else "yellow" if lag > overdue / 2 else "green"
    return Text(age(lag), style=colour)


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%m-%d %H:%M:%SZ}" if moment else None


def _document(health: Health, overdue: float) -> dict[str, Any]:
    return {
        "department": health.department,
        "job": health.job,
        "epoch": health.epoch,
        "seq": health.seq,
        "last_batch_at": instant(health.last_batch_at),
        "last_batch_kind": health.last_batch_kind,
        "last_empty_at": instant(health.last_empty_at),
        "verdict": health.verdict.value if health.verdict else None,
        "batches": health.batches,
        "received_total": health.received_total,
        "deviations": health.deviations,
        "lag_seconds": health.lag_seconds,
        "ahead_seconds": health.ahead_seconds,
        "overdue": health.is_overdue(overdue),
        "released": health.released,
        "trouble": health.trouble,
    }
