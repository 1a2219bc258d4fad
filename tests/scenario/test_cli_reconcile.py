"""reconcile: what is missing, extra or different at the target is found, row by row, and no row is
moved."""

from __future__ import annotations

import pytest

from bridge import content, stream
from bridge.hold import open_ledger
from bridge.ledger import Ledger
from reconcile import segment
from tests.command import Called, call
from tests.kill import killed
from tests.scenario.world import DEPARTMENT, World, cursor_job

Capsys = pytest.CaptureFixture[str]

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3, ("sqlite", "postgresql", "sqlite")]
chains = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)


@pytest.fixture
def settled(world: World) -> World:
    world.make_table(300)
    world.job("j", **cursor_job())
    world.run_well()
    return world


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that 300 rows need every level of splitting."""
    monkeypatch.setattr(content, "SEGMENT_ROWS", 100)
    monkeypatch.setattr(segment, "SMALL_ROWS", 10)
    monkeypatch.setattr(segment, "PARTS", 4)


def reconcile(world: World, capsys: Capsys) -> Called:
    return call(capsys, "--config", world.directory, "reconcile", "j", "--json")


@chains
def test_equal_contents_reconcile(settled: World, capsys: Capsys) -> None:
    told = reconcile(settled, capsys)
    assert told.code == 0
    assert (told.json["verdict"], told.json["deviation"]) == ("reconciled", 0)
    found, cut = told.json["content"], told.json["cut"]
    assert (found["rows"], found["target_rows"], found["sample"]) == (300, 300, [])
    assert (cut["epoch"], cut["seq"], cut["sent"]) == (1, 1, cut["received"])
    assert cut["sent"]["total"] == 300
    disable = ("disable", "j", "--why", "a pause")
    assert call(capsys, "--config", settled.directory, *disable).code == 0
    assert reconcile(settled, capsys).json["content"]["rows"] == 300


@chains
@pytest.mark.usefixtures("small_segments")
def test_every_difference_is_found_and_stays_until_a_resync(settled: World, capsys: Capsys) -> None:
    settled.sql(
        "target",
        "DELETE FROM t WHERE id IN (1, 150, 151, 300)",
        "UPDATE t SET name = 'other' WHERE id = 77",
        "UPDATE t SET amount = amount + 1, name = NULL WHERE id = 299",
        "INSERT INTO t (id, name) VALUES (0, 'x'), (301, 'y'), (5000, 'z')",
    )
    told = reconcile(settled, capsys)
    found = told.json["content"]
    assert (told.code, told.json["verdict"]) == (1, "deviation")
    assert (found["missing"], found["extra"], found["different"]) == (4, 3, 2)
    assert (found["rows"], found["target_rows"]) == (300, 299)
    assert told.json["deviation"] == 9
    assert len(found["sample"]) == 9

    run = call(capsys, "--config", settled.directory, "run", "j", "--json")
    assert (run.code, run.json["verdict"]) == (1, "deviation")
    status = call(capsys, "--config", settled.directory, "status", "--json")
    assert (status.code, status.json[0]["deviation"]) == (1, 9)
    resync = ("resync", "j", "--why", "edited by hand")
    assert call(capsys, "--config", settled.directory, *resync).code == 0
    assert reconcile(settled, capsys).json["verdict"] == "reconciled"
    assert call(capsys, "--config", settled.directory, "status").code == 0


@pytest.mark.usefixtures("small_segments")
def test_many_extra_rows_in_one_range_are_split_by_their_own_keys(
    settled: World, capsys: Capsys
) -> None:
    settled.sql("target", "INSERT INTO t (id) SELECT g FROM generate_series(1000, 3000) g")
    found = reconcile(settled, capsys).json["content"]
    assert (found["missing"], found["extra"], found["different"]) == (0, 2001, 0)
    assert len(found["sample"]) == 20


def test_nothing_is_compared_while_a_batch_is_in_flight(settled: World, capsys: Capsys) -> None:
    settled.insert([301], stamp=settled.now)
    call(capsys, "--config", settled.directory, "pull", "j")
    told = reconcile(settled, capsys)
    assert (told.code, told.json["verdict"], told.json["content"]) == (0, "in_flight", None)
    assert "in flight" in told.json["why_not"]


def test_a_key_is_shown_masked_and_the_remedy_named(world: World, capsys: Capsys) -> None:
    key = "110101199003070134"
    world.sql(
        "source",
        "CREATE TABLE t (id_no varchar(18) PRIMARY KEY, updated_at timestamptz)",
        f"INSERT INTO t VALUES ('{key}', now() - interval '1 h')",
    )
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t")
    told = call(capsys, "--config", world.directory, "reconcile", "j")
    assert told.code == 1
    assert "110101********0134" in told.out
    assert "bridgehead resync j" in told.out
    assert key not in told.out + told.err


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
def test_what_has_arrived_and_was_not_compared_yet_is_compared(
    settled: World, capsys: Capsys
) -> None:
    settled.insert([301], stamp=settled.now)
    assert killed(settled.run, 1, "push.noted")
    assert settled.batches()[-1]["state"] == "applied"
    told = reconcile(settled, capsys)
    assert (told.code, told.json["verdict"], told.json["content"]["rows"]) == (0, "reconciled", 301)
    assert settled.batches()[-1]["state"] == "reconciled"


LONG_AGO = {
    "fork": ("exchange", f"UPDATE bh_batch SET digest = '{'0' * 32}' WHERE seq = 2"),
    "deviation": ("target", f"UPDATE bh_receipt SET digest = '{'0' * 32}' WHERE seq = 2"),
}


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
@pytest.mark.parametrize("verdict", LONG_AGO)
def test_what_was_altered_long_ago_is_found_by_a_comparison(
    settled: World, verdict: str, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run looks at the newest batches only."""
    monkeypatch.setattr(stream, "_LINKS_EACH_RUN", 1)
    for number in (301, 302, 303):
        settled.insert([number], stamp=settled.now)
        settled.run_well()
    store, alter = LONG_AGO[verdict]
    settled.sql(store, alter)
    assert settled.run().verdict == "reconciled"
    told = reconcile(settled, capsys)
    assert (told.code, told.json["verdict"]) == (1, verdict)


