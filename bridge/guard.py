"""The guard file: how far a job's ledger had come, remembered outside every database.

A ledger that stands behind it was restored from a backup, and one that has not moved while the
target has is not the only one that writes there. A guard behind the ledger is normal: a run was
killed between a commit and this, or another machine has run the job. What cannot be written or read
guards nothing, and stops nothing.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.batch import GENESIS
from bridge.failpoint import failpoint
from bridge.ledger.record import Head

__all__ = ["Guard", "Mark"]

log = logging.getLogger("bridgehead")

_NOTHING = Head(1, 0, GENESIS)


_NO_NUMBER = 1 << 63
_DAMAGED = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Mark:
    """The newest batch that this machine has seen in the ledger; seq 0 and the anchor where an
    epoch had only begun. `elsewhere` is where that ledger was, if not in this exchange database."""

    head: Head
    elsewhere: str | None = None

    @property
    def place(self) -> tuple[int, int]:
        return self.head.epoch, self.head.seq


class Guard:
    """The guard file of one job. `exchange` says where its ledger is, without a secret."""

    def __init__(self, folder: Path, department: str, job: str, exchange: str) -> None:
        self._file = folder / f"{department}.{job}.json"
        self._exchange = exchange
        self._kept: Head | None = None

    def mark(self) -> Mark | None:
        """None where nothing is known."""
        try:
            if self._file.exists() and not self._file.is_file():
                raise ValueError
            content = json.loads(self._file.read_text("utf-8"))
            head = Head(int(content["epoch"]), int(content["seq"]), str(content["hash"]))
            exchange = str(content["exchange"])
            if not 0 <= min(head.epoch, head.seq) <= max(head.epoch, head.seq) < _NO_NUMBER:
                raise ValueError
        except FileNotFoundError:
            return None
        except _DAMAGED as error:
            log.warning("the guard file %s cannot be read: %s", self._file, type(error).__name__)
            return None
        here = exchange == self._exchange
        self._kept = head if here else None
        return Mark(head, None if here else exchange)

    def keep(self, head: Head) -> None:
        """Remembers what has been committed: the old content or the new one survives a crash,
        never a part. Never raises for what the file system refuses."""
        if head in (self._kept, _NOTHING):
            return
        try:
            self._write(head)
            failpoint("guard.kept")
        except OSError as error:
            log.warning("no guard file is kept at %s: %s", self._file, error.strerror)
        self._kept = head

    def _write(self, head: Head) -> None:
        content = {"epoch": head.epoch, "seq": head.seq, "hash": head.head_hash}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{self._file.stem}.", dir=self._file.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                json.dump(content | {"exchange": self._exchange}, opened, ensure_ascii=False)
                opened.flush()
                os.fsync(opened.fileno())
            part.replace(self._file)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise
