"""A statement of February over books that are written by hand: whatever is not in order decides."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import update

from bridge.batch import Kind, State, Tally
from bridge.deadline.deadline import CHINA
from bridge.event import EventKind, Recovery, Sighting
from bridge.ledger.audit import Audit
from bridge.ledger.event import Events
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from bridge.ledger.schema import audit_entry, batch_row, job_row, quarantine_row
from bridge.notice.notice import note_all
from bridge.settings import load
from bridge.statement.assembly import assemble_statement
from bridge.statement.reporting import assemble_report
from reconcile.level import Effects
from reconcile.report import render_html
from tests.command import Called
from tests.scenario.books import DAY, FEBRUARY, JANUARY, MANY, MARCH, Books, seal
from tests.scenario.world import DEPARTMENT, MakeWorld

Capsys = pytest.CaptureFixture[str]

END = datetime(2026, 3, 1, tzinfo=CHINA).astimezone(UTC)
LATE = datetime(2026, 2, 2, 17, tzinfo=UTC)
"""The third of February in China."""


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    return Books(make("sqlite", "sqlite", "sqlite"), capsys)


def judged(told: Called) -> tuple[int, str, str | None, str | None]:
    """Exit code, the conclusion, and the verdict of each job."""
    jobs = {job["job"]: job["verdict"] for job in told.json["jobs"]}
    return told.code, told.json["verdict"], jobs["a"], jobs["b"]


def test_a_deviation_of_an_ended_epoch_decides(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, LATE, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.DEVIATED, 3, MANY)
        seal(ledger, FEBRUARY, State.RECONCILED, 4, MANY)
        ledger.new_epoch("because", "tester")
        seal(ledger, FEBRUARY + DAY, State.RECONCILED)
        seal(ledger, FEBRUARY + DAY, State.RECONCILED)
    told = books.state()
    assert judged(told) == (1, "deviation", "deviation", "reconciled")
    a, b = told.json["jobs"]
    assert (a["deviation"], a["deviation_open"], told.json["deviation"]) == (9, 5, 9)
    assert (a["gaps"], a["forks"], b["forks"], b["deviation"]) == (0, 0, 0, 0)
    days = {day["day"]: day["deviation"] for day in told.json["days"]}
    assert days == {"2026-02-03": 2, "2026-02-10": 7, "2026-02-11": 0}
    assert (a["sent"]["total"], a["received"]["total"]) == (33, 24)
    (row,) = books.recounted(told.json, "recount_batches")
    assert row[-2:] == (9, 0)
    (recount,) = (r for r in told.json["recounts"] if r["code"] == "recount_days")
    recounted = {row[0]: row[-1] for row in books.world.sql("exchange", recount["sql"])}
    assert recounted == days
    closing = (a["closing"]["epoch"], a["closing"]["seq"])
    assert closing == (2, 2) == books.recounted(told.json, "recount_closing")[0][:2]
    assert (a["opening"]["epoch"], a["opening"]["seq"]) == (1, 1)
    assert books.recounted(told.json, "recount_chain") == []
    measured = [r["sql"] for r in told.json["recounts"] if r["code"] == "recount_received"]
    assert "BETWEEN 2 AND 4" in measured[0]
    assert "BETWEEN 1 AND 2" in measured[0]


def test_what_was_open_before_the_period_and_is_so_still_decides(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, MARCH, State.DEVIATED, 1)
    told = books.state()
    assert judged(told) == (1, "deviation", "deviation", "reconciled")
    job = told.json["jobs"][0]
    assert (job["deviation"], job["deviation_open"], len(job["batches"])) == (0, 2, 1)


@pytest.mark.parametrize(
    ("state", "code", "verdict"),
    [(State.HELD, 1, "held"), (State.SEALED, 0, "in_flight"), (State.APPLIED, 0, "in_flight")],
)
def test_what_has_waited_since_before_the_period_decides(
    books: Books, state: State, code: int, verdict: str
) -> None:
    """Of what was sealed after it nothing is said."""
    with books.open() as ledger:
        seal(ledger, JANUARY, state, tally=Tally(read=1, gone=2, inserted=1, deleted=2))
        if state is not State.HELD:
            seal(ledger, MARCH, state, tally=MANY)
    told = books.state()
    assert judged(told) == (code, verdict, verdict, "reconciled")
    job = told.json["jobs"][0]
    waiting, held = job["in_flight"], job["held"]
    found, other = (held, waiting) if state is State.HELD else (waiting, held)
    assert ((found["batches"], found["rows"]), other["batches"]) == ((1, 3), 0)
    recount = "recount_held" if state is State.HELD else "recount_in_flight"
    assert [row[:2] for row in books.recounted(told.json, recount)] == [(1, 3)]
    if state is not State.HELD:
        age = datetime.now(UTC) - JANUARY
        assert abs(waiting["seconds"] - age.total_seconds()) < 3600


def test_what_was_held_after_the_period_is_not_in_it(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, MARCH, State.HELD)
    told = books.state()
    assert judged(told) == (0, "reconciled", "reconciled", "reconciled")
    assert told.json["jobs"][0]["held"] == {"batches": 0, "rows": 0}
    assert books.recounted(told.json, "recount_held") == []


@pytest.mark.parametrize("wrong", ["missing", "extra", "different"])
def test_contents_that_differ_decide_until_the_next_period(books: Books, wrong: str) -> None:
    counts = {"missing": 0, "extra": 0, "different": 0} | {wrong: 2}
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.compared(exchange_rows=9, target_rows=9, **counts)
    told = books.state()
    assert judged(told) == (1, "deviation", "deviation", "reconciled")
    assert told.json["deviation"] == 2
    assert told.json["jobs"][0]["content"][wrong] == 2
    with books.connection() as connection:
        connection.execute(update(job_row).values(compared_at=JANUARY))
    told = books.state()
    assert judged(told) == (0, "reconciled", "reconciled", "reconciled")
    assert told.json["jobs"][0]["content"] is None


def test_a_fork_that_stopped_a_job_decides_for_it_alone(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        events = Events(ledger.connection, DEPARTMENT)
        events.see(Sighting(EventKind.FORK, "a", facts={"code": "fork"}), FEBRUARY)
    assert judged(books.state()) == (1, "fork", "fork", "reconciled")
    with books.open() as ledger:
        Events(ledger.connection, DEPARTMENT).recover(Recovery(EventKind.FORK, "a"), MARCH)
    assert judged(books.state()) == (1, "fork", "fork", "reconciled")
    with books.open() as ledger:
        events = Events(ledger.connection, DEPARTMENT)
        events.see(Sighting(EventKind.GAP, "a", facts={"found": "put right"}), LATE)
        events.see(Sighting(EventKind.FORK, "b", facts={"code": "fork"}), LATE)
        events.recover(Recovery(EventKind.FORK, "b"), FEBRUARY)
        events.see(Sighting(EventKind.FORK, "b", facts={"code": "fork"}), MARCH)
    code, _, a, b = judged(books.state())
    assert (code, a, b) == (1, "fork", "reconciled")


def test_a_gap_that_a_run_has_put_right_decides_nothing(books: Books) -> None:
    """One that has stopped a job does."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        events = Events(ledger.connection, DEPARTMENT)
        events.see(Sighting(EventKind.GAP, "a", facts={"found": "put right"}), LATE)
        events.see(Sighting(EventKind.GAP, "b", facts={"code": "gap"}), LATE)
    assert judged(books.state()) == (1, "gap", "reconciled", "gap")


