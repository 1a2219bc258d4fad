"""How long what has arrived is kept: the payload of batches, and the ledger."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bridge.configuration.duration import DAY, YEAR, LongDuration
from bridge.configuration.validation import Strict

__all__ = ["Retention"]

_MONTH = 30 * DAY


class Retention(Strict):
    """保留期限. How long what has arrived is kept."""

    payload: Annotated[LongDuration, Field(ge=DAY)] = _MONTH
    """数据保留. How long a batch's change rows are kept after its receipt, at least."""

    backup_horizon: Annotated[LongDuration, Field(ge=DAY)] = _MONTH
    """备份期限. The age of the oldest backup from which a target may still be restored."""

    ledger: Annotated[LongDuration, Field(ge=YEAR)] = 15 * YEAR
    """台账保留. How long the ledger is kept, at least. Nothing of it is deleted yet."""

    @property
    def payload_seconds(self) -> int:
        """Both must have passed: what a restored target lacks is still here."""
        return max(self.payload, self.backup_horizon)
