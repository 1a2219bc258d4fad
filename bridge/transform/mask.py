"""Masks: what of a value may leave the department (脱敏).

A mask cannot be undone, gives the same for the same value, and hides how long the hidden part was.
NULL stays NULL and an empty text empty. A hash is no mask: hashing every number there is undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from bridge.transform.textarray import TextArray, pc

__all__ = ["MASKS", "longest_masked", "masked", "masked_key"]

_STARS = "****"
_SHORT_STARS = "**"
_LONG_STARS = "********"
_KEEPS_PARTS = ("address", "email")
_ALIKE_FROM = 16
"""Characters from which on the other masks leave the same of every text."""


class _Keep(NamedTuple):
    """How many characters stay at either end of a text of at least `length` characters."""

    length: int
    head: int
    tail: int


def masked(values: TextArray, mask: str) -> TextArray:
    return MASKS[mask](values)


def longest_masked(mask: str, length: int | None) -> int | None:
    """How many characters may come of a text of at most so many; None where there is no limit."""
    if mask in _KEEPS_PARTS:
        return None if length is None else length + len(_STARS)
    most = min(_ALIKE_FROM, length or _ALIKE_FROM)
    texts = pa.array(["x" * count for count in range(1, most + 1)], pa.string())
    return int(pc.max(pc.utf8_length(masked(texts, mask))).as_py())


def masked_key(key: Sequence[str | None]) -> str:
    """A row's key as screens and logs may show it."""
    parts = masked(pa.array(key, pa.string()), "id").to_pylist()
    return " | ".join("NULL" if part is None else part for part in parts)


def _kept(stars: str, *steps: _Keep) -> Callable[[TextArray], TextArray]:
    """A mask that keeps the ends of a text by the first step whose length it has, and of a shorter
    text nothing."""

    def mask(values: TextArray) -> TextArray:
        length = pc.utf8_length(values)
        result: TextArray = pc.if_else(pc.equal(length, 0), "", stars)
        for step in reversed(steps):
            head = pc.utf8_slice_codeunits(values, 0, step.head)
            tail = pc.utf8_slice_codeunits(values, -step.tail) if step.tail else ""
            kept = pc.binary_join_element_wise(head, stars, tail, "")
            result = pc.if_else(pc.greater_equal(length, step.length), kept, result)
        return result

    return mask


_REGION = "[省市县区旗盟州]"
_PLACE = "[^省市县区旗盟州小路街道巷弄村镇乡社园幢楼栋室号0-9]"


def _address(values: TextArray) -> TextArray:
    """Down to the county at most: up to three names that end in a word for a region."""
    return _replaced(values, rf"(?s)^((?:{_PLACE}+{_REGION}+){{1,3}}).*$|^.+$", rf"\1{_STARS}")


def _email(values: TextArray) -> TextArray:
    """The first character of two or more, and the domain."""
    pattern = r"(?s)^(?:([^@])?[^@]+(@[A-Za-z0-9.-]+)|.+)$"
    return _replaced(values, pattern, rf"\1{_STARS}\2")


def _replaced(values: TextArray, pattern: str, replacement: str) -> TextArray:
    replaced: TextArray = pc.replace_substring_regex(values, pattern, replacement)
    return replaced


MASKS: Mapping[str, Callable[[TextArray], TextArray]] = {
    "name": _kept(_SHORT_STARS, _Keep(2, 1, 0)),
    "phone": _kept(_STARS, _Keep(11, 3, 4), _Keep(5, 0, 2)),
    "id": _kept(_LONG_STARS, _Keep(15, 6, 4), _Keep(8, 1, 1)),
    "account": _kept(_STARS, _Keep(16, 4, 4), _Keep(9, 0, 4)),
    "address": _address,
    "email": _email,
}