def test_books_that_do_not_balance_are_not_in_order_though_two_cancel(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, State.RECONCILED)
    for seq, change in ((1, "read + 1"), (2, "read - 1")):
        books.world.sql(
            "exchange", f"UPDATE bh_batch SET read = {change} WHERE job = 'a' AND seq = {seq}"
        )
    told = books.state()
    assert told.code == 1
    a, b = told.json["jobs"]
    assert (a["residual"], [batch["residual"] for batch in a["batches"]]) == (2, [1, -1])
    assert (a["forks"], b["residual"]) == (2, 0)
    assert [row[-1] for row in books.recounted(told.json, "recount_batches")] == [2]


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_batch_that_is_missing_in_the_period_is_a_gap(books: Books, seq: int) -> None:
    with books.open() as ledger:
        ledger.new_epoch("because", "tester")
        for at in (LATE, LATE, FEBRUARY, FEBRUARY):
            seal(ledger, at, State.RECONCILED)
    gone = f"DELETE FROM bh_batch WHERE job = 'a' AND seq BETWEEN {seq} AND {min(3, seq + 1)}"
    books.world.sql("exchange", gone)
    told = books.state()
    assert judged(told) == (1, "gap", "gap", "reconciled")
    assert told.json["jobs"][0]["gaps"] == min(2, 4 - seq)
    (matter,) = (m for m in told.json["jobs"][0]["matters"] if m["verdict"] == "gap")
    numbers = "number 3" if seq == 3 else f"numbers {seq} to {seq + 1}"
    assert matter["what"] == f"missing: epoch 2, {numbers}"
    assert matter["next_step"] == "Send the missing batches again"
    assert len(books.recounted(told.json, "recount_chain")) == 1


