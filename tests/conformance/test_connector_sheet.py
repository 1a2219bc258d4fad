"""Folders of workbooks and CSV files: what stands in a cell arrives as it is, or is named."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import struct
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.canonical import PLACE, UNREADABLE, WHY
from connectors.connector import Connector
from connectors.endpoint import Endpoint
from connectors.errors import (
    BridgeheadError,
    ConfigurationError,
    ConnectionLost,
    MissingObject,
    StructureMismatch,
    Unreachable,
)
from connectors.registry import FAMILIES, connect
from connectors.selection import Output, Selection
from connectors.table import Column, Kind, Table, TableName, Type
from connectors.template import FIRST_ROW, MARK, NAMES_ROW, SHEET, VERSION, VERSION_NOW
from tests.sheetfile import NA, write_ods, write_xls, write_xlsx

TEXT = Type(Kind.TEXT)
DATE = Type(Kind.DATE)
UUID = Type(Kind.UUID)


@contextmanager
def opened(folder: Path, family: str = "excel", **options: str) -> Iterator[Connector]:
    options = {"settle": "0", **options}
    with connect(Endpoint("sheets", family, path=str(folder), options=options)) as store:
        yield store


def read(
    folder: Path,
    file: str,
    kinds: dict[str, Type],
    family: str = "",
    charset: str = "",
    **options: str,
) -> list[dict[str, Any]]:
    """Every row in key order, the first column being the key."""
    family = family or ("csv" if file.endswith(".csv") else "excel")
    columns = tuple(Column(name, kind, charset=charset) for name, kind in kinds.items())
    with opened(folder, family, **options) as store, store.snapshot():
        outputs = tuple(Output(column, column.type) for column in columns)
        stream = store.read(Selection(Table(TableName(file), columns), outputs, columns[:1]))
        rows = [row for batch in stream.part(100_000) for row in batch.to_pylist()]
        assert stream.exhausted
        assert stream.handed_out == len(rows)
        origin = store.file_read(TableName(file))
        assert origin is not None
        assert origin.rows == len(rows)
    return rows


def sound(rows: list[dict[str, Any]], *names: str) -> list[Any]:
    return [tuple(row[n] for n in names) for row in rows if row.get(UNREADABLE) is None]


def faults(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(place in the file, column, why) of the rows at fault."""
    bad = [row for row in rows if row.get(UNREADABLE) is not None]
    return sorted((row[PLACE], row[UNREADABLE], row[WHY]) for row in bad)


# -- cells ---------------------------------------------------------------------------------------

TRUTHS = [(True, "true"), (False, "false")]
BITS = [(True, "1"), (False, "0")]
NUMBERS = [Type(Kind.INTEGER), Type(Kind.DECIMAL), Type(Kind.FLOAT)]
CELLS = [
    ("110101199003071234", TEXT, "110101199003071234"),
    ("007", TEXT, "007"),
    ("  a\tb\n𠮷䶮㛃 ", TEXT, "  a\tb\n𠮷䶮㛃 "),
    ("_x0041_ =1+1", TEXT, "_x0041_ =1+1"),
    ("#N/A", TEXT, "#N/A"),
    (7, TEXT, "7"),
    (123456789012345, TEXT, "123456789012345"),
    (-0.0, TEXT, "0"),
    (0.1, TEXT, "0.1"),
    (0.00001234, TEXT, "0.00001234"),
    (-0.00001234, Type(Kind.DECIMAL), "-0.00001234"),
    (-0.123456789012345, Type(Kind.DECIMAL), "-0.123456789012345"),
    (0.0123456789012345, TEXT, "0.0123456789012345"),
    (7, Type(Kind.INTEGER), "7"),
    ("0012", Type(Kind.INTEGER), "12"),
    (12.5, Type(Kind.DECIMAL, precision=10, scale=2), "12.5"),
    (1e300, Type(Kind.FLOAT), "1e+300"),
    (0.1234567890123456, Type(Kind.FLOAT), "0.1234567890123456"),
    *((word, Type(Kind.FLOAT), word) for word in ("x1.5", "nan", "-inf", "1e999")),
    *((cell, kind, word) for cell, word in TRUTHS for kind in (Type(Kind.BOOLEAN), TEXT)),
    *((cell, kind, digit) for cell, digit in BITS for kind in NUMBERS),
    (1, Type(Kind.BOOLEAN), "true"),
    (0, Type(Kind.BOOLEAN), "false"),
    (2, Type(Kind.BOOLEAN), "2"),
    ("否", Type(Kind.BOOLEAN), "false"),
    ("maybe", Type(Kind.BOOLEAN), "maybe"),
    (date(2024, 6, 12), DATE, "2024-06-12"),
    (date(2024, 6, 12), TEXT, "2024-06-12"),
    (date(2024, 6, 12), Type(Kind.TIMESTAMP), "2024-06-12 00:00:00"),
    (datetime(2024, 6, 12, 8, 30), DATE, "2024-06-12 08:30:00"),
    (datetime(2024, 6, 12, 8, 30, 5), Type(Kind.TIMESTAMP), "2024-06-12 08:30:05"),
    ("2024/6/2", DATE, "2024-06-02"),
    ("2024年6月2日", DATE, "2024-06-02"),
    ("20240602", DATE, "2024-06-02"),
    ("6/2/2024", DATE, "6/2/2024"),
    (" 2024.6.2 ", DATE, "2024-06-02"),
    (" soon ", DATE, " soon "),
    (" 2024/6/2 ", Type(Kind.TIMESTAMP), "2024-06-02 00:00:00"),
    ("2024年6月2日 08:30", Type(Kind.TIMESTAMP), "2024-06-02 08:30:00"),
    ("20240602T08:30:05", Type(Kind.TIMESTAMP), "2024-06-02 08:30:05"),
    ("2024-06-02 10:00", Type(Kind.TIMESTAMP), "2024-06-02 10:00:00"),
    (" Tuesday, 08:30 ", Type(Kind.TIMESTAMP), " Tuesday, 08:30 "),
    (" +0012 ", Type(Kind.INTEGER), "12"),
    ("-07", Type(Kind.INTEGER), "-7"),
    ("-0", Type(Kind.INTEGER), "0"),
    ("x7", Type(Kind.INTEGER), "x7"),
    (" 1.50 ", Type(Kind.DECIMAL), "1.5"),
    (" 1.50 ", Type(Kind.FLOAT), "1.5"),
    (" TRUE ", Type(Kind.BOOLEAN), "true"),
    (" 0BF2A6D4-0000-4000-8000-0000000000AB ", UUID, "0bf2a6d4-0000-4000-8000-0000000000ab"),
    (45455, DATE, "45455"),
    (None, TEXT, None),
]


