"""quarantine: rows set aside are listed masked, and read again when somebody asks for it."""

from __future__ import annotations

import pytest

from tests.command import call
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]

GOOD, BAD = "110101199003070134", "110101199003070137"


@pytest.fixture
def quarantined(world: World) -> World:
    """One row of two breaks its rule; the sweep is not due before tomorrow."""
    world.sql(
        "source",
        "CREATE TABLE t (n integer PRIMARY KEY, id_no text, updated_at timestamptz)",
        f"INSERT INTO t SELECT 1, '{GOOD}', now() - interval '1 h'",
        f"INSERT INTO t SELECT 7654321, '{BAD}', now() - interval '1 h'",
    )
    columns = {"n": {}, "id_no": {"rule": "resident_id"}, "updated_at": {}}
    world.job("j", columns=columns, **cursor_job(deletes={"sweep": "daily"}, overlap=0))
    world.run_well()
    return world


def test_entries_are_masked_and_counted(quarantined: World, capsys: Capsys) -> None:
    listed = call(capsys, "--config", quarantined.directory, "quarantine", "j", "--json")
    assert listed.code == 0
    assert listed.json["open"] == 1
    (entry,) = listed.json["entries"]
    assert (entry["column"], entry["reason"], entry["seen"]) == ("id_no", "check_digit", 1)
    shown = call(capsys, "--config", quarantined.directory, "quarantine", "j")
    for text in (listed.out, shown.out, shown.err):
        assert BAD not in text
        assert "7654321" not in text


def test_every_run_says_what_is_set_aside(quarantined: World, capsys: Capsys) -> None:
    """Also one that finds no change: a verdict alone would be taken for the whole story."""
    told = call(capsys, "--config", quarantined.directory, "run", "j")
    assert told.code == 0
    assert told.out.rstrip().endswith("1 quarantined")


def test_a_retry_reads_the_row_again_though_its_stamp_is_old(
    quarantined: World, capsys: Capsys
) -> None:
    quarantined.sql("source", f"UPDATE t SET id_no = '{GOOD}' WHERE n > 1")
    assert call(capsys, "--config", quarantined.directory, "run", "j").code == 0
    assert quarantined.sql("target", "SELECT count(*) FROM t") == [(1,)]
    retry = ("quarantine", "j", "--retry", "--json")
    told = call(capsys, "--config", quarantined.directory, *retry)
    assert (told.code, told.json["verdict"]) == (0, "reconciled")
    assert [batch["late"] for batch in told.json["batches"]] == [1]
    assert quarantined.sql("target", "SELECT count(*) FROM t") == [(2,)]
    listed = call(capsys, "--config", quarantined.directory, "quarantine", "j", "--json")
    assert listed.json["open"] == 0


def test_without_a_sweep_a_retry_says_what_to_do(quarantined: World, capsys: Capsys) -> None:
    columns = {"n": {}, "id_no": {"rule": "resident_id"}, "updated_at": {}}
    quarantined.job("j", columns=columns, **cursor_job(deletes={"sweep": "off"}))
    told = call(capsys, "--config", quarantined.directory, "quarantine", "j", "--retry")
    assert told.code == 2
    assert "capture.deletes.sweep" in told.err


def test_an_unknown_job_is_refused(quarantined: World, capsys: Capsys) -> None:
    assert call(capsys, "--config", quarantined.directory, "quarantine", "jj").code == 2
