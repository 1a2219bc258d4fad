"""Writes a statement as a workbook with charts of its own.

What stands in a cell is a number, a moment, or a text. Every text is written as a text, whatever it
begins with: a title such as `=HYPERLINK(…)` stays the words it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from reconcile.listing import Listing, listings, said
from reconcile.statement import Statement
from reconcile.wording import Language, Speaker

__all__ = ["write_book"]

_MOST_ROWS = 1_000_000  # of a sheet; a spreadsheet program holds 1,048,576
_LONGEST_TEXT = 32_767  # of a cell
_DAY_SECONDS = 86_400  # a spreadsheet counts time in days
_WIDTHS = {"hash": 20, "text": 18, "moment": 19, "phrase": 34, "verdict": 14, "day": 12}
_NO_LINKS = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


def write_book(statement: Statement, language: Language, path: Path) -> None:
    """First a page for a superior, then a sheet for each table."""
    speaker = Speaker((language,), statement.report.zone)
    # Rows of long tables go to a temporary file at once: memory stays bounded.
    with xlsxwriter.Workbook(str(path), {**_NO_LINKS, "in_memory": False}) as book:
        book.set_properties(
            {"title": speaker.plain("title"), "created": statement.report.generated_at}
        )
        _Book(book, statement, speaker).write()


def pieces(text: str, most: int) -> list[str]:
    """The text in parts of at most so many characters. A query is parted at white space outside
    quotes, where it may be put together again with a line break."""
    found: list[str] = []
    while len(text) > most:
        parted = text[:most].split("'")
        place = length = 0
        for number, part in enumerate(parted):
            if number % 2 == 0:  # outside quotes
                breaks = [length + at for at in (part.rfind(" "), part.rfind("\n")) if at >= 0]
                place = max([place, *breaks])
            length += len(part) + 1
        found.append(text[: place or most])
        text = text[place + 1 if place else most :]
    return [*found, text]


class _Book:
    def __init__(self, book: Any, statement: Statement, speaker: Speaker) -> None:
        self.book, self.statement, self.speaker = book, statement, speaker
        self.title = book.add_format({"bold": True, "font_size": 16, "font_color": "#1F3A5F"})
        self.heading = book.add_format(
            {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self.bold = book.add_format({"bold": True, "num_format": "#,##0", "top": 1})
        self.plain = book.add_format({"num_format": "@", "valign": "top"})
        self.wrapped = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self.count = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.alarm = book.add_format({"num_format": "#,##0", "bold": True, "font_color": "#B3261E"})
        self.share = book.add_format({"num_format": "0.00%", "valign": "top"})
        self.age = book.add_format({"num_format": "[h]:mm:ss", "valign": "top"})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})

    def write(self) -> None:
        made = listings(self.statement)
        front = self.book.add_worksheet(self._say("title"))
        self._front(front)
        for listing in made:
            for name, rows in self._parts(listing):
                self._sheet(self.book.add_worksheet(name), listing, rows)
        self._charts(front)

    def _say(self, phrase: str, **values: object) -> str:
        return str(self.speaker.say(phrase, **values).unescape())

    def _parts(self, listing: Listing) -> Iterator[tuple[str, Sequence[Any]]]:
        """A table that is longer than a sheet goes on in another."""
        name = self._say(listing.code)
        for number, start in enumerate(range(0, max(1, len(listing.rows)), _MOST_ROWS), 1):
            rows = listing.rows[start : start + _MOST_ROWS]
            yield (name if number == 1 else f"{name} {number}"), rows

    def _front(self, sheet: Any) -> None:
        report, speaker = self.statement.report, self.speaker
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 46)
        sheet.write_string(0, 0, self._say("title"), self.title)
        period = f"{speaker.moment(report.period_from)} – {speaker.moment(report.period_to)}"
        share, concluded = self.statement.timeliness, report.concluded(self.statement.verdict)
        lines: list[tuple[str, Any]] = [
            ("department", f"{report.department_name} {report.department_code}"),
            ("period", f"{period} {self.statement.zone_name}"),
            ("generated_at", speaker.moment(report.generated_at)),
            ("verdict", self._say("headline_none") if concluded is None else concluded),
            ("jobs", len(report.jobs)),
            ("batches", len(report.batches)),
            ("sent_rows", report.sent.total),
            ("received_rows", report.received.total),
            ("deviation", report.deviation),
            ("in_flight", report.in_flight),
            ("quarantined_open", report.quarantined),
            ("gaps", report.missing_batches),
            ("residual", report.residual),
            ("timeliness", share),
        ]
        for row, (phrase, value) in enumerate(lines, 2):
            sheet.write_string(row, 0, self._say(phrase), self.heading)
            self._cell(sheet, row, 1, value, "share" if phrase == "timeliness" else "count")
        zone = {"zone": self.statement.zone_name}
        notes: list[tuple[str, dict[str, Any]]] = [
            *report.limits,
            ("zone_note", zone),
            ("unsigned", {}),
        ]
        for row, (phrase, values) in enumerate(notes, len(lines) + 3):
            sheet.write_string(row, 0, self._say(phrase, **values))

    def _sheet(self, sheet: Any, listing: Listing, rows: Sequence[Any]) -> None:
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(listing.columns):
            sheet.set_column(
                place, place, 90 if column.phrase == "list_sql" else _WIDTHS.get(column.kind, 12)
            )
            sheet.write_string(0, place, self._say(column.phrase), self.heading)
        number = 0
        for number, row in enumerate(self._lines(listing, rows), 1):
            for place, value in enumerate(row):
                self._cell(sheet, number, place, value, listing.columns[place].kind)
        if number:
            sheet.autofilter(0, 0, number, len(listing.columns) - 1)

    def _lines(self, listing: Listing, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """A text that is longer than a cell goes on in the rows below, and that is said there."""
        texts = [place for place, column in enumerate(listing.columns) if column.kind == "text"]
        for values in rows:
            row = [self._spoken(value) for value in values]
            long = {p: pieces(row[p], _LONGEST_TEXT) for p in texts if isinstance(row[p], str)}
            yield [long[p][0] if p in long else value for p, value in enumerate(row)]
            for more in range(1, max(map(len, long.values()), default=1)):
                line: list[Any] = [None] * len(row)
                phrase = "list_continued"
                line[0] = phrase if listing.columns[0].kind == "phrase" else self._say(phrase)
                for place, parts in long.items():
                    if more < len(parts):
                        line[place] = parts[more]
                yield line

    def _spoken(self, value: Any) -> Any:
        """Words of two languages as the text that they are in this one."""
        is_words = isinstance(value, tuple)
        return str(self.speaker.words(value).unescape()) if is_words else value

    def _cell(self, sheet: Any, row: int, place: int, value: Any, kind: str) -> None:
        if value is None:
            sheet.write_blank(row, place, None)
        elif isinstance(value, datetime):
            local = value.astimezone(self.statement.report.zone).replace(tzinfo=None)
            sheet.write_datetime(row, place, local, self.moment)
        elif isinstance(value, date):
            sheet.write_datetime(row, place, datetime(value.year, value.month, value.day), self.day)
        elif kind == "age":
            sheet.write_number(row, place, value / _DAY_SECONDS, self.age)
        elif isinstance(value, int | float):
            formats = {"share": self.share}
            sheet.write_number(row, place, value, formats.get(kind, self.count))
        else:
            text = str(said(value, kind, self.speaker).unescape())  # type: ignore[arg-type]
            how = self.wrapped if "\n" in text else self.plain
            sheet.write_string(row, place, text, how)

    def _charts(self, front: Any) -> None:
        days = len(self.statement.days)
        if not days:
            return
        sheet = self._say("list_days")
        sides = [(2, "list_sent_total", "#2F6690"), (6, "list_received_total", "#7FB069")]
        self._chart(front, "D3", "day_chart", sheet, sides, days)
        self._chart(front, "D20", "deviation_chart", sheet, [(11, "deviation", "#B3261E")], days)

    def _chart(self, front: Any, cell: str, title: str, sheet: str, series: Any, days: int) -> None:
        chart = self.book.add_chart({"type": "column"})
        for column, phrase, colour in series:
            chart.add_series(
                {
                    "name": self._say(phrase),
                    "categories": [sheet, 1, 0, days, 0],
                    "values": [sheet, 1, column, days, column],
                    "fill": {"color": colour},
                    "gap": 60,
                }
            )
        chart.set_title({"name": self._say(title), "name_font": {"size": 12}})
        chart.set_x_axis({"date_axis": False, "num_format": "mm-dd", "text_axis": True})
        chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True}, "min": 0})
        chart.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
        chart.set_size({"width": 720, "height": 320})
        front.insert_chart(cell, chart)
