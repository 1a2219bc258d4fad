"""Only what was really looked at is over: for events, for `status`, for the verdict of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bridge import pull as pulling
from bridge import run as running
from bridge.comparison import reconcile_job
from bridge.decision import approve, reject, switch
from bridge.document import outcome_document
from bridge.errors import BooksDoNotBalance
from bridge.event import EventKind, Observation, Sighting
from bridge.hold import open_ledger
from bridge.notice.notice import note_all, record
from bridge.overview import overview, overview_of, read_ledger
from bridge.run import Outcome, pull_only, push_only, reconcile_only
from connectors.errors import BridgeheadError, ConnectionLost, StoreFull, StructureMismatch
from tests.scenario.world import MakeWorld, World, cursor_job

DAILY = {"catalogue": {"update_cycle": "daily"}}


@pytest.fixture
def lived(make: MakeWorld) -> World:
    """Ten rows have arrived."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(10)
    world.job("j", **cursor_job())
    world.run_well()
    return world


def events(world: World) -> list[tuple[str, str, bool]]:
    """Kind and subject, and whether it is open: every event there was, in order."""
    found = world.sql(
        "exchange", "SELECT kind, subject, closed_at IS NULL FROM bh_event ORDER BY number"
    )
    return [(kind, subject, bool(is_open)) for kind, subject, is_open in found]


