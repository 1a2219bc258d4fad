"""The command itself: global options, which command is where, and how everything ends."""

from __future__ import annotations

import importlib
import io
import os
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from bridge.cli import INTERRUPTED
from bridge.cli.help import SpokenContext, UsageError, say_help, usage_problem
from bridge.cli.session import Session
from bridge.cli.shown import show_error, show_internal_error
from bridge.language import LANGUAGES, Language, speak
from bridge.language import wanted as language_wanted
from bridge.log import LogFormat, begin, log, wanted
from connectors.errors import BridgeheadError, ConfigurationError

__all__ = ["COMMANDS", "main"]

# Where each command is, in the order of the help page. A module is imported when its command is
# called: `status` is watched every few seconds and must not wait for what only `run` needs.
COMMANDS = {
    "demo": "demo",
    "init": "setup",
    "check": "setup",
    "discover": "discover",
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
    "waive": "decision",
    "enable": "decision",
    "disable": "decision",
    "release": "decision",
    "quarantine": "quarantine",
    "events": "events",
    "metrics": "metrics",
    "purge": "purge",
}

NOBODY_READS = 141
"""As of a program that SIGPIPE ends; 1 would say that books are not in order."""
_GLOBAL = ("--config", "--log-format", "--lang", "--debug")


class OutputLost(Exception):
    """What a command had to say cannot be written. Not an OSError: Typer would end with 1 where
    nobody reads any more."""


class Stdout(io.FileIO):
    """Tells an output that is lost from any other trouble with files."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputLost(error) from error


class Stderr(io.FileIO):
    """What finds no room there ends no run: what is done stands in the ledger."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


class Commands(TyperGroup):
    """Loads a command's module when it is asked for."""

    context_class = SpokenContext

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return self._unknown()
        module = importlib.import_module(f"bridge.cli.{COMMANDS[cmd_name]}")
        return say_help(typer.main.get_group(module.commands).commands[cmd_name])

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
    lang: Annotated[
        Language | None,
        typer.Option("--lang", help="Of messages; else as LANG says.", metavar="zh|en"),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="The version."),
    ] = False,
) -> None:
    session: Session = ctx.obj
    session.config, session.debug = config, debug
    if lang is not None:
        speak(lang)
    begin(wanted(log_format))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and leaves with its exit code. No traceback for what an operator can mend;
    an interruption loses nothing."""
    given = globals_first(sys.argv[1:] if arguments is None else arguments)
    session = Session()
    _open_what_is_closed()
    _watch_outputs()
    _write_whatever_the_charset()
    begin(LogFormat.TEXT)  # until the options have been read
    speak(_language(given))
    tried = next((word for word in given if word in COMMANDS), "")
    try:
        code = app(args=given, prog_name="bridgehead", obj=session, standalone_mode=False)
        sys.exit(_written(code if isinstance(code, int) else 0))
    except OutputLost as lost:
        sys.exit(_tell_loss(lost, NOBODY_READS))
    except BridgeheadError as error:
        show_error(error, tried, session.loaded)
        sys.exit(error.exit_code)
    except UsageError as error:
        if given:  # without any, help has been shown
            show_error(usage_problem(error), tried)
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave_interrupted()
        raise
    except Exception as error:  # noqa: BLE001 — the last resort: no values in a traceback
        sys.exit(show_internal_error(error, debug="--debug" in given))


def _open_what_is_closed() -> None:
    """Whoever closes stdout or stderr wants nothing of it, and has the command done all the same.
    No connection may take their place either."""
    nowhere = Path(os.devnull)
    if sys.stdout is None:
        sys.stdout = nowhere.open("w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = nowhere.open("w", encoding="utf-8")


def _watch_outputs() -> None:
    """Where they are those of the process, and not what a test has put in their place."""
    for name, kind in (("stdout", Stdout), ("stderr", Stderr)):
        given = getattr(sys, name)
        if given is getattr(sys, f"__{name}__"):
            setattr(sys, name, _over(kind(given.fileno(), "w", closefd=False), given))


def _over(raw: io.FileIO, given: TextIO) -> TextIO:
    at_once = given.isatty() or given is sys.stderr
    return io.TextIOWrapper(io.BufferedWriter(raw), given.encoding, line_buffering=at_once)


def _written(code: int) -> int:
    """The exit code, once all that the command said has left this process."""
    try:
        sys.stdout.flush()
    except OutputLost as lost:
        return _tell_loss(lost, code)
    return code


def _tell_loss(lost: OutputLost, code: int) -> int:
    """The exit code. Where a reader has gone, nobody has to be told."""
    (error,) = lost.args
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the very end
    if isinstance(error, BrokenPipeError):
        return code
    show_error(
        ConfigurationError(
            f"the output could not be written: {error.strerror}",
            remedy="make room where it goes; bridgehead status tells what was done",
        ),
        "stdout",
    )
    return 4


def _write_whatever_the_charset() -> None:
    """A name may hold a character that the terminal's charset lacks: it is shown as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave_interrupted() -> None:
    """At once, though jobs may be under way in other threads: a run may be cut off anywhere."""
    log.warning("interrupted; nothing is lost, the next run goes on from here")
    sys.stdout.flush()
    if any(thread.name.startswith("job_") for thread in threading.enumerate()):
        os._exit(INTERRUPTED)


def globals_first(arguments: Sequence[str]) -> list[str]:
    """`run x --config DIR` means the same as `--config DIR run x`. After `statement`, `--lang` is
    an option of its own."""
    first, rest = [], []
    words = iter(arguments)
    for word in words:
        name, has_value, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif name not in _GLOBAL or (name == "--lang" and "statement" in rest):
            rest.append(word)
        elif has_value or name == "--debug":
            first.append(word)
        else:
            first += [word, *([value] if (value := next(words, None)) is not None else [])]
    return first + rest


def _language(given: Sequence[str]) -> Language:
    """Known before the call is read, so that a mistake in it is told in the right one."""
    words = iter(given)
    for word in words:
        name, has_value, value = word.partition("=")
        if name not in _GLOBAL:
            break
        if name != "--debug" and not has_value:
            value = next(words, "")
        if name == "--lang" and value in LANGUAGES:
            return value
    return language_wanted(os.environ)
