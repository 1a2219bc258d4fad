"""What the reader of workbooks does not say: cells that hold an error, how large a sheet is, and
which numbers show leading zeros.

The reader shows `#N/A` and its like as an empty cell, and a formula whose result was not saved; and
it lays a sheet out in memory from its first cell to its last. So the sheet is looked through
beforehand, a block at a time.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from connectors.sheet.numberformat import Padding, styles_of_xml

__all__ = ["Survey", "Unfit", "check_package", "survey_ods", "survey_xlsx"]

_BLOCK_BYTES = 1 << 20
_LONGEST_TAG = 1 << 16
_MOST_PARTS = 10_000
_ERROR = re.compile(rb"<(?:\w+:)?c\b([^>]*\bt=[\"']e[\"'][^>]*)>")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_ERROR_MARKS = (b't="e"', b"t='e'")
_PLACES = re.compile(rb" r=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_CELL = re.compile(rb"<(?:\w+:)?c\b")
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_FORMULA_MARKS = (b"<f", b":f")
_TEXT = re.compile(rb"\bt=[\"']str[\"']")
_CELL_MARKS = (b"<c ", b"<x:c ")
_ODS_MERGED = re.compile(rb"<table:covered-table-cell\b")
_ODS_FORMULA = re.compile(rb"<table:table-cell\b(?![^>]*\bvalue-type=)[^>]*\btable:formula=")
_ODS_ERROR = re.compile(rb"calcext:value-type=[\"']error[\"']")
_ODS_PADDED = re.compile(
    rb"<table:table-cell\b[^>]*\boffice:value-type=[\"']float[\"'][^>]*>\s*<text:p>0[0-9]+</text:p>"
)
_ODS_CELL_MARKS = (b"<table:table-cell ",)
_NO_PLACES = "its cells do not say where they stand; save it again with Excel or WPS"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Unfit(Exception):
    """The file cannot be read as what it seems to be; the text says what was found."""


@dataclass
class Survey:
    """Cells of one sheet that hold an error, or a formula without its result, by row and column
    from 0, its extent, and what shows leading zeros."""

    errors: set[tuple[int, int]] = field(default_factory=set)
    padding: Padding = field(default_factory=Padding)
    rows: int = 0
    columns: int = 0


def check_package(path: Path, most_bytes: int) -> None:
    """Raises Unfit for a file that unpacks to more than `most_bytes`, or is damaged."""
    with _opened(path) as packed:
        parts = packed.infolist()
        size = sum(part.file_size for part in parts)
        if len(parts) > _MOST_PARTS or size > most_bytes:
            found = f"{size >> 20:,} MB in {len(parts):,} parts"
            raise Unfit(f"it unpacks to {found}; {most_bytes >> 20:,} MB at most")
        # A part that is larger than its entry says does not have the sum that the entry says.
        try:
            damaged = packed.testzip()
        except Exception as error:  # those of zipfile and of zlib have no common root
            raise Unfit("it is damaged or encrypted") from error
        if damaged is not None:
            raise Unfit(f"it is damaged: part {damaged} does not have the sum it should")


def survey_xlsx(path: Path, sheet: str) -> Survey:
    """Of a package that was checked."""
    with _opened(path) as packed:
        survey, letters = Survey(), set[bytes]()
        cells, styles = 0, _styles(packed)
        padded = _of_styles(styles)
        for block in _blocks(packed, _part_of(packed, sheet), _CELL_MARKS):
            if any(mark in block for mark in _ERROR_MARKS):
                survey.errors.update(map(_place, _ERROR.findall(block)))
            if any(mark in block for mark in _FORMULA_MARKS):
                without = (tag for tag in _FORMULA.findall(block) if not _TEXT.search(tag))
                survey.errors.update(map(_place, without))
            for tag, style in padded.findall(block) if styles else ():
                survey.padding.add(*_place(tag), styles[int(style)])
            places = _PLACES.findall(block)
            letters.update({letter for letter, _ in places})
            if places:  # rows stand in their order
                survey.rows = max(survey.rows, int(places[-1][1]))
            elif not letters and _CELL.search(block):
                cells += 1
        survey.columns = max(map(_column, letters), default=-1) + 1
        if cells and not letters:
            raise Unfit(_NO_PLACES)
    return survey


def survey_ods(path: Path) -> None:
    """Where an error, a merged cell or a number with leading zeros stands cannot be told there: a
    file with one is refused."""
    with _opened(path) as packed:
        for block in _blocks(packed, "content.xml", _ODS_CELL_MARKS):
            if _ODS_PADDED.search(block):
                raise Unfit(
                    "it holds numbers that show leading zeros; make them texts, or save as .xlsx"
                )
            if _ODS_ERROR.search(block):
                raise Unfit("it holds cells with an error, like #N/A; mend them, or save as .xlsx")
            if _ODS_MERGED.search(block):
                raise Unfit("it holds merged cells; part them, or save as .xlsx")
            if _ODS_FORMULA.search(block):
                raise Unfit("it holds formulas without their results; save it again")


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise Unfit(f"it is no workbook, or damaged ({error})") from error


def _styles(packed: zipfile.ZipFile) -> dict[int, int]:
    """By its number, the digits of each style that shows leading zeros."""
    try:
        relations = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))
        found = (e.get("Target", "") for e in relations if e.get("Type", "").endswith("/styles"))
        target = next(found, None)
        return styles_of_xml(packed.read(_in_package(target))) if target else {}
    except (KeyError, ValueError, ElementTree.ParseError) as error:
        raise Unfit("its styles cannot be read; save it again with Excel or WPS") from error


def _of_styles(styles: Iterable[int]) -> re.Pattern[bytes]:
    """What finds the cells of these styles, and which it is."""
    numbers = "|".join(map(str, styles)).encode()
    return re.compile(rb"<(?:\w+:)?c\b([^>]*\bs=[\"'](" + numbers + rb")[\"'][^>]*)>")


def _part_of(packed: zipfile.ZipFile, sheet: str) -> str:
    """The part of the package that holds a sheet."""
    try:
        book = ElementTree.fromstring(packed.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))
        wanted = next(e.get(_RELATION) for e in book.iter() if e.get("name") == sheet)
        target = next(e.get("Target", "") for e in relations.iter() if e.get("Id") == wanted)
    except (KeyError, StopIteration, ElementTree.ParseError) as error:
        raise Unfit("its list of sheets cannot be read; save it again with Excel or WPS") from error
    return _in_package(target)


def _in_package(target: str) -> str:
    return target[1:] if target.startswith("/") else f"xl/{target}"


def _blocks(packed: zipfile.ZipFile, part: str, whole: Sequence[bytes] = ()) -> Iterator[bytes]:
    """Blocks that end between two tags, and before a tag that begins like one of `whole`."""
    try:
        stream = packed.open(part)
    except KeyError as error:
        raise Unfit(f"its part {part} is missing") from error
    with stream:
        rest = b""
        while block := stream.read(_BLOCK_BYTES):
            block = rest + block
            cell = max(map(block.rfind, whole), default=-1)
            cut = cell if cell >= max(0, len(block) - _LONGEST_TAG) else block.rfind(b"<")
            if len(block) - cut > _LONGEST_TAG:
                cut = len(block)
            rest = block[cut:]
            yield block[:cut]
        yield rest


def _place(tag: bytes) -> tuple[int, int]:
    found = _PLACE.search(tag)
    if found is None:
        raise Unfit(_NO_PLACES)
    return int(found[2]) - 1, _column(found[1])


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
