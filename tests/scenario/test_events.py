"""What has happened stands in the ledger and reaches whoever is to be told: once, again after a
pause, and when it is over."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.comparison import reconcile_job
from bridge.decision import acknowledge, approve, reject
from bridge.event import EventKind, Observation, Recovery, Sighting
from bridge.hold import open_ledger
from bridge.ledger.alarm import Occasion, Outbox
from bridge.ledger.event import Events
from bridge.ledger.timeliness import begun_at
from bridge.notice.messenger import send
from bridge.notice.notice import note_all, record
from bridge.run import pull_only
from bridge.settings import load
from connectors.errors import BridgeheadError, Busy
from tests.command import call
from tests.scenario.proxy import Proxy
from tests.scenario.world import DEPARTMENT, World, cursor_job
from tests.webhook import Webhook, webhook

Capsys = pytest.CaptureFixture[str]
CHAINS = [("postgresql",) * 3, ("sqlite",) * 3]
on_both = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as state:
        yield state


@pytest.fixture(autouse=True)
def own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def told(world: World, hook: Webhook) -> World:
    """Ten rows have arrived; one rule, in English, is told of everything."""
    world.make_table(10)
    world.job("j", title="人口", **cursor_job())
    rules(world, hook)
    world.run_well()
    return world


def rules(world: World, *hooks: Webhook, **more: Any) -> None:
    """A rule for each hook: the first called a, the second b."""
    path = world.directory / "bridgehead.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["alarms"] = []
    for name, hook in zip("abc", hooks, strict=False):
        (world.directory / f"address-{name}").write_text(hook.address + "\n", "utf-8")
        rule = {"name": name, "to": {"file": f"address-{name}"}, "language": "en"}
        settings["alarms"].append(rule | more)
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")


def events(world: World, *, closed: bool = False) -> list[tuple[Any, ...]]:
    condition = "IS NOT NULL" if closed else "IS NULL"
    return world.sql(
        "exchange",
        f"SELECT kind, job, subject, seen FROM bh_event WHERE closed_at {condition} "
        "ORDER BY number",
    )


def kinds(world: World, *, closed: bool = False) -> list[str]:
    return [event[0] for event in events(world, closed=closed)]


def lose_a_row(world: World) -> None:
    world.sql("target", "DELETE FROM t WHERE id = 3")
    assert reconcile_job(world.deployment, "j").outcome.deviation == 1


def later(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**span)


# -- one event from its beginning to its end -----------------------------------------------------


@on_both
def test_a_deviation_is_told_once_and_its_recovery_once(told: World, hook: Webhook) -> None:
    assert (events(told), hook.messages) == ([], [])
    lose_a_row(told)
    assert events(told) == [("deviation", "j", "", 1)]
    (message,) = hook.take()
    assert message["title"] == "[Bridgehead] critical: deviation 人口 (j)"
    assert message["type"] == "failure"
    for part in ("differ by 1 rows", "市市场监督管理局", DEPARTMENT, "resync j", "event: 1 "):
        assert part in message["message"]

    assert told.run().verdict == "deviation"
    assert (events(told), hook.take()) == ([("deviation", "j", "", 2)], [])

    assert told.resync().verdict == "reconciled"
    (message,) = hook.take()
    assert message["title"] == "[Bridgehead] recovered: deviation 人口 (j)"
    assert message["type"] == "success"
    assert (kinds(told), kinds(told, closed=True)) == ([], ["deviation"])
    told.run_well()
    assert hook.messages == []


def test_what_goes_on_is_told_again_after_the_pause_until_acknowledged(
    told: World, hook: Webhook, capsys: Capsys
) -> None:
    rules(told, hook, repeat_after="1h")
    lose_a_row(told)
    hook.take()

    def see_again(at: datetime) -> list[str]:
        sighting = Sighting(EventKind.DEVIATION, "j", facts={"deviation": 1})
        with open_ledger(told.deployment) as exchange:
            record(exchange, told.deployment, lambda _: Observation((sighting,)), at)
        note_all(told.deployment, at)
        return [message["title"] for message in hook.take()]

    assert see_again(later(minutes=59)) == []
    assert see_again(later(minutes=61)) == ["[Bridgehead] critical, still so: deviation 人口 (j)"]
    assert see_again(later(minutes=119)) == []
    config = ("--config", told.directory)
    assert call(capsys, *config, "events", "ack", "1", "--why", "on it", "--by", "Li").code == 0
    assert see_again(later(hours=9)) == []
    (event,) = call(capsys, *config, "events", "--json").json
    assert (event["state"], event["acknowledged_by"], event["seen"]) == ("acknowledged", "Li", 5)
    with webhook() as late:
        rules(told, hook, late, repeat_after="1h")  # who has not been told yet is told of it still
        assert (see_again(later(hours=9)), len(late.titles)) == ([], 1)
    rules(told, hook, repeat_after="1h")
    newest = "SELECT actor, action, job, details FROM bh_audit ORDER BY number DESC LIMIT 1"
    ((*decided, details),) = told.sql("exchange", newest)
    assert decided == ["Li", "acknowledge", "j"]
    assert json.loads(details) == {"event": 1, "kind": "deviation", "why": "on it"}
    assert told.resync().verdict == "reconciled"
    assert [m["title"] for m in hook.messages] == ["[Bridgehead] recovered: deviation 人口 (j)"]
    gone = call(capsys, *config, "events", "ack", "1", "--why", "late")
    assert (gone.code, "recovered" in gone.err) == (2, True)


# -- what else happens ---------------------------------------------------------------------------


@on_both
def test_the_fuse(told: World, hook: Webhook) -> None:
    told.job("j", max_delete=4, **cursor_job())
    told.sql("source", "DELETE FROM t WHERE id > 2")
    assert told.run().verdict == "held"
    assert told.run().verdict == "held"
    assert events(told) == [("held", "j", "1/2", 2)]
    (message,) = hook.take()
    assert "deletes 8 rows" in message["message"]
    for look in (lambda: reconcile_job(told.deployment, "j").outcome, told.run):
        assert look().verdict == "held"
    assert (events(told), hook.take()) == ([("held", "j", "1/2", 4)], [])
    approve(told.deployment, "j", told.batches()[-1]["seq"], "tester", "moved away")
    assert kinds(told) == []
    told.run_well()
    assert kinds(told) == []
    assert [m["title"] for m in hook.messages] == ["[Bridgehead] recovered: held j"]


@on_both
@pytest.mark.parametrize("taken_over", [True, False])
def test_a_second_batch_is_held_in_the_run_that_delivers_the_first(
    told: World, hook: Webhook, taken_over: bool
) -> None:
    told.job("j", max_delete=2, **cursor_job())
    told.sql("source", "DELETE FROM t WHERE id > 6")
    assert told.run().verdict == "held"
    hook.take()
    if taken_over:
        acknowledge(told.deployment, 1, "Li", "expected")
    approve(told.deployment, "j", 2, "tester", "moved away")
    told.sql("source", "DELETE FROM t WHERE id > 1")
    assert told.run().verdict == "held"
    assert events(told) == [("held", "j", "1/3", 1)]
    over, held = hook.take()
    assert over["title"] == "[Bridgehead] recovered: held j"
    assert "batch 2 deletes 4 rows" in over["message"]
    assert held["title"] == "[Bridgehead] error: held j"
    assert "batch 3 deletes 5 rows" in held["message"]
    told.insert(range(2, 7))
    reject(told.deployment, "j", 3, "tester", "by mistake")
    told.run_well()
    assert events(told) == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_long_message_is_cut_where_it_tells_what_happened(
    told: World, hook: Webhook, language: str
) -> None:
    """WeCom takes 2,048 bytes of a text."""
    rules(told, hook, language=language)
    for length in (3000, 20, 650):
        found = {"code": "x", "endpoint": str(length), "found": "人" * length + "Ω"}
        see(told, Sighting(EventKind.FAILED, "j", str(length), facts=found))
    note_all(told.deployment)
    assert len(hook.messages) == 3
    for message, is_cut in zip(sorted(map(_text, hook.messages), key=len), (0, 1, 1), strict=True):
        assert len(message.encode()) <= 2000
        assert ("Ω" in message, "人…" in message) == (not is_cut, bool(is_cut))
        assert "bridgehead run j" in message
        assert "bridgehead events ack" in message


def _text(message: dict[str, Any]) -> str:
    return f"{message['title']}\n{message['message']}"


def test_an_event_of_an_earlier_release_that_names_no_batch_is_over_too(told: World) -> None:
    nameless = Sighting(EventKind.HELD, "j", facts={"found": "j: batch 2 deletes 8 rows"})
    see(told, nameless)
    told.run_well()
    assert events(told) == []
    told.job("j", max_delete=4, **cursor_job())
    told.sql("source", "DELETE FROM t WHERE id > 2")
    see(told, nameless)
    assert told.run().verdict == "held"
    assert events(told) == [("held", "j", "1/3", 1)]


# -- what was acknowledged, and what is new ------------------------------------------------------


def see(world: World, *sightings: Sighting, at: datetime | None = None) -> None:
    with open_ledger(world.deployment) as exchange:
        record(exchange, world.deployment, lambda _: Observation(sightings), at or later())


@on_both
def test_a_deviation_put_right_and_another_in_the_same_run(told: World, hook: Webhook) -> None:
    lose_a_row(told)
    acknowledge(told.deployment, 1, "Li", "an hour's work")
    hook.take()
    assert told.run().verdict == "deviation"
    assert (events(told), hook.take()) == ([("deviation", "j", "", 2)], [])
    swallow(told)
    assert told.resync().verdict == "deviation"
    assert events(told) == [("deviation", "j", "", 1)]
    assert [m["title"] for m in hook.take()] == ["[Bridgehead] critical: deviation 人口 (j)"]
    acknowledge(told.deployment, 2, "Li", "that as well")
    assert told.run().verdict == "deviation"
    assert hook.take() == []
    told.insert([50], stamp=told.now)
    assert told.run().verdict == "deviation"
    assert [m["title"] for m in hook.take()] == ["[Bridgehead] critical: deviation 人口 (j)"]
    query = "SELECT acknowledged_by, closed_at IS NULL FROM bh_event ORDER BY number"
    assert [(who, bool(is_open)) for who, is_open in told.sql("exchange", query)] == [
        ("Li", False),
        ("Li", False),
        (None, True),
    ]


def swallow(world: World) -> None:
    """No row with an even number arrives any more."""
    if world.stores["target"].family == "sqlite":
        when = "BEFORE INSERT ON t WHEN NEW.id % 2 = 0"
        world.sql("target", f"CREATE TRIGGER s {when} BEGIN SELECT RAISE(IGNORE); END")
        return
    world.sql(
        "target",
        "CREATE FUNCTION s() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER s BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id % 2 = 0) "
        "EXECUTE FUNCTION s()",
    )


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_another_gap_another_structure_and_many_more_rows_set_aside(
    told: World, hook: Webhook
) -> None:
    def titles() -> list[str]:
        return [message["title"].split("] ")[1].rsplit(" ", 2)[0] for message in hook.take()]

    def take_over() -> None:
        (number,) = told.sql("exchange", "SELECT max(number) FROM bh_event")[0]
        acknowledge(told.deployment, number, "Li", "known")

    for seq in (900, 901):
        told.sql("target", f"UPDATE bh_position SET seq = {seq}")
        assert told.run().verdict == "gap"
        take_over()
        assert told.run().verdict == "gap"
        assert titles() == ["critical: gap"]
    told.sql("target", "UPDATE bh_position SET seq = 1")
    told.run_well()
    assert titles() == ["recovered: gap"]

    for change, code in (("ADD COLUMN more text", 1), ("RENAME TO gone", 4)):
        told.sql("source", f"ALTER TABLE t {change}")
        assert told.run().exit_code == code
        take_over()
        assert told.run().exit_code == code
        assert titles() == ["error: structure changed"]
    told.sql("source", "ALTER TABLE gone RENAME TO t")
    assert told.resync().exit_code == 0
    hook.take()

    for count, expected in ((3, True), (5, False), (6, True), (7, False), (12, True)):
        see(told, Sighting(EventKind.QUARANTINE, "j", facts={"open": count, "limit": 2}))
        note_all(told.deployment)
        assert bool(titles()) is expected, count
        if expected:
            take_over()


@on_both
def test_the_structure_of_the_source_changes(told: World, hook: Webhook) -> None:
    told.sql("source", "ALTER TABLE t ADD COLUMN extra text")
    assert told.run().exit_code == 1
    assert events(told) == [("structure", "j", "", 1)]
    told.sql("source", "ALTER TABLE t DROP COLUMN extra")
    told.run_well()
    assert kinds(told) == []
    assert [title.split(": ")[0] for title in hook.titles] == [
        "[Bridgehead] error",
        "[Bridgehead] recovered",
    ]


def test_a_gap_and_a_fork(told: World, hook: Webhook) -> None:
    kept = told.sql("target", "SELECT head_hash FROM bh_position")[0][0]
    told.sql("target", f"UPDATE bh_position SET head_hash = '{'f' * 64}'")
    assert told.run().verdict == "fork"
    told.sql("target", f"UPDATE bh_position SET head_hash = '{kept}'")
    told.run_well()
    assert (kinds(told), kinds(told, closed=True)) == ([], ["fork"])
    told.sql("target", "UPDATE bh_position SET seq = 900")
    assert told.run().verdict == "gap"
    assert kinds(told) == ["gap"]
    assert told.run("j", pull_only).verdict == "gap"
    assert kinds(told) == ["gap"]
    words = [title.split(": ")[1].split()[0] for title in hook.titles]
    assert words == ["fork", "fork", "gap"]


def test_the_horizon_is_held_back(told: World, hook: Webhook) -> None:
    told.job("j", **cursor_job(drain_wait=0, horizon_limit=1))
    told.run_well()
    holder = told.connect("source")
    holder.autocommit = False
    holder.execute(f"INSERT INTO t VALUES (77, 'n', 1, {told.now})")
    assert told.run().exit_code == 0
    time.sleep(1.1)
    assert told.run().overdue
    assert kinds(told) == ["horizon"]
    assert str(holder.info.backend_pid) in hook.messages[0]["message"]
    holder.rollback()
    told.run_well()
    assert kinds(told) == []
    assert hook.titles[-1] == "[Bridgehead] recovered: horizon held back j"


def test_more_rows_in_quarantine_than_the_limit(told: World, hook: Webhook) -> None:
    told.job(
        "k",
        quarantine_limit=1,
        columns={
            "id": {},
            "name": {"rule": "resident_id"},
            "updated_at": {},
        },
        target={"endpoint": "target", "table": "k"},
        **cursor_job(),
    )
    assert told.run("k").error is None
    assert events(told) == [("quarantine", "k", "", 1)]
    (message,) = hook.take()
    assert "10 rows are set aside, more than the limit 1" in message["message"]
    assert message["type"] == "warning"
    told.sql("source", "DELETE FROM t WHERE id > 1")
    told.run("k")
    assert kinds(told) == []


def test_overdue_by_the_clock(told: World, hook: Webhook) -> None:
    told.job("j", catalogue={"update_cycle": "daily"}, **cursor_job())
    (told.directory / "calendar.yaml").write_text("years: [2026, 2027]\n", "utf-8")
    note_all(told.deployment)
    assert events(told) == []
    note_all(told.deployment, later(days=9))
    ((kind, job, _, seen),) = [e for e in events(told) if e[0] == "overdue"]
    assert (kind, job, seen) == ("overdue", "j", 1)
    message = next(m for m in hook.take() if "overdue" in m["title"])
    assert "Update cycle daily" in message["message"]
    told.run_well()
    assert "overdue" not in kinds(told)
    assert "[Bridgehead] recovered: overdue j" in hook.titles


def test_what_was_reconciled_under_a_clock_that_was_ahead_hides_no_overdue_job(
    told: World,
) -> None:
    told.job("j", catalogue={"update_cycle": "daily"}, **cursor_job())
    told.run_well()
    ahead = f"UPDATE bh_batch SET reconciled_at = '{later(days=400):%Y-%m-%d %H:%M:%S.%f+00}'"
    told.sql("exchange", f"{ahead} WHERE seq = 2")
    note_all(told.deployment, later(days=9))
    assert "overdue" in kinds(told)


def test_a_job_that_owes_nothing_any_more_is_overdue_no_longer(told: World) -> None:
    (told.directory / "calendar.yaml").write_text("years: [2026, 2027]\n", "utf-8")
    for at, cycle, expected in ((9, "daily", True), (10, "irregular", False)):
        told.job("j", catalogue={"update_cycle": cycle}, **cursor_job())
        note_all(told.deployment, later(days=at))
        assert ("overdue" in kinds(told)) is expected


def test_a_job_that_never_delivered_is_overdue_since_it_was_known(
    told: World, hook: Webhook, capsys: Capsys
) -> None:
    (told.directory / "calendar.yaml").write_text("years: [2026, 2027]\n", "utf-8")
    daily = {"catalogue": {"update_cycle": "daily"}} | cursor_job()
    told.job("new", target={"endpoint": "target", "table": "n"}, **daily)
    note_all(told.deployment)
    assert events(told) == []
    note_all(told.deployment, later(days=9))
    assert ("overdue", "new", "", 1) in events(told)
    assert "The last one: –" in next(m for m in hook.take() if "overdue" in m["title"])["message"]
    config = ("--config", told.directory)
    (shown,) = [j for j in call(capsys, *config, "status", "--json").json if j["job"] == "new"]
    assert shown["due_at"] is not None

    assert call(capsys, *config, "disable", "new", "--why", "not yet").code == 0
    assert call(capsys, *config, "enable", "new", "--why", "now").code == 0
    enabled = told.sql("exchange", "SELECT enabled_at FROM bh_job WHERE job = 'new'")[0][0]
    told.sql("exchange", "UPDATE bh_known SET known_at = known_at - interval '90 days'")
    with open_ledger(told.deployment) as exchange, exchange.transaction() as connection:
        assert begun_at(connection, DEPARTMENT, ["new"]) == {"new": enabled}
    told.run_well("new")
    with open_ledger(told.deployment) as exchange, exchange.transaction() as connection:
        assert begun_at(connection, DEPARTMENT, ["new"]) == {"new": enabled}
    assert "overdue" not in kinds(told)


def test_a_job_that_fails_from_its_first_run_on_is_overdue(told: World, hook: Webhook) -> None:
    daily = {"catalogue": {"update_cycle": "daily"}} | cursor_job()
    target = {"endpoint": "target", "table": "lost"}
    told.job("lost", source={"endpoint": "source", "table": "gone"}, target=target, **daily)
    assert told.run("lost").exit_code == 4
    note_all(told.deployment, later(days=9))
    assert {"overdue", "structure"} <= {e[0] for e in events(told) if e[1] == "lost"}


def test_a_disabled_job_is_not_overdue(told: World, capsys: Capsys) -> None:
    told.job("j", catalogue={"update_cycle": "daily"}, **cursor_job())
    assert call(capsys, "--config", told.directory, "disable", "j", "--why", "holiday").code == 0
    note_all(told.deployment, later(days=9))
    assert "overdue" not in kinds(told)


def test_a_year_without_calendar(told: World, hook: Webhook) -> None:
    told.job("j", catalogue={"update_cycle": "daily"}, **cursor_job())
    note_all(told.deployment, datetime(2091, 5, 1, tzinfo=UTC))
    assert ("calendar", "", "2091", 1) in events(told)
    path = told.directory / "bridgehead.yaml"
    path.write_text(path.read_text("utf-8") + "calendar: own.yaml\n", "utf-8")
    (told.directory / "own.yaml").write_text("years: [2091]\n", "utf-8")
    note_all(told.deployment, datetime(2091, 5, 2, tzinfo=UTC))
    assert "calendar" not in kinds(told)
    note_all(told.deployment, datetime(2091, 12, 17, tzinfo=UTC))
    assert "calendar" not in kinds(told)
    note_all(told.deployment, datetime(2091, 12, 19, tzinfo=UTC))  # there is time to write it
    assert ("calendar", "", "2092", 1) in events(told)
    (told.directory / "own.yaml").write_text("years: [2091, 2092, 2093]\n", "utf-8")
    note_all(told.deployment, datetime(2093, 2, 1, tzinfo=UTC))  # late, and known all the same
    assert "calendar" not in kinds(told)


def test_a_job_file_that_cannot_be_used(told: World, hook: Webhook) -> None:
    (told.directory / "jobs/bad.yaml").write_text("job: bad\n", "utf-8")
    note_all(load(told.directory))
    assert events(told) == [("failed", "bad", "", 1)]
    assert "jobs/bad.yaml" in hook.messages[0]["message"]


def test_a_bad_file_that_is_taken_away_is_over(told: World, hook: Webhook) -> None:
    (told.directory / "jobs/bad.yaml").write_text("job: bad\n", "utf-8")
    note_all(load(told.directory))
    (told.directory / "jobs/bad.yaml").unlink()
    note_all(load(told.directory))
    assert events(told) == []
    assert hook.titles[-1].startswith("[Bridgehead] recovered")
    lose_a_row(told)
    told.job("j", catalogue={"update_cycle": "daily"}, **cursor_job())
    waits = Observation((Sighting(EventKind.HORIZON, "j"),))
    with open_ledger(told.deployment) as exchange:
        record(exchange, told.deployment, lambda _: waits, datetime.now(UTC))
    note_all(told.deployment, later(days=9))
    assert {"deviation", "horizon", "overdue"} <= {*kinds(told)}
    (told.directory / "jobs/j.yaml").unlink()
    note_all(load(told.directory))
    assert kinds(told) == ["deviation"], "what its books say stays open"


# -- stores that are away ------------------------------------------------------------------------


def test_a_store_that_is_down_is_one_event_for_all_jobs(told: World, hook: Webhook) -> None:
    told.job("k", target={"endpoint": "target", "table": "k"}, **cursor_job())
    told.run_well("k")
    target = told.stores["target"]
    proxy = Proxy(str(target.host), int(target.port or 0))
    told.write({"target": {"host": "127.0.0.1", "port": proxy.port}}, retry=0)
    rules(told, hook)
    proxy.cut()
    assert [told.run(job).exit_code for job in "jk"] == [3, 3]
    assert events(told) == [("store", "", "target", 2)]
    assert hook.titles == ["[Bridgehead] error: store down target"]
    proxy.mend()
    told.run_well("k")
    assert (kinds(told), len(hook.messages)) == ([], 2)
    assert hook.titles[-1] == "[Bridgehead] recovered: store down target"
    proxy.cut()


def test_the_exchange_itself_is_down(
    told: World, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = told.stores["exchange"]
    proxy = Proxy(str(exchange.host), int(exchange.port or 0))
    told.write({"exchange": {"host": "127.0.0.1", "port": proxy.port}}, retry=0)
    rules(told, hook, repeat_after="1h")
    told.run_well()
    proxy.cut()

    def look_again(*minutes: float) -> None:
        for later_by in minutes:
            with pytest.raises(BridgeheadError):
                note_all(told.deployment, later(minutes=later_by))

    hook.status = 503
    assert [told.run().exit_code for _ in range(3)] == [3, 3, 3]
    assert hook.refused == 1  # each job of a pass would wait for it
    hook.status = 200  # what did not arrive is no message, and not waited after for long
    look_again(2, 3)
    assert hook.titles == ["[Bridgehead] error: store down exchange"]
    assert "exchange is down since" in caplog.text
    days_ahead = 3 * 1440  # and then the clock is right again
    look_again(61, 63, 64, days_ahead, 65, 66)
    assert hook.titles[1:] == ["[Bridgehead] error, still so: store down exchange"] * 3
    mended = datetime.now(UTC)
    proxy.mend()
    told.run_well()
    assert hook.titles[4:] == ["[Bridgehead] recovered: store down exchange"]
    assert events(told, closed=True) == [("store", "", "exchange", 1)]
    ((since, until),) = told.sql("exchange", "SELECT first_seen_at, closed_at FROM bh_event")
    assert since < mended < until
    told.run_well()
    assert len(hook.messages) == 5
    proxy.cut()


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_jobs_that_run_at_once_tell_once_that_the_exchange_is_down(
    told: World, hook: Webhook, capsys: Capsys
) -> None:
    for name in "klm":
        told.job(name, **cursor_job(), target={"endpoint": "target", "table": name})
    told.write({"exchange": {"path": "/nonexistent/exchange.db"}}, retry=0)
    rules(told, hook)
    assert call(capsys, "--config", told.directory, "run", "--all", "--parallel", "4").code == 3
    assert hook.titles == ["[Bridgehead] error: store down exchange"]


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_passes_that_each_have_a_temporary_directory_of_their_own_tell_it_once(
    told: World, hook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the units of systemd do, which share a state directory."""
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))

    def run_in_its_own(name: str) -> int:
        (tmp_path / name).mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
        return told.run().exit_code

    told.write({"exchange": {"path": "/nonexistent/exchange.db"}}, retry=0)
    rules(told, hook)
    assert [run_in_its_own(name) for name in "abc"] == [3, 3, 3]
    assert hook.titles == ["[Bridgehead] error: store down exchange"]
    told.write()
    rules(told, hook)
    assert run_in_its_own("d") == 0
    assert hook.titles[1:] == ["[Bridgehead] recovered: store down exchange"]
    assert events(told, closed=True) == [("store", "", "exchange", 1)]


