"""At the centre: how every department and job stands that writes to a buffer store, by what the
store itself holds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import Row, Select, and_, exists, select

from bridge.batch import Kind
from bridge.errors import Fork
from bridge.ledger.migrations import has_receiver
from bridge.ledger.receiverschema import RELEASED, claim_row, health_view, position_row
from bridge.ledger.word import read_word
from bridge.settings import Deployment
from connectors.connector import Connector
from connectors.errors import (
    BridgeheadError,
    ConfigurationError,
    MissingObject,
    MissingRight,
    PermanentError,
)
from connectors.registry import connect
from reconcile.verdict import Verdict

__all__ = ["Centre", "Health", "the_centre"]

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ALARMING = (Verdict.FORK, Verdict.GAP, Verdict.DEVIATION)
_AHEAD_SECONDS = 3600.0


@dataclass(frozen=True)
class Health:
    """One row of `bh_health`. Before its first batch a job has seq 0, and its lag is the time since
    it came here first; one that has a table here and no position any more has epoch 0 and no lag.
    Of a row that cannot be read, `trouble` says why, and nothing else is known. `ahead_seconds`:
    its newest state lies so far ahead of the store's clock."""

    department: str
    job: str
    epoch: int
    seq: int
    last_batch_at: datetime | None
    last_batch_kind: Kind | None
    last_empty_at: datetime | None
    received_verdict: Verdict | None
    batches: int
    received_total: int
    deviations: int
    lag_seconds: float | None
    trouble: str | None = None
    ahead_seconds: float = 0.0
    released: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """The receiver's own; a batch of this epoch that differed stays, until a resync ends the
        epoch. None of a job that was released."""
        if self.released:
            return None
        if self.deviations and self.received_verdict not in (Verdict.FORK, Verdict.GAP):
            return Verdict.DEVIATION
        return self.received_verdict

    def is_overdue(self, limit_seconds: float) -> bool:
        late = self.lag_seconds is not None and self.lag_seconds > limit_seconds
        return late and not self.released

    @property
    def is_ahead(self) -> bool:
        """How long nothing has come cannot be told."""
        return self.ahead_seconds > _AHEAD_SECONDS and not self.released

    def is_well(self, limit_seconds: float) -> bool:
        known = self.trouble is None and self.verdict not in _ALARMING and not self.is_ahead
        return known and not self.is_overdue(limit_seconds)

    @property
    def badness(self) -> tuple[int, float]:
        """What is worse sorts higher; a store that has seen no batch is not well known either."""
        if self.trouble is not None:
            return len(_RANK), 0.0
        if self.released:
            return -1, 0.0
        rank = _RANK[self.verdict] if self.verdict else _RANK[Verdict.IN_FLIGHT]
        return rank, max(self.lag_seconds or 0.0, self.ahead_seconds)


class Centre:
    """A session with the store, opened when it is needed, and again after it broke."""

    def __init__(self, deployment: Deployment, endpoint: str) -> None:
        self._deployment, self.endpoint = deployment, endpoint
        self._session: Connector | None = None

    def look(self) -> list[Health]:
        """Every department's jobs, the worst first. What one of them has left there unreadable
        hides no other."""
        try:
            if self._session is None:
                self._session = connect(self._deployment.endpoint(self.endpoint))
            found = _all(self._session)
            with self._session.transaction() as connection:
                lost = connection.execute(_WITHOUT_POSITION).all()
            found += [_lost(*names) for names in lost]
        except MissingObject as error:
            self._refuse_another_release()
            raise MissingObject(
                "nobody has delivered to this store yet: it has no bh_health",
                endpoint=error.endpoint,
                remedy="name a buffer store with --endpoint NAME",
            ) from error
        except BridgeheadError:
            self.close()
            raise
        return sorted(found, key=lambda h: (*(-part for part in h.badness), h.department, h.job))

    def _refuse_another_release(self) -> None:
        """Closes the session. What it lacks, its receiver may not have come to have."""
        with closing(self):
            if self._session is not None:
                with self._session.transaction() as connection:
                    has_receiver(connection)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def the_centre(deployment: Deployment, name: str | None) -> str:
    """The endpoint named, else the one target that all jobs have."""
    if name is not None:
        if name not in deployment.endpoints:
            deployment.endpoint(name)
        return name
    targets: Sequence[str] = sorted({job.target.endpoint for job in deployment.jobs.values()})
    if len(targets) != 1:
        raise ConfigurationError(
            "which buffer store is to be watched is not clear: the jobs have"
            f" {', '.join(targets) or 'no target'}",
            remedy="name one with --endpoint NAME",
        )
    return targets[0]


