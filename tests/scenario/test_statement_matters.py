"""What decides a statement is named on its page, in the headline and in what needs action; and
where the ledger's chain is whole no gap is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import update

from bridge.batch import State
from bridge.deadline.deadline import CHINA
from bridge.decision import waive
from bridge.event import EventKind, Recovery, Sighting
from bridge.ledger.event import Events
from bridge.ledger.schema import audit_entry, batch_row
from bridge.ledger.verification import verify_ended
from bridge.settings import load
from bridge.statement.reporting import assemble_report
from reconcile.report import render_html
from tests.command import Called, call
from tests.scenario.books import DAY, FEBRUARY, JANUARY, MANY, MARCH, TALLY, Books, seal
from tests.scenario.world import DEPARTMENT, MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    return Books(make("sqlite", "sqlite", "sqlite"), capsys)


@pytest.fixture
def world(make: MakeWorld) -> World:
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    return world


def shown(told: Called) -> tuple[str, str]:
    """The English headline of the page, and what needs action there."""
    (page,) = told.json["files"]
    return parts(Path(page).read_text("utf-8"))


def parts(html: str) -> tuple[str, str]:
    found = []
    for pattern in (
        r'<section class="conclusion.*?</h2>',
        r'<section class="action">.*?</section>',
    ):
        match = re.search(pattern, html, re.DOTALL)
        assert match is not None
        words = re.sub(r'<span lang="zh-CN">.*?</span>', "", match[0])
        found.append(unescape(" ".join(re.sub(r"<[^>]+>", " ", words).split())))
    return found[0], found[1]


def today(world: World, capsys: Capsys, *more: str | Path) -> Called:
    day = datetime.now(CHINA).date()
    period = ("--from", str(day), "--to", str(day + DAY))
    given = ("statement", *period, "--json", "--output", world.directory)
    return call(capsys, "--config", world.directory, *given, *more)


# -- what decides is named --------------------------------------------------------------------


def test_a_broken_audit_log_is_the_headline_of_every_format(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.disable("tester", "a pause")
    altered = update(audit_entry).where(audit_entry.c.number == 1).values(actor="nobody")
    with books.connection() as connection:
        connection.execute(altered)
    headline, action = shown(books.state())
    assert headline == "The books have forked"
    assert "1 was changed after it was sealed" in action
    files = books.state("--format", "pdf,xlsx", "--lang", "en").json["files"]
    sheets, paper = sorted(files, key=lambda name: name.endswith("pdf"))
    rows = CalamineWorkbook.from_path(sheets).get_sheet_by_name("What else needs action")
    assert rows.to_python()[1][1:3] == ["Audit log", "fork"]
    assert "haveforked" in re.sub(r"\s|\0", "", PdfReader(paper).pages[0].extract_text())


def test_books_that_do_not_balance_are_not_called_balanced(books: Books) -> None:
    with books.open() as ledger:
        batch = seal(ledger, FEBRUARY, State.RECONCILED)
        ours = batch_row.c.job == "a"
        ledger.connection.execute(update(batch_row).where(ours).values(read=batch.tally.read + 1))
        forged = ledger.batch(1, 1)
        assert forged is not None
        values = {"batch_hash": forged.compute_hash()}
        ledger.connection.execute(update(batch_row).where(ours).values(values))
    told = books.state()
    assert (told.code, told.json["verdict"]) == (1, "reconciled")
    assert shown(told)[0] == "The books leave a residual of 1"


def test_a_deviation_from_before_the_period_is_named_and_counted(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.DEVIATED, 2, MANY)
        seal(ledger, FEBRUARY, State.RECONCILED)
    told = books.state()
    job = told.json["jobs"][0]
    assert (told.code, told.json["deviation"], job["deviation"]) == (1, 2, 0)
    headline, action = shown(told)
    assert headline == "A deviation of 2"
    assert "sealed before the period: epoch 1, number 1 deviation 2 rows were applied" in action
    (matter,) = job["matters"]
    assert (matter["verdict"], matter["deviation"]) == ("deviation", 2)
    since = FEBRUARY - DAY
    report = assemble_report(books.world.deployment, ["a"], since)
    assert "sealed before the period: epoch 1, number 1" in parts(render_html(report))[1]
    assert parts(render_html(assemble_report(books.world.deployment)))[1].count("1-1") == 1


def test_what_is_held_from_before_the_period_is_named(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, JANUARY, State.HELD)
    told = books.state()
    headline, action = shown(told)
    assert headline == "Batches held, awaiting approval"
    assert "epoch 1, number 1 held — more deletes than allowed" in action


def test_contents_that_differ_are_named(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.compared(exchange_rows=9, target_rows=8, missing=2, extra=1, different=0)
    told = books.state()
    headline, action = shown(told)
    assert headline == "A deviation of 3"
    assert "2 missing, 1 extra, 0 different" in action
    assert told.json["jobs"][0]["deviation_open"] == 3
    report = assemble_report(books.world.deployment, ["a"])
    assert "2 missing, 1 extra" in parts(render_html(report))[1]


@pytest.mark.parametrize(("lost", "deviation"), [(1, 2), (4, 4)])
def test_of_two_views_of_a_deviation_the_greater_counts(
    books: Books, lost: int, deviation: int
) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, lost, MANY)
        ledger.compared(exchange_rows=9, target_rows=7, missing=2, extra=0, different=0)
    told = books.state().json
    assert told["deviation"] == told["jobs"][0]["deviation_open"] == deviation


def test_a_gap_that_the_last_run_found_is_named(world: World, capsys: Capsys) -> None:
    """Nobody knows here how many batches the receiver lacks: no number is told."""
    world.sql("target", "DELETE FROM bh_position")
    assert world.run().verdict == "gap"
    headline, action = shown(today(world, capsys))
    assert headline == "Batches are missing"
    assert "the target has no position, 1/1 was confirmed" in action
    assert "bridgehead resync j --why TEXT" in action
    headline, action = parts(render_html(assemble_report(world.deployment)))
    assert headline == "Batches are missing"
    assert "the target has no position, 1/1 was confirmed" in action


def test_a_receipt_that_was_altered_is_a_deviation_of_the_statement(
    world: World, capsys: Capsys
) -> None:
    """As status and report say; a later statement of the period says so too, until it is over."""
    world.sql(
        "target", "UPDATE bh_receipt SET inserted = inserted - 1, total = total - 1 WHERE seq = 1"
    )
    assert world.run().verdict == "deviation"
    told = today(world, capsys)
    assert (told.code, told.json["verdict"], told.json["deviation"]) == (1, "deviation", 1)
    assert told.json["jobs"][0]["deviation_open"] == 1
    headline, action = shown(told)
    assert headline == "A deviation of 1"
    assert "receipts at the target were altered" in action
    world.sql(
        "target", "UPDATE bh_receipt SET inserted = inserted + 1, total = total + 1 WHERE seq = 1"
    )
    assert world.run().verdict == "reconciled"
    assert today(world, capsys).json["verdict"] == "reconciled"


def test_what_is_wrong_in_an_ended_epoch_is_told_of_the_period_of_its_batches_alone(
    books: Books,
) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        past = Sighting(EventKind.GAP, "a", "past", {"code": "gap", "found": "2 is missing"})
        Events(ledger.connection, DEPARTMENT).see(past, JANUARY)
    assert books.state().json["jobs"][0]["verdict"] == "reconciled"


def test_a_deviation_of_no_batch_is_told_of_the_period_at_whose_end_it_stood(books: Books) -> None:
    """One of batches is told as these are now."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        events = Events(ledger.connection, DEPARTMENT)
        events.see(Sighting(EventKind.DEVIATION, "a", facts={"deviation": 1}), FEBRUARY)
    assert books.state().json["jobs"][0]["verdict"] == "deviation"
    with books.open() as ledger:
        Events(ledger.connection, DEPARTMENT).recover(Recovery(EventKind.DEVIATION, "a"), MARCH)
    with books.open("b") as other:
        seal(other, FEBRUARY, State.RECONCILED, 2, MANY)
    assert books.state().json["jobs"][0]["verdict"] == "deviation"
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED, 2, MANY)
        ledger.new_epoch("all was sent again", "tester")
    assert books.state().json["jobs"][0]["verdict"] == "reconciled", "put right since"
    books.world.sql("exchange", f"UPDATE bh_event SET closed_at = '{FEBRUARY + DAY}'")
    assert books.state().json["jobs"][0]["verdict"] == "reconciled"


