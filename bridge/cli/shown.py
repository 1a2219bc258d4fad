"""How results and errors look on a terminal, and as JSON."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Container, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bridge.batch import Batch, Counts
from bridge.configuration.problem import ConfigurationProblems, Problem
from bridge.language import say, spoken
from bridge.log import in_json, legible, log, log_error
from bridge.overview import verdict_of
from bridge.settings import Deployment
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

__all__ = [
    "age",
    "batch_table",
    "console",
    "error_console",
    "print_json",
    "show_error",
    "show_file",
    "show_internal_error",
    "show_problems",
    "table",
    "verdict_text",
]

# Where there is no terminal nothing wraps: logs are searched by line.
_WIDTH_WITHOUT_TERMINAL = 240
_WAITING = (Verdict.IN_FLIGHT, Verdict.WAIVED, Verdict.HELD)
_COLOURS = {Verdict.RECONCILED: "green", **dict.fromkeys(_WAITING, "yellow")}
_LONGEST_VERDICT = len("unconfirmed")
INTERNAL_EXIT_CODE = 4
_LABEL_WIDTH = len("endpoint: ")
_UNITS = {"en": ("d", "h", "m", "s"), "zh": ("天", "小时", "分", "秒")}


class _Screen(Console):
    """Of a stream that is ours; see `legible`."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*map(_shown, objects), **how)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, Text) and (plain := legible(value.plain)) != value.plain:
        return Text(plain, value.style)
    return value


@cache
def console() -> Console:
    return _console(stderr=False)


@cache
def error_console() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return _Screen(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    is_whole = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not is_whole, indent=2))


def show_file(file: Path, verdict: Verdict | None) -> None:
    """What was written, and what it comes to."""
    told = f"{verdict.zh} {verdict}" if verdict else say("no batches in this period")
    console().print(f"{file}: {told}", soft_wrap=True)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    spare: Container[str] = (),
    folds: Container[str] = (),
) -> Table:
    """Numbers to the right, everything else to the left; None is a dash. A terminal too narrow for
    all of it goes without the `spare` columns; those that fold may take several lines. Where even
    that is too wide, each value has a line: nothing is cut off, and no column is left out."""
    cells = [[_cell(value) for value in row] for row in rows]
    every = [*range(len(columns))]
    chosen = every
    if console().is_terminal and not _fits(_table(title, columns, cells, every, folds)):
        chosen = [place for place in every if columns[place] not in spare]
    if not _fits(_table(title, columns, cells, chosen, folds, folded=True)):
        return _record_table(title, columns, cells)
    return _table(title, columns, cells, chosen, folds)


def _fits(made: Table) -> bool:
    screen = console()
    wide = screen.options.update(max_width=10_000)
    return Measurement.get(screen, wide, made).maximum <= screen.width


def _table(
    title: str,
    columns: Sequence[str],
    cells: Sequence[Sequence[tuple[Text, bool]]],
    shown: Sequence[int],
    folds: Container[str],
    *,
    folded: bool = False,
) -> Table:
    """With `folded`, as narrow as it can be read."""
    made = _titled(title, header_style="bold", box=SIMPLE_HEAD)
    made.padding, made.pad_edge = (0, 1, 0, 0), False
    for place in shown:
        numeric = bool(cells) and all(row[place][1] for row in cells)
        side: Literal["left", "right"] = "right" if numeric else "left"
        name = say(columns[place])
        foldable = columns[place] in folds
        widest = max([cell_len(name), *(row[place][0].cell_len for row in cells)])
        width = min(_LONGEST_VERDICT, widest) if foldable else None
        made.add_column(
            name,
            justify=side,
            overflow="fold",
            no_wrap=not foldable,
            min_width=width,
            max_width=width if folded else None,
        )
    for row in cells:
        made.add_row(*(row[place][0] for place in shown))
    return made


def _record_table(
    title: str, columns: Sequence[str], cells: Sequence[Sequence[tuple[Text, bool]]]
) -> Table:
    made = _titled(title, show_header=False, box=None)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for row in cells:
        for name, (value, _) in zip(columns, row, strict=True):
            made.add_row(say(name), value)
        made.add_row()
    return made


def _titled(title: str, **how: Any) -> Table:
    return Table(title=legible(title) or None, title_justify="left", **how)


def _cell(value: object) -> tuple[Text, bool]:
    if value is None:
        return Text("–"), True
    if isinstance(value, Text):
        return _shown(value), False
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}"), True
    return Text(legible(str(value))), False


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
                say(batch.kind.value),
                batch.tally.read,
                *_effects(batch.sent),
                *_effects(batch.received),
                batch.tally.quarantined,
                batch.deviation,
                verdict_text(verdict_of(batch), "superseded"),
            ]
            for batch in batches
        ),
        spare=("read", "total", "quarantined"),
        folds=("job", "verdict"),
    )


def _effects(counts: Counts | None) -> list[object]:
    if counts is None:
        return [None, None]
    return [Text(f"{counts.inserted:,}/{counts.updated:,}/{counts.deleted:,}"), counts.total]


def age(seconds: float) -> str:
    """The two largest units are enough to act on."""
    units = _UNITS[spoken()]
    left, said = int(seconds), []
    for size, unit in zip((86_400, 3_600, 60, 1), units, strict=True):
        count, left = divmod(left, size)
        if count:
            said.append(f"{count}{unit}")
    return " ".join(said[:2]) or f"0{units[-1]}"


def verdict_text(verdict: Verdict | None, without: str = "not run yet") -> Text:
    if verdict is None:
        return Text(say(without), style="dim")
    return Text(f"{verdict.zh} {verdict.en}", style=_COLOURS.get(verdict, "bold red"))


def show_error(error: BridgeheadError, tried: str, deployment: Deployment | None = None) -> None:
    """What was tried, where, what was found and what to do, on stderr."""
    place = deployment.place_of(error.endpoint) if deployment else error.endpoint
    if in_json():
        log_error(error, tried, place)
        return
    lines = [Text(say("error: {0}", tried), style="bold red")]
    if isinstance(error, ConfigurationProblems):
        lines += [Text(f"  {_told(problem)}") for problem in error.problems]
    else:
        words = (say("endpoint:"), say("found:"), say("remedy:"))
        texts = (place or "", say(error.message), say(error.remedy))
        for word, text in zip(words, texts, strict=True):
            if text:
                lines.append(Text(f"  {set_cell_size(word, _LABEL_WIDTH)}{text}"))
    for line in lines:
        error_console().print(line, soft_wrap=True)


def show_problems(deployment: Deployment) -> None:
    """Job files that cannot be used; the other jobs go on."""
    for problem in deployment.problems:
        if in_json():
            log.error("configuration: %s", problem)
            continue
        told = say("configuration: {0}", _told(problem))
        error_console().print(Text(told, style="red"), soft_wrap=True)


def _told(problem: Problem) -> str:
    return f"{problem.place}: {say(problem.message)}"


def show_internal_error(error: BaseException, *, debug: bool) -> int:
    """One line: the text of an unexpected exception may hold a row's values."""
    if debug:
        traceback.print_exception(error)
    hint = "" if debug else "; --debug shows where"
    log.error("internal error (%s): this is a bug%s", type(error).__name__, hint)
    return INTERNAL_EXIT_CODE
