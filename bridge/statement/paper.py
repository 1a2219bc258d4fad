"""Writes a statement as a PDF: page 1 for a superior, then the tables that an auditor checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fpdf.enums import XPos, YPos

from bridge.statement.font import Font
from bridge.statement.grid import Cell, Colour, Grid, Heading
from bridge.statement.paperchart import ChartSheet
from bridge.statement.sheet import (
    BAD,
    FULL,
    GOOD,
    HAIR,
    INK,
    NAVY,
    SOFT,
    WAIT,
    WASH,
)
from reconcile.listing import Column, Listing, attention, pages
from reconcile.report import day_charts
from reconcile.statement import Statement
from reconcile.verdict import Verdict
from reconcile.wording import Language, Speaker

__all__ = ["write_paper"]

_TONES = {
    Verdict.RECONCILED: GOOD,
    Verdict.IN_FLIGHT: WAIT,
    Verdict.UNCONFIRMED: WAIT,
    Verdict.WAIVED: WAIT,
    Verdict.HELD: WAIT,
}
_PER_ROW = 7
_TOO_LOW = 165  # mm: a heading with no room for rows below it
_MOST_ON_PAGE_1 = 6


def write_paper(statement: Statement, language: Language, font: Font, path: Path) -> None:
    """Only the glyphs that are used are embedded."""
    paper = _Paper(statement, Speaker((language,), statement.report.zone), font)
    paper.front()
    made = pages(statement)
    if len(made[0].rows) > _MOST_ON_PAGE_1:
        paper.add_page()
        paper.listing(made[0])
    for listing in made[1:]:
        paper.listing(listing)
    paper.recounts()
    paper.output(str(path))


class _Paper(ChartSheet):
    def front(self) -> None:
        statement, report, speaker = self.statement, self.statement.report, self.speaker
        self._ink(20, NAVY)
        self._line(self._say("title"), 11)
        period = f"{speaker.moment(report.period_from)} – {speaker.moment(report.period_to)}"
        made = f"{self._say('generated_at')} {speaker.moment(report.generated_at)}"
        self._ink(9.5, INK)
        self._line(
            f"{self._say('department')}  {report.department_name} {report.department_code}", 5.2
        )
        self._line(f"{self._say('period')}  {period} {statement.zone_name}    {made}", 5.2)
        self._ink(7.5, SOFT)
        self._line(self._say("zone_note", zone=statement.zone_name), 4.6)
        self._ink(8.5, BAD)
        for phrase, values in report.limits:
            self._line(self._say(phrase, **values), 5)
        self._conclusion()
        self._cards()
        self._jobs()
        sides, deviations = day_charts(statement)
        if report.batches:
            self.charts(sides, deviations, below=13)
        self._ink(8, SOFT)
        self.ln(2)
        if any(batch.image for batch in report.batches):
            self._line(self._say("image_sums_note"), 4.6)
        self._line(self._say("unsigned"), 5)

    def listing(self, listing: Listing, shortened: str = "listed_note") -> None:
        if self.get_y() > _TOO_LOW:
            self.add_page()
        self._heading(listing.code, self._shortened(listing, shortened))
        if not listing.rows:
            self._ink(8, SOFT)
            self._line("—", 5)
            return
        headings = [
            Heading(
                self._say(column.phrase),
                right=column.kind in ("count", "share"),
                folds=column.kind in ("text", "phrase"),
            )
            for column in listing.columns
        ]
        rows = [
            [
                Cell(self._said(value, column), _colour(value, column))
                for value, column in zip(row, listing.columns, strict=True)
            ]
            for row in listing.rows
        ]
        last = None
        if listing.sums and len(listing.rows) > 1:
            sums = [self.speaker.number(s) if s is not None else "" for s in listing.sums]
            last = [Cell(self._say("sum")), *map(Cell, sums[1:])]
        Grid(self, headings, FULL, self._ink, (INK, NAVY, WASH, HAIR)).draw(rows, last)
        self.ln(1)

    def _shortened(self, listing: Listing, phrase: str) -> str:
        if listing.whole == len(listing.rows):
            return ""
        return self._say(phrase, n=len(listing.rows), all=listing.whole)

    def recounts(self) -> None:
        self.add_page()
        self._heading("list_recounts")
        self._ink(8, SOFT)
        self.multi_cell(FULL, 4.4, self._say("recount_lead"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for recount in self.statement.recounts:
            self._ink(8, NAVY)
            self.ln(2)
            self._line(f"{self._say(recount.code)} · {recount.store}", 5)
            self._ink(6.4, INK)
            self.set_fill_color(*WASH)
            self.multi_cell(FULL, 3.3, recount.sql, fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for what in self.statement.audit_breaks:
            self._ink(9, BAD)
            self._line(self._say("audit_broken", what=what), 5)
        head = self.statement.audit_head
        if head and not self.statement.audit_breaks:
            self._ink(8, SOFT)
            self.ln(2)
            self._line(self._say("audit_whole", n=head[0], hash=head[1]), 5)

    # -- the parts of page 1 -----------------------------------------------------------------

    def _conclusion(self) -> None:
        report, verdict = self.statement.report, self.statement.verdict
        tone = _TONES.get(verdict, BAD)
        said_of = {"deviation": ("headline_deviation", report.deviation)}
        said_of |= {"gap": ("headline_gap", report.missing_batches)}
        if report.residual and not verdict.stands:
            tone, words = BAD, self._say("headline_residual", n=report.residual)
        elif verdict == "reconciled" and not report.batches:
            words = self._say("headline_none")
        elif verdict in said_of and said_of[verdict][1]:
            phrase, count = said_of[verdict]
            words = self._say(phrase, n=count)
        else:
            words = str(self.speaker.code("headline", verdict).unescape())
        told = self._told()
        self.ln(1.5)
        self.set_fill_color(*tone)
        self.rect(self.l_margin, self.get_y(), 1.4, 9 + 6 * len(told), style="F")
        self.set_x(self.l_margin + 4)
        self._ink(16, tone)
        self.cell(FULL - 4, 8, words, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._ink(9, INK)
        for sentence in told:
            self.set_x(self.l_margin + 4)
            self.cell(FULL - 4, 6, sentence, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)

    def _told(self) -> list[str]:
        """What stands below the headline, a sentence on each line: two would be cut at the edge."""
        report, verdict = self.statement.report, self.statement.verdict
        sums = {"sent": report.sent.total, "received": report.received.total}
        told = [self._say("conclusion", jobs=len(report.jobs), batches=len(report.batches), **sums)]
        if verdict == "reconciled" and report.deviation_found and not report.residual:
            told.append(self._say("conclusion_mended", n=report.deviation_found))
        if verdict == "waived":
            told.append(self._say("conclusion_waived", n=report.waived))
        return told

    def _jobs(self) -> None:
        """All of them where the page has room for it, else those that somebody must look at."""
        whole, grave = pages(self.statement)[0], attention(self.statement, _MOST_ON_PAGE_1)
        if len(whole.rows) <= _MOST_ON_PAGE_1:
            self.listing(whole)
            return
        if grave.rows:
            self.listing(grave, "attention_note")
        self._ink(8.5, INK)
        count = len(whole.rows) - grave.whole
        self.ln(1)
        self._line(self._say("others_quiet", n=count), 5)

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
        top, width = self.get_y(), FULL / _PER_ROW
        self.set_draw_color(*HAIR)
        for place, (phrase, value, alarm) in enumerate(cards):
            left = self.l_margin + place * width
            self.rect(left, top, width, 13)
            self._ink(7, SOFT)
            self.set_xy(left + 2, top + 1)
            self.cell(width - 4, 4, self._say(phrase))
            self._ink(13, BAD if alarm else INK)
            self.set_xy(left + 2, top + 5)
            self.cell(width - 4, 7, value)
        self.set_xy(self.l_margin, top + 15)


def _colour(value: Any, column: Column) -> Colour | None:
    if isinstance(value, Verdict):
        return _TONES.get(value, BAD)
    alarming = ("deviation", "list_deviation_open", "gaps", "list_forks", "residual")
    if column.phrase in alarming and value:
        return BAD
    return SOFT if column.kind == "hash" else None
