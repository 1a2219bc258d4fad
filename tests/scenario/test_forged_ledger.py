"""Who edits what no hash of the ledger covers: states, receipts and deviations of batches."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bridge.deadline.deadline import CHINA
from bridge.failpoint import arm, at
from bridge.statement.reporting import assemble_report
from reconcile.report import render_html
from tests.command import Called, call
from tests.scenario.world import DEPARTMENT, MakeWorld, World, cursor_job, cut_off

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def deviating(make: MakeWorld) -> World:
    """Of three rows of batch 2 the target swallows one."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        "target",
        "CREATE TRIGGER swallow AFTER INSERT ON t WHEN NEW.id = 11 "
        "BEGIN DELETE FROM t WHERE id = 11; END",
    )
    world.insert([10, 11, 12])
    assert world.run().verdict == "deviation"
    return world


def told(world: World, capsys: Capsys, *more: str) -> Called:
    day = datetime.now(CHINA).date()
    period = ("--from", str(day), "--to", str(day + timedelta(days=1)))
    given = ("statement", *period, "--json", "--output", str(world.directory), *more)
    return call(capsys, "--config", world.directory, *given)


FORGERIES = {
    "called reconciled": "state = 'reconciled', deviation = 0, reconciled_at = applied_at",
    "called put right": "state = 'reconciled', reconciled_at = applied_at",
    "no deviation": "deviation = 0",
    "a smaller deviation": "deviation = 1, received_total = 1, received_inserted = 1",
    "laid aside": "state = 'purged'",
    "laid aside without a receipt": "state = 'purged', deviation = NULL, received_total = NULL",
    "on its way": "state = 'sealed', deviation = NULL",
    "held": "state = 'held'",
    "waived before it left": "state = 'waived', deviation = NULL, received_total = NULL",
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_batch_that_contradicts_itself_is_a_fork(
    deviating: World, capsys: Capsys, forged: str
) -> None:
    deviating.sql(
        "exchange",
        f"UPDATE bh_batch SET {forged} WHERE seq = 2",
        "UPDATE bh_job SET ran_verdict = 'reconciled'",
        "DELETE FROM bh_event",
    )
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"]) == (1, "fork")
    assert [m["what"] for m in stated.json["jobs"][0]["matters"]] == ["ledger: epoch 1, number 2"]
    file = str(deviating.directory / "report.html")
    reported = call(capsys, "--config", deviating.directory, "report", "--output", file)
    assert (reported.code, "fork" in reported.out) == (1, True)
    outcome = deviating.run()
    assert (outcome.verdict, outcome.exit_code) == ("fork", 1)
    assert "2 was changed after it was sealed" in str(outcome.error)


def test_what_a_resync_puts_right_and_lays_aside_is_no_contradiction(
    deviating: World, capsys: Capsys
) -> None:
    deviating.sql("target", "DROP TRIGGER swallow")
    assert deviating.resync().verdict == "reconciled"
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"], stated.json["deviation"]) == (0, "reconciled", 1)
    assert call(capsys, "--config", deviating.directory, "reconcile", "j").code == 0


@pytest.mark.parametrize(
    ("forged", "place"),
    [
        (
            "UPDATE bh_batch SET state = 'reconciled', reconciled_at = applied_at, "
            "deviation = NULL, received_total = NULL WHERE epoch = 1 AND seq = 2",
            "epoch 1, number 2",
        ),
        (
            "UPDATE bh_batch SET state = 'reconciled', reconciled_at = applied_at WHERE epoch = 2",
            "epoch 2, number 1",
        ),
    ],
    ids=["of an epoch that has ended", "without the row of its job"],
)
def test_a_batch_that_contradicts_itself_wherever_it_stands(
    deviating: World, capsys: Capsys, forged: str, place: str
) -> None:
    assert deviating.resync().verdict == "deviation"
    more = ["DELETE FROM bh_job"] if "epoch 2" in place else []
    deviating.sql("exchange", forged, "DELETE FROM bh_event", *more)
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"]) == (1, "fork")
    assert f"ledger: {place}" in [m["what"] for m in stated.json["jobs"][0]["matters"]]


@pytest.mark.parametrize(
    ("seq", "moment"), [(1, "2099-01-01"), (2, "1999-01-01"), (2, "2099-01-01"), (3, "1999-01-01")]
)
def test_a_batch_that_was_moved_in_time_is_told_where_its_number_lies(
    deviating: World, capsys: Capsys, seq: int, moment: str
) -> None:
    assert told(deviating, capsys).json["jobs"][0]["matters"] == []
    deviating.insert([20])
    deviating.run()
    at = f"{moment}T00:00:00.000000Z"
    deviating.sql("exchange", f"UPDATE bh_batch SET sealed_at = '{at}' WHERE seq = {seq}")
    (job,) = told(deviating, capsys).json["jobs"]
    assert [batch["seq"] for batch in job["batches"]] == sorted({1, 2, 3} - {seq})
    (matter,) = [m for m in job["matters"] if m["verdict"] is None]
    assert (
        matter["what"] == f"time of sealing: 1 of the batches, the first is epoch 1, number {seq}"
    )


# -- what is known besides by others ----------------------------------------------------------


def test_a_job_whose_row_and_file_are_taken_away_stands_in_the_statement(
    deviating: World, capsys: Capsys
) -> None:
    deviating.sql("exchange", "DELETE FROM bh_job", "DELETE FROM bh_event")
    (deviating.directory / "jobs/j.yaml").unlink()
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"], stated.json["deviation"]) == (1, "deviation", 1)
    deviating.sql("exchange", "UPDATE bh_batch SET state = 'purged' WHERE seq = 2")
    assert told(deviating, capsys).json["verdict"] == "fork", "its epoch has not ended"
    deviating.sql("exchange", "DELETE FROM bh_batch")
    assert told(deviating, capsys).json["jobs"] == [], "nothing is left that names it"


def test_a_job_whose_row_and_file_are_taken_away_stands_everywhere(
    deviating: World, capsys: Capsys
) -> None:
    def measured() -> tuple[int, int, bool]:
        verdict = f'bridgehead_job_verdict{{department="{DEPARTMENT}",job="j",verdict="deviation"}}'
        looked = call(capsys, "--config", deviating.directory, "status", "--json")
        (job,) = looked.json
        assert (job["verdict"], job["deviation"], job["epoch"]) == ("deviation", 1, 1)
        (section,) = assemble_report(deviating.deployment).jobs
        assert (section.verdict, section.deviation) == ("deviation", 1)
        listed = call(capsys, "--config", deviating.directory, "batches", "j", "--json").json
        assert [batch["seq"] for batch in listed["batches"]] == [1, 2]
        page = call(capsys, "--config", deviating.directory, "metrics").out
        return job["seq"], section.stream.sent_position.seq, f"{verdict} 1.0" in page

    assert measured() == (2, 2, True)
    deviating.sql("exchange", "DELETE FROM bh_job")
    assert measured() == (2, 2, True)
    (deviating.directory / "jobs/j.yaml").unlink()
    assert measured() == (2, 2, True)


def test_a_job_of_which_the_audit_log_alone_tells_lacks_its_batches(
    deviating: World, capsys: Capsys
) -> None:
    deviating.sql("target", "DROP TRIGGER swallow")
    deviating.resync()
    deviating.sql("exchange", "DELETE FROM bh_job", "DELETE FROM bh_batch")
    (deviating.directory / "jobs/j.yaml").unlink()
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"]) == (1, "gap")
    assert [(job["job"], job["gaps"]) for job in stated.json["jobs"]] == [("j", 2)]
    (section,) = assemble_report(deviating.deployment).jobs
    assert section.verdict == "gap"
    command = ("--config", deviating.directory)
    (job,) = call(capsys, *command, "status", "--json").json
    assert (job["job"], job["verdict"], job["epoch"], job["ran_at"]) == ("j", "gap", 2, None)
    shown = call(capsys, *command, "--lang", "en", "status")
    assert shown.code == 1
    assert "j: the audit log tells of its epochs, and nothing else of the ledger of it" in shown.out
    assert "last run" not in " ".join(shown.out.splitlines()[3:])


def test_an_epoch_whose_begin_the_audit_log_lacks_is_a_fork(
    deviating: World, capsys: Capsys
) -> None:
    """Else the one before it could be taken out whole, with the end of that log."""
    deviating.sql("target", "DROP TRIGGER swallow")
    assert deviating.resync().verdict == "reconciled"
    deviating.sql(
        "exchange",
        "DELETE FROM bh_audit WHERE number > 0",
        "DELETE FROM bh_batch WHERE epoch = 1",
        "DELETE FROM bh_event",
    )
    assert deviating.run().verdict == "reconciled", "what is sent does not depend on it"
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"]) == (1, "fork")
    file = str(deviating.directory / "report.html")
    assert call(capsys, "--config", deviating.directory, "report", "--output", file).code == 1
    looked = call(capsys, "--config", deviating.directory, "reconcile", "j")
    assert looked.code == 1
    assert "epoch 2: its begin is missing in the audit log" in looked.err
    assert "compare it with a backup of the exchange" in looked.err


def test_so_is_one_that_has_no_batch_yet(deviating: World, capsys: Capsys) -> None:
    deviating.write(retry=0)
    arm(at("epoch.begun", 1, cut_off))
    try:
        assert deviating.resync().exit_code == 3
    finally:
        arm(None)
    assert told(deviating, capsys).json["jobs"][0]["forks"] == 0
    deviating.sql("exchange", "DELETE FROM bh_audit WHERE number > 0", "DELETE FROM bh_event")
    assert told(deviating, capsys).json["jobs"][0]["forks"] == 1


def test_a_comparison_misses_an_epoch_that_was_taken_out_whole(
    deviating: World, capsys: Capsys
) -> None:
    deviating.sql("target", "DROP TRIGGER swallow")
    assert deviating.resync().verdict == "reconciled"
    deviating.sql("exchange", "DELETE FROM bh_batch WHERE epoch = 1")
    assert deviating.run().verdict == "reconciled"
    looked = call(capsys, "--config", deviating.directory, "reconcile", "j")
    assert (looked.code, "epoch 1: 1 to 2 are missing" in looked.err) == (1, True)


@pytest.mark.parametrize("details", ["x", "{}", '{"epoch":"x","anchor_hash":1}'])
def test_a_begin_that_is_no_longer_one_is_a_fork(
    deviating: World, capsys: Capsys, details: str
) -> None:
    deviating.sql("target", "DROP TRIGGER swallow")
    deviating.resync()
    deviating.sql("exchange", f"UPDATE bh_audit SET details = '{details}' WHERE number = 1")
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"], stated.json["jobs"][0]["forks"]) == (1, "fork", 1)
    assert stated.json["audit"]["problems"] == ["1 was changed after it was sealed"]


def test_quarantine_that_was_deleted_is_told(make: MakeWorld, capsys: Capsys) -> None:
    """The batches say how many rows were set aside, and the entries how often each of them was:
    also where two rows of one key were."""
    world = make("sqlite", "sqlite", "sqlite")
    world.sql("source", "CREATE TABLE t (id text, name text, updated_at TIMESTAMP)")
    bad = f"(NULL, 'x', {world.ago(3600)})"
    world.sql("source", f"INSERT INTO t VALUES {bad}, {bad}, ('b', 'y', {world.ago(3600)})")
    world.job("j", key=["id"], **cursor_job())
    assert world.run().quarantined == 1
    assert told(world, capsys).json["jobs"][0]["matters"] == []
    world.sql("exchange", "DELETE FROM bh_quarantine")
    (matter,) = told(world, capsys).json["jobs"][0]["matters"]
    assert (matter["what"], matter["verdict"]) == ("Quarantine", None)
    assert "of 2 of the rows that batches have set aside" in matter["cause"]
    assert "of 2 of the rows" in render_html(assemble_report(world.deployment))


def test_an_audit_log_without_any_entry_is_no_whole_one(deviating: World, capsys: Capsys) -> None:
    deviating.sql("exchange", "DELETE FROM bh_audit", "DELETE FROM bh_batch WHERE seq = 2")
    stated = told(deviating, capsys)
    assert (stated.code, stated.json["verdict"]) == (1, "fork")
    assert stated.json["audit"] == {"head": None, "problems": ["0 is missing"], "entries": []}
    disabled = call(capsys, "--config", deviating.directory, "disable", "j", "--why", "over")
    assert disabled.code == 0
    assert told(deviating, capsys).json["audit"]["problems"] != []


def test_a_number_that_was_never_written_is_told_as_that(deviating: World, capsys: Capsys) -> None:
    """And not as a bug of ours, which would keep the auditor from knowing."""
    deviating.sql("exchange", "UPDATE bh_batch SET read = 'x' WHERE seq = 2")
    for command in ("statement", "report", "reconcile", "run"):
        looked = call(capsys, "--config", deviating.directory, *calling(deviating, command))
        assert looked.code == 1, command
        assert "j: batch 1/2 of the ledger holds what was never written there" in looked.err
        assert "compare it with a backup" in looked.err


WORDS = {
    "exchange bh_job ran_verdict": (
        "j: bh_job",
        ("status", "report", "statement", "metrics", "reconcile", "run", "resync"),
    ),
    "exchange bh_batch state": (
        "j: bh_batch",
        ("report", "statement", "metrics", "batches", "purge", "reconcile", "run", "resync"),
    ),
    "exchange bh_batch kind": (
        "j: bh_batch 1/",
        ("report", "statement", "batches", "purge", "reconcile", "run", "resync"),
    ),
    "exchange bh_event kind": ("j: bh_event", ("events", "metrics")),
    "exchange bh_event severity": ("j: bh_event", ("events", "metrics")),
    "target bh_receipt kind": ("j: bh_receipt 1/", ("reconcile", "run", "resync")),
}


@pytest.mark.parametrize(("where", "told"), WORDS.items(), ids=WORDS)
def test_a_word_that_no_release_has_written_is_told_as_that(
    deviating: World, capsys: Capsys, where: str, told: tuple[str, tuple[str, ...]]
) -> None:
    """By every command that reads it, before anything moves."""
    (role, table, column), (place, commands) = where.split(), told
    deviating.sql(role, f"UPDATE {table} SET {column} = 'x'")
    deviating.insert([30])
    for command in commands:
        looked = call(capsys, "--config", deviating.directory, *calling(deviating, command))
        assert looked.code == 1, command
        assert f"found:    {place}" in looked.err, command
        assert " what was never written there: x\n" in looked.err, command
        assert "what a backup of that database has there" in looked.err, command
    assert deviating.sql("target", "SELECT count(*) FROM t WHERE id = 30") == [(0,)]


def calling(world: World, command: str) -> tuple[str, ...]:
    written = ("--output", str(world.directory / "it"))
    return {
        "statement": ("statement", "--from", "2026-01-01", "--to", "2099-01-01", *written),
        "report": ("report", *written),
        "resync": ("resync", "j", "--why", "because"),
        "purge": ("purge", "--dry-run"),
    }.get(command, (command,) if command in ALL else (command, "j"))


ALL = ("status", "metrics", "events")
