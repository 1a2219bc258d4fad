"""Losses and forgeries planted by hand: each gets its verdict, and none is called reconciled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.failpoint import arm, at
from bridge.run import Outcome, Step, pull_only, push_only, settle_and_pull
from tests.command import call
from tests.kill import killed
from tests.scenario.world import World, cursor_job, cut_off

Capsys = pytest.CaptureFixture[str]

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
on_sqlite = pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])


@pytest.fixture
def settled(world: World) -> World:
    """Ten rows delivered, then three batches of changes, all reconciled."""
    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    for number in (1, 2, 3):
        world.insert([100 + number], stamp=world.now)
        world.run_well()
    assert world.findings() == []
    return world


def plant_trigger(world: World, postgres: str, sqlite: str) -> None:
    """A trigger on inserts into the target's table. `postgres` is the body of its function."""
    if world.is_sqlite:
        world.sql("target", sqlite)
        return
    world.sql(
        "target",
        f"CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {postgres} END $$",
        "CREATE TRIGGER meddle BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION meddle()",
    )


def swallow(world: World) -> None:
    plant_trigger(
        world,
        "IF NEW.id = 201 THEN RETURN NULL; END IF; RETURN NEW;",
        "CREATE TRIGGER meddle BEFORE INSERT ON t WHEN NEW.id = 201 "
        "BEGIN SELECT RAISE(IGNORE); END",
    )


def round_amount(world: World) -> None:
    plant_trigger(
        world,
        "NEW.amount = round(NEW.amount); RETURN NEW;",
        "CREATE TRIGGER meddle AFTER INSERT ON t "
        "BEGIN UPDATE t SET amount = CAST(round(NEW.amount) AS INTEGER) WHERE id = NEW.id; END",
    )


def alter_name(world: World) -> None:
    plant_trigger(
        world,
        "NEW.name = NEW.name || ' '; RETURN NEW;",
        "CREATE TRIGGER meddle AFTER INSERT ON t "
        "BEGIN UPDATE t SET name = NEW.name || ' ' WHERE id = NEW.id; END",
    )


def keep_row_3(world: World) -> None:
    world.sql(
        "target",
        "CREATE TRIGGER meddle BEFORE DELETE ON t WHEN OLD.id = 3 BEGIN SELECT RAISE(IGNORE); END",
    )


@on_both
def test_what_a_resync_did_is_measured(settled: World) -> None:
    """One row was taken away and did not come back: it is neither new nor kept."""
    plant_trigger(
        settled,
        "IF NEW.id = 3 THEN RETURN NULL; END IF; RETURN NEW;",
        "CREATE TRIGGER meddle BEFORE INSERT ON t WHEN NEW.id = 3 BEGIN SELECT RAISE(IGNORE); END",
    )
    rows = len(settled.sql("target", "SELECT id FROM t"))
    outcome = settled.resync()
    assert outcome.verdict == "deviation"
    received = [batch.received for batch in outcome.batches]
    effects = [sum(getattr(r, name) for r in received) for name in ("inserted", "updated")]
    assert [*effects, sum(r.deleted for r in received)] == [0, rows - 1, 1]


@on_sqlite
def test_what_a_resync_could_not_delete_is_not_new(settled: World) -> None:
    """Of two rows that were to go one is still there, as it was."""
    keep_row_3(settled)
    rows = len(settled.sql("target", "SELECT id FROM t"))
    settled.sql("source", "DELETE FROM t WHERE id IN (3, 4)")
    outcome = settled.resync()
    assert outcome.verdict == "deviation"
    (batch,) = outcome.batches
    received = batch.received
    effects = (received.inserted, received.updated, received.deleted)
    assert (received.total, effects) == (rows - 1, (0, rows - 1, 1))


def run_with_new_rows(world: World) -> Outcome:
    world.insert([200, 201, 202], stamp=world.now)
    return world.run()


def kinds(world: World) -> set[str]:
    return {finding.kind for finding in world.findings()}


# -- a target that does not keep what it is given ------------------------------------------------


