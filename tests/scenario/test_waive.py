"""Somebody answers for what nothing puts right: the books keep it, say who and why, and never call
it reconciled."""

from __future__ import annotations

import json
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from bridge.batch import State
from bridge.comparison import reconcile_job
from bridge.deadline.deadline import CHINA
from bridge.decision import reject, switch, waive, waive_besides
from bridge.errors import IllegalMove
from bridge.failpoint import arm, at
from bridge.hold import hold as hold_job
from bridge.ledger.schema import batch_row
from bridge.notice.notice import note_all
from bridge.run import pull_only
from bridge.settings import load
from bridge.statement.assembly import assemble_statement
from bridge.statement.reporting import assemble_report
from connectors.errors import ConfigurationError
from reconcile.report import render_html
from tests.command import Called, call
from tests.scenario.books import FEBRUARY, JANUARY, MANY, Books, seal
from tests.scenario.world import DEPARTMENT, MakeWorld, World, cursor_job, cut_off
from tests.webhook import webhook

Capsys = pytest.CaptureFixture[str]
CHAINS = [("postgresql",) * 3, ("mysql", "mysql", "postgresql"), ("sqlite",) * 3]
on_all = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
WHY = "the register was abolished"


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    return Books(make("sqlite", "sqlite", "sqlite"), capsys)


@pytest.fixture
def small(make: MakeWorld) -> World:
    return make("sqlite", "sqlite", "sqlite")


