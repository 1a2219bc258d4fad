"""Two departments with jobs of the same names share an exchange and a target: neither is told of
the other's books, nor writes into them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, insert, update

from bridge.batch import State
from bridge.event import EventKind, Sighting
from bridge.failpoint import arm, at
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit, AuditEntry
from bridge.ledger.event import Events
from bridge.ledger.quarantine import Quarantine, SetAside, key_text
from bridge.ledger.receiverschema import RECEIVER
from bridge.ledger.schema import EXCHANGE, audit_entry, batch_row, quarantine_row
from bridge.ledger.timeliness import know
from bridge.notice.notice import note_all
from bridge.run import Outcome, run_job
from bridge.settings import load
from bridge.statement.reporting import assemble_report
from tests.command import call
from tests.proof.story import ACTS, CAPTURES, Act, Scene, prepare
from tests.scenario.books import DAY, FEBRUARY, JANUARY, MANY, MARCH, Books, seal
from tests.scenario.test_sheets import Desk
from tests.scenario.world import DEPARTMENT, MakeWorld, World, cursor_job, quoted

Capsys = pytest.CaptureFixture[str]

OTHER = "113301000024895250"
THIRD = "11330100002489532W"
SQLITE = ("sqlite",) * 3
DAILY = {"catalogue": {"update_cycle": "daily"}} | cursor_job()


# -- what is told ----------------------------------------------------------------------------


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    """Ours: both jobs in order, `b` known and delivered, `a` with two batches in February."""
    made = Books(make(*SQLITE), capsys)
    for name in "ab":
        made.world.job(name, target={"endpoint": "target", "table": name}, **DAILY)
    with made.open() as ledger:
        for at in (JANUARY, FEBRUARY, FEBRUARY + DAY):
            seal(ledger, at, State.RECONCILED)
        know(ledger.connection, DEPARTMENT, "ab", JANUARY)
        moved = update(batch_row).values(reconciled_at=batch_row.c.sealed_at)
        ledger.connection.execute(moved)
    note_all(made.world.deployment, MARCH)
    return made


def live_badly(books: Books) -> None:
    """All that could be wrong with a neighbour, in the same months."""
    with books.connection() as connection:
        for job in ("a", "b", "theirs"):
            ledger = Ledger(connection, OTHER, job)
            ledger.register()
            ledger.take()
            seal(ledger, JANUARY - DAY, State.RECONCILED)
            ledger.new_epoch("because", "neighbour")
            for day in range(6):
                seal(ledger, FEBRUARY - DAY + timedelta(hours=9 * day), State.DEVIATED, 2, MANY)
            seal(ledger, MARCH + 30 * DAY, State.RECONCILED)
            seal(ledger, FEBRUARY, State.SEALED)
            seal(ledger, FEBRUARY, State.HELD)
            ledger.ran("gap", "what was found", 1)
            ledger.compared(exchange_rows=9, target_rows=6, missing=3, extra=0, different=0)
            ledger.disable("neighbour", "because")
            entries = [SetAside(key_text([str(number)]), "too_long") for number in range(5)]
            Quarantine(connection, OTHER, job).open_entries(entries, 2, 1)
            connection.execute(update(quarantine_row).values(opened_at=FEBRUARY))
            for kind in (EventKind.GAP, EventKind.FORK, EventKind.OVERDUE):
                sighting = Sighting(kind, job, facts={"code": "gap", "found": "x"})
                Events(connection, OTHER).see(sighting, FEBRUARY)
            _decide(connection, job)
        theirs = update(batch_row).where(batch_row.c.department == OTHER)
        connection.execute(theirs.values(reconciled_at=MARCH + 8 * DAY))
        know(connection, OTHER, ["a", "b", "theirs"], JANUARY - 300 * DAY)


def _decide(connection: Connection, job: str) -> None:
    """A decision of the neighbour's in February."""
    number, prev_hash = Audit(connection, OTHER).head()
    entry = AuditEntry(number + 1, FEBRUARY, OTHER, job, "neighbour", "resync", "{}", prev_hash)
    connection.execute(insert(audit_entry), vars(entry) | {"hash": entry.compute_hash()})


