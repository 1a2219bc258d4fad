"""Ours: the `bridgehead` command, each time as a process of its own, as an operator starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Done, Usage, measure
from benchmarks.population import KEY, ChangeSet
from benchmarks.store import BUFFER, BUSINESS, EXCHANGE, Stores, WrongRows

__all__ = ["COPY", "Agent", "Finding"]

JOB = "population"
COPY = f"bh_copy_{JOB}"
_COMMAND = "from bridge.cli import main; main()"
# Every module of ours and what it imports, but for programs, and drivers that are not there.
_EVERYTHING = """
import contextlib, importlib, pkgutil
for package in ("bridge", "connectors", "reconcile"):
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, package + ".", lambda _: None):
        if "__main__" not in module.name and "migrations" not in module.name:
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)
"""


@dataclass(frozen=True)
class Finding:
    """How a job looks for changes. `overlap_seconds` is what each window reads again below its
    watermark: 0 where a change set follows so soon upon another that it would be read again."""

    sweep: str
    overlap_seconds: int = 60


class Agent:
    """The job `population` from business to buffer, by way of the exchange."""

    def __init__(self, stores: Stores, directory: Path, profiles: Path | None) -> None:
        self._stores = stores
        self._directory = directory
        self._profiles = profiles

    def configure(self, finding: Finding) -> None:
        """JSON is YAML too."""
        deployment = {
            "department": {"code": "113301000024895242", "name": "市市场监督管理局"},
            "endpoints": {each.name: each.endpoint for each in self._stores.databases},
            "exchange": EXCHANGE,
        }
        capture = {"method": "cursor", "column": "updated_at", "stamp": "database"}
        job = {
            "job": JOB,
            "title": "人口基础信息",
            "source": {"endpoint": BUSINESS, "table": "population"},
            "key": [KEY],
            "capture": {
                **capture,
                "overlap": finding.overlap_seconds,
                "deletes": {"sweep": finding.sweep},
            },
            "target": {"endpoint": BUFFER, "table": "population"},
            "schedule": "manual",
        }
        (self._directory / "jobs").mkdir(parents=True, exist_ok=True)
        _write(self._directory / "bridgehead.yaml", deployment)
        _write(self._directory / "jobs" / f"{JOB}.yaml", job)

    def run(self, verb: str, name: str, expected: ChangeSet | None = None) -> Usage:
        """`run`, `pull` or `push` of the job; its profile bears the name. Raises CommandFailed or
        WrongRows unless its books balance, and tell of exactly the expected changes."""
        done = self._measure(name, [verb, JOB, "--json"])
        document = json.loads(done.output)
        if verb != "pull" and (document["verdict"] != "reconciled" or document["deviation"]):
            raise WrongRows(f"{verb}: verdict {document['verdict']}")
        if expected is not None:
            self._check(verb, document["batches"], expected)
        return done.usage

    def status(self) -> Usage:
        """Its exit code tells how the jobs stand, which is not the question here."""
        return self._measure("status", ["status", "--json"], any_exit_code=True).usage

    def warm_up(self) -> None:
        """Once, so that no measured run compiles modules or reads them from a cold disk."""
        command = [sys.executable, "-c", _EVERYTHING]
        subprocess.run(command, env=self._environment(), check=True, capture_output=True)
        self._measure("warm-up", ["run", "--help"])
        self._measure("warm-up", ["status", "--json"], any_exit_code=True)

    def verify(self) -> None:
        """The current copy and the target hold what the source holds, whatever was reported."""
        self._stores.verify((self._stores.exchange, COPY), (self._stores.buffer, "population"))

    def _measure(self, name: str, words: list[str], *, any_exit_code: bool = False) -> Done:
        command = [sys.executable, "-c", _COMMAND]
        if self._profiles is not None:
            path = self._profiles / f"{name.replace(' ', '-')}.pstats"
            command = [sys.executable, "-m", "benchmarks.profiled", str(path)]
        return measure(
            [[*command, "--config", str(self._directory), *words]],
            [self._environment()],
            self._stores.server_cpu_seconds,
            self._stores.limit_seconds,
            any_exit_code=any_exit_code,
        )

    def _environment(self) -> dict[str, str]:
        secrets = {each.variable: each.server.password for each in self._stores.databases}
        environment = {**os.environ, **secrets}
        # As installed packages have it: compiled once. The checkout is left as it is.
        environment["PYTHONPYCACHEPREFIX"] = str(self._directory.parent / "bytecode")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment

    def _check(self, verb: str, batches: list[dict[str, Any]], expected: ChangeSet) -> None:
        counts = {"updated": 0, "inserted": 0, "deleted": 0}
        for batch in batches:
            for name in counts:
                counts[name] += batch["sent"][name]
        if counts != {name: getattr(expected, name) for name in counts}:
            raise WrongRows(f"{verb}: the batches tell of {counts}, expected was {expected}")


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
