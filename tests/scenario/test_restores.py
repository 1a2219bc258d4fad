"""Each store, or several, brought back from an older backup; and a machine that runs twice.

A ledger that is found older than it was begins a new epoch by itself, told and audited. Whatever is
not clearly safe stops with its verdict until a person has said `resync --why`. Nothing is lost,
nothing there twice, and nothing called reconciled that is not.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bridge.beginning import begin_epoch
from bridge.comparison import reconcile_job
from bridge.failpoint import arm, at
from bridge.run import Outcome, pull_only, push_only, reconcile_only
from connectors.errors import Unreachable
from tests.command import call
from tests.kill import killed
from tests.scenario.backup import Backup, copied
from tests.scenario.world import DEPARTMENT, World, cursor_job

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
on_sqlite = pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])

Clone = Callable[..., World]


_NUMBER = count(1000)


@pytest.fixture
def settled(world: World) -> World:
    """Ten rows delivered (1/1), and three changes (1/2 to 1/4)."""
    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    for number in (1, 2, 3):
        world.insert([100 + number], stamp=world.now)
        world.run_well()
    return world


def live_on(world: World, times: int = 2) -> None:
    """As many batches, of inserts, updates and deletes."""
    for _ in range(times):
        change(world)
        assert world.run_well().renewed == ""


def change(world: World) -> None:
    """One row new, one changed, one deleted."""
    number = next(_NUMBER)
    world.sql(
        "source",
        f"UPDATE t SET name = 'changed {number}', updated_at = {world.now} WHERE id = 1",
        "DELETE FROM t WHERE id = (SELECT min(id) FROM t WHERE id > 1)",
    )
    world.insert([number], stamp=world.now)


def guard_file(world: World) -> Path:
    return world.directory / "guard" / f"{DEPARTMENT}.j.json"


def forget_guard(world: World) -> None:
    shutil.rmtree(world.directory / "guard")


def audited(world: World) -> list[dict[str, Any]]:
    """Who began epochs, and why."""
    found = world.sql(
        "exchange", "SELECT actor, details FROM bh_audit WHERE action = 'new_epoch' ORDER BY number"
    )
    return [{"actor": actor} | json.loads(details) for actor, details in found]


def open_events(world: World) -> list[str]:
    return [kind for (kind,) in world.sql("exchange", OPEN)]


VERSION = ["bh_receiver_version"]
ADOPTED = {"endpoint": "target", "table": "t", "adopt": True}
OPEN = "SELECT kind FROM bh_event WHERE closed_at IS NULL"


def check_renewed(world: World, outcome: Outcome, what: str, epoch: int = 2) -> None:
    assert (outcome.error, outcome.verdict, outcome.exit_code) == (None, "reconciled", 0)
    assert what in outcome.renewed
    assert {(batch.epoch, batch.kind) for batch in outcome.batches} == {(epoch, "resync")}
    newest = audited(world)[-1]
    assert (newest["actor"], newest["by_itself"], newest["epoch"]) == ("bridgehead", True, epoch)
    assert newest["why"] == outcome.renewed
    assert open_events(world) == ["gap"]
    live_on(world, 1)
    assert open_events(world) == []


def check_stopped(world: World, verdict: str, what: str) -> None:
    """Twice the same, and nothing moved meanwhile."""
    before = world.batches(), sorted(world.sql("target", "SELECT * FROM t"))
    for _ in range(2):
        outcome = world.run()
        assert (outcome.verdict, outcome.exit_code, outcome.renewed) == (verdict, 1, "")
        assert what in str(outcome.error)
        assert "--why" in (outcome.error.remedy or "")
        assert open_events(world) == [verdict]
    assert (world.batches(), sorted(world.sql("target", "SELECT * FROM t"))) == before


def check_resync(world: World, epoch: int = 2) -> None:
    outcome = world.resync(why="restored")
    assert (outcome.error, outcome.verdict, outcome.exit_code) == (None, "reconciled", 0)
    assert {batch.epoch for batch in outcome.batches} == {epoch}
    newest = audited(world)[-1]
    assert (newest["actor"], newest["why"], newest["epoch"]) == ("tester", "restored", epoch)
    live_on(world, 1)


# -- the exchange --------------------------------------------------------------------------------


@on_both
@pytest.mark.parametrize("guard", ["kept", "lost"])
def test_exchange_restored(settled: World, guard: str) -> None:
    backup = Backup(settled, "exchange")
    live_on(settled)
    backup.restore()
    if guard == "lost":
        forget_guard(settled)
    change(settled)
    check_renewed(settled, settled.run(), "stands at 1/6, ahead of the ledger at 1/4")
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_again_and_again(settled: World) -> None:
    """Also by the backup of an older epoch: no number is given twice."""
    backup = Backup(settled, "exchange")
    for epoch in (2, 3, 4):
        live_on(settled, 1)
        backup.restore()
        outcome = settled.run()
        assert {batch.epoch for batch in outcome.batches} == {epoch}
        assert outcome.exit_code == 0
        assert settled.oracle().content() == []
    numbers = settled.sql("target", "SELECT epoch, seq FROM bh_receipt")
    assert len(numbers) == len(set(numbers))


@on_sqlite
def test_exchange_restored_to_before_an_epoch_without_a_guard_file(settled: World) -> None:
    """The target alone knows which number was given; what was on its way never came there."""
    change(settled)
    settled.run("j", pull_only)
    backup = Backup(settled, "exchange")
    settled.resync()
    live_on(settled, 1)
    backup.restore()
    forget_guard(settled)
    check_renewed(settled, settled.run(), "stands at 2/2, ahead of the ledger at 1/5", epoch=3)
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_while_nothing_had_happened(settled: World) -> None:
    Backup(settled, "exchange").restore()
    change(settled)
    assert settled.run_well().renewed == ""
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_to_before_an_epoch_that_had_only_begun(settled: World) -> None:
    """Somebody wanted everything sent again: that is not forgotten with it."""
    backup = Backup(settled, "exchange")
    settled.run("j", lambda held, _: begin_epoch(held, "edited at the target", "tester"))
    backup.restore()
    check_renewed(settled, settled.run(), "at 1/4 is older than it was: 2/0", epoch=3)
    assert settled.findings() == []


@on_both
def test_exchange_restored_to_before_what_had_not_left(settled: World) -> None:
    """Only the guard file knows of the batch that was sealed, and is gone."""
    backup = Backup(settled, "exchange")
    change(settled)
    assert settled.run("j", pull_only).batches[0].seq == 5
    backup.restore()
    check_renewed(settled, settled.run(), "at 1/4 is older than it was: 1/5")
    assert settled.findings() == []


@on_sqlite
def test_the_same_without_a_guard_file(settled: World) -> None:
    """The number is given again, and nobody had heard of it: the window is read once more."""
    backup = Backup(settled, "exchange")
    change(settled)
    settled.run("j", pull_only)
    backup.restore()
    forget_guard(settled)
    assert [b.seq for b in settled.run_well().batches] == [5]
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_beside_a_guard_file_that_was_not_kept_up(settled: World) -> None:
    """As where it could not be written for a while: the target knows this ledger's own past."""
    old = guard_file(settled).read_text("utf-8")
    live_on(settled, 1)
    backup = Backup(settled, "exchange")
    live_on(settled, 1)
    backup.restore()
    guard_file(settled).write_text(old, "utf-8")
    check_renewed(settled, settled.run(), "stands at 1/6, ahead of the ledger at 1/5")
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_to_a_batch_that_was_on_its_way(settled: World) -> None:
    """The backup has a sealed batch that has arrived meanwhile, and one that is held."""
    change(settled)
    settled.run("j", pull_only)
    backup = Backup(settled, "exchange")
    settled.run("j", push_only)
    live_on(settled, 1)
    backup.restore()
    check_renewed(settled, settled.run(), "stands at 1/6, ahead of the ledger at 1/5")
    assert settled.findings() == []


