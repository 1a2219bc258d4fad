"""The files of a folder that are complete: nobody is still writing them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from connectors.connector import SourceFile, WaitingFile

__all__ = ["Folder"]

_BLOCK_BYTES = 1 << 20
_PARTIAL = (".part", ".tmp", ".crdownload", ".partial", ".filepart", ".lock", ".swp")


@dataclass(frozen=True)
class Folder:
    """One folder, its own level alone. A file is complete once it has lain still for
    `settle_seconds`, by the later of its two stamps: a copy may bear an old one of its content,
    but the moment at which its inode changed cannot be set. Stamps that lie ahead, or a few minutes
    back, may be of a share whose clock is another: there two looks must find the same."""

    path: Path
    endings: frozenset[str]
    settle_seconds: float
    _seen: set[SourceFile] = field(default_factory=set)
    """As they were when `settle_seconds` were waited for."""

    def names(self, pattern: str = "*") -> list[str]:
        """Files of the family whose name is the pattern or matches it, in order of their names.
        Brackets stand for themselves, and an ending is one in capitals too."""
        return sorted(name for name in self._matching(pattern) if _readable(name) == name)

    def misnamed(self, pattern: str) -> list[str]:
        """Files that would match it, if their names were UTF-8: those of old systems are in GBK."""
        return sorted(_readable(n) for n in self._matching(pattern) if _readable(n) != n)

    def look(self, pattern: str) -> tuple[list[SourceFile], list[WaitingFile]]:
        """The complete files, oldest first, and those that must be waited for. Waits itself while
        the last write may have been the last one."""
        files, waiting = self._look(pattern)
        if any(w.why == _YOUNG for w in waiting):
            self._seen.update(w.file for w in waiting)
            time.sleep(self.settle_seconds)
            files, waiting = self._look(pattern)
        return files, waiting

    def look_for_newest(self, pattern: str) -> tuple[SourceFile | None, list[WaitingFile]]:
        """The newest complete file, and those that must be waited for and may be newer. Of a file
        that bears the name itself no other is spoken."""
        files, waiting = self.look(pattern)
        if (self.path / pattern).is_file():
            files = [f for f in files if f.name == pattern]
            waiting = [w for w in waiting if w.file.name == pattern]
        newest = files[-1] if files else None
        return newest, [w for w in waiting if newest is None or _age(w.file) > _age(newest)]

    def stat(self, name: str) -> SourceFile:
        found = (self.path / name).stat()
        return SourceFile(name, found.st_size, found.st_mtime_ns)

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with (self.path / name).open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def _matching(self, pattern: str) -> Iterator[str]:
        pattern = _with_small_ending(pattern.replace("[", "[[]"))
        for entry in os.scandir(self.path):
            if (
                entry.is_file()
                and Path(entry.name).suffix.lower() in self.endings
                and not _is_a_mark(entry.name)
                and fnmatchcase(_with_small_ending(_readable(entry.name)), pattern)
            ):
                yield entry.name

    def _look(self, pattern: str) -> tuple[list[SourceFile], list[WaitingFile]]:
        names = self.names(pattern)
        owned = _in_use(entry.name for entry in os.scandir(self.path))
        files: list[SourceFile] = []
        waiting: list[WaitingFile] = []
        for name in names:
            try:
                file = self.stat(name)
                if name in owned:
                    waiting.append(WaitingFile(file, "is open in a spreadsheet program"))
                elif self._is_young(file):
                    waiting.append(WaitingFile(file, _YOUNG))
                else:
                    files.append(file)
            except FileNotFoundError:
                continue  # taken away since it was listed
        return sorted(files, key=_age), waiting

    def _is_young(self, file: SourceFile) -> bool:
        found = (self.path / file.name).stat()
        still = time.time() - max(found.st_mtime, found.st_ctime)
        if 0 <= still < self.settle_seconds:
            return True
        return still < self.settle_seconds + _CLOCKS_APART_SECONDS and file not in self._seen


_CLOCKS_APART_SECONDS = 300
_YOUNG = "was written a moment ago"


def _readable(name: str) -> str:
    """A name whose bytes are no UTF-8 as it was meant, as far as can be told."""
    raw = os.fsencode(name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _with_small_ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}{dot}{ending.lower()}"


def _age(file: SourceFile) -> tuple[int, str]:
    return file.modified_ns, file.name


def _is_a_mark(name: str) -> bool:
    """Hidden files, those that a spreadsheet program lays beside an open one, halves of a copy."""
    return name.startswith((".", "~$")) or name.lower().endswith(_PARTIAL)


def _in_use(names: Iterable[str]) -> frozenset[str]:
    """Excel's mark drops the first two characters of a long name; LibreOffice's keeps all."""
    found = list(names)
    excel = {n[2:] for n in found if n.startswith("~$")}
    libre = {n[7:-1] for n in found if n.startswith(".~lock.") and n.endswith("#")}
    return frozenset(n for n in found if n in libre or n in excel or n[2:] in excel)