def check_swallowed_row(world: World) -> None:
    swallow(world)
    outcome = run_with_new_rows(world)
    assert kinds(world) == {"lost"}
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)
    assert outcome.batches[-1].cause == "lost_at_target"


@on_both
def test_target_swallows_a_row(settled: World) -> None:
    check_swallowed_row(settled)


@on_sqlite
def test_target_keeps_a_row_that_was_deleted(settled: World) -> None:
    keep_row_3(settled)
    settled.sql("source", "DELETE FROM t WHERE id IN (3, 4)")
    outcome = settled.run()
    (batch,) = outcome.batches
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)
    measured = batch.received
    assert (measured.inserted, measured.updated, measured.deleted) == (0, 0, 1)


@on_sqlite
def test_target_swallows_a_row_of_an_image(settled: World) -> None:
    swallow(settled)
    settled.insert([200, 201, 202], stamp=settled.now)
    outcome = settled.resync()
    assert kinds(settled) == {"lost"}
    assert (outcome.verdict, outcome.deviation) == ("deviation", 1)
    (image,) = outcome.batches
    assert (image.sent.total, image.received.total) == (16, 15)
    assert image.cause == "lost_at_target"


@on_sqlite
def test_a_part_of_a_resync_that_deviates_is_not_put_right_by_the_last(settled: World) -> None:
    plant_trigger(
        settled,
        "IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW;",
        "CREATE TRIGGER meddle BEFORE INSERT ON t WHEN NEW.id = 2 BEGIN SELECT RAISE(IGNORE); END",
    )
    settled.job("j", chunk_rows=4, **cursor_job())
    outcome = settled.resync()
    assert kinds(settled) == {"lost"}
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)
    states = [b["state"] for b in settled.batches() if b["epoch"] == 2]
    assert states == ["deviated", "reconciled", "reconciled", "reconciled"]


@on_sqlite
def test_a_resync_puts_nothing_right_before_it_is_whole(settled: World) -> None:
    """Cut off, it goes on as a resync: what it has not come by yet is replaced like the rest."""
    check_swallowed_row(settled)
    settled.sql(
        "target", "DROP TRIGGER meddle", "INSERT INTO t (id, name) VALUES (50, 'x'), (999, 'y')"
    )
    settled.write(retry=0)
    settled.job("j", chunk_rows=4, **cursor_job())
    arm(at("image.sealed", 2, cut_off))
    assert settled.resync().error is not None
    arm(None)
    assert [b["state"] for b in settled.batches()].count("deviated") == 1
    assert settled.run("j", push_only).verdict == "deviation"
    healed = settled.run_well()
    assert {b.kind for b in healed.batches if b.sent.total} == {"resync"}
    assert sum(b.received.deleted for b in healed.batches) == 2
    assert {b["state"] for b in settled.batches()} == {"reconciled"}
    assert settled.findings() == []


@on_both
def test_target_refuses_the_last_part_of_an_image(settled: World) -> None:
    """Where the push goes on beside the pull, it may fail when there is nothing left to pull."""
    plant_trigger(
        settled,
        "IF NEW.id = 103 THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW;",
        "CREATE TRIGGER meddle BEFORE INSERT ON t WHEN NEW.id = 103 "
        "BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    )
    settled.write(retry=0)
    settled.job("j", chunk_rows=4, **cursor_job())
    outcome = settled.resync()
    assert outcome.error is not None
    assert outcome.verdict != "reconciled"
    assert [b["state"] for b in settled.batches()[-4:]] == ["reconciled"] * 3 + ["sealed"]
    settled.sql("target", f"DROP TRIGGER meddle{'' if settled.is_sqlite else ' ON t'}")
    settled.run_well()
    assert settled.findings() == []


@on_both
@pytest.mark.parametrize("meddle", [round_amount, alter_name])
def test_target_alters_a_value(settled: World, meddle: Callable[[World], None]) -> None:
    meddle(settled)
    outcome = run_with_new_rows(settled)
    assert kinds(settled) == {"differs"}
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)
    assert outcome.batches[-1].cause == "altered_at_target"
    later = settled.run()  # all counts agree, and it still stands open
    assert (later.verdict, later.deviation, later.exit_code) == ("deviation", 1, 1)


