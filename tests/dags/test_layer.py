"""What the DAGs' own modules import: from the engine downwards, and nothing heavy while parsing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.dags.conftest import DAGS

MODULES = sorted(DAGS.rglob("*.py"))
OURS = ("bridge", "connectors", "reconcile")

# Of what lies below the engine only these words: DAGs execute no SQL and see no rows.
WORDS = {"connectors.errors", "reconcile.verdict", "reconcile.report"}
PARSED = {
    "jobs",
    "agent",
    "audit",
    "reading",
    "timing",
    "pool",
    "building",
    "care",
    "step",
    "counts",
}


def _imported(module: Path, *, at_once: bool) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    nodes = tree.body if at_once else list(ast.walk(tree))
    found = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return found | {n.name for node in nodes if isinstance(node, ast.Import) for n in node.names}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_only_words_from_below_the_engine(module: Path) -> None:
    roots = tuple(f"{name}." for name in OURS[1:])
    below = {name for name in _imported(module, at_once=False) if name.startswith(roots)}
    assert below <= WORDS


def test_what_is_parsed_every_few_seconds_imports_no_engine() -> None:
    parsed = [module for module in MODULES if module.stem in PARSED]
    assert len(parsed) == len(PARSED)
    for module in parsed:
        imported = {name.partition(".")[0] for name in _imported(module, at_once=True)}
        assert not imported & {*OURS}, module.name


def test_no_module_hides_one_of_ours() -> None:
    assert not {path.stem for path in DAGS.iterdir()} & {*OURS}
