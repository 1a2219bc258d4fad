"""A table on paper: columns as wide as what they hold, rows whole on one page, headings on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fpdf import FPDF

__all__ = ["Cell", "Colour", "Grid", "Heading"]

Colour = tuple[int, int, int]

_SIZES = (6.8, 6.4, 6.0, 5.6, 5.2, 4.8)
_GAP = 1.3  # mm at each side of a cell
_NARROWEST = 20.0  # of a column whose text may take several lines
_MEASURED = 5  # of a column's longest texts


@dataclass(frozen=True)
class Heading:
    """`folds`: its texts may be broken anywhere to take several lines; a number never is."""

    text: str
    right: bool = False
    folds: bool = False


@dataclass(frozen=True)
class Cell:
    """`text` may hold line breaks of its own."""

    text: str
    colour: Colour | None = None


class Grid:
    """`ink` sets size and colour of the text, `turn` begins a page."""

    def __init__(
        self,
        paper: FPDF,
        headings: Sequence[Heading],
        width: float,
        ink: Callable[[float, Colour], None],
        colours: tuple[Colour, Colour, Colour, Colour],
    ) -> None:
        self._paper, self._headings, self._width, self._ink = paper, headings, width, ink
        self._text, self._head, self._wash, self._hair = colours
        self._size = _SIZES[0]
        self._widths: list[float] = []
        self._fold = lru_cache(maxsize=4096)(self._folded)

    def draw(self, rows: Sequence[Sequence[Cell]], last: Sequence[Cell] | None = None) -> None:
        """`last` is a line of sums."""
        self._fit([*rows, last] if last else rows)
        kept, margin = self._paper.auto_page_break, self._paper.b_margin
        self._paper.set_auto_page_break(False, margin)
        self._heads()
        for row in rows:
            self._row(row)
        if last is not None:
            self._row([Cell(cell.text, self._head) for cell in last], washed=True)
        self._paper.set_auto_page_break(kept, margin)

    # -- widths ------------------------------------------------------------------------------

    def _fit(self, rows: Sequence[Sequence[Cell]]) -> None:
        """The largest size at which nothing but text that folds is broken."""
        longest = [
            sorted((row[place].text for row in rows), key=len)[-_MEASURED:]
            for place in range(len(self._headings))
        ]
        for size in _SIZES:
            self._size = size
            self._ink(size, self._text)
            natural = [self._natural(place, texts) for place, texts in enumerate(longest)]
            fixed = sum(w for w, h in zip(natural, self._headings, strict=True) if not h.folds)
            folding = [w for w, h in zip(natural, self._headings, strict=True) if h.folds]
            least = sum(min(w, _NARROWEST) for w in folding)
            if fixed + least <= self._width:
                break
        room = max(self._width - fixed, least)
        self._widths = self._shared(natural, sum(folding), room)

    def _shared(self, natural: list[float], folding: float, room: float) -> list[float]:
        """What is left over goes to all; where it is short, the columns that fold share it."""
        if folding <= room:
            more = (self._width - sum(natural)) / len(natural)
            return [width + max(0.0, more) for width in natural]
        return [
            max(min(width, _NARROWEST), width * room / folding) if heading.folds else width
            for width, heading in zip(natural, self._headings, strict=True)
        ]

    def _natural(self, place: int, texts: Sequence[str]) -> float:
        words = self._headings[place].text.split(" ")
        lines = [line for text in texts for line in text.split("\n")]
        return max(map(self._paper.get_string_width, [*words, *lines])) + 2 * _GAP

    # -- rows --------------------------------------------------------------------------------

    @property
    def _line(self) -> float:
        return self._size * 0.5

    def _heads(self) -> None:
        self._row([Cell(heading.text, self._head) for heading in self._headings], washed=True)

    def _row(self, row: Sequence[Cell], *, washed: bool = False) -> None:
        self._ink(self._size, self._text)
        lines = [
            self._fold(cell.text, width) for cell, width in zip(row, self._widths, strict=True)
        ]
        height = max(map(len, lines)) * self._line + 1.6
        paper = self._paper
        if paper.get_y() + height > paper.h - paper.b_margin:
            paper.add_page()
            self._heads()
            self._ink(self._size, self._text)
        top, left = paper.get_y(), paper.l_margin
        if washed:
            paper.set_fill_color(*self._wash)
            paper.rect(left, top, sum(self._widths), height, style="F")
        for cell, parts, width, heading in zip(
            row, lines, self._widths, self._headings, strict=True
        ):
            self._ink(self._size, cell.colour or self._text)
            self._parts(parts, left, top, width, right=heading.right)
            left += width
        paper.set_draw_color(*self._hair)
        paper.line(paper.l_margin, top + height, left, top + height)
        paper.set_y(top + height)

    def _parts(
        self, parts: Sequence[str], left: float, top: float, width: float, *, right: bool
    ) -> None:
        for number, part in enumerate(parts):
            if not part:
                continue
            x = left + _GAP
            if right:
                x = left + width - _GAP - self._paper.get_string_width(part)
            self._paper.text(x, top + 0.8 + (number + 0.78) * self._line, part)

    def _folded(self, text: str, width: float) -> tuple[str, ...]:
        found: list[str] = []
        for line in text.split("\n"):
            if self._paper.get_string_width(line) <= width - 2 * _GAP + 0.01:
                found.append(line)
                continue
            margin, self._paper.c_margin = self._paper.c_margin, 0.0
            inside = width - 2 * _GAP
            parts: Any = self._paper.multi_cell(
                inside, self._line, line, dry_run=True, output="LINES"
            )
            found += parts
            self._paper.c_margin = margin
        return tuple(found)
