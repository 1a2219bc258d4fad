"""The statement of a period: every number is computed again from the stores, by plain SQL."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from bridge.notice.notice import note_all
from bridge.run import pull_only
from bridge.settings import load
from bridge.statement import font
from tests.command import Called, call
from tests.scenario.world import MakeWorld, World, cursor_job

Capsys = pytest.CaptureFixture[str]

CHAINS = [("postgresql",) * 3, ("sqlite",) * 3, ("sqlite", "mysql", "postgresql")]
chains = pytest.mark.parametrize("world", CHAINS, indirect=True, ids="-".join)
light = pytest.mark.parametrize("world", [("sqlite",) * 3], indirect=True, ids="-".join)
CHINA = ZoneInfo("Asia/Shanghai")
HOSTILE = '=HYPERLINK("http://x","<script>alert(1)</script>")'
EFFECTS = ("total", "inserted", "updated", "deleted")


@pytest.fixture
def lived(world: World) -> World:
    """Two jobs: one with changes and a deviation, one whose last batch is in flight."""
    world.make_table(40)
    world.job("j", **cursor_job(), title=HOSTILE, catalogue={"update_cycle": "daily"})
    world.run_well()
    world.insert(range(41, 61))
    world.run_well()
    world.run_well()
    return world


def period() -> tuple[str, str]:
    today = datetime.now(CHINA).date()
    return str(today - timedelta(days=1)), str(today + timedelta(days=1))


def state(world: World, capsys: Capsys, *more: str | Path) -> Called:
    since, until = period()
    given = ("statement", "--from", since, "--to", until, "--json", "--output", world.directory)
    return call(capsys, "--config", world.directory, *given, *more)


def recounted(world: World, told: Any, code: str) -> list[tuple[Any, ...]]:
    """What the queries of the statement give in the store that they name."""
    found = [recount for recount in told["recounts"] if recount["code"] == code]
    assert found, code
    return [row for recount in found for row in world.sql(recount["store"], recount["sql"])]


@chains
def test_every_number_is_what_the_stores_say(lived: World, capsys: Capsys, tmp_path: Path) -> None:
    told = state(lived, capsys, "--output", tmp_path)
    assert told.code == 0, told.err
    (job,) = told.json["jobs"]
    batches = lived.batches("j")
    assert [b["batch_hash"] for b in job["batches"]] == [b["batch_hash"] for b in batches]

    (row,) = recounted(lived, told.json, "recount_batches")
    ledger = [int(value) if not isinstance(value, str) else value for value in row]
    assert ledger == [
        "j",
        len(batches),
        job["sent"]["total"],
        *(sum(batch[name] for batch in job["batches"]) for name in TALLY),
        *(job["received"][name] for name in EFFECTS),
        job["deviation"],
        job["residual"],
    ]
    assert (job["sent"]["total"], job["sent"]) == (60, job["received"])
    (measured,) = recounted(lived, told.json, "recount_received")
    assert [int(n) for n in measured[1:]] == [
        len(batches),
        *(job["received"][name] for name in EFFECTS),
    ]
    assert recounted(lived, told.json, "recount_chain") == []
    assert recounted(lived, told.json, "recount_in_flight") == []
    assert recounted(lived, told.json, "recount_opening") == []
    (closing,) = recounted(lived, told.json, "recount_closing")
    assert list(closing) == ["j", *job["closing"].values()]
    audit = recounted(lived, told.json, "recount_audit")
    assert [row[-1] for row in audit] == [e["hash"] for e in told.json["audit"]["entries"]]
    assert told.json["audit"]["head"]["number"] == len(audit)
    assert sum(day["sent"]["total"] for day in told.json["days"]) == 60
    by_day = [
        [
            day["day"],
            day["batches"],
            *_effects(day["sent"]),
            *_effects(day["received"]),
            day["deviation"],
        ]
        for day in told.json["days"]
    ]
    rows = recounted(lived, told.json, "recount_days")
    assert [[row[0], *map(int, row[1:])] for row in rows] == by_day
    assert told.json["signature"] is None
    silent = ("--from", "2020-01-01", "--to", "2020-02-01", "--output", tmp_path)
    quiet = state(lived, capsys, *silent).json
    assert (quiet["verdict"], recounted(lived, quiet, "recount_days")) == (None, [])


@light
def test_decisions_about_a_job_that_is_gone_are_in_the_statement(
    lived: World, capsys: Capsys
) -> None:
    bad = lived.directory / "jobs/bad.yaml"
    bad.write_text("job: bad\n", "utf-8")
    note_all(load(lived.directory))
    ack = ("events", "ack", "1", "--why", "已联系库管", "--by", "a")
    assert call(capsys, "--config", lived.directory, *ack).code == 0
    bad.unlink()
    told = state(lived, capsys).json
    assert [entry["job"] for entry in told["audit"]["entries"]] == ["bad"]
    assert [row[1] for row in recounted(lived, told, "recount_audit")] == ["bad"]
    (page,) = told["files"]
    shown = Path(page).read_text("utf-8")
    assert "认领事件" in shown
    assert "已联系库管" in shown
    assert "两侧可以不同，不是偏差" in shown
    told = state(lived, capsys, "--job", "j").json
    assert (told["audit"]["entries"], recounted(lived, told, "recount_audit")) == ([], [])


def _effects(counts: dict[str, int]) -> list[int]:
    return [counts[name] for name in EFFECTS]


TALLY = (
    "inserted",
    "updated",
    "deleted",
    "read",
    "gone",
    "unchanged",
    "superseded",
    "quarantined",
    "late",
)


def plain(text: str) -> str:
    return re.sub(r"[\s\0]", "", text)


@light
def test_page_workbook_and_paper_say_what_the_json_says(
    lived: World, capsys: Capsys, tmp_path: Path
) -> None:
    told = state(lived, capsys, "--output", tmp_path, "--format", "html,xlsx,pdf")
    files = [Path(file) for file in told.json["files"]]
    assert [file.suffixes[-2:] for file in files][1:] == [
        [".zh", ".xlsx"],
        [".zh", ".pdf"],
        [".en", ".xlsx"],
        [".en", ".pdf"],
    ]
    (job,) = told.json["jobs"]
    hashes = [batch["batch_hash"] for batch in job["batches"]]

    page = files[0].read_text("utf-8")
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    shown = plain(unescape(re.sub(r"<[^>]+>", "", page)))
    assert plain(HOSTILE) in shown
    assert all(digest in shown for digest in hashes)
    assert "未签名" in shown
    assert "Asia/Shanghai" in shown
    assert all(plain(recount["sql"]) in shown for recount in told.json["recounts"])

    book = CalamineWorkbook.from_filelike(io.BytesIO(files[3].read_bytes()))
    jobs = book.get_sheet_by_name("Jobs").to_python()
    named = dict(zip(jobs[0], jobs[1], strict=True))
    assert named["Title"] == HOSTILE
    assert [named[c] for c in ("Sent", "Sent ins.", "Sent upd.", "Sent del.")] == [
        job["sent"][name] for name in EFFECTS
    ]
    assert [named[c] for c in ("Received", "Recv. ins.", "Recv. upd.", "Recv. del.")] == [
        job["received"][name] for name in EFFECTS
    ]
    chain = book.get_sheet_by_name("Chain and digests").to_python()
    place = chain[0].index("Batch hash (SHA-256)")
    assert [row[place] for row in chain[1:]] == hashes
    told_at = book.get_sheet_by_name("Batches").to_python()
    sealed = told_at[1][told_at[0].index("Sealed")]
    exact = datetime.fromisoformat(job["batches"][0]["sealed_at"]).astimezone(CHINA)
    assert abs(sealed - exact.replace(tzinfo=None)) < timedelta(seconds=1)
    queries = book.get_sheet_by_name("Recount queries").to_python()
    assert [row[2] for row in queries[1:]] == [recount["sql"] for recount in told.json["recounts"]]

    for file, words in ((files[2], "数据桥接对账单"), (files[4], "Reconciliationstatement")):
        reader = PdfReader(file)
        text = plain("".join(sheet.extract_text() for sheet in reader.pages))
        assert words in text
        assert all(digest in text for digest in hashes)
        assert plain(HOSTILE) in text
        assert plain(f"{job['closing']['head_hash']}") in text
        assert file.stat().st_size < 300_000, "the font is not a subset"


@light
def test_a_hostile_title_is_a_text_in_the_workbook(
    lived: World, capsys: Capsys, tmp_path: Path
) -> None:
    for sign in "=+-@\t\r":
        lived.job("j", **cursor_job(), title=f"{sign}1+1")
        told = state(lived, capsys, "--output", tmp_path, "--format", "xlsx", "--lang", "zh")
        (file,) = told.json["files"]
        with zipfile.ZipFile(file) as parts:
            sheets = [parts.read(name).decode() for name in parts.namelist() if "sheet" in name]
        assert not any("<f>" in sheet for sheet in sheets)
        assert told.json["jobs"][0]["title"] in "".join(
            str(cell)
            for row in CalamineWorkbook.from_path(file).get_sheet_by_name("各桥接服务").to_python()
            for cell in row
        )


def test_what_deviates_waits_or_is_held_is_told_and_counted(
    make: MakeWorld, capsys: Capsys
) -> None:
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(20)
    world.job("j", **cursor_job())
    world.run_well()
    world.insert(range(21, 26))
    world.run("j", pull_only)
    world.sql(
        "exchange", "UPDATE bh_batch SET sealed_at = '2026-01-01T00:00:00.000000Z' WHERE seq = 1"
    )
    told = state(world, capsys)
    assert (told.code, told.json["verdict"]) == (0, "in_flight")
    (job,) = told.json["jobs"]
    assert (job["in_flight"]["batches"], job["in_flight"]["rows"]) == (1, 5)
    assert recounted(world, told.json, "recount_in_flight")[0][1:3] == (1, 5)
    assert (job["opening"]["seq"], job["closing"]["seq"]) == (1, 2)

    world.sql("exchange", "UPDATE bh_batch SET prev_hash = 'x' WHERE seq = 2")
    told = state(world, capsys)
    assert (told.code, told.json["verdict"], told.json["jobs"][0]["forks"]) == (1, "fork", 2)


def test_what_stopped_a_job_is_in_the_statement_while_it_stands(
    make: MakeWorld, capsys: Capsys
) -> None:
    """Not among its batches: the target has lost what it had confirmed."""
    world = make("sqlite", "sqlite", "sqlite")
    world.make_table(5)
    world.job("j", **cursor_job())
    world.run_well()
    world.sql("target", "DELETE FROM bh_position")
    assert world.run().verdict == "gap"
    told = state(world, capsys)
    assert (told.code, told.json["verdict"], told.json["jobs"][0]["verdict"]) == (1, "gap", "gap")
    assert world.resync().verdict == "reconciled"
    assert state(world, capsys).json["verdict"] == "reconciled"


@light
def test_a_job_that_never_delivered_is_in_the_statement(
    lived: World, capsys: Capsys, tmp_path: Path
) -> None:
    daily = {"catalogue": {"update_cycle": "daily"}} | cursor_job()
    lived.job("new", target={"endpoint": "target", "table": "n"}, **daily)
    note_all(lived.deployment, datetime.now(UTC) - timedelta(days=12))
    since = str((datetime.now(CHINA) - timedelta(days=11)).date())
    told = state(lived, capsys, "--from", since, "--output", tmp_path, "--format", "html")
    _, silent = told.json["jobs"]
    assert (silent["job"], silent["verdict"], silent["sent"]["total"]) == ("new", None, 0)
    assert silent["timeliness"]["kept"] == 0
    assert silent["timeliness"]["due"] > 3
    kept, due = (sum(job["timeliness"][n] for job in told.json["jobs"]) for n in ("kept", "due"))
    assert told.json["timeliness"] == pytest.approx(kept / due)
    assert told.json["verdict"] == "reconciled"
    (lived.directory / "jobs/new.yaml").unlink()
    assert [job["job"] for job in state(lived, capsys, "--output", tmp_path).json["jobs"]] == ["j"]
    assert lived.sql("exchange", "SELECT count(*) FROM bh_known WHERE job = 'new'") == [(1,)]
    note_all(lived.deployment)
    assert lived.sql("exchange", "SELECT count(*) FROM bh_known WHERE job = 'new'") == [(0,)]


BAD_INPUT = [
    (("--from", "2026-02-01", "--to", "2026-02-01"), "is not before"),
    (("--from", "yesterday", "--to", "2026-02-01"), "YYYY-MM-DD"),
    (("--from", "2026-01-01", "--to", "2026-02-01", "--format", "doc"), "html, xlsx, pdf"),
    (("--from", "2026-01-01", "--to", "2026-02-01", "--lang", "fr"), "zh, en"),
    (("--from", "2026-01-01", "--to", "2026-02-01", "--job", "k"), "unknown job"),
]


@light
def test_bad_input_is_one_message(lived: World, capsys: Capsys, tmp_path: Path) -> None:
    for given, named in BAD_INPUT:
        told = call(capsys, "--config", lived.directory, "statement", "--output", tmp_path, *given)
        assert told.code == 2
        assert named in told.err


@light
def test_what_a_format_lacks_is_told_before_anything_is_read(
    lived: World, capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(font, "_FONTS", tmp_path)
    told = state(lived, capsys, "--format", "pdf")
    assert (told.code, told.out) == (2, "")
    assert "fonts-noto-cjk" in told.err

    settings = lived.directory / "bridgehead.yaml"
    text = settings.read_text("utf-8")
    settings.write_text(text + "statement: {font: none.ttc}\n", "utf-8")
    told = state(lived, capsys, "--format", "pdf")
    assert told.code == 2
    assert "none.ttc cannot be read" in told.err

    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    told = state(lived, capsys, "--format", "xlsx")
    assert told.code == 2
    assert "bridgehead[statement]" in told.err
