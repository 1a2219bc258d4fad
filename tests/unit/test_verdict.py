"""The worst verdict decides, in the published order, and each has its word in both languages."""

from __future__ import annotations

from itertools import permutations

import pytest

from reconcile.verdict import Verdict, worst

PRECEDENCE = ["fork", "gap", "deviation", "held"]
PRECEDENCE += ["waived", "unconfirmed", "in_flight", "reconciled"]


@pytest.mark.parametrize(("before", "after"), list(permutations(range(8), 2)))
def test_the_earlier_in_precedence_decides(before: int, after: int) -> None:
    pair = [Verdict(PRECEDENCE[before]), Verdict(PRECEDENCE[after])]
    assert worst(pair) == PRECEDENCE[min(before, after)]


def test_one_decides_over_many() -> None:
    many = [Verdict.RECONCILED] * 100
    assert worst(many) is Verdict.RECONCILED
    assert worst([*many, Verdict.GAP, *many]) is Verdict.GAP
    assert worst(verdict for verdict in Verdict) is Verdict.FORK


def test_nothing_to_compare_is_no_deviation() -> None:
    assert worst([]) is Verdict.RECONCILED


def test_the_words_are_those_of_the_glossary() -> None:
    assert {verdict.value: (verdict.zh, verdict.en) for verdict in Verdict} == {
        "reconciled": ("已核对", "reconciled"),
        "in_flight": ("在途", "in flight"),
        "deviation": ("偏差", "deviation"),
        "gap": ("断号", "gap"),
        "fork": ("分叉", "fork"),
        "unconfirmed": ("一致待确认", "unconfirmed"),
        "held": ("挂起", "held"),
        "waived": ("已豁免", "waived"),
    }


def test_json_says_the_bare_word() -> None:
    assert f"{Verdict.IN_FLIGHT}" == "in_flight"
    assert sorted(Verdict) == sorted(PRECEDENCE)
