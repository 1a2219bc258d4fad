"""Commands to begin with: init, check, families."""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.session import AsJson, Session
from bridge.cli.shown import console, print_json, table
from bridge.inspection.check import Finding, Level, check_deployment, ddl_of
from bridge.language import say
from bridge.runs import exit_code_of
from connectors.errors import ConfigurationError
from connectors.registry import FAMILIES, ROLES, Family

commands = typer.Typer()

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.REFUSED: "bold red"}


@commands.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")],
) -> None:
    """Start a configuration: a commented example to change."""
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise ConfigurationError(
                f"{directory} exists and is not empty; nothing was written",
                remedy="name a new directory",
            )
        with as_file(files("bridge") / "example") as example:
            _copy(example, directory)
    except OSError as error:
        raise ConfigurationError(
            f"{directory} cannot be made: {error.strerror}",
            remedy="name a new directory that this account may make, where there is room",
        ) from error
    told = say("{0}: change it, then bridgehead --config {1} check", directory, directory)
    console().print(told, soft_wrap=True)


def _copy(example: Path, directory: Path) -> None:
    """The whole of it, or nothing stays of what was made here."""
    made: list[Path] = []
    try:
        for folder in reversed((directory, *directory.parents)):
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
        for path in sorted(example.rglob("*")):
            place = directory / path.relative_to(example)
            if path.is_dir():
                place.mkdir()
                made.append(place)
            else:
                with place.open("xb") as file:
                    made.append(place)
                    file.write(path.read_bytes())
    except BaseException:
        for place in reversed(made):
            with suppress(OSError):
                place.rmdir() if place.is_dir() else place.unlink()
        raise


@commands.command()
def check(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="One job; else all.")] = None,
    ddl: Annotated[
        bool, typer.Option("--ddl", help="Print what the DBA must create at the target.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Everything a run needs, looked at without changing anything: one table."""
    session: Session = ctx.obj
    deployment = session.deployment
    if job is not None:
        deployment.job(job)
    if ddl:
        found = ddl_of(deployment, [job] if job else sorted(deployment.jobs))
        for endpoint, statements in found.items():
            if len(found) > 1:
                print(f"-- {endpoint}")
            for statement in statements:
                print(f"{statement};")
        return
    findings = check_deployment(deployment, job)
    if as_json:
        print_json([_document(finding) for finding in findings])
    else:
        columns = ("job", "what", "result", "found")
        console().print(
            table("", columns, [_line(finding) for finding in findings], folds=("found",))
        )
    raise typer.Exit(exit_code_of(finding.exit_code for finding in findings))


def _line(finding: Finding) -> list[object]:
    result = Text(say(finding.level.value), style=_STYLES[finding.level])
    remedy = f" → {say(finding.remedy)}" if finding.remedy else ""
    return [finding.job or "", say(finding.subject), result, f"{say(finding.found)}{remedy}"]


def _document(finding: Finding) -> dict[str, object]:
    return {
        "job": finding.job,
        "what": finding.subject,
        "result": finding.level.value,
        "found": finding.found,
        "remedy": finding.remedy,
        "exit_code": finding.exit_code,
    }


@commands.command()
def families(as_json: AsJson = False) -> None:
    """The kinds of store that are supported, and what each was run against."""
    found = [_family(family) for family in FAMILIES.values()]
    if as_json:
        print_json(found)
        return
    columns = ["family", "proven", *ROLES, "driver", "pip extra", "installed", "needs"]
    rows = [[_cell(value) for value in family.values()] for family in found]
    console().print(table("", columns, rows, folds=("proven", "needs")))


def _family(family: Family) -> dict[str, object]:
    choice = [" or ".join(family.one_of_settings)] if family.one_of_settings else []
    return {
        "family": family.name,
        "proven": family.proven,
        **{role: role in family.roles for role in ROLES},
        "driver": family.driver,
        "extra": family.extra,
        "installed": family.is_installed,
        "needs": [*sorted(family.required_settings), *choice],
    }


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if isinstance(value, list):
        return ", ".join(value).replace(" or ", say(" or "))
    return say(value) if isinstance(value, str) else value
