"""How a run gets on, while it does: a bar on a terminal, plain lines elsewhere. Both on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
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

__all__ = ["Watcher", "watching"]


class Watcher(Protocol):
    """What a run tells; see `bridge.run.Observer`."""

    def expect(self, job: str, rows: int | None) -> None: ...

    def note(self, job: str, batch: Batch) -> None: ...


@contextmanager
def watching() -> Iterator[Watcher]:
    """A bar if stderr is a terminal, lines if not."""
    if not sys.stderr.isatty():
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
            _log(f"{job}: the source has about {rows:,} rows")

    def note(self, job: str, batch: Batch) -> None:
        name = f"{job} {batch.epoch}/{batch.seq}"
        if batch.state is State.SEALED:
            _log(f"{name} {batch.kind} sealed: {batch.tally.read:,} read, {_changes(batch)}")
        else:
            _log(f"{name} {batch.kind} {batch.state}")


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
        return Text(f"{done}/{int(task.total):,} rows" if task.total else f"{done} rows")


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{int(task.speed):,} rows/s" if task.speed else "")


def _changes(batch: Batch) -> str:
    tally = batch.tally
    return f"{tally.inserted:,} inserted, {tally.updated:,} updated, {tally.deleted:,} deleted"


def _log(line: str) -> None:
    print(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {line}", file=sys.stderr, flush=True)
