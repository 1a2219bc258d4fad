"""The figures of a proof: what was run, how often, on which code, and what was found."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.proof.journal import Journal, Line
from tests.proof.kind import Block

__all__ = ["summarise", "write"]

_SHOWN_FINDINGS = 200


def summarise(journal: Journal, blocks: Sequence[Block]) -> dict[str, Any]:
    """Of everything that the journal knows, in this call and earlier ones. `complete`: every case
    of every block of every kind that was asked for has been run."""
    found = [
        f"{line.kind}/{line.block}/{line.case}: {f}"
        for line in journal.lines
        for f in line.findings
    ]
    kinds = {
        kind: _of_kind(kind, journal, blocks) for kind in dict.fromkeys(b.kind for b in blocks)
    }
    return {
        **journal.heading,
        "complete": all(journal.is_ended(block) for block in blocks),
        "cases": sum(kind["cases"] for kind in kinds.values()),
        "findings": len(found),
        "found": found[:_SHOWN_FINDINGS],
        "kinds": kinds,
    }


def write(summary: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _of_kind(kind: str, journal: Journal, blocks: Sequence[Block]) -> dict[str, Any]:
    own = {block.name: block for block in blocks if block.kind == kind}
    lines = [line for line in journal.lines if line.kind == kind and line.block in own]
    combinations: Counter[str] = Counter()
    for block in own.values():
        combinations[block.combination] += 0
    for line in lines:
        combinations[own[line.block].combination] += line.count
    return {
        "cases": combinations.total(),
        "findings": sum(len(line.findings) for line in lines),
        "blocks": {"done": sum(map(journal.is_ended, own.values())), "all": len(own)},
        "seconds": _percentiles(lines),
        "combinations": dict(sorted(combinations.items())),
    }


def _percentiles(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    measured: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        for name, seconds in line.seconds.items():
            measured[name] += seconds
    return {name: _spread(sorted(seconds)) for name, seconds in measured.items()}


def _spread(ordered: list[float]) -> dict[str, float]:
    few = len(ordered) < 2
    cuts = [ordered[0]] * 99 if few else quantiles(ordered, n=100, method="inclusive")
    shown = {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": ordered[-1]}
    return {"measured": len(ordered)} | {name: round(value, 3) for name, value in shown.items()}
