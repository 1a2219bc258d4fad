"""Whatever is not in order is told by status, report and metrics alike, of its own job alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bridge.batch import State
from bridge.ledger.chain import ChainProblem
from bridge.ledger.history import History
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from bridge.ledger.schema import batch_row, job_row
from bridge.ledger.verification import verify_ended
from bridge.statement import reporting
from bridge.statement.reporting import assemble_report
from tests.scenario.books import FEBRUARY, JANUARY, MANY, Books, seal
from tests.scenario.world import DEPARTMENT, MakeWorld

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    return Books(make("sqlite", "sqlite", "sqlite"), capsys)


def told(books: Books) -> tuple[dict[str, Any], int]:
    """Job `a` as `status` tells it, and its exit code, which report, its page and metrics share."""
    called = books.call("status", "--json")
    a, b = called.json
    assert (b["verdict"], b["deviation"], b["in_flight"], b["held"]) == ("reconciled", 0, 0, 0)
    page = str(books.world.directory / "report.html")
    report = books.call("report", "--output", page)
    assert (report.code, report.out.split()[-1]) == (called.code, a["verdict"])
    made, other = assemble_report(books.world.deployment).jobs
    assert (made.verdict, other.verdict, other.deviation) == (a["verdict"], "reconciled", 0)
    assert (made.deviation, made.quarantined_open) == (a["deviation"], a["quarantined"])
    assert made.stream.in_flight_batches == a["in_flight"]
    measured = metrics(books)
    verdicts = {verdict for (name, verdict), value in measured.items() if name == VERDICT and value}
    assert verdicts == {a["verdict"]}
    assert measured["bridgehead_deviation_rows", ""] == a["deviation"]
    assert measured["bridgehead_quarantined_rows", ""] == a["quarantined"]
    assert measured["bridgehead_open_batches", "in_flight"] == a["in_flight"]
    assert measured["bridgehead_open_batches", "held"] == a["held"]
    age = a["in_flight_seconds"] or 0
    assert abs(measured["bridgehead_in_flight_age_seconds", ""] - age) < 60
    return a, called.code


VERDICT = "bridgehead_job_verdict"


def metrics(books: Books) -> dict[tuple[str, str], float]:
    """By name and verdict: what is measured of job `a`."""
    lines = re.findall(r'^(\w+)\{([^}]*job="a"[^}]*)\} (\S+)$', books.call("metrics").out, re.M)
    found = {}
    for name, labels, value in lines:
        verdict = re.search(r'verdict="(\w+)"', labels)
        found[name, verdict[1] if verdict else ""] = float(value)
    return found


def test_deviations_of_an_ended_epoch(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.DEVIATED, 3, MANY)
        seal(ledger, FEBRUARY, State.RECONCILED, 4, MANY)
        ledger.new_epoch("because", "tester")
        seal(ledger, FEBRUARY, State.RECONCILED)
    a, code = told(books)
    assert (code, a["verdict"], a["deviation"]) == (1, "deviation", 5)
    assert (a["epoch"], a["seq"]) == (2, 1)
    assert metrics(books)["bridgehead_open_batches", "deviation"] == 2
    assert assemble_report(books.world.deployment).period_from == JANUARY


def test_of_several_jobs_the_last_may_be_the_one_that_needs_somebody(books: Books) -> None:
    for name in "az":
        with books.open(name) as ledger:
            seal(ledger, FEBRUARY, State.RECONCILED if name == "a" else State.HELD)
    called = books.call("status", "--json")
    verdicts = {job["job"]: (job["verdict"], job["configured"]) for job in called.json}
    assert called.code == 1
    assert verdicts["z"] == ("held", False), "its file is gone, and it is still held"
    assert {verdicts[name] for name in "ab"} == {("reconciled", True)}


def test_a_held_batch(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, JANUARY, State.HELD)
        ledger.ran("reconciled", None, 1)
    a, code = told(books)
    assert (code, a["verdict"], a["held"], a["deviation"]) == (1, "held", 1, 0)


@pytest.mark.parametrize("state", [State.SEALED, State.APPLIED])
def test_batches_in_flight(books: Books, state: State) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, state)
        seal(ledger, FEBRUARY + timedelta(days=7), State.SEALED)
        ledger.ran("reconciled", None, 1)
    a, code = told(books)
    assert (code, a["verdict"], a["in_flight"]) == (0, "in_flight", 2)
    with books.connection() as connection:
        connection.execute(update(job_row).values(ran_verdict="gap").where(job_row.c.job == "a"))
    a, code = told(books)
    assert (code, a["verdict"], a["in_flight"]) == (1, "gap", 2)
    oldest = (datetime.now(UTC) - FEBRUARY).total_seconds()
    assert abs(a["in_flight_seconds"] - oldest) < 3600


def test_an_epoch_that_has_only_begun(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        ledger.new_epoch("because", "tester")
    a, code = told(books)
    assert (code, a["verdict"], a["seq"], a["watermark"]) == (0, "in_flight", 0, None)


def test_a_batch_that_was_laid_aside_claims_nothing(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, JANUARY, State.HELD)
        ledger.new_epoch("because", "tester")
    assert [batch.seq for batch in assemble_report(books.world.deployment).jobs[0].batches] == [1]


def test_a_batch_that_was_sealed_under_a_clock_that_was_ahead(books: Books) -> None:
    """Its deviation is open today."""
    with books.open() as ledger:
        seal(ledger, datetime.now(UTC) + timedelta(days=3), State.DEVIATED, lost=1)
        ledger.ran("deviation", None, 1)
    assert told(books)[1] == 1
    (batch,) = assemble_report(books.world.deployment).jobs[0].batches
    assert batch.verdict == "deviation"


@pytest.mark.parametrize("wrong", ["missing", "extra", "different"])
def test_contents_that_differ(books: Books, wrong: str) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        counts = {"missing": 0, "extra": 0, "different": 0} | {wrong: 3}
        ledger.compared(exchange_rows=9, target_rows=9, **counts)
        ledger.ran("reconciled", None, 1)
    a, code = told(books)
    assert (code, a["verdict"], a["deviation"]) == (1, "deviation", 3)
    content = assemble_report(books.world.deployment).jobs[0].content
    assert content is not None
    assert content.verdict == "deviation"


@pytest.mark.parametrize(
    ("verdict", "deviation"), [("gap", 0), ("fork", 0), ("held", 0), ("deviation", 1)]
)
def test_what_the_last_run_has_found(books: Books, verdict: str, deviation: int) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        ledger.ran(verdict, "what was found", 1)
    a, code = told(books)
    assert (code, a["verdict"], a["deviation"]) == (1, verdict, deviation)
    assert a["ran_error"] == "what was found"


def test_rows_set_aside_are_counted_while_they_are(books: Books) -> None:
    keys = [key_text([str(number)]) for number in range(5)]
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        quarantine = Quarantine(ledger.connection, DEPARTMENT, "a")
        quarantine.open_entries([SetAside(key, "too_long") for key in keys], 1, 1)
        quarantine.close(keys[:2], "accepted")
    a, code = told(books)
    assert (code, a["verdict"], a["quarantined"]) == (0, "reconciled", 3)
    listed = books.call("quarantine", "a", "--limit", "1", "--json").json
    assert (listed["open"], len(listed["entries"])) == (3, 1)
    assert "a: 3 open" in books.call("quarantine", "a", "--limit", "1").out


def test_a_chain_that_is_broken_is_in_the_report(books: Books) -> None:
    with books.open() as ledger:
        for _ in range(3):
            seal(ledger, JANUARY, State.RECONCILED)
    page = str(books.world.directory / "report.html")
    assert books.call("report", "--output", page).code == 0
    books.world.sql("exchange", "DELETE FROM bh_batch WHERE job = 'a' AND seq = 2")
    (a, b) = assemble_report(books.world.deployment).jobs
    assert (a.verdict, a.missing_batches, b.verdict) == ("gap", 1, "reconciled")
    assert books.call("report", "--output", page).code == 1
    books.world.sql("exchange", "UPDATE bh_batch SET digest = 'x' WHERE job = 'a' AND seq = 3")
    assert assemble_report(books.world.deployment).verdict == "fork"


def test_what_a_receipt_said_is_in_the_report_and_not_what_was_sent(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.DEVIATED, 2, MANY)
        seal(ledger, JANUARY, State.SEALED, tally=MANY)
        others = update(batch_row).where(batch_row.c.job == "b")
        ledger.connection.execute(others.values(department="another"))
    stream = assemble_report(books.world.deployment, ["a"]).jobs[0].stream
    assert stream.received is not None
    assert (stream.sent.total, stream.received.total, stream.in_flight_rows) == (9, 7, 9)


def test_a_report_is_of_one_moment(
    make: MakeWorld, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sealed while it is made is in none of its figures."""
    books = Books(make("sqlite", "postgresql", "sqlite"), capsys)
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED, tally=MANY)

    def while_it_is_made(history: History) -> list[ChainProblem]:
        with books.open() as ledger:
            seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
        return verify_ended(history)

    monkeypatch.setattr(reporting, "verify_ended", while_it_is_made)
    (made,) = assemble_report(books.world.deployment, ["a"]).jobs
    assert (made.verdict, made.deviation, made.stream.sent_position.seq) == ("reconciled", 0, 1)
    assert [batch.seq for batch in made.batches] == [1]
