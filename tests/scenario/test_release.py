"""A ledger or a receiver of another release: refused where it is newer, and brought up to date by
a run where it is older. Until then nothing is told of it that may be wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import literal_column

from bridge import centre
from bridge.deadline.deadline import CHINA
from bridge.failpoint import arm, at
from bridge.hold import open_ledger
from bridge.ledger import claim, migrations, receiver
from bridge.ledger.receiverschema import RECEIVER_VERSION
from bridge.ledger.schema import EXCHANGE_VERSION
from bridge.run import pull_only
from tests.command import call
from tests.scenario.books import DAY
from tests.scenario.world import MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]

TODAY = datetime.now(CHINA).date()
READING = {
    "status": (),
    "batches": ("j",),
    "quarantine": ("j",),
    "events": ("--all",),
    "metrics": (),
    "report": ("--output", "report.html"),
    "statement": ("--from", str(TODAY), "--to", str(TODAY + DAY)),
    "discover": ("source", "--history"),
    "purge": (),
}
EARLIER = [
    f"ALTER TABLE bh_job DROP COLUMN {name}"
    for name in ("source_schema", "stamp_zone", "fills", "image_seq")
]


@pytest.fixture
def lived(make: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    world = make("sqlite", "sqlite", "sqlite")
    monkeypatch.chdir(world.directory)
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    return world


LATER = "9002"
MIGRATION = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{LATER}", "{RECEIVER_VERSION}"
def upgrade():
    for table in ("bh_position", "bh_claim"):
        op.add_column(table, sa.Column("later", sa.String(16)))
"""


@pytest.fixture
def later(lived: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Seen by a release with a column more in the receiver's tables, by which it reads them."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    (folder / f"receiver/versions/receiver_{LATER}.py").write_text(MIGRATION, "utf-8")
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))
    monkeypatch.setattr(migrations, "RECEIVER_VERSION", LATER)
    read_by = {receiver: ("_POSITION", "_LOCKED"), claim: ("_CLAIMS", "_ALIKE")}
    for module, names in read_by.items():
        for name in names:
            read = getattr(module, name).where(literal_column("later").is_(None))
            monkeypatch.setattr(module, name, read)
    return lived


@pytest.fixture
def disarmed() -> Iterator[None]:
    yield
    arm(None)


def be_of(world: World, version: str, store: str = "exchange") -> None:
    table = "bh_version" if store == "exchange" else "bh_receiver_version"
    world.sql(store, f"UPDATE {table} SET version_num = '{version}'")


def test_an_earlier_ledger_is_read_once_a_run_has_brought_it_up_to_date(
    lived: World, capsys: Capsys
) -> None:
    lived.sql("exchange", *EARLIER)
    be_of(lived, "0005")
    for command, given in READING.items():
        told = call(capsys, "--config", lived.directory, command, *given)
        assert (command, told.code) == (command, 3)
        assert "of an earlier release: version 0005" in told.err
        assert "bridgehead run JOB" in told.err
        assert bool(told.out) is (command == "metrics")
    told = call(capsys, "--config", lived.directory, "check", "--json")
    (ledger, of_job) = [f for f in told.json if f["what"] == "ledger"]
    assert (told.code, ledger["result"], of_job["found"]) == (0, "warning", "not looked at")
    assert "of an earlier release" in ledger["found"]
    lived.run_well()
    for command, given in READING.items():
        assert call(capsys, "--config", lived.directory, command, *given).code == 0, command


def test_a_ledger_that_does_not_say_of_which_release_it_is_is_not_taken_for_none(
    lived: World, capsys: Capsys
) -> None:
    lived.sql("exchange", "DELETE FROM bh_version")
    for command, given in READING.items():
        told = call(capsys, "--config", lived.directory, command, *given)
        assert (command, told.code) == (command, 3)
        assert "of an earlier release: version –" in told.err


def test_a_newer_ledger_is_refused_by_every_command(lived: World, capsys: Capsys) -> None:
    be_of(lived, "9001")
    others = {"run": ("j",), "approve": ("j", "1", "--why", "x"), "events": ("send",)}
    for command, given in [*READING.items(), *others.items()]:
        told = call(capsys, "--config", lived.directory, command, *given)
        assert (command, told.code) == (command, 2)
        assert "written by a newer Bridgehead" in told.err
        assert "upgrade the agent" in told.err
    told = call(capsys, "--config", lived.directory, "check", "--json")
    assert told.code == 2
    ledger, of_job = [f for f in told.json if f["what"] in ("ledger", "structure")]
    assert (ledger["result"], ledger["remedy"]) == ("refused", "upgrade the agent")
    assert "written by a newer Bridgehead" in ledger["found"]
    assert of_job["found"] == "not looked at: see what is refused of exchange"


