"""The plugin that lets no test be skipped in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PASSING = "def test_passes(): pass\n"
NOT_RUN = """
import pytest

def test_is_skipped():
    pytest.skip("no server")

@pytest.mark.xfail
def test_fails_as_expected():
    assert False
"""
MODULE_NOT_RUN = "import pytest\npytest.skip('no driver', allow_module_level=True)\n"


def _run(folder: Path, *sources: str, workers: int = 0) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for number, source in enumerate(sources):
        (folder / f"test_sample_{number}.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugin.no_skips", f"-n{workers}"]
    return subprocess.run(
        [*command, "-c", str(folder / "pytest.ini"), str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_what_did_not_run_fails_the_run(tmp_path: Path, workers: int) -> None:
    done = _run(tmp_path, PASSING, NOT_RUN, MODULE_NOT_RUN, workers=workers)
    assert done.returncode == 1, done.stdout
    assert "FAILED: 3 test(s) did not run." in done.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in done.stdout.splitlines()[-1]


def test_a_run_without_skips_is_left_alone(tmp_path: Path) -> None:
    done = _run(tmp_path, PASSING)
    assert done.returncode == 0, done.stdout
    assert "did not run" not in done.stdout
    assert "1 passed" in done.stdout.splitlines()[-1]