# -- messages that do not arrive -----------------------------------------------------------------


def test_an_alarm_that_cannot_be_sent_stops_nothing_and_is_not_lost(
    told: World, hook: Webhook
) -> None:
    with webhook() as other:
        rules(told, hook, other)
        hook.status = 503
        lose_a_row(told)
        assert sorted(kinds(told)) == ["alarm", "deviation"]
        words = [title.split(": ")[1] for title in other.titles]
        assert words == ["deviation 人口 (j)", "alarm not sent a"]
        assert "status 503" in other.messages[1]["message"]
        refused = hook.refused
        told.run()
        assert hook.refused == refused  # it waits before the next try
        hook.status = 200
        assert note_all(told.deployment, later(minutes=2)) == {"a": None, "b": None}
        assert hook.titles == ["[Bridgehead] critical: deviation 人口 (j)"]
        assert kinds(told) == ["deviation"]
        assert other.titles[-1] == "[Bridgehead] recovered: alarm not sent a"
        hook.status = 503
        told.resync()
        assert note_all(told.deployment, later(hours=5))["a"] is not None
        hook.status = 200
        note_all(told.deployment, later(hours=7))  # some hours late, and not dropped
        assert "[Bridgehead] recovered: deviation 人口 (j)" in hook.titles


@on_both
def test_what_is_so_for_days_is_told_when_the_receiver_is_there_again(
    told: World, hook: Webhook
) -> None:
    """Nobody looks at the job again, so that nothing but the first message tells of it."""
    hook.status = 503
    lose_a_row(told)
    for hours in (2, 25, 49):
        assert note_all(told.deployment, later(hours=hours))["a"] is not None
    hook.status = 200
    note_all(told.deployment, later(hours=51))
    assert hook.take()[0]["title"] == "[Bridgehead] critical: deviation 人口 (j)"
    assert kinds(told) == ["deviation"]


