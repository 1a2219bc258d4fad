"""Patterns of allowed values: what they take is what they were made of, and nothing else."""

from __future__ import annotations

from itertools import combinations, permutations

import pyarrow as pa

from bridge.transform.textarray import matches
from connectors.allowed import YEARS, any_of, set_of

ODD = [
    "",
    "a",
    "A",
    "a.c",
    "abc",
    "(x|y)",
    "[a]",
    "a\\b",
    "it's",
    "two\nlines",
    "^",
    "$",
    "𠮷 x",
    "-",
]


def _taken(pattern: str, texts: list[str]) -> list[str]:
    return [t for t, met in zip(texts, matches(pa.array(texts), pattern), strict=True) if met]


def test_one_of_some_texts() -> None:
    for member in ODD:
        assert _taken(any_of([member]), ODD) == [member]
    assert _taken(any_of(ODD[::2]), [*ODD, "a\n", " a", "aa"]) == ODD[::2]


def test_some_of_a_set_in_its_order() -> None:
    members = ["b", "a.", "c", "𠮷"]
    chosen = [",".join(c) for count in range(5) for c in combinations(members, count)]
    others = [",".join(c) for count in range(2, 5) for c in permutations(members, count)]
    broken = ["b,", ",b", "b,,c", "ax", "b,b", "b, c", ",", "B"]
    expected = [*chosen, *(text for text in others if text in chosen)]
    assert _taken(set_of(members), [*chosen, *others, *broken]) == expected


def test_years() -> None:
    years = [str(year) for year in range(-5, 10_000)]
    assert _taken(YEARS, years) == list(map(str, range(1901, 2156)))
    assert _taken(YEARS, ["", "0", "0000", "02000", "2000.0"]) == []


def test_as_many_as_a_store_declares() -> None:
    members = [f"第{number}项" for number in range(64)]
    several = [",".join(members), ",".join(members[::3])]
    assert _taken(set_of(members), [*several, ",".join(members[::-1])]) == several
    assert _taken(any_of([f"{n:05}" for n in range(10_000)]), ["00000", "09999", "10000"]) == [
        "00000",
        "09999",
    ]
    assert any_of([f"{n:09}" for n in range(20_000)]) == ""  # the store itself refuses
