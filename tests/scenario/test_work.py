"""The work that a job makes grows with its rows, not with their square: SQLite counts the steps of
its machine, whatever the clock of this one."""

from __future__ import annotations

import sqlite3

import pytest

from connectors.sqlite.connector import SqliteConnector
from tests.scenario.world import CAPTURES, MakeWorld, World

FEW, MANY = 500, 4000


class Steps:
    """What every session of the bridge has done, in units of 1,000 steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        opening = SqliteConnector._open

        def open_counted(connector: SqliteConnector) -> sqlite3.Connection:
            opened = opening(connector)
            opened.set_progress_handler(self._count, 1000)
            return opened

        monkeypatch.setattr(SqliteConnector, "_open", open_counted)

    def _count(self) -> int:
        self.taken += 1
        return 0


@pytest.mark.parametrize("capture", CAPTURES)
def test_work_grows_with_the_rows(
    make: MakeWorld, monkeypatch: pytest.MonkeyPatch, capture: str
) -> None:
    steps = Steps(monkeypatch)
    few, many = (_of_life(make(*["sqlite"] * 3), rows, capture, steps) for rows in (FEW, MANY))
    grown = {act: round(many[act] / few[act], 1) for act in few}
    assert all(times < 1.5 * MANY / FEW for times in grown.values()), grown


def _of_life(world: World, rows: int, capture: str, steps: Steps) -> dict[str, int]:
    """The steps of each act; a third of the rows is changed at a time."""
    world.job("j", **CAPTURES[capture])
    world.make_table(rows)
    third = rows // 3
    taken: dict[str, int] = {}

    def counted(act: str) -> None:
        before = steps.taken
        if act == "resync":
            assert world.resync().verdict == "reconciled"
        else:
            world.run_well()
        taken[act] = steps.taken - before

    counted("first load")
    world.sql("source", f"UPDATE t SET name = 'new', updated_at = {world.now} WHERE id <= {third}")
    world.insert(range(rows + 1, rows + third), stamp=world.now)
    counted("inserted and updated")
    world.sql("source", f"DELETE FROM t WHERE id > {2 * third}")
    counted("deleted")
    counted("nothing")
    world.sql("source", f"UPDATE t SET name = 'newer' WHERE id <= {third}")
    counted("resync")
    assert world.findings() == []
    return taken
