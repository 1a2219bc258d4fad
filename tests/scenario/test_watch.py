"""watch: how every department stands at the centre, also while its store is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bridge.centre import Centre
from connectors.errors import BridgeheadError
from tests.command import call
from tests.scenario.world import DEPARTMENT, World, cursor_job

Capsys = pytest.CaptureFixture[str]
CHAINS = [("postgresql",) * 3, ("sqlite", "sqlite", "mysql"), ("sqlite",) * 3]
chains = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)
light = pytest.mark.parametrize("world", CHAINS[-1:], indirect=True, ids="-".join)


@pytest.fixture
def lived(world: World) -> World:
    world.make_table(7)
    for name in ("a", "b"):
        world.job(name, **cursor_job(), target={"endpoint": "target", "table": f"t_{name}"})
        world.run_well(name)
    return world


@chains
def test_every_job_of_the_store_is_shown_worst_first(lived: World, capsys: Capsys) -> None:
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    assert told.code == 0
    found = {row["job"]: row for row in told.json}
    assert {row["department"] for row in told.json} == {DEPARTMENT}
    assert {name: row["seq"] for name, row in found.items()} == {"a": 1, "b": 1}
    assert all(row["verdict"] == "reconciled" for row in told.json)
    assert all(row["received_total"] == 7 and row["lag_seconds"] < 600 for row in told.json)

    lived.sql("target", "UPDATE bh_position SET stalled = 'gap' WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--once")
    assert told.code == 1
    assert "断号 gap" in told.out
    lines = [line for line in told.out.splitlines() if DEPARTMENT in line]
    assert [line.split()[1] for line in lines] == ["b", "a"]


@light
def test_what_is_overdue_or_deviates_is_not_well(lived: World, capsys: Capsys) -> None:
    def watched(*more: str) -> int:
        return call(capsys, "--config", lived.directory, "watch", "--json", *more).code

    lived.sql("target", "UPDATE bh_receipt SET window_high = '2026-01-01T00:00:00.000000Z'")
    assert (watched(), watched("--overdue", "366d")) == (1, 0)
    lived.sql("target", "UPDATE bh_receipt SET verdict = 'deviation' WHERE job = 'a'")
    assert watched("--overdue", "366d") == 1
    assert watched("--endpoint", "source") == 4, "it holds no receiver's tables"
    assert watched("--endpoint", "none") == 2


@chains
def test_a_job_whose_position_was_deleted_is_a_gap(lived: World, capsys: Capsys) -> None:
    lived.sql("target", "DELETE FROM bh_position WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    first, second = ((row["job"], row["verdict"], row["seq"]) for row in told.json)
    assert (told.code, first, second) == (1, ("b", "gap", 0), ("a", "reconciled", 1))
    assert lived.run("b").verdict == "gap"
    lived.sql("target", "DELETE FROM bh_position")
    shown = call(capsys, "--config", lived.directory, "watch", "--once")
    assert (shown.code, shown.out.count("断号 gap")) == (1, 2)


@chains
def test_a_job_whose_receipts_were_deleted_is_a_gap(lived: World, capsys: Capsys) -> None:
    lived.sql("target", "DELETE FROM bh_receipt WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    first, second = ((row["job"], row["verdict"], row["seq"]) for row in told.json)
    assert (told.code, first, second) == (1, ("b", "gap", 1), ("a", "reconciled", 1))


@chains
def test_a_job_that_came_and_never_delivered_is_overdue_in_time(
    lived: World, capsys: Capsys
) -> None:
    """Its first run ended before its first batch arrived, and no other came after it."""
    long_ago = _midnight(lived, "2026-01-01")
    lived.sql("target", "DELETE FROM bh_receipt WHERE job = 'b'")
    lived.sql("target", "UPDATE bh_position SET epoch = 0, seq = 0 WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    waits = told.json[0]
    assert (told.code, waits["job"], waits["verdict"], waits["overdue"]) == (0, "b", None, False)
    assert 0 <= waits["lag_seconds"] < 600
    lived.sql("target", f"UPDATE bh_position SET updated_at = '{long_ago}' WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    assert (told.code, told.json[0]["job"], told.json[0]["overdue"]) == (1, "b", True)


@chains
def test_a_state_of_days_to_come_is_told(lived: World, capsys: Capsys) -> None:
    """With a clock that is ahead a department could be silent for as long."""
    to_come = _midnight(lived, "2999-01-01")
    lived.sql("target", f"UPDATE bh_receipt SET window_high = '{to_come}' WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    ahead, well = told.json
    assert (told.code, ahead["job"], ahead["lag_seconds"], well["ahead_seconds"]) == (1, "b", 0, 0)
    assert ahead["ahead_seconds"] > 900 * 365 * 86_400
    shown = call(capsys, "--config", lived.directory, "watch", "--once")
    assert (shown.code, "1 need somebody" in shown.out) == (1, True)
    assert f"{DEPARTMENT}/b: its newest state lies " in shown.out


@chains
def test_a_job_that_was_released_is_not_waited_for(lived: World, capsys: Capsys) -> None:
    """Taken away, or moved to another store: else it would be overdue for ever."""
    config = ("--config", lived.directory)
    long_ago = _midnight(lived, "2026-01-01")
    lived.sql("target", f"UPDATE bh_receipt SET window_high = '{long_ago}' WHERE job = 'b'")
    (lived.directory / "jobs/b.yaml").unlink()
    assert call(capsys, *config, "watch", "--json").code == 1
    release = ("release", "t_b", "--endpoint", "target", "--why", "ended")
    assert call(capsys, *config, *release).code == 0
    told = call(capsys, *config, "watch", "--json")
    well, ended = told.json
    assert (told.code, well["job"], ended["released"], ended["verdict"]) == (0, "a", True, None)
    assert (well["released"], ended["overdue"]) == (False, False)
    shown = call(capsys, *config, "watch", "--once")
    assert (shown.code, "released" in shown.out, "2 jobs, 0 need" in shown.out) == (0, True, True)

    lived.job("b", **cursor_job(), target={"endpoint": "target", "table": "t_b", "adopt": True})
    assert lived.run("b").verdict == "gap"
    assert lived.resync("b").verdict == "reconciled"
    told = call(capsys, *config, "watch", "--json")
    assert (told.code, [row["released"] for row in told.json]) == (0, [False, False])


@light
def test_a_job_that_moved_within_a_store_is_waited_for(lived: World, capsys: Capsys) -> None:
    config = ("--config", lived.directory)
    lived.job("b", **cursor_job(), target={"endpoint": "target", "table": "t_c"})
    release = ("release", "t_b", "--endpoint", "target", "--why", "moved")
    assert call(capsys, *config, *release).code == 0
    assert not any(row["released"] for row in call(capsys, *config, "watch", "--json").json)


@pytest.mark.parametrize("column", ["applied_at", "window_high", "verdict"])
@chains
def test_what_cannot_be_read_of_one_job_hides_no_other(
    lived: World, capsys: Capsys, column: str
) -> None:
    """A moment that is none, wherever the server, the driver or we notice it, and another word."""
    moment = "infinity" if lived.stores["target"].family == "postgresql" else "x"
    found = "strange" if column == "verdict" else moment
    lived.sql("target", f"UPDATE bh_receipt SET {column} = '{found}' WHERE job = 'b'")
    if column == "verdict":
        lived.sql("target", f"UPDATE bh_position SET stalled = '{found}' WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    first, second = told.json
    assert (told.code, first["job"], first["verdict"]) == (1, "b", None)
    assert first["trouble"]
    assert (second["job"], second["verdict"], second["trouble"]) == ("a", "reconciled", None)
    shown = call(capsys, "--config", lived.directory, "watch", "--once")
    assert (shown.code, "unreadable" in shown.out) == (1, True)
    assert f"{DEPARTMENT}/b: its rows at the centre cannot be read: " in shown.out
    assert f"{DEPARTMENT}/a: " not in shown.out
    lived.sql("target", "DELETE FROM bh_receipt WHERE job = 'b'")
    lived.sql("target", "DELETE FROM bh_position WHERE job = 'b'")
    told = call(capsys, "--config", lived.directory, "watch", "--json")
    assert [row["trouble"] for row in told.json] == [None, None]


@light
def test_of_several_stores_none_is_taken_for_all(lived: World, capsys: Capsys) -> None:
    lived.job("c", **cursor_job(), target={"endpoint": "exchange", "table": "t_c"})
    watch = ("--config", lived.directory, "watch", "--json")
    told = call(capsys, *watch)
    assert (told.code, "exchange, target" in told.err, "--endpoint" in told.err) == (2, True, True)
    assert call(capsys, *watch, "--endpoint", "target").code == 0


def test_a_store_to_which_nobody_delivers_is_said_to_be_one(lived: World, capsys: Capsys) -> None:
    told = call(capsys, "--config", lived.directory, "watch", "--once", "--endpoint", "source")
    assert (told.code, "nobody has delivered to this store yet" in told.err) == (4, True)
    assert "--endpoint NAME" in told.err


def test_a_session_that_broke_is_opened_again(lived: World) -> None:
    with closing(Centre(lived.deployment, "target")) as centre:
        before = centre.look()
        mine = "datname = current_database() AND pid <> pg_backend_pid()"
        lived.sql("target", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
        with pytest.raises(BridgeheadError):
            centre.look()
        assert [job.job for job in centre.look()] == [job.job for job in before] == ["a", "b"]


@light
def test_a_store_that_comes_and_goes_is_told_and_ctrl_c_ends_well(
    lived: World, tmp_path: Path
) -> None:
    store = Path(str(lived.stores["target"].path))
    away = store.rename(tmp_path / "away")
    command = [sys.executable, "-c", "from bridge.cli import main; main()"]
    given = ["--config", str(lived.directory), "watch", "--every", "1"]
    out = tmp_path / "out"
    with (
        out.open("wb") as file,
        subprocess.Popen(
            [*command, *given], stdout=file, stderr=subprocess.STDOUT, env=dict(os.environ)
        ) as process,
    ):
        try:
            _wait(out, "trying again")
            away.rename(store)
            _wait(out, DEPARTMENT)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert "Traceback" not in out.read_text("utf-8")


def _wait(out: Path, words: str) -> None:
    end = time.monotonic() + 30
    while words not in out.read_text("utf-8"):
        assert time.monotonic() < end, out.read_text("utf-8")
        time.sleep(0.1)


def _midnight(lived: World, day: str) -> str:
    """As the target keeps an instant."""
    is_text = lived.stores["target"].family == "sqlite"
    return f"{day}T00:00:00.000000Z" if is_text else f"{day} 00:00:00"