def told(books: Books) -> dict[str, Any]:
    """Everything that is told of our jobs, but for how long ago it is."""
    deployment = books.world.deployment
    commands: list[Sequence[str]] = [
        ("status", "--json"),
        ("events", "--all", "--json"),
        ("batches", "a", "--json"),
        ("quarantine", "a", "--json"),
        ("metrics",),
    ]
    found: dict[str, Any] = {" ".join(words): books.call(*words) for words in commands}
    found = {name: (called.code, _timeless(called.out)) for name, called in found.items()}
    stated = books.state()
    statement = stated.json
    statement["audit"].pop("head")  # of the log that all departments share
    statement.pop("generated_at")
    found["statement"] = stated.code, statement
    found["recounts"] = [
        (recount["code"], sorted(books.world.sql("exchange", recount["sql"]), key=str))
        for recount in statement["recounts"]
        if recount["store"] == "exchange"
    ]
    report = assemble_report(deployment)
    found["report"] = [
        (job.job, job.verdict, job.batches, job.quarantined_open, job.stream) for job in report.jobs
    ]
    return found


def _timeless(text: str) -> str:
    """Without spans of time until now."""
    text = re.sub(r'"\w*seconds": [^\n]*', "", text)
    return re.sub(r"^\w*seconds\w*(\{.*\})? .*$", "", text, flags=re.MULTILINE)


def test_nothing_is_told_of_a_neighbours_books(books: Books) -> None:
    before = told(books)
    assert before["statement"][0] == before["status --json"][0] == 0
    live_badly(books)
    after = told(books)
    for name, said in before.items():
        assert after[name] == said, name
    note_all(books.world.deployment, MARCH + 9 * DAY)
    with books.connection() as connection:
        ours = Events(connection, DEPARTMENT).entries()
    overdue = [event.job for event in ours if event.kind is EventKind.OVERDUE]
    assert sorted(map(str, overdue)) == ["a", "b"]


# -- what is written -------------------------------------------------------------------------


def mirror(world: World) -> None:
    """The neighbour's books are what ours are now."""
    for role, metadata in (("exchange", EXCHANGE), ("target", RECEIVER)):
        for table in _of_departments(metadata):
            own = "department" in table.primary_key.columns
            copied = [c.name for c in table.columns if own or not c.primary_key]
            names = ", ".join(map(quoted, copied))
            values = names.replace(quoted("department"), f"'{OTHER}'")
            world.sql(
                role,
                f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name} "
                f"WHERE department = '{DEPARTMENT}'",
            )


