"""Commands that move rows: run, pull, push."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.outcome import finish
from bridge.cli.session import AsJson, JobName, Session
from bridge.cli.wait import Wait
from bridge.progress import watching
from bridge.run import LOCK_WAIT_SECONDS, Outcome, Step, pull_only, push_only, run_job
from bridge.runs import due_jobs, run_jobs

commands = typer.Typer()


@commands.command()
def run(
    ctx: typer.Context,
    jobs: Annotated[list[str] | None, typer.Argument(metavar="JOB…", help="Jobs by name.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every job that is enabled.")] = False,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Jobs at once.")] = 1,
    wait: Wait = LOCK_WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Settle what an earlier run left, pull, push and reconcile, up to the horizon."""
    if bool(jobs) == every:
        raise typer.BadParameter("name one job or several, or give --all")
    session: Session = ctx.obj
    deployment = session.deployment
    names = due_jobs(deployment) if every else list(dict.fromkeys(jobs or []))
    with watching() as watcher:

        def run_one(name: str) -> Outcome:
            return run_job(deployment, name, wait=wait, observer=watcher)

        outcomes = run_jobs(names, parallel, run_one)
    finish(session, outcomes, "run", as_json=as_json, many=every or len(names) > 1)


@commands.command()
def pull(
    ctx: typer.Context, job: JobName, wait: Wait = LOCK_WAIT_SECONDS, as_json: AsJson = False
) -> None:
    """Source → exchange only: seal what has changed."""
    _one_step(ctx.obj, job, "pull", pull_only, wait, as_json=as_json)


@commands.command()
def push(
    ctx: typer.Context, job: JobName, wait: Wait = LOCK_WAIT_SECONDS, as_json: AsJson = False
) -> None:
    """Exchange → target only: deliver what is sealed, and compare sent with received."""
    _one_step(ctx.obj, job, "push", push_only, wait, as_json=as_json)


def _one_step(
    session: Session, job: str, tried: str, step: Step, wait: float, *, as_json: bool
) -> None:
    with watching() as watcher:
        outcomes = run_jobs(
            [job], 1, lambda name: run_job(session.deployment, name, (step,), wait, watcher)
        )
    finish(session, outcomes, tried, as_json=as_json, many=False)