@pytest.mark.parametrize("world", CHAINS[:2], indirect=True, ids="-".join)
def test_a_ledger_that_was_lost_is_not_reconciled(settled: World, capsys: Capsys) -> None:
    settled.sql("exchange", "DELETE FROM bh_batch", "DELETE FROM bh_batch_event")
    told = reconcile(settled, capsys)
    assert (told.code, told.json["verdict"]) == (1, "gap")
    assert "ahead of the ledger" in told.json["error"]["message"]


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
def test_an_epoch_that_was_cut_off_at_its_beginning_is_in_flight(
    settled: World, capsys: Capsys
) -> None:
    with open_ledger(settled.deployment) as exchange, exchange.transaction() as connection:
        ledger = Ledger(connection, DEPARTMENT, "j")
        ledger.take()
        ledger.new_epoch("because", "tester")
    told = reconcile(settled, capsys)
    assert (told.code, told.json["verdict"]) == (0, "in_flight")
    (job,) = call(capsys, "--config", settled.directory, "status", "--json").json
    assert (job["verdict"], job["epoch"], job["seq"]) == ("in_flight", 2, 0)
    settled.run_well()
    assert reconcile(settled, capsys).json["verdict"] == "reconciled"


@pytest.mark.parametrize("world", CHAINS[1:2], indirect=True, ids="-".join)
def test_a_job_that_never_ran_has_nothing_to_compare(world: World, capsys: Capsys) -> None:
    world.make_table(3)
    world.job("j", **cursor_job())
    told = reconcile(world, capsys)
    assert (told.code, told.json["deviation"], "error" in told.json) == (0, 0, False)
    assert (told.json["verdict"], told.json["content"]) == ("reconciled", None)