def test_cells_are_what_they_are(tmp_path: Path) -> None:
    kinds = {"k": TEXT} | {f"c{at}": kind for at, (_, kind, _) in enumerate(CELLS)}
    write_xlsx(tmp_path / "a.xlsx", [list(kinds), ["1", *(cell for cell, _, _ in CELLS)]])
    (row,) = read(tmp_path, "a.xlsx", kinds)
    assert row.get(UNREADABLE) is None
    assert [row[f"c{at}"] for at in range(len(CELLS))] == [text for _, _, text in CELLS]


@pytest.mark.parametrize(
    ("shown", "number", "text"),
    [
        ("0%", 0.5, "0.5"),
        ("¥#,##0.00", 1234.5, "1234.5"),
        ("h:mm:ss", 0.5, "12:00:00"),
        ("h:mm:ss.0", 43200.5 / 86400, "12:00:00.5"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("[h]:mm:ss.0", 1 + 43200.5 / 86400, "36:00:00.5"),
        ("yyyy-mm-dd hh:mm:ss.0", 45455 + 43200.5 / 86400, "2024-06-12 12:00:00.5"),
    ],
)
def test_a_format_is_no_value(tmp_path: Path, shown: str, number: float, text: str) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["k", "v"], ["1", number]], formats={(1, 1): shown})
    assert sound(read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT}), "v") == [(text,)]


CODES = [
    ("000000", 123, "000123"),
    ("000000", 1234567, "1234567"),
    ("000000_ ;[Red]\\-000000", 123, "000123"),
    ("[$-804]00", 7, "07"),
    ("0", 7, "7"),
    ("0000", 7.5, "7.5"),
    ("0000", -7, "-7"),
    ("0.00", 7, "7"),
    ("#,##0", 1234, "1234"),
]


def test_leading_zeros_that_are_shown_are_part_of_an_id(tmp_path: Path) -> None:
    """Those of a number are not. What a format adds else is no value."""
    names = [f"c{at}" for at in range(len(CODES))]
    formats = {(1, at): code for at, (code, _, _) in enumerate(CODES)}
    write_xlsx(tmp_path / "a.xlsx", [names, [number for _, number, _ in CODES]], formats=formats)
    (row,) = read(tmp_path, "a.xlsx", dict.fromkeys(names, TEXT))
    assert [row[name] for name in names] == [text for _, _, text in CODES]
    assert read(tmp_path, "a.xlsx", {"c0": Type(Kind.INTEGER)})[0]["c0"] == "123"


def test_leading_zeros_are_seen_wherever_they_lie_in_a_large_sheet(tmp_path: Path) -> None:
    path, rows = tmp_path / "a.xlsx", [["k", "v"], [1, "a"], [2, "b"]]
    write_xlsx(path, rows, formats={(1, 0): "000", (2, 0): "000"})
    for cut in (1, 9, 16):
        push(path, "xl/worksheets/sheet1.xml", b"<sheetData>", b'<c r="A2"', cut)
        assert sound(read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT}), "k") == [("001",), ("002",)]
        write_xlsx(path, rows, formats={(1, 0): "000", (2, 0): "000"})


def test_leading_zeros_in_a_workbook_of_excel_97(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["k", "v", "w"], [1, 2, 3], [4, "b", 5], [1 << 30, 7, 8]]
    write_xls(tmp_path / "a.xls", rows, shown="000")
    found = sound(read(tmp_path, "a.xls", {"k": TEXT, "v": TEXT, "w": TEXT}), "k", "v", "w")
    assert found == [("001", "002", "003"), ("004", "b", "005"), ("1073741824", "007", "008")]


@pytest.mark.parametrize("cut", [None, 1, 60])
def test_leading_zeros_in_an_ods_file_refuse_it(tmp_path: Path, cut: int | None) -> None:
    """Which cell it is cannot be told there."""
    write_ods(tmp_path / "a.ods", [["k", "v"], ["1", 7]], digits=3)
    if cut is not None:
        mark = b"<text:p>007"
        push(tmp_path / "a.ods", "content.xml", b"<office:spreadsheet>", mark, cut)
    with pytest.raises(StructureMismatch, match="it holds numbers that show leading zeros"):
        read(tmp_path, "a.ods", {"k": TEXT, "v": TEXT})
    write_ods(tmp_path / "a.ods", [["k", "v"], ["1", 0], ["2", 0.5], ["007", 1]])
    assert len(read(tmp_path, "a.ods", {"k": TEXT, "v": TEXT})) == 3


