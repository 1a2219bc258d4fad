"""More deletes than the job allows: the batch is held until a person decides."""

from __future__ import annotations

import json

import pytest

from bridge.decision import approve, reject, switch
from bridge.errors import Held, IllegalMove
from bridge.run import pull_only
from connectors.errors import MissingObject
from tests.command import call
from tests.scenario.backup import Backup
from tests.scenario.world import World, cursor_job

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
FEWER: dict[str, dict[str, str]] = {"id": {}, "updated_at": {}}


@pytest.fixture
def held(world: World) -> World:
    """Six of ten rows are deleted, four are allowed."""
    world.make_table(10)
    world.job("j", max_delete=4, **cursor_job())
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id > 6")
    assert [b.tally.deleted for b in world.run_well().batches] == [4]
    world.sql("source", "DELETE FROM t WHERE id > 1")
    for _ in range(2):
        outcome = world.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        assert [b["state"] for b in world.batches()].count("held") == 1
    assert len(world.sql("target", "SELECT id FROM t")) == 6
    return world


def check_audited(world: World, action: str, seq: int, why: str) -> None:
    query = f"SELECT actor, details FROM bh_audit WHERE action = '{action}'"
    ((actor, details),) = world.sql("exchange", query)
    assert (actor, json.loads(details)) == ("tester", {"epoch": 1, "seq": seq, "why": why})


on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("limit", [{}, {"max_delete": 100}], ids=["none", "higher"])
def test_a_limit_of_now_is_not_what_held_it(held: World, limit: dict[str, int]) -> None:
    held.job("j", **limit, **cursor_job())
    outcome = held.run()
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert "deletes 5 rows, more than max_delete was when it was sealed" in str(outcome.error)


