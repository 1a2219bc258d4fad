"""Airflow itself never runs in the tests' process: importing it changes logging, warnings and more.

What needs it runs in a process of its own, once per module, and answers in JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"

# As Airflow does: at the end.
if str(DAGS) not in sys.path:
    sys.path.append(str(DAGS))

Airflow = Callable[..., Any]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Runs a script of this folder under Airflow; what it wrote to its last argument, as JSON."""
    home = tmp_path_factory.mktemp("airflow")

    def run(script: str, *arguments: object, **environ: object) -> Any:
        answer = home / "answer.json"
        done = subprocess.run(
            [sys.executable, Path(__file__).parent / script, *map(str, arguments), answer],
            env={**os.environ, **_settings(home), **{k: str(v) for k, v in environ.items()}},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        said: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return said | {"output": done.stdout + done.stderr}

    return run


def _settings(home: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__MAX_CONSECUTIVE_FAILED_DAG_RUNS_PER_DAG": "2",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{DAGS}",
        "PYTHONWARNINGS": "ignore",
    }
