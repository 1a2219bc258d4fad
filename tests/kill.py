"""A run in a process of its own, which may be killed on its way: as by a loss of power, or by a
driver's fault."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import TypeVar

from sqlalchemy import Engine, event

from bridge.failpoint import arm, at, failpoint

__all__ = ["FILE_POINTS", "STATEMENT", "killed", "statements", "told_apart"]

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


def _signal_of(run: Callable[[], object]) -> int:
    """By which signal a child ends that runs; 0 if it ends by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child runs one thread only
        child = os.fork()
    if child == 0:
        try:
            gc.disable()  # it would touch, and so copy, every page that the two share
            run()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