@on_both
def test_approved(held: World) -> None:
    seq = held.batches()[-1]["seq"]
    held.insert([50], stamp=held.now)
    assert approve(held.deployment, "j", seq, "tester", "the register was closed")
    assert [(b["seq"], b["state"]) for b in held.batches()][-1] == (seq, "sealed")
    check_audited(held, "approve", seq, "the register was closed")
    assert held.run_well().batches[0].received.deleted == 5
    held.run_well()
    assert held.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_approved_while_the_job_is_disabled(
    held: World, capsys: pytest.CaptureFixture[str]
) -> None:
    seq = held.batches()[-1]["seq"]
    switch(held.deployment, "j", "tester", "a pause", on=False)
    command = ("--config", held.directory, "--lang", "en", "approve", "j", str(seq), "--why", "so")
    told = call(capsys, *command)
    assert f"j: batch {seq} is approved; the first run after bridgehead enable j" in told.out
    (status,) = call(capsys, "--config", held.directory, "status", "--json").json
    assert (status["ran_error"], status["verdict"]) == (None, "in_flight")


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_what_no_run_would_deliver_is_not_approved(
    held: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job was changed meanwhile: every run stops at that."""
    held.job("j", max_delete=4, columns=FEWER, **cursor_job())
    seq = held.batches()[-1]["seq"]
    told = call(capsys, "--config", held.directory, "approve", "j", str(seq), "--why", "moved")
    assert (told.code, "are not those it began with" in told.err) == (1, True)
    assert held.batches()[-1]["state"] == "held"
    held.job("j", max_delete=4, **cursor_job())
    held.sql("source", "ALTER TABLE t RENAME TO away")
    with pytest.raises(MissingObject):
        approve(held.deployment, "j", seq, "tester", "moved")
    # a store that is away says nothing of what a run will find
    held.write({"source": {"path": str(held.directory / "nowhere/s.db")}})
    assert approve(held.deployment, "j", seq, "tester", "moved")


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_decision_on_another_batch_decides_nothing(held: World) -> None:
    seq = held.batches()[-1]["seq"]
    for decide in approve, reject:
        with pytest.raises(IllegalMove, match=f"batch {seq - 1} is not held") as refused:
            decide(held.deployment, "j", seq - 1, "tester", "a slip of the pen")
        assert refused.value.remedy == f"held batches: {seq}"
    assert held.batches()[-1]["state"] == "held"


@on_both
def test_rejected(held: World) -> None:
    seq = held.batches()[-1]["seq"]
    held.insert(range(2, 11))
    assert reject(held.deployment, "j", seq, "tester", "somebody dropped the wrong table") == 2
    check_audited(held, "reject", seq, "somebody dropped the wrong table")
    assert len(held.sql("target", "SELECT id FROM t")) == 6
    outcome = held.run_well()
    assert [b.kind for b in outcome.batches] == ["resync"]
    assert held.findings() == []
    states = [b["state"] for b in held.batches()]
    assert states == ["reconciled", "reconciled", "purged", "reconciled"]


@on_both
def test_rejected_before_the_source_was_put_right(held: World) -> None:
    """What nobody wants deleted is not deleted by what follows a rejection either."""
    reject(held.deployment, "j", held.batches()[-1]["seq"], "tester", "by mistake")
    for _ in range(2):
        outcome = held.run()
        assert (outcome.verdict, outcome.exit_code) == ("held", 1)
        assert "would delete 5 rows at the target, more than max_delete 4" in str(outcome.error)
        assert len(held.sql("target", "SELECT id FROM t")) == 6
    held.insert(range(2, 11))
    assert held.resync().verdict == "reconciled"
    assert len(held.sql("target", "SELECT id FROM t")) == 10
    assert held.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_rejected_on_a_ledger_that_was_restored(held: World) -> None:
    """The new epoch is one that the target has not seen."""
    seq = held.batches()[-1]["seq"]
    backup = Backup(held, "exchange")
    held.job("j", **cursor_job())
    assert held.resync().verdict == "reconciled"
    held.job("j", max_delete=4, **cursor_job())
    backup.restore()
    assert reject(held.deployment, "j", seq, "tester", "not those") == 3
    held.run_well()
    assert held.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_rejected_though_the_target_has_lost_its_receipts(held: World) -> None:
    """The new epoch hangs on what the receiver can still confirm."""
    held.sql("target", "DELETE FROM bh_receipt")
    held.insert(range(2, 11))
    assert reject(held.deployment, "j", held.batches()[-1]["seq"], "tester", "not those") == 2
    held.run_well()


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_part_that_is_held_stops_its_window(world: World) -> None:
    """Nothing is sealed behind it, and what was not looked at comes once it is decided."""
    world.make_table(10)
    world.job("j", max_delete=2, chunk_rows=3, capture={"method": "compare"})
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id < 4", "UPDATE t SET name = 'x' WHERE id = 10")
    stopped, waiting = world.run(), world.run()
    assert (stopped.verdict, stopped.exit_code, stopped.error) == ("held", 1, None)
    assert (waiting.verdict, waiting.exit_code) == ("held", 1)
    assert isinstance(waiting.error, Held)
    last = world.batches()[-1]
    assert (last["state"], last["deleted"], bool(last["last"])) == ("held", 3, False)
    approve(world.deployment, "j", last["seq"], "tester", "they have moved away")
    world.run_well()
    assert world.findings() == []


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_no_delete_is_allowed(world: World) -> None:
    world.make_table(3)
    world.job("j", max_delete=0, **cursor_job())
    world.run_well()
    world.sql("source", "DELETE FROM t WHERE id = 1")
    outcome = world.run()
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert len(world.sql("target", "SELECT id FROM t")) == 3


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_what_waits_for_a_person_is_told_before_what_is_on_its_way(world: World) -> None:
    world.make_table(10)
    world.job("j", max_delete=4, **cursor_job())
    world.run_well()
    world.insert([50], stamp=world.now)
    assert world.run("j", pull_only).verdict == "in_flight"
    world.sql("source", "DELETE FROM t WHERE id < 9")
    outcome = world.run("j", pull_only)
    assert (outcome.verdict, outcome.exit_code) == ("held", 1)
    assert [b["state"] for b in world.batches()] == ["reconciled", "sealed", "held"]
