"""check: how much there is, what room there is, who stamps, and who holds back."""

from __future__ import annotations

import re
import resource
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from bridge.comparison import reconcile_job
from connectors.postgresql.dialect import PostgresqlDialect
from tests.command import call
from tests.scenario.world import World, cursor_job

Capsys = pytest.CaptureFixture[str]
CHAINS = [("postgresql",) * 3, ("sqlite",) * 3, ("mysql", "postgresql", "postgresql")]
on_each = pytest.mark.parametrize("world", CHAINS, indirect=True, ids=lambda chain: chain[0])
UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6}


def findings(world: World, capsys: Capsys, what: str) -> list[dict[str, Any]]:
    told = call(capsys, "--config", world.directory, "check", "--json")
    return [finding for finding in told.json if finding["what"] == what]


def bytes_after(words: str, text: str) -> float:
    found = re.search(rf"{words} about ([\d.,]+) (bytes|kB|MB)", text)
    assert found, text
    return float(found[1].replace(",", "")) * UNITS[found[2]]


@on_each
def test_an_exchange_that_came_back_without_its_keys(world: World, capsys: Capsys) -> None:
    """As of a dump without what is added after the rows."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    assert [f["result"] for f in findings(world, capsys, "ledger")] == ["ok"]
    for table in "bh_batch", "bh_quarantine", "bh_copy_j":
        world.sql(
            "exchange",
            f"CREATE TABLE kept AS SELECT * FROM {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE kept RENAME TO {table}",
        )
    (warned,) = [f for f in findings(world, capsys, "ledger") if f["result"] == "warning"]
    assert warned["found"] == (
        "exchange: lacks keys: bh_batch (department, job, epoch, seq); bh_quarantine (number); "
        "bh_quarantine (department, job, open_key)"
    )
    assert "have them made" in warned["remedy"]
    (copy,) = [f for f in findings(world, capsys, "exchange") if f["result"] == "warning"]
    assert copy["found"] == "bh_copy_j lacks its key (id)"
    world.resync()
    assert [f["result"] for f in findings(world, capsys, "exchange")] == ["ok"]


UNNUMBERED = {
    "postgresql": ["ALTER TABLE bh_event ALTER number DROP DEFAULT"],
    "mysql": ["ALTER TABLE bh_event MODIFY number bigint NOT NULL"],
    "sqlite": [
        "CREATE TABLE kept (number bigint NOT NULL PRIMARY KEY)",
        "DROP TABLE bh_event",
        "ALTER TABLE kept RENAME TO bh_event",
    ],
}


@pytest.mark.parametrize("world", [(family,) * 3 for family in UNNUMBERED], indirect=True)
def test_an_exchange_that_came_back_without_what_numbers_its_rows(
    world: World, capsys: Capsys
) -> None:
    """As of a dump that met a table which an agent had just made."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("exchange", *UNNUMBERED[world.family])
    (refused,) = [f for f in findings(world, capsys, "ledger") if f["result"] == "refused"]
    assert refused["found"] == "exchange: its rows are not numbered any more: bh_event.number"
    assert "restore it whole" in refused["remedy"]


def test_an_exchange_that_gives_numbers_again(world: World, capsys: Capsys) -> None:
    """A logical replication, to a newer server say, brings rows and no sequences."""
    world.make_table(3)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM t WHERE id = 1")
    assert reconcile_job(world.deployment, "j").outcome.deviation == 1
    sequence = "pg_get_serial_sequence('bh_event', 'number')"
    assert world.sql("exchange", "SELECT max(number) FROM bh_event") == [(1,)]
    world.sql("exchange", f"SELECT setval({sequence}, 1, false)")
    (refused,) = [f for f in findings(world, capsys, "ledger") if f["result"] == "refused"]
    found = "exchange: gives numbers that are there: bh_event.number (1, and 1 is there)"
    assert refused["found"] == found
    assert "setval" in refused["remedy"]
    world.sql("exchange", f"SELECT setval({sequence}, max(number)) FROM bh_event")
    assert [f["result"] for f in findings(world, capsys, "ledger")] == ["ok"]