@on_both
def test_exchange_restored_to_before_it_heard_of_two_arrivals(settled: World) -> None:
    """Nothing was sealed since: no new epoch, and each is answered with its own receipt. The target
    has seen later runs than the ledger knows of."""
    settled.insert([201, 202], stamp=settled.now)
    settled.run("j", pull_only)
    change(settled)
    settled.run("j", pull_only)
    backup = Backup(settled, "exchange")
    for _ in range(3):
        settled.run("j", reconcile_only)
    assert settled.run("j", push_only).verdict == "reconciled"
    backup.restore()
    outcome = settled.run_well()
    assert (outcome.renewed, [b.epoch for b in outcome.batches]) == ("", [1, 1, 1])
    assert [(b.seq, b.received.total) for b in outcome.batches[:2]] == [(5, 2), (6, 3)]
    live_on(settled, 1)
    assert settled.findings() == []


@on_sqlite
def test_two_arrivals_that_deviated_are_told_again_each_with_its_own_cause(settled: World) -> None:
    settled.sql("target", "DELETE FROM t WHERE id = 3", "INSERT INTO t (id) VALUES (201)")
    settled.sql("source", f"UPDATE t SET name = 'x', updated_at = {settled.now} WHERE id = 3")
    settled.run("j", pull_only)
    settled.insert([201], stamp=settled.now)
    settled.run("j", pull_only)
    backup = Backup(settled, "exchange")
    causes = [(5, "missing_before"), (6, "present_before")]
    for _ in range(2):
        outcome = settled.run("j", push_only)
        assert (outcome.verdict, outcome.deviation) == ("deviation", 4)
        assert [(batch.seq, batch.cause) for batch in outcome.batches] == causes
        backup.restore()


