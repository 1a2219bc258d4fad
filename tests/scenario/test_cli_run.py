"""run, pull, push, resync, enable and disable: what they tell, as JSON and as exit codes."""

from __future__ import annotations

import pytest

from tests.command import Called, call
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]

COUNTS = {"total", "inserted", "updated", "deleted", "digest"}
BOOKS = {"read", "gone", "inserted", "updated", "deleted", "unchanged", "superseded", "quarantined"}
PLACE = {"epoch", "seq", "kind", "state", "batch_hash", "window", "late", "sent", "received"}


@pytest.fixture
def ready(world: World) -> World:
    world.make_table(5)
    world.job("j", **cursor_job())
    return world


def bridgehead(world: World, capsys: Capsys, *arguments: str) -> Called:
    return call(capsys, "--config", world.directory, *arguments)


def test_a_run_tells_each_batch_as_one_json_object(ready: World, capsys: Capsys) -> None:
    told = bridgehead(ready, capsys, "run", "j", "--json")
    assert told.code == 0
    assert set(told.json) == {"job", "verdict", "deviation", "quarantined", "batches"}
    assert (told.json["job"], told.json["verdict"], told.json["deviation"]) == (
        "j",
        "reconciled",
        0,
    )
    (batch,) = told.json["batches"]
    assert set(batch) == BOOKS | PLACE
    assert set(batch["sent"]) == set(batch["received"]) == COUNTS
    assert batch["sent"] == batch["received"]
    assert (batch["kind"], batch["state"]) == ("first", "reconciled")
    assert (batch["window"][0], batch["read"], batch["sent"]["total"]) == (None, 5, 5)


def test_several_jobs_are_an_array_by_name(ready: World, capsys: Capsys) -> None:
    ready.job("b", **(cursor_job() | {"target": {"endpoint": "target", "table": "b"}}))
    told = bridgehead(ready, capsys, "run", "j", "b", "--parallel", "2", "--json")
    assert told.code == 0
    assert [outcome["job"] for outcome in told.json] == ["b", "j"]
    every = bridgehead(ready, capsys, "run", "--all", "--json")
    assert [outcome["job"] for outcome in every.json] == ["b", "j"]


def test_every_job_is_run_and_one_whose_file_cannot_be_used_is_told(
    ready: World, capsys: Capsys
) -> None:
    """And though the others went well, the call did not."""
    (ready.directory / "jobs/a.yaml").write_text("job: a\n", "utf-8")
    told = bridgehead(ready, capsys, "run", "--all", "--json")
    assert told.code == 2
    assert [(job["job"], job["verdict"]) for job in told.json] == [
        ("a", "in_flight"),
        ("j", "reconciled"),
    ]
    assert "jobs/a.yaml" in told.err


def test_the_books_of_the_ledger_are_the_same_objects(ready: World, capsys: Capsys) -> None:
    ran = bridgehead(ready, capsys, "run", "j", "--json").json
    assert bridgehead(ready, capsys, "batches", "j", "--json").json == {
        "job": "j",
        "batches": ran["batches"],
    }


def test_pull_and_push_are_the_two_halves(ready: World, capsys: Capsys) -> None:
    pulled = bridgehead(ready, capsys, "pull", "j", "--json")
    assert (pulled.code, pulled.json["verdict"]) == (0, "in_flight")
    assert [(b["state"], b["received"]) for b in pulled.json["batches"]] == [("sealed", None)]
    pushed = bridgehead(ready, capsys, "push", "j", "--json")
    assert (pushed.code, pushed.json["verdict"]) == (0, "reconciled")
    assert [b["state"] for b in pushed.json["batches"]] == ["reconciled"]


def test_a_disabled_job_is_skipped_until_it_is_enabled(ready: World, capsys: Capsys) -> None:
    assert bridgehead(ready, capsys, "disable", "j", "--by", "li", "--why", "holiday").code == 0
    skipped = bridgehead(ready, capsys, "run", "j", "--json")
    assert (skipped.code, skipped.json["skipped"], skipped.json["batches"]) == (0, "disabled", [])
    assert "→ bridgehead enable j" in bridgehead(ready, capsys, "run", "j").out
    assert "disabled" in bridgehead(ready, capsys, "status").out
    for asked in (["resync", "j", "--why", "a new mask"], ["quarantine", "j", "--retry"]):
        refused = bridgehead(ready, capsys, *asked)
        assert (refused.code, "bridgehead enable j" in refused.err) == (2, True)
        refused = bridgehead(ready, capsys, *asked, "--json")
        assert (refused.code, refused.json["error"]["code"]) == (2, "configuration")
    assert ready.sql("exchange", "SELECT epoch FROM bh_job") == [(1,)]
    assert ready.sql("exchange", "SELECT * FROM bh_event") == []
    assert bridgehead(ready, capsys, "enable", "j", "--why", "over").code == 0
    assert len(bridgehead(ready, capsys, "run", "j", "--json").json["batches"]) == 1
    actions = ready.sql("exchange", "SELECT actor, action, details FROM bh_audit WHERE number > 0")
    assert actions[0] == ("li", "disable", '{"why":"holiday"}')
    assert actions[1][1:] == ("enable", '{"why":"over"}')


