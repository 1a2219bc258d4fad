"""The command itself: global options, which command is where, and how everything ends."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bridge.cli.session import Session
from bridge.cli.shown import show_error, show_internal_error
from bridge.log import LogFormat, begin, log, wanted
from connectors.errors import BridgeheadError

__all__ = ["COMMANDS", "main"]

# Where each command is, in the order of the help page. A module is imported when its command is
# called: `status` is watched every few seconds and must not wait for what only `run` needs.
COMMANDS = {
    "demo": "demo",
    "init": "setup",
    "check": "setup",
    "discover": "setup",
    "families": "setup",
    "template": "template",
    "run": "work",
    "pull": "work",
    "push": "work",
    "reconcile": "reconcile",
    "report": "reconcile",
    "statement": "statement",
    "watch": "watch",
    "status": "standing",
    "batches": "standing",
    "resync": "decision",
    "approve": "decision",
    "reject": "decision",
    "enable": "decision",
    "disable": "decision",
    "quarantine": "quarantine",
    "events": "events",
    "metrics": "metrics",
    "purge": "purge",
}

INTERRUPTED = 130


class Commands(TyperGroup):
    """Loads a command's module when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return self._unknown()
        module = importlib.import_module(f"bridge.cli.{COMMANDS[cmd_name]}")
        return typer.main.get_group(module.commands).commands[cmd_name]

    def _unknown(self) -> None:
        """The base class looks in `commands` for the name that was meant."""
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bridgehead 桥头堡: the bridge whose books balance.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bridgehead {version('bridgehead')}")
        raise typer.Exit


@app.callback()
def start(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The configuration directory; else BRIDGEHEAD_CONFIG, else ./config.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            "--log-format",
            help="Lines on stderr; else BRIDGEHEAD_LOG, else text.",
            metavar="FORMAT",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="The version."),
    ] = False,
) -> None:
    session: Session = ctx.obj
    session.config, session.debug = config, debug
    begin(wanted(log_format))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and leaves with its exit code. No traceback for what an operator can mend;
    an interruption loses nothing."""
    given = globals_first(sys.argv[1:] if arguments is None else arguments)
    session = Session()
    begin(LogFormat.TEXT)  # until the options have been read
    try:
        app(args=given, prog_name="bridgehead", obj=session)
    except BridgeheadError as error:
        show_error(error, next((word for word in given if word in COMMANDS), ""), session.loaded)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave_interrupted()
        raise
    except Exception as error:  # noqa: BLE001 — the last resort: no values in a traceback
        sys.exit(show_internal_error(error, debug="--debug" in given))


def _leave_interrupted() -> None:
    """At once, though jobs may be under way in other threads: a run may be cut off anywhere."""
    log.warning("interrupted; nothing is lost, the next run goes on from here")
    sys.stdout.flush()
    if any(thread.name.startswith("job_") for thread in threading.enumerate()):
        os._exit(INTERRUPTED)


def globals_first(arguments: Sequence[str]) -> list[str]:
    """`run x --config DIR` means the same as `--config DIR run x`."""
    first, rest = [], []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("--config", "--log-format"):
            first += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word == "--debug" or word.startswith(("--config=", "--log-format=")):
            first.append(word)
        else:
            rest.append(word)
    return first + rest