@on_both
def test_exchange_lost_altogether(world: World) -> None:
    empty = Backup(world, "exchange")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    empty.restore()
    change(world)
    check_renewed(world, world.run(), "stands at 1/1, ahead of the ledger at 1/0")
    assert world.findings() == []


@on_sqlite
@pytest.mark.parametrize("epoch", [1, 2])
def test_exchange_lost_with_the_guard_file(world: World, epoch: int) -> None:
    """Nothing says any more that this machine is the one to which the target listened."""
    empty = Backup(world, "exchange")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    if epoch == 2:
        world.resync()
    empty.restore()
    forget_guard(world)
    world.run()
    check_stopped(world, "gap", f"stands at {epoch}/1, ahead of the ledger at 1/0")
    check_resync(world, epoch + 1)
    assert world.oracle().content() == []


@on_sqlite
def test_exchange_restored_and_the_table_at_the_target_gone(settled: World) -> None:
    """The position there has heard of newer runs than a ledger of before knows."""
    backup = Backup(settled, "exchange")
    live_on(settled, 3)
    backup.restore()
    settled.sql("target", "DROP TABLE t")
    check_renewed(settled, settled.run(), "stands at 1/7, ahead of the ledger at 1/4")
    assert settled.findings() == []


@on_sqlite
def test_exchange_lost_and_the_table_at_the_target_dropped_to_begin_anew(world: World) -> None:
    empty = Backup(world, "exchange")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    live_on(world, 6)
    empty.restore()
    forget_guard(world)
    world.sql("target", "DROP TABLE t")
    assert "stands at 1/7, ahead of the ledger at 1/0" in str(world.run().error)
    check_resync(world)
    assert world.oracle().content() == []


@on_sqlite
@pytest.mark.parametrize("guard", ["kept", "behind", "lost"])
def test_a_position_that_no_receipt_proves(settled: World, guard: str) -> None:
    """Set by hand, ahead of the ledger: nothing begins again on the word of that."""
    old = guard_file(settled).read_text("utf-8")
    live_on(settled, 1)
    settled.sql("target", "UPDATE bh_position SET seq = 9, head_hash = 'of nothing'")
    if guard == "lost":
        forget_guard(settled)
    elif guard == "behind":
        guard_file(settled).write_text(old, "utf-8")
    check_stopped(settled, "gap", "at 1/9, ahead of the ledger at 1/5, without a receipt of that")


@on_sqlite
def test_a_batch_of_which_only_its_change_rows_are_left(settled: World) -> None:
    """Its number would be given away twice, and its rows be counted for another's."""
    live_on(settled, 1)
    forget_guard(settled)
    settled.sql(
        "exchange",
        "DELETE FROM bh_batch WHERE seq = 5",
        "DELETE FROM bh_batch_event WHERE seq = 5",
    )
    head = settled.batches()[-1]["batch_hash"]
    settled.sql(
        "target",
        "DELETE FROM bh_receipt WHERE seq = 5",
        f"UPDATE bh_position SET seq = 4, head_hash = '{head}'",
    )
    change(settled)
    check_stopped(settled, "fork", "bh_change_j holds 3 rows of batch 1/5")
    check_resync(settled)
    assert settled.oracle().content() == []


@on_sqlite
def test_job_was_changed_after_the_backup(settled: World) -> None:
    """The older ledger knows another job; the target knows that this one has been sent."""
    backup = Backup(settled, "exchange")
    settled.job("j", title="其他", columns={"id": {}, "name": {}, "updated_at": {}}, **cursor_job())
    assert settled.run().verdict == "held"
    assert settled.resync().exit_code == 0
    backup.restore()
    outcome = settled.run()
    assert (outcome.error, outcome.verdict, outcome.exit_code) == (None, "reconciled", 0)
    assert "stands at 2/1, ahead of the ledger at 1/4" in outcome.renewed
    assert {batch.epoch for batch in outcome.batches} == {3}


@on_both
def test_fork_after_two_restores(settled: World) -> None:
    """Exchange and target restored, both went on, and then the target was put back to what it had
    been before: two batches 1/5 were sealed. Neither is overwritten."""
    older = Backup(settled, "exchange"), Backup(settled, "target")
    live_on(settled)
    newer = Backup(settled, "target")
    for backup in older:
        backup.restore()
    forget_guard(settled)
    settled.insert([300], stamp=settled.now)
    settled.run_well()
    newer.restore()
    check_stopped(settled, "fork", "the target has another batch 1/5")
    check_resync(settled)
    assert settled.oracle().content() == []


