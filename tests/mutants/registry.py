"""Every mutant there is, by the seam it is planted at."""

from __future__ import annotations

from tests.mutants.capturing import CAPTURING
from tests.mutants.connecting import CONNECTING
from tests.mutants.delivering import DELIVERING
from tests.mutants.judging import JUDGING
from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS", "SEAMS"]

SEAMS = (
    "horizon",
    "classify",
    "seal",
    "apply",
    "measure",
    "digest",
    "lock",
    "verdict",
    "quarantine",
    "settle",
)

MUTANTS: tuple[Mutant, ...] = (*CAPTURING, *DELIVERING, *CONNECTING, *JUDGING)
