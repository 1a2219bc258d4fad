"""The statement of every day: of the day that was asked for, and none left out before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bridge.batch import State
from bridge.statement.daily import write_days
from connectors.errors import ConfigurationError
from tests.scenario.books import FEBRUARY, Books, seal
from tests.scenario.world import MakeWorld

Capsys = pytest.CaptureFixture[str]

TENTH = datetime(2026, 2, 10, 18, 30, tzinfo=UTC)
"""The eleventh, 2:30, in China."""


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    return Books(make("sqlite", "sqlite", "sqlite"), capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is not there yet."""
    return tmp_path / "reports"


def days(books: Books, at: datetime, folder: Path) -> list[int]:
    return [day.day for day, _, _ in write_days(books.world.deployment, at, folder)]


def test_a_late_run_makes_its_own_day_in_the_zone_of_the_statement(
    books: Books, folder: Path
) -> None:
    with books.open() as ledger:
        seal(ledger, FEBRUARY, State.DEVIATED, 1)
    ((day, made, file),) = write_days(books.world.deployment, TENTH, folder)
    assert (day, made.in_order) == (date(2026, 2, 10), False)
    assert file.name.endswith("-2026-02-10-2026-02-11.html")
    assert made.report.period_from == datetime(2026, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert [batch.deviation for batch in made.report.batches][:1] == [1]


def test_days_that_were_missed_are_made_up_for_once(books: Books, folder: Path) -> None:
    assert days(books, TENTH, folder) == [10]
    assert days(books, TENTH, folder) == [10]
    assert days(books, TENTH + timedelta(days=4), folder) == [11, 12, 13, 14]
    assert days(books, TENTH + timedelta(days=5), folder) == [15]
    assert days(books, TENTH + timedelta(days=2), folder) == [12]
    assert len([*folder.iterdir()]) == 6


def test_what_breaks_off_goes_on_there(books: Books, folder: Path) -> None:
    assert days(books, TENTH, folder) == [10]
    made = write_days(books.world.deployment, TENTH + timedelta(days=3), folder)
    assert next(made)[0].day == 11
    assert days(books, TENTH + timedelta(days=3), folder) == [12, 13]


def test_files_of_other_periods_and_names_are_no_days(books: Books, folder: Path) -> None:
    folder.mkdir()
    code = books.world.deployment.department.code
    for period in ("2026-01-01-2026-02-01", "2026-01-40-2026-01-41", "2026-02-05-2026-02-06"):
        (folder / f"statement-{code}-{period}.html.part").touch()
    for period in ("2026-01-01-2026-02-01", "2026-01-40-2026-01-41"):
        (folder / f"statement-{code}-{period}.html").touch()
    (folder / "statement-113301000024895250-2026-02-05-2026-02-06.html").touch()
    assert days(books, TENTH, folder) == [10]


def test_what_is_too_long_ago_is_told(books: Books, folder: Path) -> None:
    assert days(books, TENTH, folder) == [10]
    made = write_days(books.world.deployment, TENTH + timedelta(days=5), folder, days_limit=3)
    assert [next(made)[0].day for _ in range(3)] == [13, 14, 15]
    with pytest.raises(ConfigurationError) as told:
        next(made)
    assert "from 2026-02-11 to 2026-02-12" in str(told.value)
    assert "--from 2026-02-11 --to 2026-02-13" in str(told.value)


def test_a_day_that_is_not_over_is_refused(books: Books, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not over"):
        days(books, datetime.now(UTC) + timedelta(days=1), folder)


@pytest.mark.parametrize("place", ["file", "file/under"])
def test_a_folder_that_cannot_be_is_one_sentence(books: Books, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="Not a directory") as told:
        days(books, TENTH, tmp_path / place)
    assert "BRIDGEHEAD_REPORTS" in str(told.value)
