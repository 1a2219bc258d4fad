"""Help pages, and mistakes in a call, in the language of the reader."""

from __future__ import annotations

from typing import Any

import typer
from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from bridge.language import say, spoken
from connectors.errors import ConfigurationError

__all__ = ["SpokenContext", "UsageError", "say_help", "usage_problem"]

# What Typer raises where a call cannot be read; it has no public name.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


_Plain: Any = typer.Context.formatter_class


class _Formatter(_Plain):  # type: ignore[misc]
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or say("Usage: "))


class _Folding(Table):
    """Chinese has no blanks, and a cell cuts what it takes for a word longer than a line."""

    def add_row(self, *cells: Any, **named: Any) -> None:
        super().add_row(*map(_on_one_line, cells), **named)
        for column in self.columns:
            column.overflow = "fold"


def _on_one_line(cell: Any) -> Any:
    """A text and its default value are columns of their own, each of which would cut."""
    parts = cell.renderables if isinstance(cell, Columns) else ()
    texts = [part for part in parts if isinstance(part, Text)]
    return Text(" ").join(texts) if texts and len(texts) == len(parts) else cell


class SpokenContext(typer.Context):
    formatter_class = _Formatter

    def __init__(self, command: Any, *given: Any, **named: Any) -> None:
        super().__init__(command, *given, **named)
        if spoken() == "en":
            return
        say_help(command)
        for parameter in command.get_params(self):
            parameter.help = _said(getattr(parameter, "help", None))
        _say_headings()


def say_help(command: Any) -> Any:
    """The command, with what the list of commands says of it."""
    command.context_class = SpokenContext
    command.help = _said(command.help)
    for part in getattr(command, "commands", {}).values():
        say_help(part)
    return command


def usage_problem(error: Any) -> ConfigurationError:
    """What is wrong with a call, and where it is written how to call."""
    found = " ".join(error.format_message().split())
    path = error.ctx.command_path if error.ctx else "bridgehead"
    return ConfigurationError(found, remedy=f"{path} --help")


def _said(text: str | None) -> str | None:
    return say(" ".join(text.split())) if text else text


def _say_headings() -> None:
    """Typer keeps them in its module, and its tables too."""
    from typer import rich_utils

    vars(rich_utils)["Table"] = _Folding
    rich_utils.ARGUMENTS_PANEL_TITLE = say("Arguments")
    rich_utils.OPTIONS_PANEL_TITLE = say("Options")
    rich_utils.COMMANDS_PANEL_TITLE = say("Commands")
    rich_utils.DEFAULT_STRING = say("[default: {}]")
    rich_utils.REQUIRED_LONG_STRING = say("[required]")