@pytest.mark.parametrize("kind", [TEXT, Type(Kind.INTEGER), Type(Kind.DECIMAL)])
@pytest.mark.parametrize(
    "number", [110101199003071234, 110101199003070000, 1e15, -1e15, 0.1234567890123456]
)
def test_a_number_that_lost_digits_is_never_guessed(
    tmp_path: Path, kind: Type, number: float
) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["id", "v"], [number, "a"], ["1", "b"]])
    rows = read(tmp_path, "a.xlsx", {"id": kind, "v": TEXT})
    assert faults(rows) == [("a.xlsx, 人员, row 2", "id", "digits_lost")]
    assert sound(rows, "id", "v") == [("1", "b")]
    assert all(row["id"] in (None, "1") for row in rows)


ERRORS = [["k", "v", "w"], ["1", NA, "a"], ["2", "b", NA], ["3", "c", "c"], [NA, NA, NA]]


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_an_error_is_no_empty_cell(tmp_path: Path, ending: str) -> None:
    write = write_xlsx if ending == "xlsx" else write_xls
    write(tmp_path / f"a.{ending}", ERRORS)
    rows = read(tmp_path, f"a.{ending}", {"k": TEXT, "v": TEXT, "w": TEXT})
    place = f"a.{ending}, 人员, row"
    assert faults(rows) == [
        (f"{place} 2", "v", "error_value"),
        (f"{place} 3", "w", "error_value"),
        (f"{place} 5", "k", "error_value"),
    ]
    assert sound(rows, "k") == [("3",)]
    # A column that is not shared harms nothing.
    assert faults(read(tmp_path, f"a.{ending}", {"k": TEXT, "v": TEXT})) == [
        (f"{place} 2", "v", "error_value"),
        (f"{place} 5", "k", "error_value"),
    ]


@pytest.mark.parametrize(("write", "ending"), [(write_xls, "xls"), (write_ods, "ods")])
def test_other_workbooks(tmp_path: Path, write: Any, ending: str) -> None:
    file = f"a.{ending}"
    write(tmp_path / file, [["id", "名"], ["007", "𠮷野"], ["8", 3], [110101199003071234, "x"]])
    rows = read(tmp_path, file, {"id": TEXT, "名": TEXT})
    assert sound(rows, "id", "名") == [("007", "𠮷野"), ("8", "3")]
    assert faults(rows) == [(f"{file}, 人员, row 4", "id", "digits_lost")]


def test_an_error_that_cannot_be_located_refuses_the_file(tmp_path: Path) -> None:
    write_ods(tmp_path / "a.ods", ERRORS)
    with pytest.raises(StructureMismatch, match=r"a\.ods: it holds cells with an error"):
        read(tmp_path, "a.ods", {"k": TEXT})


FORMULAS = """<c r="B{row}"{more}><f>A1&amp;"x"</f>{result}</c>"""


@pytest.mark.parametrize("result", ["", "<v></v>", "<v/>"])
@pytest.mark.parametrize("cut", [None, 1, 20])
def test_a_formula_without_its_result_is_no_empty_cell(
    tmp_path: Path, result: str, cut: int | None
) -> None:
    """As programs write it that do not compute. An empty text is a result."""
    path = tmp_path / "a.xlsx"
    write_xlsx(path, [["k", "v"], ["1", "two"], ["2", "three"], ["3", "four"]])
    cells = {2: ("", result), 3: (' t="str"', "<v></v>"), 4: (' t="str"', "<v>x</v>")}
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name).decode() for name in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    for row, (more, value) in cells.items():
        formula = FORMULAS.format(row=row, more=more, result=value)
        parts[name] = re.sub(rf'<c r="B{row}".*?</c>', formula, parts[name])
    with zipfile.ZipFile(path, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    if cut is not None:
        push(path, name, b"<sheetData>", b'<c r="B2"', cut)
    rows = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT})
    assert faults(rows) == [("a.xlsx, 人员, row 2", "v", "error_value")]
    assert sound(rows, "k", "v") == [("2", None), ("3", "x")]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("<table:covered-table-cell/>", "it holds merged cells"),
        ('<table:table-cell table:formula="of:=[.A1]"/>', "it holds formulas without their"),
    ],
)
def test_what_an_ods_file_cannot_say_refuses_it(tmp_path: Path, cell: str, message: str) -> None:
    path = tmp_path / "a.ods"
    write_ods(path, [["k", "v"], ["1", None]])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name).decode() for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content.replace("<table:table-cell/>", cell))
    with pytest.raises(StructureMismatch, match=message):
        read(tmp_path, "a.ods", {"k": TEXT, "v": TEXT})


def change(path: Path, part: str, pattern: bytes, replacement: bytes) -> None:
    """What fits the pattern in a part becomes the replacement."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    assert re.search(pattern, parts[part])
    parts[part] = re.sub(pattern, replacement, parts[part])
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


def push(path: Path, part: str, behind: bytes, mark: bytes, cut: int) -> None:
    """Room is put behind a tag of a part until a mark farther on lies `cut` bytes before a MB."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    room = (1 << 20) - parts[part].index(mark) - cut
    parts[part] = parts[part].replace(behind, behind + b" " * room, 1)
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


