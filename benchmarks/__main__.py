"""`scripts/bench`: measures, verifies, and leaves figures and a chart."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.agent import Agent
from benchmarks.chart import draw
from benchmarks.fleet import Fleet, measure_fleet
from benchmarks.measure import CommandFailed
from benchmarks.population import ChangeSet
from benchmarks.report import document, machine, statement_table, table
from benchmarks.statement import Statements
from benchmarks.store import Route, Stores, WrongRows
from benchmarks.suite import Suite

__all__ = ["main"]

_FEWEST_ROWS, _MOST_ROWS = 1_000, 50_000_000
_FILE_WIDTH = 150


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a side moved wrong rows, or failed."""
    options = _parser().parse_args(arguments)
    options.path = list(dict.fromkeys(options.path or Route))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    console = Console(stderr=True)
    try:
        if options.jobs:
            measure_jobs(options, console)
        else:
            measure_all(options, console)
    except (WrongRows, CommandFailed) as error:
        console.print(f"[red]failed:[/] {error}", highlight=False)
        return 1
    return 0


def measure_all(options: argparse.Namespace, console: Console) -> None:
    results: Path = options.output
    results.mkdir(parents=True, exist_ok=True)
    profiles = results / "profiles" if options.profile else None
    if profiles is not None:
        profiles.mkdir(exist_ok=True)

    def tell(what: str) -> None:
        console.print(f"[dim]{what}[/]", highlight=False)

    suites = {route: measure_route(route, options, profiles, tell) for route in options.path}
    described = machine()
    settings = {"rows": options.rows, "repeat": options.repeat, "profiled": options.profile}
    settings["changes"] = vars(change_set(options.rows))
    report = document(described, settings, {r: suite.figures for r, suite in suites.items()})
    if options.profile:
        report["statements"] = {r: s.statements.as_document() for r, s in suites.items()}
    (results / "benchmark.json").write_text(
        json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    shown = Console()
    if not shown.is_terminal:
        shown = Console(width=_FILE_WIDTH)
    for route, suite in suites.items():
        title = f"{route}, {options.rows:,} rows, {suite.changes.total:,} changes"
        title += f", {described['cores']} cores"
        draw(suite.figures, title, results / f"benchmark-{route}.png")
        shown.print(table(suite.figures, title))
        if options.profile:
            shown.print(statement_table(suite.statements))
    tell(f"written: {results / 'benchmark.json'}, and a chart for each path")


def measure_jobs(options: argparse.Namespace, console: Console) -> None:
    """Many small jobs in one call, instead of one large table."""
    results: Path = options.output
    results.mkdir(parents=True, exist_ok=True)
    fleet = Fleet(options.jobs, options.parallel)
    found = measure_fleet(fleet, lambda what: console.print(what, highlight=False))
    usages = {name: vars(usage) for name, usage in found.items()}
    report = {"machine": machine(), "settings": vars(fleet), "figures": usages}
    (results / "jobs.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")


def measure_route(
    route: Route, options: argparse.Namespace, profiles: Path | None, tell: Callable[[str], None]
) -> Suite:
    """All repeats of one path, on servers of their own."""
    tell(f"{route}: the servers are started")
    if profiles is not None:
        profiles = profiles / route
        profiles.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bridgehead-bench-") as place,
        Stores(Path(place), route, options.rows, statements=options.profile) as stores,
    ):
        statements = Statements(stores.server.log if options.profile else None)
        agent = Agent(stores, Path(place) / "config", profiles)
        suite = Suite(stores, agent, change_set(options.rows), statements, tell)
        for _ in range(options.repeat):
            suite.run()
    return suite


def change_set(rows: int) -> ChangeSet:
    """100,000 changes at most, a tenth of the table at most: 60 % updates, 30 % inserts, 10 %
    deletes."""
    tenth = min(100_000, rows // 10) // 10
    return ChangeSet(updated=6 * tenth, inserted=3 * tenth, deleted=tenth)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=1_000_000, help="rows of the table")
    parser.add_argument(
        "--path",
        type=Route,
        choices=list(Route),
        action="append",
        help="which databases business, exchange and buffer are; may be given again; default: all",
    )
    parser.add_argument("--repeat", type=_count, default=3, metavar="N", help="repeats")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results"), metavar="DIR", help="where to"
    )
    parser.add_argument(
        "--jobs", type=_count, metavar="N", help="instead: N small jobs in one call of `run --all`"
    )
    parser.add_argument(
        "--parallel", type=_count, default=2, metavar="N", help="with --jobs: so many side by side"
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="also say where time goes, by function and statement; the figures are then slower",
    )
    return parser


def _rows(text: str) -> int:
    rows = int(text.replace("_", ""))
    if not _FEWEST_ROWS <= rows <= _MOST_ROWS:
        raise argparse.ArgumentTypeError(f"between {_FEWEST_ROWS} and {_MOST_ROWS}")
    return rows


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 1_000:
        raise argparse.ArgumentTypeError("between 1 and 1000")
    return count


if __name__ == "__main__":
    sys.exit(main())
