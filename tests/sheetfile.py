"""Writes workbooks and folders for tests: xlsx by XlsxWriter; the smallest xls and ods by hand."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import xlsxwriter

__all__ = ["NA", "write_ods", "write_xls", "write_xlsx"]

NA = object()
"""A cell that holds the error #N/A."""

_FORMATS = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd"}
_SECTOR = 512
_END, _FAT, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF

Rows = Sequence[Sequence[Any]]


def write_xlsx(
    path: Path,
    rows: Rows,
    sheet: str = "人员",
    formats: Mapping[tuple[int, int], str] | None = None,
) -> None:
    """A cell is of the type of its value; `formats` gives number formats by row and column."""
    with xlsxwriter.Workbook(path) as book:
        written = book.add_worksheet(sheet)
        for row, cells in enumerate(rows):
            for at, cell in enumerate(cells):
                wish = (formats or {}).get((row, at)) or _FORMATS.get(type(cell))
                style = book.add_format({"num_format": wish}) if wish else None
                _write(written, row, at, cell, style)


def _write(sheet: Any, row: int, at: int, cell: Any, style: Any) -> None:
    if cell is NA:
        sheet.write_formula(row, at, "=NA()", style, "#N/A")
    elif isinstance(cell, bool):
        sheet.write_boolean(row, at, cell, style)
    elif isinstance(cell, str):
        sheet.write_string(row, at, cell, style)
    elif isinstance(cell, datetime | date):
        sheet.write_datetime(row, at, cell, style)
    elif cell is not None:
        sheet.write_number(row, at, cell, style)


def write_xls(path: Path, rows: Rows, sheet: str = "人员", shown: str = "") -> None:
    """Excel 97-2003: texts, numbers and errors, one of them a constant and the next a formula.
    `shown` is the format of all numbers."""
    name = sheet.encode("utf-16-le")
    bound = struct.pack("<BBBB", 0, 0, len(sheet), 1) + name
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0))
    if shown:
        begin += _record(0x041E, struct.pack("<HHB", 164, len(shown), 0) + shown.encode())
        begin += b"".join(_record(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, 164))
    head = len(begin) + 4 + 4 + len(bound) + 4
    globals_ = begin + _record(0x0085, struct.pack("<I", head) + bound) + _record(0x000A)
    body = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 0))
    body += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    errors = 0
    for row, cells in enumerate(rows):
        whole = list(takewhile(lambda c: isinstance(c, int) and c < 1 << 29, cells))
        if len(whole) > 1:
            packed = b"".join(struct.pack("<HI", bool(shown), c << 2 | 2) for c in whole)
            last = struct.pack("<H", len(whole) - 1)
            body += _record(0x00BD, struct.pack("<HH", row, 0) + packed + last)
        for at, cell in enumerate(cells):
            place = struct.pack("<HHH", row, at, bool(shown))
            if at < len(whole) > 1:
                continue
            if cell is NA:
                errors += 1
                body += _xls_error(place, as_formula=errors % 2 == 0)
            elif isinstance(cell, str):
                text = cell.encode("utf-16-le")
                body += _record(0x0204, place + struct.pack("<HB", len(text) // 2, 1) + text)
            elif isinstance(cell, int) and cell < 1 << 29:
                body += _record(0x027E, place + struct.pack("<I", cell << 2 | 2))
            elif cell is not None:
                body += _record(0x0203, place + struct.pack("<d", cell))
    path.write_bytes(_compound(globals_ + body + _record(0x000A)))


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _xls_error(place: bytes, *, as_formula: bool) -> bytes:
    if not as_formula:
        return _record(0x0205, place + b"\x2a\x01")
    result = b"\x02\x00\x2a\x00\x00\x00\xff\xff"
    formula = b"\x1c\x2a"  # the constant #N/A
    return _record(0x0006, place + result + struct.pack("<HIH", 0, 0, len(formula)) + formula)


def _compound(stream: bytes) -> bytes:
    """A compound file of one stream: the sector table, the directory, the stream."""
    stream = stream.ljust(4096, b"\0")
    stream += b"\0" * (-len(stream) % _SECTOR)
    sectors = len(stream) // _SECTOR
    table = [_FAT, _END, *range(3, 2 + sectors), _END]
    table += [_FREE] * (128 - len(table))
    assert len(table) == 128
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    directory = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 2, len(stream))
    directory += (b"\0" * 68 + struct.pack("<III", _FREE, _FREE, _FREE) + b"\0" * 48) * 2
    return header + struct.pack("<128I", *table) + directory + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
    return (
        head
        + struct.pack("<III", _FREE, _FREE, child)
        + b"\0" * 36
        + struct.pack("<III", start, size, 0)
    )


def write_ods(path: Path, rows: Rows, sheet: str = "人员", digits: int = 0) -> None:
    """Numbers show at least so many digits."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    lines = "".join(
        f"<t:table-row>{''.join(_ods_cell(c, digits) for c in cells)}</t:table-row>"
        for cells in rows
    )
    content = (
        (
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content '
            f'xmlns:office="{office}:office:1.0" xmlns:t="{office}:table:1.0" '
            f'xmlns:text="{office}:text:1.0" xmlns:table="{office}:table:1.0" '
            f'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
            f'<office:body><office:spreadsheet><t:table t:name="{sheet}">{lines}</t:table>'
            f"</office:spreadsheet></office:body></office:document-content>"
        )
        .replace("<t:", "<table:")
        .replace("</t:", "</table:")
        .replace(" t:name", " table:name")
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        "</manifest:manifest>"
    )
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", kind)
        packed.writestr("META-INF/manifest.xml", manifest)
        packed.writestr("content.xml", content)


def _ods_cell(cell: Any, digits: int) -> str:
    if cell is None:
        return "<t:table-cell/>"
    if cell is NA:
        error = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
        return f"<t:table-cell {error}><text:p>#N/A</text:p></t:table-cell>"
    if isinstance(cell, str):
        return f'<t:table-cell office:value-type="string"><text:p>{cell}</text:p></t:table-cell>'
    shown = f'office:value-type="float" office:value="{cell!r}"'
    return f"<t:table-cell {shown}><text:p>{str(cell).zfill(digits)}</text:p></t:table-cell>"