@pytest.mark.parametrize("cut", [1, 9, 16])
def test_an_error_is_seen_wherever_it_lies_in_a_large_sheet(tmp_path: Path, cut: int) -> None:
    """Sheets are looked through by the MB."""
    write_xlsx(tmp_path / "a.xlsx", [["k", "v"], ["1", NA], ["2", "b"]])
    push(tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml", b"<sheetData>", b'<c r="B2" t="e"', cut)
    rows = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT})
    assert faults(rows) == [("a.xlsx, 人员, row 2", "v", "error_value")]
    write_ods(tmp_path / "a.ods", ERRORS)
    mark = b'calcext:value-type="error"'
    push(tmp_path / "a.ods", "content.xml", b"<office:spreadsheet>", mark, cut)
    with pytest.raises(StructureMismatch, match=r"a\.ods: it holds cells with an error"):
        read(tmp_path, "a.ods", {"k": TEXT})


def test_dates_on_which_programs_disagree(tmp_path: Path) -> None:
    rows = [["k", "born"], ["1", 59], ["2", 60], ["3", 61]]
    day = "yyyy-mm-dd"
    write_xlsx(tmp_path / "a.xlsx", rows, formats=dict.fromkeys([(1, 1), (2, 1), (3, 1)], day))
    found = read(tmp_path, "a.xlsx", {"k": TEXT, "born": DATE})
    assert [why for _, _, why in faults(found)] == ["doubtful_date"] * 2
    assert sound(found, "born") == [("1900-03-01",)]


def test_merged_and_empty_rows(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet("人员")
        sheet.merge_range(0, 0, 0, 1, "a title above")
        for row, cells in enumerate([["k", "v"], ["1", "a"], [], ["2", "b"], ["3", None]], start=1):
            for at, cell in enumerate(cells):
                sheet.write(row, at, cell)
        sheet.merge_range(4, 1, 5, 1, "shared")
    rows = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT}, header="2")
    assert sound(rows, "k", "v") == [("1", "a")]
    assert faults(rows) == [
        ("a.xlsx, 人员, row 5", PLACE, "merged_cells"),
        ("a.xlsx, 人员, row 6", PLACE, "merged_cells"),
    ]


def test_a_first_row_whose_cells_are_merged_is_set_aside(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet("人员")
        for row, cells in enumerate([["k", "v", "w"], ["1"], ["2", "b", "c"]]):
            sheet.write_row(row, 0, cells)
        sheet.merge_range(1, 1, 1, 2, "both")
    rows = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT, "w": TEXT})
    assert faults(rows) == [("a.xlsx, 人员, row 2", PLACE, "merged_cells")]
    assert sound(rows, "k", "v", "w") == [("2", "b", "c")]


def test_all_rows_of_a_repeated_key_are_set_aside(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["n", "v"], ["01", "a"], [1, "b"], [2, "c"], [None, "d"]])
    rows = read(tmp_path, "a.xlsx", {"n": Type(Kind.INTEGER), "v": TEXT})
    assert [(place, why) for place, _, why in faults(rows)] == [
        ("a.xlsx, 人员, row 2", "repeated_key"),
        ("a.xlsx, 人员, row 3", "repeated_key"),
    ]
    assert sound(rows, "n", "v") == [(None, "d"), ("2", "c")]


def test_a_row_bears_its_key_whatever_else_is_wrong_with_it(tmp_path: Path) -> None:
    """Which of the two counts, the file does not say."""
    write_xlsx(tmp_path / "a.xlsx", [["n", "v"], ["1", "a"], ["1", NA], ["2", "b"], [NA, "c"]])
    rows = read(tmp_path, "a.xlsx", {"n": TEXT, "v": TEXT})
    assert sorted((place, why) for place, _, why in faults(rows)) == [
        ("a.xlsx, 人员, row 2", "repeated_key"),
        ("a.xlsx, 人员, row 3", "error_value"),
        ("a.xlsx, 人员, row 5", "error_value"),
    ]
    assert sound(rows, "n", "v") == [("2", "b")]


def test_rows_come_in_the_order_of_their_keys(tmp_path: Path) -> None:
    numbers = [10, 9, 100, -1, 2]
    write_xlsx(tmp_path / "a.xlsx", [["n"], *([n] for n in numbers)])
    rows = read(tmp_path, "a.xlsx", {"n": Type(Kind.INTEGER)})
    assert [row["n"] for row in rows] == ["-1", "2", "9", "10", "100"]


def test_the_data_may_begin_anywhere(tmp_path: Path) -> None:
    rows = [[], [], [None, None, "k", "", "v"], [None, None, "1", "x", "a"]]
    write_xlsx(tmp_path / "a.xlsx", rows)
    assert sound(read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT}, header="3"), "k", "v") == [
        ("1", "a")
    ]
    rows[3][4], rows[3][2] = NA, 7
    formats = {(3, 2): "000"}
    write_xlsx(tmp_path / "a.xlsx", rows, formats=formats)
    found = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT}, header="3")
    assert faults(found) == [("a.xlsx, 人员, row 4", "v", "error_value")]
    assert found[0]["k"] == "007"


