"""Lines of the log: text for a person, JSON for a machine, and what each is about."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import Gap
from bridge.log import LogFormat, about, begin, in_json, log, log_error, wanted
from connectors.errors import ConfigurationError

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def text_again() -> Iterator[None]:
    yield
    begin(LogFormat.TEXT)


def lines(capsys: Capsys) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_text_has_a_time_on_what_goes_on_and_none_on_a_warning(capsys: Capsys) -> None:
    begin(LogFormat.TEXT)
    log.info("j 1/2 delta sealed")
    log.warning("an alarm could not be sent")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d j 1/2 delta sealed", first)
    assert second == "an alarm could not be sent"


def test_no_name_in_a_line_forges_another_or_steers_the_terminal(capsys: Capsys) -> None:
    begin(LogFormat.TEXT)
    log.warning("%s is taken", "a\r\n2026-03-01 02:00:00 j 1/9 reconciled\x1b[8m\u202e\x9b.csv")
    (line,) = capsys.readouterr().err.splitlines()
    assert line == r"a\r\n2026-03-01 02:00:00 j 1/9 reconciled\x1b[8m\u202e\x9b.csv is taken"


def test_a_line_says_when_how_grave_and_what_it_is_about(capsys: Capsys) -> None:
    begin(LogFormat.JSON)
    assert in_json()
    with about("人口", 3, 41):
        log.warning("late: %s", 7)
    log.info("done")
    told, done = lines(capsys)
    at = datetime.fromisoformat(told.pop("time"))
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert told == {
        "level": "warning",
        "message": "late: 7",
        "job": "人口",
        "epoch": 3,
        "seq": 41,
    }
    assert done.keys() == {"time", "level", "message"}


def test_a_batch_is_named_in_its_own_thread_and_by_nobody_else(capsys: Capsys) -> None:
    begin(LogFormat.JSON)

    def work(seq: int) -> None:
        with about("j", 1, seq):
            barrier.wait(5)
            log.info("seq %s", seq)

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(seq,)) for seq in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((line["seq"], line["message"]) for line in lines(capsys)) == [
        (1, "seq 1"),
        (2, "seq 2"),
    ]


def test_an_error_is_about_the_batch_it_was_raised_for_wherever_it_is_told(capsys: Capsys) -> None:
    begin(LogFormat.JSON)
    with pytest.raises(Gap) as raised, about("j"), about("j", 2, 9):
        raise Gap("does not follow", endpoint="centre", remedy="resync")
    log_error(raised.value, "run j", "centre (postgresql 10.0.0.1:5432/b)")
    (told,) = lines(capsys)
    assert (told["job"], told["epoch"], told["seq"]) == ("j", 2, 9)
    assert (told["level"], told["message"]) == ("error", "does not follow")
    assert (told["tried"], told["remedy"], told["code"]) == ("run j", "resync", raised.value.code)


def test_no_value_of_a_row_is_told_by_a_library_or_an_exception(capsys: Capsys) -> None:
    begin(LogFormat.JSON)
    logging.getLogger("driver").error("row %s", "张三 110101199003070134")
    try:
        raise KeyError("张三")
    except KeyError:
        log.exception("it broke")
    library, ours = lines(capsys)
    assert "张三" not in json.dumps([library, ours], ensure_ascii=False)
    assert library["message"].startswith("driver: ")
    assert ours["exception"] == "KeyError"


def test_the_format_is_the_options_then_the_variables_then_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BRIDGEHEAD_LOG", raising=False)
    assert wanted(None) is LogFormat.TEXT
    monkeypatch.setenv("BRIDGEHEAD_LOG", "json")
    assert wanted(None) is LogFormat.JSON
    assert wanted(LogFormat.TEXT) is LogFormat.TEXT
    monkeypatch.setenv("BRIDGEHEAD_LOG", "xml")
    with pytest.raises(ConfigurationError, match="xml"):
        wanted(None)


def test_beginning_again_tells_each_line_once(capsys: Capsys) -> None:
    for chosen in (LogFormat.JSON, LogFormat.TEXT, LogFormat.JSON):
        begin(chosen)
    log.info("once")
    assert [line["message"] for line in lines(capsys)] == ["once"]
