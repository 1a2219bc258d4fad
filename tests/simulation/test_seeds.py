"""A thousand seeds of a simulated life: 0 lost, 0 twice, 0 out of order, 0 falsely reconciled, and
books that add up. A seed that fails prints itself, its story, and the command that tells it again.
"""

from __future__ import annotations

import pytest

from tests.simulation.judge import Wrong
from tests.simulation.scheduler import tell

SEEDS = 1000
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_seeds(part: int) -> None:
    wrong = []
    for seed in range(part, SEEDS, PARTS):
        try:
            tell(seed)
        except Wrong as error:
            wrong.append(str(error))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("part", range(2))
def test_few_seeds(part: int) -> None:
    """So few that a mutant can be told them, until the first that is wrong."""
    for seed in range(30 * part, 30 * part + 30):
        tell(seed)
