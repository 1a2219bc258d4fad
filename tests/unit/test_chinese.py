"""Every message is said in Chinese, by a translation that leaves out nothing that is put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

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
    assert not re.search(" *…", told.out), "a word longer than its column is cut off"
    assert "不写则取" in told.out


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


_DEPLOYMENT = """
department: {code: "113301000024895242", name: x}
endpoints:
  a: {family: sqlite, path: x}
exchange: a
"""
_BAD_DEPLOYMENTS = [
    """
department: {code: "123", name: ""}
endpoints:
  "a b!": {family: postgresql, host: "u@h", port: 0, connect_timeout: 0, password: secret}
  b: {family: sqlit, path: 3, silence_timeout: 9d}
  c: {family: sqlite}
exchange: x
defaults: {chunk_rows: 0, retry: 1h, quarantine_limit: -1}
alarms: [{to: "http://x", repeat_after: 1s, severity: loud, name: %s}]
retention: {payload: 1h, ledger: 1d}
statement: {timezone: Mars}
"""
    % ("n" * 50),
    "department: x\nendpoints: {}\nexchange: [1]\n",
    "- a\n- b\n",
    "a: [\n",
    "a: b: c\n",
    "a: @x\n",
    "a: 'x\n",
    "a: &x !t 3\n",
    "a: 1\na: 2\n",
    "a: 1\n---\nb: 2\n",
]
_BAD_JOB = """
job: k
source: {endpoint: a, table: t, header: 0, charset: koi8, delimiter: x}
key: [KEYS]
capture: {method: log, overlap: 99d, stamp: me, timezone: Mars, deletes: {sweep: often}}
columns: {x: {rule: r, mask: m, codes: nix, type: int9, sharing: maybe}, y: 5}
target: {endpoint: a, table: t, adopt: perhaps}
schedule: "* * *"
tasks: two
max_delete: -1
empty_every: x
catalogue: {code: 1, update_cycle: hourly, published: 2025-02-31, provider_code: x, open: ja}
""".replace("KEYS", ",".join(f"k{number}" for number in range(33)))


@pytest.mark.parametrize("text", _BAD_DEPLOYMENTS, ids=lambda text: text.split("\n")[0][:20])
def test_a_mistake_in_the_configuration_is_told_in_chinese(
    text: str, tmp_path: Path, capsys: Capsys
) -> None:
    (tmp_path / "bridgehead.yaml").write_text(text, encoding="utf-8")
    told = call(capsys, "--lang", "zh", "--config", tmp_path, "status")
    assert told.code == 2
    assert re.search("[一-鿿]{3}", told.err.partition("\n")[2])
    assert _ENGLISH.findall(re.sub("'[^']*'", "", told.err)) == []


def test_a_mistake_in_a_job_file_is_told_in_chinese(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "bridgehead.yaml").write_text(_DEPLOYMENT, encoding="utf-8")
    (tmp_path / "jobs/j.yaml").write_text(_BAD_JOB, encoding="utf-8")
    told = call(capsys, "--lang", "zh", "--config", tmp_path, "run", "j")
    assert told.code == 2
    assert len(told.err.splitlines()) > 20
    assert _ENGLISH.findall(re.sub("'[^']*'", "", told.err)) == []
