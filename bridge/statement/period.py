"""The period of a statement, in the ledger of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bridge.batch import Batch
from bridge.ledger.history import History
from bridge.ledger.period import last_before
from bridge.settings import Deployment

__all__ = ["Period"]


@dataclass(frozen=True)
class Period:
    """[since, until) of a deployment's ledger, as it is when the statement is `made`."""

    deployment: Deployment
    connection: Connection
    since: datetime
    until: datetime
    made: datetime

    @property
    def department(self) -> str:
        return self.deployment.department.code

    def history(self, job: str) -> History:
        return History(self.connection, self.department, job)

    def last_before(self, job: str, moment: datetime, *, confirmed: bool = False) -> Batch | None:
        """As of the ledger."""
        return last_before(self.connection, self.department, job, moment, confirmed=confirmed)
