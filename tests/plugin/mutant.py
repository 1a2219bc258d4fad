"""Plants a bug: with BRIDGEHEAD_MUTANT=name a module of ours is imported with one text exchanged.

The files stay as they are. Loaded by `-p tests.plugin.mutant`, before anything of ours is imported;
without the variable it only prints the table of a run that judged mutants.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.registry import MUTANTS

__all__ = ["PROPERTY", "VARIABLE", "plant"]

VARIABLE = "BRIDGEHEAD_MUTANT"
PROPERTY = "mutant"


class _Loader(SourceFileLoader):
    def __init__(self, mutant: Mutant, path: str) -> None:
        super().__init__(mutant.module, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Never from the cache of compiled modules, nor into it."""
        source = self.get_data(self.path).decode("utf-8")
        code: CodeType = compile(self._mutant.plant(source), self.path, "exec", dont_inherit=True)
        return code


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(self._mutant, spec.origin)
        return spec


def plant(name: str) -> None:
    """From now on the mutant's module is imported with its bug."""
    mutant = next((m for m in MUTANTS if m.name == name), None)
    if mutant is None:
        raise pytest.UsageError(f"{VARIABLE}: there is no mutant {name!r}")
    if mutant.module in sys.modules:
        raise pytest.UsageError(f"{VARIABLE}: {mutant.module} is imported already")
    sys.meta_path.insert(0, _Finder(mutant))


if VARIABLE in os.environ:
    plant(os.environ[VARIABLE])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    rows = [
        str(value)
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if rows:
        terminalreporter.section(f"{len(rows)} mutants, and the test that each met")
        for row in sorted(rows):
            terminalreporter.write_line(row)