def test_a_deviation_stands_though_a_resync_has_failed(world: World, capsys: Capsys) -> None:
    world.sql("target", "DELETE FROM t WHERE id = 2")
    assert call(capsys, "--config", world.directory, "reconcile", "j").code == 1
    world.sql("target", "CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert world.resync().error is not None
    (job,) = call(capsys, "--config", world.directory, "status", "--json").json
    told = today(world, capsys)
    assert (told.code, told.json["verdict"]) == (1, job["verdict"]) == (1, "deviation")
    for _, action in shown(told), parts(render_html(assemble_report(world.deployment))):
        assert "look at the table" not in action, "what keeps it from being put right is no cause"
    world.sql("target", "DROP TRIGGER no")
    world.run_well()
    assert today(world, capsys).json["verdict"] == "reconciled"


def test_a_job_that_was_changed_and_not_begun_again_is_held(world: World, capsys: Capsys) -> None:
    world.job("j", **cursor_job(), target={"endpoint": "target", "table": "u"})
    assert world.run().verdict == "held"
    told = today(world, capsys)
    assert (told.code, told.json["verdict"]) == (1, "held")
    assert "are not those it began with" in shown(told)[1]


def test_what_is_sealed_ahead_of_the_clock_waits_since_now(books: Books) -> None:
    ahead = datetime.now(UTC) + DAY
    with books.open() as ledger:
        seal(ledger, ahead, State.SEALED)
    told = books.state("--to", str((ahead + 2 * DAY).date())).json
    assert told["jobs"][0]["in_flight"]["seconds"] == 0


def test_what_was_rejected_is_on_its_way_again(make: MakeWorld, capsys: Capsys) -> None:
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(9)
    world.job("j", **cursor_job(), max_delete=2)
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id < 6")
    world.run()
    assert today(world, capsys).json["verdict"] == "held"
    reject = ("reject", "j", "2", "--why", "no")
    assert call(capsys, "--config", world.directory, *reject).code == 0
    assert today(world, capsys).json["verdict"] == "in_flight"


# -- timeliness -------------------------------------------------------------------------------


def test_what_is_not_over_was_not_missed(make: MakeWorld, capsys: Capsys) -> None:
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job(), catalogue={"update_cycle": "daily"})
    world.run_well()
    day = datetime.now(CHINA).date()
    told = today(world, capsys, "--to", str(day + timedelta(days=40)))
    assert told.json["jobs"][0]["timeliness"]["due"] == 0
    ahead = ("--from", str(day + timedelta(days=20)), "--to", str(day + timedelta(days=40)))
    told = today(world, capsys, *ahead)
    assert (told.json["jobs"][0]["timeliness"]["due"], told.json["timeliness"]) == (0, None)


