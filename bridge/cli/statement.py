"""The command statement."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bridge.cli.session import AsJson, Session
from bridge.cli.shown import print_json, show_file
from bridge.statement.assembly import assemble_statement
from bridge.statement.document import statement_document
from bridge.statement.writing import FORMATS, LANGUAGES, require, write_statement
from connectors.errors import ConfigurationError
from reconcile.wording import Language

commands = typer.Typer()


@commands.command()
def statement(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Option("--from", metavar="DATE", help="The first day: YYYY-MM-DD.")
    ],
    until: Annotated[
        str, typer.Option("--to", metavar="DATE", help="The day after the last: YYYY-MM-DD.")
    ],
    job: Annotated[
        list[str] | None, typer.Option("--job", metavar="JOB", help="This job; else all.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help="Of html, xlsx, pdf; with commas.")
    ] = "html",
    lang: Annotated[
        str, typer.Option("--lang", metavar="LIST", help="Of zh, en; with commas.")
    ] = "zh,en",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go; else here.")
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the statement of a period 对账单 from the ledger: page, workbook, PDF. Exit 1 where
    something deviates, is missing or held."""
    session: Session = ctx.obj
    deployment = session.deployment
    wanted, languages = _words("--format", formats, FORMATS), _words("--lang", lang, LANGUAGES)
    zone = ZoneInfo(deployment.settings.statement.timezone)
    begin, end = _moment("--from", since, zone), _moment("--to", until, zone)
    if begin >= end:
        raise ConfigurationError(
            f"--from {since} is not before --to {until}",
            remedy="--to is the day after the last: it does not belong to the period",
        )
    require(wanted, deployment)
    made = assemble_statement(deployment, begin, end, job or [])
    for name in {*(job or [])} - {period.section.job for period in made.jobs}:
        deployment.job(name)  # the ledger does not know it: the configuration must
    spoken: list[Language] = [word for given in languages for word in LANGUAGES if word == given]
    files = write_statement(made, deployment, wanted, spoken, output)
    if as_json:
        print_json(statement_document(made) | {"files": [str(file) for file in files]})
    else:
        for file in files:
            show_file(file, made.report.concluded(made.verdict))
    raise typer.Exit(0 if made.in_order else 1)


def _words(option: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words or set(words) - set(known):
        raise ConfigurationError(
            f"{option} {text!r} is not understood", remedy=f"of: {', '.join(known)}; with commas"
        )
    return words


def _moment(option: str, text: str, zone: ZoneInfo) -> datetime:
    """The beginning of that day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{option} {text!r} is no date", remedy="write it as YYYY-MM-DD, such as 2026-01-31"
        ) from None
    if not date(1970, 1, 2) <= day <= date(9998, 12, 31):
        raise ConfigurationError(f"{option} {text} is out of range", remedy="1970-01-02 or later")
    return datetime(day.year, day.month, day.day, tzinfo=zone)
