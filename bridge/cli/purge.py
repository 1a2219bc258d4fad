"""The command by which what is old enough goes: purge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from bridge.cli.session import Actor, AsJson, Session, actor_of
from bridge.cli.shown import console, print_json, show_error, table
from bridge.cli.wait import Wait
from bridge.document import error_document
from bridge.language import say
from bridge.purge import Purged, purge_jobs
from bridge.run import LOCK_WAIT_SECONDS
from bridge.runs import exit_code_of
from bridge.settings import Deployment

commands = typer.Typer()

_WOULD_GO = "would go: {0} change rows of {1} batches"
_GONE = "gone: {0} change rows of {1} batches"


@commands.command()
def purge(
    ctx: typer.Context,
    jobs: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]…", help="These jobs; else all.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    by: Actor = None,
    wait: Wait = LOCK_WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Let go of the change rows of batches that are reconciled and older than `retention` says."""
    session: Session = ctx.obj
    deployment = session.deployment
    found = purge_jobs(deployment, jobs or (), actor_of(by), wait, dry_run=dry_run)
    if as_json:
        print_json([_document(purged, deployment, dry_run=dry_run) for purged in found])
    else:
        _show(found, dry_run=dry_run)
    for purged in found:
        if purged.error is not None:
            show_error(purged.error, f"purge {purged.job}", deployment)
    raise typer.Exit(exit_code_of(p.error.exit_code for p in found if p.error is not None))


def _show(found: Sequence[Purged], *, dry_run: bool) -> None:
    of_note = [p for p in found if p.batches or p.why_not]
    if of_note:
        rows = [[p.job, p.batches, p.rows, p.why_not and say(p.why_not)] for p in of_note]
        console().print(table("", ["job", "batches", "rows", "kept because"], rows))
    batches, rows_gone = sum(p.batches for p in found), sum(p.rows for p in found)
    told = _WOULD_GO if dry_run else _GONE
    console().print(say(told, f"{rows_gone:,}", f"{batches:,}"))


def _document(purged: Purged, deployment: Deployment, *, dry_run: bool) -> dict[str, Any]:
    """`batches` and `rows` are what is gone, or with `dry_run` what would go."""
    document: dict[str, Any] = {
        "job": purged.job,
        "dry_run": dry_run,
        "batches": purged.batches,
        "rows": purged.rows,
        "kept_because": purged.why_not,
    }
    if purged.error is not None:
        document["error"] = error_document(purged.error, deployment)
    return document