@on_sqlite
def test_ledger_that_went_on_without_its_guard(settled: World) -> None:
    """Restored with the target and carried on by a machine without a guard file; the one that has
    it sees that 1/5 is another than it had sealed."""
    stores = Backup(settled, "exchange"), Backup(settled, "target")
    live_on(settled, 1)
    kept = guard_file(settled).read_text("utf-8")
    for backup in stores:
        backup.restore()
    forget_guard(settled)
    settled.insert([300], stamp=settled.now)
    settled.run_well()
    settled.insert([301], stamp=settled.now)
    settled.run_well()
    guard_file(settled).write_text(kept, "utf-8")
    check_renewed(settled, settled.run(), "at 1/6 is older than it was: 1/5")
    assert settled.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("point", ["epoch.beginning", "epoch.begun", "image.sealed"])
def test_killed_while_it_begins_again(settled: World, point: str) -> None:
    backup = Backup(settled, "exchange")
    live_on(settled)
    backup.restore()
    change(settled)
    assert killed(settled.run, 1, point)
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("reconciled", 0)
    assert {batch.epoch for batch in outcome.batches} == {2}
    assert [entry["epoch"] for entry in audited(settled)] == [2]
    assert settled.findings() == []


@on_sqlite
def test_by_stages_as_the_scheduler_goes(settled: World) -> None:
    """The push moves nothing over the gap; the next pull begins again."""
    backup = Backup(settled, "exchange")
    live_on(settled)
    backup.restore()
    change(settled)
    for stage in (push_only, reconcile_only):
        outcome = settled.run("j", stage)
        assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    pulled = settled.run("j", pull_only)
    assert (pulled.verdict, pulled.exit_code) == ("in_flight", 0)
    assert settled.run("j", push_only).verdict == "reconciled"
    assert settled.run("j", reconcile_only).verdict == "reconciled"
    live_on(settled)
    assert settled.findings() == []


@on_sqlite
def test_what_the_operator_reads(settled: World, capsys: pytest.CaptureFixture[str]) -> None:
    backup = Backup(settled, "exchange")
    live_on(settled)
    backup.restore()
    ran = call(capsys, "--config", settled.directory, "run", "j")
    assert ran.code == 0
    assert "ahead of the ledger at 1/4; a new epoch begins, and everything is sent again" in ran.err
    assert "the target stands at 1/6" in call(
        capsys, "--config", settled.directory, "events"
    ).out.replace("\n", " ")
    backup.restore()
    again = call(capsys, "--config", settled.directory, "run", "j", "--json").json
    assert "the target stands at 2/1" in again["renewed"]
    settled.close()
    folder = settled.directory / "statement"
    made = call(
        capsys, "--config", settled.directory, "statement", "--from", "2020-01-01", "--to",
        "2099-01-01", "--output", folder, "--format", "html",
    )  # fmt: skip
    assert made.code == 0, made.err


# -- the target ----------------------------------------------------------------------------------


@on_both
def test_target_restored(settled: World) -> None:
    backup = Backup(settled, "target")
    live_on(settled)
    backup.restore()
    change(settled)
    check_stopped(settled, "gap", "stands at 1/4, behind 1/6")
    check_resync(settled)
    assert settled.findings() == []


@on_both
@pytest.mark.parametrize("lost", [VERSION, [*VERSION, "bh_claim"]], ids=" ".join)
def test_target_restored_without_what_is_beside_its_tables(settled: World, lost: list[str]) -> None:
    """As of a dump of tables by name: what came back is believed, what is lacking is made."""
    backup = Backup(settled, "target")
    live_on(settled)
    backup.restore()
    settled.sql("target", "DROP VIEW bh_health", *(f"DROP TABLE {name}" for name in lost))
    check_stopped(settled, "gap", "the target stands at 1/4, behind 1/6")
    if "bh_claim" in lost:
        assert "adopt: true" in (settled.resync().error.remedy or "")
        settled.job("j", **cursor_job(), target=ADOPTED)
    check_resync(settled)
    assert settled.findings() == []
    assert settled.sql("target", "SELECT epoch, verdict FROM bh_health") == [(2, "reconciled")]


@pytest.mark.parametrize(
    ("world", "lost"),
    [(CHAINS[0], "bh_receipt"), (CHAINS[1], "bh_position"), (CHAINS[1], "bh_claim")],
    indirect=["world"],
    ids=lambda chosen: chosen if isinstance(chosen, str) else chosen[0],
)
def test_a_receiver_table_that_was_dropped_by_itself(
    settled: World, lost: str, capsys: pytest.CaptureFixture[str]
) -> None:
    what = f"the target has lost receiver tables: {lost}"
    settled.sql("target", "DROP VIEW bh_health", f"DROP TABLE {lost}")
    check_stopped(settled, "gap", what)
    for step in push_only, reconcile_only:
        assert what in str(settled.run("j", step).error)
    assert what in str(reconcile_job(settled.deployment, "j").outcome.error)
    command = ("--config", settled.directory, "--lang", "en", "check", "j", "--json")
    (found,) = (f for f in call(capsys, *command).json if f["what"] == "target")
    assert (found["result"], what in found["found"]) == ("refused", True)
    settled.job("j", **cursor_job(), target=ADOPTED | {"ddl": False, "adopt": False})
    outcome = settled.resync()
    assert (outcome.verdict, "--ddl says" in (outcome.error.remedy or "")) == ("gap", True)
    settled.job("j", **cursor_job())
    if lost == "bh_claim":
        assert "adopt: true" in (settled.resync().error.remedy or "")
        settled.job("j", **cursor_job(), target=ADOPTED)
    check_resync(settled)
    assert settled.findings() == []
    assert settled.sql("target", "SELECT epoch, verdict FROM bh_health") == [(2, "reconciled")]


