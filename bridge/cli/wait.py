"""Durations as options, and the option of every command that holds a job."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.configuration.duration import seconds_of

__all__ = ["Wait", "seconds"]


def seconds(text: str | float) -> float:
    """A duration as it is written in an option."""
    if isinstance(text, float):
        return text
    try:
        return float(seconds_of(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        parser=seconds,
        metavar="DURATION",
        help="How long to wait for a job that another run holds, for example 15s.",
    ),
]