@pytest.mark.parametrize(
    ("resync", "emptied"),
    [(False, False), (True, False), (True, True)],
    ids=["changes", "image", "image of an empty table"],
)
def test_target_alters_a_value_when_it_commits(world: World, resync: bool, emptied: bool) -> None:
    """A constraint trigger of PostgreSQL may be put off until then."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        "target",
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE t SET name = 'x' WHERE id = NEW.id AND name <> 'x'; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER meddle AFTER INSERT OR UPDATE ON t "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION meddle()",
    )
    if emptied:
        world.sql("target", "DELETE FROM t")
    world.insert([4], stamp=world.now)
    outcome = world.resync() if resync else world.run()
    assert world.sql("target", "SELECT name FROM t WHERE id = 4") == [("x",)]
    assert (outcome.verdict, outcome.deviation > 0) == ("deviation", True)


@on_sqlite
def test_a_batch_that_is_held_hides_no_deviation(settled: World, capsys: Capsys) -> None:
    check_swallowed_row(settled)
    settled.job("j", max_delete=1, **cursor_job())
    settled.sql("source", "DELETE FROM t WHERE id IN (3, 4)")
    outcome = settled.run()
    assert [batch.state for batch in outcome.batches] == ["held"]
    (status,) = call(capsys, "--config", settled.directory, "status", "--json").json
    assert (outcome.verdict, outcome.deviation) == ("deviation", 1)
    assert (status["verdict"], status["deviation"], status["held"]) == ("deviation", 1, 1)


@on_both
def test_deviation_stays_until_a_resync_puts_it_right(settled: World) -> None:
    check_swallowed_row(settled)
    later = settled.run()
    assert (later.verdict, later.deviation, later.batches[-1].state) == (
        "deviation",
        1,
        "reconciled",
    )
    settled.sql("source", "DELETE FROM t WHERE id = 201")
    settled.run()
    settled.insert([201], stamp=settled.now)
    assert settled.run().deviation == sum(b["deviation"] or 0 for b in settled.batches()) > 1
    table = "" if settled.is_sqlite else " ON t"
    settled.sql("target", f"DROP TRIGGER meddle{table}")
    healed = settled.resync()
    assert (healed.verdict, healed.deviation, healed.exit_code) == ("reconciled", 0, 0)
    assert {batch.epoch for batch in healed.batches} == {2}
    assert settled.findings() == []
    assert {batch["state"] for batch in settled.batches()} == {"reconciled"}


# -- hands at the target -------------------------------------------------------------------------


@on_both
def test_row_deleted_at_the_target_is_seen_by_its_next_change(settled: World) -> None:
    settled.sql("target", "DELETE FROM t WHERE id = 3")
    settled.sql("source", f"UPDATE t SET name = 'new', updated_at = {settled.now} WHERE id = 3")
    outcome = settled.run()
    assert (outcome.verdict, outcome.deviation) == ("deviation", 2)
    assert outcome.batches[-1].cause == "missing_before"
    assert outcome.batches[-1].note == "update_inserted: 1"
    assert settled.findings() == []


@on_sqlite
def test_row_deleted_at_the_target_is_seen_by_its_delete(settled: World) -> None:
    settled.sql("target", "DELETE FROM t WHERE id = 3")
    settled.sql("source", "DELETE FROM t WHERE id = 3")
    outcome = settled.run()
    assert (outcome.verdict, outcome.deviation) == ("deviation", 1)
    assert outcome.batches[-1].cause == "deleted_before"


@on_sqlite
def test_row_inserted_at_the_target_is_seen_by_its_insert(settled: World) -> None:
    settled.sql("target", "INSERT INTO t (id, name) VALUES (201, 'by hand')")
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.deviation) == ("deviation", 2)
    assert outcome.batches[-1].cause == "present_before"
    assert settled.findings() == []


# -- restored or altered books -------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize("receipts", ["kept", "restored"])
def test_position_set_back(settled: World, receipts: str) -> None:
    *_, before, last = settled.batches()
    settled.sql(
        "target",
        f"UPDATE bh_position SET seq = {before['seq']}, head_hash = '{before['batch_hash']}'",
        *([f"DELETE FROM bh_receipt WHERE seq = {last['seq']}"] if receipts == "restored" else []),
    )
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "behind" in str(outcome.error)
    assert "gap" in kinds(settled) or receipts == "restored"
    assert len(settled.batches()) == 4  # nothing was sealed over it


@on_both
def test_position_lost(settled: World) -> None:
    settled.sql("target", "DELETE FROM bh_position", "DELETE FROM bh_receipt")
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)


@on_sqlite
@pytest.mark.parametrize("step", [settle_and_pull, pull_only, push_only])
def test_target_table_gone(settled: World, step: Step) -> None:
    """Made again, it would be empty, and what is sent next would agree with what arrives."""
    settled.sql("target", "ALTER TABLE t RENAME TO away")
    settled.insert([200], stamp=settled.now)
    outcome = settled.run("j", step)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "the target has no table t any more, 1/4 had arrived" in str(outcome.error)
    assert len(settled.batches()) == 4
    settled.sql("target", "ALTER TABLE away RENAME TO t")
    settled.run_well()
    settled.sql("target", "DROP TABLE t")
    assert settled.run("j", step).verdict == "gap"
    outcome = settled.resync()
    assert (outcome.verdict, outcome.error) == ("reconciled", None)
    assert settled.findings() == []


@on_sqlite
@pytest.mark.parametrize("gone", ["DROP TABLE t", "DELETE FROM bh_claim"])
@pytest.mark.parametrize("step", [settle_and_pull, pull_only, push_only])
@pytest.mark.parametrize("epoch", [1, 2])
def test_what_arrived_first_is_gone_before_a_run_has_noted_it(
    world: World, epoch: int, step: Step, gone: str
) -> None:
    """The ledger knows of nothing that was confirmed in its epoch; the receiver's position does."""
    world.make_table(3)
    world.job("j", **cursor_job())
    run = world.run
    if epoch == 2:
        world.run_well()
        run = world.resync
    assert killed(run, 1, "push.applied")
    world.sql("target", gone)
    outcome = world.run("j", step)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert f"any more, {epoch}/1 had arrived" in str(outcome.error)
    assert world.run().verdict == "gap"
    if gone == "DELETE FROM bh_claim":  # and nobody knows whose its rows are
        world.sql("target", "DELETE FROM t")
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