@on_sqlite
def test_target_restored_to_before_an_epoch(settled: World) -> None:
    """Its position has a higher number than the ledger's, of an epoch that has ended."""
    backup = Backup(settled, "target")
    settled.resync()
    live_on(settled, 1)
    backup.restore()
    check_stopped(settled, "gap", "stands at 1/4, behind 2/2")
    check_resync(settled, epoch=3)
    assert settled.findings() == []


@on_sqlite
def test_target_restored_to_before_a_batch_that_deviated(settled: World) -> None:
    """It was confirmed all the same."""
    backup = Backup(settled, "target")
    settled.sql("target", "INSERT INTO t (id, name) VALUES (201, 'by hand')")
    settled.insert([201], stamp=settled.now)
    assert settled.run().verdict == "deviation"
    backup.restore()
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "stands at 1/4, behind 1/5" in str(outcome.error)
    check_resync(settled)
    assert settled.findings() == []


@on_sqlite
def test_target_lost_altogether(world: World) -> None:
    empty = Backup(world, "target")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    empty.restore()
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "the target has no position, 1/1 was confirmed" in str(outcome.error)
    check_resync(world)
    assert world.findings() == []


@on_sqlite
def test_target_restored_while_a_resync_begins(settled: World) -> None:
    """The new epoch hangs on a hash that the target does not know any more."""
    backup = Backup(settled, "target")
    live_on(settled)
    assert killed(settled.resync, 1, "epoch.begun")
    backup.restore()
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "lacks what came before" in str(outcome.error)
    check_resync(settled, epoch=3)
    assert settled.findings() == []


@on_sqlite
def test_a_resync_that_is_tried_again_has_begun_one_epoch(settled: World) -> None:
    arm(at("image.sealed", 1, interrupt))
    try:
        outcome = settled.resync()
    finally:
        arm(None)
    assert (outcome.error, outcome.verdict) == (None, "reconciled")
    assert [entry["epoch"] for entry in audited(settled)] == [2]
    assert settled.findings() == []


def interrupt(_: str) -> None:
    raise Unreachable("the line broke", endpoint="source")


# -- both ----------------------------------------------------------------------------------------


@on_both
def test_exchange_and_target_restored_to_one_moment(settled: World) -> None:
    """Their books agree with each other; the guard file knows that they had come further."""
    stores = Backup(settled, "exchange"), Backup(settled, "target")
    live_on(settled)
    for backup in stores:
        backup.restore()
    check_renewed(settled, settled.run(), "at 1/4 is older than it was: 1/6")
    assert settled.findings() == []


@on_sqlite
def test_both_restored_and_the_guard_file_lost(settled: World) -> None:
    """Nothing tells it. The watermark has gone back too, and the sweep finds what is deleted."""
    stores = Backup(settled, "exchange"), Backup(settled, "target")
    live_on(settled)
    for backup in stores:
        backup.restore()
    forget_guard(settled)
    assert {b.epoch for b in settled.run_well().batches} == {1}
    live_on(settled)
    assert settled.findings() == []


@on_sqlite
def test_both_restored_the_exchange_to_the_older_moment(settled: World) -> None:
    exchange = Backup(settled, "exchange")
    live_on(settled, 1)
    target = Backup(settled, "target")
    live_on(settled, 2)
    exchange.restore()
    target.restore()
    check_renewed(settled, settled.run(), "stands at 1/5, ahead of the ledger at 1/4")
    assert settled.findings() == []


@on_sqlite
def test_both_restored_the_exchange_to_another_place(settled: World) -> None:
    """The ledger that had come further may still be in use where it was."""
    was, restored = settled.stores["exchange"], copied(settled, "exchange")
    target = Backup(settled, "target")
    live_on(settled)
    target.restore()
    settled.stores["exchange"] = restored
    settled.write()
    known = f"not what this machine knows; that of exchange (sqlite {was.path}) was at 1/6"
    check_stopped(settled, "gap", known)
    check_resync(settled)
    assert settled.findings() == []


@on_sqlite
def test_exchange_restored_and_the_position_at_the_target_lost(settled: World) -> None:
    """The receipts alone say which numbers were given."""
    backup = Backup(settled, "exchange")
    settled.resync()
    backup.restore()
    forget_guard(settled)
    settled.sql("target", "UPDATE bh_position SET epoch = 0, seq = 0")
    check_stopped(settled, "gap", "the target has no position, 1/4 was confirmed")
    check_resync(settled, epoch=3)
    assert settled.oracle().content() == []


