"""The command quarantine."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bridge.cli.outcome import finish
from bridge.cli.session import AsJson, JobName, Session
from bridge.cli.shown import console, print_json, table
from bridge.cli.wait import Wait
from bridge.document import quarantine_document
from bridge.language import say
from bridge.ledger.history import History
from bridge.ledger.quarantine import Quarantine, QuarantineEntry
from bridge.overview import read_ledger
from bridge.progress import watching
from bridge.run import LOCK_WAIT_SECONDS, IfDisabled, read_quarantined_again, run_job
from bridge.settings import Deployment
from bridge.transform.mask import masked_key

commands = typer.Typer()

_COLUMNS = ("no.", "key", "column", "reason", "sample", "place", "batch", "opened", "seen")


@commands.command()
def quarantine(
    ctx: typer.Context,
    job: JobName,
    retry: Annotated[
        bool, typer.Option("--retry", help="Run the job, and read the rows set aside again.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    wait: Wait = LOCK_WAIT_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Rows set aside with the reason, masked; the rows themselves are kept nowhere."""
    session: Session = ctx.obj
    if retry:
        with watching() as watcher:
            outcome = run_job(
                session.deployment,
                job,
                (read_quarantined_again,),
                wait,
                watcher,
                if_disabled=IfDisabled.REFUSE,
            )
        finish(session, [outcome], "quarantine --retry", as_json=as_json, many=False)
    count, entries = _entries(session.deployment, job, limit)
    if as_json:
        print_json(quarantine_document(job, count, entries))
        return
    console().print(table("", _COLUMNS, [_line(entry) for entry in entries]))
    console().print(say("{0}: {1} open", job, count))


def _entries(deployment: Deployment, job: str, limit: int) -> tuple[int, list[QuarantineEntry]]:
    department = deployment.department.code
    with read_ledger(deployment) as exchange:
        if exchange is not None:
            with exchange.transaction() as connection:
                if History(connection, department, job).standing() is not None:
                    found = Quarantine(connection, department, job)
                    return found.count(), found.list_masked(limit)
    deployment.job(job)
    return 0, []


def _line(entry: QuarantineEntry) -> list[object]:
    return [
        entry.number,
        masked_key(json.loads(entry.key)),
        entry.column or "",
        say(entry.reason),
        entry.sample or "",
        entry.place or "",
        f"{entry.epoch}/{entry.seq}",
        f"{entry.opened_at:%Y-%m-%d %H:%M:%SZ}",
        entry.seen,
    ]
