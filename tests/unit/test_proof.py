"""The frame of `scripts/proof`: nothing is done twice, and the figures are of all that was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.proof.__main__ import in_rounds, main
from tests.proof.journal import Journal
from tests.proof.kind import KINDS, Block, Result, load_kind
from tests.proof.summary import summarise

HEADING = {"commit": "c0ffee", "code": "1234", "seed": 7}
ONE, OTHER = Block("kills", "one", "here", 3), Block("kills", "other", "there", 2)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "build/journal.jsonl"
    with closing(Journal(path, HEADING)) as journal:
        journal.note(ONE, Result("1", count=2, seconds={"recovery": (0.5, 1.5)}))
        journal.note(ONE, Result("2", ("lost: row 3",)))
        journal.note_end(ONE)
        journal.note(OTHER, Result("1"))
    return path


def test_a_second_call_goes_on(path: Path) -> None:
    with closing(Journal(path, HEADING | {"date": "later"})) as journal:
        assert journal.heading == HEADING
        assert journal.done(ONE) == {"", "1", "2"}
        assert journal.is_ended(ONE)
        assert journal.done(OTHER) == {"1"}
        assert not journal.is_ended(OTHER)


def test_a_line_that_was_cut_off_is_done_again(path: Path) -> None:
    whole = path.read_text("utf-8")
    for cut in range(1, len(whole.splitlines()[-1])):
        path.write_text(whole[:-1][:-cut], "utf-8")
        with closing(Journal(path, HEADING)) as journal:
            assert journal.done(OTHER) == set()
            journal.note(OTHER, Result("1"))
        assert path.read_text("utf-8") == whole


def test_the_summary_is_of_all_that_was_done(path: Path) -> None:
    with closing(Journal(path, HEADING)) as journal:
        summary = summarise(journal, [ONE, OTHER])
        assert not summary["complete"]
        assert (summary["cases"], summary["findings"]) == (4, 1)
        assert summary["found"] == ["kills/one/2: lost: row 3"]
        kills = summary["kinds"]["kills"]
        assert kills["combinations"] == {"here": 3, "there": 1}
        assert kills["blocks"] == {"done": 1, "all": 2}
        assert kills["seconds"]["recovery"]["measured"] == 2
        assert kills["seconds"]["recovery"]["max"] == 1.5
        journal.note_end(OTHER)
        assert summarise(journal, [ONE, OTHER])["complete"]
    assert json.loads(path.read_text("utf-8").splitlines()[0]) == HEADING


@pytest.mark.parametrize("name", KINDS)
def test_blocks_of_a_kind_are_told_apart(name: str) -> None:
    kind = load_kind(name)
    found = list(kind.blocks(7))
    assert found == list(kind.blocks(7))
    assert len({block.name for block in found}) == len(found) > 0
    assert {block.kind for block in found} == {name}


def test_a_run_that_is_cut_off_has_seen_something_of_everything() -> None:
    every = [block for kind in KINDS for block in load_kind(kind).blocks(7)]
    combinations = {(block.kind, block.combination) for block in every}
    ordered = in_rounds(every, 7)
    first = ordered[: len(combinations)]
    assert {(block.kind, block.combination) for block in first} == combinations
    assert sorted(block.name for block in ordered) == sorted(block.name for block in every)
    assert ordered == in_rounds(every, 7) != in_rounds(every, 8)


def test_one_case_again(tmp_path: Path) -> None:
    """As a finding names it: in a process of its own, on stores of its own."""
    output = tmp_path / "summary.json"
    block = "sqlite → sqlite → sqlite, inbound, cursor, contents"
    again = ["--kind", "kills", "--block", block, "--case", "pass 7", "--output", str(output)]
    assert main(again) == 0
    summary = json.loads(output.read_text("utf-8"))
    assert (summary["cases"], summary["findings"]) == (2, 0)
    assert summary["kinds"]["kills"]["seconds"]["from the restart to reconciled"]["max"] < 10
    assert main([*again[:3], "no such block"]) == 2
