"""Retention: change rows go when reconciled and older than any backup; nothing else goes."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import bridge.purge
from bridge.failpoint import arm, at
from bridge.hold import hold
from bridge.purge import Purged, purge_jobs
from connectors.endpoint import Endpoint
from tests.command import call
from tests.scenario.world import DEPARTMENT, ROLES, World, cursor_job

DAYS = 86_400


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stores of a job that has lived, on SQLite."""
    directory = tmp_path_factory.mktemp("purge") / "lived"
    world = world_in(directory)
    live(world)
    world.close()
    return directory


@pytest.fixture
def lived(template: Path, tmp_path: Path) -> Iterator[World]:
    world = world_in(shutil.copytree(template, tmp_path / "lived"))
    yield world
    world.close()


def world_in(directory: Path) -> World:
    stores = {role: Endpoint(role, "sqlite", path=str(directory / f"{role}.db")) for role in ROLES}
    return World(directory, stores)


def live(world: World) -> None:
    """An image of 10 rows (1), then three batches of one change each (2 to 4)."""
    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    for number in (1, 2, 3):
        change = f"UPDATE t SET name = 'x', updated_at = {world.now} WHERE id = {number}"
        world.sql("source", change)
        world.run_well()
    assert kept(world) == {2: 1, 3: 1, 4: 1}


def kept(world: World) -> dict[int, int]:
    """Change rows by seq."""
    rows = world.sql("exchange", "SELECT bh_seq, count(*) FROM bh_change_j GROUP BY bh_seq")
    return {int(seq): int(number) for seq, number in rows}


def age(world: World, days: float, below: int = 99, column: str = "reconciled_at") -> None:
    """Takes receipts so many days back."""
    seconds = days * DAYS
    earlier = (
        f"strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, '-{seconds} seconds')"
        if world.is_sqlite
        else f"{column} - interval '{seconds} seconds'"
    )
    world.sql("exchange", f"UPDATE bh_batch SET {column} = {earlier} WHERE seq < {below}")


def keep(world: World, **retention: str) -> None:
    file = world.directory / "bridgehead.yaml"
    settings = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(yaml.safe_dump(settings | {"retention": retention}), "utf-8")


def purge(world: World, *, dry_run: bool = False, wait: float = 5) -> Purged:
    (found,) = purge_jobs(world.deployment, ["j"], "tester", wait, dry_run=dry_run)
    return found


def states(world: World) -> list[str]:
    return [batch["state"] for batch in world.batches()]


def test_a_clock_that_was_behind_lets_nothing_go_before_its_turn(lived: World) -> None:
    """Batch 3 bears a time long before that of batch 2, which came before it."""
    today = "(SELECT reconciled_at FROM bh_batch WHERE seq = 4)"
    age(lived, 31, below=4)
    lived.sql("exchange", f"UPDATE bh_batch SET reconciled_at = {today} WHERE seq < 3")
    assert purge(lived) == Purged("j", 0, 0)
    age(lived, 31, below=3)
    assert purge(lived) == Purged("j", 2, 2)


def test_on_servers(world: World) -> None:
    live(world)
    test_what_is_old_enough_goes_and_the_newest_stays(world)


def test_what_is_old_enough_goes_and_the_newest_stays(lived: World) -> None:
    before = lived.batches()
    age(lived, 31)
    assert purge(lived, dry_run=True) == Purged("j", 2, 2)
    assert kept(lived) == {2: 1, 3: 1, 4: 1}
    assert purge(lived) == Purged("j", 2, 2)
    assert kept(lived) == {4: 1}
    assert states(lived) == ["reconciled", "purged", "purged", "reconciled"]
    ((details,),) = lived.sql("exchange", "SELECT details FROM bh_audit WHERE action = 'purge'")
    gone = {name: json.loads(details)[name] for name in ("from", "to", "batches", "rows")}
    assert gone == {"from": [1, 2], "to": [1, 3], "batches": 2, "rows": 2}
    chain = ("seq", "batch_hash", "prev_hash", "digest", "received_digest", "read", "updated")
    for was, now in zip(before, lived.batches(), strict=True):
        assert [was[name] for name in chain] == [now[name] for name in chain]
    assert purge(lived) == Purged("j")
    assert lived.findings() == []


def test_a_receipt_alone_lets_nothing_go(lived: World) -> None:
    """Whoever purges on receipt has nothing to send when the target is restored."""
    assert states(lived) == ["reconciled"] * 4
    assert purge(lived) == Purged("j")
    assert kept(lived) == {2: 1, 3: 1, 4: 1}


@pytest.mark.parametrize(
    ("payload", "backup_horizon"), [("1d", "40d"), ("40d", "1d"), ("40d", "40d")]
)
def test_both_ages_must_have_passed(lived: World, payload: str, backup_horizon: str) -> None:
    keep(lived, payload=payload, backup_horizon=backup_horizon)
    age(lived, 39.9)
    assert purge(lived).batches == 0
    age(lived, 0.2)
    assert purge(lived).batches == 2


