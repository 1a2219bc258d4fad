"""What a job promises about completeness, and why: lossless, bounded (by what), or none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.configuration.duration import DAY
from bridge.job import Job
from bridge.language.speech import chinese
from reconcile.wording import Words

__all__ = ["Guarantee", "Promise", "guarantee_of"]


class Promise(StrEnum):
    LOSSLESS = "lossless"  # every committed change arrives
    BOUNDED = "bounded"  # by what `why` says, most often by the next sweep
    NONE = "none"  # what a window cannot show is never found


@dataclass(frozen=True)
class Guarantee:
    promise: Promise
    why: str

    @property
    def words(self) -> Words:
        """Why, for a page in both languages."""
        return Words(chinese().translate(self.why), self.why)


def guarantee_of(job: Job, feeder: str | None = None) -> Guarantee:
    """A cursor sees only rows whose stamp moved; the sweep finds the rest, deletes among it. What a
    `feeder` brings into its table bears stamps of before."""
    capture = job.capture
    if capture.method == "compare":
        return Guarantee(Promise.LOSSLESS, "every run compares every row")
    if capture.method == "files":
        why = "every complete file is taken whole; one replaced or removed before is not seen"
        return Guarantee(Promise.BOUNDED, f"{why}, and nothing is ever deleted")
    every = capture.deletes.sweep
    if every is None:
        why = "the sweep is off: deletes, and rows stamped late or not at all, are never found"
        return Guarantee(Promise.NONE, why)
    if feeder is not None:
        brought = f"job {feeder} brings {capture.column} with its rows"
        why = f"{brought}: what it brings late is found {_sweep(every)}"
        return Guarantee(Promise.BOUNDED, why)
    if capture.stamp == "database":
        why = f"the database stamps {capture.column}; deletes are found {_sweep(every)}"
        return Guarantee(Promise.LOSSLESS, why)
    why = f"the application stamps {capture.column}: what it stamps late is found {_sweep(every)}"
    return Guarantee(Promise.BOUNDED, why)


def _sweep(seconds: int) -> str:
    if seconds == 0:
        return "by the sweep of every run"
    if seconds == DAY:
        return "by the daily sweep"
    for unit, word in ((DAY, "d"), (3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"by the sweep every {seconds // unit}{word}"
    return f"by the sweep every {seconds}s"
