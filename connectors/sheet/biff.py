"""Cells with an error, and numbers with leading zeros, in a workbook of Excel 97-2003 (.xls).

Its records are those of Microsoft's [MS-XLS]; the file around them is the compound file of
[MS-CFB], read as far as one stream of it needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.sheet.numberformat import padded_styles
from connectors.sheet.survey import Survey, Unfit

__all__ = ["check_xls", "survey_xls"]

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _LARGEST = 0xFFFFFFFE, 0xFFFFFFFA
_FORMULA, _BOOLERR, _BOUNDSHEET, _BOF, _EOF = 0x0006, 0x0205, 0x0085, 0x0809, 0x000A
_NUMBER, _RK, _MULRK, _FORMAT, _XF = 0x0203, 0x027E, 0x00BD, 0x041E, 0x00E0
_SMALL_BELOW = 4096


def survey_xls(path: Path, sheet: str) -> Survey:
    """The errors of a sheet; raises Unfit for what is no such file."""
    with _sound():
        return _survey(_workbook(path.read_bytes()), sheet)


def check_xls(path: Path) -> None:
    """Raises Unfit for what is no such file, or is cut off."""
    with _sound():
        _workbook(path.read_bytes())


@contextmanager
def _sound() -> Iterator[None]:
    try:
        yield
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Unfit("it is no workbook of Excel 97-2003, or damaged") from error


def _survey(book: bytes, sheet: str) -> Survey:
    survey, styles = Survey(), _styles(book)
    for kind, body in _records(book, _begin(book, sheet)):
        if styles and kind in (_NUMBER, _RK, _MULRK, _FORMULA):
            for row, column, style in _styled(kind, body):
                if style in styles:
                    survey.padding.add(row, column, styles[style])
        if kind not in (_BOOLERR, _FORMULA):
            continue
        # A formula's last result is a double, or FFFF behind a word for what else it is.
        formula = body[12:14] == b"\xff\xff" and body[6] == 2
        if formula if kind == _FORMULA else body[7] == 1:
            row, column = struct.unpack_from("<HH", body)
            survey.errors.add((row, column))
    return survey


def _begin(book: bytes, sheet: str) -> int:
    """Where a sheet's records begin."""
    for kind, body in _records(book, 0):
        if kind == _BOUNDSHEET:
            length, wide = body[6], body[7] & 1
            if _text(body[8:], length, wide) == sheet:
                return int(struct.unpack_from("<I", body)[0])
    raise Unfit(f"its sheet {sheet} cannot be found; save it as .xlsx")


def _styles(book: bytes) -> dict[int, int]:
    """By its number, the digits of each style that shows leading zeros."""
    formats: dict[int, str] = {}
    styles: list[int] = []
    for kind, body in _records(book, 0):
        if kind == _FORMAT:
            number, length = struct.unpack_from("<HH", body)
            formats[number] = _text(body[5:], length, body[4] & 1)
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    return padded_styles(formats, styles)


def _styled(kind: int, body: bytes) -> Iterator[tuple[int, int, int]]:
    """Row, column and style of the numbers of a record."""
    row, column, style = struct.unpack_from("<HHH", body)
    if kind != _MULRK:
        yield row, column, style
        return
    for at in range((len(body) - 6) // 6):
        yield row, column + at, struct.unpack_from("<H", body, 4 + at * 6)[0]


def _text(raw: bytes, length: int, wide: int) -> str:
    return raw[: length * (1 + wide)].decode("utf-16-le" if wide else "latin-1")


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Up to the end of the substream that begins there; charts inside have ends of their own."""
    depth = 0
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        depth += (kind == _BOF) - (kind == _EOF)
        yield kind, book[at + 4 : at + 4 + length]
        at += 4 + length
        if depth <= 0:
            return


def _workbook(file: bytes) -> bytes:
    """The stream that holds the records."""
    if not file.startswith(_MAGIC):
        raise Unfit("it is no workbook of Excel 97-2003; give it the ending of what it is")
    size = 1 << struct.unpack_from("<H", file, 30)[0]
    small = 1 << struct.unpack_from("<H", file, 32)[0]
    first_directory, first_small = (struct.unpack_from("<I", file, at)[0] for at in (48, 60))
    table = _table(file, size)
    entries = _chain(file, table, first_directory, size, size)
    root = _entry(entries, {"Root Entry"})
    start, length = _entry(entries, {"Workbook", "Book"})
    if length >= _SMALL_BELOW:
        return _whole(_chain(file, table, start, size, size), length)
    words = _chain(file, table, first_small, size, size)
    small_table = struct.unpack(f"<{len(words) // 4}I", words)
    inside = _chain(file, table, root[0], size, size)
    return _whole(_chain(inside, small_table, start, small, 0), length)


def _whole(stream: bytes, length: int) -> bytes:
    if len(stream) < length:
        raise Unfit("it is cut off")
    return stream[:length]


def _table(file: bytes, size: int) -> tuple[int, ...]:
    """Which sector follows which."""
    places = list(struct.unpack_from("<109I", file, 76))
    following = struct.unpack_from("<I", file, 68)[0]
    seen = 0
    while following <= _LARGEST and seen < len(file) // size:
        words = struct.unpack_from(f"<{size // 4}I", file, (following + 1) * size)
        places += words[:-1]
        following, seen = words[-1], seen + 1
    sectors = [p for p in places if p <= _LARGEST]
    parts = b"".join(file[(p + 1) * size : (p + 2) * size] for p in sectors)
    return struct.unpack(f"<{len(parts) // 4}I", parts)


def _chain(file: bytes, table: tuple[int, ...], at: int, size: int, header: int) -> bytes:
    """A stream's sectors, one after another."""
    parts: list[bytes] = []
    while at <= _LARGEST:
        if len(parts) > len(table):
            raise Unfit("it is damaged: its sectors run in a circle")
        parts.append(file[header + at * size : header + (at + 1) * size])
        at = table[at]
    return b"".join(parts)


def _entry(entries: bytes, names: set[str]) -> tuple[int, int]:
    """First sector and length of the stream of one of these names."""
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        if 2 <= length <= 64 and entries[at : at + length - 2].decode("utf-16-le") in names:
            start, size = struct.unpack_from("<II", entries, at + 116)
            return start, size
    raise Unfit("it holds no workbook")
