"""Messages in the reader's language: which one, and that nothing put into them is changed."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.cli.app import globals_first
from bridge.cli.shown import age
from bridge.language import say, speak, wanted
from bridge.language.catalogue import Catalogue, Template
from bridge.language.speech import chinese
from bridge.log import LogFormat, begin
from tests.command import call

Capsys = pytest.CaptureFixture[str]

_SMALL = Catalogue.read(
    """
msgid ""
msgstr "Language: zh_CN"

msgid "there is no table {0}"
msgstr "表 {0} 不存在"

msgid "{0}: there is no column {1} in {2}"
msgstr "{0}：{2} 中没有列 {1}"

msgid "the ledger cannot be read: {0}"
msgstr "无法读取台账：{0!t}"

msgid ""
"two lines, "
"and a \\"quote\\""
msgstr "两行"

msgid "try again"
msgstr "请重试"

msgid "shop ended with {0}"
msgstr "shop 出错：{0!e}"

msgid "{0} is no longer {1}"
msgstr "{0} 已不是{1!w}"

msgid "held"
msgstr "挂起"

msgid "{0} {1}"
msgstr "{1} {0}"
"""
)


@pytest.fixture(autouse=True)
def english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    yield
    speak("en")


# -- which language ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.GB18030"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_locale_decides(environment: dict[str, str], language: str) -> None:
    assert wanted(environment) == language


def test_a_call_may_ask_for_another_language(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = ("--config", tmp_path / "none")
    assert "error: status" in call(capsys, "status", *nowhere).err
    assert "错误：status" in call(capsys, "status", *nowhere, "--lang", "zh").err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "错误：status" in call(capsys, "status", *nowhere).err
    assert "error: status" in call(capsys, "--lang=en", "status", *nowhere).err
    refused = call(capsys, "--lang", "fr", "status", *nowhere)
    assert refused.code == 2
    assert "'fr'" in refused.err


def test_a_statement_has_languages_of_its_own() -> None:
    assert globals_first(["--lang", "en", "statement", "--lang", "zh"]) == [
        *("--lang", "en", "statement"),
        *("--lang", "zh"),
    ]
    assert globals_first(["status", "--lang", "zh"]) == ["--lang", "zh", "status"]


def test_json_speaks_english_whatever_the_locale(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = call(capsys, "families", "--json")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert call(capsys, "families", "--json").json == plain.json
    told = call(capsys, "--log-format", "json", "status", "--config", tmp_path / "none")
    line = json.loads(told.err)
    assert line["message"].startswith("no configuration directory")
    mistaken = call(capsys, "--log-format", "json", "run")
    assert json.loads(mistaken.err)["remedy"] == "bridgehead run --help"


def test_a_line_of_the_log_is_said_too(capsys: Capsys) -> None:
    speak("zh")
    begin(LogFormat.TEXT)
    log = logging.getLogger("bridgehead")
    log.warning("%s: no notice could be taken of the run: %s", "a: b", "the disk is full")
    assert capsys.readouterr().err == "a: b：本次运行未能记入事件：磁盘已满\n"


@pytest.mark.parametrize(("charset", "name"), [("gbk", "\\U00020bb7"), ("utf-8", "𠮷")])
def test_a_terminal_of_another_charset_gets_what_it_can_show(
    charset: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "bridgehead.yaml").write_text("𠮷: 张三", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": charset, "LANG": "zh_CN.UTF-8", "LC_ALL": ""}
    command = [sys.executable, "-c", "from bridge.cli import main; main()"]
    told = subprocess.run(
        [*command, "--config", tmp_path, "status"], env=environment, capture_output=True
    )
    assert told.returncode == 2
    assert f"没有这个配置项：'{name}'" in told.stderr.decode(charset)
    listed = subprocess.run([*command, "families", "--json"], env=environment, capture_output=True)
    assert json.loads(listed.stdout.decode("utf-8"))


def test_durations_have_units_of_the_language() -> None:
    assert (age(90_061), age(0)) == ("1d 1h", "0s")
    speak("zh")
    assert (age(90_061), age(0)) == ("1天 1小时", "0秒")


# -- finding the message again -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("try again", "请重试"),
        ('two lines, and a "quote"', "两行"),
        ("there is no table 人口", "表 人口 不存在"),
        ("there is no table ", "表  不存在"),
        ("a: there is no column b in c", "a：c 中没有列 b"),
        ("the ledger cannot be read: there is no table x", "无法读取台账：表 x 不存在"),
        ("the ledger cannot be read: out of cheese", "无法读取台账：out of cheese"),
        ("out of cheese", "out of cheese"),
        # what messages are put together with
        ("shop: there is no table x", "shop：表 x 不存在"),
        ("try again: there is no table", "请重试：there is no table"),
        ("try again (SQLITE_BUSY)", "请重试（SQLITE_BUSY）"),
        ("held (sqlite /data/held.db)", "held (sqlite /data/held.db)"),
        ("held: there is no table x", "held：表 x 不存在"),
        ("out of cheese (try again)", "out of cheese（请重试）"),
        ("out of cheese; try again", "out of cheese；请重试"),
    ],
)
def test_a_finished_message_is_known_again(message: str, said: str) -> None:
    assert _SMALL.translate(message) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("[centre] there is no table x → try again", "[centre] 表 x 不存在 → 请重试"),
        ("[centre] out of cheese → try again", "[centre] out of cheese → 请重试"),
        ("[centre] out of cheese", "[centre] out of cheese"),
        ("there is no table x → y", "表 x 不存在 → y"),
        ("try", "try"),
    ],
)
def test_an_error_as_it_writes_itself_is_said_in_its_parts(error: str, said: str) -> None:
    assert _SMALL.fill("shop ended with {0}", [error]) == f"shop 出错：{said}"


def test_a_word_is_said_only_where_words_stand() -> None:
    held = _SMALL.fill("{0} is no longer {1}", ["held", "held"])
    assert held == "held 已不是挂起"
    assert _SMALL.translate("there is no table held") == "表 held 不存在"
    assert _SMALL.translate("the ledger cannot be read: held") == "无法读取台账：held"


def test_where_a_value_may_end_here_or_there_the_message_stays() -> None:
    message = "a: there is no column b in c in d"
    assert _SMALL.translate(message) == message


def test_a_template_without_words_takes_no_message_for_its_own() -> None:
    assert _SMALL.translate("left right") == "left right"
    assert _SMALL.fill("{0} {1}", ["left", "right"]) == "right left"


def test_a_template_that_is_not_known_is_filled_as_it_is() -> None:
    speak("zh")
    assert say("never {0} heard {1} of", "once", 2) == "never once heard 2 of"
    speak("en")
    assert say("{0} open", 3) == "3 open"


# -- nothing is lost ------------------------------------------------------------------------------

_VALUE = st.text(max_size=12) | st.sampled_from(
    [
        *("{0}", "{1!t}", "%s", "\\1", "\n", "张三", "open", "人口 表", "the disk is full"),
        *("a: b", "c; d", "x → y", "[z]", "] ", "'q'", " (e)", " is ", " in ", ", "),
    ]
)


@given(st.data())
@settings(max_examples=400)
def test_no_value_of_a_message_is_lost_or_changed(data: st.DataObject) -> None:
    """Where it is not itself said in Chinese, at a place for such."""
    template = data.draw(st.sampled_from(chinese().templates))
    places = len(template.literals) - 1
    values = data.draw(st.lists(_VALUE, min_size=places, max_size=places))
    message = "".join(map("".join, zip(template.literals, [*values, ""], strict=True)))
    said = chinese().translate(message)
    kept = [value in said or chinese().translate(value) in said for value in values]
    assert said == message or all(kept), values


@given(st.data())
def test_a_certain_reading_is_the_only_one(data: st.DataObject) -> None:
    letters = st.text(alphabet="ab", max_size=6)
    literals = tuple(data.draw(st.lists(letters, min_size=2, max_size=4)))
    message = data.draw(st.text(alphabet="ab", max_size=12))
    template = Template(literals, "")
    readings = list(_readings(literals, message))
    values = template.values(message)
    assert (values is None) == (not readings)
    if values is not None:
        assert values in readings
        assert template.is_certain(message) == (len(readings) == 1)


def _readings(literals: tuple[str, ...], message: str) -> Iterator[list[str]]:
    """Every way in which the message may be made, by trying all."""
    first, *rest = literals
    if not message.startswith(first):
        return
    if not rest:
        if message == first:
            yield []
        return
    tail = message[len(first) :]
    for end in range(len(tail) + 1):
        for more in _readings(tuple(rest), tail[end:]):
            yield [tail[:end], *more]
