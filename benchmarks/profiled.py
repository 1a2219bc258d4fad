"""`python -m benchmarks.profiled FILE …`: the `bridgehead` command, every thread of it profiled."""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Leaves the profile in FILE, and as text beside it."""
    path = Path(sys.argv.pop(1))
    own = cProfile.Profile()
    others = _profile_threads()
    try:
        own.runcall(_bridgehead)
    finally:
        stats = pstats.Stats(own)
        for profile in others:
            stats.add(profile)
        stats.dump_stats(path)
        with path.with_suffix(".txt").open("w", encoding="utf-8") as text:
            pstats.Stats(str(path), stream=text).sort_stats("tottime").print_stats(40)


def _bridgehead() -> None:
    from bridge.cli import main

    main()


def _profile_threads() -> list[cProfile.Profile]:
    """A profile sees one thread; each later one gets its own."""
    profiles: list[cProfile.Profile] = []
    run = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        profile = cProfile.Profile()
        profiles.append(profile)
        profile.runcall(run, thread)

    setattr(threading.Thread, "run", profiled)  # noqa: B010 — the type checker refuses a plain one
    return profiles


if __name__ == "__main__":
    main()
