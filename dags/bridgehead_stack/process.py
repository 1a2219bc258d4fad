"""What the kernel is asked to do, so that no process outlives the one that started it. Linux."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection, Iterable

import psutil

__all__ = ["adopt_orphans", "die_with_parent", "end", "offspring"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with_parent() -> None:
    """Called in the child, before it becomes another program: it gets SIGTERM when we are gone."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt_orphans() -> None:
    """A grandchild whose parent dies becomes our child, so that we still find it."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def offspring(of: int | None = None, without: Collection[int] = ()) -> list[psutil.Process]:
    """Every living descendant, but not those below `without`."""
    try:
        found = psutil.Process(of or os.getpid()).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    spared = {child.pid for pid in without for child in offspring(pid)} | set(without)
    return [child for child in found if child.pid not in spared]


def end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """SIGTERM, and SIGKILL for those that are still there after so long."""
    asked = [process for process in processes if _signal(process, signal.SIGTERM)]
    _, left = psutil.wait_procs(asked, timeout=seconds)
    psutil.wait_procs([p for p in left if _signal(p, signal.SIGKILL)], timeout=5)


def _signal(process: psutil.Process, number: int) -> bool:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True
