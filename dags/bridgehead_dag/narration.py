"""What a task's log says, in the language of its environment: lines while a run gets on, then a
section for each stage to open."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bridge.batch import Batch, Counts, State
from bridge.language import say, speak, wanted
from bridge.log import said
from bridge.overview import verdict_of
from bridge.run import Outcome

__all__ = ["Narrator", "section"]

log = logging.getLogger("bridgehead")


def _say(record: logging.LogRecord) -> bool:
    """The engine writes its lines in English, and a formatter of Airflow's does not know them."""
    record.msg, record.args = said(record), None
    return True


speak(wanted(os.environ))
log.addFilter(_say)


@contextmanager
def section(title: str) -> Iterator[None]:
    """A part of the log that Airflow's page folds and unfolds."""
    log.info("::group::%s", title)
    try:
        yield
    finally:
        log.info("::endgroup::")


class Narrator:
    """A run's observer. `sums` adds up what it was told, over several runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[tuple[str, int, int, State]] = set()
        self.sums = {"batches": 0, "read": 0, "sent": 0, "received": 0, "quarantined": 0}

    def expect(self, job: str, rows: int | None) -> None:
        if rows:
            log.info("%s: the source has about %s rows", job, f"{rows:,}")

    def note(self, job: str, batch: Batch) -> None:
        with self._lock:
            if (key := (job, batch.epoch, batch.seq, batch.state)) in self._told:
                return
            self._told.add(key)
        log.info("%s %s %s %s", job, _name(batch), say(batch.kind), say(batch.state))

    def tell(self, outcome: Outcome, *stages: str) -> None:
        """The sections of a run that is over."""
        self._add(outcome)
        for stage in stages:
            title, way, lines = _STAGES[stage]
            with section(f"{title} {say(way)}"):
                for line in lines(outcome):
                    log.info("%s", line)

    def _add(self, outcome: Outcome) -> None:
        for batch in outcome.batches:
            self.sums["batches"] += 1
            self.sums["read"] += batch.tally.read
            self.sums["sent"] += batch.sent.total
            self.sums["received"] += batch.received.total if batch.received else 0
            self.sums["quarantined"] += batch.tally.quarantined


def _pulled(outcome: Outcome) -> Iterator[str]:
    if not outcome.batches:
        yield say("no new batch")
    for batch in outcome.batches:
        tally = batch.tally
        counts = (tally.read, tally.inserted, tally.updated, tally.deleted)
        rest = (tally.unchanged, tally.quarantined)
        yield say(_PULLED, _name(batch), say(batch.kind), *(f"{n:,}" for n in counts + rest))
    for holder in outcome.holders:
        yield say("{0}: the horizon is held back by {1}", outcome.job, say(holder))


def _pushed(outcome: Outcome) -> Iterable[str]:
    if not outcome.batches:
        yield say("nothing to deliver")
    for batch in outcome.batches:
        received = _effects(batch.received) if batch.received else say("not yet")
        yield say("{0}: sent {1}, received {2}", _name(batch), _effects(batch.sent), received)


def _reconciled(outcome: Outcome) -> Iterator[str]:
    for batch in outcome.batches:
        verdict = verdict_of(batch)
        told = f"{verdict.zh} {verdict.en}" if verdict else say("superseded")
        cause = f": {say(batch.cause)}" if batch.cause else ""
        yield say("{0}: deviation {1}, {2}", _name(batch), batch.deviation or 0, f"{told}{cause}")
    if (cut := outcome.cut) is not None:
        agrees = say("equal" if cut.agrees else "different")
        sums = (f"{cut.sent.total:,}", f"{cut.received.total:,}")
        yield say(_CUT, f"{cut.epoch}/{cut.seq}", *sums, agrees)


_PULLED = (
    "{0} {1}: {2} read → {3} inserted, {4} updated, {5} deleted, {6} unchanged, {7} quarantined"
)
_CUT = "stream up to {0}: sent {1}, received {2}, {3}"
_STAGES: dict[str, tuple[str, str, Callable[[Outcome], Iterable[str]]]] = {
    "pull": ("pull 抽取", "source → exchange", _pulled),
    "push": ("push 推送", "exchange → target", _pushed),
    "reconcile": ("reconcile 核对", "sent = received?", _reconciled),
}


def _name(batch: Batch) -> str:
    return f"{batch.epoch}/{batch.seq}"


def _effects(counts: Counts) -> str:
    return f"{counts.total:,} ({counts.inserted:,}/{counts.updated:,}/{counts.deleted:,})"