def kept(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the neighbour's."""
    return {
        table.name: sorted(
            world.sql(role, f"SELECT * FROM {table.name} WHERE department = '{OTHER}'"), key=str
        )
        for role, metadata in (("exchange", EXCHANGE), ("target", RECEIVER))
        for table in _of_departments(metadata)
    }


def _of_departments(metadata: MetaData) -> list[Table]:
    """But for what all departments share: the log of decisions, and whose a table is."""
    shared = ("bh_audit", "bh_claim")
    return [t for t in metadata.sorted_tables if "department" in t.c and t.name not in shared]


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("act", [act for act in ACTS.values() if act.after], ids=lambda a: a.name)
def test_nothing_is_written_into_a_neighbours_books(
    make: MakeWorld, act: Act, capture: str
) -> None:
    world = make(*SQLITE)
    scene = Scene.of(world, "outbound", capture, act.name)
    prepare(scene, act)
    mirror(world)
    before = kept(world)
    outcome = act.run(world)
    assert (outcome.error, outcome.verdict) == (None, "reconciled"), outcome
    assert world.findings(columns=dict(act.columns)) == []
    assert kept(world) == before
    assert all(before[name] for name in ("bh_job", "bh_batch", "bh_receipt"))


def test_nothing_of_a_neighbours_is_closed_taken_over_or_forgotten(
    make: MakeWorld, capsys: Capsys
) -> None:
    """Rows set aside, events, the switch, structures, jobs whose files are taken away."""

    def command(*words: str) -> None:
        told = call(capsys, "--config", world.directory, *words)
        assert told.code == 0, told.err

    world = make(*SQLITE)
    world.make_table(5)
    for name in ("j", "gone"):
        world.job(name, target={"endpoint": "target", "table": name}, **DAILY)
    note_all(world.deployment)
    spoilt = ", ".join(f"({number}, 'n', 'none', {world.ago(3600)})" for number in range(6, 9))
    world.sql("source", f"INSERT INTO t VALUES {spoilt}")
    command("run", "j")
    command("discover", "source")
    note_all(world.deployment, datetime.now(UTC) + 9 * DAY)
    mirror(world)
    held = f"UPDATE bh_job SET ran_verdict = 'held', job = 'gone' WHERE department = '{OTHER}'"
    world.sql("exchange", held)
    before = kept(world)
    command("events", "ack", str(_first_event(world)), "--why", "because")
    command("disable", "j", "--why", "because")
    command("enable", "j", "--why", "because")
    world.sql("source", "UPDATE t SET amount = 1 WHERE id > 5", "CREATE TABLE more (id integer)")
    command("run", "j")
    command("discover", "source")
    (world.directory / "jobs/gone.yaml").unlink()
    note_all(world.deployment)
    assert kept(world) == before
    empty = {"bh_alarm", "bh_candidate", "bh_file"}
    assert {name for name, rows in before.items() if not rows} == empty


# -- what is refused -------------------------------------------------------------------------


def test_two_jobs_of_one_name_do_not_share_their_tables(
    make: MakeWorld, capsys: Capsys, tmp_path: Path
) -> None:
    """The second department would have dropped what the first has read."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    theirs = of_a_neighbour(world, tmp_path)
    before = world.sql("exchange", "SELECT * FROM bh_copy_j")
    for words in (("check", "j"), ("run", "j"), ("resync", "j", "--why", "because")):
        told = call(capsys, "--config", theirs, *words)
        assert told.code == 2
        assert f"department {DEPARTMENT} has a job of this name" in told.out + told.err
    assert world.sql("exchange", "SELECT * FROM bh_copy_j") == before
    world.sql("source", f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id = 5")
    assert world.run_well().batches[0].sent.updated == 1

    job = theirs / "jobs/j.yaml"
    text = job.read_text("utf-8")
    job.rename(theirs / "jobs/k.yaml").write_text(text.replace("job: j", "job: k"), "utf-8")
    assert call(capsys, "--config", theirs, "run", "k").code == 0
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("captured", ["table", "files"])
def test_two_jobs_of_one_name_that_begin_at_once(
    make: MakeWorld, tmp_path: Path, captured: str
) -> None:
    """When the second one looked, the first had not begun."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    if captured == "files":
        desk = Desk(world, "csv")
        desk.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"])
        desk.csv("a.csv", "1,a")
    theirs = load(of_a_neighbour(world, tmp_path))
    ours: list[Outcome] = []
    arm(at("target.claimed", 1, lambda _: ours.append(world.run())))
    try:
        outcome = run_job(theirs, "j")
    finally:
        arm(None)
    assert ours[0].verdict == "reconciled"
    assert outcome.exit_code == 2
    assert f"department {DEPARTMENT} has a job of this name" in str(outcome.error)
    rows = 5 if captured == "table" else 1
    assert world.sql("exchange", "SELECT count(*) FROM bh_copy_j") == [(rows,)]
    world.run_well()


def test_a_job_that_has_only_begun_has_its_name(make: MakeWorld, tmp_path: Path) -> None:
    """And whoever waits for it to begin."""
    world = make("sqlite", "postgresql", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job())
    theirs = load(of_a_neighbour(world, tmp_path))
    found: list[Outcome] = []
    other = Thread(target=lambda: found.append(run_job(theirs, "j")))

    def meanwhile(_: str) -> None:
        other.start()
        other.join(0.5)

    arm(at("image.beginning", 1, meanwhile))
    try:
        world.run_well()
    finally:
        arm(None)
        other.join()
    assert found[0].exit_code == 2
    assert world.sql("exchange", "SELECT count(*) FROM bh_copy_j") == [(5,)]


def of_a_neighbour(world: World, tmp_path: Path) -> Path:
    """The same configuration, of another department with a target of its own."""
    theirs = tmp_path / "theirs"
    shutil.copytree(world.directory, theirs)
    settings, job = theirs / "bridgehead.yaml", theirs / "jobs/j.yaml"
    other = f"other: {{family: sqlite, path: {tmp_path}/other.db, options: {{create: 'true'}}}}"
    text = settings.read_text("utf-8").replace(DEPARTMENT, THIRD)
    settings.write_text(text.replace("endpoints:", f"endpoints:\n  {other}"), "utf-8")
    text = job.read_text("utf-8").replace("endpoint: target", "endpoint: other")
    job.write_text(text, "utf-8")
    return theirs


def _first_event(world: World) -> int:
    (row,) = world.sql(
        "exchange",
        f"SELECT min(number) FROM bh_event WHERE department = '{DEPARTMENT}' AND job = 'j'",
    )
    return int(row[0])
