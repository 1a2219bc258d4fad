"""The demonstration as a newcomer sees it: it ends well, in time, and leaves a report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command import call


def test_the_demo_balances_plants_a_gap_and_catches_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    told = call(capsys, "demo", "--report", page)
    assert told.code == 0
    assert "The books balanced; the planted gap was caught." in told.out
    assert str(page) in told.out
    assert len(re.findall(r"^ *missing:", told.out, re.MULTILINE)) == 2
    assert len(re.findall(r"\n\n\d\. ", told.out)) > 3
    assert "\\n" not in told.out
    lines = [line for line in told.out.splitlines() if re.search(r"population +1/\d", line)]
    assert [line for line in lines if "empty" in line and "0/0/0" in line]
    assert len([line for line in lines if "偏差" in line]) == 1
    html = page.read_text(encoding="utf-8")
    assert "人口基础信息" in html
    assert "存在偏差" in html
    assert not re.search(r"\b\d{17}[\dX]\b", told.out + html.replace("113301000024895242", ""))
