"""The command template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.session import JobName, Session
from bridge.cli.shown import console
from bridge.language import say
from connectors.errors import ConfigurationError

commands = typer.Typer()


@commands.command()
def template(
    ctx: typer.Context,
    job: JobName,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Else JOB.xlsx, here.")
    ] = None,
) -> None:
    """Write the workbook that a department fills in: titles, types, lists, and how to fill it."""
    session: Session = ctx.obj
    deployment = session.deployment
    path = output or Path(f"{job}.xlsx")
    if path.suffix.lower() != ".xlsx":
        raise ConfigurationError(f"{path} does not end in .xlsx", remedy="name it FILE.xlsx")
    described = deployment.job(job)
    described.require_shareable()
    try:
        from bridge.template import write_template  # what it writes with is an extra
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{error.name} is not installed", remedy="pip install 'bridgehead[sheets]'"
        ) from error
    columns = write_template(described, deployment.code_tables, path)
    told = say("{0}: {1} columns, to be filled in and put into the upload folder", path, columns)
    console().print(told, soft_wrap=True)
