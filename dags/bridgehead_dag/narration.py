"""What a task's log says: lines while a run gets on, then a section for each stage to open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bridge.batch import Batch, Counts, State
from bridge.overview import verdict_of
from bridge.run import Outcome

__all__ = ["Narrator", "section"]

log = logging.getLogger("bridgehead")


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
        log.info("%s %s %s %s", job, _name(batch), batch.kind, batch.state)

    def tell(self, outcome: Outcome, *stages: str) -> None:
        """The sections of a run that is over."""
        self._add(outcome)
        for stage in stages:
            title, lines = _STAGES[stage]
            with section(title):
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
        yield "nothing was sealed 没有新批次"
    for batch in outcome.batches:
        tally = batch.tally
        changes = (
            f"{tally.inserted:,} inserted, {tally.updated:,} updated, {tally.deleted:,} deleted"
        )
        rest = f"{tally.unchanged:,} unchanged, {tally.quarantined:,} quarantined"
        yield f"{_name(batch)} {batch.kind}: {tally.read:,} read → {changes}, {rest}"
    for holder in outcome.holders:
        yield f"the horizon is held back by {holder} 安全上界被占用"


def _pushed(outcome: Outcome) -> Iterable[str]:
    if not outcome.batches:
        yield "nothing was delivered 没有推送"
    for batch in outcome.batches:
        received = _effects(batch.received) if batch.received else "not yet"
        yield f"{_name(batch)}: sent {_effects(batch.sent)}, received {received}"


def _reconciled(outcome: Outcome) -> Iterator[str]:
    for batch in outcome.batches:
        verdict = verdict_of(batch)
        told = f"{verdict.zh} {verdict.en}" if verdict else "superseded"
        cause = f", {batch.cause}" if batch.cause else ""
        yield f"{_name(batch)}: deviation {batch.deviation or 0}, {told}{cause}"
    if (cut := outcome.cut) is not None:
        agrees = "equal" if cut.agrees else "different"
        sums = f"sent {cut.sent.total:,}, received {cut.received.total:,}"
        yield f"stream up to {cut.epoch}/{cut.seq}: {sums}, {agrees}"


_STAGES: dict[str, tuple[str, Callable[[Outcome], Iterable[str]]]] = {
    "pull": ("pull 抽取 source → exchange", _pulled),
    "push": ("push 推送 exchange → target", _pushed),
    "reconcile": ("reconcile 核对 sent = received?", _reconciled),
}


def _name(batch: Batch) -> str:
    return f"{batch.epoch}/{batch.seq}"


def _effects(counts: Counts) -> str:
    return f"{counts.total:,} ({counts.inserted:,}/{counts.updated:,}/{counts.deleted:,})"
