"""Every sheet of a statement's workbook, and page 1 of its paper, say what the JSON says, cell by
cell and in either language: of books in which no two numbers are alike."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from bridge.deadline.deadline import CHINA
from bridge.statement import book
from reconcile.statementphrases import STATEMENT_PHRASES
from tests.scenario.books import DAY, Books, fill
from tests.scenario.world import MakeWorld

Capsys = pytest.CaptureFixture[str]

EFFECTS = ("total", "inserted", "updated", "deleted")
TERMS = ("read", "gone", *EFFECTS[1:], "unchanged", "superseded", "quarantined", "residual", "late")
WORDS = {
    "reconciled": ("已核对", "reconciled"),
    "in_flight": ("在途", "in flight"),
    "deviation": ("偏差", "deviation"),
    "waived": ("已豁免", "waived"),
    "held": ("挂起", "held"),
    "gap": ("断号", "gap"),
    "fork": ("分叉", "fork"),
    "data": ("变更", "changes"),
    "first": ("首次装载", "first load"),
    "sealed": ("已封存", "sealed"),
    "applied": ("已应用", "applied"),
    "deviated": ("有偏差", "deviated"),
    "waive": ("豁免", "waive"),
    "new_epoch": ("开始新的轮次", "new epoch"),
}
SUMMED = (*EFFECTS[1:], "read", "gone", "unchanged", "superseded", "quarantined", "late")
AUDITED = ("number", "job", "actor", "action", "prev_hash", "hash")
HEAD = "head_hash"
LANGUAGES = ("zh", "en")


@pytest.fixture
def books(make: MakeWorld, capsys: Capsys) -> Books:
    books = Books(make("sqlite", "sqlite", "sqlite"), capsys)
    fill(books)
    return books


def told_of(books: Books, *more: str) -> Any:
    """The JSON, until today: who waived what today is in it."""
    tomorrow = datetime.now(CHINA).date() + DAY
    return books.state("--to", str(tomorrow), *more).json


def local(moment: str | None) -> datetime | None:
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(CHINA).replace(tzinfo=None)


def lasting(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def effects(counts: dict[str, int] | None) -> list[int | None]:
    return [counts[name] if counts else None for name in EFFECTS]


def expected(told: Any, place: int) -> dict[str, list[list[Any]]]:
    """Every sheet but that of the queries, by its phrase, as the JSON has it."""

    def word(code: str | None) -> str | None:
        return WORDS[code][place] if code else None

    def said(sentence: str) -> Any:
        return sentence if LANGUAGES[place] == "en" else ...

    jobs = told["jobs"]
    batches = [(job["job"], batch) for job in jobs for batch in job["batches"]]
    number = ("epoch", "seq")
    return {
        "list_overview": [
            [
                *(job["title"], job["job"], len(job["batches"])),
                *effects(job["sent"]),
                *effects(job["received"]),
                *(job["deviation"], job["in_flight"]["rows"], job["quarantine_open"]),
                *(job["timeliness"]["share"], word(job["verdict"])),
            ]
            for job in jobs
        ],
        "list_standing": [
            [
                *(job["job"], job["resource"], job["deviation_open"]),
                *(job["in_flight"]["batches"], lasting(job["in_flight"]["seconds"])),
                *(job["held"]["batches"], job["held"]["rows"]),
                *(job["waived"]["batches"], job["waived"]["rows"]),
                *(job["gaps"], job["forks"], job["quarantine_open"]),
                *(job["timeliness"]["kept"], job["timeliness"]["due"], job["residual"]),
            ]
            for job in jobs
        ],
        "list_matters": [
            [
                *(job["job"], said(matter["what"]), word(matter["verdict"]), matter["deviation"]),
                *(said(matter["cause"]), said(matter["next_step"])),
            ]
            for job in jobs
            for matter in job["matters"]
        ],
        "list_positions": [
            [
                job["job"],
                *(job[side][name] for side in ("opening", "closing") for name in (*number, HEAD)),
            ]
            for job in jobs
        ],
        "list_days": [
            [
                *(date.fromisoformat(day["day"]), day["batches"]),
                *effects(day["sent"]),
                *effects(day["received"]),
                *(day["unreceipted"], day["deviation"]),
            ]
            for day in told["days"]
        ],
        "list_batches": [
            [
                *(job, batch["epoch"], batch["seq"], word(batch["kind"])),
                *(local(moment) for moment in (*batch["window"], batch["sealed_at"])),
                *effects(batch["sent"]),
                *effects(batch["received"]),
                *(batch["deviation"], word(batch["verdict"])),
            ]
            for job, batch in batches
        ],
        "list_conservation": [
            [job, *(batch[name] for name in (*number, *TERMS))] for job, batch in batches
        ],
        "list_hashes": [
            [
                *(job, batch["epoch"], batch["seq"], word(batch["state"])),
                *(batch["prev_hash"], batch["batch_hash"], batch["sent"]["digest"]),
                (batch["received"] or {"digest": None})["digest"],
            ]
            for job, batch in batches
        ],
        "list_audit": [
            [
                *(entry["number"], local(entry["at"]), entry["job"], entry["actor"]),
                *(word(entry["action"]), ..., entry["prev_hash"], entry["hash"]),
            ]
            for entry in told["audit"]["entries"]
        ],
    }


def alike(cell: Any, value: Any) -> bool:
    if value is ...:
        return bool(cell)
    if isinstance(value, timedelta):
        return isinstance(cell, timedelta) and abs(cell - value) < timedelta(seconds=1)
    if isinstance(value, float):
        return bool(cell == pytest.approx(value))
    if isinstance(value, datetime):
        moment = datetime(*cell.timetuple()[:6])  # midnight is read as a day
        return abs(moment - value) < timedelta(seconds=1)
    return bool(cell == ("" if value is None else value))


def rows_of(workbook: CalamineWorkbook, name: str) -> Iterator[list[Any]]:
    """Without headings, of all the sheets on which the table goes on."""
    for sheet in workbook.sheet_names:
        if re.fullmatch(rf"{re.escape(name)}( [0-9]+)?", sheet):
            yield from workbook.get_sheet_by_name(sheet).to_python()[1:]


@pytest.mark.parametrize(("language", "rows_of_a_sheet"), [("zh", 1_000_000), ("en", 4)])
def test_every_sheet_of_the_workbook_says_what_the_json_says(
    books: Books, monkeypatch: pytest.MonkeyPatch, language: str, rows_of_a_sheet: int
) -> None:
    monkeypatch.setattr(book, "_MOST_ROWS", rows_of_a_sheet)
    told = told_of(books, "--format", "xlsx", "--lang", language)
    place = LANGUAGES.index(language)
    workbook = CalamineWorkbook.from_path(told["files"][0])
    for phrase, rows in expected(told, place).items():
        found = list(rows_of(workbook, STATEMENT_PHRASES[phrase][place]))
        assert len(found) == len(rows) > 0, phrase
        pairs = [pair for row in zip(found, rows, strict=True) for pair in zip(*row, strict=True)]
        assert [pair for pair in pairs if not alike(*pair)] == [], phrase
    *front, timeliness = [row[1] for row in workbook.get_sheet_by_index(0).to_python()[5:16]]
    jobs = told["jobs"]
    assert front == [
        WORDS[told["verdict"]][place],
        len(jobs),
        sum(len(job["batches"]) for job in jobs),
        told["sent"]["total"],
        told["received"]["total"],
        told["deviation"],
        sum(job["in_flight"]["rows"] for job in jobs),
        sum(job["quarantine_open"] for job in jobs),
        sum(job["gaps"] for job in jobs),
        sum(job["residual"] for job in jobs),
    ]
    kept, due = (sum(job["timeliness"][name] or 0 for job in jobs) for name in ("kept", "due"))
    assert kept == 1
    assert timeliness == pytest.approx(kept / due) == told["timeliness"]


def test_the_charts_of_the_workbook_show_the_columns_that_they_name(books: Books) -> None:
    told = told_of(books, "--format", "xlsx", "--lang", "en")
    (file,) = told["files"]
    headings = CalamineWorkbook.from_path(file).get_sheet_by_name("Days").to_python()[0]
    named = []
    with zipfile.ZipFile(file) as parts:
        for chart in sorted(part for part in parts.namelist() if "charts/chart" in part):
            for series in re.findall("<c:ser>.*?</c:ser>", parts.read(chart).decode(), re.DOTALL):
                name = re.search("<c:tx>.*?<c:v>(.*?)</c:v>", series, re.DOTALL)
                shown = re.search(r"<c:val>.*?\$([A-Z])\$2:\$\1\$([0-9]+)<", series, re.DOTALL)
                assert name
                assert shown
                named.append(name[1])
                assert headings[ord(shown[1]) - ord("A")] == name[1]
                assert int(shown[2]) == len(told["days"]) + 1
    assert named == ["Sent", "Received", "Deviation"]


def numbers(values: list[Any]) -> str:
    return "".join("" if v is None else f"{v:,}" if isinstance(v, int) else str(v) for v in values)


def sums(rows: list[list[Any]], *without: int) -> list[Any]:
    return [
        None if at in without else sum(row[at] or 0 for row in rows) for at in range(len(rows[0]))
    ]


def age(seconds: float) -> str:
    """Its two largest units, whatever the hour at which the test runs: `290d12min` within the
    first hour of a day."""
    days, rest = divmod(int(seconds), 86_400)
    units = (days, "d"), (rest // 3600, "h"), (rest % 3600 // 60, "min"), (rest % 60, "s")
    return "".join(f"{count}{unit}" for count, unit in [u for u in units if u[0]][:2])


def test_cards_tables_sums_and_charts_of_the_paper_say_what_the_json_says(books: Books) -> None:
    told = told_of(books, "--format", "pdf", "--lang", "en")
    pages = PdfReader(told["files"][0]).pages
    text = "\n".join(page.extract_text().replace("\0", "") for page in pages)
    jobs, made = told["jobs"], expected(told, 1)
    cards = {
        "Rows sent": told["sent"]["total"],
        "Rows received": told["received"]["total"],
        "Deviation": told["deviation"],
        "Rows in flight": sum(job["in_flight"]["rows"] for job in jobs),
        "In quarantine": sum(job["quarantine_open"] for job in jobs),
        "Missing batches": sum(job["gaps"] for job in jobs),
    }
    for label, value in cards.items():
        assert f"\n{label}\n{value:,}\n" in text
    assert f"\nTimeliness\n{100 * told['timeliness']:.2g} %" in text
    assert age(jobs[0]["in_flight"]["seconds"]) in "".join(text.split())
    sent, received = told["sent"]["total"], told["received"]["total"]
    assert f"{sent:,} rows sent, {received:,} rows measured at the receiver" in text
    squeezed = re.sub(r"\s", "", text)
    for job in jobs:
        for matter in job["matters"]:
            assert re.sub(r"\s", "", matter["what"] + (matter["verdict"] or "")) in squeezed
    assert "missing:epoch1,number3" in squeezed
    assert "Theaxisshowssquareroots" in squeezed
    assert "Withfirstloadsorresyncs" in squeezed  # whose effects may differ
    for row in (*made["list_days"], *made["list_conservation"]):
        assert numbers(row) in squeezed
    for day in told["days"]:
        both = day["sent"]["total"], day["received"]["total"]
        assert numbers([day["day"][5:], *both]) in squeezed
    shown = re.findall("Sum of the period(.*)", text)
    assert [re.sub(r"\s", "", line) for line in shown] == [
        numbers(sums(made["list_overview"], 0, 1, 14, 15)),
        numbers(sums(made["list_standing"], 0, 1, 4)),
        numbers(sums(made["list_days"], 0)),
        numbers(sums(made["list_batches"], *range(7), 16)),
        numbers(sums(made["list_conservation"], 0, 1, 2)),
    ]


def test_the_auditors_queries_find_what_the_json_says(books: Books) -> None:
    told = told_of(books)
    queries = {recount["code"]: recount["sql"] for recount in told["recounts"]}
    jobs, audit = told["jobs"], told["audit"]["entries"]

    def position(job: Any, side: str) -> list[Any]:
        return [job["job"], *(job[side][name] for name in ("epoch", "seq", HEAD))]

    def counts(job: Any, what: str) -> list[list[Any]]:
        found = [job["job"], job[what]["batches"], job[what]["rows"]]
        return [found] if job[what]["batches"] else []

    expected_rows: dict[str, list[list[Any]]] = {
        "recount_batches": [
            [
                *(job["job"], len(job["batches"]), job["sent"]["total"]),
                *(sum(batch[name] for batch in job["batches"]) for name in SUMMED),
                *effects(job["received"]),
                *(job["deviation"], job["residual"]),
            ]
            for job in jobs
        ],
        "recount_days": [
            [
                *(day["day"], day["batches"]),
                *effects(day["sent"]),
                *effects(day["received"]),
                day["deviation"],
            ]
            for day in told["days"]
        ],
        "recount_in_flight": [row for job in jobs for row in counts(job, "in_flight")],
        "recount_held": [row for job in jobs for row in counts(job, "held")],
        "recount_waived": [row for job in jobs for row in counts(job, "waived")],
        "recount_quarantine": [
            [job["job"], job["quarantine_open"]] for job in jobs if job["quarantine_open"]
        ],
        "recount_opening": [position(job, "opening") for job in jobs],
        "recount_closing": [position(job, "closing") for job in jobs],
        "recount_chain": [["a", 1, 4]],
        "recount_audit": [[entry[name] for name in AUDITED] for entry in audit],
    }
    for code, rows in expected_rows.items():
        found = [list(row) for row in books.world.sql("exchange", queries[code])]
        assert [row[: len(rows[0])] for row in found] == rows, code
    early = books.state("--to", "2026-02-02").json
    (query,) = (r["sql"] for r in early["recounts"] if r["code"] == "recount_audit")
    assert (early["audit"]["entries"], books.world.sql("exchange", query)) == ([], [])


NAMES = {
    "": "department period generated_at is_early left_out verdict deviation sent received"
    " timeliness jobs days audit recounts signature files",
    "department": "code name",
    "period": "from to timezone",
    "sent": "total inserted updated deleted",
    "jobs": "job title resource verdict sent received deviation deviation_open in_flight held"
    " waived quarantined quarantine_open gaps forks residual timeliness opening closing content"
    " matters batches",
    "jobs.in_flight": "batches rows seconds",
    "jobs.held": "batches rows",
    "jobs.waived": "batches rows besides",
    "jobs.timeliness": "kept due share unknown",
    "jobs.closing": "epoch seq head_hash",
    "jobs.matters": "what verdict deviation cause next_step",
    "jobs.batches": "epoch seq kind state verdict prev_hash batch_hash window sealed_at read gone"
    " inserted updated deleted unchanged superseded quarantined late residual sent received"
    " deviation cause",
    "jobs.batches.received": "total inserted updated deleted digest",
    "days": "day batches sent received unreceipted deviation",
    "audit": "head problems entries",
    "audit.head": "number hash",
    "audit.entries": "number at job actor action details prev_hash hash",
    "recounts": "code store sql",
}
"""Of the JSON, stable from the first release: what is named in each part of it."""


def test_the_names_of_the_json_stay_what_they_are(books: Books) -> None:
    told = told_of(books)
    for path, names in NAMES.items():
        part = told
        for name in filter(None, path.split(".")):
            part = part[name]
            part = part[0] if isinstance(part, list) else part
        assert set(part) == set(names.split()), path
