"""A cron line that the configuration accepts means the same to Airflow, which reads by croniter."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import islice

import pytest
from croniter import croniter
from cronsim import CronSim
from pydantic import TypeAdapter, ValidationError

from bridge.configuration.schedule import Schedule

BEGIN = datetime(2024, 2, 27, 10, 7)
HIGHEST = (59, 23, 31, 12, 7)
NAMES = {3: ("jan", "FEB", "dec"), 4: ("sun", "MON", "fri", "sat")}
ODD = {2: ("L", "LW", "15W"), 4: ("5L", "L5", "1#1", "mon#2", "1/2")}


def _value(draw: random.Random, field: int) -> str:
    if field in NAMES and draw.random() < 0.3:
        return draw.choice(NAMES[field])
    return f"{draw.randint(int(field in (2, 3)), HIGHEST[field]):0{draw.choice((1, 1, 1, 2))}}"


def _term(draw: random.Random, field: int) -> str:
    value = _value(draw, field)
    step = f"/{draw.randint(1, 12)}"
    ways = (value, value, "*", f"*{step}", f"{value}-{_value(draw, field)}", f"{value}{step}")
    return draw.choice((*ways, f"{value}-{_value(draw, field)}{step}", *ODD.get(field, ())[:5]))


def _line(draw: random.Random) -> str:
    terms = [[_term(draw, field) for _ in range(draw.choice((1, 1, 2)))] for field in range(5)]
    return " ".join("*" if draw.random() < 0.4 else ",".join(field) for field in terms)


def _accepted(line: str) -> bool:
    try:
        TypeAdapter(Schedule).validate_python(line)
    except ValidationError:
        return False
    return True


def _ours(line: str, *, back: bool = False) -> list[datetime]:
    return [*islice(CronSim(line, BEGIN, reverse=back), 15)]


def _airflows(line: str, *, back: bool = False) -> list[datetime]:
    times = croniter(line, BEGIN)
    step = times.get_prev if back else times.get_next
    return [step(datetime) for _ in range(15)]


def test_what_is_accepted_is_read_alike() -> None:
    draw = random.Random(5)
    lines = [line for line in (_line(draw) for _ in range(400)) if _accepted(line)]
    assert len(lines) > 50
    for line in lines:
        assert _ours(line) == _airflows(line), line
        assert _ours(line, back=True) == _airflows(line, back=True), line


@pytest.mark.parametrize(
    "line", ["0 0 L * *", "0 0 1,L * mon", "0 0 1-31 * 1", "0 8-18/2 * * mon-fri", "*/7 0 * * 0,7"]
)
def test_what_is_usual_is_accepted(line: str) -> None:
    assert _accepted(line)
    assert _ours(line) == _airflows(line)


@pytest.mark.parametrize(
    "line",
    ["5-5 * * * *", "0 0 * * 1/2", "0 0 * * mon-1", "0 0 1 * 1#1", "0 0 1 * */2", "0 0 */2 * */2"],
)
def test_what_is_read_in_two_ways_is_refused(line: str) -> None:
    assert _ours(line) != _airflows(line)
    assert not _accepted(line)
