"""A department fills in a template, and puts files into a folder: each row arrives, or is named."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml
from python_calamine import CalamineWorkbook

from bridge.beginning import plan_whole
from bridge.capture.file import begin
from bridge.comparison import reconcile_job
from bridge.failpoint import arm, at
from bridge.hold import hold
from bridge.run import pull_only
from connectors.errors import Busy
from connectors.sheet.connector import SheetConnector
from tests.command import call
from tests.kill import FILE_POINTS, killed
from tests.scenario.backup import Backup
from tests.scenario.world import MakeWorld, World, cut_off
from tests.sheetfile import NA, write_xlsx

Capsys = pytest.CaptureFixture[str]

COLUMNS: dict[str, Any] = {
    "id_no": {"title": "公民身份号码", "type": "text(18)"},
    "name": {"title": "姓名", "type": "text(5)"},
    "sex": {"title": "性别", "codes": "sex", "to": "sex_code"},
    "born": {"title": "出生日期", "type": "date"},
    "points": {"title": "=积分", "type": "integer"},
    "paid": {"type": "decimal(10,2)"},
    "member": {"type": "boolean"},
    "secret": {"sharing": "none"},
}
NAMES = [name for name in COLUMNS if name != "secret"]
ID = "110101199003071234"


class Desk:
    """A world whose source is a folder."""

    def __init__(self, world: World, family: str = "excel") -> None:
        self.world = world
        self.folder = world.directory.parent / f"upload{world.directory.name}"
        self.folder.mkdir()
        file = world.directory / "bridgehead.yaml"
        settings = yaml.safe_load(file.read_text("utf-8"))
        options = {"settle": "0.05"}
        settings["endpoints"]["sheets"] = {
            "family": family,
            "folder": str(self.folder),
            "options": options,
        }
        file.write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
        (world.directory / "codes").mkdir()
        codes = "code,name,values\n1,男性,男|M\n2,女性,女|F\n"
        (world.directory / "codes/sex.csv").write_text(codes, "utf-8")
        self._stamp = 1_700_000_000

    def job(self, pattern: str = "*", columns: Any = None, name: str = "j", **content: Any) -> str:
        place = {"endpoint": "sheets", "table": pattern}
        basic = {"capture": {"method": "files"}, "key": ["id_no"]}
        return self.world.job(
            name, source=place, columns=columns or COLUMNS, title="人员", **(basic | content)
        )

    def put(self, name: str, write: Callable[[Path], object]) -> Path:
        """A file, later than all before it."""
        path = self.folder / name
        write(path)
        self._stamp += 10
        os.utime(path, (self._stamp, self._stamp))
        return path

    def csv(self, name: str, *lines: str) -> Path:
        text = "\n".join(["id,v", *lines]) + "\n"
        return self.put(name, lambda path: path.write_text(text, "utf-8"))

    def target(self, columns: str, key: str = "id_no") -> list[tuple[Any, ...]]:
        return self.world.sql("target", f"SELECT {columns} FROM t ORDER BY {key}")

    def files(self) -> list[tuple[Any, ...]]:
        query = "SELECT seq, name, rows, blank, sha256 FROM bh_file ORDER BY epoch, seq"
        return self.world.sql("exchange", query)

    def states(self) -> set[str]:
        return {str(batch["state"]) for batch in self.world.batches()}

    def call(self, capsys: Capsys, *words: str) -> Any:
        return call(capsys, "--config", self.world.directory, *words)

    def quarantine(self, capsys: Capsys) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(capsys, "quarantine", "j", "--json").json["entries"]
        return found

    def set_aside(self, capsys: Capsys) -> list[tuple[str, str | None, str]]:
        return [(e["reason"], e["column"], e["place"]) for e in self.quarantine(capsys)]


@pytest.fixture
def desk(make: MakeWorld) -> Desk:
    return Desk(make("sqlite", "postgresql", "postgresql"))


@pytest.fixture
def box(make: MakeWorld) -> Desk:
    """Of CSV files, everything in SQLite."""
    desk = Desk(make("sqlite", "sqlite", "sqlite"), "csv")
    columns = {"id": {"type": "integer"}, "v": {}}
    desk.job("*.csv", columns, key=["id"])
    return desk


def fill(template: Path, path: Path, rows: list[list[Any]]) -> None:
    """What a person does: every cell of the template stays, and rows come below the titles."""
    book = CalamineWorkbook.from_path(template)
    shown = {s.name: str(s.visible) for s in book.sheets_metadata}
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as made:
        for name in book.sheet_names:
            sheet = made.add_worksheet(name)
            for row, cells in enumerate(book.get_sheet_by_name(name).iter_rows()):
                for place, cell in enumerate(cells):
                    if cell != "":
                        sheet.write(row, place, cell)
            if "Visible" not in shown[name]:
                sheet.hide()
        sheet = made.get_worksheet_by_name(book.sheet_names[0])
        names = next(book.get_sheet_by_index(0).iter_rows())
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for row, cells in enumerate(rows, start=2):
            for name, cell in zip(NAMES, cells, strict=False):
                place = names.index(name)
                if cell is NA:
                    sheet.write_formula(row, place, "=NA()", None, "#N/A")
                elif isinstance(cell, str):
                    sheet.write_string(row, place, cell)
                elif isinstance(cell, date):
                    sheet.write_datetime(row, place, cell, day)
                elif isinstance(cell, bool):
                    sheet.write_boolean(row, place, cell)
                elif cell is not None:
                    sheet.write_number(row, place, cell)


FILLED = [
    [ID, "𠮷野家", "男", date(1990, 3, 7), "7", 12.5, "是"],
    ["11010119900307123X", "张三", "F", "1990/3/7", 123456789012345, "0.1", True],
    [110101199003071234, "末位", "男"],  # pasted as a number
    ["2", "李四", "外星"],
    ["3", NA, "女"],
    ["4", "六个字的姓名", "女"],
    ["5", "王五", None, "昨天"],
    [],
    ["6", "=赵六", None, None, None, None, False],
]
ARRIVED = [
    (ID, "𠮷野家", "1", "1990-03-07", "7", "12.50", "true"),
    ("11010119900307123X", "张三", "2", "1990-03-07", "123456789012345", "0.10", "true"),
    ("6", "=赵六", None, None, None, None, "false"),
]


def test_a_filled_template_arrives_cell_by_cell(desk: Desk, tmp_path: Path, capsys: Capsys) -> None:
    desk.job()
    template = tmp_path / "template.xlsx"
    made = desk.call(capsys, "template", "j", "--output", str(template))
    assert (made.code, "7 columns" in made.out) == (0, True)
    desk.put("一月.xlsx", lambda path: fill(template, path, FILLED))
    outcome = desk.world.run_well()
    assert [b.kind for b in outcome.batches] == ["first", "data"]
    tally = outcome.batches[1].tally
    assert (tally.read, tally.inserted, tally.quarantined) == (8, 3, 5)
    texts = ", ".join(f"{n}::text" for n in ("born", "points", "paid", "member"))
    found = desk.target(f"id_no, name, sex_code, {texts}", 'id_no COLLATE "C"')
    assert found == ARRIVED
    assert desk.set_aside(capsys) == [
        ("digits_lost", "id_no", "一月.xlsx, 人员, row 5"),
        ("unknown_code", "sex_code", "一月.xlsx, 人员, row 6"),
        ("error_value", "name", "一月.xlsx, 人员, row 7"),
        ("too_long", "name", "一月.xlsx, 人员, row 8"),
        ("malformed", "born", "一月.xlsx, 人员, row 9"),
    ]
    digest = hashlib.sha256((desk.folder / "一月.xlsx").read_bytes()).hexdigest()
    assert desk.files() == [(2, "一月.xlsx", 8, 1, digest)]
    note = desk.world.batches()[1]["note"]
    assert note is not None
    assert digest in note
    assert "1 blank ones passed over" in note
    again = desk.call(capsys, "template", "j", "--output", str(template))
    assert (again.code, "exists; nothing was written" in again.err) == (2, True)


def test_what_a_template_holds(desk: Desk, tmp_path: Path, capsys: Capsys) -> None:
    desk.job()
    path = tmp_path / "t.xlsx"
    assert desk.call(capsys, "template", "j", "--output", str(path)).code == 0
    book = CalamineWorkbook.from_path(path)
    names, titles = list(book.get_sheet_by_name("人员").iter_rows())[:2]
    assert sorted(names) == sorted(NAMES)
    assert titles[names.index("id_no")] == "公民身份号码\nid_no"
    assert titles[names.index("points")] == "=积分\npoints"
    assert [str(s.visible).rpartition(".")[2] for s in book.sheets_metadata] == [
        *("Visible", "Visible", "Hidden", "VeryHidden")
    ]
    read_me = [cell for row in book.get_sheet_by_name("说明 Read me").iter_rows() for cell in row]
    assert {"公民身份号码", "id_no", "文本 text(18)", "必填（主键） required (key)"} <= set(read_me)
    with zipfile.ZipFile(path) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
        styles = packed.read("xl/styles.xml").decode()
        comments = packed.read("xl/comments1.xml").decode()
    assert 'numFmtId="49"' in styles  # text: a spreadsheet keeps what is typed
    assert sheet.count('type="list"') == 2  # codes, yes and no
    assert 'type="textLength"' in sheet
    assert 'type="date"' in sheet
    assert "必填（主键）" in comments
    assert "从列表中选择" in comments


def test_that_there_is_no_file_is_told_now_and_then(box: Desk, capsys: Capsys) -> None:
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], empty_every=3600)
    kinds, looked = [], []
    for _ in range(3):
        kinds.append([b.kind for b in box.world.run_well().batches])
        looked.append(box.call(capsys, "status", "--json").json[0]["looked_at"])
    assert kinds == [["first", "empty"], [], []]
    assert looked == sorted(set(looked))  # but each time somebody has looked


def test_a_folder_whose_share_is_not_mounted_is_not_empty(box: Desk) -> None:
    """Beneath it lies another folder, that of its path."""
    box.csv("a.csv", "1,a")
    box.world.run_well()
    mounted = box.folder.rename(box.folder.with_name("mounted"))
    box.folder.mkdir()
    outcome = box.world.run()
    assert (outcome.exit_code, outcome.batches) == (4, [])
    assert "see that its share is mounted" in str(outcome.error and outcome.error.remedy)
    box.folder.rmdir()
    mounted.rename(box.folder)
    (box.folder / "a.csv").unlink()  # put away, as files are sooner or later
    assert [b.kind for b in box.world.run_well().batches] == ["empty"]
    box.folder.rename(mounted)
    box.folder.mkdir()
    names = box.csv("b.csv")
    mark = box.folder / ".~lock.b.csv#"
    mark.write_bytes(b"")  # also one that must be waited for is there
    assert (box.world.run().verdict, box.world.run().error) == ("in_flight", None)
    mark.unlink()
    box.world.run_well()
    names.unlink()
    assert [b.kind for b in box.world.run_well().batches] == ["empty"]


def test_a_template_needs_to_know_its_columns(box: Desk, capsys: Capsys) -> None:
    box.world.job("j", source={"endpoint": "sheets", "table": "a.csv"}, capture={"method": "files"})
    told = box.call(capsys, "template", "j")
    assert (told.code, "lists no columns" in told.err) == (2, True)
    assert box.call(capsys, "template", "j", "--output", "x.pdf").code == 2


def test_each_file_is_one_batch_and_is_taken_once(box: Desk) -> None:
    assert [b.kind for b in box.world.run_well().batches] == ["first", "empty"]
    box.csv("b.csv", "1,b", "2,b")
    box.csv("a.csv", "2,a", "3,a")
    outcome = box.world.run_well()
    sums = [(b.tally.read, b.tally.inserted, b.tally.updated) for b in outcome.batches]
    assert sums == [(2, 2, 0), (2, 1, 1)]
    first, second = outcome.batches
    assert first.window_low < first.window_high == second.window_low
    assert [(seq, name, rows) for seq, name, rows, *_ in box.files()] == [
        (3, "b.csv", 2),
        (4, "a.csv", 2),
    ]
    rows = [(1, "b"), (2, "a"), (3, "a")]
    assert box.target("id, v", "id") == rows
    # Touched, or gone: nothing to take, and nothing is lost.
    os.utime(box.folder / "a.csv")
    (box.folder / "b.csv").unlink()
    (silent,) = box.world.run_well().batches
    assert (silent.kind, silent.window_low < silent.window_high) == ("empty", True)
    assert box.target("id, v", "id") == rows
    # Another content under the same name, and an old one under another.
    box.csv("a.csv", "2,a", "4,new")
    box.csv("c.csv", "1,b", "2,b")
    sums = [(b.tally.read, b.tally.unchanged) for b in box.world.run_well().batches]
    assert sums == [(2, 1), (2, 1)]
    assert box.target("id, v", "id") == [(1, "b"), (2, "b"), (3, "a"), (4, "new")]
    assert len(box.files()) == 4


def test_a_file_that_one_job_has_taken_is_still_there_for_another(box: Desk) -> None:
    box.world.run_well()
    box.csv("a.csv", "1,a", "2,b")
    box.world.run_well()
    columns = {"id": {"type": "integer"}, "v": {}}
    target = {"endpoint": "target", "table": "k"}
    box.job("*.csv", columns, key=["id"], name="k", target=target)
    outcome = box.world.run_well("k")
    assert [batch.sent.inserted for batch in outcome.batches] == [0, 2]
    assert box.world.run_well().batches[0].kind == "empty"


def test_a_file_without_news_is_still_a_batch(box: Desk) -> None:
    box.csv("a.csv", "1,a")
    box.world.run_well()
    box.csv("b.csv", "1,a")
    (batch,) = box.world.run_well().batches
    assert (batch.kind, batch.tally.read, batch.tally.unchanged, batch.sent.total) == (
        "data",
        1,
        1,
        0,
    )
    assert [name for _, name, *_ in box.files()] == ["a.csv", "b.csv"]


def test_a_corrected_file_closes_what_it_left(box: Desk, capsys: Capsys) -> None:
    box.csv("a.csv", "1,a,b", "2,ok", "x,y", "3,c", "3,d", "9,y,z")
    outcome = box.world.run_well()
    tally = outcome.batches[-1].tally
    assert (tally.read, tally.inserted, tally.quarantined) == (6, 1, 5)
    assert box.set_aside(capsys) == [
        ("wrong_columns", None, "a.csv, line 2"),
        ("wrong_columns", None, "a.csv, line 7"),
        ("repeated_key", None, "a.csv, line 6"),
        ("malformed", "id", "a.csv, line 4"),
    ]
    refused = box.call(capsys, "quarantine", "j", "--retry")
    assert (refused.code, "put it there again" in refused.err) == (2, True)
    box.csv("a.csv", "1,a", "2,ok", "4,y", "3,d")
    tally = box.world.run_well().batches[-1].tally
    assert (tally.inserted, tally.unchanged, tally.quarantined) == (3, 1, 0)
    assert box.quarantine(capsys) == []
    query = "SELECT closed_why, count(*) FROM bh_quarantine GROUP BY 1 ORDER BY 1"
    assert box.world.sql("exchange", query) == [("accepted", 1), ("its file was taken again", 3)]


@pytest.mark.parametrize("other", ["a_.csv.csv", "ab.csv", "A_.csv", "a_.csv, more.csv"])
def test_a_file_closes_nothing_that_another_has_left(box: Desk, capsys: Capsys, other: str) -> None:
    """Whatever the two are called, and though it had left the same key itself before."""
    box.csv("a_.csv", "x,1", "z,1")
    box.world.run_well()
    box.csv("a_.csv", "1,fine", "z,1")
    box.world.run_well()
    box.csv(other, "x,2", "y,2")
    box.world.run_well()
    box.csv("a_.csv", "1,fine", "2,too")
    assert box.world.run_well().quarantined == 2
    left = {(entry["reason"], entry["place"]) for entry in box.quarantine(capsys)}
    assert left == {("malformed", f"{other}, line 2"), ("malformed", f"{other}, line 3")}


@pytest.mark.parametrize("job", ["j", "k"], ids=["in another epoch", "of another job"])
def test_a_file_closes_nothing_of_one_whose_batch_has_its_number(box: Desk, job: str) -> None:
    columns = {"id": {"type": "integer"}, "v": {}}
    target = {"endpoint": "target", "table": "k"}
    box.job("*.csv", columns, key=["id"], name="k", target=target)
    first = box.csv("a.csv", "1,a")
    box.world.run_well()
    first.unlink()
    box.csv("b.csv", "y,1")
    assert (box.world.resync() if job == "j" else box.world.run_well("k")).quarantined == 1
    box.csv("a.csv", "1,b")
    assert box.world.run_well(job).quarantined == 1


def test_a_row_that_is_wrong_again_stays_open(box: Desk, capsys: Capsys) -> None:
    for value in "ab":
        box.csv("a.csv", f"1,{value}", "x,y")
        assert box.world.run_well().quarantined == 1
        (entry,) = box.quarantine(capsys)
        assert (entry["reason"], entry["place"]) == ("malformed", "a.csv, line 3")
    assert box.world.sql("exchange", "SELECT seen FROM bh_quarantine") == [(2,)]


def test_a_file_that_grew_under_the_same_stamp_is_taken_again(box: Desk) -> None:
    """As a copy may bear the stamp of its original."""
    path = box.csv("a.csv", "1,a")
    box.world.run_well()
    stamps = path.stat()
    path.write_text("id,v\n1,a\n2,b\n", "utf-8")
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    (batch,) = box.world.run_well().batches
    assert (batch.tally.inserted, batch.tally.unchanged) == (1, 1)
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]


def test_a_file_of_the_same_size_and_an_older_stamp_is_taken_again(box: Desk) -> None:
    """As a copy of yesterday's bears yesterday's."""
    path = box.csv("a.csv", "1,a")
    box.world.run_well()
    stamps = path.stat()
    path.write_text("id,v\n1,b\n", "utf-8")
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns - 1))
    (batch,) = box.world.run_well().batches
    assert batch.tally.updated == 1
    assert box.target("id, v", "id") == [(1, "b")]


def test_a_file_is_held_against_how_it_was_taken_last(box: Desk) -> None:
    """Put back to what it was once, it brings that again."""
    for value in "aba":
        box.csv("a.csv", f"1,{value}")
        box.world.run_well()
        assert box.target("id, v", "id") == [(1, value)]
        (silent,) = box.world.run_well().batches
        assert silent.kind == "empty"


def test_a_holder_that_lost_its_job_takes_no_copy_away(make: MakeWorld) -> None:
    """In a store that would keep a dropped table dropped."""
    box = Desk(make("sqlite", "mysql", "sqlite"), "csv")
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"])
    box.csv("a.csv", "1,a", "2,a")
    box.world.run_well()
    with hold(box.world.deployment, box.world.deployment.job("j"), 0) as held:
        plan = plan_whole(held)
        box.world.sql("exchange", "UPDATE bh_job SET token = token + 1")
        with pytest.raises(Busy, match="another run has taken over"):
            begin(held, plan)
    assert box.world.sql("exchange", "SELECT count(*) FROM bh_copy_j") == [(2,)]


def test_a_file_of_many_parts_is_one_batch(box: Desk) -> None:
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], chunk_rows=10)
    box.csv("a.csv", *(f"{n},v{n}" for n in range(5000)))
    batches = box.world.run_well().batches
    assert [b.tally.inserted for b in batches] == [0, 5000]
    assert box.target("count(*), min(id), max(id)", "1") == [(5000, 0, 4999)]


@pytest.mark.parametrize("point", [*FILE_POINTS[:2], "window.sealing", "window.sealed"])
@pytest.mark.parametrize("hit", [1, 2])
def test_a_run_that_is_killed_takes_each_file_once(box: Desk, point: str, hit: int) -> None:
    if point.startswith("files") and hit == 2:
        hit = 1
        box.csv("first.csv", "9,z")
    box.csv("a.csv", "1,a", "2,a")
    box.csv("b.csv", "2,b", "3,b")
    assert killed(box.world.run, hit, point)
    box.world.run_well()
    assert [r for r in box.target("id, v", "id") if r[0] < 9] == [(1, "a"), (2, "b"), (3, "b")]
    names = [name for _, name, *_ in box.files()]
    assert sorted(names) == sorted(set(names))
    assert {b["state"] for b in box.world.batches()} == {"reconciled"}


@pytest.mark.parametrize("point", FILE_POINTS[2:4])
def test_a_run_that_is_killed_says_once_that_there_was_no_file(box: Desk, point: str) -> None:
    box.csv("a.csv", "1,a", "2,a")
    box.world.run_well()
    assert killed(box.world.run, 1, point)
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "a"), (2, "a")]
    sealed = [(b["kind"], b["state"]) for b in box.world.batches()[2:]]
    assert set(sealed) == {("empty", "reconciled")}
    assert len(sealed) == 2 - (point == "files.telling")


def test_what_is_open_or_young_is_in_flight(desk: Desk, capsys: Capsys) -> None:
    columns = {"id_no": {}, "name": {}}
    desk.job("*.xlsx", columns)
    rows = [["id_no", "name"], ["1", "a"]]
    desk.put("open.xlsx", lambda path: write_xlsx(path, rows))
    (desk.folder / "~$open.xlsx").write_bytes(b"")
    outcome = desk.world.run()
    assert (outcome.verdict, outcome.exit_code) == ("in_flight", 0)
    assert outcome.holders == ("open.xlsx is open in a spreadsheet program",)
    assert "open.xlsx is open" in desk.call(capsys, "check", "j").out.replace("\n", " ")
    (desk.folder / "~$open.xlsx").unlink()
    desk.world.run_well()
    assert desk.target("id_no, name") == [("1", "a")]


def test_a_file_that_comes_too_late_is_told(box: Desk) -> None:
    """Its rows count, until a resync takes all in their order."""
    box.csv("2.csv", "1,new")
    box.world.run_well()
    os.utime(box.csv("1.csv", "1,old"), (1_600_000_000, 1_600_000_000))
    box.world.run_well()
    told = "it is older than what was taken before it, and counts later"
    assert [told in str(batch["note"]) for batch in box.world.batches()] == [False, False, True]
    box.world.resync()
    assert [told in str(batch["note"]) for batch in box.world.batches()[3:]] == [False] * 3
    assert box.target("v", "id") == [("new",)]


def test_no_file_overtakes_an_older_one_that_must_be_waited_for(box: Desk) -> None:
    """Of two with one key the later counts. One that was taken already is just looked at."""
    box.csv("0.csv", "9,z")
    box.world.run_well()
    box.csv("1.csv", "1,old")
    box.csv("2.csv", "1,new")
    for name in "12":  # as a share that counts in whole seconds has it
        os.utime(box.folder / f"{name}.csv", (1_800_000_000, 1_800_000_000))
    marks = [box.folder / f".~lock.{name}.csv#" for name in "01"]
    for mark in marks:
        mark.write_bytes(b"")
    outcome = box.world.run()
    assert (outcome.verdict, len(outcome.holders)) == ("in_flight", 2)
    assert box.target("id, v", "id") == [(9, "z")]
    marks[1].unlink()
    assert box.world.run().verdict == "in_flight"
    assert box.target("id, v", "id") == [(1, "new"), (9, "z")]


def test_a_deviation_is_put_right_when_every_file_has_arrived(box: Desk) -> None:
    """And not by the image without rows that a resync begins with."""
    deviate(box)
    assert killed(box.world.resync, 1, "push.compared")
    assert "deviated" in box.states()
    bad = box.put("b.csv", lambda path: path.write_text("wrong,names\n3,c\n", "utf-8"))
    assert box.world.run().exit_code == 4
    compared = reconcile_job(box.world.deployment, "j").outcome
    assert (compared.verdict, compared.deviation > 0) == ("deviation", True)
    bad.unlink()
    assert box.world.run_well().deviation == 0
    assert box.states() == {"reconciled"}
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]


def test_a_deviation_is_not_put_right_by_files_that_were_pulled_alone(box: Desk) -> None:
    deviate(box)
    assert killed(box.world.resync, 1, "push.compared")
    for _ in range(2):  # with both files to take, then with none
        box.world.run("j", pull_only)
    assert box.states() == {"reconciled", "deviated", "sealed"}
    assert box.world.run_well().deviation == 0
    assert box.states() == {"reconciled"}


def test_a_deviation_is_put_right_by_the_resync_itself_where_nothing_stands_in_the_way(
    box: Desk,
) -> None:
    deviate(box)
    outcome = box.world.resync()
    assert (outcome.verdict, outcome.deviation, box.states()) == ("reconciled", 0, {"reconciled"})


@pytest.mark.parametrize("point", FILE_POINTS[4:])
def test_a_run_that_is_killed_puts_right_what_deviated(box: Desk, point: str) -> None:
    deviate(box)
    assert killed(box.world.resync, 1, point)
    box.world.run_well()
    assert box.states() == {"reconciled"}
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]


def deviate(box: Desk) -> None:
    """A row was taken away at the target, and the next file changes it."""
    box.csv("a.csv", "1,a", "2,a")
    box.world.run_well()
    box.world.sql("target", "DELETE FROM t WHERE id = '2'")
    box.csv("c.csv", "2,b")
    assert (box.world.run().verdict, box.states()) == ("deviation", {"deviated", "reconciled"})


def test_a_resync_takes_every_file_that_is_there(box: Desk, capsys: Capsys) -> None:
    box.csv("a.csv", "1,a", "2,a")
    box.csv("b.csv", "2,b")
    box.csv("gone.csv", "7,z", "x,y")
    assert box.world.run_well().quarantined == 1
    (box.folder / "gone.csv").unlink()
    told = box.call(capsys, "check", "j").out
    assert "1 of 3 files taken are no longer there: gone.csv" in " ".join(told.split())
    outcome = box.world.resync()
    assert outcome.error is None
    assert [b.kind for b in outcome.batches] == ["resync", "data", "data"]
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]
    assert box.quarantine(capsys) == []  # nobody could correct what is no longer there


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"wrong.csv": "no,names\n3,c\n"}, 4),
        ({"cut.csv": 'id,v\n3,c\n4,"d\n'}, 4),
        ({".~lock.b.csv#": ""}, 0),
        (None, 4),
    ],
    ids=["wrong", "cut", "open", "none"],
)
def test_a_resync_takes_nothing_away_before_each_file_was_read(
    box: Desk, others: dict[str, str] | None, code: int
) -> None:
    """Whoever reads the target meanwhile, a job after this one say, finds what was there."""
    files = [box.csv("a.csv", "1,a"), box.csv("b.csv", "2,b")]
    box.world.run_well()
    for file in files if others is None else []:
        file.rename(box.world.directory / file.name)
    for name, content in (others or {}).items():
        (box.folder / name).write_text(content, "utf-8")
        if name == "cut.csv":  # which is the oldest, as others are the newest
            os.utime(box.folder / name, (1_600_000_000, 1_600_000_000))
    outcome = box.world.resync()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", code, [])
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]
    for name in others or {}:
        (box.folder / name).unlink()
    for file in files if others is None else []:
        (box.world.directory / file.name).rename(file)
    assert [b.kind for b in box.world.run_well().batches] == ["resync", "data", "data"]
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]


def test_a_table_is_not_taken_over_for_files_that_are_not_there(box: Desk) -> None:
    made = "CREATE TABLE t (id integer PRIMARY KEY, v text)"
    box.world.sql("target", made, "INSERT INTO t VALUES (7, 'theirs')")
    target = {"endpoint": "target", "table": "t", "adopt": True}
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], target=target)
    assert (box.world.run().exit_code, box.target("id, v", "id")) == (4, [(7, "theirs")])
    box.csv("a.csv", "1,a")
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "a")]


def test_a_restored_ledger_deletes_nothing_that_the_folder_lacks(box: Desk, tmp_path: Path) -> None:
    """Files that were taken are put away sooner or later."""
    box.csv("1.csv", "1,a")
    box.world.run_well()
    backup = Backup(box.world, "exchange")
    box.csv("2.csv", "2,a")
    box.world.run_well()
    backup.restore()
    for file in box.folder.iterdir():
        file.rename(tmp_path / file.name)
    outcome = box.world.run()
    assert (outcome.verdict, outcome.exit_code) == ("gap", 1)
    assert "put back the files that were taken" in str(outcome.error)
    assert box.target("id", "id") == [(1,), (2,)]
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).rename(box.folder / name)
    assert box.world.resync().verdict == "reconciled"
    assert box.target("id", "id") == [(1,), (2,)]


def test_files_are_taken_though_the_clock_was_set_back(
    box: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(SheetConnector, "clock", lambda _: datetime.now(UTC) + timedelta(days=3))
        assert [b.kind for b in box.world.run_well().batches] == ["first", "empty"]
    assert [b.kind for b in box.world.run_well().batches] == ["empty"]
    box.csv("a.csv", "1,a")
    assert [b.kind for b in box.world.run_well().batches] == ["data"]
    assert [b.kind for b in box.world.run_well().batches] == ["empty"]
    assert box.target("id, v", "id") == [(1, "a")]


def test_an_ending_in_capitals_is_the_same(box: Desk) -> None:
    """As Windows writes it: a file that was passed over would be missed by nobody."""
    box.csv("A.CSV", "1,a")
    box.csv("b.Csv", "2,b")
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]


def test_a_file_is_called_by_its_name_also_where_it_reads_like_a_pattern(
    box: Desk, capsys: Capsys
) -> None:
    name = "人口[2024].csv"
    box.job(name, {"id": {"type": "integer"}, "v": {}}, key=["id"])
    box.csv(name, "1,a", "2,b")
    box.csv("人口2.csv", "3,c")
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "a"), (2, "b")]
    told = box.call(capsys, "check", "j")
    assert (told.code, "no longer there" in told.out) == (0, False)


@pytest.mark.parametrize("capture", ["files", "compare"])
def test_a_name_that_is_no_utf8_is_told(box: Desk, capsys: Capsys, capture: str) -> None:
    """As a share of an old system has it. A job that does not mean the file takes its own."""
    columns = {"id": {"type": "integer"}, "v": {}}
    box.job("人员*.csv", columns, key=["id"], capture={"method": capture})
    box.csv("人员1.csv", "1,a")
    box.world.run_well()
    named = os.fsencode(box.folder) + "/人员2.csv".encode("gbk")
    (box.folder / "人员1.csv").rename(os.fsdecode(named))
    for words in (["run", "j"], ["check", "j"]):
        told = box.call(capsys, *words)
        assert told.code == 4
        assert "人员2.csv: the bytes of its name are no UTF-8" in (told.out + told.err)
    assert box.call(capsys, "discover", "sheets").code == 0
    target = {"endpoint": "target", "table": "other"}
    box.job("b*.csv", columns, "k", key=["id"], target=target)
    box.csv("b.csv", "2,b")
    box.world.run_well("k")


# -- the whole picture ---------------------------------------------------------------------------

WHOLE = {"method": "compare"}


def test_the_newest_file_is_the_whole_picture(box: Desk) -> None:
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], capture=WHOLE)
    missing = box.world.run()
    assert missing.exit_code == 4
    assert "there is no file" in str(missing.error)
    box.csv("1.csv", "1,a", "2,b", "3,c")
    box.world.run_well()
    box.csv("2.csv", "2,b", "3,C", "4,d")
    (batch,) = box.world.run_well().batches
    tally = batch.tally
    assert (tally.inserted, tally.updated, tally.deleted, tally.unchanged) == (1, 1, 1, 1)
    assert [name for _, name, *_ in box.files()] == ["1.csv", "2.csv"]
    (box.folder / "1.csv").unlink()
    (box.folder / "2.csv").unlink()
    assert box.world.run().exit_code == 4  # no picture is not an empty one
    assert box.target("count(*)", "1") == [(3,)]


def test_a_row_that_may_be_any_keeps_all_others(box: Desk, capsys: Capsys) -> None:
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], capture=WHOLE)
    box.csv("1.csv", "1,a", "2,b", "3,c")
    box.world.run_well()
    box.csv("2.csv", "1,a", "2,b,", "4,d")  # 2 cannot be read, 3 is gone
    (batch,) = box.world.run_well().batches
    assert (batch.tally.inserted, batch.tally.deleted, batch.tally.quarantined) == (1, 0, 1)
    assert "no row was taken for deleted: the key of 1 cannot be read" in str(batch.note)
    assert box.target("id", "id") == [(1,), (2,), (3,), (4,)]
    box.csv("2.csv", "1,a", "2,x", "4,d")
    (batch,) = box.world.run_well().batches
    assert (batch.tally.updated, batch.tally.deleted) == (1, 1)
    assert box.target("id, v", "id") == [(1, "a"), (2, "x"), (4, "d")]
    assert box.quarantine(capsys) == []


@pytest.mark.parametrize("pattern", ["*.csv", "2.csv"])
def test_the_newest_file_is_waited_for(box: Desk, capsys: Capsys, pattern: str) -> None:
    """No picture before it is taken in its place, and none that is open."""
    box.job(pattern, {"id": {"type": "integer"}, "v": {}}, key=["id"], capture=WHOLE)
    box.csv("1.csv", "1,a")
    box.csv("2.csv", "1,b", "2,b")
    box.world.run_well()
    box.csv("2.csv", "2,c")
    mark = box.folder / ".~lock.2.csv#"
    mark.write_bytes(b"")
    outcome = box.world.run()
    assert (outcome.verdict, outcome.exit_code, outcome.batches) == ("in_flight", 0, [])
    assert outcome.holders == ("2.csv is open in a spreadsheet program",)
    assert box.target("id, v", "id") == [(1, "b"), (2, "b")]
    assert box.call(capsys, "check", "j").code == 0
    mark.unlink()
    box.world.run_well()
    assert box.target("id, v", "id") == [(2, "c")]


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_file_that_grows_is_no_picture_whatever_the_clock_of_its_share(
    box: Desk, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """A minute fast or slow, which its stamps are then too."""
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], capture=WHOLE)
    box.csv("1.csv", "1,a", "2,a")
    box.world.run_well()
    lines = ["id,v\n", "1,b\n", "2,b\n"]
    now = time.time

    def grow(_: float = 0) -> None:
        with (box.folder / "2.csv").open("a", encoding="utf-8") as stream:
            stream.write(lines.pop(0))

    grow()
    monkeypatch.setattr("connectors.sheet.folder.time.time", lambda: now() + seconds)
    with monkeypatch.context() as slowly:
        slowly.setattr("connectors.sheet.folder.time.sleep", grow)
        assert box.world.run().holders == ("2.csv was written a moment ago",)
    assert box.target("id, v", "id") == [(1, "a"), (2, "a")]
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "b")]


def test_a_picture_before_the_one_that_is_gone_is_not_the_newest(box: Desk) -> None:
    box.job("*.csv", {"id": {"type": "integer"}, "v": {}}, key=["id"], capture=WHOLE)
    older = box.csv("1.csv", "1,a")
    box.world.run_well()
    box.csv("2.csv", "1,b", "2,b")
    box.world.run_well()
    (box.folder / "2.csv").unlink()
    outcome = box.world.run()
    assert outcome.exit_code == 4
    assert "2.csv, which was compared last, is gone, and 1.csv is older" in str(outcome.error)
    assert box.target("id, v", "id") == [(1, "b"), (2, "b")]
    os.utime(older)  # somebody says that this is how things are
    box.world.run_well()
    assert box.target("id, v", "id") == [(1, "a")]
    again = box.csv("1.csv", "1,c")  # a file may come again with an older stamp
    os.utime(again, (1_600_000_000, 1_600_000_000))
    for _ in range(2):
        box.world.run_well()
    assert box.target("id, v", "id") == [(1, "c")]


@pytest.mark.parametrize("key", [["id", "no"], ["no", "id"]])
@pytest.mark.parametrize("unknown", [",2,x", "1,,x"])
def test_a_row_that_lacks_a_part_of_its_key_may_be_any(
    box: Desk, unknown: str, key: list[str]
) -> None:
    columns = {"id": {"type": "integer"}, "no": {"type": "integer"}, "v": {}}
    box.job("*.csv", columns, key=key, capture=WHOLE)
    box.put("1.csv", lambda path: path.write_text("id,no,v\n1,1,a\n1,2,b\n", "utf-8"))
    box.world.run_well()
    box.put("2.csv", lambda path: path.write_text(f"id,no,v\n1,1,a\n{unknown}\n", "utf-8"))
    (batch,) = box.world.run_well().batches
    assert (batch.tally.deleted, batch.tally.quarantined) == (0, 1)
    assert box.target("id, no, v", "no") == [(1, 1, "a"), (1, 2, "b")]


@pytest.mark.parametrize("unknown", ["3,,x", "x3,2,x", "3,2?,x"])
def test_a_row_that_may_be_any_keeps_those_of_parts_before_it(box: Desk, unknown: str) -> None:
    """The row of (1, 2) is missing in a part that is sealed before the unknown key is read."""
    columns = {"id": {"type": "integer"}, "no": {"type": "integer"}, "v": {}}
    box.job("*.csv", columns, key=["id", "no"], capture=WHOLE, chunk_rows=2)
    places = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    write(box, "1.csv", *(f"{id},{no},a" for id, no in places))
    box.world.run_well()
    write(box, "2.csv", *(f"{id},{no},b" for id, no in places if no == 1), "2,2,b", unknown)
    tallies = [batch.tally for batch in box.world.run_well().batches]
    assert (sum(t.deleted for t in tallies), sum(t.quarantined for t in tallies)) == (0, 1)
    assert box.target("count(*)", "1") == [(6,)]


def test_a_row_that_may_be_any_keeps_all_others_in_a_run_that_goes_on(box: Desk) -> None:
    """What was read of the file before it was cut off is not read again."""
    columns = {"id": {"type": "integer"}, "v": {}}
    box.job("*.csv", columns, key=["id"], capture=WHOLE, chunk_rows=2)
    box.csv("1.csv", *(f"{number},a" for number in range(1, 9)))
    box.world.run_well()
    box.csv("2.csv", ",b", *(f"{number},b" for number in range(1, 9) if number != 7))
    arm(at("window.sealing", 3, cut_off))
    box.world.run_well()  # it tries again by itself
    arm(None)
    assert [batch["deleted"] for batch in box.world.batches()] == [0] * len(box.world.batches())
    assert (7, "a") in box.target("id, v", "id")


def write(box: Desk, name: str, *lines: str) -> None:
    text = "\n".join(["id,no,v", *lines]) + "\n"
    box.put(name, lambda path: path.write_text(text, "utf-8"))


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_row_that_may_be_any_keeps_those_of_all_parts(box: Desk, place: int) -> None:
    """Wherever in its file it stands."""
    columns = {"id": {"type": "integer"}, "v": {}}
    box.job("*.csv", columns, key=["id"], capture=WHOLE, chunk_rows=2)
    box.csv("1.csv", *(f"{number},a" for number in range(1, 10)))
    box.world.run_well()
    rows = ["1,b", "3,b", "8,b", "9,b"]
    rows.insert(place, "5,b,")
    box.csv("2.csv", *rows)
    tallies = [batch.tally for batch in box.world.run_well().batches]
    assert (sum(t.updated for t in tallies), sum(t.deleted for t in tallies)) == (4, 0)
    assert box.target("count(*)", "1") == [(9,)]


# -- configuration -------------------------------------------------------------------------------


def test_check_counts_files_and_looks_at_a_sample(box: Desk, capsys: Capsys) -> None:
    box.csv("a.csv", "1,a", "2,b,")
    told = box.call(capsys, "check", "j", "--json")
    found = {line["what"]: line["found"] for line in told.json}
    assert "1 complete files" in found["files"]
    assert found["sample"] == (
        "a.csv: 2 rows, 2 of them looked at; to be set aside: 1 wrong_columns, "
        "the first at a.csv, line 3"
    )
    assert not [line for line in told.json if line["found"].startswith("sheets: its clock")]
    assert found["guarantee"].startswith("bounded")
    listed = box.call(capsys, "discover", "sheets", "--json").json
    assert listed == ["a.csv"]
    shown = box.call(capsys, "discover", "sheets", "a.csv", "--json").json
    assert [c["column"] for c in shown["columns"]] == ["id", "v"]


@pytest.mark.parametrize("content", [{}, {"columns": {"id_no": {}, "name": {}}}])
def test_a_file_without_its_row_of_names_is_not_quoted(
    box: Desk, capsys: Capsys, content: dict[str, Any]
) -> None:
    """Its first row is somebody's, and what is told of it goes into events and alarms."""
    source = {"endpoint": "sheets", "table": "*.csv"}
    box.world.job("j", source=source, key=["id_no"], capture={"method": "files"}, **content)
    box.put("a.csv", lambda path: path.write_text(f"{ID},张三丰\n", "utf-8"))
    told = [box.call(capsys, *words) for words in (("run", "j"), ("status",), ("events",))]
    assert (told[0].code, "no column id_no" in told[0].err) == (4, True)
    for said in [*(one.out + one.err for one in told), str(events(box))]:
        assert ID not in said
        assert "张三丰" not in said


