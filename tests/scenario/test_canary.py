"""A canary in every cage: unique passwords and unique people are planted in configuration and data,
everything is run, faults included, and none of it sings anywhere but in the stores themselves."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
import yaml

from bridge.transform import rows as transform
from connectors.endpoint import Endpoint, Secret
from connectors.errors import RowRefused, StructureMismatch
from connectors.mysql.errors import of_mysql
from connectors.postgresql import errors
from tests.command import call
from tests.scenario.world import MakeWorld, World, cursor_job
from tests.webhook import Webhook, webhook

Capsys = pytest.CaptureFixture[str]

SECRETS = {
    "password in the environment": "Kanarie-env-8f31c",
    "password in a file": "Kanarie-file-77d0e",
    "wrong password": "Kanarie-wrong-19b2a",
    "login of the webhook": "5ecret",
}
PEOPLE = {
    "accepted": ("11010519491231002X", "欧阳候鸟甲", "13900010001"),
    "bad id": ("110105194912310029", "欧阳候鸟乙", "13900010002"),
    "bad date": ("440524188001010014", "欧阳候鸟丙", "13900010003"),
    "NUL": ("11010119900307109X", "欧阳候鸟丁", "13900010004"),
    "too long": ("110101199003071073", "欧阳候鸟戊", "13900010005"),
    "swallowed": ("110101199003071014", "欧阳候鸟己", "13900010006"),
    "altered": ("110101199003071030", "欧阳候鸟庚", "13900010007"),
    "refused": ("110101199003071057", "欧阳候鸟辛", "13900010008"),
    "twice": ("110101199003071081", "欧阳候鸟壬", "13900010009"),
    "deleted": ("110101199003071022", "欧阳候鸟癸", "13900010010"),
}
CANARIES = [*SECRETS.values(), *(value for person in PEOPLE.values() for value in person)]
COLUMNS: dict[str, Any] = {
    "id_no": {"rule": "resident_id"},
    "name": {},
    "phone": {},
    "born": {},
    "note": {},
    "updated_at": {},
}
REFUSALS = {
    "check": "ALTER TABLE people ADD CHECK (note <> 'refused')",
    "unique": "CREATE UNIQUE INDEX one_note ON people (note)",
    "trigger": "RAISE EXCEPTION 'not % %', NEW.id_no, NEW.name",
    "trigger that casts": "PERFORM CAST(NEW.name AS bigint)",
    "trigger that makes a statement": "EXECUTE format('TABLE %I', NEW.name)",
    "trigger with a code of its own": (
        "RAISE EXCEPTION 'not % %', NEW.id_no, NEW.name USING ERRCODE = 'ZZ001'"
    ),
    "trigger with a code of the server's": (
        "RAISE EXCEPTION 'not % %', NEW.id_no, NEW.name USING ERRCODE = '42501'"
    ),
}


class Cage:
    """All that anybody but the stores gets to see."""

    def __init__(self, world: World, capsys: Capsys) -> None:
        self.world = world
        self.capsys = capsys
        self.seen: dict[str, str] = {}

    def call(self, *arguments: str, expect: set[int] | None = None) -> int:
        where = " ".join(arguments)
        given = ["--config", self.world.directory, "--log-format", "json", *arguments]
        told = call(self.capsys, *given)
        number = len(self.seen)
        self.seen[f"{number}: stdout of {where}"] = told.out
        self.seen[f"{number}: stderr of {where}"] = told.err
        assert told.code in (expect or {0, 1, 3, 4}), told.out + told.err
        return told.code

    def sings(self) -> list[str]:
        """Every canary, and where it was heard."""
        return [
            f"{canary} in {where}"
            for where, text in self.seen.items()
            for canary in CANARIES
            if canary in text or escaped(canary) in text
        ]

    def look_at_files(self, folder: Path) -> None:
        """Names and contents of whatever was written, but the stores and the configuration."""
        ours = {self.world.directory / name for name in ("address", "secret", "wrong")}
        for path in sorted(folder.rglob("*")):
            self.seen[f"name of {path.name}"] = str(path)
            if path.is_file() and not path.name.startswith("test_") and path not in ours:
                self.seen[f"content of {path.name}"] = readable(path.read_bytes())

    def look_at_the_ledger(self) -> None:
        """What screens and alarms are made of; the quarantine's key is there for the retry."""
        told = ["bh_event", "bh_alarm", "bh_audit", "bh_batch", "bh_batch_event", "bh_job"]
        for table in told:
            rows = self.world.sql("exchange", f"SELECT * FROM {table}")
            self.seen[table] = repr(rows)
        masked = "SELECT reason, sample, place FROM bh_quarantine"
        self.seen["bh_quarantine"] = repr(self.world.sql("exchange", masked))


def escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def readable(content: bytes) -> str:
    """Also what is packed: a workbook is an archive, and a PDF holds deflated streams."""
    parts = [content]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [archive.read(name) for name in archive.namelist()]
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(found[1]))
        except zlib.error:
            parts.append(found[1])
    return "\n".join(part.decode("utf-8", "replace") for part in parts)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as state:
        yield state


@pytest.fixture
def world(make: MakeWorld, hook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Files and one PostgreSQL, which is the target, by a login with a password of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = make("sqlite", "sqlite", "postgresql")
    password, inside = SECRETS["password in the environment"], SECRETS["password in a file"]
    made.sql(
        "target",
        "DROP ROLE IF EXISTS canary",
        f"CREATE ROLE canary LOGIN SUPERUSER PASSWORD '{password}'",
        "DROP ROLE IF EXISTS other_canary",
        f"CREATE ROLE other_canary LOGIN SUPERUSER PASSWORD '{inside}'",
    )
    monkeypatch.setenv("CANARY_PASSWORD", password)
    (made.directory / "secret").write_text(inside, "ascii")
    (made.directory / "wrong").write_text(SECRETS["wrong password"], "ascii")
    configure(made, hook)
    made.sql(
        "source",
        "CREATE TABLE people (id_no TEXT, name VARCHAR(9), phone TEXT, born DATE, note TEXT, "
        "updated_at TIMESTAMP)",
    )
    return made


def configure(world: World, hook: Webhook) -> None:
    (world.directory / "address").write_text(hook.address + "\n", "utf-8")
    path = world.directory / "bridgehead.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    target = settings["endpoints"]["target"]
    settings["endpoints"] |= {
        "target": target | {"user": "canary", "password": {"env": "CANARY_PASSWORD"}},
        "again": target | {"user": "other_canary", "password": {"file": "secret"}},
        "closed": target | {"user": "canary", "password": {"file": "wrong"}},
    }
    settings["alarms"] = [{"name": "a", "to": {"file": "address"}, "language": "en"}]
    settings["defaults"]["retry"] = 0
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")


def job(world: World, name: str, **more: Any) -> None:
    usual = {
        "source": {"endpoint": "source", "table": "people"},
        "key": ["id_no"],
        "columns": COLUMNS,
        "target": {"endpoint": "target", "table": name},
        "max_delete": 3,
    }
    world.job(name, **(cursor_job() | usual | more))


def arrive(world: World, who: str, note: str = "", born: str | None = "1990-03-07") -> None:
    """A person enters the department's register."""
    id_no, name, phone = PEOPLE[who]
    opened = world.connect("source")
    opened.execute(
        f"INSERT INTO people VALUES (?, ?, ?, ?, ?, {world.ago(5)})",
        (id_no, name + {"NUL": "\0", "too long": "很长很长很长"}.get(who, ""), phone, born, note),
    )
    opened.close()


def meddle(world: World, body: str) -> None:
    world.sql(
        "target",
        "CREATE OR REPLACE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} END $$",
        "CREATE OR REPLACE TRIGGER meddle BEFORE INSERT ON people "
        "FOR EACH ROW EXECUTE FUNCTION meddle()",
    )


# -- the story -------------------------------------------------------------------------------------


def first_load(cage: Cage) -> None:
    """Good rows, and all that no store can hold."""
    world = cage.world
    job(world, "people")
    for who in ("accepted", "bad id", "NUL", "too long", "deleted"):
        arrive(world, who)
    arrive(world, "bad date", born=PEOPLE["bad date"][1])
    cage.call("check", expect={0})
    cage.call("discover", "source", "people", "--job", expect={0})
    cage.call("run", "people", "--json", expect={0})
    assert world.sql("target", "SELECT count(*) FROM people") == [(2,)]
    cage.call("quarantine", "people", expect={0})
    cage.call("quarantine", "people", "--json", expect={0})


def deviate(cage: Cage) -> None:
    """One row is swallowed at the target, one altered, one deleted by hand."""
    world = cage.world
    body = "IF NEW.note = 'swallowed' THEN RETURN NULL; END IF; "
    meddle(world, f"{body} IF NEW.note = 'altered' THEN NEW.phone := '0'; END IF; RETURN NEW;")
    for who in ("swallowed", "altered"):
        arrive(world, who, note=who)
    cage.call("run", "people", expect={1})
    world.sql("target", "DROP TRIGGER meddle ON people")
    world.sql("target", f"DELETE FROM people WHERE id_no = '{PEOPLE['deleted'][0]}'")
    cage.call("reconcile", "people", expect={1})
    cage.call("reconcile", "people", "--json", expect={1})


def refuse(cage: Cage, how: str = "trigger") -> None:
    """The target refuses a row; the server's own words quote it."""
    world = cage.world
    refusal = REFUSALS[how]
    arrive(world, "refused", note="refused")
    if how == "unique":
        id_no, name, phone = PEOPLE["twice"]
        world.sql(
            "target",
            f"INSERT INTO people (id_no, name, phone, note) "
            f"VALUES ('{id_no}', '{name}', '{phone}', 'refused')",
        )
    if how.startswith("trigger"):
        meddle(world, f"{refusal}; RETURN NEW;")
    else:
        world.sql("target", refusal)
    assert cage.call("run", "people", "--json") == 4


def logins(cage: Cage) -> None:
    """Another login that works, and one that does not; a key that is there twice."""
    world = cage.world
    job(world, "again", target={"endpoint": "again", "table": "again"})
    job(world, "closed", target={"endpoint": "closed", "table": "closed"})
    cage.call("check")
    cage.call("run", "again", expect={0})
    cage.call("run", "closed", expect={4})
    cage.call("run", "--all", "--json", "--parallel", "3")
    for _ in range(2):
        arrive(world, "twice")
    cage.call("run", "again", expect={4})
    world.sql("source", f"DELETE FROM people WHERE id_no = '{PEOPLE['twice'][0]}'")


def decide(cage: Cage) -> None:
    """Everything is deleted: held, laid aside, sent again."""
    world = cage.world
    world.sql("source", "DELETE FROM people WHERE note = ''")
    job(world, "again", target={"endpoint": "again", "table": "again"}, max_delete=0)
    assert cage.call("run", "again", "--json") == 1
    seq = str(world.batches("again")[-1]["seq"])
    cage.call("reject", "again", seq, "--by", "chief", "--why", "no", expect={0})
    cage.call("resync", "people", "--why", "put right")


def show(cage: Cage, folder: Path) -> None:
    """Everything that is only looked at, on screen and as files."""
    cage.call("status")
    cage.call("status", "--json")
    cage.call("batches", "people")
    cage.call("events")
    cage.call("events", "--json")
    cage.call("metrics")
    cage.call("purge", "--dry-run")
    cage.call("watch", "--endpoint", "target", "--once")
    cage.call("report", "-o", str(folder / "report.html"))
    span = ("--from", "2020-01-01", "--to", "2099-01-01")
    cage.call("statement", *span, "--format", "html,xlsx,pdf", "-o", str(folder))


def in_a_process(cage: Cage) -> None:
    """As an operator starts it, seen by everybody on the machine in the list of processes."""
    command = str(Path(sys.executable).with_name("bridgehead"))
    running = subprocess.Popen(
        [command, "--config", str(cage.world.directory), "run", "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    listed: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    listed.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue

    looking = threading.Thread(target=look)
    looking.start()
    out, _ = running.communicate(timeout=120)
    ended.set()
    looking.join()
    assert any("run --all" in line for line in listed)
    cage.seen["output of the process"] = out
    cage.seen["list of processes"] = "\n".join(listed)


def test_no_canary_sings(world: World, hook: Webhook, capsys: Capsys, tmp_path: Path) -> None:
    cage = Cage(world, capsys)
    first_load(cage)
    deviate(cage)
    refuse(cage)
    logins(cage)
    decide(cage)
    show(cage, tmp_path)
    in_a_process(cage)
    cage.look_at_files(tmp_path)
    cage.look_at_the_ledger()
    cage.seen["alarms"] = repr(hook.messages)
    assert hook.messages
    assert len(cage.seen) > 60
    assert {"report.html"} <= {path.name for path in tmp_path.iterdir()}
    assert cage.sings() == []


@pytest.mark.parametrize("how", REFUSALS)
def test_no_refusal_sings(world: World, capsys: Capsys, how: str) -> None:
    cage = Cage(world, capsys)
    job(world, "people")
    arrive(world, "accepted")
    cage.call("run", "people", expect={0})
    refuse(cage, how)
    cage.look_at_the_ledger()
    assert cage.sings() == []


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1644, "not {}"),  # SIGNAL SQLSTATE '45000'
        (30001, "not {}"),  # SIGNAL … SET MYSQL_ERRNO = 30001
        (1062, "Duplicate entry '{}' for key 'PRIMARY'"),
        (1525, "Incorrect DATE value: '{}'"),
        (1366, "Incorrect string value: '{}' for column `b`.`t`.`name` at row 1"),
        (1761, "Foreign key constraint for table 't', record '{}' would lead to a duplicate"),
    ],
)
def test_mariadb_is_not_quoted(number: int, text: str) -> None:
    person = PEOPLE["refused"][0]
    refused = of_mysql(
        MySQLdb.OperationalError(number, text.format(person)), Endpoint("target", "mysql")
    )
    assert isinstance(refused, RowRefused | StructureMismatch)
    assert person not in f"{refused} {refused.remedy}"


