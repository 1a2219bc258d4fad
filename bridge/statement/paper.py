"""Writes a statement as a PDF: page 1 for a superior, then the tables that an auditor checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from bridge.statement.font import Font
from reconcile.chart import Chart, Pillars
from reconcile.listing import Column, Listing, pages, said
from reconcile.report import day_charts
from reconcile.statement import Statement
from reconcile.verdict import Verdict
from reconcile.wording import Language, Speaker

__all__ = ["write_paper"]

Colour = tuple[int, int, int]
_NAVY, _INK, _SOFT, _HAIR, _BAD = (
    (31, 58, 95),
    (28, 36, 45),
    (91, 104, 117),
    (216, 222, 229),
    (179, 38, 30),
)
_GOOD, _WAIT, _WASH = (30, 110, 66), (150, 98, 0), (240, 243, 247)
_PARTS: dict[str, Colour] = {
    "inserted": (47, 102, 144),
    "updated": (129, 164, 205),
    "deleted": (201, 137, 88),
    "unchanged": (190, 198, 207),
}
_TONES = {
    Verdict.RECONCILED: _GOOD,
    Verdict.IN_FLIGHT: _WAIT,
    Verdict.UNCONFIRMED: _WAIT,
    Verdict.HELD: _WAIT,
}
_WEIGHTS = {"count": 1.0, "text": 1.9, "moment": 2.0, "hash": 3.3, "verdict": 1.6, "phrase": 2.6}
_WIDE = {
    "list_details": 5.0,
    "list_title": 2.6,
    "list_epoch": 0.7,
    "list_seq": 0.8,
    "list_number": 0.8,
}
_FULL = 273.0  # mm between the margins of A4 across
_PER_ROW = 7


def write_paper(statement: Statement, language: Language, font: Font, path: Path) -> None:
    """Only the glyphs that are used are embedded."""
    paper = _Paper(statement, Speaker((language,), statement.report.zone), font)
    paper.front()
    for listing in pages(statement)[1:]:
        paper.listing(listing)
    paper.recounts()
    paper.output(str(path))


class _Paper(FPDF):
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
        self._ink(7, _SOFT)
        left = f"{report.department_name} {report.department_code}"
        self.cell(_FULL / 2, 5, left)
        self.cell(_FULL / 2, 5, f"{self.page_no()}", align="R")

    def front(self) -> None:
        statement, report, speaker = self.statement, self.statement.report, self.speaker
        self._ink(20, _NAVY)
        self._line(self._say("title"), 11)
        period = f"{speaker.moment(report.period_from)} – {speaker.moment(report.period_to)}"
        made = f"{self._say('generated_at')} {speaker.moment(report.generated_at)}"
        self._ink(9.5, _INK)
        self._line(
            f"{self._say('department')}  {report.department_name} {report.department_code}", 5.2
        )
        self._line(f"{self._say('period')}  {period} {statement.zone_name}    {made}", 5.2)
        self._ink(7.5, _SOFT)
        self._line(self._say("zone_note", zone=statement.zone_name), 4.6)
        self._conclusion()
        self._cards()
        self.listing(pages(statement)[0], size=7.2)
        sides, deviations = day_charts(statement)
        if report.batches:
            self._chart(sides)
            self._pillars(deviations)
        self._ink(8, _SOFT)
        self.ln(2)
        self._line(self._say("unsigned"), 5)

    def listing(self, listing: Listing, size: float = 6.6) -> None:
        if self.get_y() > 165:
            self.add_page()
        self._heading(listing.code)
        if not listing.rows:
            self._ink(8, _SOFT)
            self._line("—", 5)
            return
        self._ink(size, _INK)
        self.set_draw_color(*_HAIR)
        self.set_fill_color(255, 255, 255)
        heads = FontFace(color=_NAVY, fill_color=_WASH)
        with self.table(
            col_widths=tuple(_weight(column) for column in listing.columns),
            text_align=tuple(
                "RIGHT" if c.kind in ("count", "share") else "LEFT" for c in listing.columns
            ),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=heads,
            line_height=size * 0.52,
            padding=0.7,
            width=_FULL,
        ) as table:
            table.row([self._say(column.phrase) for column in listing.columns])
            for row in listing.rows:
                filled = table.row()
                for value, column in zip(row, listing.columns, strict=True):
                    filled.cell(self._said(value, column), style=_style(value, column))
            if listing.sums and len(listing.rows) > 1:
                last = [self.speaker.number(s) if s is not None else "" for s in listing.sums]
                table.row([self._say("sum"), *last[1:]], style=heads)
        self.ln(1)

    def recounts(self) -> None:
        self.add_page()
        self._heading("list_recounts")
        self._ink(8, _SOFT)
        self.multi_cell(_FULL, 4.4, self._say("recount_lead"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for recount in self.statement.recounts:
            self._ink(8, _NAVY)
            self.ln(2)
            self._line(f"{self._say(recount.code)} · {recount.store}", 5)
            self._ink(6.4, _INK)
            self.set_fill_color(*_WASH)
            self.multi_cell(_FULL, 3.3, recount.sql, fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for what in self.statement.audit_breaks:
            self._ink(9, _BAD)
            self._line(self._say("audit_broken", what=what), 5)
        head = self.statement.audit_head
        if head and not self.statement.audit_breaks:
            self._ink(8, _SOFT)
            self.ln(2)
            self._line(self._say("audit_whole", n=head[0], hash=head[1]), 5)

    # -- the parts of page 1 -----------------------------------------------------------------

    def _conclusion(self) -> None:
        report, verdict = self.statement.report, self.statement.verdict
        tone = _TONES.get(verdict, _BAD)
        said_of = {"deviation": ("headline_deviation", report.deviation)}
        said_of |= {"gap": ("headline_gap", report.missing_batches)}
        if verdict == "reconciled" and not report.batches:
            words = self._say("headline_none")
        elif verdict in said_of:
            phrase, count = said_of[verdict]
            words = self._say(phrase, n=count)
        else:
            words = str(self.speaker.code("headline", verdict).unescape())
        self.ln(1.5)
        self.set_fill_color(*tone)
        self.rect(self.l_margin, self.get_y(), 1.4, 15, style="F")
        self.set_x(self.l_margin + 4)
        self._ink(16, tone)
        self.cell(_FULL - 4, 8, words, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_x(self.l_margin + 4)
        self._ink(9, _INK)
        sums = {"sent": report.sent.total, "received": report.received.total}
        told = self._say("conclusion", jobs=len(report.jobs), batches=len(report.batches), **sums)
        self.cell(_FULL - 4, 6, told, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)

    def _cards(self) -> None:
        report, share = self.statement.report, self.statement.timeliness
        number = self.speaker.number
        cards = [
            ("sent_rows", number(report.sent.total), False),
            ("received_rows", number(report.received.total), False),
            ("deviation", number(report.deviation), report.deviation != 0),
            ("in_flight", number(report.in_flight), False),
            ("quarantined_open", number(report.quarantined), False),
            ("gaps", number(report.missing_batches), report.missing_batches != 0),
            ("timeliness", self.speaker.percent(share) if share is not None else "—", False),
        ]
        top, width = self.get_y(), _FULL / _PER_ROW
        self.set_draw_color(*_HAIR)
        for place, (phrase, value, alarm) in enumerate(cards):
            left = self.l_margin + place * width
            self.rect(left, top, width, 13)
            self._ink(7, _SOFT)
            self.set_xy(left + 2, top + 1)
            self.cell(width - 4, 4, self._say(phrase))
            self._ink(13, _BAD if alarm else _INK)
            self.set_xy(left + 2, top + 5)
            self.cell(width - 4, 7, value)
        self.set_xy(self.l_margin, top + 15)

    def _chart(self, chart: Chart) -> None:
        scale = _FULL / chart.width
        if self.get_y() + chart.height * scale + 8 > self.h - self.b_margin:
            self.add_page()
        self._heading("day_chart", self._legend(chart))
        left, top = self.l_margin, self.get_y()
        self._ink(6, _SOFT)
        for tick in chart.ticks:
            for y in (tick.above, tick.below):
                self.set_draw_color(*_HAIR)
                self.line(
                    left + chart.left * scale,
                    top + y * scale,
                    left + chart.right * scale,
                    top + y * scale,
                )
                self._at(left, top + y * scale, self.speaker.number(tick.value))
        self._at(left, top + (chart.axis - 8) * scale, self._say("chart_sent") + " ↑")
        self._at(left, top + (chart.axis + 14) * scale, self._say("chart_received") + " ↓")
        for bar in chart.bars:
            for block in bar.blocks:
                self.set_fill_color(*_PARTS[block.part])
                self.rect(
                    left + bar.x * scale,
                    top + block.y * scale,
                    bar.width * scale,
                    block.height * scale,
                    style="F",
                )
            if bar.label:
                self._centred(
                    left + bar.middle * scale, top + (chart.height - 6) * scale, bar.label
                )
            if chart.valued:
                self._centred(
                    left + bar.middle * scale,
                    top + (bar.top - 8) * scale,
                    self.speaker.number(bar.sent),
                )
                self._centred(
                    left + bar.middle * scale,
                    top + (bar.bottom + 8) * scale,
                    self.speaker.number(bar.received),
                )
        self._axis(left, top + chart.axis * scale, chart.left * scale, chart.right * scale)
        self.set_y(top + chart.height * scale + 1)

    def _pillars(self, pillars: Pillars) -> None:
        if not pillars.most:
            self._heading("deviation_chart", self._say("deviation_chart_none"))
            return
        scale = _FULL / pillars.width
        if self.get_y() + pillars.height * scale + 12 > self.h - self.b_margin:
            self.add_page()
        self._heading("deviation_chart")
        left, top = self.l_margin, self.get_y()
        self.set_fill_color(*_BAD)
        self._ink(6, _SOFT)
        for bar in pillars.bars:
            self.rect(
                left + bar.x * scale,
                top + bar.y * scale,
                bar.width * scale,
                bar.height * scale,
                style="F",
            )
            if bar.value:
                self._centred(
                    left + bar.middle * scale,
                    top + (bar.y - 6) * scale,
                    self.speaker.number(bar.value),
                )
            if bar.label:
                self._centred(
                    left + bar.middle * scale, top + (pillars.height - 10) * scale, bar.label
                )
        self._axis(
            left, top + pillars.axis * scale, Chart.left * scale, (pillars.width - 12) * scale
        )
        self.set_y(top + pillars.height * scale + 1)

    def _legend(self, chart: Chart) -> str:
        words = [str(self.speaker.code("part", part).unescape()) for part in chart.parts]
        rooted = [self._say("chart_rooted")] if chart.rooted else []
        return "  ".join([" / ".join(words), *rooted])

    # -- small things ------------------------------------------------------------------------

    def _say(self, phrase: str, **values: object) -> str:
        return str(self.speaker.say(phrase, **values).unescape())

    def _said(self, value: Any, column: Column) -> str:
        text = str(said(value, column.kind, self.speaker).unescape())
        half = len(text) // 2
        return f"{text[:half]}\n{text[half:]}" if column.kind == "hash" and half >= 16 else text

    def _heading(self, phrase: str, note: str = "") -> None:
        self.ln(1.5)
        self._ink(11, _NAVY)
        words = self._say(phrase)
        self.cell(self.get_string_width(words) + 4, 6, words)
        self._ink(7.5, _SOFT)
        self.cell(0, 6.6, note, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _line(self, text: str, height: float) -> None:
        self.multi_cell(_FULL, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

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
        self.set_draw_color(*_NAVY)
        self.line(left + begin, y, left + end, y)


def _weight(column: Column) -> float:
    return _WIDE.get(column.phrase, _WEIGHTS.get(column.kind, 1.4))


def _style(value: Any, column: Column) -> FontFace | None:
    if isinstance(value, Verdict):
        return FontFace(color=_TONES.get(value, _BAD))
    alarming = ("deviation", "list_deviation_open", "gaps", "list_forks", "residual")
    if column.phrase in alarming and value:
        return FontFace(color=_BAD)
    return FontFace(color=_SOFT) if column.kind == "hash" else None
