"""How results and errors look on a terminal, and as JSON."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.batch import Batch, Counts
from bridge.configuration.problem import ConfigurationProblems
from bridge.overview import verdict_of
from bridge.settings import Deployment
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

__all__ = [
    "batch_table",
    "console",
    "error_console",
    "print_json",
    "show_error",
    "show_internal_error",
    "show_problems",
    "table",
    "verdict_text",
]

# Where there is no terminal nothing wraps: logs are searched by line.
_WIDTH_WITHOUT_TERMINAL = 240
_COLOURS = {Verdict.RECONCILED: "green", Verdict.IN_FLIGHT: "yellow", Verdict.HELD: "yellow"}
INTERNAL_EXIT_CODE = 4


@cache
def console() -> Console:
    return _console(stderr=False)


@cache
def error_console() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, highlight=False, markup=False)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Numbers to the right, everything else to the left; None is a dash."""
    made = Table(title=title or None, title_justify="left", header_style="bold")
    cells = [[_cell(value) for value in row] for row in rows]
    for place, name in enumerate(columns):
        numeric = bool(cells) and all(row[place][1] for row in cells)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        made.add_row(*(text for text, _ in row))
    return made


def _cell(value: object) -> tuple[Text, bool]:
    if value is None:
        return Text("–"), True
    if isinstance(value, Text):
        return value, False
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}"), True
    return Text(str(value)), False


def batch_table(batches: Sequence[Batch]) -> Table:
    """Sent against received, a line per batch."""
    columns = ["job", "batch", "kind", "read", "sent I/U/D", "total", "received I/U/D", "total"]
    return table(
        "",
        [*columns, "quarantined", "deviation", "verdict"],
        (
            [
                batch.job,
                f"{batch.epoch}/{batch.seq}",
                batch.kind.value,
                batch.tally.read,
                *_effects(batch.sent),
                *_effects(batch.received),
                batch.tally.quarantined,
                batch.deviation,
                verdict_text(verdict_of(batch), "superseded"),
            ]
            for batch in batches
        ),
    )


def _effects(counts: Counts | None) -> list[object]:
    if counts is None:
        return [None, None]
    return [Text(f"{counts.inserted:,}/{counts.updated:,}/{counts.deleted:,}"), counts.total]


def verdict_text(verdict: Verdict | None, without: str = "not run yet") -> Text:
    if verdict is None:
        return Text(without, style="dim")
    return Text(f"{verdict.zh} {verdict.en}", style=_COLOURS.get(verdict, "bold red"))


def show_error(error: BridgeheadError, tried: str, deployment: Deployment | None = None) -> None:
    """What was tried, where, what was found and what to do, on stderr."""
    lines = [Text(f"error: {tried}", style="bold red")]
    if isinstance(error, ConfigurationProblems):
        lines += [Text(f"  {problem}") for problem in error.problems]
    else:
        place = deployment.place_of(error.endpoint) if deployment else error.endpoint
        found = [("endpoint", place), ("found", error.message)]
        for word, text in [*found, ("remedy", error.remedy)]:
            if text:
                lines.append(Text(f"  {word + ':':<10}{text}"))
    for line in lines:
        error_console().print(line, soft_wrap=True)


def show_problems(deployment: Deployment) -> None:
    """Job files that cannot be used; the other jobs go on."""
    for problem in deployment.problems:
        error_console().print(Text(f"configuration: {problem}", style="red"), soft_wrap=True)


def show_internal_error(error: BaseException, *, debug: bool) -> int:
    """One line: the text of an unexpected exception may hold a row's values."""
    if debug:
        traceback.print_exception(error)
    hint = "" if debug else "; --debug shows where"
    print(f"internal error ({type(error).__name__}): this is a bug{hint}", file=sys.stderr)
    return INTERNAL_EXIT_CODE
