"""Every message is said in Chinese, by a translation that leaves out nothing that is put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from bridge.cli.app import COMMANDS
from bridge.language import speak
from bridge.language.catalogue import entries
from bridge.language.speech import chinese
from tests.command import call

_PLACE = re.compile(r"\{(\d+)(?:![tew])?\}")
_ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    speak("en")


def test_no_message_stands_twice() -> None:
    text = (files("bridge.language") / "zh.po").read_text(encoding="utf-8")
    told = [message for message, _ in entries(text)]
    assert len(told) > 800
    assert len(told) == len(set(told)) == text.count("msgid ") - 1


def test_a_translation_has_the_places_of_its_message() -> None:
    known = chinese().known
    assert [m for m, said in known.items() if _places(said) != _places(m)] == []


def _places(text: str) -> list[str]:
    return sorted(_PLACE.findall(text))


def test_a_translation_is_chinese() -> None:
    plain = [
        message
        for message, said in chinese().known.items()
        if not re.search("[一-鿿；。]", said) and _PLACE.sub(r"{\1}", said) not in (message, "{0}")
    ]
    assert plain == []


def test_a_full_width_mark_brings_its_own_blank() -> None:
    assert [said for said in chinese().known.values() if re.search("[，。；：（）、] ", said)] == []


# -- what is not ours -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_chinese(name: str, capsys: Capsys) -> None:
    told = call(capsys, "--lang", "zh", name, "--help")
    assert told.code == 0
    assert f"用法：bridgehead {name}" in told.out
    assert _ENGLISH.findall(told.out) == []
    assert not re.search("(?<!B)(?<!]) *…", told.out), "a word longer than its column is cut off"


def test_the_list_of_commands_is_chinese(capsys: Capsys) -> None:
    told = call(capsys, "--help", "--lang", "zh")
    assert _ENGLISH.findall(told.out) == []


@pytest.mark.parametrize(
    "mistake",
    [
        "statsu",
        "nothing",
        "resync x",
        "batches",
        "batches a b",
        "run --bogus",
        "run --paralel 3",
        "run x --wait",
        "run x --wait 5y",
        "run x --parallel abc",
        "run x --parallel 99",
        "run x --parallel 0",
        "status --json=3",
        "--log-format loud status",
        "run",
        "approve x nan --why y",
    ],
)
def test_a_mistake_in_a_call_is_told_in_chinese(mistake: str, capsys: Capsys) -> None:
    told = call(capsys, "--lang", "zh", *mistake.split())
    assert told.code == 2
    assert "错误：" in told.err
    assert _ENGLISH.findall(told.err) == []
