"""Clocks that are wrong and clocks that step back, zones that differ, and the nights in which local
time repeats an hour or leaves one out. Nothing is lost, nothing there twice.

The clocks of processes are shifted by libfaketime: the agent's in a process of its own, the
source's in a server of its own. What a step back costs is time, and it is said.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.failpoint import arm, at
from tests.command import call
from tests.postgres import Postgres
from tests.scenario.world import MakeWorld, World, cursor_job

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
DAY = 86_400

RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bridge.run import run_job
from bridge.settings import load
outcome = run_job(load(Path(sys.argv[1])), "j")
print(outcome.exit_code, outcome.verdict, len(outcome.batches), datetime.now(UTC).isoformat())
if outcome.error:
    print(outcome.error, file=sys.stderr)
"""


def shifted(spelling: str) -> dict[str, str]:
    """Environment of a process whose wall clock is shifted; what it measures is not."""
    assert LIBRARY, "libfaketime is not installed: scripts/setup --all"
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": spelling, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def run_at(world: World, spelling: str, zone: str = "UTC") -> tuple[str, str, int]:
    """A run by an agent whose clock is shifted: exit code, verdict, how many batches."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(world.directory)],
        env=os.environ | shifted(spelling) | {"TZ": zone},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    code, verdict, batches, _ = done.stdout.split()
    assert code == "0", done.stderr
    return code, verdict, int(batches)


# -- the agent's clock ---------------------------------------------------------------------------


@pytest.mark.parametrize("shifts", [("+3d", "-3d", "+3d", "+0"), ("-3d", "+0", "-1h", "+3d")])
def test_agents_clock(world: World, shifts: tuple[str, ...]) -> None:
    """What is read is told by the source's clock alone: rows stamped just now arrive at once."""
    world.make_table(10)
    world.job("j", **cursor_job())
    for number, shift in enumerate(shifts):
        world.insert([100 + number], stamp=world.now)
        world.sql("source", f"DELETE FROM t WHERE id = {number + 1}")
        assert run_at(world, shift)[:2] == ("0", "reconciled")
        assert world.findings() == []
    assert len(world.batches()) == len(shifts)
    stamps = [batch["window_high"] for batch in world.batches()]
    assert stamps == sorted(stamps)


def test_agents_clock_that_was_set_back_keeps_the_sweep_going(world: World) -> None:
    """The last sweep then lies ahead: it is not waited for, and neither is silence."""
    world.make_table(10)
    world.job("j", empty_every="1h", **cursor_job(deletes={"sweep": "1h"}))
    run_at(world, "+3d")
    world.sql("source", "DELETE FROM t WHERE id = 1")
    world.insert([50], stamp=world.ago(7200))  # far below the watermark
    assert run_at(world, "+0")[:2] == ("0", "reconciled")
    assert world.findings() == []
    assert [run_at(world, "+0")[2] for _ in range(2)] == [1, 0]  # silence is told, once an hour
    assert run_at(world, "-3d")[2] == 1  # a clock set back does not keep it quiet


def test_agents_clock_and_work_that_is_open(world: World) -> None:
    """How long the horizon is held back is told by the source's clock."""
    world.make_table(10)
    quick = {"drain_wait": 1, "horizon_limit": 600, "deletes": {"sweep": "off"}}
    world.job("j", **cursor_job(**quick))
    world.run_well()
    holder = world.connect("source")
    holder.autocommit = False
    holder.execute(f"INSERT INTO t VALUES (77, 'n', 1, {world.now})")
    for shift in ("+3d", "-3d"):
        assert run_at(world, shift) == ("0", "in_flight", 0)
    holder.commit()
    assert run_at(world, "+3d")[1] == "reconciled"
    assert world.findings() == []


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai"])
def test_agent_in_another_zone_than_the_source(world: World, zone: str) -> None:
    name = world.stores["source"].database
    world.sql(
        "source",
        f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'",
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamp)",
    )
    world.job("j", **cursor_job(column="at", overlap=0, deletes={"sweep": "off"}))
    for number in (1, 2, 3):
        world.sql("source", f"INSERT INTO t VALUES ({number}, localtimestamp)")
        assert run_at(world, "+0", zone)[:2] == ("0", "reconciled")
    assert world.findings(columns={"id": "number", "at": "moment"}) == []