@pytest.mark.parametrize(
    ("store", "table", "other"),
    [("exchange", "bh_version", "0006"), ("target", "bh_receiver_version", "0000")],
)
def test_a_backup_restored_beside_tables_of_another_release_is_told(
    lived: World, capsys: Capsys, store: str, table: str, other: str
) -> None:
    """Of the rows alone: both versions stand there."""
    lived.sql(store, f"INSERT INTO {table} VALUES ('{other}')")
    commands = {"run": ("j",), "check": ()} | (READING if store == "exchange" else {})
    for command, given in commands.items():
        told = call(capsys, "--config", lived.directory, command, *given)
        assert (command, told.code) == (command, 4)
        assert f"{table} names 2 versions: {other}, " in told.out + told.err
        assert "restore it whole" in told.out + told.err


def test_a_receiver_whose_making_was_cut_off_is_made_whole(make: MakeWorld, capsys: Capsys) -> None:
    """As a server leaves it that commits each statement by itself."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(3)
    world.sql("target", "CREATE TABLE bh_receiver_version (version_num varchar(32) PRIMARY KEY)")
    world.job("j", **cursor_job())
    for command in ("check", "reconcile", "run"):
        told = call(capsys, "--config", world.directory, command, "j")
        assert (command, told.code) == (command, 0), told.err
    assert world.findings() == []


@pytest.mark.parametrize("ddl", [True, False])
def test_a_newer_receiver_is_refused_by_check_and_run(
    lived: World, capsys: Capsys, ddl: bool
) -> None:
    """Also where the DBA makes its tables: nothing is written into what is not known."""
    target = {"endpoint": "target", "table": "t", "ddl": ddl}
    lived.job("j", target=target, **cursor_job())
    lived.insert([9], stamp=lived.now)
    be_of(lived, "9001", "target")
    for command in ("check", "run"):
        told = call(capsys, "--config", lived.directory, command, "j")
        assert (command, told.code) == (command, 2)
        assert "receiver tables are at version 9001" in told.out + told.err
    assert lived.sql("target", "SELECT count(*) FROM t") == [(3,)]


@pytest.mark.parametrize("command", ["run", "push", "reconcile", "resync"])
def test_an_earlier_receiver_is_brought_up_to_date_before_it_is_asked(
    lived: World, capsys: Capsys, command: str, request: pytest.FixtureRequest
) -> None:
    lived.insert([9], stamp=lived.now)
    if command == "push":
        lived.run("j", pull_only)
    later: World = request.getfixturevalue("later")
    told = call(capsys, "--config", later.directory, "check", "j", "--json")
    (target,) = [f for f in told.json if f["what"] == "target"]
    assert (told.code, target["result"]) == (0, "warning")
    assert f"of an earlier release: version {RECEIVER_VERSION}" in target["found"]
    why = ("--why", "x") if command == "resync" else ()
    told = call(capsys, "--config", later.directory, command, "j", *why)
    assert told.code == 0, told.err
    assert later.sql("target", "SELECT version_num FROM bh_receiver_version") == [(LATER,)]
    later.run_well()
    assert later.findings() == []
    assert call(capsys, "--config", later.directory, "check", "j").code == 0


OVER = """
from alembic import op
revision, down_revision = "{}", "{}"
def upgrade():
    op.execute("CREATE TABLE of_a_newer_one (a integer)")
