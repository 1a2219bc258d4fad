"""Commands that move rows: run, pull, push, resync."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.session import AsJson, JobName, Session
from bridge.cli.shown import (
    batch_table,
    console,
    print_json,
    show_error,
    show_internal_error,
    verdict_text,
)
from bridge.document import outcome_document
from bridge.duration import seconds_of
from bridge.errors import InternalError
from bridge.run import LOCK_WAIT_SECONDS, Outcome, Step, pull_only, push_only, run_job
from bridge.runs import due_jobs, exit_code_of, run_jobs

commands = typer.Typer()


def _seconds(text: str) -> float:
    try:
        return float(seconds_of(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Wait = Annotated[
    float,
    typer.Option(
        parser=_seconds,
        metavar="DURATION",
        help="How long to wait for a job that another run holds, for example 15s.",
    ),
]


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
    outcomes = run_jobs(names, parallel, lambda name: run_job(deployment, name, wait=wait))
    _finish(session, outcomes, "run", as_json=as_json, many=every or len(names) > 1)


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
    outcome = run_job(session.deployment, job, (step,), wait)
    _finish(session, [outcome], tried, as_json=as_json, many=False)


def _finish(
    session: Session, outcomes: Sequence[Outcome], tried: str, *, as_json: bool, many: bool
) -> None:
    """Tells what came out, and leaves with the exit code."""
    if as_json:
        ordered = sorted(outcomes, key=lambda outcome: outcome.job)
        documents = [outcome_document(outcome, session.deployment) for outcome in ordered]
        print_json(documents if many else documents[0])
    for outcome in outcomes:
        if not as_json:
            _show_outcome(outcome)
        _show_failure(session, outcome, tried)
    raise typer.Exit(exit_code_of(outcome.exit_code for outcome in outcomes))


def _show_outcome(outcome: Outcome) -> None:
    if outcome.skipped:
        console().print(f"{outcome.job}: skipped, it is disabled")
        return
    if outcome.batches:
        console().print(batch_table(outcome.job, outcome.batches))
    if outcome.error is None:
        line = Text.assemble(f"{outcome.job}: ", verdict_text(outcome.verdict))
        line.append("" if outcome.batches else ", nothing to do")
        line.append(f", deviation {outcome.deviation}" if outcome.deviation else "")
        console().print(line)
    for holder in outcome.holders:
        console().print(f"{outcome.job}: the horizon is held back by {holder}", soft_wrap=True)


def _show_failure(session: Session, outcome: Outcome, tried: str) -> None:
    error = outcome.error
    if error is None:
        return
    show_error(error, f"{tried} {outcome.job}", session.deployment)
    if isinstance(error, InternalError) and error.__cause__ and session.debug:
        show_internal_error(error.__cause__, debug=True)
