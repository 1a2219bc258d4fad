"""A run in a process of its own, which may be killed on its way: as by a loss of power, or by a
driver's fault."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from mmap import mmap
from multiprocessing import Pipe
from select import select
from typing import TypeVar

from sqlalchemy import Engine, event

from bridge.failpoint import arm, at, failpoint

__all__ = ["FILE_POINTS", "STATEMENT", "killed", "killed_after", "statements", "told_apart"]

FILE_POINTS = (
    "files.beginning",
    "files.begun",
    "files.telling",
    "files.told",
    "files.putting_right",
    "files.put_right",
)
"""What only a job whose source is a folder passes: killed in test_sheets.py."""

T = TypeVar("T")

_LONGEST_NAME = 64  # of a failpoint, in bytes

STATEMENT = "statement"
"""Passed after each statement, inside `statements`: where nothing but a test has a failpoint."""


@contextmanager
def statements() -> Iterator[None]:
    """Makes a failpoint of every statement that goes through SQLAlchemy: all but bulk loads."""

    def executed(*_: object) -> None:
        failpoint(STATEMENT)

    event.listen(Engine, "after_cursor_execute", executed)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", executed)


def killed(run: Callable[[], object], hit: int, name: str = "*") -> bool:
    """Whether a child that runs is killed at the hit-th pass of this failpoint, or of any."""

    def until_then() -> None:
        arm(at(name, hit, lambda _: os.kill(os.getpid(), signal.SIGKILL)))
        run()

    return _signal_of(until_then) == signal.SIGKILL


def told_apart(run: Callable[[], T]) -> T | int:
    """What a child comes to that runs; or the signal that ended it, as a driver's fault does."""
    here, there = Pipe(duplex=False)
    with here, there:
        ended_by = _signal_of(lambda: there.send(run()))
        there.close()
        return ended_by or here.recv()


def killed_after(run: Callable[[], object], seconds: float) -> str | None:
    """The last failpoint that a child passed which runs, and is killed so many seconds after its
    beginning, wherever it is then; None if it ended before."""
    with closing(mmap(-1, _LONGEST_NAME)) as passed:

        def keep(name: str) -> None:
            passed[:] = name.encode().ljust(_LONGEST_NAME)

        def noting() -> None:
            arm(keep)
            run()

        child = _begun(noting)
        ended = os.pidfd_open(child)
        try:
            before, _, _ = select([ended], [], [], seconds)
        finally:
            os.close(ended)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return None if before else passed[:].strip(b"\0 ").decode() or "nothing"


def _signal_of(run: Callable[[], object]) -> int:
    """By which signal a child ends that runs; 0 if it ends by itself."""
    _, status = os.waitpid(_begun(run), 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _begun(run: Callable[[], object]) -> int:
    """The number of a child that runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child runs one thread only
        child = os.fork()
    if child == 0:
        try:
            gc.disable()  # it would touch, and so copy, every page that the two share
            run()
        finally:
            os._exit(0)
    return child
