"""Many at once: jobs on a new ledger, starts of one job, and a holder that sleeps and wakes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.beginning import plan_whole
from bridge.capture.image import load_image
from bridge.hold import hold
from connectors.errors import Busy
from tests.scenario.world import DEPARTMENT, World, cursor_job

ROOT = Path(__file__).resolve().parents[2]
CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])

RUN = """
import sys
from pathlib import Path
from bridge.run import run_job
from bridge.settings import load
sys.stdin.readline()
outcome = run_job(load(Path(sys.argv[1])), sys.argv[2], wait=float(sys.argv[3]))
print(outcome.exit_code, outcome.verdict, type(outcome.error).__name__, len(outcome.batches))
"""


def start(world: World, job: str = "j", wait: float = 60, failpoint: str = "") -> subprocess.Popen:
    """A run in a process of its own; it begins when it is told to, by a line."""
    armed = {"BRIDGEHEAD_FAILPOINT": failpoint} if failpoint else {}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(world.directory), job, str(wait)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | armed,
    )


def begin(*runs: subprocess.Popen) -> None:
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()


def result(run: subprocess.Popen) -> list[str]:
    printed, _ = run.communicate(timeout=100)
    return printed.split()


@on_both
def test_four_jobs_on_a_ledger_that_does_not_exist_yet(world: World) -> None:
    world.make_table(20)
    jobs = [
        world.job(f"j{n}", target={"endpoint": "target", "table": f"t{n}"}, **cursor_job())
        for n in range(4)
    ]
    runs = [start(world, job) for job in jobs]
    begin(*runs)
    assert [result(run) for run in runs] == [["0", "reconciled", "NoneType", "1"]] * 4
    for n, job in enumerate(jobs):
        assert world.findings(job, target_table=f"t{n}") == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_holder_that_lost_its_job_does_not_take_it_back(world: World) -> None:
    world.job("j", **cursor_job())
    with hold(world.deployment, world.deployment.job("j"), 0) as held:
        held.take()
        world.sql("exchange", "UPDATE bh_job SET token = token + 1")
        with pytest.raises(Busy, match="another run has taken over"):
            held.take(100)


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_holder_that_lost_its_job_takes_no_copy_away(world: World) -> None:
    """What it was about to load anew is what the other run works on."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    with hold(world.deployment, world.deployment.job("j"), 0) as held:
        plan = plan_whole(held)
        world.sql("exchange", "UPDATE bh_job SET token = token + 1")
        with pytest.raises(Busy, match="another run has taken over"):
            load_image(held, plan, held.source.clock(), None, lambda _: None)
    assert world.sql("exchange", "SELECT count(*) FROM bh_copy_j") == [(3,)]


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("ahead", [0, 7])
def test_a_token_that_the_target_has_seen_is_given_once(world: World, ahead: int) -> None:
    """A ledger that was restored gives it again: who had it before is refused from then on."""
    world.make_table(1)
    world.job("j", **cursor_job())
    world.run_well()
    with hold(world.deployment, world.deployment.job("j"), 0) as held:
        seen = held.token + ahead
        world.sql("target", f"UPDATE bh_position SET token = {seen}")
        held.take_target()
        assert held.token == seen + 1
    assert world.sql("target", "SELECT token FROM bh_position") == [(seen + 1,)]


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_two_jobs_of_one_table_do_not_wait_for_each_other(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    world.job("k", **cursor_job(), target={"endpoint": "target", "table": "u"})
    with hold(world.deployment, world.deployment.job("k"), 0):
        world.run_well("j")


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_jobs_of_one_name_in_two_departments_do_not_wait_for_each_other(world: World) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    file = world.directory / "bridgehead.yaml"
    ours = file.read_text("utf-8")
    file.write_text(ours.replace(DEPARTMENT, "11330100002489532W"), "utf-8")
    theirs = world.deployment
    file.write_text(ours, "utf-8")
    with hold(theirs, theirs.job("j"), 0):
        assert world.run(wait=0).verdict == "reconciled"


@on_both
def test_eight_starts_of_one_job(world: World) -> None:
    """Six wait for their turn, two will not wait: they say busy or find it free."""
    world.make_table(30)
    world.job("j", chunk_rows=10, **cursor_job())
    patient = [start(world) for _ in range(6)]
    hurried = [start(world, wait=0) for _ in range(2)]
    begin(*patient, *hurried)
    for run in patient:
        assert result(run)[:3] == ["0", "reconciled", "NoneType"]
    for run in hurried:
        assert result(run)[:3] in (
            ["0", "reconciled", "NoneType"],
            ["3", "in_flight", "Busy"],
        )
    assert world.findings() == []
    assert [b["kind"] for b in world.batches()][:3] == ["first"] * 3
    assert sum(b["inserted"] for b in world.batches()) == 30
    assert one_at_a_time(world)


def one_at_a_time(world: World) -> bool:
    """Every event of a run stands before every event of the next."""
    tokens = [token for (token,) in world.sql("exchange", EVENTS)]
    return tokens == sorted(tokens)


EVENTS = "SELECT token FROM bh_batch_event ORDER BY number"


# -- a holder that sleeps ------------------------------------------------------------------------


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize(
    "where", ["hold.taken:1", "image.begun:1", "image.sealed:1", "push.begins:1", "push.noted:2"]
)
def test_frozen_holder_is_refused_by_the_token(world: World, where: str) -> None:
    """Its lock was lost while it slept (here: the lock's file), another run did all the work."""
    world.make_table(30)
    world.job("j", chunk_rows=10, **cursor_job())
    with frozen(world, f"{where}:stop") as sleeper:
        for lock in Path(world.stores["exchange"].path).parent.glob(".*.lock"):
            lock.unlink()
        assert world.run_well()
        world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id < 9")
        assert world.run_well()
        before = world.batches()
    status, _, name, _ = result(sleeper)
    assert (status, name) == ("3", "Busy")
    assert world.batches() == before
    assert world.findings() == []
    assert one_at_a_time(world)
    assert world.run_well()
    assert world.findings() == []


def end_sessions(world: World, role: str) -> None:
    """As a database does with a client that it takes for dead; its locks go with it."""
    world.sql(
        role,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND application_name LIKE 'bridgehead%'",
    )


OUTSIDE = ["window.sealing", "push.begins", "push.applied"]
INSIDE = ["push.locked", "push.applying"]


def one_row_waits(world: World) -> None:
    world.make_table(30)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert([100], stamp=world.now)


def change_it(world: World) -> None:
    world.sql("source", f"UPDATE t SET name = 'later', updated_at = {world.now} WHERE id = 100")


def check_woken(world: World, sleeper: subprocess.Popen) -> None:
    """It was refused, or began again as a run like any other; nothing was there twice."""
    status, _, error, _ = result(sleeper)
    assert (status, error) in (("0", "NoneType"), ("3", "Busy"), ("3", "ConnectionLost"))
    assert world.findings() == []
    assert one_at_a_time(world)
    world.run_well()
    assert world.findings() == []
    assert {batch["epoch"] for batch in world.batches()} == {1}


@pytest.mark.parametrize("where", OUTSIDE)
def test_frozen_holder_whose_session_was_ended(world: World, where: str) -> None:
    """On PostgreSQL the lock dies with the session with the exchange; the one with the target
    lives, and must not apply what others have gone past. (One with the source would hold the
    horizon back, as any open transaction.)"""
    one_row_waits(world)
    with frozen(world, f"{where}:1:stop") as sleeper:
        end_sessions(world, "exchange")
        end_sessions(world, "source")
        world.run_well()
        change_it(world)
        world.run_well()
    check_woken(world, sleeper)


@pytest.mark.parametrize("where", INSIDE)
def test_frozen_inside_the_targets_transaction(world: World, where: str) -> None:
    """It holds the position: whoever comes next waits there. Its commit comes before theirs."""
    one_row_waits(world)
    with frozen(world, f"{where}:1:stop") as sleeper:
        end_sessions(world, "exchange")
        change_it(world)
        other = start(world)
        begin(other)
        wait_until(lambda: bool(world.sql("target", WAITING)))
    check_woken(world, sleeper)
    assert result(other)[:2] == ["0", "reconciled"]
    assert world.findings() == []


def test_frozen_inside_the_targets_transaction_which_was_ended(world: World) -> None:
    """Its transaction is gone, and comes to nothing."""
    one_row_waits(world)
    with frozen(world, "push.applying:1:stop") as sleeper:
        end_sessions(world, "exchange")
        end_sessions(world, "target")
        world.run_well()
        change_it(world)
        world.run_well()
    check_woken(world, sleeper)


WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"

# What the scheduler's tasks do, in a process of Airflow's kind, one stage after the other.
TASKS = """
import sys
from bridge.run import pull_only, push_only
from bridgehead_dag import work
from bridgehead_dag.narration import Narrator
for stage in sys.argv[1:]:
    step = {"pull": pull_only, "push": push_only}[stage]
    outcome = work._outcome(work.deployment(), "j", (step,), Narrator())
    print(stage, outcome.exit_code, outcome.error or outcome.verdict)
"""


def tasks(world: World, home: Path, *stages: str, failpoint: str = "") -> subprocess.Popen:
    armed = {"BRIDGEHEAD_FAILPOINT": failpoint} if failpoint else {}
    airflow = {"AIRFLOW_HOME": str(home), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'dags'}"}
    return subprocess.Popen(
        [sys.executable, "-c", TASKS, *stages],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | airflow | {"BRIDGEHEAD_CONFIG": str(world.directory)} | armed,
    )


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
def test_task_that_is_tried_again_and_lives_on(world: World, tmp_path: Path) -> None:
    """The scheduler holds its process for dead and tries the push again; then that one wakes up,
    goes on with its push, and is refused."""
    world.make_table(20)
    world.job("j", chunk_rows=10, **cursor_job())
    zombie = tasks(world, tmp_path, "pull", "push", failpoint="push.begins:1:stop")
    with woken(zombie):
        for lock in Path(world.stores["exchange"].path).parent.glob(".*.lock"):
            lock.unlink()
        retried, _ = tasks(world, tmp_path, "push", "pull", "push").communicate(timeout=100)
        came = [line.split()[1:] for line in retried.splitlines() if line[:4] in ("push", "pull")]
        assert came == [["0", "reconciled"], ["0", "in_flight"], ["0", "reconciled"]]
        before = world.batches()
    told, _ = zombie.communicate(timeout=100)
    assert "push 3" in told
    assert "another run has taken over job j" in told
    assert world.batches() == before
    assert world.findings() == []
    assert one_at_a_time(world)


@contextmanager
def frozen(world: World, where: str) -> Iterator[subprocess.Popen]:
    """A run that stops itself at a failpoint, and goes on at the end."""
    sleeper = start(world, failpoint=where)
    begin(sleeper)
    with woken(sleeper):
        yield sleeper


@contextmanager
def woken(sleeper: subprocess.Popen) -> Iterator[None]:
    """Waits until it has stopped itself, and lets it go on at the end."""
    wait_until(lambda: is_stopped(sleeper.pid), 90)
    try:
        yield
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
