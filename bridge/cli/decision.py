"""Commands by which a person decides, all audited: resync, approve, reject, waive, enable, disable,
release."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from bridge import claim, decision
from bridge.cli.outcome import finish
from bridge.cli.session import Actor, AsJson, JobName, Session, Why, actor_of
from bridge.cli.shown import console
from bridge.cli.wait import Wait
from bridge.language import say
from bridge.progress import watching
from bridge.run import LOCK_WAIT_SECONDS, resync_job

commands = typer.Typer()

_LEFT = (
    "{0} at {1} is job {2}'s alone now; job {3} filled it too, and may have changed its rows: "
    "bridgehead resync {4} --why TEXT puts them right"
)

_WHEN_ENABLED = "{0}: batch {1} is approved; the first run after bridgehead enable {2} delivers it"
_WAIVED = (
    "{0}: batch {1} is waived: {2} rows at the target are not as it has them, and stay so; the "
    "books say who answers for that"
)
_WAIVED_BESIDES = "{0}: waived: {1}; the books say who answers for that"

Seq = Annotated[int, typer.Argument(metavar="SEQ", help="The held batch's number.")]


@commands.command()
def resync(
    ctx: typer.Context,
    job: JobName,
    why: Why,
    by: Actor = None,
    wait: Wait = LOCK_WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Begin a new epoch: everything is sent again as it is now, and the target put right."""
    session: Session = ctx.obj
    reason, actor = _reason(why), actor_of(by)
    with watching() as watcher:
        outcome = resync_job(session.deployment, job, reason, actor, wait, watcher)
    finish(session, [outcome], "resync", as_json=as_json, many=False)


@commands.command()
def approve(ctx: typer.Context, job: JobName, seq: Seq, why: Why, by: Actor = None) -> None:
    """Let a held batch go on its way with the next run."""
    session: Session = ctx.obj
    if decision.approve(session.deployment, job, seq, actor_of(by), _reason(why)):
        told = say("{0}: batch {1} is approved; the next run delivers it", job, seq)
    else:
        told = say(_WHEN_ENABLED, job, seq, job)
    console().print(told, soft_wrap=True)


@commands.command()
def reject(ctx: typer.Context, job: JobName, seq: Seq, why: Why, by: Actor = None) -> None:
    """Lay a held batch aside; the next run sends everything again as the source then has it."""
    session: Session = ctx.obj
    epoch = decision.reject(session.deployment, job, seq, actor_of(by), _reason(why))
    told = say("{0}: batch {1} is rejected; the next run begins epoch {2}", job, seq, epoch)
    console().print(told)


@commands.command()
def waive(
    ctx: typer.Context,
    job: JobName,
    why: Why,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[SEQ]",
            help="The batch's number, or EPOCH/SEQ; else what stands beside the batches.",
        ),
    ] = None,
    by: Actor = None,
) -> None:
    """Answer for a deviation that nothing puts right: it stays in the books, and waits for nobody;
    of a job whose file is gone also for a batch that is held, or for what a run has found."""
    session: Session = ctx.obj
    if place is None:
        found = decision.waive_besides(session.deployment, job, actor_of(by), _reason(why))
        console().print(say(_WAIVED_BESIDES, job, say(found)), soft_wrap=True)
        return
    epoch, seq = _place(place)
    batch = decision.waive(session.deployment, job, seq, actor_of(by), _reason(why), epoch)
    told = say(_WAIVED, job, batch.place, f"{batch.rows_amiss:,}")
    console().print(told, soft_wrap=True)


@commands.command()
def enable(ctx: typer.Context, job: JobName, why: Why = "", by: Actor = None) -> None:
    """Let scheduled runs of a job go on."""
    _switch(ctx.obj, job, True, actor_of(by), why)


@commands.command()
def disable(ctx: typer.Context, job: JobName, why: Why = "", by: Actor = None) -> None:
    """Skip every run of a job until it is enabled; a run under way finishes."""
    _switch(ctx.obj, job, False, actor_of(by), why)


@commands.command()
def release(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, or SCHEMA.TABLE.")],
    endpoint: Annotated[
        str, typer.Option("--endpoint", metavar="ENDPOINT", help="The target that has it.")
    ],
    why: Why,
    by: Actor = None,
) -> None:
    """Give up a target table that none of our jobs fills any more; its rows stay."""
    session: Session = ctx.obj
    given_up, left = claim.release(session.deployment, endpoint, table, actor_of(by), _reason(why))
    told = say("{0} at {1} is nobody's any more; job {2} filled it", table, endpoint, given_up.job)
    if left is not None:
        told = say(_LEFT, table, endpoint, left.job, given_up.job, left.job)
    console().print(told, soft_wrap=True)


def _switch(session: Session, job: str, on: bool, actor: str, why: str) -> None:
    deployment = session.deployment
    if job not in deployment.bad_jobs:  # a job whose file is broken may be switched as well
        deployment.job(job)
    decision.switch(deployment, job, actor, why, on=on)
    console().print(say("{0} is enabled" if on else "{0} is disabled", job))


def _place(text: str) -> tuple[int | None, int]:
    """As `batches` and `status` spell it, or the number alone."""
    named = re.fullmatch(r"(?:([0-9]+)/)?([0-9]+)", text)
    if named is None:
        raise typer.BadParameter("name a batch by its number, or as EPOCH/SEQ")
    return int(named[1]) if named[1] else None, int(named[2])


def _reason(why: str) -> str:
    if not why.strip():
        raise typer.BadParameter("say why: the reason is kept in the audit log")
    return why.strip()