# -- the source's clock --------------------------------------------------------------------------


class Shifted(Postgres):
    """A server of its own whose clock is what `set_back` says, from one statement to the next."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._offset = directory / "offset"

    def set_back(self, seconds: int) -> None:
        self._offset.write_text(f"{-seconds:+d}", "ascii")

    def set_to(self, moment: datetime) -> None:
        self.set_back(round((datetime.now(UTC) - moment).total_seconds()))

    def _launch(self, programs: Path) -> None:
        place = self.data.parent
        self._offset = place / "offset"
        self.set_back(0)
        faked = place / "faked"
        faked.mkdir(exist_ok=True)
        variables = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        said = " ".join(f"{name}={value}" for name, value in variables.items())
        program = faked / "postgres"
        program.write_text(f'#!/bin/sh\n{said} exec {programs / "postgres"} "$@"\n', "ascii")
        for path in (program, faked, self._offset):
            path.chmod(0o755)
        super()._launch(faked)


@pytest.fixture(scope="module")
def shifted_server(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Shifted]:
    assert LIBRARY, "libfaketime is not installed: scripts/setup --all"
    server = Shifted(tmp_path_factory.mktemp("shifted"))
    server.password = postgres.password
    with server:
        yield server


@pytest.fixture
def shifting(make: MakeWorld, shifted_server: Shifted) -> Iterator[World]:
    """A world whose source stands in that server. Ten rows are delivered."""
    world = make()
    shifted_server.create_database("shifted")
    world.stores["source"] = replace(
        world.stores["source"], port=shifted_server.port, database="shifted"
    )
    world.write()
    world.make_table(10)
    yield world
    world.close()
    shifted_server.set_back(0)
    shifted_server.drop_database("shifted")


def test_sources_clock_set_back_a_little(shifting: World, shifted_server: Shifted) -> None:
    """By less than the overlap: nothing is read until the clock has caught up; then all is."""
    shifting.job("j", **cursor_job(deletes={"sweep": "off"}))
    shifting.run_well()
    shifted_server.set_back(30)
    shifting.insert([50], stamp=shifting.now)
    outcome = shifting.run()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", 0, [])
    assert re.search("[0-9]+ s behind the watermark", outcome.holders[0])
    shifted_server.set_back(0)
    shifting.insert([51], stamp=shifting.now)
    shifting.run_well()
    assert shifting.findings() == []


def test_sources_clock_set_back_far(
    shifting: World, shifted_server: Shifted, capsys: pytest.CaptureFixture[str]
) -> None:
    """By more than the horizon may be held back: a person is told, and the sweep goes on."""
    shifting.job("j", **cursor_job())
    shifting.run_well()
    shifted_server.set_back(3 * DAY)
    shifting.insert([50], stamp=shifting.now)
    shifting.sql("source", "DELETE FROM t WHERE id = 3")
    told = call(capsys, "--config", shifting.directory, "run", "j")
    assert (told.code, "behind the watermark" in told.out.replace("\n", " ")) == (1, True)
    assert shifting.findings() == []
    assert "horizon" in [kind for (kind,) in shifting.sql("exchange", "SELECT kind FROM bh_event")]
    shifting.insert([51], stamp=shifting.now)
    assert shifting.run().verdict == "in_flight"
    assert shifting.findings() == []
    shifted_server.set_back(0)
    shifting.insert([52], stamp=shifting.now)
    shifting.run_well()
    assert shifting.findings() == []


def test_sources_clock_as_check_tells_it(
    shifting: World, shifted_server: Shifted, capsys: pytest.CaptureFixture[str]
) -> None:
    shifting.job("j", **cursor_job())
    for set_back, way in ((10_000, "behind"), (-10_000, "ahead of")):
        shifted_server.set_back(set_back)
        told = call(capsys, "--config", shifting.directory, "check", "--json").json
        source, *others = (f for f in told if f["what"] == "clock" and "source" in f["found"])
        assert (source["result"], others) == ("warning", [])
        assert re.search(rf"its clock is (9,99|10,00)\d s {way} this machine's", source["found"])


def test_sources_clock_and_a_comparison(shifting: World, shifted_server: Shifted) -> None:
    shifting.job("j", capture={"method": "compare"})
    shifting.run_well()
    shifted_server.set_back(7200)
    shifting.insert([50], stamp=shifting.now)
    outcome = shifting.run()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", 1, [])
    shifted_server.set_back(0)
    shifting.run_well()
    assert shifting.findings() == []


def test_sources_clock_that_had_been_ahead(
    shifting: World, shifted_server: Shifted, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the run says leads out of it, and nobody waits until the wrong time has come."""
    shifting.job("j", capture={"method": "compare"})
    shifted_server.set_back(-3 * DAY)
    shifting.run_well()
    shifted_server.set_back(0)
    shifting.insert([50], stamp=shifting.now)
    told = call(capsys, "--config", shifting.directory, "run", "j")
    assert (told.code, "bridgehead resync j --why TEXT" in told.out) == (1, True)
    call(capsys, "--config", shifting.directory, "resync", "j", "--why", "the clock is right again")
    shifting.insert([51], stamp=shifting.now)
    shifting.run_well()
    assert shifting.findings() == []