@on_sqlite
@pytest.mark.parametrize("table", ["bh_copy_j", "bh_change_j"])
def test_table_of_ours_gone(settled: World, table: str) -> None:
    settled.sql("exchange", f"DROP TABLE {table}")
    outcome = run_with_new_rows(settled)
    assert outcome.exit_code == 4
    assert f"its table {table} is gone → bridgehead resync j --why" in str(outcome.error)
    outcome = settled.resync()
    assert (outcome.verdict, outcome.error) == ("reconciled", None)
    settled.run_well()


@on_sqlite
@pytest.mark.parametrize("seq", [1, 2, 3])
def test_batch_removed_from_the_ledger(settled: World, seq: int) -> None:
    settled.sql("exchange", f"DELETE FROM bh_batch WHERE seq = {seq}")
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert f"{seq} is missing" in str(outcome.error)
    assert "gap" in kinds(settled)


@on_both
def test_last_batch_removed_from_the_ledger(settled: World) -> None:
    """As after the restore of an older backup of the exchange database: the copy knows the row of
    batch 4 already, and no window would ever bring it again."""
    settled.sql("exchange", "DELETE FROM bh_batch WHERE seq = 4")
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("reconciled", 0)
    assert "ahead of the ledger" in outcome.renewed
    assert {(batch.epoch, batch.kind) for batch in outcome.batches} == {(2, "resync")}
    assert settled.oracle().content() == []


ALTERATIONS = {
    "inserted": "inserted = inserted + 1, read = read + 1",
    "window": "window_high = window_low",
    "digest": f"digest = '{'0' * 32}'",
    "kind": "kind = 'resync'",
    "prev_hash": f"prev_hash = '{'1' * 64}'",
    "batch_hash": f"batch_hash = '{'2' * 64}'",
    "content_hash": f"content_hash = '{'3' * 64}'",
}