def test_every_gap_of_every_epoch_counts(books: Books) -> None:
    with books.open() as ledger:
        for _ in range(6):
            seal(ledger, LATE, State.RECONCILED)
        ledger.new_epoch("because", "tester")
        seal(ledger, FEBRUARY, State.RECONCILED)
    books.world.sql("exchange", "DELETE FROM bh_batch WHERE job = 'a' AND seq IN (2, 4, 5)")
    told = books.state()
    assert judged(told) == (1, "gap", "gap", "reconciled")
    assert (told.json["jobs"][0]["gaps"], told.json["jobs"][0]["forks"]) == (3, 0)


def test_the_auditors_query_finds_every_break_of_the_chain(books: Books) -> None:
    """Another hash under the right number, and the right hash under another number."""
    with books.open() as ledger:
        for _ in range(4):
            seal(ledger, FEBRUARY, State.RECONCILED)
    books.world.sql(
        "exchange",
        "UPDATE bh_batch SET prev_hash = 'x' WHERE job = 'a' AND seq = 2",
        "UPDATE bh_batch SET seq = 9 WHERE job = 'a' AND seq = 4",
    )
    told = books.state().json
    assert [row[:2] for row in books.recounted(told, "recount_chain")] == [(1, 2), (1, 9)]


def test_the_receivers_query_counts_the_batches_of_the_statement_alone(books: Books) -> None:
    """Beside receipts of every other batch, epoch, job and department: each of its own weight."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.new_epoch("because", "tester")
        for state in (State.SEALED, State.RECONCILED, State.RECONCILED):
            seal(ledger, FEBRUARY, state)
        seal(ledger, MARCH, State.RECONCILED)
    told = books.state().json
    places = list(product((DEPARTMENT, "other"), "ab", range(1, 4), range(1, 5)))
    weights = {place: 1 << number for number, place in enumerate(places)}
    books.world.sql(
        "target",
        "CREATE TABLE bh_receipt (department, job, epoch, seq, total, inserted, updated, deleted)",
        *(
            f"INSERT INTO bh_receipt VALUES ('{d}', '{j}', {e}, {s}, {weight}, 1, 2, 3)"
            for (d, j, e, s), weight in weights.items()
        ),
    )
    of = {"a": [(1, 1), (2, 2), (2, 3)], "b": [(1, 2)]}
    counted = [
        row
        for recount in told["recounts"]
        if recount["code"] == "recount_received"
        for row in books.world.sql(recount["store"], recount["sql"])
    ]
    assert counted == [
        (job, n, sum(weights[DEPARTMENT, job, *place] for place in of[job]), n, 2 * n, 3 * n)
        for job in "ab"
        for n in (len(of[job]),)
    ]


def test_receipts_of_before_a_job_was_another_are_apart_in_an_old_statement_too(
    books: Books,
) -> None:
    """In March the job had become another: where its receipts of February are nobody knows."""

    def counted() -> list[str]:
        recounts = books.state("--job", "b").json["recounts"]
        return [r["code"] for r in recounts if r["code"].startswith("recount_received")]

    assert counted() == ["recount_received"]
    another = f"UPDATE bh_batch SET content_hash = '{'d' * 64}' WHERE job = 'b' AND seq = 3"
    books.world.sql("exchange", another)
    assert counted() == ["recount_received_before"]


def test_the_auditors_query_counts_what_the_statement_counts(books: Books) -> None:
    """Of what is sealed in the very moment in which the period ends, neither."""
    with books.open() as ledger:
        tally = Tally(read=6, gone=2, inserted=3, superseded=2, quarantined=2, unchanged=1)
        seal(ledger, FEBRUARY, State.RECONCILED, tally=tally)
        seal(ledger, END, State.RECONCILED)
    told = books.state().json
    (row,) = books.recounted(told, "recount_batches")
    assert (row[0], row[-1], len(told["jobs"][0]["batches"])) == (1, 0, 1)
    assert books.recounted(told, "recount_closing")[0][:2] == (1, 1)
    altered = "UPDATE bh_batch SET prev_hash = 'x' WHERE job = 'a' AND seq = 2"
    books.world.sql("exchange", altered)
    told = books.state().json
    assert (told["jobs"][0]["forks"], books.recounted(told, "recount_chain")) == (0, [])


def test_the_first_batch_of_all_names_nothing_before_it(books: Books) -> None:
    with books.open() as ledger:
        ledger.connection.execute(update(job_row).values(anchor_hash="f" * 64))
        seal(ledger, FEBRUARY, State.RECONCILED)
    told = books.state()
    assert judged(told) == (1, "fork", "fork", "reconciled")


def test_the_first_batch_of_an_epoch_names_where_the_one_before_ended(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.new_epoch("because", "tester")
        seal(ledger, FEBRUARY, State.RECONCILED)
        first = update(batch_row).where(batch_row.c.job == "a", batch_row.c.epoch == 2)
        ledger.connection.execute(first.values(prev_hash="e" * 64))
        forged = ledger.batch(2, 1)
        assert forged is not None
        ledger.connection.execute(first.values(batch_hash=forged.compute_hash()))
    told = books.state()
    assert judged(told) == (1, "fork", "fork", "reconciled")
    assert assemble_report(books.world.deployment, ["a"]).verdict == "fork"


def test_what_claims_nothing_is_in_no_sum(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, State.SEALED, tally=MANY)
        ledger.new_epoch("because", "tester")
        old = seal(ledger, FEBRUARY + DAY, State.RECONCILED)
        ledger.move(old, State.PURGED)
    told = books.state()
    assert judged(told) == (0, "reconciled", "reconciled", "reconciled")
    job = told.json["jobs"][0]
    assert (len(job["batches"]), job["sent"]["total"]) == (2, 6)
    assert books.recounted(told.json, "recount_batches")[0][:2] == (2, 6)


def test_an_image_counts_the_rows_of_its_range(books: Books) -> None:
    with books.open() as ledger:
        tally = Tally(read=7, gone=2, inserted=3, deleted=2, unchanged=4)
        seal(ledger, FEBRUARY, State.RECONCILED, tally=tally, kind=Kind.FIRST)
    told = books.state()
    job = told.json["jobs"][0]
    assert (told.code, job["sent"]["total"], job["sent"]["deleted"]) == (0, 7, 2)
    assert books.recounted(told.json, "recount_batches")[0][:2] == (1, 7)
    (day,) = (day for day in told.json["days"] if day["batches"] == 2)
    assert day["sent"]["total"] == 7 + 3


def test_the_quarantine_is_told_as_it_was_when_the_period_ended(books: Books) -> None:
    """Of six entries one was closed within the period, and two opened after it."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        quarantine = Quarantine(ledger.connection, DEPARTMENT, "a")
        keys = [key_text([str(number)]) for number in range(6)]
        quarantine.open_entries([SetAside(key, "too_long", "name") for key in keys], 1, 1)
        quarantine.close(keys[:3], "accepted")
        c = quarantine_row.c
        times = [
            (JANUARY, FEBRUARY), (JANUARY, MARCH), (JANUARY, END), (FEBRUARY, None), (MARCH, None),
            (END, None),
        ]  # fmt: skip
        for key, (opened, closed) in zip(keys, times, strict=True):
            values = {"opened_at": opened, "closed_at": closed}
            ledger.connection.execute(update(quarantine_row).where(c.key == key).values(values))
    told = books.state()
    job = told.json["jobs"][0]
    assert (job["quarantine_open"], job["quarantined"]) == (3, 0)
    assert books.recounted(told.json, "recount_quarantine") == [(3,)]


