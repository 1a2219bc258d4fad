"""status and report: from the ledger alone, also while source and target are down."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.command import call
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def ran(world: World, capsys: Capsys) -> World:
    world.make_table(5)
    world.job("j", title="测试", **cursor_job())
    world.job("never", **(cursor_job() | {"target": {"endpoint": "target", "table": "b"}}))
    assert call(capsys, "--config", world.directory, "run", "j").code == 0
    return world


def cut_off_source_and_target(world: World) -> None:
    file = world.directory / "bridgehead.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for role in ("source", "target"):
        content["endpoints"][role]["port"] = 1
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_status_works_while_source_and_target_are_down(ran: World, capsys: Capsys) -> None:
    cut_off_source_and_target(ran)
    told = call(capsys, "--config", ran.directory, "status", "--json")
    assert told.code == 0
    done, never = told.json
    assert (done["job"], done["title"], done["verdict"]) == ("j", "测试", "reconciled")
    assert (done["epoch"], done["seq"], done["in_flight"], done["deviation"]) == (1, 1, 0, 0)
    assert 0 <= done["lag_seconds"] < 60
    assert (done["guarantee"], done["configured"], done["enabled"]) == ("lossless", True, True)
    assert done["ran_error"] is None
    assert (never["job"], never["verdict"], never["epoch"]) == ("never", None, None)


def test_a_failed_run_stays_visible(ran: World, capsys: Capsys) -> None:
    cut_off_source_and_target(ran)
    hurry(ran)
    assert call(capsys, "--config", ran.directory, "run", "j").code == 3
    (done, _) = call(capsys, "--config", ran.directory, "status", "--json").json
    assert "127.0.0.1" in done["ran_error"]
    shown = call(capsys, "--config", ran.directory, "status").out
    assert "127.0.0.1" in shown
    assert "(last run failed)" in shown


def test_a_stopped_job_without_a_batch_needs_a_person(ran: World, capsys: Capsys) -> None:
    ran.sql("exchange", "DELETE FROM bh_batch", "UPDATE bh_job SET ran_verdict = 'fork'")
    told = call(capsys, "--config", ran.directory, "status", "--json")
    assert (told.code, told.json[0]["verdict"]) == (1, "fork")


def hurry(world: World) -> None:
    file = world.directory / "bridgehead.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("retry: 5", "retry: 0"), "utf-8")


def stood(world: World, capsys: Capsys) -> tuple[int, str, int]:
    told = call(capsys, "--config", world.directory, "status", "--json")
    return told.code, told.json[0]["verdict"], told.json[0]["deviation"]


@pytest.mark.parametrize(
    ("forged", "found"),
    [
        ("DELETE FROM bh_position", ("gap", 0)),
        ("UPDATE bh_receipt SET digest = 'other'", ("deviation", 1)),
    ],
    ids=["gap", "deviation"],
)
def test_what_a_run_found_stands_until_another_has_gone_through(
    ran: World, capsys: Capsys, forged: str, found: tuple[str, int]
) -> None:
    """One that did not get as far as to look has not seen that it is over."""
    hurry(ran)
    ran.sql("target", forged)
    told = call(capsys, "--config", ran.directory, "run", "j")
    assert told.code == 1
    next_step = "bridgehead reconcile j finds the rows" if found[1] else "bridgehead resync j --why"
    assert next_step in told.out + told.err
    assert "nothing to do" not in told.out
    assert stood(ran, capsys) == (1, *found)
    assert (
        call(capsys, "--config", ran.directory, "report", "--output", ran.directory / "r").code == 1
    )
    configured = (ran.directory / "bridgehead.yaml").read_text(encoding="utf-8")
    cut_off_source_and_target(ran)
    assert call(capsys, "--config", ran.directory, "run", "j").code == 3
    assert stood(ran, capsys) == (1, *found)
    (ran.directory / "bridgehead.yaml").write_text(configured, encoding="utf-8")
    assert call(capsys, "--config", ran.directory, "resync", "j", "--why", "seen").code == 0
    assert stood(ran, capsys) == (0, "reconciled", 0)


def test_what_is_worse_takes_the_place_of_a_deviation(ran: World, capsys: Capsys) -> None:
    hurry(ran)
    for forged, found in (
        ("UPDATE bh_receipt SET digest = 'other'", ("deviation", 1)),
        ("DELETE FROM bh_position", ("gap", 0)),
    ):
        ran.sql("target", forged)
        assert call(capsys, "--config", ran.directory, "run", "j").code == 1
        assert stood(ran, capsys) == (1, *found)


def test_status_makes_nothing_in_a_new_exchange(world: World, capsys: Capsys) -> None:
    world.job("j", **cursor_job())
    told = call(capsys, "--config", world.directory, "status", "--json")
    assert (told.code, told.json[0]["verdict"]) == (0, None)
    assert world.sql("exchange", "SELECT to_regclass('bh_job')") == [(None,)]
    assert call(capsys, "--config", world.directory, "batches", "j", "--json").json["batches"] == []
    assert call(capsys, "--config", world.directory, "batches", "i").code == 2


def test_a_broken_job_file_is_told_and_its_job_still_shown(ran: World, capsys: Capsys) -> None:
    (ran.directory / "jobs/j.yaml").write_text("job: [", encoding="utf-8")
    told = call(capsys, "--config", ran.directory, "status", "--json")
    assert [(job["job"], job["configured"]) for job in told.json] == [("j", False), ("never", True)]
    assert "jobs/j.yaml" in told.err


def test_the_report_is_one_page_from_the_ledger(ran: World, capsys: Capsys, tmp_path: Path) -> None:
    cut_off_source_and_target(ran)
    page = tmp_path / "page.html"
    told = call(capsys, "--config", ran.directory, "report", "j", "--output", page)
    assert told.code == 0
    assert str(page) in told.out
    html = page.read_text(encoding="utf-8")
    assert "测试" in html
    assert "账目平衡" in html
    assert call(capsys, "--config", ran.directory, "report", "nojob").code == 2