def events(box: Desk) -> list[tuple[Any, ...]]:
    return box.world.sql("exchange", "SELECT * FROM bh_event")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"capture": {"method": "cursor", "column": "v"}}, "cursor does not go with a source of"),
        ({"key": []}, "no key does not go with a source of files"),
        ({"columns": {"id": {"charset": "gbk"}, "v": {}}}, "a file has one: set source.charset"),
    ],
)
def test_what_makes_no_sense_of_files(box: Desk, content: dict[str, Any], message: str) -> None:
    columns = content.get("columns", {"id": {"type": "integer"}, "v": {}})
    more = {"key": ["id"]} | {k: v for k, v in content.items() if k != "columns"}
    box.job("*.csv", columns, **more)
    outcome = box.world.run()
    assert outcome.exit_code == 2
    assert message in str(outcome.error)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"capture": {"method": "files"}}, "capture method files does not go with a source of"),
        ({"columns": {"id": {"type": "integer"}}}, "a table says its types itself"),
        ({"source": {"endpoint": "source", "table": "t", "sheet": "x"}}, "source.sheet does not"),
    ],
)
def test_what_makes_no_sense_of_tables(box: Desk, more: dict[str, Any], message: str) -> None:
    box.world.make_table(1)
    box.world.job("j", **({"capture": {"method": "compare"}} | more))
    outcome = box.world.run()
    assert outcome.exit_code == 2
    assert message in str(outcome.error)


def test_files_are_never_written(box: Desk, capsys: Capsys) -> None:
    box.world.job("j", target={"endpoint": "sheets", "table": "t"}, capture={"method": "compare"})
    told = box.call(capsys, "run", "j")
    assert told.code == 2
    assert "'sheets' is of family csv, which can only be a source; name a database" in told.err
    file = box.world.directory / "bridgehead.yaml"
    file.write_text(
        file.read_text("utf-8").replace("exchange: exchange", "exchange: sheets"), "utf-8"
    )
    told = box.call(capsys, "check")
    assert told.code == 2
    assert "can only be a source" in told.err