def test_an_audit_log_that_was_altered_long_ago_is_a_fork(books: Books) -> None:
    with books.open() as ledger:
        ledger.disable("tester", "a pause")
        ledger.enable("tester", "over")
    told = books.state()
    assert (told.code, told.json["audit"]["problems"]) == (0, [])
    altered = update(audit_entry).where(audit_entry.c.number == 1).values(actor="nobody")
    with books.connection() as connection:
        connection.execute(altered)
    told = books.state()
    assert (told.code, told.json["verdict"], told.json["audit"]["entries"]) == (1, "fork", [])
    assert told.json["audit"]["problems"] == ["1 was changed after it was sealed"]


def test_a_decision_about_no_single_job_is_in_every_statement(books: Books) -> None:
    with books.open() as ledger:
        audit = Audit(ledger.connection, DEPARTMENT)
        for job in (None, "a", "b"):
            audit.append("tester", "acknowledge", job, {"why": "known"})
    today = datetime.now(CHINA).date()
    period = ("--from", str(today - DAY), "--to", str(today + DAY))
    told = books.state("--job", "a", *period).json
    assert [entry["job"] for entry in told["audit"]["entries"]] == [None, "a"]
    (recount,) = (r for r in told["recounts"] if r["code"] == "recount_audit")
    assert [row[1] for row in books.world.sql("exchange", recount["sql"])] == [None, "a"]