def test_which_sheet(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        for name in ("hidden", "one", "two"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["k"])
            sheet.write_row(1, 0, [name])
        book.get_worksheet_by_name("one").activate()
        book.get_worksheet_by_name("hidden").hide()
    assert sound(read(tmp_path, "a.xlsx", {"k": TEXT}), "k") == [("one",)]
    assert sound(read(tmp_path, "a.xlsx", {"k": TEXT}, sheet="two"), "k") == [("two",)]
    with pytest.raises(StructureMismatch, match="no sheet 'three'; it has: one, two"):
        read(tmp_path, "a.xlsx", {"k": TEXT}, sheet="three")


@pytest.mark.parametrize("release", ["1", "2", ""])
def test_a_template_says_where_its_rows_are(tmp_path: Path, release: str) -> None:
    """Of its own sheet, and as long as nobody says it otherwise."""
    import xlsxwriter

    marks = [(VERSION, release), (SHEET, "2024"), (NAMES_ROW, 2), (FIRST_ROW, 4), ("a note",)]
    rows = [["k"], ["k"], ["编号"], ["1"]]
    with xlsxwriter.Workbook(tmp_path / "a.xlsx", {"strings_to_numbers": False}) as book:
        for name, content in ((MARK, marks), ("notes", rows), ("2024", rows)):
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(content):
                sheet.write_row(number, 0, cells)
    if release != VERSION_NOW:
        with pytest.raises(StructureMismatch, match="template was made by another release"):
            read(tmp_path, "a.xlsx", {"k": TEXT})
        return

    def places(**said: str) -> list[str]:
        return sorted(row[PLACE] for row in read(tmp_path, "a.xlsx", {"k": TEXT}, **said))

    assert places() == ["a.xlsx, 2024, row 4"]
    assert places(sheet="notes") == [f"a.xlsx, notes, row {row}" for row in (2, 3, 4)]
    assert places(header="2") == [f"a.xlsx, 2024, row {row}" for row in (3, 4)]
    with pytest.raises(StructureMismatch, match="no sheet 'x'; it has: notes, 2024"):
        read(tmp_path, "a.xlsx", {"k": TEXT}, sheet="x")


# -- CSV -----------------------------------------------------------------------------------------

LINES = 'id,name\r\n001,"张\n三, ""x"""\r\n2,𠮷\r\n\r\n3,\r\n'
WHOLE = [("001", '张\n三, "x"'), ("2", "𠮷"), ("3", None)]


@pytest.mark.parametrize(
    ("charset", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("gb18030", b""),
    ],
)
def test_charsets_that_leave_no_doubt(tmp_path: Path, charset: str, mark: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(mark + LINES.encode(charset))
    assert sound(read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT}), "id", "name") == WHOLE


@pytest.mark.parametrize("declared", ["gb18030", "utf-8"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_mark_counts_for_more_than_what_is_declared(
    tmp_path: Path, declared: str, charset: str
) -> None:
    mark = "\ufeff".encode(charset)
    (tmp_path / "a.csv").write_bytes(mark + LINES.encode(charset))
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT}, charset=declared)
    assert sound(rows, "id", "name") == WHOLE


@pytest.mark.parametrize("charset", ["gbk", "utf-8"])
def test_bytes_that_are_no_text_are_set_aside_with_their_line(tmp_path: Path, charset: str) -> None:
    good = "id,name\n1,张三\n".encode(charset)
    (tmp_path / "a.csv").write_bytes(good + b"2,\xff\x80,\n"[:-2] + b"\n3,ok\n")
    kinds = {"id": TEXT, "name": TEXT}
    with pytest.raises(StructureMismatch, match=r"its charset is in doubt: line \d is no UTF-8"):
        read(tmp_path, "a.csv", kinds)
    rows = read(tmp_path, "a.csv", kinds, charset=charset)
    assert sound(rows, "id", "name") == [("1", "张三"), ("3", "ok")]
    assert faults(rows) == [("a.csv, line 3", "name", "undecodable")]


def test_a_broken_row_shifts_nothing(tmp_path: Path) -> None:
    lines = ["id,name,born", '1,"a\nb",2024/6/1', "2,李,四,2024-06-02", "3", '4,"x"y,', '5,,"2024"']
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", "utf-8")
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT, "born": DATE})
    assert faults(rows) == [
        ("a.csv, line 4", PLACE, "wrong_columns"),
        ("a.csv, line 5", PLACE, "wrong_columns"),
        ("a.csv, line 6", PLACE, "not_csv"),
    ]
    found = sound(rows, "id", "name", "born")
    assert found == [("1", "a\nb", "2024-06-01"), ("5", None, "2024")]


def test_two_charsets_in_one_file_are_no_charset(tmp_path: Path) -> None:
    """Every one of its bytes could be read as GB 18030."""
    lines = ["id,name", "1,a", "2,李四", "3,张三", "4,王五", "5,赵六"]
    encoded = [line.encode("gbk" if line[0] in "24" else "utf-8") for line in lines]
    (tmp_path / "a.csv").write_bytes(b"\n".join(encoded) + b"\n")
    found = "its charset is in doubt: line 3 is no UTF-8, and others are; say it"
    with pytest.raises(StructureMismatch, match=found):
        read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT})


def test_a_broken_row_names_all_the_lines_that_it_swallowed(tmp_path: Path) -> None:
    """Rows may stand in them, which are nowhere else."""
    lines = ["id,name", '1,"a', "2,b", '3,"c"', "4,d", '5,"e', 'f",g', "6,h"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", "utf-8")
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT})
    assert faults(rows) == [
        ("a.csv, lines 2 to 4", PLACE, "not_csv"),
        ("a.csv, lines 6 to 7", PLACE, "wrong_columns"),
    ]
    assert sound(rows, "id", "name") == [("4", "d"), ("6", "h")]