@on_sqlite
def test_both_restored_the_target_to_the_older_moment(settled: World) -> None:
    target = Backup(settled, "target")
    live_on(settled, 1)
    exchange = Backup(settled, "exchange")
    live_on(settled, 2)
    exchange.restore()
    target.restore()
    check_stopped(settled, "gap", "stands at 1/4, behind 1/5")
    check_resync(settled)
    assert settled.findings() == []


@on_sqlite
def test_both_lost_altogether(world: World) -> None:
    """A beginning, whatever a guard file of old says."""
    stores = Backup(world, "exchange"), Backup(world, "target")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    for backup in stores:
        backup.restore()
    assert {(b.epoch, b.kind) for b in world.run_well().batches} == {(1, "first")}
    live_on(world)
    assert world.findings() == []


# -- the source ----------------------------------------------------------------------------------

COMPARE = {"capture": {"method": "compare"}}


@on_both
@pytest.mark.parametrize("method", ["cursor", "compare"])
def test_source_restored(world: World, method: str) -> None:
    """Rows go back in time: what came is gone, what was deleted is there again, and
    stamps are below the watermark."""
    world.make_table(10)
    world.job("j", **(cursor_job() if method == "cursor" else COMPARE))
    world.run_well()
    backup = Backup(world, "source")
    live_on(world)
    backup.restore()
    outcome = world.run_well()
    assert (outcome.renewed, {b.epoch for b in outcome.batches}) == ("", {1})
    tally = outcome.batches[-1].tally
    assert (tally.inserted, tally.updated, tally.deleted) == (2, 1, 2)
    assert world.findings() == []
    live_on(world)
    assert world.findings() == []


@on_sqlite
def test_source_restored_under_a_fuse(settled: World) -> None:
    backup = Backup(settled, "source")
    settled.insert(range(300, 310), stamp=settled.now)
    settled.run_well()
    settled.job("j", max_delete=5, **cursor_job())
    backup.restore()
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert len(settled.sql("target", "SELECT * FROM t WHERE id >= 300")) == 10


@on_both
def test_source_and_exchange_restored(settled: World) -> None:
    """The target alone knows rows that are nowhere else; they go, as the source has it."""
    stores = Backup(settled, "source"), Backup(settled, "exchange")
    live_on(settled)
    for backup in stores:
        backup.restore()
    check_renewed(settled, settled.run(), "ahead of the ledger at 1/4")
    assert settled.findings() == []


def strand_at_the_target(world: World, ids: range, max_delete: int, chunk_rows: int = 1000) -> None:
    """Rows that arrived, and are nowhere else any more, under a fuse."""
    world.job("j", max_delete=max_delete, chunk_rows=chunk_rows, **cursor_job())
    stores = Backup(world, "source"), Backup(world, "exchange")
    world.insert(ids, stamp=world.now)
    world.run_well()
    for backup in stores:
        backup.restore()


@on_sqlite
@pytest.mark.parametrize(("most", "chunk_rows"), [(0, 1000), (5, 1000), (5, 5)])
def test_nobody_asked_for_so_many_deletes(settled: World, most: int, chunk_rows: int) -> None:
    """The fuse holds for a resync that began by itself, part by part; a person's is not counted."""
    strand_at_the_target(settled, range(300, 310), most, chunk_rows)
    for _ in range(2):
        outcome = settled.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        told = f"would delete 10 rows at the target, more than max_delete {most}"
        assert told in str(outcome.error)
        assert len(settled.sql("target", "SELECT * FROM t WHERE id >= 300")) == 10
    if most:
        check_resync(settled, epoch=3)
        assert settled.findings() == []


@on_sqlite
def test_rows_that_are_new_make_up_for_no_deletes(settled: World) -> None:
    strand_at_the_target(settled, range(300, 305), 4)
    settled.insert(range(400, 405), stamp=settled.now)
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert "would delete 5 rows at the target" in str(outcome.error)


@on_sqlite
def test_so_many_deletes_are_allowed(settled: World) -> None:
    strand_at_the_target(settled, range(300, 305), 5)
    assert settled.run_well().batches[-1].received.deleted == 5
    assert settled.findings() == []


@on_sqlite
def test_all_three_restored_to_one_moment(settled: World) -> None:
    stores = [Backup(settled, role) for role in ("source", "exchange", "target")]
    live_on(settled)
    for backup in stores:
        backup.restore()
    check_renewed(settled, settled.run(), "at 1/4 is older than it was: 1/6")
    assert settled.findings() == []


# -- a machine that runs twice -------------------------------------------------------------------


@pytest.fixture
def clone() -> Iterator[Clone]:
    """Makes a second machine of a first one; its connections are ended with the test."""
    twins: list[World] = []

    def make(world: World, *, guard: str = "copied") -> World:
        twins.append(cloned(world, guard=guard))
        return twins[-1]

    yield make
    for twin in twins:
        twin.close()


