"""What a job promises, and why."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.guarantee import guarantee_of
from bridge.job import Job


def job(**capture: Any) -> Job:
    return Job.model_validate(
        {
            "job": "j",
            "source": {"endpoint": "s", "table": "t"},
            "target": {"endpoint": "t", "table": "t"},
            "capture": capture,
        }
    )


@pytest.mark.parametrize(
    ("capture", "promise", "why"),
    [
        ({"method": "compare"}, "lossless", "every row"),
        ({"method": "cursor", "column": "u", "stamp": "database"}, "lossless", "daily sweep"),
        ({"method": "cursor", "column": "u"}, "bounded", "daily sweep"),
        ({"method": "cursor", "column": "u", "deletes": {"sweep": "90s"}}, "bounded", "every 90s"),
        ({"method": "cursor", "column": "u", "deletes": {"sweep": "2h"}}, "bounded", "every 2h"),
        (
            {"method": "cursor", "column": "u", "deletes": {"sweep": "every_run"}},
            "bounded",
            "every run",
        ),
        (
            {"method": "cursor", "column": "u", "stamp": "database", "deletes": {"sweep": "off"}},
            "none",
            "sweep is off",
        ),
    ],
)
def test_the_promise_follows_from_stamp_and_sweep(
    capture: dict[str, Any], promise: str, why: str
) -> None:
    found = guarantee_of(job(**capture))
    assert found.promise == promise
    assert why in found.why


@pytest.mark.parametrize(
    "capture",
    [
        {"method": "compare"},
        {"method": "cursor", "column": "u", "stamp": "database"},
        {"method": "cursor", "column": "u", "deletes": {"sweep": "90s"}},
        {"method": "cursor", "column": "u", "deletes": {"sweep": "off"}},
    ],
)
def test_a_page_says_why_in_both_languages(capture: dict[str, Any]) -> None:
    words = guarantee_of(job(**capture)).words
    assert words.en == guarantee_of(job(**capture)).why
    assert not set("abcdefghijklmnopqrstvwxyz") & set(words.zh.replace("90s", "")), words
