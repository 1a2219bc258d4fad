"""Which code a proof is about, and on what it runs."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import machine

__all__ = ["ROOT", "heading"]

ROOT = Path(__file__).resolve().parents[2]
_PROVEN = ("bridge", "connectors", "reconcile", "tests")


def heading(seed: int) -> dict[str, Any]:
    """`code` is the same as long as nothing has changed that a case runs, whatever the commit."""
    return {
        "commit": _commit(),
        "code": _code(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": seed,
        "machine": machine(),
    }


def _commit() -> str:
    changed = _git("status", "--porcelain", "--", *_PROVEN)
    return _git("rev-parse", "HEAD").strip() + (" and changes" if changed else "")


def _code() -> str:
    """The trees of the commit, and what stands beside it uncommitted."""
    known = _git("rev-parse", *(f"HEAD:{name}" for name in _PROVEN))
    known += _git("diff", "HEAD", "--", *_PROVEN)
    for name in _git("ls-files", "--others", "--exclude-standard", "--", *_PROVEN).splitlines():
        known += name + hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    )
    return done.stdout