def test_of_a_job_whose_file_is_bad_it_is_said_that_its_cycles_are_unknown(books: Books) -> None:
    file: Path = books.world.directory / "jobs/a.yaml"
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
    assert books.state().json["jobs"][0]["timeliness"]["unknown"] is False
    file.write_text("job: a\n", "utf-8")
    told = books.state()
    assert told.json["jobs"][0]["timeliness"]["unknown"] is True
    assert "which update cycles were due is not known" in shown(told)[1]
    assert "a: its file cannot be used" in told.err
    report = assemble_report(load(books.world.directory), ["a"])
    assert "which update cycles were due is not known" in parts(render_html(report))[1]


# -- the ledger's chain -----------------------------------------------------------------------


def test_a_clock_that_ran_ahead_makes_no_gap(books: Books) -> None:
    """Every batch is in one period, and follows the one before it in the ledger, whenever that was
    sealed."""
    with books.open() as ledger:
        for at in (JANUARY, MARCH, FEBRUARY, FEBRUARY, JANUARY, MARCH, MARCH):
            seal(ledger, at, State.RECONCILED)
    found = []
    for month in (1, 2, 3):
        bounds = ("--from", f"2026-0{month}-01", "--to", f"2026-0{month + 1}-01")
        told = books.state(*bounds)
        job = told.json["jobs"][0]
        assert (told.code, job["gaps"], job["forks"]) == (0, 0, 0)
        (matter,) = job["matters"]
        count, first = {1: (3, 2), 2: (1, 5), 3: (3, 3)}[month]
        where = f"{count} of the batches, the first is epoch 1, number {first}"
        assert (matter["what"], matter["verdict"]) == (f"time of sealing: {where}", None)
        assert books.recounted(told.json, "recount_chain") == []
        found += [batch["seq"] for batch in job["batches"]]
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7]
    books.world.sql("exchange", "DELETE FROM bh_batch WHERE job = 'a' AND seq = 3")
    gaps = [books.state("--to", f"2026-0{month}-01").json["jobs"][0]["gaps"] for month in (3, 4)]
    assert gaps == [1, 1]