def cloned(world: World, *, guard: str) -> World:
    """The machine once more: its configuration, its exchange database, and its guard file, which
    there is at a place of the same name."""
    exchange = copied(world, "exchange")
    twin = World(world.directory.parent / "twin", world.stores | {"exchange": exchange})
    shutil.copytree(world.directory / "jobs", twin.directory / "jobs", dirs_exist_ok=True)
    if guard == "copied":
        content = json.loads(guard_file(world).read_text("utf-8"))
        content["exchange"] = str(replace(exchange, name="exchange"))
        guard_file(twin).parent.mkdir()
        guard_file(twin).write_text(json.dumps(content), "utf-8")
    return twin


@on_both
def test_cloned_machine(settled: World, clone: Clone) -> None:
    """Whoever comes second stops, and goes on stopping; the first one notices nothing."""
    twin = clone(settled)
    live_on(settled, 1)
    check_stopped(twin, "fork", "which is where this machine left it: another one writes")
    live_on(settled, 1)
    check_stopped(twin, "fork", "stands at 1/6, ahead of the ledger at 1/4")
    assert settled.findings() == []
    check_resync(twin)
    check_stopped(settled, "fork", "another one writes for this job")
    assert twin.findings() == []


@on_sqlite
def test_cloned_machine_that_comes_first(settled: World, clone: Clone) -> None:
    twin = clone(settled)
    live_on(twin, 1)
    check_stopped(settled, "fork", "stands at 1/5, ahead of the ledger at 1/4")
    assert twin.findings() == []


@on_sqlite
def test_both_machines_have_sealed_the_same_number(settled: World, clone: Clone) -> None:
    """Pulled on both, pushed by one: the other's batch is another 1/5."""
    twin = clone(settled)
    change(settled)
    assert settled.run("j", pull_only).batches[0].seq == 5
    change(twin)
    assert twin.run("j", pull_only).batches[0].seq == 5
    assert settled.run("j", push_only).verdict == "reconciled"
    check_stopped(twin, "fork", "the target has another batch 1/5")
    live_on(settled)
    check_stopped(twin, "fork", "the target has another batch 1/5")
    assert settled.findings() == []


@on_sqlite
def test_the_machine_that_goes_on_is_seen_to(settled: World, clone: Clone) -> None:
    """Both pushed at once, and the fork of the one stood in `bh_health` until there was a batch."""
    twin = clone(settled)
    change(settled)
    change(twin)

    def before(_: str) -> None:
        arm(None)
        settled.run_well()

    arm(at("push.begins", 1, before))
    try:
        assert twin.run().verdict == "fork"
    finally:
        arm(None)
    assert settled.sql("target", "SELECT verdict FROM bh_health") == [("fork",)]
    assert settled.run("j", reconcile_only).verdict == "reconciled"
    assert settled.sql("target", "SELECT verdict FROM bh_health") == [("reconciled",)]


@on_sqlite
def test_one_machine_holds_the_number_that_the_other_has_sent(settled: World, clone: Clone) -> None:
    """Without its guard file too: no epoch begins by itself over what the other one has sent."""
    settled.job("j", max_delete=1, **cursor_job())
    twin = clone(settled, guard="none")
    settled.job("j", **cursor_job())
    settled.sql("source", "DELETE FROM t WHERE id IN (3, 4)")
    assert (twin.run().verdict, twin.batches()[-1]["seq"]) == ("held", 5)
    live_on(settled)
    forget_guard(twin)
    for _ in range(2):
        outcome = twin.run()
        assert (outcome.verdict, outcome.exit_code, outcome.renewed) == ("fork", 1, "")
        assert "the target has another batch 1/5" in str(outcome.error)
    assert settled.findings() == []


@on_sqlite
def test_cloned_machine_without_its_guard_file(settled: World, clone: Clone) -> None:
    """It cannot be told from a restored exchange, and begins again; the first machine then stops.
    They do not take turns."""
    twin = clone(settled, guard="none")
    live_on(settled, 1)
    check_renewed(twin, twin.run(), "stands at 1/5, ahead of the ledger at 1/4")
    check_stopped(settled, "fork", "another one writes for this job")
    live_on(twin, 1)
    check_stopped(settled, "fork", "another one writes for this job")
    assert twin.findings() == []
    assert {epoch for (epoch,) in twin.sql("target", "SELECT epoch FROM bh_receipt")} == {1, 2}


@on_sqlite
def test_two_exchange_databases_and_one_guard_file(settled: World, clone: Clone) -> None:
    """The guard file says where its ledger is, and that is not here."""
    twin = clone(settled, guard="none")
    twin.directory.joinpath("guard").symlink_to(settled.directory / "guard")
    live_on(settled, 1)
    check_stopped(twin, "gap", f"; that of exchange (sqlite {settled.stores['exchange'].path}) was")
    live_on(settled, 1)
    assert settled.findings() == []


