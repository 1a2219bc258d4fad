"""Stamps without a zone are moments of the server's zone, or of the one that the job names."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from bridge.failpoint import arm, at
from tests.command import call
from tests.scenario.world import World, cursor_job, cut_off

COLUMNS = {"id": "number", "at": "moment"}
NO_NET = {"overlap": 0, "deletes": {"sweep": "off"}}


def prepare(world: World, zone: str) -> None:
    name = world.stores["source"].database
    world.sql(
        "source",
        f"ALTER DATABASE {name} SET timezone = '{zone}'",
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamp)",
    )


def changes_arrive(world: World, stamp: str) -> bool:
    """Two rounds: what was stamped since the last run must be in the next."""
    world.sql("source", f"INSERT INTO t VALUES (1, {stamp})")
    world.run_well()
    for round_ in (2, 3):
        world.sql("source", f"INSERT INTO t VALUES ({round_}, {stamp})")
        world.run_well()
    return world.findings(columns=COLUMNS) == []


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_the_servers_zone(world: World, zone: str) -> None:
    prepare(world, zone)
    world.job("j", **cursor_job(column="at", **NO_NET))
    assert changes_arrive(world, "localtimestamp")


@pytest.mark.parametrize(
    ("before", "after", "loaded"),
    [("UTC", "Asia/Shanghai", True), ("Asia/Shanghai", "Asia/Tokyo", False)],
    ids=["window", "first load"],
)
def test_what_was_stamped_before_the_servers_zone_was_changed(
    world: World, before: str, after: str, loaded: bool
) -> None:
    """Its local times lie hours below the watermark as the new zone tells it."""
    prepare(world, before)
    world.job("j", **cursor_job(column="at", **NO_NET))
    world.run_well()
    if loaded:
        world.run_well()
    world.sql("source", "INSERT INTO t VALUES (1, localtimestamp)")
    name = world.stores["source"].database
    world.sql("source", f"ALTER DATABASE {name} SET timezone = '{after}'")
    world.sql("source", "INSERT INTO t VALUES (2, localtimestamp)")
    world.run_well()
    assert world.findings(columns=COLUMNS) == []


def test_what_is_stamped_after_the_servers_zone_was_set_back_and_forth(world: World) -> None:
    """A window begins no later for it; and the zone that counts is that of the last one."""
    prepare(world, "Asia/Tokyo")
    world.job("j", **cursor_job(column="at", **NO_NET))
    world.run_well()
    name = world.stores["source"].database
    world.sql("source", f"ALTER DATABASE {name} SET timezone = 'UTC'")
    world.sql("source", "INSERT INTO t VALUES (1, localtimestamp)")
    world.run_well()
    assert world.findings(columns=COLUMNS) == []
    world.sql("source", "INSERT INTO t VALUES (2, localtimestamp)")
    world.sql("source", f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    world.run_well()
    assert world.findings(columns=COLUMNS) == []


def test_a_window_that_was_cut_off_goes_on_in_another_zone(world: World) -> None:
    """What it has not read lies hours below it; so does what came since, for the next one."""
    prepare(world, "UTC")
    world.job("j", chunk_rows=2, **cursor_job(column="at", **NO_NET))
    world.run_well()
    rows = ", ".join(f"({number}, localtimestamp)" for number in range(1, 6))
    world.sql("source", f"INSERT INTO t VALUES {rows}")
    arm(at("window.sealed", 1, cut_off))
    world.write(retry=0)
    try:
        world.run()
    finally:
        arm(None)
    assert len(world.batches()) == 2
    world.sql("source", "INSERT INTO t VALUES (0, localtimestamp)")
    name = world.stores["source"].database
    world.sql("source", f"ALTER DATABASE {name} SET timezone = 'Asia/Shanghai'")
    world.run_well()
    world.run_well()
    assert world.findings(columns=COLUMNS) == []


def test_a_zone_named_by_the_job(world: World) -> None:
    prepare(world, "UTC")
    world.job("j", **cursor_job(column="at", timezone="Asia/Tokyo", **NO_NET))
    assert changes_arrive(world, "now() AT TIME ZONE 'Asia/Tokyo'")


@pytest.mark.parametrize(
    ("servers", "jobs"),
    [
        ("Asia/Shanghai", None),
        ("America/New_York", None),
        ("UTC", "Asia/Shanghai"),
        ("Asia/Shanghai", "UTC"),
    ],
)
def test_what_the_next_window_reads_has_not_come_late(
    world: World, servers: str, jobs: str | None
) -> None:
    """Stamps between the horizon and now: a sweep leaves them alone, and tells of no late row."""
    prepare(world, servers)
    named = {} if jobs is None else {"timezone": jobs}
    world.job("j", **cursor_job(column="at", margin="10m", **named))
    world.run_well()
    stamp = f"now() AT TIME ZONE '{jobs or servers}' - interval '5 minutes'"
    world.sql("source", f"INSERT INTO t VALUES (1, {stamp})")
    assert [(b.tally.late, b.tally.inserted) for b in world.run_well().batches] == [(0, 0)]
    world.job("j", **cursor_job(column="at", **named))
    assert [(b.tally.late, b.tally.inserted) for b in world.run_well().batches] == [(0, 1)]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_day_ends_at_midnight_of_the_zone_that_check_tells(
    world: World, zone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(world, "UTC")
    world.sql(
        "source", "ALTER TABLE t ALTER at TYPE date", "INSERT INTO t VALUES (1, '2024-01-01')"
    )
    world.job("j", **cursor_job(column="at", timezone=zone))
    told = call(capsys, "--config", world.directory, "check", "--json").json
    found = [finding["found"] for finding in told if finding["what"] == "time zone"]
    assert found == [f"{zone} (capture.timezone)"]
    world.run_well()
    high = world.batches()[-1]["window_high"].astimezone(ZoneInfo(zone))
    assert high.timetz().replace(tzinfo=None) == time()


def test_the_wrong_zone_loses_what_the_sweep_would_find(world: World) -> None:
    """That the zone matters at all: stamps that lie ahead are in no window."""
    prepare(world, "UTC")
    world.job("j", **cursor_job(column="at", **NO_NET))
    assert not changes_arrive(world, "now() AT TIME ZONE 'Asia/Tokyo'")
    world.job("j", **cursor_job(column="at"))
    world.run_well()
    assert world.findings(columns=COLUMNS) == []


@pytest.mark.parametrize("world", [("sqlite", "postgresql", "postgresql")], indirect=True)
def test_sqlite_stamps_in_local_time(world: World) -> None:
    world.sql("source", "CREATE TABLE t (id integer PRIMARY KEY, at datetime)")
    world.job("j", **cursor_job(column="at", timezone="Asia/Shanghai", **NO_NET))
    assert changes_arrive(world, "strftime('%Y-%m-%d %H:%M:%f', 'now', '+8 hours')")
