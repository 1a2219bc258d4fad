"""Metrics and log lines of a real deployment, read as a machine reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from bridge.batch import State, Tally
from bridge.deadline.deadline import CHINA
from bridge.event import EventKind, Recovery, Sighting
from bridge.ledger.candidate import Candidate
from bridge.ledger.event import Events
from bridge.ledger.schema import batch_row
from bridge.ledger.timeliness import know
from bridge.log import LogFormat, begin
from bridge.metric.exporter import Exporter
from bridge.metric.metric import METRICS
from tests.command import call
from tests.scenario.books import Books, seal
from tests.scenario.world import DEPARTMENT, World, cursor_job

Capsys = pytest.CaptureFixture[str]
Sample = dict[tuple[str, str, str], float]


GROWING = (
    "job_enabled", "lag_seconds", "horizon_age_seconds",
    "last_run_timestamp_seconds", "last_run_duration_seconds",
    "last_batch_timestamp_seconds", "last_batch_duration_seconds",
)  # fmt: skip
"""What is told of a job only as long as it has a file."""


def read(text: str) -> Sample:
    """By metric, job and the last label's value."""
    found: Sample = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("department") == DEPARTMENT
            job = labels.pop("job", "")
            (value,) = labels.values() or ("",)
            found[sample.name, job, value] = sample.value
    return found


def put_exchange_out_of_reach(world: World) -> None:
    file = world.directory / "bridgehead.yaml"
    content = yaml.safe_load(file.read_text("utf-8"))
    content["endpoints"]["exchange"]["port"] = 1
    file.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


