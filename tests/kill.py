"""A run that is killed on its way, as by a loss of power."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event

from bridge.failpoint import arm, at, failpoint

__all__ = ["FILE_POINTS", "STATEMENT", "killed", "statements"]

FILE_POINTS = (
    "files.beginning",
    "files.begun",
    "files.telling",
    "files.told",
    "files.putting_right",
    "files.put_right",
)
"""What only a job whose source is a folder passes: killed in test_sheets.py."""

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child runs one thread only
        child = os.fork()
    if child == 0:
        try:
            gc.disable()  # it would touch, and so copy, every page that the two share
            arm(at(name, hit, lambda _: os.kill(os.getpid(), signal.SIGKILL)))
            run()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