# -- a canary that can sing ------------------------------------------------------------------------


def test_a_sample_that_is_not_masked_is_heard(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform, "masked_sample", lambda value, _: value)
    cage = Cage(world, capsys)
    first_load(cage)
    cage.look_at_the_ledger()
    heard = "\n".join(cage.sings())
    assert PEOPLE["bad id"][0] in heard
    assert PEOPLE["too long"][1] in heard


def test_a_server_that_is_quoted_is_heard(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "_describe", lambda error, _: str(error))
    cage = Cage(world, capsys)
    job(world, "people")
    arrive(world, "accepted")
    cage.call("run", "people", expect={0})
    refuse(cage)
    assert PEOPLE["refused"][1] in "\n".join(cage.sings())


def test_a_password_that_prints_itself_is_heard(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Secret, "__str__", Secret.reveal)
    cage = Cage(world, capsys)
    job(world, "people")
    password = world.deployment.endpoint("target").password
    cage.seen["a message"] = f"login refused for {password}"
    assert SECRETS["password in the environment"] in "\n".join(cage.sings())


def test_what_is_packed_is_heard() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "欧阳候鸟甲")
    assert "欧阳候鸟甲" in readable(packed.getvalue())
    stream = zlib.compress("欧阳候鸟甲".encode())
    assert "欧阳候鸟甲" in readable(b"%PDF stream\n" + stream + b"\nendstream")
    assert os.linesep