@on_sqlite
def test_exchange_moved_to_another_place(settled: World) -> None:
    """Brought along whole, it goes on as if nothing had been."""
    settled.stores["exchange"] = copied(settled, "exchange")
    settled.write()
    live_on(settled)
    assert json.loads(guard_file(settled).read_text("utf-8"))["exchange"].endswith(
        f"{settled.stores['exchange'].path})"
    )
    assert settled.findings() == []


@on_sqlite
def test_exchange_moved_to_another_place_and_restored_there(settled: World) -> None:
    """Though nothing had changed since: where the ledger is now is known from the first run on."""
    settled.job("j", empty_every=86_400, **cursor_job())
    backup = Backup(settled, "exchange")
    live_on(settled)
    settled.run_well()
    settled.stores["exchange"] = copied(settled, "exchange")
    settled.write()
    assert settled.run_well().batches == []
    backup.restore()
    check_renewed(settled, settled.run(), "stands at 1/7, ahead of the ledger at 1/4")
    assert settled.findings() == []


# -- the guard file itself -----------------------------------------------------------------------


@on_sqlite
def test_guard_file_that_cannot_be_written(world: World) -> None:
    """A file stands where its folder should be: nothing is guarded, nothing is stopped."""
    world.make_table(5)
    world.job("j", **cursor_job())
    (world.directory / "guard").write_text("", "ascii")
    live_on(world)
    assert world.findings() == []


@on_sqlite
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"epoch": "x"}',
        "null",
        '{"epoch": 1}',
        '{"epoch": 1e400, "seq": 1, "hash": "x", "exchange": "x"}',
        f'{{"epoch": {"9" * 24}, "seq": 1, "hash": "x", "exchange": "x"}}',
        "[" * 100_000,
    ],
    ids=lambda content: content[:12],
)
def test_guard_file_that_says_nothing(settled: World, content: str) -> None:
    guard_file(settled).write_text(content, "utf-8")
    live_on(settled, 1)
    assert json.loads(guard_file(settled).read_text("utf-8"))["seq"] == 5
    assert settled.findings() == []


@on_sqlite
def test_guard_file_that_is_none_is_not_waited_for(settled: World) -> None:
    guard_file(settled).unlink()
    os.mkfifo(guard_file(settled))
    live_on(settled, 1)
    assert settled.findings() == []


@on_sqlite
def test_guard_file_is_replaced_and_never_written_over(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends a run in the middle of it leaves the old one, a loss of power too."""
    on_disk = set()
    monkeypatch.setattr("os.fsync", lambda opened: on_disk.add(os.fstat(opened).st_ino))
    before = guard_file(settled).read_text("utf-8")
    aside = settled.directory / "aside.json"
    aside.hardlink_to(guard_file(settled))
    live_on(settled, 1)
    assert aside.read_text("utf-8") == before != guard_file(settled).read_text("utf-8")
    assert list(guard_file(settled).parent.iterdir()) == [guard_file(settled)]
    assert guard_file(settled).stat().st_ino in on_disk


@on_sqlite
def test_guard_file_behind_the_ledger(settled: World) -> None:
    """As after a kill between a commit and the file, or where another machine has run the job."""
    kept = guard_file(settled).read_text("utf-8")
    live_on(settled)
    guard_file(settled).write_text(kept, "utf-8")
    live_on(settled, 1)
    assert settled.findings() == []


@on_sqlite
def test_guard_file_that_is_missing_is_written_by_a_run_that_finds_nothing(settled: World) -> None:
    """Both books agree, and from then on it is known how far they had come."""
    stores = Backup(settled, "exchange"), Backup(settled, "target")
    settled.job("j", empty_every="1h", **cursor_job())
    live_on(settled, 1)
    assert [b.kind for b in settled.run_well().batches] == ["empty"]
    forget_guard(settled)
    assert settled.run_well().batches == []
    for backup in stores:
        backup.restore()
    check_renewed(settled, settled.run(), "at 1/4 is older than it was: 1/6")
    assert settled.findings() == []


@on_sqlite
@pytest.mark.parametrize("hit", [1, 2])
def test_guard_file_knows_of_a_part_before_the_target_does(settled: World, hit: int) -> None:
    """A target that is ahead of it would have heard somebody else."""
    settled.job("j", chunk_rows=4, **cursor_job())
    settled.sql("source", f"UPDATE t SET name = 'all', updated_at = {settled.now}")
    assert killed(settled.run, hit, "push.applied")
    ((arrived,),) = settled.sql("target", "SELECT max(seq) FROM bh_receipt")
    assert arrived == 4 + hit
    assert json.loads(guard_file(settled).read_text("utf-8"))["seq"] >= arrived
    settled.run_well()
    assert settled.findings() == []