def test_a_row_without_any_value_is_none_however_many_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,a\n,,,,\n\n2,b\n", "utf-8")
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT})
    assert (faults(rows), sound(rows, "id", "name")) == ([], [("1", "a"), ("2", "b")])


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_row_with_a_value_that_nobody_asks_for_is_one(tmp_path: Path, ending: str) -> None:
    """What it lacks is for the quarantine to tell."""
    if ending == "csv":
        (tmp_path / "a.csv").write_text("id,name,more\n1,a,x\n,,x\n,,\n", "utf-8")
    else:
        rows = [["id", "name", "more"], ["1", "a", "x"], [None, None, "x"], [None] * 3]
        write_xlsx(tmp_path / "a.xlsx", rows)
    found = read(tmp_path, f"a.{ending}", {"id": TEXT, "name": TEXT})
    assert (faults(found), sound(found, "id", "name")) == ([], [(None, None), ("1", "a")])


def test_lines_are_those_of_the_file_wherever_its_names_stand(tmp_path: Path) -> None:
    text = "a title\n,,\nid,name\n1,a\n2,b,\n"
    (tmp_path / "a.csv").write_text(text, "utf-8")
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT}, header="3")
    assert faults(rows) == [("a.csv, line 5", PLACE, "wrong_columns")]
    assert sound(rows, "id", "name") == [("1", "a")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('2,"b\n3,c\n', "quotes opened in line 3 are never closed"),
        ('2,"b\n' + f"4,{'x' * 1000}\n" * 17_000, "field from line 3 on exceeds 16 MB"),
        (f'2,"{"x" * 17_000_000}"\n3,c\n', "field from line 3 on exceeds 16 MB"),
    ],
    ids=["few", "many", "one long text"],
)
def test_quotes_that_are_never_closed_refuse_the_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,name\n1,a\n{text}", "utf-8")
    with pytest.raises(StructureMismatch, match=told):
        read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT})


@pytest.mark.parametrize(("delimiter", "option"), [(";", ""), ("\t", ""), ("\t", "tab")])
def test_delimiters(tmp_path: Path, delimiter: str, option: str) -> None:
    text = "id,name\n1,a b\n".replace(",", delimiter)
    (tmp_path / "a.csv").write_text(text, "utf-8")
    options = {"delimiter": option} if option else {}
    rows = read(tmp_path, "a.csv", {"id": TEXT, "name": TEXT}, **options)
    assert sound(rows, "id", "name") == [("1", "a b")]


# -- files that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize("names", ["ID,id", "id,BH_fault"])
def test_columns_that_cannot_be_told_apart(tmp_path: Path, names: str) -> None:
    first, second = names.split(",")
    (tmp_path / "a.csv").write_text(f"{names}\n1,a\n", "utf-8")
    assert [row[first] for row in read(tmp_path, "a.csv", {first: TEXT})] == ["1"]
    with pytest.raises(StructureMismatch, match=r"a\.csv: column \w+ is called as another is"):
        read(tmp_path, "a.csv", {first: TEXT, second: TEXT})


def test_a_row_that_stands_in_place_of_the_names_is_not_repeated(tmp_path: Path) -> None:
    """Somebody has left the row of names out, and the first row is a person's."""
    (tmp_path / "a.csv").write_text("110101199003071234,张三,张三\n", "utf-8")
    with pytest.raises(StructureMismatch, match="no column id_no") as found:
        read(tmp_path, "a.csv", {"id_no": TEXT, "name": TEXT})
    with opened(tmp_path, "csv") as store, pytest.raises(StructureMismatch) as described:
        store.describe(TableName("a.csv"))
    for told in (found, described):
        assert "张三" not in str(told.value)
        assert "110101" not in str(told.value)


def test_a_file_without_a_column_is_refused_and_says_what_it_has(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["k", "v"], ["1", "a"]])
    told = "no column w; of the 2 names in its row of names the job asks for k"
    with pytest.raises(StructureMismatch, match=told):
        read(tmp_path, "a.xlsx", {"k": TEXT, "w": TEXT})
    write_xlsx(tmp_path / "a.xlsx", [["k", "k"], ["1", "a"]])
    with pytest.raises(StructureMismatch, match="more than one column k"):
        read(tmp_path, "a.xlsx", {"k": TEXT})


def test_what_would_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "far.xlsx", [["k"], ["1"]])
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "far.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "k")
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(StructureMismatch, match="1,048,576 rows x 16,384 columns"):
        read(tmp_path, "far.xlsx", {"k": TEXT})
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"\0" * (3 << 20))
    with pytest.raises(StructureMismatch, match="it unpacks to 3 MB in 1 parts; 1 MB at most"):
        read(tmp_path, "bomb.xlsx", {"k": TEXT}, max_mb="1")
    monkeypatch.setattr("connectors.sheet.survey._MOST_PARTS", 2)
    write_xlsx(tmp_path / "far.xlsx", [["k"], ["1"]])
    with pytest.raises(StructureMismatch, match=r"it unpacks to 0 MB in \d+ parts; 1 MB at most"):
        read(tmp_path, "far.xlsx", {"k": TEXT}, max_mb="1")
    (tmp_path / "large.xls").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(StructureMismatch, match="it has 1 MB; 1 MB at most"):
        read(tmp_path, "large.xls", {"k": TEXT}, max_mb="1")


