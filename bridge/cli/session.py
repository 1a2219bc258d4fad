"""What the commands share: where the configuration is, and who is asking."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from bridge.language import say
from bridge.settings import Deployment, find_directory, load

__all__ = ["Actor", "AsJson", "JobName", "Session", "Why", "actor_of", "only_text"]


def only_text(text: str | None) -> str | None:
    """What is asked of a store, or kept for good, is text: bytes that are none could stand in no
    statement."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(
            say("its bytes are no text in the charset of LANG; set LANG to that of the terminal")
        ) from None
    return text


JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", callback=only_text)]
AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON value on stdout and nothing else; logs to stderr.")
]
Actor = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who decides; else the OS user.", callback=only_text),
]
Why = Annotated[
    str,
    typer.Option(
        "--why", metavar="TEXT", help="The reason, kept in the audit.", callback=only_text
    ),
]


@dataclass
class Session:
    """One call of the command."""

    config: Path | None = None
    debug: bool = False

    @property
    def loaded(self) -> Deployment | None:
        """The deployment, if it has been read already."""
        found: Deployment | None = self.__dict__.get("deployment")
        return found

    @cached_property
    def deployment(self) -> Deployment:
        """Raises ConfigurationError; problems of job files alone stand in it."""
        return load(find_directory(self.config))


def actor_of(name: str | None) -> str:
    """The name that was given, else the account's; in a container an account may have none."""
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
