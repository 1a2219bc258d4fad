"""Killed between any two durable effects, then started again: nothing lost, nothing twice.

The mechanism is that of `scripts/proof` (`tests/proof/kills.py`), which does this in every
combination of families: here all of a life on SQLite, and a part of it on real servers.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.comparison import reconcile_job
from bridge.decision import acknowledge, switch, waive, waive_besides
from bridge.errors import IllegalMove
from bridge.failpoint import arm
from bridge.notice.notice import note_all
from tests.kill import FILE_POINTS, killed
from tests.proof.kills import KilledLife, block_of
from tests.proof.story import ACTS
from tests.proof.workshop import Servers, Workshop
from tests.scenario.world import MakeWorld, World, cursor_job
from tests.webhook import Webhook, webhook

SEED = 1
SQLITE = ("sqlite",) * 3
PG, MARIA = "postgresql", "mysql"
FLOWING_SECONDS = 10
NOTICE_POINTS = ("notice.writing", "notice.written")
ALARM_POINTS = ("alarm.claimed", "alarm.sent", "alarm.reporting", "alarm.reported")
SWITCH_POINTS = ("switch.noting", "switch.noted")
WAIVE_POINTS = ("waive.noting", "waive.noted")
EVENT_POINTS = ("event.noting", "event.noted")
STALL_POINTS = ("push.stalling", "push.stalled")
GOING_ON_POINTS = ("stall.ending", "stall.ended")

WHOLE = [
    ("outbound", "cursor", "first load"),
    ("outbound", "cursor", "change"),
    ("inbound", "compare", "change"),
]
"""Killed at every pass. With what the other acts add, more than 300 kills."""


class OfTheSession(Servers):
    """The servers that all tests share."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    @cached_property
    def postgres(self) -> Any:  # type: ignore[override]
        return self._request.getfixturevalue("postgres")

    @cached_property
    def mariadb(self) -> Any:  # type: ignore[override]
        return self._request.getfixturevalue("mariadb")


@pytest.fixture
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    with closing(Workshop(tmp_path / "workshop", OfTheSession(request))) as made:
        yield made


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By act: the failpoints that a clean run on SQLite passes."""
    found = {}
    for act in ACTS:
        home = tmp_path_factory.mktemp("act") / "workshop"
        with closing(Workshop(home, None)) as workshop:  # type: ignore[arg-type]
            life = KilledLife(block_of(SQLITE, "outbound", "cursor", act), SEED, workshop)
            found[act] = life.passed
    return found


def test_every_failpoint_is_passed(passed: dict[str, list[str]]) -> None:
    reached = {name for names in passed.values() for name in names}
    written = {
        name
        for file in Path("bridge").rglob("*.py")
        for name in re.findall(r'failpoint\("([^"]+)"\)', file.read_text("utf-8"))
    }
    elsewhere = {*FILE_POINTS, *ALARM_POINTS, *STALL_POINTS, *SWITCH_POINTS, *EVENT_POINTS}
    elsewhere |= {*WAIVE_POINTS, *GOING_ON_POINTS}
    assert reached | elsewhere == written
    assert reached.isdisjoint(elsewhere)


@pytest.mark.parametrize(("direction", "capture", "act"), WHOLE, ids=map(" ".join, WHOLE))
@pytest.mark.parametrize("first", [1, 2])
def test_killed_anywhere(
    workshop: Workshop, direction: str, capture: str, act: str, first: int
) -> None:
    """At every pass, in two halves."""
    life = KilledLife(block_of(SQLITE, direction, capture, act), SEED, workshop)
    assert kill(life, range(first, len(life.passed) + 1, 2)) >= 40


@pytest.mark.parametrize("act", [a for a in ACTS if ("outbound", "cursor", a) not in WHOLE])
def test_killed_where_no_other_act_is(
    workshop: Workshop, act: str, passed: dict[str, list[str]]
) -> None:
    """At the passes of what this act alone does, and at its last."""
    life = KilledLife(block_of(SQLITE, "outbound", "cursor", act), SEED, workshop)
    known = {name for other, names in passed.items() if other != act for name in names}
    own = [hit for hit, name in enumerate(life.passed, 1) if name not in known]
    assert kill(life, {*own, len(life.passed)}) >= 2


@pytest.mark.parametrize(
    ("chain", "direction", "capture", "act"),
    [
        ((PG, PG, PG), "outbound", "cursor", "first load"),
        ((MARIA, MARIA, MARIA), "inbound", "compare", "first load"),
        ((MARIA, PG, MARIA), "outbound", "cursor", "change"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_killed_with_real_servers(
    workshop: Workshop, chain: tuple[str, ...], direction: str, capture: str, act: str
) -> None:
    """At every third pass; `scripts/proof` does the others."""
    life = KilledLife(block_of(chain, direction, capture, act), SEED, workshop)
    assert kill(life, list(range(1, len(life.passed), 3))[:11]) >= 20


def test_killed_between_statements(workshop: Workshop) -> None:
    """MariaDB commits at each CREATE TABLE: a ledger, a copy or a claim may be made in part."""
    block = block_of((MARIA,) * 3, "outbound", "cursor", "first load", by_statement=True)
    life = KilledLife(block, SEED, workshop)
    assert len(life.passed) > 200
    assert kill(life, life.hits[::4]) == 10


def kill(life: KilledLife, hits: Any) -> int:
    """How many kills that was, each once and once more with a second one."""
    results = [life.kill_at(hit) for hit in hits]
    assert [finding for result in results for finding in result.findings] == []
    seconds = sorted(s for result in results for found in result.seconds.values() for s in found)
    assert seconds[-2] < FLOWING_SECONDS  # p99; of so few the worst but one
    return sum(result.count for result in results)


# -- a process of its own ------------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from bridge.run import run_job
from bridge.settings import load
print(run_job(load(Path(sys.argv[1])), "j").verdict)
"""