def test_sources_clock_set_back_under_a_first_load(
    shifting: World, shifted_server: Shifted
) -> None:
    """Cut off, and gone on with under an earlier clock: its horizon is the one of its beginning."""
    shifting.job("j", chunk_rows=4, **cursor_job())
    with pytest.raises(_Stop):
        _stopped_after_a_part(shifting)
    shifted_server.set_back(3600)
    shifting.insert([50], stamp=shifting.now)
    assert shifting.run().verdict in ("reconciled", "in_flight")
    shifted_server.set_back(0)
    shifting.run_well()
    assert shifting.findings() == []


NIGHTS = [
    ("Europe/Berlin", datetime(2025, 10, 26, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2025, 3, 30, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2025, 11, 2, 6, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "change"), NIGHTS)
def test_night_in_which_the_clock_changes(
    shifting: World, shifted_server: Shifted, zone: str, change: datetime
) -> None:
    """Stamps without a zone, an hour that comes twice or not at all, and neither overlap nor sweep
    to lean on."""
    shifting.sql(
        "source",
        f"ALTER DATABASE shifted SET timezone = '{zone}'",
        "DROP TABLE t",
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamp DEFAULT localtimestamp)",
    )
    shifting.job("j", **cursor_job(column="at", overlap=0, deletes={"sweep": "off"}))
    moment, number = change - timedelta(minutes=100), 0
    while moment < change + timedelta(minutes=100):
        shifted_server.set_to(moment)
        number += 1
        shifting.sql("source", f"INSERT INTO t VALUES ({number}), ({number + 1000})")
        shifting.run_well()
        moment += timedelta(minutes=23)
    assert shifting.findings(columns={"id": "number", "at": "moment"}) == []


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_what_lies_within_the_margin_may_still_come(world: World) -> None:
    """A clock that was set back by less gives no stamp below the watermark."""
    net = {"overlap": 0, "deletes": {"sweep": "off"}}
    world.make_table(3)
    world.job("j", **cursor_job(margin="10m", **net))
    world.run_well()
    world.insert([50], stamp=world.ago(300))
    assert [batch.sent.inserted for batch in world.run_well().batches] == [0]
    world.job("j", **cursor_job(**net))
    assert [batch.sent.inserted for batch in world.run_well().batches] == [1]
    assert world.findings() == []


class _Stop(Exception):
    pass


def _stopped_after_a_part(world: World) -> None:
    def stop(_: str) -> None:
        raise _Stop

    arm(at("image.sealed", 2, stop))
    try:
        world.run()
    finally:
        arm(None)
