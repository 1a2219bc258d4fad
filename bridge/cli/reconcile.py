"""Commands that compare and tell: reconcile, report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.session import AsJson, JobName, Session
from bridge.cli.shown import console, print_json, show_error, show_file, table, verdict_text
from bridge.cli.wait import Wait
from bridge.comparison import Comparison, reconcile_job
from bridge.document import comparison_document
from bridge.language import say
from bridge.run import LOCK_WAIT_SECONDS
from bridge.statement.reporting import assemble_report
from bridge.statement.writing import not_written, write_whole
from reconcile.report import render_html
from reconcile.verdict import Verdict

commands = typer.Typer()

_CONTENT = "exchange {0} rows, target {1}: missing {2}, extra {3}, different {4}"


@commands.command()
def reconcile(
    ctx: typer.Context, job: JobName, wait: Wait = LOCK_WAIT_SECONDS, as_json: AsJson = False
) -> None:
    """Compare without moving a row: batches, the stream at a cut, and the contents of exchange and
    target key by key."""
    session: Session = ctx.obj
    found = reconcile_job(session.deployment, job, wait)
    if as_json:
        print_json(comparison_document(found, session.deployment))
    else:
        show_comparison(found)
    if found.outcome.error is not None:
        show_error(found.outcome.error, f"reconcile {job}", session.deployment)
    raise typer.Exit(found.outcome.exit_code)


@commands.command()
def report(
    ctx: typer.Context,
    jobs: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]…", help="These jobs; else all.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")
    ] = Path("bridgehead-report.html"),
    days: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, help="Batches of the last so many days; else all."),
    ] = None,
) -> None:
    """Write the reconciliation report (HTML, Chinese and English) from the ledger."""
    session: Session = ctx.obj
    for name in jobs or []:
        session.deployment.job(name)
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    made = assemble_report(session.deployment, jobs or (), since)
    try:
        _write(output, render_html(made).encode())
    except OSError as error:
        raise not_written(
            f"the report cannot be written to {output}: {error.strerror}",
            error,
            "name a file with --output FILE that this account may write to",
        ) from error
    show_file(output.absolute(), made.concluded(made.verdict))
    raise typer.Exit(1 if made.verdict.stands else 0)


def _write(output: Path, page: bytes) -> None:
    """A report that was there before stays whole if this one cannot be."""
    if output.exists() and not output.is_file():
        output.write_bytes(page)
    else:
        write_whole(output, lambda part: part.write_bytes(page))


def show_comparison(found: Comparison) -> None:
    outcome, content, cut = found.outcome, found.content, found.outcome.cut
    rows: list[list[object]] = []
    if cut is not None:
        agrees = say("equal" if cut.agrees else "different")
        totals = (f"{sums.total:,}" for sums in (cut.sent, cut.received))
        where = say("cut {0}", f"{cut.epoch}/{cut.seq}")
        rows.append([say("L2 stream"), where, say("sent {0}, received {1}: {2}", *totals, agrees)])
    if content is not None:
        counts = (content.missing, content.extra, content.different)
        held = (f"{rows:,}" for rows in (content.exchange_rows, content.target_rows))
        rows.append(
            [
                say("L3 content"),
                say("{0} segments", content.segments),
                say(_CONTENT, *held, *counts),
            ]
        )
        rows += [["", say(word), key] for word, key in content.sample]
    if found.why_not:
        rows.append([say("L3 content"), say("not compared"), say(found.why_not)])
    if rows:
        console().print(table(outcome.job, ["level", "where", "found"], rows, folds=("found",)))
    if outcome.error is None:
        line = verdict_text(outcome.verdict)
        line.append(say(", deviation {0}", outcome.deviation) if outcome.deviation else "")
        console().print(line)
        if outcome.verdict is Verdict.DEVIATION:
            told = say("→ bridgehead resync {0} --why TEXT puts the target right", outcome.job)
            console().print(told)