@on_sqlite
@pytest.mark.parametrize(
    ("what", "seq"), [*((what, 3) for what in ALTERATIONS), ("digest", 1), ("digest", 4)]
)
def test_batch_changed_after_it_was_sealed(settled: World, what: str, seq: int) -> None:
    settled.sql("exchange", f"UPDATE bh_batch SET {ALTERATIONS[what]} WHERE seq = {seq}")
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("fork", 1)
    assert "fork" in kinds(settled)
    assert len(settled.batches()) == 4


@on_sqlite
def test_of_a_missing_batch_and_a_changed_one_the_worse_is_told(settled: World) -> None:
    settled.sql(
        "exchange",
        "DELETE FROM bh_batch WHERE seq = 2",
        "UPDATE bh_batch SET inserted = inserted + 1, read = read + 1 WHERE seq = 4",
    )
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("fork", 1)
    assert "4 was changed after it was sealed" in str(outcome.error)


@on_sqlite
def test_batch_changed_and_hashed_again(settled: World) -> None:
    """A forger who mends the whole chain, and what was received, is still betrayed by the
    receiver's head."""
    from tests.oracle import batch_hash

    head = settled.batches()[1]["batch_hash"]
    for batch in settled.batches()[2:]:
        if batch["seq"] == 3:
            batch |= {"inserted": batch["inserted"] + 1, "read": batch["read"] + 1}
        batch["prev_hash"] = head
        head = batch_hash(batch)
        settled.sql(
            "exchange",
            f"UPDATE bh_batch SET inserted = {batch['inserted']}, read = {batch['read']}, "
            f"received_inserted = {batch['inserted']}, received_total = {batch['inserted']}, "
            f"prev_hash = '{batch['prev_hash']}', batch_hash = '{head}' "
            f"WHERE seq = {batch['seq']}",
        )
    outcome = run_with_new_rows(settled)
    assert (outcome.verdict, outcome.exit_code) == ("fork", 1)
    assert "another batch" in str(outcome.error)
    assert "fork" in kinds(settled)


RECEIPTS = {
    "inserted": "inserted = inserted + 1, total = total + 1",
    "digest": f"digest = '{'0' * 32}'",
    "hash": f"batch_hash = '{'0' * 64}'",
}


@on_sqlite
@pytest.mark.parametrize("what", RECEIPTS)
@pytest.mark.parametrize(("at_once", "seq"), [(2, 3), (3, 4), (5_000, 1)])
def test_receipt_altered(
    settled: World, monkeypatch: pytest.MonkeyPatch, what: str, at_once: int, seq: int
) -> None:
    monkeypatch.setattr("bridge.stream._ANSWERS_AT_ONCE", at_once)
    settled.sql("target", f"UPDATE bh_receipt SET {RECEIPTS[what]} WHERE seq = {seq}")
    outcome = settled.run()
    assert (outcome.verdict, outcome.exit_code) == ("deviation", 1)
    assert kinds(settled) & {"receipt", "fork"}


@on_sqlite
def test_receipt_of_an_empty_batch_is_gone(settled: World) -> None:
    settled.run_well()
    settled.run_well()
    assert [b["kind"] for b in settled.batches()[-2:]] == ["empty", "empty"]
    settled.sql("target", "DELETE FROM bh_receipt WHERE seq = 5")
    outcome = settled.run()
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)


FORGOTTEN = {
    "newest receipt": "DELETE FROM bh_receipt WHERE seq = 4",
    "all receipts": "DELETE FROM bh_receipt",
    "position's hash": f"UPDATE bh_position SET head_hash = '{'a' * 64}'",
    "position": "UPDATE bh_position SET epoch = 0, seq = 0",
}


@on_sqlite
@pytest.mark.parametrize("what", FORGOTTEN)
def test_a_resync_is_the_way_on_whatever_the_receiver_has_forgotten(
    settled: World, what: str
) -> None:
    """The new epoch hangs on what the receiver can still confirm."""
    settled.sql("target", FORGOTTEN[what])
    outcome = settled.resync()
    assert (outcome.verdict, outcome.error) == ("reconciled", None)
    settled.insert([201], stamp=settled.now)
    settled.run_well()


