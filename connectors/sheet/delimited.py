"""Rows of a CSV file, of any size, one at a time.

Bytes that are no text of the file's charset become lone surrogates, which no charset can hold: so
they are found in their own field, and nothing around them is shifted or replaced.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.sheet.survey import Unfit

__all__ = ["Delimited", "Line", "charset_of"]

_LONGEST_FIELD = 1 << 24
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (b"\xfe\xff", "utf-16"))
_FEW = 0.1  # lines of GB 18030 that happen to be UTF-8 too
_DELIMITERS = (",", "\t", ";")

csv.field_size_limit(_LONGEST_FIELD)


@dataclass(frozen=True)
class Line:
    """One record: the line it begins on, from 1; `fault` where it is no row of the file, which then
    may have swallowed those down to `last`."""

    number: int
    fields: list[str]
    fault: str | None = None
    last: int = 0

    @property
    def place(self) -> str:
        more = self.last > self.number
        return f"lines {self.number} to {self.last}" if more else f"line {self.number}"


class Delimited:
    """A CSV file being read. `names` is its row of names."""

    def __init__(self, path: Path, charset: str, delimiter: str, header: int) -> None:
        self._stream = path.open(encoding=charset, errors="surrogateescape", newline="")
        if not delimiter:
            self._skip(header - 1)
            delimiter = _delimiter(self._stream.readline())
            self._stream.seek(0)
        self._skip(header - 1)
        self._above = header - 1
        self._rows = csv.reader(self._stream, delimiter=delimiter, strict=True)
        try:
            self.names = [name.strip() for name in next(self._rows, [])]
        except csv.Error as error:
            raise Unfit(f"its row of names, line {header}, is no CSV: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stream.close()

    def lines(self) -> Iterator[Line]:
        """Every record behind the row of names. Raises Unfit where quotes are never closed: how
        many rows they swallow cannot be known."""
        above, rows, width = self._above, self._rows, len(self.names)
        while True:
            number = above + rows.line_num + 1
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise Unfit(f"the quotes opened in line {number} are never closed") from error
                if "field larger" in str(error):
                    raise Unfit(
                        f"a field from line {number} on exceeds 16 MB: its quotes are never "
                        "closed, or it is not for a table"
                    ) from error
                yield Line(number, [], "not_csv", above + rows.line_num)
                continue
            if fields and len(fields) != width and any(fields):
                yield Line(number, [], "wrong_columns", above + rows.line_num)
            else:
                yield Line(number, fields)

    def _skip(self, lines: int) -> None:
        for _ in range(lines):
            self._stream.readline()


def charset_of(path: Path, declared: str = "") -> str:
    """What a mark at the file's beginning says; else what is declared; else UTF-8 or GB 18030,
    where the file leaves no doubt.

    Text of the one can pass for the other by chance, so every line that is not plain ASCII votes.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
        for mark, charset in _MARKS:
            if head.startswith(mark):
                return charset
        if declared:
            return declared
        stream.seek(0)
        utf8, other, first_other = _votes(stream)
    if other == 0:
        return "utf-8"
    if utf8 <= _FEW * (utf8 + other) and _decodes(path, "gb18030"):
        return "gb18030"
    others = ", and others are" if utf8 else ""
    found = f"line {first_other} is no UTF-8{others}"
    raise Unfit(f"its charset is in doubt: {found}; say it with source: {{charset: …}}")


def _votes(stream: io.BufferedReader) -> tuple[int, int, int]:
    """Lines that are UTF-8 and not plain ASCII, lines that are not, and the first of those."""
    utf8 = other = first = 0
    for number, line in enumerate(stream, start=1):
        if line.isascii():
            continue
        try:
            line.decode()
            utf8 += 1
        except UnicodeDecodeError:
            other += 1
            first = first or number
    return utf8, other, first


def _decodes(path: Path, charset: str) -> bool:
    try:
        with path.open(encoding=charset, newline="") as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(names: str) -> str:
    """The one that the row of names uses most."""
    return max(_DELIMITERS, key=names.count)
