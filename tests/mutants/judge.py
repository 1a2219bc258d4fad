"""Runs the named test of each mutant in a process of its own.

A process costs a fork: what is not ours is imported before it, what is ours after it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.registry import MUTANTS
from tests.plugin.mutant import VARIABLE, plant

__all__ = ["Judgement", "judge", "judge_unplanted"]

SECONDS = 120
"""How long one test may take with a bug in it."""

FOREIGN = (
    "MySQLdb alembic.autogenerate alembic.command filelock hypothesis jinja2 numpy psycopg pyarrow "
    "pyarrow.compute pydantic rich sqlalchemy.dialects.mysql sqlalchemy.dialects.postgresql "
    "sqlalchemy.dialects.sqlite tenacity typer yaml"
)
PLUGINS = ("pytest_timeout", "_hypothesis_pytestplugin")
FINDINGS = ("AssertionError", "Failed", "BridgeheadError")


@dataclass(frozen=True)
class Judgement:
    """What a test came to, and by which exception. A bug counts as caught only if the test itself
    objects: in its body or its fixtures, by an assertion or by an error of ours that it does not
    expect. An import that breaks, or a name that is not there, proves nothing."""

    test: str
    outcome: str
    when: str = ""
    exception: str = ""
    objects: bool = False
    message: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def found(self) -> bool:
        return self.outcome == "failed" and self.when in ("setup", "call") and self.objects


class _Recorder:
    """Keeps the first failure of every test, or that it passed."""

    def __init__(self) -> None:
        self.judged: dict[str, Judgement] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report: pytest.TestReport = yield  # type: ignore[misc]
        known = self.judged.get(item.nodeid)
        if known is None or known.passed:
            error = call.excinfo
            self.judged[item.nodeid] = Judgement(
                item.nodeid,
                report.outcome,
                report.when,
                error.type.__name__ if error else "",
                error is not None and _objects(error.type),
                str(error.value)[:400] if error else "",
                round(report.duration, 2),
            )
        return report  # type: ignore[return-value]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            name, said = report.nodeid, report.longreprtext[-400:]
            self.judged[name] = Judgement(name, "failed", "collect", message=said)


def _objects(error: type[BaseException]) -> bool:
    """By name: what is ours must not be imported before the mutant is planted."""
    return any(kind.__name__ in FINDINGS for kind in error.__mro__)


def judge(mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, Judgement]]:
    """Each mutant with what became of its test."""
    for mutant in mutants:
        judged = _in_a_child([mutant.test], mutant.name)
        missing = Judgement(mutant.test, "missing", message=str(judged))
        worst = next((each for each in judged if not each.passed), None)
        yield mutant, worst or (judged[0] if judged else missing)


def judge_unplanted() -> list[Judgement]:
    """The first test of each seam, judged in the same way without a mutant: all of them pass in
    the suite, so one that fails here fails because of how it is judged."""
    first = {mutant.seam: mutant.test for mutant in reversed(MUTANTS)}
    return _in_a_child(list(first.values()), None)


def _in_a_child(tests: list[str], mutant: str | None) -> list[Judgement]:
    for name in (*FOREIGN.split(), *PLUGINS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    gc.freeze()  # else each child looks through, and so copies, all that was imported for it
    home = tempfile.mkdtemp(prefix="mutant")
    written = Path(home, "judged.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            _run(tests, mutant, home, written)
        except BaseException:  # noqa: BLE001 — a process of its own: nobody else would tell of it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.waitpid(child, 0)
    try:
        return [Judgement(**each) for each in json.loads(written.read_text("utf-8"))]
    except FileNotFoundError:
        said = Path(home, "out").read_text("utf-8", "replace")
        return [Judgement(test, "failed", "process", message=said[-400:]) for test in tests]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(tests: list[str], mutant: str | None, home: str, written: Path) -> None:
    out = os.open(Path(home, "out"), os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.pop(VARIABLE, None)
    tempfile.tempdir = home  # it ends without clearing up
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    stop = [] if mutant is None else ["-x"]
    if mutant is not None:
        plant(mutant)
    recorder = _Recorder()
    quiet = ["-q", "--tb=line", f"--timeout={SECONDS}"]
    quiet += [word for name in ("no:cacheprovider", *PLUGINS) for word in ("-p", name)]
    quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # imported before the fork
    began = monotonic()
    pytest.main([*quiet, *stop, f"--basetemp={home}/base", *tests], plugins=[recorder])
    judged = [asdict(each) for each in recorder.judged.values()]
    if judged:
        judged[0]["seconds"] = round(monotonic() - began, 2)
    written.write_text(json.dumps(judged), "utf-8")


def main(names: list[str]) -> int:
    """`python -m tests.mutants.judge [--json] [NAME…]`: judges these mutants, or all."""
    as_json = "--json" in names
    chosen = [m for m in MUTANTS if not set(names) - {"--json"} or m.name in names]
    if as_json:
        for each in judge_unplanted():
            print(json.dumps({"mutant": None} | asdict(each)), flush=True)
    survived = 0
    for mutant, judged in judge(chosen):
        survived += not judged.found
        if as_json:
            print(json.dumps({"mutant": mutant.name} | asdict(judged)), flush=True)
        else:
            print(row(mutant, judged), flush=True)
    return survived


def row(mutant: Mutant, judged: Judgement) -> str:
    how = f"{judged.outcome} {judged.when} {judged.exception} {judged.message}"
    met = "caught" if judged.found else f"NOT CAUGHT ({how})"
    return f"{mutant.seam:<10} {mutant.name:<46} {met:<8} {judged.seconds:6.2f} s  {mutant.test}"


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