def test_a_job_whose_file_is_gone_or_bad_is_in_the_statement(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 1)
    file: Path = books.world.directory / "jobs/a.yaml"
    file.write_text("job: a\n", "utf-8")
    assert judged(books.state()) == (1, "deviation", "deviation", "reconciled")
    file.with_name("new.yaml").write_text("job: new\n", "utf-8")
    note_all(load(books.world.directory))
    new = books.state().json["jobs"][-1]
    assert (new["job"], new["verdict"]) == ("new", None), "it should have delivered"
    file.unlink()
    assert judged(books.state()) == (1, "deviation", "deviation", "reconciled")
    assert books.state("--job", "b").code == 0


def test_what_has_arrived_and_what_was_measured_is_told_at_the_end_of_the_period(
    books: Books,
) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.SEALED)
        seal(ledger, FEBRUARY + DAY, State.SEALED)
        seal(ledger, MARCH, State.RECONCILED)
    bounds = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3))
    stream = assemble_statement(books.world.deployment, *bounds).jobs[0].section.stream
    assert stream.received_position is not None
    assert (stream.sent_position.seq, stream.received_position.seq) == (4, 2)
    assert (stream.in_flight_batches, stream.in_flight_rows) == (2, 6)
    told = books.state().json
    measured = [
        batch["received"] and batch["received"]["total"] for batch in told["jobs"][0]["batches"]
    ]
    assert measured == [7, None, None]
    assert [day["unreceipted"] for day in told["days"]] == [3, 3]
    age = datetime.now(UTC) - FEBRUARY
    assert abs((stream.in_flight_seconds or 0) - age.total_seconds()) < 3600
    assert stream.sent == Effects(12, 10, 1, 1)
    assert stream.received == Effects(10, 8, 1, 1)


def test_where_nothing_has_arrived_nothing_is_set_against_it(books: Books) -> None:
    """Nor does a job that has sealed nothing yet begin anywhere but at nothing."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.SEALED)
    ends = [datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3)]
    before, after = (
        assemble_statement(books.world.deployment, ends[0] - DAY, end).jobs[0].section.stream
        for end in ends
    )
    assert (before.sent_position.epoch, before.sent_position.seq) == (1, 0)
    assert (after.sent_position.seq, after.received_position) == (1, None)
    assert (before.sent, after.sent, after.received) == (Effects(), Effects(), None)
    assert books.state().json["audit"]["head"]["number"] == 0, "it holds no decision yet"


def test_a_statement_of_chosen_jobs_says_so_and_leaves_the_whole_one_alone(books: Books) -> None:
    """It hides a deviation of the other, and its conclusion is about less."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 1)
    formats = ("--format", "html,xlsx,pdf", "--lang", "en")
    whole, chosen = books.state(*formats).json, books.state("--job", "b", *formats).json
    assert (whole["verdict"], whole["left_out"]) == ("deviation", [])
    assert (chosen["verdict"], chosen["left_out"]) == ("reconciled", ["a"])
    assert not set(whole["files"]) & set(chosen["files"])
    assert [said_in(file, "Left out (1): a") for file in whole["files"]] == [False] * 3
    assert [said_in(file, "Left out (1): a") for file in chosen["files"]] == [True] * 3
    assert "Left out (1): a" in render_html(assemble_report(books.world.deployment, ["b"]))
    assert "Left out" not in render_html(assemble_report(books.world.deployment))


