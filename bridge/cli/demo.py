"""The command demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.shown import console
from bridge.demo.demo import run_demo

commands = typer.Typer()

_REPORT = Path("bridgehead-demo-report.html")


@commands.command()
def demo(
    report: Annotated[
        Path, typer.Option("--report", metavar="FILE", help="Where the report is written.")
    ] = _REPORT,
) -> None:
    """Show everything on an embedded PostgreSQL with sample data, and write a report."""
    raise typer.Exit(0 if run_demo(console(), report) else 1)
