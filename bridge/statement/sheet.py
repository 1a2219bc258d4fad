"""A page of paper: its colours, its margins, and how words stand on it."""

from __future__ import annotations

from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from bridge.statement.font import Font
from bridge.statement.grid import Colour
from reconcile.listing import Column, said
from reconcile.statement import Statement
from reconcile.wording import Speaker

__all__ = ["BAD", "FULL", "GOOD", "HAIR", "INK", "NAVY", "SOFT", "WAIT", "WASH", "Sheet"]

NAVY: Colour = (31, 58, 95)
INK: Colour = (28, 36, 45)
SOFT: Colour = (91, 104, 117)
HAIR: Colour = (216, 222, 229)
WASH: Colour = (240, 243, 247)
BAD: Colour = (179, 38, 30)
GOOD: Colour = (30, 110, 66)
WAIT: Colour = (150, 98, 0)
FULL = 273.0  # mm between the margins of A4 across


class Sheet(FPDF):
    """A4 across, with the department and the number of pages at the foot."""

    def __init__(self, statement: Statement, speaker: Speaker, font: Font) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.statement, self.speaker = statement, speaker
        self.add_font("text", fname=font.file, collection_font_number=font.face)
        self.set_margins(12, 12, 12)
        self.set_auto_page_break(True, margin=14)
        self.set_title(speaker.plain("title"))
        self.set_creation_date(statement.report.generated_at)
        self.set_font("text", size=9)
        self.add_page()

    def footer(self) -> None:
        report = self.statement.report
        self.set_y(-11)
        self._ink(7, SOFT)
        left = f"{report.department_name} {report.department_code}"
        self.cell(FULL / 2, 5, left)
        self.cell(FULL / 2, 5, f"{self.page_no()} / {{nb}}", align="R")

    def _say(self, phrase: str, **values: object) -> str:
        return str(self.speaker.say(phrase, **values).unescape())

    def _said(self, value: Any, column: Column) -> str:
        text = str(said(value, column.kind, self.speaker).unescape())
        half = len(text) // 2
        return f"{text[:half]}\n{text[half:]}" if column.kind == "hash" and half >= 16 else text

    def _heading(self, phrase: str, note: str = "") -> None:
        self.ln(1.5)
        self._ink(11, NAVY)
        words = self._say(phrase)
        self.cell(self.get_string_width(words) + 4, 6, words)
        self._ink(7.5, SOFT)
        self.cell(0, 6.6, note, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _line(self, text: str, height: float) -> None:
        self.multi_cell(FULL, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _ink(self, size: float, colour: Colour) -> None:
        self.set_font("text", size=size)
        self.set_text_color(*colour)

    def _at(self, x: float, y: float, text: str) -> None:
        self.set_xy(x, y - 1.5)
        self.cell(20, 3, text)

    def _centred(self, x: float, y: float, text: str) -> None:
        self.set_xy(x - 10, y - 1.5)
        self.cell(20, 3, text, align="C")

    def _axis(self, left: float, y: float, begin: float, end: float) -> None:
        self.set_draw_color(*NAVY)
        self.line(left + begin, y, left + end, y)