def test_what_is_open_among_a_periods_batches_decides_whenever_it_was_sealed(books: Books) -> None:
    """A clock that was ahead takes no deviation out of the period in which it arose."""
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, MARCH, State.DEVIATED, lost=2)
        seal(ledger, FEBRUARY, State.RECONCILED)
    told = books.state("--from", "2026-02-01", "--to", "2026-03-01")
    job = told.json["jobs"][0]
    assert (told.code, job["verdict"], job["deviation_open"]) == (1, "deviation", 2)
    assert [batch["seq"] for batch in job["batches"]] == [1, 3]


TAMPERED = [
    (("DELETE FROM bh_batch WHERE job = 'a' AND epoch = 1 AND seq = 3",), "gap", 1),
    (("DELETE FROM bh_batch WHERE job = 'a' AND epoch = 1",), "gap", 3),
    (("UPDATE bh_batch SET read = read + 1 WHERE job = 'a' AND epoch = 1 AND seq = 2",), "fork", 0),
]


@pytest.mark.parametrize(("change", "verdict", "gaps"), TAMPERED)
def test_an_ended_epoch_loses_nothing_unseen(
    books: Books, change: Sequence[str], verdict: str, gaps: int
) -> None:
    """Its last batches too: the audit log says with which one it ended."""
    now = datetime.now(UTC)
    with books.open() as ledger:
        for _ in range(3):
            seal(ledger, now, State.RECONCILED)
        ledger.new_epoch("because", "tester", confirmed="f" * 64)
        seal(ledger, now, State.RECONCILED)
        assert verify_ended(ledger) == [], "a head that the receiver alone knows is no gap"
    day = datetime.now(CHINA).date()
    period = ("--from", str(day - DAY), "--to", str(day + DAY))
    assert books.state(*period).code == 0
    books.world.sql("exchange", *change)
    told = books.state(*period)
    assert (told.code, told.json["jobs"][0]["verdict"]) == (1, verdict)
    assert told.json["jobs"][0]["gaps"] == gaps
    assert books.state().code == 0, "it had not ended then"
    later = books.state("--from", str(day + DAY), "--to", str(day + 2 * DAY))
    assert (later.code, later.json["jobs"][0]["gaps"]) == (0, 0), "it had ended before"
    report = assemble_report(books.world.deployment, ["a"])
    assert (report.verdict, report.missing_batches) == (verdict, gaps)


def test_another_batch_in_place_of_an_epochs_last_is_a_fork(books: Books) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.RECONCILED)
        seal(ledger, FEBRUARY, State.RECONCILED)
        ledger.new_epoch("because", "tester")
        last = (batch_row.c.job == "a", batch_row.c.seq == 2)
        more = {"read": TALLY.read + 1, "unchanged": TALLY.unchanged + 1}  # in order by itself
        ledger.connection.execute(update(batch_row).where(*last).values(more))
        forged = ledger.batch(1, 2)
        assert forged is not None
        values = {"batch_hash": forged.compute_hash()}
        ledger.connection.execute(update(batch_row).where(*last).values(values))
    told = books.state()
    assert (told.code, told.json["jobs"][0]["forks"]) == (1, 1)
    assert "ledger: epoch 1, number 2 fork" in shown(told)[1]


