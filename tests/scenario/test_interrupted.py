"""A scheduler's limit for a task, Airflow's `execution_timeout`: an exception of its own, out of a
signal, wherever the run is. It is nobody's outage."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.pushing import Pushing
from connectors.endpoint import Endpoint
from tests.scenario.world import ROLES, World, cursor_job

Database = Callable[..., Endpoint]


class _TooLong(BaseException):
    """As `AirflowTaskTimeout` is one."""


@contextmanager
def _limit(reached: Callable[[], Sequence[object]]) -> Iterator[None]:
    """From another thread, once that is so."""

    def end(*_: object) -> None:
        raise _TooLong

    def watch() -> None:
        until = time.monotonic() + 20
        while not reached() and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        watching.join()
        signal.signal(signal.SIGUSR1, before)


_ASLEEP = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


@pytest.mark.parametrize(("role", "table"), [("target", "t"), ("exchange", "bh_batch")])
def test_a_limit_of_the_scheduler_is_told_as_that(world: World, role: str, table: str) -> None:
    """It was told as a store that is down, with an alarm, and tried again within the task."""
    world.make_table(rows=2)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql(
        role,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(30); RETURN NEW; END'",
        f"CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION slow()",
    )
    world.insert([3])
    with pytest.raises(_TooLong), _limit(lambda: world.sql(role, f"SELECT 1 {_ASLEEP}")):
        world.run()
    world.sql(role, f"SELECT pg_terminate_backend(pid) {_ASLEEP}")
    world.sql(role, f"DROP TRIGGER slow ON {table}", "DROP FUNCTION slow")
    assert world.sql("exchange", "SELECT kind FROM bh_event") == []
    world.run_well()
    assert world.findings() == []


def test_a_limit_that_comes_as_the_run_ends_keeps_no_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who pushes beside the pull waits for an end that nobody puts any more."""

    def interrupted(_: Pushing) -> None:
        until = time.monotonic() + 20
        while {batch["state"] for batch in world.batches()} != {"reconciled"}:
            assert time.monotonic() < until
            time.sleep(0.05)
        raise _TooLong

    monkeypatch.setattr(Pushing, "_put_end", interrupted)
    world.make_table(rows=5)
    world.job("j", chunk_rows=2, **cursor_job())
    with pytest.raises(_TooLong):
        world.run()
    left = [thread.daemon for thread in threading.enumerate() if thread.name == "push"]
    assert left == [True]


@pytest.mark.parametrize("function", ["LaneSums.step", "canonical_stamp", "compare_decimals"])
def test_a_limit_in_a_function_of_ours_inside_sqlite(
    function: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite made an error of its own of it: the task was not tried again, and Ctrl-C unheard."""
    world = World(tmp_path, {role: database("sqlite") for role in ROLES})
    world.sql("source", "CREATE TABLE t (id DECIMAL(9, 2) PRIMARY KEY, at TIMESTAMP)")
    world.sql("source", "INSERT INTO t VALUES (1.5, '2026-01-01 00:00:00'), (10, NULL)")
    world.job("j", capture={"method": "compare"})

    def interrupted(*_: object) -> None:
        raise _TooLong

    with monkeypatch.context() as patched:
        patched.setattr(f"connectors.sqlite.values.{function}", interrupted)
        with pytest.raises(_TooLong):
            world.run()
    world.run_well()
    assert world.sql("target", "SELECT count(*) FROM t") == [(2,)]