@pytest.mark.parametrize(
    ("one", "other"),
    [(["n", "n-n"], ["n-n-n"]), ([n * 40 for n in "nop"], [n * 40 for n in "noq"])],
    ids=["look alike", "too many"],
)
def test_statements_of_other_jobs_are_other_files(
    books: Books, one: list[str], other: list[str]
) -> None:
    for name in {*one, *other}:
        target = {"endpoint": "target", "table": name}
        books.world.job(name, capture={"method": "compare"}, target=target)
        with books.open(name):
            pass  # it is known from now on
    files: list[str] = []
    for chosen in (one, other):
        jobs = [word for name in chosen for word in ("--job", name)]
        files += books.state(*jobs, "--format", "html").json["files"]
    assert files[0] != files[1]
    assert max(len(Path(file).name) for file in files) < 200


def test_a_statement_made_before_its_period_is_over_says_so(books: Books) -> None:
    today = datetime.now(CHINA).date()
    formats = ("--format", "html,xlsx,pdf", "--lang", "en")
    early = books.state("--to", str(today + DAY), *formats).json
    over = books.state("--to", str(today), *formats).json
    assert (early["is_early"], over["is_early"]) == (True, False)
    said = "Made before the period was over"
    assert [said_in(file, said) for file in early["files"]] == [True] * 3
    assert [said_in(file, said) for file in over["files"]] == [False] * 3


def test_no_verdict_is_given_on_nothing(books: Books) -> None:
    nothing = ("--from", "2020-01-01", "--to", "2020-02-01")
    told = books.state(*nothing, "--format", "xlsx", "--lang", "en")
    assert (told.code, told.json["verdict"]) == (0, None)
    (file,) = told.json["files"]
    front = dict(CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()[2:16])
    assert (front["Verdict"], front["Batches"]) == ("No batches in this period", 0)
    folder = str(books.world.directory)
    given = ("statement", "--from", "2020-01-01", "--to", "2020-02-01", "--output", folder)
    assert "no batches in this period" in books.call(*given).out


@pytest.mark.parametrize(
    ("lost", "unread", "headline", "mended"),
    [
        (1, 0, "The books balance", True),
        (1, 2, "The books leave a residual of 2", False),
        (None, 0, "No batches in this period", False),
    ],
)
def test_page_and_paper_conclude_alike(
    books: Books, lost: int | None, unread: int, headline: str, mended: bool
) -> None:
    if lost is not None:
        with books.open() as ledger:
            if lost:
                seal(ledger, FEBRUARY, State.RECONCILED, lost, MANY)
                ledger.new_epoch("all was sent again", "tester")
            batch = seal(ledger, FEBRUARY + DAY, State.RECONCILED)
            c = batch_row.c
            this = update(batch_row).where(c.job == "a", c.epoch == batch.epoch)
            ledger.connection.execute(this.values(read=batch.tally.read + unread))
            altered = ledger.batch(batch.epoch, batch.seq)
            assert altered is not None
            ledger.connection.execute(this.values(batch_hash=altered.compute_hash()))
    month = ("--from", "2026-02-01", "--to", "2026-03-01")
    none = ("--from", "2020-01-01", "--to", "2020-02-01")
    given = none if lost is None else month
    told = books.state(*given, "--format", "html,pdf", "--lang", "en")
    assert told.json["verdict"] == (None if lost is None else "reconciled")
    for file in told.json["files"]:
        assert said_in(file, headline), file
        assert said_in(file, "that was found has been put right") is mended, file


def said_in(file: str, words: str) -> bool:
    if file.endswith("html"):
        return words in Path(file).read_text("utf-8")
    if file.endswith("pdf"):
        page = PdfReader(file).pages[0].extract_text()
        return re.sub(r"\s|\0", "", words) in re.sub(r"\s|\0", "", page)
    book = CalamineWorkbook.from_path(file)
    return any(words in str(cell) for row in book.get_sheet_by_index(0).to_python() for cell in row)