@pytest.mark.parametrize("cell", ["1", NA], ids=["text", "error"])
def test_cells_that_do_not_say_where_they_stand_are_not_guessed(tmp_path: Path, cell: Any) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["k"], [cell]])
    part = "xl/worksheets/sheet1.xml"
    change(tmp_path / "a.xlsx", part, rb'(<c) r="[A-Z]+[0-9]+"', rb"\1")
    with pytest.raises(StructureMismatch, match="its cells do not say where they stand"):
        read(tmp_path, "a.xlsx", {"k": TEXT})


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_xlsx(path, [["k"], ["1"]])
    packed = bytearray(path.read_bytes())
    entry = packed.index(b"PK\x01\x02")  # the first part in the directory at the end
    struct.pack_into("<I", packed, entry + 24, 5)
    path.write_bytes(packed)
    with pytest.raises(StructureMismatch, match="damaged"):
        read(tmp_path, "a.xlsx", {"k": TEXT})


def test_packages_as_other_programs_make_them(tmp_path: Path) -> None:
    """Parts named from the root, or none for styles."""
    path, relations = tmp_path / "a.xlsx", "xl/_rels/workbook.xml.rels"
    write_xlsx(path, [["k", "v"], [7, NA]], formats={(1, 0): "000"})
    change(path, relations, rb'Target="(worksheets|styles)', rb'Target="/xl/\1')
    (row,) = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT})
    assert (row["k"], row[UNREADABLE]) == ("007", "v")
    change(path, relations, rb"<Relationship [^>]*/styles\"[^>]*>", b"")
    (row,) = read(tmp_path, "a.xlsx", {"k": TEXT, "v": TEXT})
    assert (row["k"], row[UNREADABLE]) == ("7", "v")
    write_xlsx(path, [])
    with pytest.raises(StructureMismatch, match="it has no column k"):
        read(tmp_path, "a.xlsx", {"k": TEXT})


def test_the_columns_of_a_file_are_those_with_a_name(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", [["k", "", "v", ""], ["1", "a note", "2", "another"]])
    write_xlsx(tmp_path / "b.xlsx", [["", ""], ["1", "2"]])
    write_xlsx(tmp_path / "c.xlsx", [["k", "v", "k"], ["1", "2", "3"]])
    with opened(tmp_path) as store:
        assert store.describe(TableName("a.xlsx")).names == ("k", "v")
        for file in ("b.xlsx", "c.xlsx"):
            with pytest.raises(StructureMismatch, match="row of names is empty, or repeats one"):
                store.describe(TableName(file))
    wide = {f"c{number}": TEXT for number in range(1001)}
    write_xlsx(tmp_path / "d.xlsx", [list(wide), ["1"] * len(wide)])
    with pytest.raises(StructureMismatch, match="it has 1,001 columns; 1,000 at most"):
        read(tmp_path, "d.xlsx", wide)


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_what_is_no_workbook(tmp_path: Path, ending: str, content: bytes) -> None:
    (tmp_path / f"a.{ending}").write_bytes(content)
    with pytest.raises(StructureMismatch, match=rf"a\.{ending}: it "):
        read(tmp_path, f"a.{ending}", {"k": TEXT})


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_a_workbook_cut_off_anywhere_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    (write_xlsx if ending == "xlsx" else write_xls)(path, [["k"], *([str(n)] for n in range(50))])
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:size])
        with pytest.raises(StructureMismatch):
            read(tmp_path, path.name, {"k": TEXT})


def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("k\n1\n", "utf-8")
    with opened(tmp_path, "csv") as store, store.snapshot():
        columns = (Column("k", TEXT),)
        selection = Selection(
            Table(TableName("a.csv"), columns), (Output(columns[0], TEXT),), columns
        )
        digest = store.folder.sha256  # type: ignore[attr-defined]

        class Meddler:
            def __getattr__(self, name: str) -> Any:
                return getattr(folder, name)

            def sha256(self, name: str) -> str:
                found: str = digest(name)
                path.write_text("k\n1\n2\n", "utf-8")
                return found

        folder = store.folder  # type: ignore[attr-defined]
        store.folder = Meddler()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionLost, match=r"a\.csv was changed while it was read"):
            store.read(selection)


def test_a_snapshot_sees_one_content_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("k\n1\n", "utf-8")
    columns = (Column("k", TEXT),)
    selection = Selection(Table(TableName("a.csv"), columns), (Output(columns[0], TEXT),), columns)
    with opened(tmp_path, "csv") as store:
        with store.snapshot():
            store.read(selection).close()
            store.read(selection).close()
            path.write_text("k\n2\n", "utf-8")
            with pytest.raises(ConnectionLost, match=r"a\.csv was changed while it was read"):
                store.read(selection)
        with store.snapshot():
            store.read(selection).close()


# -- the folder ----------------------------------------------------------------------------------


def test_which_files_are_complete(tmp_path: Path) -> None:
    named = ("b.xlsx", "a.xlsx", "open.xlsx", "libre.xlsx", "quarterly report.xlsx")
    for name in named:
        write_xlsx(tmp_path / name, [["k"], ["1"]])
    marks = (
        ".hidden.xlsx",
        "~$open.xlsx",
        "~$arterly report.xlsx",
        ".~lock.libre.xlsx#",
        "half.xlsx.part",
        "c.txt",
        "d.pdf",
    )
    for name in marks:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.xlsx").mkdir()
    os.utime(tmp_path / "b.xlsx", (1, 1))
    with opened(tmp_path) as store:
        files, waiting = store.files(TableName("*"))
        assert [f.name for f in files] == ["b.xlsx", "a.xlsx"]  # the oldest first
        assert [str(w).partition(" is open")[0] for w in waiting] == sorted(named[2:])
        assert [str(t) for t in store.tables()] == sorted(named)


