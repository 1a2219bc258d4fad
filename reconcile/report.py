"""How a reconciliation report looks: one self-contained page, made only of what is handed in.

The page needs no script, no network and no other file. It holds every language asked for; the
reader switches between them, and what is printed is the one chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from reconcile.chart import PARTS, Chart, Entry, Pillars, mirror, pillars
from reconcile.figures import JobSection, Report
from reconcile.level import BatchLine, Content, Effects, Gap, Position, Stream
from reconcile.listing import pages, said
from reconcile.statement import Day, Statement
from reconcile.verdict import Verdict
from reconcile.wording import Language, Speaker

__all__ = [
    "BatchLine",
    "Content",
    "Effects",
    "Gap",
    "JobSection",
    "Position",
    "Report",
    "Stream",
    "day_charts",
    "render_html",
    "render_statement",
]


def render_html(report: Report, languages: Sequence[Language] = ("zh", "en")) -> str:
    """The page in the given languages; the first is the one shown when it is opened.

    The same report gives the same bytes. Raises ValueError for a language it does not speak.
    """
    speaker = Speaker(tuple(languages), report.zone)
    dated = [_entry(batch, speaker.minute(batch.sealed_at)) for batch in report.batches]
    return _render(
        "report.html.j2", report, speaker, chart=mirror(dated), verdict=report.verdict, matters=()
    )


def render_statement(statement: Statement, languages: Sequence[Language] = ("zh", "en")) -> str:
    """The statement of a period: the report's page with a chart of days, and what an auditor
    checks."""
    report = statement.report
    speaker = Speaker(tuple(languages), report.zone)
    chart, deviations = day_charts(statement)
    return _render(
        "statement.html.j2",
        report,
        speaker,
        verdict=statement.verdict,
        matters=statement.matters,
        chart=chart,
        deviations=deviations,
        statement=statement,
        tables={listing.code: listing for listing in pages(statement)},
        said=said,
        classes=_CLASSES,
    )


def day_charts(statement: Statement) -> tuple[Chart, Pillars]:
    """Sent and received day by day, and the deviation below."""
    sides = mirror([_day_entry(day) for day in statement.days])
    return sides, pillars([(f"{day.day:%m-%d}", day.deviation) for day in statement.days])


def _render(template: str, report: Report, speaker: Speaker, **more: object) -> str:
    numbered = [[_entry(batch, batch.number) for batch in job.batches] for job in report.jobs]
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            charts=[mirror(entries) for entries in numbered],
            say=speaker.say,
            speaker=speaker,
            Verdict=Verdict,
            **more,
        )
    )


_CLASSES = {"count": "n", "share": "n", "age": "n", "moment": "when", "text": ""}


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reconcile"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _entry(batch: BatchLine, label: str) -> Entry:
    received = batch.received.parts if batch.received else {}
    return Entry(label, batch.sent.parts, received, batch.received is None, batch.alarming)


def _day_entry(day: Day) -> Entry:
    sent = _parts([batch.sent for batch in day.batches])
    received = _parts([batch.received for batch in day.batches if batch.received])
    return Entry(f"{day.day:%m-%d}", sent, received, day.unreceipted > 0, day.alarming)


def _parts(sides: Sequence[Effects]) -> dict[str, int]:
    return {part: sum(side.parts.get(part, 0) for side in sides) for part in PARTS}
