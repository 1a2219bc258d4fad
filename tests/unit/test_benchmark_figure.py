"""The benchmark's arithmetic, its change sets, and its reading of logs and processes."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.__main__ import change_set
from benchmarks.figure import BOTH, HOPS, Figure, Scenario, Side, ratios, used
from benchmarks.measure import CommandFailed, Usage, measure, server_cpu_seconds
from benchmarks.population import COLUMNS, ChangeSet, change, create_table
from benchmarks.report import table
from benchmarks.statement import read_statements

LOG = """\
business|bridgehead|LOG:  duration: 1500.250 ms  statement: COPY (SELECT a
\tFROM t) TO STDOUT
||LOG:  checkpoint starting: immediate
buffer|psql|LOG:  duration: 900.0 ms  statement: CREATE TABLE of_the_preparation ()
buffer|floor|LOG:  duration: 20.5 ms  execute <unnamed>: SELECT 1
"""


def usage(wall: float, peak_mb: float = 10) -> Usage:
    return Usage(wall, wall / 2, wall / 4, peak_mb)


def test_ours_are_compared_with_the_sum_of_the_floors_hops_repeat_by_repeat() -> None:
    figures = [
        Figure(repeat, Scenario.FIRST_LOAD, side, hop, usage(wall))
        for repeat, side, hop, wall in (
            (1, Side.FLOOR, HOPS[0], 2.0),
            (1, Side.FLOOR, HOPS[1], 3.0),
            (1, Side.OURS, BOTH, 10.0),
            (2, Side.FLOOR, HOPS[0], 4.0),
            (2, Side.FLOOR, HOPS[1], 4.0),
            (2, Side.OURS, BOTH, 8.0),
        )
    ]
    (wall,) = (r for r in ratios(figures) if r.measure == "wall_seconds")
    assert (wall.hop, wall.span.low, wall.span.median, wall.span.high) == (BOTH, 1.0, 1.5, 2.0)
    assert table(figures, "").row_count == 4


def test_the_way_as_a_whole_is_its_own_measurement_where_there_is_one() -> None:
    figures = [
        Figure(1, Scenario.FIRST_LOAD, Side.OURS, hop, usage(wall, peak))
        for hop, wall, peak in ((HOPS[0], 2.0, 50), (HOPS[1], 2.0, 70), (BOTH, 3.0, 60))
    ]
    assert used(figures, Scenario.FIRST_LOAD, Side.OURS, BOTH)[1].wall_seconds == 3.0
    assert used(figures[:2], Scenario.FIRST_LOAD, Side.OURS, BOTH)[1] == Usage(4, 2, 1, 70)


@pytest.mark.parametrize(
    ("rows", "total"), [(1_000, 100), (1_000_000, 100_000), (5_000_000, 100_000)]
)
def test_a_change_set_is_a_tenth_and_at_most_a_hundred_thousand(rows: int, total: int) -> None:
    changes = change_set(rows)
    assert changes.total == total
    assert (changes.updated, changes.inserted, changes.deleted) == (
        total * 6 // 10,
        total * 3 // 10,
        total // 10,
    )


def test_a_second_change_set_leaves_the_first_ones_rows_alone() -> None:
    first = ChangeSet(60, 30, 10)
    second = first.without_deletes()
    assert (second.touched_before, second.inserted_before, second.deleted) == (70, 30, 0)
    assert "generate_series(70::bigint, 129)" in " ".join(change(1000, second))


def test_the_table_has_sixteen_columns_and_its_key() -> None:
    assert len(COLUMNS) == 16
    assert "PRIMARY KEY (id_no)" in create_table("t")


def test_statements_are_read_with_their_further_lines() -> None:
    first, second = read_statements(LOG)
    assert (first.seconds, first.database) == (1.50025, "business")
    assert first.sql == "COPY (SELECT a FROM t) TO STDOUT"
    assert (second.seconds, second.sql) == (0.0205, "SELECT 1")


def test_a_pipe_is_measured_as_a_whole() -> None:
    write, read = "print('x' * 1000)", "import sys; print(len(sys.stdin.read()))"
    commands = [[sys.executable, "-c", write], [sys.executable, "-c", read]]
    done = measure(commands, [os.environ] * 2, lambda: 0.0, 60)
    assert done.output == "1001"
    assert done.usage.wall_seconds > 0
    assert done.usage.client_cpu_seconds > 0
    assert done.usage.peak_mb > 1


@pytest.mark.parametrize(
    ("code", "seconds", "why"),
    [
        ("import sys; sys.exit('lost')", 60, "lost"),
        ("import time; time.sleep(60)", 0.2, "more than"),
    ],
)
def test_a_command_that_fails_or_hangs_is_no_measurement(
    code: str, seconds: float, why: str
) -> None:
    with pytest.raises(CommandFailed, match=why):
        measure([[sys.executable, "-c", code]], [os.environ], lambda: 0.0, seconds)


def test_the_time_of_a_servers_processes_is_counted() -> None:
    assert server_cpu_seconds(os.getpid()) > 0