def test_a_file_that_may_still_grow_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("k\n1\n", "utf-8")
    os.utime(tmp_path / "a.csv", (1, 1))  # a copy with its old stamp
    with opened(tmp_path, "csv", settle="60") as store:
        store.folder.__dict__["settle_seconds"] = 60  # type: ignore[attr-defined]
        found, waiting = store.folder._look("*")  # type: ignore[attr-defined]
        assert (found, [w.why for w in waiting]) == ([], ["was written a moment ago"])
    with opened(tmp_path, "csv", settle="0.2") as store:
        before = time.monotonic()
        files, waiting = store.files(TableName("*.csv"))
        assert ([f.name for f in files], waiting) == (["a.csv"], [])
        assert time.monotonic() - before < 5


def test_a_stamp_that_lies_ahead_is_not_waited_for(tmp_path: Path) -> None:
    """As a share whose clock is fast gives it."""
    (tmp_path / "a.csv").write_text("k\n1\n", "utf-8")
    os.utime(tmp_path / "a.csv", (4e9, 4e9))
    with opened(tmp_path, "csv", settle="0.1") as store:
        files, waiting = store.files(TableName("*.csv"))
    assert ([f.name for f in files], waiting) == (["a.csv"], [])


def test_a_pattern_is_the_newest_file(tmp_path: Path) -> None:
    for stamp, name in ((3, "r1.csv"), (9, "r3.csv"), (5, "r2.csv"), (20, "other.csv")):
        (tmp_path / name).write_text(f"k\n{name}\n", "utf-8")
        os.utime(tmp_path / name, (stamp, stamp))
    assert [row["k"] for row in read(tmp_path, "r*.csv", {"k": TEXT})] == ["r3.csv"]
    with opened(tmp_path, "csv") as store:
        assert store.describe(TableName("r*.csv")).names == ("k",)
        with pytest.raises(MissingObject, match=r"there is no file s\*\.csv"):
            store.describe(TableName("s*.csv"))


def test_of_a_pattern_no_older_file_stands_in_for_the_newest(tmp_path: Path) -> None:
    """But the names of its columns can be asked for, and who writes an older one is not waited for.
    A file that is called as the pattern is spelled is meant alone."""
    for stamp, name in ((3, "r1.csv"), (5, "r2.csv"), (9, "r3.csv"), (20, "other.csv")):
        (tmp_path / name).write_text(f"k\n{name}\n", "utf-8")
        os.utime(tmp_path / name, (stamp, stamp))
    name = TableName("r*.csv")
    for at, waits in (("r3.csv", True), ("r1.csv", False)):
        mark = tmp_path / f".~lock.{at}#"
        mark.touch()
        with opened(tmp_path, "csv") as store:
            assert bool(store.newest_waits(name)) is waits
            assert store.describe(name).names == ("k",)
        if waits:
            with pytest.raises(Unreachable, match=r"r3\.csv is open in a spreadsheet program"):
                read(tmp_path, "r*.csv", {"k": TEXT})
        else:
            assert read(tmp_path, "r*.csv", {"k": TEXT})[0]["k"] == "r3.csv"
        mark.unlink()
    for at in ("other.csv", "r3.csv"):
        (tmp_path / f".~lock.{at}#").touch()
    with opened(tmp_path, "csv") as store, pytest.raises(Unreachable, match=r"other\.csv is open"):
        store.describe(TableName("o*.csv"))
    (tmp_path / "r*.csv").write_text("k\nitself\n", "utf-8")
    os.utime(tmp_path / "r*.csv", (1, 1))
    assert read(tmp_path, "r*.csv", {"k": TEXT})[0]["k"] == "itself"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="there is no folder"), opened(tmp_path / "gone"):
        pass
    with opened(tmp_path) as store:
        shutil.rmtree(tmp_path)
        with pytest.raises(Unreachable):
            store.tables()


def test_only_a_source(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for wish in (
            lambda: store.load(TableName("t"), (), iter([])),
            lambda: store.describe_query("SELECT 1"),
            lambda: store.lock("j", 0).__enter__(),
        ):
            with pytest.raises(ConfigurationError, match="can only be a source"):
                wish()
        assert store.capabilities.files
    assert {n for n, f in FAMILIES.items() if f.roles == ("source",)} == {"excel", "csv"}


@pytest.mark.parametrize("options", [{"settle": "soon"}, {"max_mb": "0"}, {"header": "-1"}])
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, str]) -> None:
    with (
        pytest.raises(BridgeheadError, match="must be a number") as refused,
        opened(tmp_path, **options),
    ):
        pass
    assert refused.value.exit_code == 2


def test_nothing_is_left_on_disk_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("k\n1\n", "utf-8")
    before = sorted(tmp_path.iterdir())
    tmp_path.chmod(0o555)
    try:
        assert len(read(tmp_path, "a.csv", {"k": TEXT})) == 1
    finally:
        tmp_path.chmod(0o755)
    assert sorted(tmp_path.iterdir()) == before
