"""Number formats that show leading zeros: by them a number is an id, and those are part of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

__all__ = ["Padding", "padded_styles", "styles_of_xml"]

_ZEROS = re.compile(r"0{2,}")
_INVISIBLE = re.compile(
    r"_.|[\\*] |\[(?:\$-[0-9A-Fa-f]+|Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?\d+)\]",
    re.IGNORECASE,
)


@dataclass
class Padding:
    """How many digits a cell shows at least, by row and column from 0, where it shows a number with
    leading zeros. Rows by column, of which there are few: it takes less than the cells do."""

    _columns: dict[int, dict[int, int]] = field(default_factory=dict)

    def add(self, row: int, column: int, digits: int) -> None:
        self._columns.setdefault(column, {})[row] = digits

    def of_row(self, row: int) -> dict[int, int]:
        return {column: rows[row] for column, rows in self._columns.items() if row in rows}


def padded_styles(formats: Mapping[int, str], styles: Iterable[int]) -> dict[int, int]:
    """By its number, the digits of each style of cells that shows leading zeros; `styles` are the
    formats that they go by, in order."""
    digits = {number: _digits(code) for number, code in formats.items()}
    return {at: digits[number] for at, number in enumerate(styles) if digits.get(number)}


def styles_of_xml(part: bytes) -> dict[int, int]:
    """The same, of the part of a package that holds them."""
    root = ElementTree.fromstring(part)
    formats = {_number(e): e.get("formatCode", "") for e in root.iterfind("{*}numFmts/{*}numFmt")}
    return padded_styles(formats, map(_number, root.iterfind("{*}cellXfs/{*}xf")))


def _number(element: ElementTree.Element) -> int:
    return int(element.get("numFmtId", "0"))


def _digits(code: str) -> int:
    """The digits of a format that is nothing but zeros, colours and blanks; else 0. A prefix, a
    unit or a grouping is no part of a value."""
    shown = _INVISIBLE.sub("", code.partition(";")[0])
    return len(shown) if _ZEROS.fullmatch(shown) else 0