def deviate(world: World) -> None:
    """Of the five rows of batch 1 one is gone at the target, and is deleted at the source."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 3")
    world.sql("source", "DELETE FROM t WHERE id IN (3, 4)")
    assert world.run().verdict == "deviation"
    assert [batch["state"] for batch in world.batches()] == ["reconciled", "deviated"]


def hold(world: World) -> None:
    """Four deletes are held, behind a batch that has not left."""
    world.make_table(6)
    world.job("j", max_delete=3, **cursor_job())
    world.run_well()
    world.insert([50], stamp=world.now)
    assert world.run("j", pull_only).verdict == "in_flight"
    world.sql("source", "DELETE FROM t WHERE id < 5")
    assert world.run("j", pull_only).verdict == "held"


def take_away(world: World) -> None:
    """The file of the job, the table at the source, and the target."""
    (world.directory / "jobs/j.yaml").unlink()
    world.sql("source", "ALTER TABLE t RENAME TO away")
    path = world.directory / "bridgehead.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    del settings["endpoints"]["source"], settings["endpoints"]["target"]
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")


def status(world: World, capsys: Capsys) -> dict[str, Any]:
    (found,) = call(capsys, "--config", world.directory, "status", "--json").json
    assert isinstance(found, dict)
    return found


def today(world: World, capsys: Capsys, *more: str) -> Called:
    day = datetime.now(CHINA).date()
    period = ("--from", str(day), "--to", str(day + timedelta(days=1)))
    given = ("statement", *period, "--json", "--output", str(world.directory))
    return call(capsys, "--config", world.directory, *given, *more)


def test_what_is_waived_hides_nothing_else_that_holds_the_job(small: World, capsys: Capsys) -> None:
    """Its last run stopped at what it has become since."""
    deviate(small)
    small.job("j", **cursor_job(), target={"endpoint": "target", "table": "u"})
    assert small.run().error is not None
    assert call(capsys, "--config", small.directory, "waive", "j", "2", "--why", WHY).code == 0
    assert status(small, capsys)["verdict"] == "held"
    told = today(small, capsys)
    assert (told.code, told.json["verdict"]) == (1, "held")


@on_all
def test_a_deviation_that_nothing_can_put_right_is_answered_for(
    world: World, capsys: Capsys
) -> None:
    deviate(world)
    findings = world.oracle()
    take_away(world)
    command = ("--config", world.directory, "--lang", "en")
    assert call(capsys, *command, "status").code == 1
    told = call(capsys, *command, "waive", "j", "2", "--why", WHY, "--by", "Li Gong")
    assert (told.code, told.err) == (0, "")
    assert "j: batch 1/2 is waived" in told.out
    shown = call(capsys, *command, "status")
    assert shown.code == 0
    assert f"j: batch 1/2: 1 rows waived by Li Gong on {datetime.now(CHINA):%Y}" in shown.out
    assert f": {WHY}" in shown.out
    found = status(world, capsys)
    (waiver,) = found["waivers"]
    told_of = {name: waiver[name] for name in ("epoch", "seq", "rows", "by", "why")}
    assert told_of == {"epoch": 1, "seq": 2, "rows": 1, "by": "Li Gong", "why": WHY}
    assert (found["verdict"], found["deviation"], found["waived"]) == ("waived", 0, 1)
    assert findings.at_any_moment() == []
    assert findings.false_reconciliations() == []
    numbers = call(capsys, *command, "metrics").out
    for line in ('verdict="waived"} 1.0', 'verdict="reconciled"} 0.0', "_deviation_rows"):
        assert line in numbers
    assert f'bridgehead_waived_rows{{department="{DEPARTMENT}",job="j"}} 1.0' in numbers


def test_who_waived_what_and_why_stands_in_statement_and_report(
    small: World, capsys: Capsys
) -> None:
    deviate(small)
    waive(small.deployment, "j", 2, "李工", WHY)
    told = today(small, capsys, "--format", "html,xlsx,pdf", "--lang", "zh,en")
    assert (told.code, told.json["verdict"], told.json["deviation"]) == (0, "waived", 1)
    (job,) = told.json["jobs"]
    assert (job["deviation_open"], job["waived"]) == (0, {"batches": 1, "rows": 1, "besides": 0})
    (matter,) = job["matters"]
    assert (matter["verdict"], matter["deviation"]) == ("waived", 1)
    assert f"1 rows waived by 李工 on {datetime.now(CHINA):%Y-%m-%d}: {WHY}" in matter["cause"]
    (recount,) = (r for r in told.json["recounts"] if r["code"] == "recount_waived")
    assert small.sql("exchange", recount["sql"]) == [("j", 1, 1)]
    assert told.json["audit"]["entries"][-1]["action"] == "waive"
    html = next(Path(f) for f in told.json["files"] if f.endswith("html")).read_text("utf-8")
    report = assemble_report(small.deployment)
    assert [(one.waived_rows, one.waived_besides) for one in report.jobs] == [(1, 0)]
    for page in (html, render_html(report)):
        for words in (
            "偏差已豁免，账目并不平衡",
            "Deviations waived; the books do not balance",
            "1 行经人工豁免，并未改正",
            f"1 行由 李工 于 {datetime.now(CHINA):%Y-%m-%d} 豁免：{WHY}",
            f"1 rows waived by 李工 on {datetime.now(CHINA):%Y-%m-%d}: {WHY}",
        ):
            assert words in page
        assert "账目平衡</span>" not in page
    (sheet,) = (f for f in told.json["files"] if f.endswith("en.xlsx"))
    rows = CalamineWorkbook.from_path(sheet).get_sheet_by_name("What else needs action")
    assert rows.to_python()[1][1:4] == ["waived: epoch 1, number 2", "waived", 1.0]


def test_a_waiver_is_told_of_every_later_period_until_it_is_put_right(books: Books) -> None:
    with books.open() as ledger:
        batch = seal(ledger, JANUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.RECONCILED)
    waive(books.world.deployment, "a", 1, "tester", WHY)
    told = books.state()
    assert (told.code, told.json["verdict"], told.json["jobs"][0]["deviation"]) == (0, "waived", 0)
    assert told.json["jobs"][0]["waived"] == {"batches": 1, "rows": 2, "besides": 0}
    assert books.recounted(told.json, "recount_waived") == [(1, 2)]
    with books.open() as ledger:
        ledger.new_epoch("anew", "tester")
        ledger.put_right_older()
        assert ledger.batch(1, 1).state is State.RECONCILED  # type: ignore[union-attr]
        assert batch.batch_hash == ledger.batch(1, 1).batch_hash  # type: ignore[union-attr]
    assert books.state().json["verdict"] == "reconciled"


def test_a_resync_puts_right_what_was_waived(small: World) -> None:
    deviate(small)
    waive(small.deployment, "j", 2, "tester", WHY)
    later = small.run()
    assert (later.verdict, later.exit_code, later.deviation, later.waived) == ("waived", 0, 0, 1)
    outcome = small.resync()
    assert (outcome.verdict, outcome.waived) == ("reconciled", 0)
    assert {batch["state"] for batch in small.batches()} == {"reconciled"}
    assert small.findings() == []


@on_all
def test_a_batch_that_is_held_never_leaves(world: World, capsys: Capsys) -> None:
    hold(world)
    findings, job = world.oracle(), (world.directory / "jobs/j.yaml").read_text("utf-8")
    shutil.copy(world.directory / "bridgehead.yaml", world.directory / "kept")
    take_away(world)
    assert status(world, capsys)["verdict"] == "held"
    assert waive(load(world.directory), "j", 3, "tester", WHY).state is State.WAIVED
    assert [b["state"] for b in world.batches()] == ["reconciled", "waived", "waived"]
    found = status(world, capsys)
    assert (found["verdict"], found["held"], found["waived"]) == ("waived", 0, 5)
    told = today(world, capsys)
    assert (told.code, told.json["verdict"]) == (0, "waived")
    assert told.json["jobs"][0]["waived"] == {"batches": 2, "rows": 5, "besides": 0}
    (recount,) = (r for r in told.json["recounts"] if r["code"] == "recount_waived")
    assert world.sql("exchange", recount["sql"]) == [("j", 2, 5)]
    assert "never sent; 4 rows waived by tester" in told.json["jobs"][0]["matters"][1]["cause"]
    assert findings.at_any_moment() == []
    # the file comes back after all, and everything with it
    world.sql("source", "ALTER TABLE away RENAME TO t")
    (world.directory / "jobs/j.yaml").write_text(job, "utf-8")
    shutil.copy(world.directory / "kept", world.directory / "bridgehead.yaml")
    world.run_well()
    assert [b["state"] for b in world.batches()][1:] == ["purged", "purged", "reconciled"]
    assert len(world.sql("target", "SELECT id FROM t")) == 3


def test_what_is_refused(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, JANUARY, State.DEVIATED, 1, MANY)
        ledger.new_epoch("anew", "tester")
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.HELD)
    deployment = books.world.deployment

    def refused(seq: int, epoch: int | None = None, job: str = "a") -> tuple[str, str | None]:
        with pytest.raises((IllegalMove, ConfigurationError)) as error:
            waive(deployment, job, seq, "tester", WHY, epoch)
        return error.value.message, error.value.remedy

    listed = "batches that deviate or are held: 1/2, 2/2, 2/3"
    assert refused(1) == ("a: there is no batch 1 that deviates or is held", listed)
    assert refused(9) == ("a: there is no batch 9 that deviates or is held", listed)
    what, remedy = refused(2)
    assert (what, remedy) == (
        "a: more than one batch 2 deviates or is held",
        "name one with its epoch: 1/2, 2/2",
    )
    what, remedy = refused(3)
    assert what == "a: batch 3 is held, and the job has its file: nothing is waived"
    assert remedy == "bridgehead reject a 3 --why TEXT, or take the file away"
    waive(deployment, "a", 2, "tester", WHY, 1)
    assert refused(2, 1)[0] == "a: batch 1/2 is waived already"
    with books.open("b") as ledger:
        states = {batch.state for batch in ledger.batches()}
    assert states == {State.RECONCILED}
    assert refused(1, job="b")[1] == "no batch of this job deviates or is held"
    assert "nobody" in refused(1, job="nobody")[0]
    with books.connection() as connection:
        named = connection.execute(select(batch_row.c.job).distinct()).scalars()
        assert set(named) == {"a", "b"}
    for wrong in ("x", "1/", "1/x", "/", "/2", "-1"):
        told = books.call("waive", "a", wrong, "--why", WHY)
        assert told.code == 2, wrong
    assert books.call("waive", "a", "2/2", "--why", " ").code == 2
    assert books.call("waive", "a", "2/2", "--why", WHY).code == 0


def test_a_waiver_that_the_audit_log_does_not_tell_of_is_a_fork(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
        ours = batch_row.c.job == "a"
        ledger.connection.execute(update(batch_row).where(ours).values(state="waived"))
    told = books.state()
    assert (told.code, told.json["verdict"]) == (1, "fork")
    assert books.call("report", "--output", str(books.world.directory / "r.html")).code == 1
    assert books.call("status", "--json").json[0]["waivers"] == []


def test_a_waiver_of_a_batch_that_does_not_deviate_any_more_is_a_fork(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
    waive(books.world.deployment, "a", 1, "tester", WHY)
    assert books.state().json["verdict"] == "waived"
    forged = "received_total = 9, received_inserted = 9, deviation = 0"
    books.world.sql("exchange", f"UPDATE bh_batch SET {forged} WHERE job = 'a'")
    assert books.state().json["verdict"] == "fork"


def test_a_waiver_that_was_altered_waives_nothing(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
    waive(books.world.deployment, "a", 1, "tester", WHY)
    altered = """UPDATE bh_audit SET details = replace(details, '"rows":2', '"rows":"none"')"""
    books.world.sql("exchange", altered)
    told = books.call("status")
    assert (told.code, told.err) == (0, "")
    assert books.call("status", "--json").json[0]["waivers"] == []
    assert books.state().json["verdict"] == "fork"


def test_the_event_is_over_and_says_that_it_was_waived(small: World, capsys: Capsys) -> None:
    with webhook() as hook:
        path = small.directory / "bridgehead.yaml"
        settings = yaml.safe_load(path.read_text("utf-8"))
        rule = {"name": "a", "to": {"file": "address"}, "language": "en"}
        (small.directory / "address").write_text(hook.address + "\n", "utf-8")
        path.write_text(yaml.safe_dump(settings | {"alarms": [rule]}), "utf-8")
        deviate(small)
        assert len(hook.take()) == 1
        waive(small.deployment, "j", 2, "Li Gong", WHY)
        note_all(small.deployment)
        (message,) = hook.take()
        assert message["title"] == "[Bridgehead] waived: deviation j"
        said = f"1 rows of batch 1/2 are waived by Li Gong: {WHY}"
        for part in (said, "waived, not put right: "):
            assert part in message["message"]
        small.run()
        assert hook.messages == []
    command = ("--config", small.directory, "--lang", "zh", "events", "--all")
    assert f"批次 1/2 的 1 行由 Li Gong 豁免：{WHY}" in call(capsys, *command).out


def test_an_event_stays_open_while_something_else_deviates(books: Books) -> None:
    """Another batch, or what a comparison has found."""
    deployment = books.world.deployment
    with books.open() as ledger:
        seal(ledger, JANUARY, State.DEVIATED, 1, MANY)
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
    books.call("reconcile", "a")
    waive(deployment, "a", 1, "tester", WHY)
    with books.open() as ledger:
        assert [batch.seq for batch in ledger.open_deviations()] == [2]
        ledger.compared(exchange_rows=9, target_rows=8, missing=1, extra=0, different=0)
    waive(deployment, "a", 2, "tester", WHY)
    (job, _) = books.call("status", "--json").json
    assert (job["verdict"], job["deviation"], job["waived"]) == ("deviation", 1, 3)


LOST = {
    "gap": "DELETE FROM bh_position",
    "fork": f"UPDATE bh_position SET head_hash = '{'f' * 64}'",
}
"""What is done to the target, by what a run then finds."""


@pytest.mark.parametrize("verdict", LOST)
def test_a_gap_or_fork_of_a_job_without_a_file_is_answered_for(
    small: World, capsys: Capsys, verdict: str
) -> None:
    """Nobody can resync it any more; with the file back, the first run finds it again."""
    small.make_table(5)
    small.job("j", **cursor_job())
    small.run_well()
    small.sql("target", LOST[verdict])
    assert small.run().verdict == verdict
    job = (small.directory / "jobs/j.yaml").read_text("utf-8")
    command = ("--config", small.directory, "--lang", "en")
    waiving = (*command, "waive", "j", "--why", WHY, "--by", "Li Gong")
    assert "the job has its file" in call(capsys, *waiving).err
    (small.directory / "jobs/j.yaml").unlink()
    assert (status(small, capsys)["verdict"], today(small, capsys).code) == (verdict, 1)
    done = call(capsys, *waiving)
    assert (done.code, done.err) == (0, "")
    assert "j: waived: the target has " in done.out
    found = status(small, capsys)
    assert (found["verdict"], [waiver["seq"] for waiver in found["waivers"]]) == ("waived", [None])
    events = json.loads(call(capsys, *command, "events", "--all", "--json").out)
    assert [(e["kind"], e["closed_at"] is not None) for e in events] == [(verdict, True)]
    assert events[0]["facts"]["waived"] == f"waived by Li Gong: {WHY}"
    stated = today(small, capsys)
    assert (stated.code, stated.json["verdict"]) == (0, "waived")
    (matter,) = stated.json["jobs"][0]["matters"]
    assert matter["what"] == "waived: beside the batches"
    assert "the target has " in matter["cause"]
    assert verdict_until_waived(small) == "waived"
    chinese = call(capsys, "--config", small.directory, "--lang", "zh", "status").out
    assert "：目标库" in chinese
    (small.directory / "jobs/j.yaml").write_text(job, "utf-8")
    assert small.run().verdict == verdict
    assert status(small, capsys)["verdict"] == verdict
    assert small.resync().verdict == "reconciled"


def verdict_until_waived(world: World) -> str:
    """Of the statement of a period that was over before somebody waived what it tells."""
    ((text,),) = world.sql("exchange", "SELECT at FROM bh_audit WHERE action = 'waive'")
    at = datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    return assemble_statement(world.deployment, at - timedelta(days=1), at).verdict.value


def test_a_gap_is_waived_together_with_what_deviates_beside_it(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.compared(exchange_rows=9, target_rows=8, missing=1, extra=0, different=0)
        ledger.ran("gap", "a: the target lacks batches", 1.0)
    (books.world.directory / "jobs/a.yaml").unlink()
    found = waive_besides(books.world.deployment, "a", "tester", WHY)
    assert found == (
        "the receiver lacks batches; at the target 1 keys missing, 0 extra, 0 different"
    )
    assert books.call("status", "--json").json[0]["verdict"] == "waived"
    assert (books.state().code, books.state().json["verdict"]) == (0, "waived")


def test_the_event_of_a_deviation_is_over_with_the_last_of_them(small: World) -> None:
    def is_open() -> bool:
        query = "SELECT kind FROM bh_event WHERE closed_at IS NULL"
        return ("deviation",) in small.sql("exchange", query)

    deviate(small)
    for role in "target", "source":
        small.sql(role, "DELETE FROM t WHERE id = 5")
    assert small.run().verdict == "deviation"
    waive(small.deployment, "j", 2, "tester", WHY)
    assert is_open()
    small.sql("target", "UPDATE t SET name = 'edited' WHERE id = 1")
    assert reconcile_job(small.deployment, "j").outcome.verdict == "deviation"
    waive(small.deployment, "j", 3, "tester", WHY)
    assert is_open()
    assert small.resync().verdict == "reconciled"
    assert not is_open()


def test_what_stands_beside_is_waived_while_a_batch_still_deviates(small: World) -> None:
    deviate(small)
    small.sql("target", "UPDATE t SET name = 'edited' WHERE id = 1")
    assert reconcile_job(small.deployment, "j").outcome.verdict == "deviation"
    (small.directory / "jobs/j.yaml").unlink()
    open_ones = "SELECT kind FROM bh_event WHERE closed_at IS NULL"
    waive_besides(small.deployment, "j", "tester", WHY)
    assert small.sql("exchange", open_ones) == [("deviation",)]
    waive(small.deployment, "j", 2, "tester", WHY)
    assert small.sql("exchange", open_ones) == []


def test_what_has_arrived_before_a_batch_that_is_held_is_not_waived_with_it(small: World) -> None:
    """Its run was cut off between the receipt and the comparison."""
    small.make_table(6)
    small.job("j", max_delete=3, **cursor_job())
    small.run_well()
    small.insert([50], stamp=small.now)
    small.write(retry=0)
    arm(at("push.noted", 1, cut_off))
    assert small.run().error is not None
    arm(None)
    small.sql("source", "DELETE FROM t WHERE id < 5")
    assert small.run("j", pull_only).verdict == "held"
    (small.directory / "jobs/j.yaml").unlink()
    waive(small.deployment, "j", 3, "tester", WHY)
    assert [b["state"] for b in small.batches()] == ["reconciled", "applied", "waived"]


def test_receipts_that_are_altered_count_beside_what_was_waived(small: World) -> None:
    deviate(small)
    waive(small.deployment, "j", 2, "tester", WHY)
    altered = "UPDATE bh_receipt SET inserted = inserted - 1, total = total - 1 WHERE seq = 1"
    small.sql("target", altered)
    outcome = small.run()
    assert (outcome.verdict, outcome.deviation, outcome.waived) == ("deviation", 1, 1)


def test_a_run_that_is_under_way_is_waited_for(small: World) -> None:
    deviate(small)
    given = (small.deployment, "j", 2, "tester", WHY)
    waiting = threading.Thread(target=waive, args=given)
    with hold_job(small.deployment, small.deployment.job("j"), 0):
        waiting.start()
        waiting.join(0.3)
        assert small.batches()[1]["state"] == "deviated"
    waiting.join()
    assert small.batches()[1]["state"] == "waived"


def test_reject_is_still_the_way_of_a_job_that_has_its_file(small: World) -> None:
    hold(small)
    file = small.directory / "jobs/j.yaml"
    content = file.read_text("utf-8")
    for text in content, "job: j\n":  # also of one whose file cannot be used
        file.write_text(text, "utf-8")
        with pytest.raises(IllegalMove, match="the job has its file"):
            waive(load(small.directory), "j", 3, "tester", WHY)
    file.write_text(content, "utf-8")
    assert reject(small.deployment, "j", 3, "tester", WHY) == 2
    actions = small.sql("exchange", "SELECT action, details FROM bh_audit WHERE action = 'reject'")
    assert [json.loads(details)["seq"] for _, details in actions] == [3]


def test_what_a_comparison_has_found_of_a_job_without_a_file(small: World, capsys: Capsys) -> None:
    """It stands in no batch; should the file come back, the first run opens it again."""
    deviate(small)
    assert reconcile_job(small.deployment, "j").outcome.deviation == 1
    small.sql("target", "DELETE FROM t WHERE id = 5")
    assert reconcile_job(small.deployment, "j").outcome.deviation == 1
    job = (small.directory / "jobs/j.yaml").read_text("utf-8")
    command = ("--config", small.directory, "--lang", "en")
    early = call(capsys, *command, "waive", "j", "--why", WHY)
    assert (early.code, "can be compared again: nothing is waived" in early.err) == (1, True)
    (small.directory / "jobs/j.yaml").unlink()
    assert call(capsys, *command, "waive", "j", "2", "--why", WHY, "--by", "Li Gong").code == 0
    assert status(small, capsys)["verdict"] == "deviation"
    done = call(capsys, *command, "waive", "j", "--why", WHY, "--by", "Li Gong")
    found = "at the target 1 keys missing, 0 extra, 0 different"
    assert (done.code, done.err) == (0, "")
    assert f"j: waived: {found}" in done.out
    shown = call(capsys, *command, "status")
    assert (shown.code, f"j: {found}: 1 rows waived by Li Gong on " in shown.out) == (0, True)
    told = status(small, capsys)
    assert (told["verdict"], told["deviation"], told["waived"]) == ("waived", 0, 1)
    assert [waiver["found"] for waiver in told["waivers"]] == [None, found]
    assert json.loads(call(capsys, *command, "events", "--json").out) == []
    stated = today(small, capsys)
    assert (stated.code, stated.json["verdict"]) == (0, "waived")
    assert [m["what"] for m in stated.json["jobs"][0]["matters"]] == [
        "waived: beside the batches",
        "waived: epoch 1, number 2",
    ]
    assert f"{found}; 1 rows waived by Li Gong" in stated.json["jobs"][0]["matters"][0]["cause"]
    reported = call(capsys, *command, "report", "--output", small.directory / "r.html")
    assert (
        reported.code,
        f"{found}; 1 rows waived" in (small.directory / "r.html").read_text("utf-8"),
    ) == (0, True)
    again = call(capsys, *command, "waive", "j", "--why", WHY)
    assert (again.code, "or it is waived already" in again.err) == (1, True)
    (small.directory / "jobs/j.yaml").write_text(job, "utf-8")
    outcome = small.run()
    assert (outcome.verdict, outcome.deviation) == ("deviation", 1)
    assert status(small, capsys)["verdict"] == "deviation"
    assert small.resync().verdict == "reconciled"


def test_what_is_waived_beside_the_batches_by_nobody_is_a_fork(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.compared(exchange_rows=9, target_rows=8, missing=1, extra=0, different=0)
    (books.world.directory / "jobs/a.yaml").unlink()
    waive_besides(books.world.deployment, "a", "tester", WHY)
    assert (books.state().code, books.state().json["verdict"]) == (0, "waived")
    with books.open() as ledger:  # what was waived was another finding
        ledger.compared(exchange_rows=9, target_rows=8, missing=2, extra=0, different=0)
    told = books.state()
    assert (told.code, told.json["verdict"]) == (1, "fork")
    assert books.call("report", "--output", str(books.world.directory / "r.html")).code == 1


def test_what_was_found_after_a_period_is_not_waived_in_it(books: Books, capsys: Capsys) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.ran("deviation", "the sums differ", 1)
    (books.world.directory / "jobs/a.yaml").unlink()
    waive_besides(books.world.deployment, "a", "tester", WHY)
    assert (books.state().code, books.state().json["verdict"]) == (0, "reconciled")
    assert today(books.world, capsys).json["verdict"] == "waived"


def sums_differ(world: World) -> None:
    """Behind a batch that is held, what the receipts say is altered."""
    hold(world)
    world.sql("target", "UPDATE bh_receipt SET total = total - 1, inserted = inserted - 1")
    assert reconcile_job(world.deployment, "j").outcome.verdict == "deviation"


def test_a_batch_that_is_waived_hides_nothing_beside_it(small: World, capsys: Capsys) -> None:
    """Its epoch ends by that, and nobody looks again."""
    sums_differ(small)
    take_away(small)
    with pytest.raises(IllegalMove, match="batch 1/3 is held, and to waive that later would open"):
        waive_besides(load(small.directory), "j", "tester", WHY)
    waive(load(small.directory), "j", 3, "tester", WHY)
    assert status(small, capsys)["verdict"] == "deviation"
    waive_besides(load(small.directory), "j", "tester", WHY)
    found = status(small, capsys)
    assert (found["verdict"], found["deviation"], len(found["waivers"])) == ("waived", 0, 3)
    assert today(small, capsys).json["verdict"] == "waived"


def test_what_is_waived_beside_the_batches_is_open_until_a_run_has_looked(
    small: World, capsys: Capsys
) -> None:
    sums_differ(small)
    job = (small.directory / "jobs/j.yaml").read_text("utf-8")
    (small.directory / "jobs/j.yaml").unlink()
    waive(load(small.directory), "j", 3, "tester", WHY)
    waive_besides(load(small.directory), "j", "tester", WHY)
    (small.directory / "jobs/j.yaml").write_text(job, "utf-8")
    small.write({"target": {"path": str(small.directory / "nowhere/target.db")}})
    assert small.run().error is not None
    assert status(small, capsys)["verdict"] == "deviation"


def test_a_waiver_of_an_epoch_that_has_ended_is_none(small: World, capsys: Capsys) -> None:
    def compare() -> None:
        small.sql("target", "DELETE FROM t WHERE id = 5")
        assert reconcile_job(small.deployment, "j").outcome.deviation == 1

    deviate(small)
    small.resync()
    compare()
    job = (small.directory / "jobs/j.yaml").read_text("utf-8")
    (small.directory / "jobs/j.yaml").unlink()
    waive_besides(load(small.directory), "j", "tester", WHY)
    (small.directory / "jobs/j.yaml").write_text(job, "utf-8")
    small.resync()
    compare()
    small.sql("exchange", "UPDATE bh_job SET ran_verdict = 'waived'")
    assert today(small, capsys).json["verdict"] == "fork"


def test_a_run_that_is_skipped_says_of_a_waiver_what_status_says(
    small: World, capsys: Capsys
) -> None:
    deviate(small)
    small.resync()
    small.sql("target", "DELETE FROM t WHERE id = 5")
    assert reconcile_job(small.deployment, "j").outcome.deviation == 1
    job = (small.directory / "jobs/j.yaml").read_text("utf-8")
    (small.directory / "jobs/j.yaml").unlink()
    waive_besides(load(small.directory), "j", "tester", WHY)
    (small.directory / "jobs/j.yaml").write_text(job, "utf-8")
    switch(small.deployment, "j", "tester", WHY, on=False)
    skipped = small.run()
    told = (skipped.verdict, skipped.deviation, skipped.waived)
    found = status(small, capsys)
    assert told == (found["verdict"], found["deviation"], found["waived"]) == ("waived", 0, 1)
    switch(small.deployment, "j", "tester", WHY, on=True)
    assert small.run().verdict == "deviation"