@on_sqlite
def test_target_that_began_another_epoch_meanwhile(settled: World) -> None:
    """As when a copy of this machine has just resynced: what is sealed here is not laid aside."""
    settled.insert([200], stamp=settled.now)
    begin = "UPDATE bh_position SET epoch = 2, seq = 1"
    arm(at("push.begins", 1, lambda _: settled.sql("target", begin)))
    try:
        outcome = settled.run()
    finally:
        arm(None)
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "2/1" in str(outcome.error)
    assert settled.batches()[-1]["state"] == "sealed"


@on_sqlite
def test_batch_of_an_ended_epoch_that_is_sealed_again_is_laid_aside(settled: World) -> None:
    """It never arrives, and is not called applied."""
    settled.insert([200], stamp=settled.now)
    settled.run("j", pull_only)
    assert settled.resync().verdict == "reconciled"
    settled.sql("exchange", "UPDATE bh_batch SET state = 'sealed' WHERE epoch = 1 AND seq = 5")
    settled.run_well()
    (late,) = [b for b in settled.batches() if (b["epoch"], b["seq"]) == (1, 5)]
    assert (late["state"], late["received_total"]) == ("purged", None)
    assert settled.oracle().content() == []


MEANWHILE = {
    "gap": "UPDATE bh_position SET seq = 3",
    "fork": f"UPDATE bh_position SET head_hash = '{'1' * 64}'",
}


@on_sqlite
@pytest.mark.parametrize("verdict", MEANWHILE)
def test_position_moved_between_the_check_and_the_push(settled: World, verdict: str) -> None:
    """The batch is not applied; at the centre `bh_health` says why, until the job goes on."""
    settled.insert([200], stamp=settled.now)
    move = MEANWHILE[verdict]
    arm(at("push.begins", 1, lambda _: settled.sql("target", move)))
    try:
        outcome = settled.run()
    finally:
        arm(None)
    assert (outcome.verdict, outcome.exit_code) == (verdict, 1)
    assert f"the target, at 1/{3 if verdict == 'gap' else 4}" in str(outcome.error)
    assert settled.batches()[-1]["state"] == "sealed"
    health = "SELECT stalled, stalled_at FROM bh_position"
    ((stalled, since),) = settled.sql("target", health)
    assert (stalled, since is None) == (verdict, False)
    head = "(SELECT batch_hash FROM bh_receipt WHERE seq = 4)"
    settled.sql("target", f"UPDATE bh_position SET seq = 4, head_hash = {head}")
    settled.run_well()
    assert settled.sql("target", health) == [(None, None)]


# -- between seal and push -----------------------------------------------------------------------

CHANGE_ROWS = {
    "altered": "UPDATE bh_change_j SET name = 'forged' WHERE id = 201",
    "removed": "DELETE FROM bh_change_j WHERE id = 201",
    "turned": "UPDATE bh_change_j SET bh_op = 'D' WHERE id = 201",
}


@on_sqlite
@pytest.mark.parametrize("how", CHANGE_ROWS)
def test_change_rows_touched_between_seal_and_push(settled: World, how: str) -> None:
    settled.insert([200, 201, 202], stamp=settled.now)
    pulled = settled.run("j", pull_only)
    assert (pulled.verdict, pulled.exit_code) == ("in_flight", 0)
    settled.sql("exchange", CHANGE_ROWS[how])
    outcome = settled.run("j", push_only)
    assert (outcome.verdict, outcome.exit_code) == ("deviation", 1)
    assert "falsely_reconciled" not in kinds(settled)


@on_both
def test_copy_touched_between_seal_and_push_of_an_image(world: World) -> None:
    world.make_table(10)
    world.job("j", **cursor_job())
    assert world.run("j", pull_only).verdict == "in_flight"
    world.sql("exchange", "UPDATE bh_copy_j SET name = 'forged' WHERE id = 3")
    outcome = world.run("j", push_only)
    assert (outcome.verdict, outcome.deviation, outcome.exit_code) == ("deviation", 1, 1)
