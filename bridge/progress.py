"""How a run gets on, while it does: a bar on a terminal, lines of the log elsewhere. Both on
stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from bridge.batch import Batch, State
from bridge.language import say
from bridge.log import about, in_json, log

__all__ = ["Watcher", "watching"]

_SEALED = "%s %s sealed: %s read, %s inserted, %s updated, %s deleted"
_CAME_OUT = "%s %s batch %s"


class Watcher(Protocol):
    """What a run tells; see `bridge.run.Observer`."""

    def expect(self, job: str, rows: int | None) -> None: ...

    def note(self, job: str, batch: Batch) -> None: ...


@contextmanager
def watching() -> Iterator[Watcher]:
    """A bar if stderr is a terminal that a person reads, lines if not."""
    if in_json() or not sys.stderr.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Rows(), _Speed())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        yield Bar(progress)


class Lines:
    """One line for each batch that was sealed or compared."""

    def expect(self, job: str, rows: int | None) -> None:
        if rows:
            with about(job):
                log.info("%s: the source has about %s rows", job, f"{rows:,}")

    def note(self, job: str, batch: Batch) -> None:
        name = f"{job} {batch.epoch}/{batch.seq}"
        with about(job, batch.epoch, batch.seq):
            if batch.state is State.SEALED:
                log.info(_SEALED, name, batch.kind, *_counts(batch))
            else:
                log.info(_CAME_OUT, name, batch.kind, batch.state)


class Bar:
    """A bar for each job. Rows count once their batch is delivered and compared."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._estimates: dict[str, int | None] = {}

    def expect(self, job: str, rows: int | None) -> None:
        self._estimates[job] = rows if rows and rows > 0 else None

    def note(self, job: str, batch: Batch) -> None:
        """Only of an image is the source's size what there is to do."""
        with self._lock:
            if job not in self._tasks:
                total = self._estimates.get(job) if batch.kind.is_image else None
                self._tasks[job] = self._progress.add_task(job, total=total)
        if batch.state in (State.RECONCILED, State.DEVIATED):
            self._progress.advance(self._tasks[job], batch.sent.total)


class _Rows(ProgressColumn):
    def render(self, task: Task) -> Text:
        done = f"{int(task.completed):,}"
        every = f"{int(task.total):,}" if task.total else ""
        return Text(say("{0}/{1} rows", done, every) if every else say("{0} rows", done))


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(say("{0} rows/s", f"{int(task.speed):,}") if task.speed else "")


def _counts(batch: Batch) -> list[str]:
    tally = batch.tally
    return [f"{n:,}" for n in (tally.read, tally.inserted, tally.updated, tally.deleted)]