@pytest.mark.parametrize("world", [(PG, PG, MARIA), (MARIA, MARIA, PG)], indirect=True)
@pytest.mark.parametrize("where", ["push.applied:2", "window.sealing:1"])
def test_a_whole_process_is_killed_and_started_again(world: World, where: str) -> None:
    world.job("j", chunk_rows=10, **cursor_job())
    world.make_table(25)
    if where.startswith("window"):
        world.run_well()
        world.insert([100], stamp=world.now)
    call = [sys.executable, "-c", RUN, str(world.directory)]
    armed = os.environ | {"BRIDGEHEAD_FAILPOINT": f"{where}:kill"}
    assert subprocess.run(call, env=armed, check=False).returncode == -signal.SIGKILL
    began = time.monotonic()
    again = subprocess.run(call, capture_output=True, encoding="utf-8", check=True)
    assert again.stdout.split() == ["reconciled"]
    assert time.monotonic() - began < FLOWING_SECONDS
    assert world.findings() == []


def test_armed_by_the_environment() -> None:
    code = "from bridge.failpoint import failpoint; failpoint('a'); failpoint('b'); failpoint('b')"
    for text, status in (("b:2:kill", -signal.SIGKILL), ("b:3:kill", 0), ("*:1:kill", -9)):
        environment = os.environ | {"BRIDGEHEAD_FAILPOINT": text}
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
        assert done.returncode == status, text


# -- what is told, and a receiver that cannot take a batch ---------------------------------------


@pytest.mark.parametrize("point", [*NOTICE_POINTS, *ALARM_POINTS])
def test_killed_while_somebody_is_told(
    make: MakeWorld, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is to know is told, by a later look at the latest; twice only where it had been sent
    and not noted."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 3")
    with webhook() as hook:
        tell(world, hook)
        assert killed(lambda: reconcile_job(world.deployment, "j"), 1, point)
        assert reconcile_job(world.deployment, "j").outcome.verdict == "deviation"
        note_all(world.deployment, datetime.now(UTC) + timedelta(hours=1))
        told = [title for title in hook.titles if "deviation" in title]
    twice = point in ("alarm.sent", "alarm.reporting")
    assert len(told) == (2 if twice else 1)
    assert world.sql("exchange", "SELECT count(*) FROM bh_alarm WHERE state = 'pending'") == [(0,)]