def test_what_is_over_or_was_told_again_since_is_dropped_after_a_day(
    told: World, hook: Webhook
) -> None:
    hook.status = 503
    lose_a_row(told)
    see(told, Sighting(EventKind.DEVIATION, "j", facts={"deviation": 1}), at=later(hours=24))
    see(told, Sighting(EventKind.STORE, subject="source"))
    mended = Observation(over=(Recovery(EventKind.STORE, subject="source"),))
    with open_ledger(told.deployment) as exchange:
        record(exchange, told.deployment, lambda _: mended, later())
    for hours in (2, 25, 49, 51, 53):
        note_all(told.deployment, later(hours=hours))
    query = "SELECT event, occasion, state FROM bh_alarm ORDER BY number"
    assert told.sql("exchange", query) == [
        (1, "opened", "dropped"),
        (1, "repeated", "pending"),
        (3, "opened", "dropped"),
        (3, "recovered", "dropped"),
    ]
    acknowledge(told.deployment, 1, "Li", "known")
    note_all(told.deployment, later(hours=60))
    assert told.sql("exchange", query)[1] == (1, "repeated", "dropped")


def test_a_clock_that_was_ahead_keeps_no_alarm_back(told: World, hook: Webhook) -> None:
    """Neither one that did not arrive then, nor the next time that it is told."""
    rules(told, hook, repeat_after="1h")
    sighting = Sighting(EventKind.DEVIATION, "j", facts={"deviation": 1})

    def see(at: datetime) -> list[str]:
        with open_ledger(told.deployment) as exchange:
            record(exchange, told.deployment, lambda _: Observation((sighting,)), at)
        note_all(told.deployment, at)
        return [title for m in hook.take() if "deviation" in (title := m["title"])]

    hook.status = 503
    assert see(later(days=30)) == []
    hook.status = 200
    still_so = "[Bridgehead] critical, still so: deviation 人口 (j)"
    assert see(later()) == ["[Bridgehead] critical: deviation 人口 (j)", still_so]
    assert see(later(minutes=50)) == []
    assert see(later(minutes=70)) == [still_so]