def test_a_resync_needs_a_reason_and_begins_an_epoch(ready: World, capsys: Capsys) -> None:
    bridgehead(ready, capsys, "run", "j")
    assert bridgehead(ready, capsys, "resync", "j").code == 2
    assert bridgehead(ready, capsys, "resync", "j", "--why", " ").code == 2
    told = bridgehead(ready, capsys, "resync", "j", "--why", "a new mask", "--json")
    assert told.code == 0
    assert [(b["epoch"], b["kind"]) for b in told.json["batches"]] == [(2, "resync")]


def test_a_reason_that_no_statement_could_show_is_refused(ready: World, capsys: Capsys) -> None:
    """What a terminal in GBK sends where LANG says UTF-8."""
    sent = "人".encode("gbk").decode("utf-8", "surrogateescape")
    for command in (["disable", "j"], ["events", "ack", "1"]):
        for why, by in ((sent, "li"), ("holiday", sent)):
            told = bridgehead(ready, capsys, *command, "--why", why, "--by", by)
            assert (told.code, "charset of LANG" in told.err) == (2, True), told
    for command in (["quarantine"], ["batches"], ["discover", "source"], ["events", "--job"]):
        assert bridgehead(ready, capsys, *command, sent).code == 2
    assert ready.sql("exchange", "SELECT to_regclass('bh_audit')") == [(None,)]


def test_a_job_that_another_run_holds_is_busy(
    ready: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for as long as `--wait` says, and no `retry` comes on top."""
    from bridge.hold import hold

    monkeypatch.setattr("bridge.run.pause", lambda _: pytest.fail("it was tried again"))
    deployment = ready.deployment
    with hold(deployment, deployment.job("j"), 1):
        told = bridgehead(ready, capsys, "run", "j", "--wait", "0s", "--json")
    assert (told.code, told.json["error"]["code"]) == (3, "busy")


def test_what_is_no_call_is_refused_before_anything_runs(ready: World, capsys: Capsys) -> None:
    for arguments in (["run"], ["run", "j", "--all"], ["run", "j", "--wait", "soon"], ["rnu"]):
        assert bridgehead(ready, capsys, *arguments).code == 2
    assert ready.sql("exchange", "SELECT to_regclass('bh_batch')") == [(None,)]


def test_a_deviation_leaves_with_1_and_says_so(ready: World, capsys: Capsys) -> None:
    bridgehead(ready, capsys, "run", "j")
    ready.sql(
        "target",
        "CREATE FUNCTION eat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER eat BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION eat()",
    )
    ready.insert([6], stamp=ready.now)
    told = bridgehead(ready, capsys, "run", "j")
    assert told.code == 1
    assert "偏差 deviation" in told.out
    assert "→ bridgehead reconcile j finds the rows" in told.out
    again = bridgehead(ready, capsys, "run", "j", "--json").json
    assert (again["deviation"], again["remedy"]) == (1, "bridgehead reconcile j finds the rows")
    assert bridgehead(ready, capsys, "status").code == 1


def test_what_is_held_says_how_to_decide(ready: World, capsys: Capsys) -> None:
    ready.job("j", max_delete=1, **cursor_job())
    bridgehead(ready, capsys, "run", "j")
    ready.sql("source", "DELETE FROM t WHERE id < 4")
    told = bridgehead(ready, capsys, "run", "j")
    seq = ready.batches()[-1]["seq"]
    remedy = f"bridgehead approve j {seq} --why TEXT, or reject"
    assert (told.code, f"→ {remedy}" in told.out) == (1, True)
    again = bridgehead(ready, capsys, "run", "j", "--json")
    assert (again.code, again.json["error"]["remedy"]) == (1, remedy)
    approved = bridgehead(ready, capsys, "approve", "j", str(seq), "--why", "the office was closed")
    assert approved.code == 0
    done = bridgehead(ready, capsys, "run", "j", "--json")
    assert (done.code, "remedy" in done.json) == (0, False)