"""


@pytest.fixture
def installed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a release to come have taken the place of ours, and this process goes on."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    for side, newest in (("exchange", EXCHANGE_VERSION), ("receiver", RECEIVER_VERSION)):
        file = folder / f"{side}/versions/{side}_{LATER}.py"
        file.write_text(OVER.format(LATER, newest), "utf-8")
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))


@pytest.mark.parametrize("store", ["exchange", "target"])
def test_a_process_over_which_a_newer_release_is_installed_refuses_its_tables(
    lived: World, capsys: Capsys, installed_over: None, store: str
) -> None:
    be_of(lived, LATER, store)
    (before,) = lived.sql("exchange", "SELECT token FROM bh_job")
    lived.insert([9], stamp=lived.now)
    commands = {"run": ("j",), "check": ("j",), "reconcile": ("j",)}
    for command, given in (commands | (READING if store == "exchange" else {})).items():
        told = call(capsys, "--config", lived.directory, command, *given)
        assert (command, told.code) == (command, 2)
        assert "written by a newer Bridgehead" in told.out + told.err
        assert "start the agent again" in told.out + told.err
    assert lived.sql("target", "SELECT count(*) FROM t") == [(3,)]
    if store == "exchange":
        assert lived.sql("exchange", "SELECT token FROM bh_job") == [before], "runs go on"


def test_a_process_brings_older_tables_up_to_what_it_knows(
    lived: World, capsys: Capsys, installed_over: None
) -> None:
    lived.sql("exchange", *EARLIER)
    be_of(lived, "0005")
    lived.run_well()
    assert lived.sql("exchange", "SELECT version_num FROM bh_version") == [(EXCHANGE_VERSION,)]
    made = "SELECT count(*) FROM sqlite_master WHERE name = 'of_a_newer_one'"
    assert lived.sql("exchange", made) == [(0,)]
    lived.job("k", target={"endpoint": "target", "table": "k", "ddl": False}, **cursor_job())
    lived.sql("target", "DELETE FROM bh_receiver_version", "DROP TABLE bh_claim")
    told = call(capsys, "--config", lived.directory, "check", "k", "--ddl")
    assert "of_a_newer_one" not in told.out
    assert RECEIVER_VERSION in told.out


def test_an_earlier_receiver_is_left_to_the_dba_where_he_makes_its_tables(
    later: World, capsys: Capsys
) -> None:
    target = {"endpoint": "target", "table": "t", "ddl": False}
    later.job("j", target=target, **cursor_job())
    later.insert([9], stamp=later.now)
    for command in ("check", "run", "push", "reconcile"):
        told = call(capsys, "--config", later.directory, command, "j")
        assert (command, told.code) == (command, 4)
        assert f"of an earlier release: version {RECEIVER_VERSION}" in told.out + told.err
        assert "check j --ddl" in told.out + told.err
    assert later.sql("target", "SELECT count(*) FROM t") == [(3,)]
    ddl = call(capsys, "--config", later.directory, "check", "j", "--ddl").out
    statements = [one for one in ddl.split(";\n") if one.strip()]
    assert [one.split()[0] for one in statements] == ["ALTER", "ALTER", "UPDATE"]
    later.sql("target", *statements)
    later.run_well()
    assert later.findings() == []


@pytest.mark.parametrize("exchange", ["sqlite", "postgresql", "mysql"])
def test_a_run_of_an_earlier_release_ends_where_the_ledger_is_brought_up_to_date(
    make: MakeWorld, exchange: str, disarmed: None
) -> None:
    """By another job's run; it would write into tables that it does not know."""
    world = make("sqlite", exchange, "sqlite")
    world.make_table(6)
    world.job("j", **cursor_job(), chunk_rows=2)

    def upgrade(_: str) -> None:
        be_of(world, "0006")
        with open_ledger(world.deployment):
            pass

    arm(at("image.sealed", 2, upgrade))
    outcome = world.run("j")
    assert (outcome.exit_code, len(world.batches())) == (3, 2)
    assert "another run has taken over" in str(outcome.error)
    world.run_well()
    assert world.findings() == []


def test_a_centre_of_an_earlier_release_is_not_taken_for_one_without_deliveries(
    later: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = centre._QUERY.where(literal_column("later").is_(None))
    monkeypatch.setattr(centre, "_QUERY", read)
    told = call(capsys, "--config", later.directory, "watch", "--once")
    assert (told.code, "of an earlier release" in told.err) == (3, True)
    assert "nobody has delivered" not in told.err


def test_a_configuration_that_cannot_be_read_is_a_page_too(lived: World, capsys: Capsys) -> None:
    (lived.directory / "bridgehead.yaml").write_text("[", "utf-8")
    told = call(capsys, "--config", lived.directory, "metrics")
    assert (told.code, told.out.splitlines()[-1]) == (2, 'bridgehead_up{department=""} 0.0')
    assert "bridgehead.yaml" in told.err


def test_a_damaged_ledger_is_a_page_that_says_so(lived: World, capsys: Capsys) -> None:
    altered, damaged = "UPDATE bh_job SET ran_verdict = 'nonsense'", "DROP TABLE bh_batch"
    for damage, code in ((altered, 1), (damaged, 4)):
        lived.sql("exchange", damage)
        told = call(capsys, "--config", lived.directory, "metrics")
        assert told.code == code
        (up,) = [line for line in told.out.splitlines() if line.startswith("bridgehead_up{")]
        assert up.endswith("} 0.0")
        assert "error" in told.err
