"""Masks hide what they promise to hide, whatever text they meet."""

from __future__ import annotations

from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.configuration.jobparts import Mask
from bridge.transform.mask import MASKS, longest_masked, masked

EXAMPLES = {
    "name": {"张小明": "张**", "张三": "张**", "张": "**", "阿卜杜拉·买买提": "阿**"},
    "phone": {
        "13812341234": "138****1234",
        "+8613812341234": "+86****1234",
        "88881234": "****34",
        "110": "****",
    },
    "id": {
        "33010219900101123X": "330102********123X",
        "330102900101123": "330102********1123",
        "E12345678": "E********8",
        "1234567": "********",
    },
    "account": {"6222021234567890123": "6222****0123", "123456789012": "****9012", "1": "****"},
    "email": {
        "zhang@example.cn": "z****@example.cn",
        "z@example.cn": "****@example.cn",
        "zhang": "****",
        "a@b@c.cn": "****",
        "张三@例子 13812341234": "****",
    },
    "address": {
        "浙江省杭州市西湖区文三路1号": "浙江省杭州市西湖区****",
        "内蒙古自治区呼和浩特市新城区\n1号": "内蒙古自治区呼和浩特市新城区****",
        "新疆维吾尔自治区伊犁州伊宁市解放区1号": "新疆维吾尔自治区伊犁州伊宁市****",
        "广州市": "广州市****",
        "杭州市西湖小区5幢": "杭州市****",
        "文三路1号": "****",
    },
}
# How many characters may be seen at either end of a text, by the mask, from which length on.
SEEN: dict[str, dict[int, tuple[int, int]]] = {
    "name": {2: (1, 0)},
    "phone": {11: (3, 4), 5: (0, 2)},
    "id": {15: (6, 4), 8: (1, 1)},
    "account": {16: (4, 4), 9: (0, 4)},
}


def one(mask: str, text: str | None) -> str | None:
    result: str | None = masked(pa.array([text], pa.string()), mask)[0].as_py()
    return result


def test_every_mask_of_the_configuration_is_here() -> None:
    assert set(get_args(Mask)) == set(MASKS) == set(EXAMPLES)


@pytest.mark.parametrize(
    ("mask", "text", "expected"),
    [
        (mask, text, expected)
        for mask, pairs in EXAMPLES.items()
        for text, expected in pairs.items()
    ],
)
def test_examples(mask: str, text: str, expected: str) -> None:
    assert one(mask, text) == expected


@pytest.mark.parametrize("mask", MASKS)
def test_null_stays_null_and_empty_stays_empty(mask: str) -> None:
    assert one(mask, None) is None
    assert one(mask, "") == ""


def seen(mask: str, length: int) -> tuple[int, int]:
    return next((ends for least, ends in SEEN[mask].items() if length >= least), (0, 0))


@pytest.mark.parametrize("mask", SEEN)
def test_of_a_text_of_any_length_its_ends_alone_are_seen(mask: str) -> None:
    text = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for length in range(1, len(text) + 1):
        result = one(mask, text[:length]) or ""
        head, tail = seen(mask, length)
        shown = text[:head], text[length - tail : length]
        assert (result.partition("*")[0], result.rpartition("*")[2]) == shown, length


@pytest.mark.parametrize("mask", SEEN)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_no_more_is_seen_than_the_mask_allows(mask: str, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text("张三李四\n\0ab019", min_size=1, max_size=20), min_size=1))
    results = masked(pa.array(["", *texts]).slice(1), mask).to_pylist()
    for text, result in zip(texts, results, strict=True):
        head, tail = result.split("*")[0], result.split("*")[-1]
        assert set(result[len(head) : len(result) - len(tail)]) == {"*"}
        assert text.startswith(head)
        assert text.endswith(tail)
        assert (len(head), len(tail)) == seen(mask, len(text))
        assert result == one(mask, text)


@pytest.mark.parametrize("mask", MASKS)
@given(text=st.text(alphabet="省市县ab@.1", min_size=1, max_size=24), room=st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_nothing_longer_comes_than_it_is_said_of_the_mask(mask: str, text: str, room: int) -> None:
    (result,) = masked(pa.array([text]), mask).to_pylist()
    longest = longest_masked(mask, len(text) + room)
    assert longest is not None
    assert len(result or "") <= longest
    assert longest_masked(mask, None) in (None, longest_masked(mask, 99))


@given(st.text(), st.integers(1, 5))
@settings(deadline=None, max_examples=100)
def test_an_address_never_shows_digits(text: str, digit: int) -> None:
    result = one("address", f"{text}{digit}") or ""
    assert result.endswith("****")
    assert not any(c in "0123456789" for c in result)


@given(st.text(min_size=2))
@settings(deadline=None, max_examples=100)
def test_an_email_shows_one_character_and_a_domain(text: str) -> None:
    result = one("email", f"{text}@example.cn") or ""
    assert result in {f"{text[0]}****@example.cn", "****"}
