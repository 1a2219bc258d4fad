"""A small disk: a tmpfs of its own, which can be filled until only a few kilobytes are left."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from bridge.demo.account import open_place, server_account

__all__ = ["DiskError", "SmallDisk", "why_no_disk"]


class DiskError(Exception):
    """It could not be mounted: who may not, is told so by the system."""


class SmallDisk:
    """Mounted at `place`, where a server's account can enter. Only root may, and not in every
    container."""

    def __init__(self, megabytes: int) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="small-disk-", dir=open_place(server_account())))
        self.place.chmod(0o755)
        self._ballast = self.place / "ballast"
        size = f"size={megabytes}m,mode=1777"
        try:
            _call("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.place))
        except (DiskError, OSError):
            self.place.rmdir()
            raise

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """What still runs there ends with its own files."""
        _call("umount", "--lazy", str(self.place))
        self.place.rmdir()

    def leave(self, kilobytes: int) -> None:
        """Take all the room but so much. A server may take some of it meanwhile."""
        wanted = kilobytes * 1024
        with suppress(OSError), self._ballast.open("wb") as ballast:
            ballast.write(bytes(max(self._room() - wanted, 0)))
        lacking = wanted - self._room()
        if lacking > 0:
            os.truncate(self._ballast, max(self._ballast.stat().st_size - lacking, 0))

    def give_back(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def _room(self) -> int:
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize


def why_no_disk() -> str:
    """Why no small disk can be had here; empty where one can."""
    try:
        with SmallDisk(1):
            return ""
    except (DiskError, OSError) as error:
        return str(error)


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise DiskError(done.stderr.strip() or f"{command[0]} failed")
