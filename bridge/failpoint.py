"""Named points between two durable effects, where a test can end or freeze this process.

Off in production: one comparison each. `BRIDGEHEAD_FAILPOINT=name:hit:action` arms the hit-th pass
of a point (`*`: of all points together); the action is `kill` or `stop`, as by the signal.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count

__all__ = ["VARIABLE", "arm", "at", "failpoint"]

VARIABLE = "BRIDGEHEAD_FAILPOINT"
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

Action = Callable[[str], None]
_action: Action | None = None


def failpoint(name: str) -> None:
    if _action is not None:
        _action(name)


def arm(action: Action | None) -> None:
    """Calls `action` with the name of every point that is passed from now on; None disarms."""
    global _action
    _action = action


def at(name: str, hit: int, action: Action) -> Action:
    """`action`, on the hit-th pass alone, whichever thread it is that passes."""
    passes = count(1)

    def act(passed: str) -> None:
        if name in ("*", passed) and next(passes) == hit:
            action(passed)

    return act


def _armed_by(text: str) -> Action:
    name, hit, word = text.split(":")
    return at(name, int(hit), lambda _: os.kill(os.getpid(), _SIGNALS[word]))


if VARIABLE in os.environ:
    arm(_armed_by(os.environ[VARIABLE]))