def test_only_the_old_ones_go(lived: World) -> None:
    age(lived, 31, below=3)
    assert purge(lived) == Purged("j", 1, 1)
    assert kept(lived) == {3: 1, 4: 1}


def test_a_clock_that_runs_ahead_lets_nothing_go_early(
    lived: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(bridge.purge.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz).replace(year=2999)

    monkeypatch.setattr(bridge.purge, "datetime", Ahead)
    assert purge(lived).batches == 0


def test_nor_does_the_clock_of_the_exchange(lived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = bridge.purge.datetime(2999, 1, 1, tzinfo=bridge.purge.UTC)
    monkeypatch.setattr("connectors.sqlite.connector.SqliteConnector.clock", lambda _: ahead)
    assert purge(lived).batches == 0


def test_batches_of_two_epochs_go_together(lived: World) -> None:
    lived.resync()
    for number in (70, 71):
        lived.insert([number], stamp=lived.now)
        lived.run_well()
    age(lived, 400)
    assert purge(lived).error is None
    newest = lived.batches()[-1]["seq"]
    assert kept(lived) == {newest: 1}


def test_a_resync_drops_all_however_young(lived: World) -> None:
    """As docs/backup.md tells; the books of those batches stay."""
    assert kept(lived)
    assert lived.resync().error is None
    assert kept(lived) == {}
    assert [(b["epoch"], b["state"]) for b in lived.batches()] == [(1, "reconciled")] * 4 + [
        (2, "reconciled")
    ]


@pytest.mark.parametrize("verdict", ["gap", "fork"])
def test_nothing_goes_where_the_target_stands_elsewhere(lived: World, verdict: str) -> None:
    """Nor where that was found after the purge had looked, and before it held the job."""
    age(lived, 400)
    lived.sql("exchange", f"UPDATE bh_job SET ran_verdict = '{verdict}'")
    assert purge(lived).batches == 0
    with hold(lived.deployment, lived.deployment.job("j"), 0) as held:
        assert bridge.purge._let_go(held, "tester") is None


@pytest.mark.parametrize("state", ["sealed", "applied", "deviated", "held"])
def test_what_is_not_reconciled_stays(lived: World, state: str) -> None:
    age(lived, 400)
    lived.sql("exchange", f"UPDATE bh_batch SET state = '{state}' WHERE seq = 2")
    assert purge(lived) == Purged("j", 1, 1)
    assert kept(lived) == {2: 1, 4: 1}


def test_a_target_that_was_restored_keeps_everything(lived: World) -> None:
    age(lived, 400)
    lived.sql("target", "UPDATE bh_position SET seq = 2")
    assert lived.run().verdict == "gap"
    found = purge(lived)
    assert (found.batches, found.why_not is not None) == (0, True)
    assert kept(lived) == {2: 1, 3: 1, 4: 1}


def test_life_goes_on_after_it(lived: World) -> None:
    """Runs, a comparison of the whole chain and of contents, a gap, a resync."""
    age(lived, 31)
    purge(lived)
    lived.sql("source", f"UPDATE t SET name = 'y', updated_at = {lived.now} WHERE id IN (1, 9)")
    assert [batch.seq for batch in lived.run_well().batches] == [5]
    assert lived.findings() == []
    lived.sql("target", "UPDATE bh_position SET seq = 2")
    assert lived.run().verdict == "gap"
    assert lived.resync().verdict == "reconciled"
    age(lived, 31)
    assert purge(lived).rows == 0  # the resync has made the change rows anew
    assert lived.findings() == []


def test_the_whole_chain_and_the_contents_agree_after_it(
    lived: World, capsys: pytest.CaptureFixture[str]
) -> None:
    age(lived, 31)
    purge(lived)
    told = call(capsys, "reconcile", "j", "--json", "--config", lived.directory)
    assert (told.code, told.json["verdict"], told.json["content"]["missing"]) == (
        0,
        "reconciled",
        0,
    )
    assert call(capsys, "status", "--config", lived.directory).code == 0


@contextmanager
def transactions_of(monkeypatch: pytest.MonkeyPatch, batches: int) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(bridge.purge, "_BATCHES_AT_ONCE", batches)
        yield


def test_in_transactions_of_bounded_size(lived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    age(lived, 31)
    with transactions_of(monkeypatch, 1):
        assert purge(lived) == Purged("j", 2, 2)
    entries = lived.sql("exchange", "SELECT details FROM bh_audit WHERE action = 'purge'")
    assert len(entries) == 2
    assert '"rows":1' in entries[0][0]


def test_batches_of_many_rows_go_alone(lived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    age(lived, 31)
    monkeypatch.setattr(bridge.purge, "_ROWS_AT_ONCE", 0)
    assert purge(lived) == Purged("j", 2, 2)
    entries = lived.sql("exchange", "SELECT actor FROM bh_audit WHERE action = 'purge'")
    assert entries == [("tester",)] * 2


class _Cut(BaseException):
    pass


@pytest.mark.parametrize("point", ["purge.moving", "purge.noting", "purge.gone"])
def test_cut_off_anywhere(lived: World, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """In the second transaction: each is whole, or has left no trace."""
    age(lived, 31)

    def cut(name: str) -> None:
        raise _Cut(name)

    with transactions_of(monkeypatch, 1):
        arm(at(point, 2, cut))
        with pytest.raises(_Cut):
            purge(lived)
        arm(None)
        gone = 2 if point == "purge.gone" else 1
        assert states(lived).count("purged") == gone
        assert len(kept(lived)) == 3 - gone
        entries = lived.sql("exchange", "SELECT number FROM bh_audit WHERE action = 'purge'")
        assert len(entries) == gone
        assert purge(lived).batches == 2 - gone
    assert lived.findings() == []


def test_a_job_that_a_run_holds_is_busy(lived: World) -> None:
    age(lived, 31)
    with hold(lived.deployment, lived.deployment.job("j"), 1):
        found: list[Purged] = []
        other = threading.Thread(target=lambda: found.append(purge(lived, wait=0)))
        other.start()
        other.join()
    assert found[0].error is not None
    assert found[0].error.exit_code == 3
    assert kept(lived) == {2: 1, 3: 1, 4: 1}


def test_a_purge_that_lost_its_job_changes_nothing(
    lived: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another run has taken the job over: the token protects, whatever became of the lock."""
    age(lived, 31)
    arm(at("hold.taken", 1, lambda _: taken_over(lived)))
    told = call(capsys, "purge", "--json", "--config", lived.directory)
    arm(None)
    assert (told.code, told.json[0]["error"]["code"], told.json[0]["batches"]) == (3, "busy", 0)
    assert kept(lived) == {2: 1, 3: 1, 4: 1}


def test_what_is_gone_before_an_error_is_told_beside_it(
    lived: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    age(lived, 31)
    with transactions_of(monkeypatch, 1):
        arm(at("purge.gone", 1, lambda _: taken_over(lived)))
        told = call(capsys, "purge", "--json", "--config", lived.directory)
        arm(None)
    (found,) = told.json
    assert (told.code, found["error"]["code"]) == (3, "busy")
    assert (found["batches"], found["rows"], kept(lived)) == (1, 1, {3: 1, 4: 1})


def taken_over(world: World) -> None:
    world.sql("exchange", f"UPDATE bh_job SET token = token + 1 WHERE department = '{DEPARTMENT}'")


def test_the_command(lived: World, capsys: pytest.CaptureFixture[str]) -> None:
    def command(*more: str) -> Any:
        return call(capsys, "purge", *more, "--config", lived.directory)

    age(lived, 31)
    document = {"job": "j", "batches": 2, "rows": 2, "kept_because": None}
    assert command("--dry-run", "--json").json == [document | {"dry_run": True}]
    assert "would go: 2 change rows of 2 batches" in command("j", "--dry-run").out
    assert kept(lived) == {2: 1, 3: 1, 4: 1}
    assert command("--json", "--by", "li").json == [document | {"dry_run": False}]
    assert "gone: 0 change rows of 0 batches" in command().out
    assert (unknown := command("jj")).code == 2
    assert "unknown job 'jj'" in unknown.err


def test_a_job_whose_file_is_gone(lived: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What it left behind is past its retention, and no purge lets it go."""
    age(lived, 31)
    file = lived.directory / "jobs/j.yaml"
    content = file.read_text("utf-8")
    file.unlink()
    for more in ((), ("--dry-run",)):
        told = call(capsys, "purge", *more, "--config", lived.directory)
        assert (told.code, "its job file is gone" in told.out) == (0, True)
    lived.sql("exchange", "ALTER TABLE bh_change_j RENAME TO away")
    assert "its job file is gone" not in call(capsys, "purge", "--config", lived.directory).out
    lived.sql("exchange", "ALTER TABLE away RENAME TO bh_change_j")
    lived.job("k", target={"endpoint": "target", "table": "k"}, **cursor_job())
    lived.run_well("k")
    assert "its job file is gone" in call(capsys, "purge", "--config", lived.directory).out
    assert "its job file is gone" not in call(capsys, "purge", "k", "--config", lived.directory).out
    file.write_text(content, "utf-8")
    assert purge(lived).rows == 2
    file.unlink()
    assert "its job file is gone" not in call(capsys, "purge", "--config", lived.directory).out


def test_before_any_run(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    world: World = make("sqlite", "sqlite", "sqlite")
    world.job("j", **cursor_job())
    assert call(capsys, "purge", "--config", world.directory).code == 0
    assert world.sql("exchange", "SELECT name FROM sqlite_master") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("payload", "1h"), ("backup_horizon", "0"), ("ledger", "364d"), ("payload", "a month")],
)
def test_what_is_too_short_is_refused(
    make: Any, capsys: pytest.CaptureFixture[str], key: str, value: str
) -> None:
    world: World = make("sqlite", "sqlite", "sqlite")
    keep(world, **{key: value})
    told = call(capsys, "purge", "--config", world.directory)
    assert told.code == 2
    assert f"retention.{key}" in told.err
    assert world.sql("exchange", "SELECT name FROM sqlite_master") == []