def test_killed_while_the_absence_of_the_exchange_is_noted(
    make: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told that it is down is told that it is back."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    store = Path(str(world.stores["exchange"].path))
    with webhook() as hook:
        world.write(retry=0)
        tell(world, hook)
        away = store.rename(tmp_path / "away")
        assert world.run().exit_code == 3
        away.rename(store)
        assert killed(lambda: note_all(world.deployment), 1, "notice.writing")
        note_all(world.deployment)
    assert hook.titles == [
        "[Bridgehead] error: store down exchange",
        "[Bridgehead] recovered: store down exchange",
    ]
    assert world.sql("exchange", "SELECT kind FROM bh_event WHERE closed_at > 0") == [("store",)]


@pytest.mark.parametrize("point", GOING_ON_POINTS)
def test_killed_while_it_is_told_that_a_job_goes_on(make: MakeWorld, point: str) -> None:
    """What stalled it was another machine's."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "UPDATE bh_position SET stalled = 'fork'")
    assert killed(world.run, 1, point)
    told = world.sql("target", "SELECT verdict FROM bh_health")
    assert told == [("fork" if point == "stall.ending" else "reconciled",)]
    world.run_well()
    assert world.sql("target", "SELECT verdict FROM bh_health") == [("reconciled",)]
    assert world.findings() == []


@pytest.mark.parametrize("point", STALL_POINTS)
def test_killed_while_a_batch_does_not_follow(make: MakeWorld, point: str) -> None:
    """The target goes back to before its first batch while a run is under way. Nothing is applied
    over it, and a resync sends everything."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([100], stamp=world.now)

    def run() -> None:
        def act(passed: str) -> None:
            if passed == "push.begins":
                zeros = "0" * 64
                world.sql("target", f"UPDATE bh_position SET seq = 0, head_hash = '{zeros}'")
            elif passed == point:
                os.kill(os.getpid(), signal.SIGKILL)

        arm(act)
        world.run()

    assert killed(run, 1, "never passed")
    assert world.sql("target", "SELECT count(*) FROM t") == [(5,)]
    assert world.run().exit_code == 1
    world.resync()
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("point", WAIVE_POINTS)
@pytest.mark.parametrize("besides", [False, True], ids=["batch", "besides"])
def test_killed_while_somebody_waives(make: MakeWorld, point: str, besides: bool) -> None:
    """It is waived and audited, or neither; asked for again, it is, or is so already."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 3")
    world.sql("source", "DELETE FROM t WHERE id = 3")
    assert world.run().verdict == "deviation"
    if besides:
        world.sql("exchange", "UPDATE bh_job SET missing = 2")
        (world.directory / "jobs/j.yaml").unlink()

    def ask() -> None:
        if besides:
            waive_besides(world.deployment, "j", "tester", "because")
        else:
            waive(world.deployment, "j", 2, "tester", "because")

    assert killed(ask, 1, point)
    is_done = point == "waive.noted"
    noted = "SELECT count(*) FROM bh_audit WHERE action = 'waive'"
    assert world.sql("exchange", noted) == [(int(is_done),)]
    with pytest.raises(IllegalMove) if is_done else nullcontext():
        ask()
    assert world.sql("exchange", noted) == [(1,)]
    assert besides or world.oracle().at_any_moment() == []


@pytest.mark.parametrize("point", SWITCH_POINTS)
def test_killed_while_a_job_is_switched(make: MakeWorld, point: str) -> None:
    """It is switched and audited, or neither; asked for again, it is."""
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    noted = 0
    for on in (False, True):

        def ask(on: bool = on) -> None:
            switch(world.deployment, "j", "tester", "because", on=on)

        assert killed(ask, 1, point)
        is_done = point == "switch.noted"
        assert world.sql("exchange", "SELECT enabled FROM bh_job") == [(int(on is is_done),)]
        noted += is_done
        assert _audited(world, "disable", "enable") == noted
        ask()
        noted += 1
        assert _audited(world, "disable", "enable") == noted
        assert world.run().skipped is not on
    assert world.findings() == []


@pytest.mark.parametrize("point", EVENT_POINTS)
def test_killed_while_an_event_is_taken_over(make: MakeWorld, point: str) -> None:
    world = make(*SQLITE)
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 3")
    assert reconcile_job(world.deployment, "j").outcome.verdict == "deviation"
    (number,) = world.sql("exchange", "SELECT number FROM bh_event WHERE closed_at IS NULL")[0]
    assert killed(lambda: acknowledge(world.deployment, number, "tester", "because"), 1, point)
    is_done = point == "event.noted"
    taken = "SELECT count(*) FROM bh_event WHERE acknowledged_by = 'tester'"
    assert world.sql("exchange", taken) == [(int(is_done),)]
    assert _audited(world, "acknowledge") == is_done
    acknowledge(world.deployment, number, "tester", "because")
    assert world.sql("exchange", taken) == [(1,)]
    assert _audited(world, "acknowledge") == is_done + 1


def tell(world: World, hook: Webhook) -> None:
    """One rule, in English, is told of everything."""
    (world.directory / "address").write_text(hook.address, "utf-8")
    path = world.directory / "bridgehead.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["alarms"] = [{"name": "a", "to": {"file": "address"}, "language": "en"}]
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")


def _audited(world: World, *actions: str) -> int:
    named = ", ".join(f"'{action}'" for action in actions)
    query = f"SELECT count(*) FROM bh_audit WHERE action IN ({named})"
    return int(world.sql("exchange", query)[0][0])
