"""Rows of a workbook's sheet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from connectors.sheet.biff import check_xls, survey_xls
from connectors.sheet.cell import Cell
from connectors.sheet.numberformat import Padding
from connectors.sheet.survey import Survey, Unfit, check_package, survey_ods, survey_xlsx
from connectors.template import FIRST_ROW, MARK, NAMES_ROW, SHEET, VERSION, VERSION_NOW

__all__ = ["Sheet", "open_sheet"]


@dataclass
class Sheet:
    """A sheet with a row of names. `merged` are the data rows that share a cell with others, by
    number from 1; `errors` are cells by row and column from 0, and so is `padding`."""

    name: str
    names: list[str]
    first_row: int
    rows: Any
    errors: set[tuple[int, int]] = field(default_factory=set)
    merged: frozenset[int] = frozenset()
    padding: Padding = field(default_factory=Padding)

    def cells(self) -> Iterator[tuple[int, list[Cell]]]:
        """Row numbers from 1 as a spreadsheet shows them, and cells from column A on."""
        for number, cells in self.rows:
            if number >= self.first_row:
                yield number, cells


def open_sheet(path: Path, options: dict[str, str], most_bytes: int, most_cells: int) -> Sheet:
    """The sheet that the options name, else the one that the workbook's template names, else the
    first visible one. Raises Unfit for what cannot be read or is too large to be."""
    _check_package(path, most_bytes)
    with _readable():
        book = CalamineWorkbook.from_path(path)
        marked = _marked(book)
        name = options.get("sheet") or marked.get(SHEET) or next(iter(_visible(book)), "")
        if name not in book.sheet_names:
            known = ", ".join(_visible(book))
            raise Unfit(f"it has no sheet {name!r}; it has: {known or 'none that is visible'}")
        own = marked if name == marked.get(SHEET) and "header" not in options else {}
        survey = _survey(path, name)
        if survey.rows * survey.columns > most_cells:
            extent = f"{survey.rows:,} rows x {survey.columns:,} columns"
            raise Unfit(f"sheet {name} reaches over {extent}; {most_cells:,} cells at most")
        sheet = book.get_sheet_by_name(name)
        names_row = int(own.get(NAMES_ROW, options.get("header", "1")))
        first = int(own.get(FIRST_ROW, names_row + 1))
        rows = _rows(sheet)
        names = next((cells for number, cells in rows if number == names_row), [])
        merged = frozenset(
            row + 1
            for (top, _), (bottom, _) in sheet.merged_cell_ranges or []
            for row in range(max(top, first - 1), bottom + 1)
        )
        titles = [str(c).strip() for c in names]
        return Sheet(name, titles, first, rows, survey.errors, merged, survey.padding)


def _check_package(path: Path, most_bytes: int) -> None:
    """A workbook is laid out in memory: its size is known before it is opened."""
    if path.stat().st_size > most_bytes:
        size = path.stat().st_size
        raise Unfit(f"it has {size >> 20:,} MB; {most_bytes >> 20:,} MB at most")
    if path.suffix.lower() == ".xls":
        check_xls(path)
        return
    check_package(path, most_bytes)
    if path.suffix.lower() == ".ods":
        survey_ods(path)


def _survey(path: Path, sheet: str) -> Survey:
    match path.suffix.lower():
        case ".xls":
            return survey_xls(path, sheet)
        case ".ods":
            return Survey()
        case _:
            return survey_xlsx(path, sheet)


def _visible(book: CalamineWorkbook) -> list[str]:
    return [
        s.name
        for s in book.sheets_metadata
        if s.visible == SheetVisibleEnum.Visible and s.name != MARK
    ]


def _marked(book: CalamineWorkbook) -> dict[str, str]:
    if MARK not in book.sheet_names:
        return {}
    cells = (row for _, row in _rows(book.get_sheet_by_name(MARK)))
    found = {str(row[0]): _said(row[1]) for row in cells if len(row) > 1}
    if found.get(VERSION) != VERSION_NOW:
        raise Unfit("its template was made by another release; make a new one with `template`")
    return found


def _said(cell: Cell) -> str:
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def _rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    """The reader begins with row 1, but with the first column that holds anything."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        yield number, left + cells


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Unfit:
        raise
    except PasswordError as error:
        raise Unfit("it is protected by a password; save it without one") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Unfit(f"it cannot be read as a workbook ({error})") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the reader's own way to give up
            raise
        raise Unfit("it cannot be read as a workbook: it is damaged") from error