def test_reconcile_checks_the_epochs_that_have_ended(world: World, capsys: Capsys) -> None:
    """What it finds there keeps nothing of today from being compared."""
    world.insert([6])
    world.run_well()
    assert world.resync().error is None
    reconcile = ("reconcile", "j", "--json")
    assert call(capsys, "--config", world.directory, *reconcile).code == 0
    world.sql("exchange", "DELETE FROM bh_batch WHERE epoch = 1 AND seq = 2")
    told = call(capsys, "--config", world.directory, *reconcile)
    assert (told.code, told.json["verdict"]) == (1, "gap")
    assert "epoch 1: 2 is missing" in told.json["error"]["message"]
    assert told.json["content"]["rows"] == 6
    world.run_well()


# -- the auditor's queries ---------------------------------------------------------------------


def test_a_query_longer_than_a_cell_is_whole_in_the_workbook(books: Books) -> None:
    begin = datetime(2023, 1, 1, 3, tzinfo=UTC)
    with books.open() as ledger:
        for number in range(700):
            seal(ledger, begin + number * DAY, State.RECONCILED)
    period = ("--from", "2023-01-01", "--to", "2026-01-01")
    told = books.state(*period, "--format", "xlsx", "--lang", "en").json
    (recount,) = (r for r in told["recounts"] if r["code"] == "recount_days")
    assert len(recount["sql"]) > 32_767
    (file,) = told["files"]
    sheet = CalamineWorkbook.from_path(file).get_sheet_by_name("Recount queries").to_python()
    titles = [row[0] for row in sheet]
    first = titles.index("Sent, received and deviation, day by day")
    assert titles[first + 1] == "(goes on from the row above)"
    last = next(n for n in range(first + 1, len(titles)) if not str(titles[n]).startswith("("))
    query = "\n".join(str(row[2]) for row in sheet[first:last])
    expected = books.world.sql("exchange", recount["sql"])
    assert len(expected) == 700
    assert books.world.sql("exchange", query) == expected


def test_a_reason_longer_than_a_cell_is_whole_wherever_it_is_told(books: Books) -> None:
    why = " ".join(str(number) for number in range(9000))
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 2, MANY)
    waive(books.world.deployment, "a", 1, "tester", why)
    tomorrow = datetime.now(CHINA).date() + DAY
    told = books.state("--to", str(tomorrow), "--format", "xlsx", "--lang", "en").json
    book = CalamineWorkbook.from_path(told["files"][0])
    for name, column in (("What else needs action", "Cause"), ("Audit log", "Details")):
        heads, *rows = book.get_sheet_by_name(name).to_python()
        assert why in " ".join(str(row[heads.index(column)]) for row in rows), name
        assert [row[0] for row in rows][1:] == ["(goes on from the row above)"], name


def test_batches_for_another_target_are_counted_apart(make: MakeWorld, capsys: Capsys) -> None:
    """Their receipts are where they went: the two counts together are what was received."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.job("j", **cursor_job(), target={"endpoint": "source", "table": "u"})
    world.insert([6, 7])
    assert world.resync().error is None
    told = today(world, capsys).json
    (job,) = told["jobs"]
    queries = {r["code"]: r for r in told["recounts"] if r["code"].startswith("recount_received")}
    now, before = queries["recount_received"], queries["recount_received_before"]
    assert now["store"] == "source"
    counted = [*world.sql("source", now["sql"]), *world.sql("target", before["sql"])]
    assert [row[1] for row in counted] == [len(job["batches"]) - 1, 1]
    assert sum(row[2] for row in counted) == job["received"]["total"] == 12
    (world.directory / "jobs/j.yaml").unlink()
    (query,) = (r for r in today(world, capsys).json["recounts"] if "bh_receipt" in r["sql"])
    assert (query["code"], query["store"]) == ("recount_received_before", ""), "nobody knows"
    counted = [row for role in ("source", "target") for row in world.sql(role, query["sql"])]
    assert sum(row[2] for row in counted) == 12