@on_each
def test_the_size_is_what_the_first_load_then_takes(world: World, capsys: Capsys) -> None:
    world.make_table()
    for first in range(1, 12_001, 1000):
        world.insert(range(first, first + 1000), name="人口基础信息")
    if world.family != "sqlite":
        world.sql("source", "ANALYZE t" if world.family == "postgresql" else "ANALYZE TABLE t")
    world.job("j", **cursor_job())
    (size,) = findings(world, capsys, "size")
    rows = re.search(r"([\d,]+) rows", size["found"])
    assert rows is not None
    assert 10_000 <= int(rows[1].replace(",", "")) <= 14_000
    need = bytes_after("needs", size["found"])
    disks = findings(world, capsys, "disk")
    assert [d["found"].split(":")[0] for d in disks] == ["exchange", "target", "this machine"]
    assert bytes_after("first loads need", disks[0]["found"]) == need
    world.run_well()
    if not world.is_sqlite:
        taken = world.sql("exchange", "SELECT pg_total_relation_size('bh_copy_j')")[0][0]
        assert need / 1.6 <= taken <= need * 1.6
    (size,) = findings(world, capsys, "size")
    assert size["found"].endswith("loaded already")
    assert "need" not in findings(world, capsys, "disk")[0]["found"]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_too_little_room_is_told_before_the_load(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.make_table(500)
    world.sql("source", "ANALYZE t")
    world.job("j", **cursor_job())
    world.job("k", target={"endpoint": "target", "table": "k"}, **cursor_job())
    assert {d["result"] for d in findings(world, capsys, "disk")} == {"ok"}
    free = round(1.5 * bytes_after("needs", findings(world, capsys, "size")[0]["found"]))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - free, free))
    told = {d["found"].split(":")[0]: d for d in findings(world, capsys, "disk")}
    assert {name: d["result"] for name, d in told.items()} == {
        "exchange": "warning",
        "target": "warning",
        "this machine": "ok",
    }
    assert "make room" in told["exchange"]["remedy"]


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=str)
def test_a_guard_folder_that_takes_no_file_is_told(world: World, capsys: Capsys) -> None:
    world.make_table()
    world.job("j", **cursor_job())
    assert findings(world, capsys, "guard") == []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))  # as a disk that is full
    try:
        (told,) = findings(world, capsys, "guard")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (told["result"], told["remedy"].partition(",")[0]) == ("warning", "make room there")


