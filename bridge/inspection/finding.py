"""One thing that `check` looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.errors import BridgeheadError

__all__ = ["Finding", "Level", "refused"]


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the job runs; somebody should know
    REFUSED = "refused"  # the job cannot run


@dataclass(frozen=True)
class Finding:
    """`job` is None for what concerns all of them. `exit_code` is what a run would end with.
    `needs`, by endpoint: bytes that a first load will take there."""

    job: str | None
    subject: str
    found: str
    level: Level = Level.OK
    remedy: str = ""
    exit_code: int = 0
    needs: Mapping[str, int] = field(default_factory=dict)


def refused(job: str | None, subject: str, error: BridgeheadError) -> Finding:
    return Finding(job, subject, error.message, Level.REFUSED, error.remedy, error.exit_code)
