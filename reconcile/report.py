"""How a reconciliation report looks: one self-contained page, made only of what is handed in.

The page needs no script, no network and no other file. It holds every language asked for; the
reader switches between them, and what is printed is the one chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from reconcile.chart import Entry, mirror
from reconcile.figures import (
    BatchLine,
    Content,
    Effects,
    Gap,
    JobSection,
    Position,
    Report,
    Stream,
)
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
    "render_html",
]


def render_html(report: Report, languages: Sequence[Language] = ("zh", "en")) -> str:
    """The page in the given languages; the first is the one shown when it is opened.

    The same report gives the same bytes. Raises ValueError for a language it does not speak.
    """
    speaker = Speaker(tuple(languages), report.zone)
    dated = [_entry(batch, speaker.minute(batch.sealed_at)) for batch in report.batches]
    numbered = [[_entry(batch, batch.number) for batch in job.batches] for job in report.jobs]
    template = _environment().get_template("report.html.j2")
    return template.render(
        report=report,
        chart=mirror(dated),
        charts=[mirror(entries) for entries in numbered],
        say=speaker.say,
        speaker=speaker,
        Verdict=Verdict,
    )


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
