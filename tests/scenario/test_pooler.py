"""A job whose exchange and target lie behind a real PgBouncer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bridge.inspection.check import check_deployment
from bridge.inspection.finding import Level
from connectors.endpoint import Endpoint
from tests.pgbouncer import pooled
from tests.scenario.world import World

Database = Callable[..., Endpoint]


def _world(stack: ExitStack, database: Database, directory: Path, mode: str) -> World:
    stores = {"source": database("sqlite")}
    for role in ("exchange", "target"):
        stores[role] = stack.enter_context(pooled(database(), directory, mode))
    world = World(directory / "world", stores)
    world.sql("source", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    world.sql("source", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    world.job("j", capture={"method": "compare"})
    return world


def test_whole_sessions_carry_a_job(database: Database, tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = _world(stack, database, tmp_path, "session")
        world.run_well()
        world.sql("source", "UPDATE t SET v = 'c' WHERE id = 1")
        world.run_well()
        assert world.sql("target", "SELECT id, v FROM t ORDER BY id") == [(1, "c"), (2, "b")]
        assert all(each.level is not Level.REFUSED for each in check_deployment(world.deployment))


def test_the_check_refuses_anything_less(database: Database, tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = _world(stack, database, tmp_path, "transaction")
        refused = [e for e in check_deployment(world.deployment) if e.level is Level.REFUSED]
        assert refused
        assert all("a pooler in between" in each.found for each in refused), refused
        assert {each.exit_code for each in refused} == {2}