@pytest.mark.parametrize("world", [("postgresql",) * 3, ("sqlite",) * 3], indirect=True, ids=str)
def test_every_number_is_that_of_the_books(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job(), catalogue={"update_cycle": "daily"})
    world.job("never", **(cursor_job() | {"target": {"endpoint": "target", "table": "b"}}))
    world.run_well()
    world.sql("source", f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id < 3")
    world.sql("source", "DELETE FROM t WHERE id = 5")
    world.run_well()
    told = call(capsys, "--config", world.directory, "metrics")
    assert (told.code, told.err) == (0, "")
    found = read(told.out)

    batches = world.batches()
    for operation in ("inserted", "updated", "deleted"):
        sent = sum(batch[operation] for batch in batches)
        received = sum(batch[f"received_{operation}"] for batch in batches)
        assert found["bridgehead_rows_sent_today", "j", operation] == sent > 0
        assert found["bridgehead_rows_received_today", "j", operation] == received == sent
    assert found["bridgehead_batches_today", "j", "reconciled"] == len(batches)
    assert found["bridgehead_up", "", ""] == 1
    assert found["bridgehead_job_verdict", "j", "reconciled"] == 1
    assert found["bridgehead_job_verdict", "j", "deviation"] == 0
    assert 0 <= found["bridgehead_lag_seconds", "j", ""] < 120
    assert found["bridgehead_deviation_rows", "j", ""] == 0
    assert found["bridgehead_open_batches", "j", "in_flight"] == 0
    assert found["bridgehead_horizon_age_seconds", "j", ""] == 0
    assert 0 < found["bridgehead_last_run_duration_seconds", "j", ""] < 120
    assert 0 <= found["bridgehead_last_batch_duration_seconds", "j", ""] < 120
    assert found["bridgehead_overdue", "j", ""] == 0
    assert {found["bridgehead_endpoint_up", "", role] for role in world.stores} == {1}
    assert found["bridgehead_job_verdict", "never", "reconciled"] == 0
    assert ("bridgehead_lag_seconds", "never", "") not in found
    assert {name for name, _, _ in found} <= METRICS.keys()
    # Before the first period is due there is no share of those kept.
    assert METRICS.keys() - {name for name, _, _ in found} == {"bridgehead_timeliness_ratio"}


def test_what_is_wrong_is_measured(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 3")
    world.sql("source", "DELETE FROM t WHERE id = 3")
    assert world.run().exit_code == 1
    found = read(call(capsys, "--config", world.directory, "metrics").out)
    assert found["bridgehead_job_verdict", "j", "deviation"] == 1
    assert found["bridgehead_deviation_rows", "j", ""] == 1
    assert found["bridgehead_open_batches", "j", "deviation"] == 1
    assert found["bridgehead_batches_today", "j", "deviation"] == 1
    assert found["bridgehead_events_open", "j", "critical"] == 1
    assert found["bridgehead_rows_sent_today", "j", "deleted"] == 1
    assert found["bridgehead_rows_received_today", "j", "deleted"] == 0
    assert found["bridgehead_job_enabled", "j", ""] == 1
    given = ("--config", world.directory)
    assert call(capsys, *given, "disable", "j", "--why", "until it is put right").code == 0
    assert read(call(capsys, *given, "metrics").out)["bridgehead_job_enabled", "j", ""] == 0
    (world.directory / "jobs/j.yaml").rename(world.directory / "jobs/j.old")
    left = read(call(capsys, *given, "metrics").out)
    gone = {f"bridgehead_{name}" for name in GROWING}
    assert {name for name, job, _ in found if job == "j"} - {name for name, _, _ in left} == gone
    assert left["bridgehead_job_verdict", "j", "deviation"] == 1, "it still stands"
    (world.directory / "jobs/j.yaml").write_text("job: j\n", "utf-8")
    assert gone < {name for name, _, _ in read(call(capsys, *given, "metrics").out)}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=str)
def test_what_stands_in_the_books_is_measured(world: World, capsys: Capsys) -> None:
    """The day is China's, and what claims nothing is counted apart."""
    books, now = Books(world, capsys), datetime.now(UTC)
    midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    world.job("due", **cursor_job(), catalogue={"update_cycle": "daily"})
    with books.open() as ledger:
        for at in (midnight - timedelta(seconds=1), midnight):
            seal(ledger, at.astimezone(UTC), State.RECONCILED)
        seal(ledger, now, State.SEALED)
        ledger.new_epoch("because", "tester")
        ledger.keep_candidates([Candidate(now - timedelta(seconds=900), frozenset({"1"}))])
        know(ledger.connection, DEPARTMENT, ["due"], now - timedelta(days=9))
        events = Events(ledger.connection, DEPARTMENT)
        for kind in (EventKind.GAP, EventKind.FORK):
            events.see(Sighting(kind, "a", facts={"code": kind.value}), now)
        for store in ("target", "exchange"):
            events.see(Sighting(EventKind.STORE, subject=store), now)
    found = read(books.call("metrics").out)
    assert found["bridgehead_batches_today", "a", "reconciled"] == 1
    assert found["bridgehead_batches_today", "a", "superseded"] == 1
    assert found["bridgehead_rows_sent_today", "a", "inserted"] == 1
    assert 900 <= found["bridgehead_horizon_age_seconds", "a", ""] < 1000
    assert found["bridgehead_events_open", "a", "critical"] == 2
    assert {r: found["bridgehead_endpoint_up", "", r] for r in world.stores} == {
        "source": 1,
        "exchange": 1,  # or this could not be told
        "target": 0,
    }
    assert found["bridgehead_overdue", "due", ""] == 1


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=str)
def test_what_was_not_sent_is_not_counted_and_what_is_over_neither(
    world: World, capsys: Capsys
) -> None:
    books, now = Books(world, capsys), datetime.now(UTC) - timedelta(seconds=2)
    with books.open() as ledger:
        old = seal(ledger, now, State.RECONCILED)
        newest = seal(ledger, now, State.RECONCILED, tally=Tally(read=10, inserted=10))
        deviated = seal(ledger, now, State.DEVIATED, lost=1, tally=Tally(read=100, inserted=100))
        ledger.move(deviated, State.WAIVED)
        for state in (State.WAIVED, State.PURGED):
            ledger.move(seal(ledger, now, State.HELD, tally=Tally(read=1000, inserted=1000)), state)
        seal(ledger, now, State.HELD, tally=Tally(read=10000, inserted=10000))
        ledger.move(old, State.PURGED)
        c = batch_row.c
        for batch, seconds in ((old, 1), (newest, 2)):
            done = update(batch_row).where(c.job == "a", c.seq == batch.seq)
            ledger.connection.execute(done.values(reconciled_at=now + timedelta(seconds=seconds)))
        moments = (now - timedelta(seconds=900), now - timedelta(seconds=60))
        ledger.keep_candidates(Candidate(at, frozenset({"1"})) for at in moments)
        events = Events(ledger.connection, DEPARTMENT)
        events.see(Sighting(EventKind.GAP, "a"), now)
        events.see(Sighting(EventKind.FORK, "a"), now)
        events.recover(Recovery(EventKind.GAP, "a"), now)
    found = read(books.call("metrics").out)
    assert found["bridgehead_rows_sent_today", "a", "inserted"] == 1 + 10 + 100
    assert found["bridgehead_rows_received_today", "a", "inserted"] == 1 + 10 + 99
    assert found["bridgehead_last_batch_duration_seconds", "a", ""] == 2
    assert 900 <= found["bridgehead_horizon_age_seconds", "a", ""] < 1000
    assert found["bridgehead_events_open", "a", "critical"] == 1
    assert found["bridgehead_batches_today", "a", "held"] == 1
    assert found["bridgehead_batches_today", "a", "superseded"] == 1
    assert found["bridgehead_batches_today", "a", "waived"] == 2


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=str)
def test_no_batch_lies_ahead(world: World, capsys: Capsys) -> None:
    """Where a clock was ahead, how long ago the last one was is told by those before."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.run_well()
    ahead = "UPDATE bh_batch SET reconciled_at = '2999-01-01T00:00:00.000000Z' WHERE seq = 2"
    world.sql("exchange", ahead)
    found = read(call(capsys, "--config", world.directory, "metrics").out)
    last = found["bridgehead_last_batch_timestamp_seconds", "j", ""]
    assert 0 <= datetime.now(UTC).timestamp() - last < 120


def test_a_ledger_that_is_down_is_said_and_a_new_one_is_empty(world: World, capsys: Capsys) -> None:
    world.job("j", **cursor_job())
    new = call(capsys, "--config", world.directory, "metrics")
    assert (new.code, read(new.out)["bridgehead_up", "", ""]) == (0, 1)
    assert world.sql("exchange", "SELECT to_regclass('bh_job')") == [(None,)]

    put_exchange_out_of_reach(world)
    told = call(capsys, "--config", world.directory, "metrics")
    assert told.code == 3
    found = read(told.out)
    assert (found["bridgehead_up", "", ""], found["bridgehead_endpoint_up", "", "exchange"]) == (
        0,
        0,
    )
    assert not any(job for _, job, _ in found)
    assert "127.0.0.1" in told.err
    assert "127.0.0.1" not in told.out


def test_the_server_reads_changed_files_and_answers_while_the_ledger_is_down(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.metric.exporter._KEPT_SECONDS", -1.0)
    begin(LogFormat.TEXT)
    world.job("j", **cursor_job())
    exporter = Exporter(world.deployment)

    def names() -> dict[str, float]:
        return {f.name: f.samples[0].value for f in exporter.collect()}

    assert names()["bridgehead_configuration_problems"] == 0
    (world.directory / "jobs/bad.yaml").write_text("job: [", "utf-8")
    assert names()["bridgehead_configuration_problems"] > 0
    put_exchange_out_of_reach(world)
    assert names()["bridgehead_up"] == names()["bridgehead_up"] == 0
    assert capsys.readouterr().err.count("the ledger cannot be read") == 1
    (world.directory / "jobs/bad.yaml").unlink()
    assert names()["bridgehead_configuration_problems"] == 0
    (world.directory / "bridgehead.yaml").write_text("[", "utf-8")
    for _ in range(2):
        assert names()["bridgehead_up"] == 0
        assert names()["bridgehead_configuration_problems"] > 0
    world.write()
    assert names()["bridgehead_up"] == 1
    assert names()["bridgehead_configuration_problems"] == 0


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=str)
def test_the_command_serves_until_it_is_ended(world: World) -> None:
    world.job("j", **cursor_job())
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "--log-format", "json"]
    command += ["--config", str(world.directory), "metrics", "--serve", "--port", "0"]
    environment = os.environ | {"no_proxy": "127.0.0.1"}
    serving = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert serving.stderr is not None
        message = json.loads(serving.stderr.readline())["message"]
        address = message.removeprefix("metrics at ")
        assert address.startswith("http://127.0.0.1:")
        with closing(urllib.request.urlopen(address, timeout=30)) as answer:
            assert read(answer.read().decode())["bridgehead_up", "", ""] == 1
    finally:
        serving.terminate()
        serving.communicate(timeout=30)


def test_every_line_of_a_run_is_json_and_names_its_batch(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    given = ("--config", world.directory, "--log-format=json")
    told = call(capsys, "run", "j", *given)
    assert told.code == 0
    lines = [json.loads(line) for line in told.err.splitlines()]
    assert all({"time", "level", "message", "job"} <= line.keys() for line in lines)
    about_batches = [(line["epoch"], line["seq"]) for line in lines if "seq" in line]
    assert about_batches == [(1, 1), (1, 1)]  # sealed, reconciled
    assert all(line["time"].endswith("Z") for line in lines)
    world.sql("target", "DELETE FROM bh_receipt", "DELETE FROM bh_position")
    world.sql("source", f"UPDATE t SET name = '张三', updated_at = {world.now} WHERE id = 1")
    told = call(capsys, "run", "j", *given)
    assert told.code == 1
    errors = [json.loads(line) for line in told.err.splitlines()]
    assert errors[-1]["level"] == "error"
    assert (errors[-1]["job"], errors[-1]["tried"]) == ("j", "run j")
    assert errors[-1]["remedy"]
    assert "张三" not in told.err
    begin(LogFormat.TEXT)