def test_what_a_server_does_not_tell_is_said(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    database = world.stores["target"].database
    world.sql(
        "target",
        "DROP ROLE IF EXISTS plain_writer",
        "CREATE ROLE plain_writer LOGIN PASSWORD 'writes'",
        f"GRANT ALL ON DATABASE {database} TO plain_writer",
        "GRANT ALL ON SCHEMA public TO plain_writer",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO plain_writer",
    )
    (world.directory / "writes").write_text("writes", encoding="ascii")
    world.write({"target": {"user": "plain_writer", "password": {"file": "writes"}}})
    (target,) = [d for d in findings(world, capsys, "disk") if d["found"].startswith("target")]
    assert (target["result"], "not known" in target["found"]) == ("ok", True)
    assert "pg_read_all_settings" in target["found"]


def test_an_exchange_that_was_restored_under_another_owner(world: World, capsys: Capsys) -> None:
    """Runs go on. A resync began its epoch, could not drop what it makes anew, and nothing went on
    any more."""
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        "exchange",
        "DROP ROLE IF EXISTS not_the_owner",
        "CREATE ROLE not_the_owner LOGIN PASSWORD 'lent'",
        "GRANT ALL ON SCHEMA public TO not_the_owner",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO not_the_owner",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO not_the_owner",
    )
    (world.directory / "lent").write_text("lent", encoding="ascii")
    world.write({"exchange": {"user": "not_the_owner", "password": {"file": "lent"}}})
    world.insert([6])
    world.run_well()
    (exchange,) = findings(world, capsys, "exchange")
    assert exchange["result"] == "refused"
    assert "belong to another login: bh_copy_j, bh_change_j" in exchange["found"]
    resync = world.resync()
    assert (resync.exit_code, "belong to another login" in str(resync.error)) == (4, True)
    world.insert([7])
    world.run_well()
    tables = world.sql("exchange", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    world.sql("exchange", *(f"ALTER TABLE {name} OWNER TO not_the_owner" for (name,) in tables))
    assert world.resync().verdict == "reconciled"
    assert world.findings() == []


@on_each
def test_a_stamp_that_is_only_declared_is_said_so(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    (stamp,) = findings(world, capsys, "stamp")
    assert (stamp["result"], "declared, not verified" in stamp["found"]) == ("warning", True)
    stamped = {
        "postgresql": (
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$",
            "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON t "
            "FOR EACH ROW EXECUTE FUNCTION touch()",
        ),
        "mysql": (
            "ALTER TABLE t MODIFY updated_at datetime(6) DEFAULT CURRENT_TIMESTAMP(6) "
            "ON UPDATE CURRENT_TIMESTAMP(6)",
        ),
        "sqlite": (
            "CREATE TRIGGER made AFTER INSERT ON t BEGIN "
            "UPDATE t SET updated_at = datetime('now') WHERE id = NEW.id; END",
            "CREATE TRIGGER kept AFTER UPDATE ON t BEGIN "
            "UPDATE t SET updated_at = datetime('now') WHERE id = NEW.id; END",
        ),
    }
    world.sql("source", *stamped[world.family])
    (stamp,) = findings(world, capsys, "stamp")
    assert (stamp["result"], "not verified" in stamp["found"]) == ("ok", False)
    world.job("j", **cursor_job(stamp="application"))
    (stamp,) = findings(world, capsys, "stamp")
    assert (stamp["result"], "lossless" in stamp["remedy"]) == ("ok", True)


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True)
def test_a_charset_that_only_newer_rows_have_is_found(world: World, capsys: Capsys) -> None:
    world.make_table()
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
    raw = "CASE WHEN i > 9000 THEN CAST(x'D5C5C8FDCDF5CEE5' AS text) ELSE 'n' || i END"
    stamp = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-3600 seconds')"
    world.sql("source", f"INSERT INTO t {numbers} SELECT i, {raw}, 1.5, {stamp} FROM n")
    world.job("j", **cursor_job())
    (charset,) = findings(world, capsys, "charset")
    assert charset["result"] == "warning"
    assert "read as gb18030" in charset["found"]


def test_a_table_too_large_to_draw_from_is_still_looked_at(
    world: World, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.make_table()
    numbers = "SELECT i, '张' || i, 1.5, now() - interval '1 hour' FROM generate_series(1, 11000) i"
    world.sql("source", f"INSERT INTO t {numbers}", "ANALYZE t")
    world.job("j", **cursor_job())
    (charset,) = findings(world, capsys, "charset")
    assert re.search(r"in the first 5,000 rows and [45],\d{3} by chance", charset["found"])
    endless = "pg_sleep(0.02) IS NOT NULL"
    monkeypatch.setattr(PostgresqlDialect, "by_chance", lambda *_: endless)
    world.write({"source": {"statement_timeout": "2s"}})
    (charset,) = findings(world, capsys, "charset")
    assert "in the first 5,000 rows:" in charset["found"]
    assert "11,000 rows" in findings(world, capsys, "size")[0]["found"]


def test_who_holds_back_since_when_without_any_right(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job(drain_wait=0))
    world.run_well()
    holder = world.connect("source")
    holder.autocommit = False
    holder.execute(f"INSERT INTO t VALUES (77, 'n', 1, {world.now})")
    assert world.run().holders
    world.sql("exchange", "UPDATE bh_candidate SET at = at - interval '3 hours'")
    assert world.run().holders
    told = findings(world, capsys, "horizon")
    (open_one,) = [f["found"] for f in told if f["result"] == "warning"]
    assert f"pid {holder.info.backend_pid}," in open_one
    met = "SELECT min(at), max(at) FROM bh_candidate WHERE tokens LIKE '%vxid%'"
    ((first, last),) = world.sql("exchange", met)
    assert last - first > timedelta(hours=2)
    assert f"it holds the job back since {first:%Y-%m-%dT%H:%M}" in open_one
    holder.rollback()


def test_clocks_are_compared(world: World, capsys: Capsys) -> None:
    world.make_table(5)
    world.job("j", **cursor_job())
    told = findings(world, capsys, "clock")
    assert [f["found"].split(":")[0] for f in told] == ["exchange", "source", "target"]
    assert {f["result"] for f in told} == {"ok"}


@pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize(
    ("roles", "why"),
    [
        ("exchange target", "takes one writer at a time"),
        ("source target", "without PRAGMA journal_mode = WAL"),
        ("source exchange", "without PRAGMA journal_mode = WAL"),
    ],
)
def test_one_file_in_two_places_is_refused_where_it_can_never_go(
    world: World, capsys: Capsys, roles: str, why: str
) -> None:
    """And no run tries again for ever; source and another in one file go with a write-ahead log."""
    one, other = roles.split()
    linked = world.directory / "another.db"
    linked.symlink_to(str(world.stores[one].path))
    world.stores[other] = replace(world.stores[other], path=str(linked))
    world.write()
    world.make_table(3)
    world.job("j", target={"endpoint": "target", "table": "tt"}, **cursor_job())
    if one == "source":
        world.sql("source", "PRAGMA journal_mode = DELETE")
    (found,) = findings(world, capsys, "structure")
    assert (found["result"], why in found["found"]) == ("refused", True)
    assert f"{one} and {other} are one store" in found["found"]
    refused = call(capsys, "--config", world.directory, "run", "j")
    assert (refused.code, why in " ".join(refused.err.split())) == (2, True)
    if one == "source":
        world.sql("source", "PRAGMA journal_mode = WAL")
        world.run_well()
        world.insert([9], stamp=world.now)
        assert world.run_well().batches[0].tally.inserted == 1
