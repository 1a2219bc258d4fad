"""Words of the ledger and of the receiver, as the values that they stand for."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from bridge.errors import Fork
from reconcile.verdict import Verdict

__all__ = ["read_verdict", "read_word"]

Word = TypeVar("Word", bound=StrEnum)


def read_word(
    kind: type[Word], found: str, column: str, job: str | None, table: str, *number: int
) -> Word:
    """Fork where no release has written it: somebody else has. `number` is that of the row, where
    it is known."""
    try:
        return kind(found)
    except ValueError as error:
        row = " ".join([table, "/".join(map(str, number))]).strip()
        place = f"{job}: {row}" if job else row
        raise Fork(
            f"{place} holds in column {column} what was never written there: {found}",
            remedy="find out who changed it, and put back what a backup of that database has there",
        ) from error


def read_verdict(found: str | None, job: str) -> Verdict | None:
    """How the job's last run ended; None where none has."""
    return read_word(Verdict, found, "ran_verdict", job, "bh_job") if found else None