def _all(session: Connector) -> list[Health]:
    try:
        now = session.clock()
        with session.transaction() as connection:
            return [_health(row, now) for row in connection.execute(_QUERY).all()]
    except (MissingObject, MissingRight):
        raise
    except _UNREADABLE:
        with session.transaction() as connection:
            names = connection.execute(_POSITIONS).all()
        return [found for one in names if (found := _one(session, *one)) is not None]


def _one(session: Connector, department: str, job: str) -> Health | None:
    """None if it is not there any more."""
    query = _QUERY.where(c.department == department, c.job == job)
    try:
        with session.transaction() as connection:
            row = connection.execute(query).one_or_none()
        return _health(row, session.clock()) if row is not None else None
    except _UNREADABLE as error:
        said = error.message if isinstance(error, BridgeheadError) else _NO_MOMENT
        return _bare(department, job, trouble=said)


def _health(row: Row[Any], now: datetime) -> Health:
    """Sums and differences come as decimals from some databases."""
    values: dict[str, Any] = dict(row._mapping)
    came_at = values.pop("updated_at")
    values["received_verdict"] = values.pop("verdict")
    for name in ("batches", "received_total", "deviations"):
        values[name] = int(values[name] or 0)
    place = f"{values['department']}/{values['job']}", "bh_health"
    if kind := values["last_batch_kind"]:
        values["last_batch_kind"] = read_word(Kind, kind, "last_batch_kind", *place)
    released = values["received_verdict"] == RELEASED
    if released:
        values["received_verdict"] = None
    elif verdict := values["received_verdict"]:
        values["received_verdict"] = read_word(Verdict, verdict, "verdict", *place)
    lag = values["lag_seconds"]
    if values["last_batch_kind"] and (lag is None or not isfinite(lag)):
        raise ValueError(_NO_MOMENT)
    if values["seq"] and not values["last_batch_kind"] and not released:
        values["received_verdict"] = Verdict.GAP  # the receipt of its last batch was deleted
    if not values["seq"]:
        lag = (now - came_at).total_seconds()
    # A department's clock may be ahead of the centre's.
    values["lag_seconds"] = None if lag is None else max(0.0, float(lag))
    return Health(**values, ahead_seconds=max(0.0, -float(lag or 0)), released=released)


def _lost(department: str, job: str) -> Health:
    """Its position was deleted, which comes before the claim: the next run will find a gap."""
    return _bare(department, job, Verdict.GAP)


def _bare(
    department: str, job: str, verdict: Verdict | None = None, trouble: str | None = None
) -> Health:
    """Of a job of which nothing else is known."""
    return Health(department, job, 0, 0, None, None, None, verdict, 0, 0, 0, None, trouble)


_NO_MOMENT = "one of its moments is none"
_UNREADABLE = (PermanentError, Fork, ValueError, OverflowError)
"""How a driver, SQLAlchemy or we take a value that no release has written."""
_POSITIONS = select(position_row.c.department, position_row.c.job)
_WITHOUT_POSITION = (
    select(claim_row.c.department, claim_row.c.job)
    .where(
        ~exists().where(
            position_row.c.department == claim_row.c.department,
            position_row.c.job == claim_row.c.job,
        )
    )
    .distinct()
)
c = health_view.c
_QUERY: Select[Any] = select(
    c.department,
    c.job,
    c.epoch,
    c.seq,
    c.last_batch_at,
    c.last_batch_kind,
    c.last_empty_at,
    c.verdict,
    c.batches,
    c.received_total,
    c.deviations,
    c.lag_seconds,
    position_row.c.updated_at,
).join(
    position_row,
    and_(position_row.c.department == c.department, position_row.c.job == c.job),
)
