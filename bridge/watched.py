"""A configuration that whoever goes on for long reads again when somebody has changed it."""

from __future__ import annotations

from pathlib import Path

from bridge.settings import Deployment, load

__all__ = ["Watched"]

_Signature = frozenset[tuple[str, int, int]]


class Watched:
    """A deployment as its files are now."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._signature: _Signature | None = None  # of what was read before nobody knows

    def current(self) -> Deployment:
        """What `load` raises is raised once for each change; then what was read before stands."""
        signature = _signature_of(self._deployment.directory)
        if signature != self._signature:
            self._signature = signature
            self._deployment = load(self._deployment.directory)
        return self._deployment


def _signature_of(directory: Path) -> _Signature:
    found = set()
    for pattern in ("*.*", "*/*.*"):
        for path in directory.glob(pattern):
            try:
                stat = path.stat()
            except OSError:
                continue  # it has gone meanwhile
            found.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