def test_what_a_dead_sender_had_taken_is_sent_by_the_next(told: World, hook: Webhook) -> None:
    rules(told)
    lose_a_row(told)
    rules(told, hook)
    deployment = told.deployment
    with open_ledger(deployment) as exchange, exchange.transaction() as connection:
        outbox = Outbox(connection, DEPARTMENT)
        outbox.queue(1, "a", Occasion.OPENED, datetime.now(UTC))
        assert len(outbox.claim(datetime.now(UTC), 10)) == 1  # and then it dies
    assert note_all(deployment) == {}
    assert note_all(deployment, later(minutes=3)) == {"a": None}
    assert (len(hook.messages), note_all(deployment, later(minutes=9))) == (1, {})


def let_wait(world: World, hook: Webhook, *occasions: Occasion) -> None:
    """Messages about one event, to a rule that came after it."""
    rules(world)
    lose_a_row(world)
    rules(world, hook)
    with open_ledger(world.deployment) as exchange, exchange.transaction() as connection:
        for occasion in occasions:
            Outbox(connection, DEPARTMENT).queue(1, "a", occasion, datetime.now(UTC))


def test_what_there_was_no_time_for_is_sent_by_the_next(
    told: World, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, however much waits for one rule."""
    let_wait(told, hook, Occasion.OPENED, Occasion.REPEATED)
    deployment, now = told.deployment, datetime.now(UTC)
    monkeypatch.setattr("bridge.notice.alarm._BUDGET_SECONDS", -1.0)
    assert note_all(deployment, now) == {}
    monkeypatch.undo()
    assert (note_all(deployment, now), len(hook.messages)) == ({"a": None}, 2)


def test_a_receiver_that_is_down_delays_no_other_and_is_given_up_after_a_day(
    told: World, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.notice.alarm._AT_ONCE", 1)
    with webhook() as other:
        rules(told)
        lose_a_row(told)
        told.resync()  # what is open is not given up
        rules(told, hook, other, events=["deviation"])
        deployment, now = told.deployment, datetime.now(UTC)
        with open_ledger(deployment) as exchange, exchange.transaction() as connection:
            for rule in "ab":
                Outbox(connection, DEPARTMENT).queue(1, rule, Occasion.RECOVERED, now)
        hook.status = 503
        assert note_all(deployment, now).keys() == {"a", "b"}
        assert len(other.messages) == 1
        for after, is_pending in ((timedelta(hours=23), True), (timedelta(hours=25), False)):
            assert note_all(deployment, now + after)["a"] is not None
            state = told.sql("exchange", "SELECT state FROM bh_alarm WHERE rule = 'a'")
            assert state == [("pending" if is_pending else "dropped",)]
        hook.status = 200
        assert (note_all(deployment, now + timedelta(hours=30)), hook.messages) == ({}, [])


def test_what_waits_behind_a_message_that_did_not_arrive_is_not_tried_before_it(
    told: World, hook: Webhook
) -> None:
    let_wait(told, hook, Occasion.OPENED, Occasion.RECOVERED)
    deployment, now = told.deployment, datetime.now(UTC)
    hook.status = 503
    assert (note_all(deployment, now)["a"] is None, hook.refused) == (False, 1)
    hook.status = 200
    assert note_all(deployment, now + timedelta(minutes=2)) == {"a": None}
    assert [title.split("]")[1].split(":")[0] for title in hook.titles] == [
        " critical",
        " recovered",
    ]


def test_two_that_open_one_event_at_once_look_again(told: World) -> None:
    looks = iter([Busy("taken"), Busy("taken"), None])

    def look(_: Any) -> Observation:
        if error := next(looks):
            raise error
        return Observation((Sighting(EventKind.GAP, "j"),))

    with open_ledger(told.deployment) as exchange:
        record(exchange, told.deployment, look, datetime.now(UTC))
    assert events(told) == [("gap", "j", "", 1)]


def test_a_job_whose_file_cannot_be_used_is_not_gone(told: World) -> None:
    lose_a_row(told)
    (told.directory / "jobs/bad.yaml").write_text("job: bad\n", "utf-8")
    deployment = load(told.directory)
    for _ in range(2):
        note_all(deployment)
    assert events(told)[1:] == [("failed", "bad", "", 2)]
    assert events(told, closed=True) == []
    with open_ledger(deployment) as exchange, exchange.transaction() as connection:
        (newest,) = Events(connection, DEPARTMENT).entries(limit=1)
    assert newest.job == "bad"


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_store_that_jobs_have_left_is_down_no_longer(
    told: World, hook: Webhook, capsys: Capsys
) -> None:
    """It stays in the configuration, and nobody reaches it any more."""
    other = {"family": "sqlite", "path": told.stores["target"].path}
    told.write({"target": {"path": "/nonexistent/target.db"}}, retry=0)
    path = told.directory / "bridgehead.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["endpoints"]["other"] = other
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    rules(told, hook)
    assert told.run().exit_code == 3
    note_all(told.deployment)
    assert events(told) == [("store", "", "target", 1)]
    told.job("j", **cursor_job(), target={"endpoint": "other", "table": "t"})
    bad = told.directory / "jobs/bad.yaml"
    bad.write_text("job: [", "utf-8")
    note_all(load(told.directory))
    assert ("store", "", "target", 1) in events(told), "that file may name it"
    bad.unlink()
    note_all(told.deployment)
    assert events(told) == []
    page = call(capsys, "--config", told.directory, "metrics").out
    assert f'endpoint_up{{department="{DEPARTMENT}",endpoint="target"}} 1.0' in page


@pytest.mark.parametrize("world", CHAINS[1:], indirect=True, ids=["sqlite"])
def test_a_quarantine_that_no_run_looks_into_any_more_is_over(told: World) -> None:
    see(told, Sighting(EventKind.QUARANTINE, "j", facts={"open": 3, "limit": 2}))
    (told.directory / "jobs/j.yaml").unlink()
    note_all(load(told.directory))
    assert events(told) == []


def test_a_job_that_waited_for_a_resync_is_gone(told: World, capsys: Capsys) -> None:
    """Nobody can send it again: neither it nor any statement goes on being held."""
    config = ("--config", told.directory)
    told.sql("source", "ALTER TABLE t ADD COLUMN more text")
    assert told.run().verdict == "held"
    note_all(told.deployment)
    assert events(told) == [("structure", "j", "", 1)]
    file = told.directory / "jobs/j.yaml"
    content = file.read_text("utf-8")
    file.unlink()
    note_all(load(told.directory))
    assert events(told) == []
    assert call(capsys, *config, "status").code == 0
    period = ("--from", "2999-01-01", "--to", "2999-02-01", "--output", told.directory / "s")
    assert call(capsys, *config, "statement", *period).code == 0
    file.write_text(content, "utf-8")
    assert told.run().verdict == "held"
    note_all(told.deployment)
    assert call(capsys, *config, "status").code == 1


def test_a_receiver_that_does_not_answer_takes_bounded_time(hook: Webhook) -> None:
    hook.silent = True
    begun = time.monotonic()
    assert send(hook.address, "title", "body", None, timeout=0.5) == "no answer within 0.5 s"
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("service", "address", "good", "bad"),
    [
        ("dingtalk.NotifyDingTalk", f"dingtalk://{'5' * 64}", {"errcode": 0}, {"errcode": 310000}),
        ("wecombot.NotifyWeComBot", "wecombot://5ecret", {"errcode": 0}, {"errcode": 93000}),
        ("feishu.NotifyFeishu", "feishu://5ecret", {"code": 0}, {"code": 19024}),
        ("feishu.NotifyFeishu", "feishu://5ecret", {"StatusCode": 0}, {"StatusCode": 1}),
    ],
    ids=["dingtalk", "wecom", "feishu", "feishu of before"],
)
def test_a_robot_that_refuses_with_status_200(
    hook: Webhook, service: str, address: str, good: Any, bad: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"apprise.plugins.{service}.notify_url", hook.address.replace("json", "http")
    )
    hook.says = json.dumps(good)
    assert send(address, "title", "body", None) is None
    hook.says = json.dumps(bad | {"errmsg": "5ecret"})
    (code,) = bad.values()
    assert send(address, "title", "body", None) == f"the other side refused it with code {code}"
    for says in ("<html>log in</html>", "{}", "[]"):
        hook.says = says
        assert "did not say" in (send(address, "title", "body", None) or "")


def test_a_page_to_log_in_at_takes_no_message(hook: Webhook) -> None:
    hook.status = 302
    told = send(hook.address, "title", "body", None)
    assert told == "the other side answered with status 302"


@pytest.mark.parametrize("address", ["nonsense", "no-such-service://5ecret", ""])
def test_an_address_that_is_none(address: str) -> None:
    failure = send(address, "title", "body", None)
    assert failure is not None
    assert "5ecret" not in failure


def test_the_commands(told: World, hook: Webhook, capsys: Capsys) -> None:
    config = ("--config", told.directory)
    trial = call(capsys, *config, "events", "test")
    assert (trial.code, "a: arrived" in trial.out) == (0, True)
    assert hook.take()[0]["title"] == "[Bridgehead] trial"
    hook.status = 404
    trial = call(capsys, *config, "events", "test")
    assert (trial.code, "status 404" in trial.out) == (3, True)
    hook.status = 200
    rules(told, hook, hook)
    (told.directory / "address-a").write_text("nonsense", "utf-8")
    trial = call(capsys, *config, "events", "test")
    assert (trial.code, "a: did not arrive" in trial.out, "b: arrived" in trial.out) == (
        3,
        True,
        True,
    )
    rules(told, hook)
    lose_a_row(told)
    shown = call(capsys, *config, "events")
    assert shown.code == 0
    assert "偏差 deviation" in shown.out
    assert "1 open" in shown.out
    assert call(capsys, *config, "events", "--job", "other").code == 2, "there is no such job"
    told.resync()
    assert call(capsys, *config, "events", "--json").json == []
    (event,) = call(capsys, *config, "events", "--all", "--json").json
    assert (event["kind"], event["state"]) == ("deviation", "over")
    hook.status = 404
    lose_a_row(told)
    told.resync()
    assert kinds(told) == ["alarm"]
    hook.status = 200
    assert call(capsys, *config, "events", "test").code == 0
    assert kinds(told) == [], "the rule can be told again"
    rules(told)
    assert call(capsys, *config, "events", "test").code == 2


def test_neither_secrets_nor_values_are_told(told: World, hook: Webhook) -> None:
    rules(told, hook, language="zh")
    told.insert([501], name="张三丰")
    told.sql("target", "ALTER TABLE t ADD CONSTRAINT c CHECK (name NOT LIKE '张%')")
    told.run()
    lost = told.run()
    assert lost.error is not None or lost.verdict != "reconciled"
    stored = str(told.sql("exchange", "SELECT facts, subject FROM bh_event"))
    written = stored + str(hook.messages)
    assert hook.messages
    for secret in ("张三丰", "5ecret", "501.25"):
        assert secret not in written
