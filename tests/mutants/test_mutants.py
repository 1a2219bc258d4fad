"""Every mutant must die: the test that is named for it fails with it. Without, it passes: it is one
of this suite.

`BRIDGEHEAD_MUTANT=name python -m pytest -p tests.plugin.mutant TEST` plants one by hand;
`python -m tests.mutants.judge NAME…` judges some.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.judge import Judgement, row
from tests.mutants.mutant import Mutant
from tests.mutants.registry import MUTANTS, SEAMS
from tests.plugin.mutant import PROPERTY

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@pytest.fixture(scope="module")
def judged() -> tuple[list[Judgement], dict[str, Judgement]]:
    """What some tests came to without a mutant; by mutant, what its test came to."""
    command = [sys.executable, "-m", "tests.mutants.judge", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    unplanted, planted = [], {}
    for line in done.stdout.splitlines():
        values: dict[str, Any] = json.loads(line)
        name = values.pop("mutant")
        judgement = Judgement(**values)
        if name is None:
            unplanted.append(judgement)
        else:
            planted[name] = judgement
    return unplanted, planted


def test_every_seam_has_mutants() -> None:
    assert len(MUTANTS) >= 25
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    counted = Counter(mutant.seam for mutant in MUTANTS)
    assert set(counted) == set(SEAMS)
    assert min(counted.values()) >= 4, counted


@each
def test_it_can_be_planted(mutant: Mutant) -> None:
    """A change of the code must not make a mutant vanish: whoever changes it changes both."""
    compile(mutant.plant(mutant.file.read_text("utf-8")), mutant.file, "exec")


@each
@pytest.mark.timeout(1200)
def test_it_is_caught(
    mutant: Mutant,
    judged: tuple[list[Judgement], dict[str, Judgement]],
    record_property: Callable[[str, object], None],
) -> None:
    judgement = judged[1][mutant.name]
    record_property(PROPERTY, row(mutant, judgement))
    assert judgement.found, row(mutant, judgement)


@pytest.mark.timeout(1200)
def test_without_a_bug_nothing_is_caught(
    judged: tuple[list[Judgement], dict[str, Judgement]],
) -> None:
    """Else the tests would fail because of the way in which they are judged."""
    assert len(judged[0]) >= len(SEAMS)
    assert all(judgement.passed for judgement in judged[0]), judged[0]


def test_a_mutant_that_does_nothing_is_not_caught() -> None:
    """The run must be able to say so."""
    judgement = Judgement("tests/unit/test_tally.py::test_equal_books", "passed")
    assert not judgement.found
    for when, objects in ("setup", False), ("call", False), ("collect", True):
        assert not Judgement("t", "failed", when, objects=objects).found
    assert Judgement("t", "failed", "call", objects=True).found
    assert "NOT CAUGHT" in row(MUTANTS[0], judgement)
