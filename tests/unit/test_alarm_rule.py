"""Alarm rules and the calendar as an operator writes them."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.configuration.problem import ConfigurationProblems
from bridge.event import EventKind, Observation, Recovery, Severity, Sighting
from bridge.eventwording import happened, name_of, remedy_of, severity_word
from bridge.ledger.event import EventEntry
from bridge.notice.aside import Aside, forget, recall, remember
from bridge.settings import Deployment, load

BEGUN = datetime(2025, 3, 5, tzinfo=UTC)
ADDRESS = "dingtalk://5ecret70ken"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "jobs").mkdir()
    place = {"endpoint": "s", "table": "t"}
    job = {"job": "j", "source": place, "target": {"endpoint": "s", "table": "u"}, "key": ["id"]}
    dump(tmp_path / "jobs/j.yaml", job | {"capture": {"method": "compare"}})
    return tmp_path


def dump(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


def settled(directory: Path, **more: Any) -> Deployment:
    basic = {
        "department": {"code": "113301000024895242", "name": "局"},
        "endpoints": {"s": {"family": "sqlite", "path": "s.db"}},
        "exchange": "s",
    }
    dump(directory / "bridgehead.yaml", basic | more)
    return load(directory)


def refused(directory: Path, *alarms: object) -> list[str]:
    with pytest.raises(ConfigurationProblems) as problems:
        settled(directory, alarms=[*alarms])
    return [str(problem) for problem in problems.value.problems]


def test_a_rule_and_its_defaults(directory: Path) -> None:
    (rule,) = settled(directory, alarms=[{"to": {"env": "DUTY"}}]).settings.alarms
    assert (rule.called, rule.language, rule.repeat_after) == ("env DUTY", "zh", 4 * 3600)
    assert rule.wants(EventKind.QUARANTINE, Severity.WARNING, "j")


def test_a_rule_chooses_by_severity_kind_and_job(directory: Path) -> None:
    wish = {"severity": "error", "events": ["overdue", "store", "quarantine"], "jobs": ["j"]}
    (rule,) = settled(directory, alarms=[{"to": {"env": "DUTY"}} | wish]).settings.alarms
    assert rule.wants(EventKind.OVERDUE, Severity.ERROR, "j")
    assert rule.wants(EventKind.STORE, Severity.ERROR, None)
    assert not rule.wants(EventKind.OVERDUE, Severity.ERROR, "other")
    assert not rule.wants(EventKind.GAP, Severity.CRITICAL, "j")
    assert not rule.wants(EventKind.QUARANTINE, Severity.WARNING, "j")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"to": ADDRESS}, "must not stand here as text"),
        ({"to": {"env": "A", "file": "b"}}, "either env or file"),
        ({}, "is missing"),
        ({"to": {"env": "A"}, "severty": "error"}, "did you mean 'severity'?"),
        ({"to": {"env": "A"}, "events": ["deviaton"]}, "deviaton"),
        ({"to": {"env": "A"}, "repeat_after": "5s"}, "repeat_after"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_without_the_address(
    directory: Path, rule: dict[str, object], told: str
) -> None:
    problems = refused(directory, rule)
    assert any(told in problem for problem in problems), problems
    assert all(problem.startswith("bridgehead.yaml:") for problem in problems)
    assert "5ecret" not in " ".join(problems)


def test_a_rule_for_a_job_that_is_gone_is_told_and_stops_nothing(directory: Path) -> None:
    deployment = settled(directory, alarms=[{"to": {"env": "A"}, "jobs": ["j", "gone"]}])
    (problem,) = map(str, deployment.problems)
    assert problem.startswith("bridgehead.yaml:")
    assert "alarms[0].jobs[1]: unknown job 'gone'" in problem
    assert ([*deployment.jobs], deployment.bad_jobs) == (["j"], ())
    assert [rule.jobs for rule in deployment.settings.alarms] == [("j", "gone")]


def test_two_rules_need_two_names(directory: Path) -> None:
    rule = {"to": {"env": "A"}}
    assert "another rule is called 'env A' too" in refused(directory, rule, rule)[0]
    names = [rule | {"name": name} for name in "ab"]
    assert len(settled(directory, alarms=names).settings.alarms) == 2


def test_a_bad_calendar_is_told_and_stops_nothing(directory: Path) -> None:
    content = {"holidays": {"2027-13-01": "x"}, "workdays": {"2027-01-02": "y"}}
    dump(directory / "calendar.yaml", content)
    deployment = settled(directory, calendar="calendar.yaml")
    assert [str(p).partition(":")[0] for p in deployment.problems] == ["calendar.yaml"]
    assert (deployment.calendar, [*deployment.jobs]) == (None, ["j"])
    missing = settled(directory, calendar="none.yaml")
    assert [p.file for p in missing.problems] == ["none.yaml"]


def test_a_day_cannot_be_both(directory: Path) -> None:
    both = {"holidays": {"2027-01-02": "x"}, "workdays": {"2027-01-02": "y"}}
    dump(directory / "calendar.yaml", both)
    (problem,) = settled(directory, calendar="calendar.yaml").problems
    assert "is among the holidays too" in str(problem)


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_words_in_both_languages(kind: EventKind) -> None:
    facts = dict.fromkeys(("deviation", "holders", "cycle", "due", "last", "open"), "X")
    facts |= dict.fromkeys(("limit", "code", "failure", "found"), "X")
    entry = EventEntry(1, "j", kind, "S", kind.severity, facts, BEGUN, BEGUN, 1)
    for language in ("zh", "en"):
        told = happened(entry, language) + remedy_of(entry, language)  # type: ignore[arg-type]
        assert "{" not in told
        assert "?" not in told
        assert name_of(kind, language)  # type: ignore[arg-type]
        assert severity_word(kind.severity, language)  # type: ignore[arg-type]
    assert name_of(kind, "zh") != name_of(kind, "en")


def test_the_manual_lists_every_kind_with_its_severity() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/alarms.md").read_text("utf-8")
    for kind in EventKind:
        assert f"| `{kind}` | {name_of(kind, 'zh')} | {kind.severity} |" in page


def test_what_two_looks_have_shown_adds_up() -> None:
    seen = [Sighting(EventKind.GAP, job) for job in "ab"]
    over = [Recovery(EventKind.FORK, job) for job in "ab"]
    one, other = (Observation((seen[n],), (over[n],)) for n in (0, 1))
    assert one + other == Observation(tuple(seen), tuple(over))


def test_what_is_remembered_aside_lies_in_a_folder_of_ones_own(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    deployment, aside = settled(directory), Aside(BEGUN, {"all": BEGUN}, {"other": BEGUN})
    remember(deployment, aside)
    assert recall(deployment) == aside
    forget(deployment)
    assert recall(deployment) is None
    remember(deployment, aside)
    stranger = os.getuid() + 1
    (tmp_path / f"bridgehead-{os.getuid()}").rename(tmp_path / f"bridgehead-{stranger}")
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    assert recall(deployment) is None  # the folder bears the stranger's name, and is not theirs
    remember(deployment, Aside(BEGUN))
    monkeypatch.undo()
    (tmp_path / f"bridgehead-{stranger}").rename(tmp_path / f"bridgehead-{os.getuid()}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert recall(deployment) == aside
