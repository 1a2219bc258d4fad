"""The words that a job file may use for masks and rules are those that the engine carries out."""

from __future__ import annotations

from typing import get_args

from bridge.configuration.jobparts import Mask, Rule
from bridge.transform.mask import MASKS
from bridge.transform.rule import RULES


def test_masks() -> None:
    assert {*get_args(Mask)} == {*MASKS}


def test_rules() -> None:
    assert {*get_args(Rule)} == {*RULES}