def refuse(world: World, key: int) -> None:
    world.sql(
        "target",
        f"CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.id = {key} "
        "BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    world.insert([key], stamp=world.now)


def hold(world: World) -> int:
    world.job("j", max_delete=2, **cursor_job())
    world.sql("source", "DELETE FROM t WHERE id <= 5")
    assert world.run().verdict == "held"
    return int(world.batches()[-1]["seq"])


def status(world: World) -> tuple[Any, ...]:
    (job,) = overview(world.deployment)
    assert job.standing is not None
    return job.verdict, job.deviation, job.standing.held, bool(job.standing.ran_error)


# -- a step that goes through says nothing of the others ------------------------------------------


def test_a_comparison_ends_neither_what_is_held_nor_what_has_failed(lived: World) -> None:
    hold(lived)
    for _ in range(2):
        assert reconcile_job(lived.deployment, "j").outcome.verdict == "held"
        assert lived.run().verdict == "held"
    assert events(lived) == [("held", "1/2", True)]
    approve(lived.deployment, "j", 2, "tester", "moved away")
    lived.run_well()
    assert events(lived) == [("held", "1/2", False)]

    refuse(lived, 80)
    assert lived.run().exit_code == 4
    assert reconcile_job(lived.deployment, "j").outcome.error is None
    assert lived.run("j", reconcile_only).error is None
    assert events(lived)[1:] == [("failed", "push", True)]
    assert status(lived) == ("in_flight", 0, 0, True)
    lived.sql("target", "DROP TRIGGER no")
    lived.run_well()
    assert events(lived)[1:] == [("failed", "push", False)]
    assert status(lived) == ("reconciled", 0, 0, False)


def test_a_pull_says_nothing_of_a_push_that_failed_nor_the_other_way_round(lived: World) -> None:
    refuse(lived, 80)
    for _ in range(3):
        assert lived.run("j", pull_only).error is None
        assert lived.run("j", push_only).exit_code == 4
        assert status(lived)[3]
    assert lived.run("j", pull_only).error is None
    assert status(lived)[3]
    assert events(lived) == [("failed", "push", True)]
    lived.sql("target", "DROP TRIGGER no")
    assert lived.run("j", push_only).verdict == "reconciled"
    assert (events(lived), status(lived)[3]) == ([("failed", "push", False)], False)

    for place, (kind, error) in enumerate(REFUSED.items(), 1):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(running, "pull", partial(_refused, error))
            assert lived.run("j", pull_only).error is error
        assert lived.run("j", push_only).verdict == "reconciled"
        assert (events(lived)[place:], status(lived)[3]) == ([(kind, "pull", True)], True)
        assert lived.run("j", pull_only).error is None
        assert (events(lived)[place:], status(lived)[3]) == ([(kind, "pull", False)], False)


REFUSED: dict[str, BridgeheadError] = {
    "failed": BooksDoNotBalance("a batch does not balance"),
    "structure": StructureMismatch("more than one row bears the same key"),
}


def _refused(error: BridgeheadError, *_: Any) -> Any:
    raise error


DEEP = {
    "fork": (
        "exchange",
        "bh_batch SET read = read + 1, unchanged = unchanged + 1",
        "bh_batch SET read = read - 1, unchanged = unchanged - 1",
    ),
    "deviation": (
        "target",
        "bh_receipt SET digest = 'x' || digest",
        "bh_receipt SET digest = substr(digest, 2)",
    ),
}


@pytest.mark.parametrize("verdict", DEEP)
def test_what_a_deeper_look_has_found_stands_until_one_as_deep(
    lived: World, monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    monkeypatch.setattr("bridge.stream._LINKS_EACH_RUN", 1)
    for key in range(20, 25):
        lived.insert([key], stamp=lived.now)
        lived.run_well()
    store, do, undo = DEEP[verdict]

    def change(what: str) -> None:
        lived.sql(store, f"UPDATE {what} WHERE seq = 2")

    change(do)
    lived.run_well()
    assert reconcile_job(lived.deployment, "j").outcome.verdict == verdict
    for step in ((), (pull_only,), (push_only,), (reconcile_only,)):
        assert (lived.run("j", *step).verdict, status(lived)[0]) == (verdict, verdict)
    assert [event for event in events(lived) if event[2]] == [(verdict, "", True)]

    change(undo)
    lived.run_well()
    assert (events(lived), status(lived)) == (
        [(verdict, "", False)],
        ("reconciled", 0, 0, False),
    )
    change(do)
    assert reconcile_job(lived.deployment, "j").outcome.verdict == verdict
    assert lived.resync().verdict == "reconciled"
    lived.run_well()
    assert [event for event in events(lived) if event[2]] == []
    assert status(lived) == ("reconciled", 0, 0, False)


def test_a_comparison_that_finds_all_in_order_ends_a_fork(lived: World) -> None:
    lived.sql("exchange", "UPDATE bh_batch SET read = read + 1, unchanged = 1")
    assert lived.run().verdict == "fork"
    switch(lived.deployment, "j", "tester", "looked into", on=False)
    lived.sql("exchange", "UPDATE bh_batch SET read = read - 1, unchanged = 0")
    assert reconcile_job(lived.deployment, "j").outcome.verdict == "reconciled"
    assert events(lived) == [("fork", "", False)]
    assert status(lived)[0] == "reconciled"


@pytest.mark.parametrize("verdict", ["gap", "fork"])
def test_what_is_wrong_in_an_ended_epoch_is_one_event_until_it_is_mended(
    lived: World, verdict: str
) -> None:
    """Neither a run nor status depends on it; each night finds it again."""
    lived.insert([20], stamp=lived.now)
    lived.run_well()
    assert lived.resync().error is None
    lived.sql("exchange", "CREATE TABLE kept AS SELECT * FROM bh_batch WHERE epoch = 1")
    wrong = {"gap": "DELETE FROM bh_batch", "fork": "UPDATE bh_batch SET read = 9"}[verdict]
    lived.sql("exchange", f"{wrong} WHERE epoch = 1 AND seq = 2")
    for _ in range(2):
        found = reconcile_job(lived.deployment, "j").outcome
        assert (found.verdict, found.exit_code) == (verdict, 1)
        for _ in range(2):
            assert (status(lived)[0], events(lived)) == ("reconciled", [(verdict, "past", True)])
            lived.run_well()
    assert lived.sql("exchange", "SELECT seen FROM bh_event") == [(2,)]
    lived.sql(
        "exchange",
        "DELETE FROM bh_batch WHERE epoch = 1",
        "INSERT INTO bh_batch SELECT * FROM kept",
    )
    assert reconcile_job(lived.deployment, "j").outcome.verdict == "reconciled"
    assert events(lived) == [(verdict, "past", False)]


def test_a_restored_ledger_is_told_also_if_the_run_fails_later(lived: World) -> None:
    lived.insert([20], stamp=lived.now)
    lived.run_well()
    lived.sql("exchange", "DELETE FROM bh_batch WHERE seq = 2")  # as a backup has it
    refuse(lived, 80)
    outcome = lived.run()
    assert (outcome.exit_code, bool(outcome.renewed)) == (4, True)
    assert {event for event in events(lived) if event[2]} == {
        ("gap", "", True),
        ("failed", "push", True),
    }
    lived.sql("target", "DROP TRIGGER no")
    lived.run_well()
    assert [event for event in events(lived) if event[2]] == []


# -- the verdict is the job's ---------------------------------------------------------------------


def test_what_is_open_is_told_by_runs_that_do_not_look(lived: World) -> None:
    lived.write(retry=0)
    lived.sql("target", "DELETE FROM t WHERE id = 3")
    assert reconcile_job(lived.deployment, "j").outcome.deviation == 1
    switch(lived.deployment, "j", "tester", "a pause", on=False)
    outcome = lived.run()
    assert told(lived, outcome) == ("deviation", 1, "disabled", 0)
    switch(lived.deployment, "j", "tester", "on again", on=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "begin", _down)
        outcome = lived.run()
    assert told(lived, outcome) == ("deviation", 1, None, 3)


def _down(*_: Any) -> Any:
    raise StoreFull("disk full", endpoint="target")


def told(world: World, outcome: Outcome) -> tuple[Any, ...]:
    document = outcome_document(outcome, world.deployment)
    skipped = document.get("skipped")
    return document["verdict"], document["deviation"], skipped, outcome.exit_code


@pytest.mark.parametrize("decide", [approve, reject])
def test_what_was_decided_is_not_told_as_held(lived: World, decide: Any) -> None:
    seq = hold(lived)
    assert lived.run().verdict == "held"
    assert (status(lived), events(lived)) == (("held", 0, 1, True), [("held", "1/2", True)])
    decide(lived.deployment, "j", seq, "tester", "seen")
    assert (status(lived), events(lived)) == (("in_flight", 0, 0, False), [("held", "1/2", False)])
    switch(lived.deployment, "j", "tester", "a pause", on=False)
    assert lived.run().verdict == "in_flight"


def test_a_resync_that_breaks_off_has_decided_about_what_was_held(lived: World) -> None:
    hold(lived)
    refuse(lived, 80)
    assert lived.resync().exit_code == 4
    assert events(lived) == [("held", "1/2", False), ("failed", "push", True)]


def test_what_another_error_left_stands_though_a_batch_was_decided(lived: World) -> None:
    lived.write(retry=0)
    seq = hold(lived)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "begin", _down)
        assert lived.run().exit_code == 3
    approve(lived.deployment, "j", seq, "tester", "seen")
    assert status(lived) == ("in_flight", 0, 0, True)
    assert [event for event in events(lived) if event[2]] == [("store", "target", True)]


def test_what_was_held_is_over_with_its_epoch_though_the_resync_fails(lived: World) -> None:
    hold(lived)
    refuse(lived, 80)
    assert lived.resync().exit_code == 4
    assert lived.batches()[1]["state"] == "purged"
    assert [event for event in events(lived) if event[2]] == [("failed", "push", True)]


def test_an_attempt_keeps_nothing_of_what_the_one_before_it_has_said(
    lived: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The horizon was held back; then the exchange was away for a moment."""
    lived.write(retry=5)
    lived.insert([20], stamp=lived.now)
    pull, conclude = pulling.pull, running.conclude
    attempts: list[str] = []

    def pull_once_held_back(*given: Any) -> Any:
        attempts.append("pull")
        pulled = pull(*given)
        if len(attempts) > 1:
            return pulled
        since = datetime.now(UTC) - timedelta(hours=1)
        return replace(pulled, holders=("a session",), held_since=since, overdue=True, begun=False)

    def conclude_once_cut_off(*given: Any) -> None:
        attempts.append("conclude")
        if attempts.count("conclude") == 1:
            raise ConnectionLost("lost", endpoint="exchange")
        conclude(*given)

    monkeypatch.setattr(running, "pull", pull_once_held_back)
    monkeypatch.setattr(running, "conclude", conclude_once_cut_off)
    outcome = lived.run()
    assert attempts.count("pull") == 2
    assert (outcome.verdict, outcome.holders, outcome.overdue) == ("reconciled", (), False)
    assert [batch.seq for batch in outcome.batches] == [2, 3]
    assert events(lived) == []


# -- what nothing can tell any more ---------------------------------------------------------------


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def overdue(world: World) -> list[bool]:
    return [is_open for kind, _, is_open in events(world) if kind == "overdue"]


@pytest.mark.parametrize("way", ["irregular", "disabled"])
def test_who_owes_nothing_any_more_is_not_overdue(lived: World, way: str) -> None:
    lived.job("j", **DAILY, **cursor_job())
    note_all(lived.deployment, later(days=20))
    assert overdue(lived) == [True]
    if way == "irregular":
        lived.job("j", catalogue={"update_cycle": "irregular"}, **cursor_job())
    else:
        switch(lived.deployment, "j", "tester", "closed", on=False)
    note_all(lived.deployment, later(days=20))
    assert overdue(lived) == [False]


def test_a_disabled_job_is_not_called_overdue(lived: World) -> None:
    lived.job("j", **DAILY, **cursor_job())
    switch(lived.deployment, "j", "tester", "summer", on=False)
    with read_ledger(lived.deployment) as exchange:
        assert exchange is not None
        with exchange.transaction() as connection:
            (job,) = overview_of(connection, lived.deployment, later(days=20))
    assert job.deadline is not None
    assert (job.deadline.due_at < job.at, job.deadline.overdue) == (True, False)


def test_a_store_or_a_rule_that_was_taken_away_is_over(lived: World) -> None:
    seen = (
        Sighting(EventKind.STORE, subject="source"),
        Sighting(EventKind.STORE, subject="renamed"),
        Sighting(EventKind.ALARM, subject="no such rule"),
    )
    with open_ledger(lived.deployment) as exchange:
        record(exchange, lived.deployment, lambda _: Observation(seen), datetime.now(UTC))
    note_all(lived.deployment)
    assert [event for event in events(lived) if event[2]] == [("store", "source", True)]
