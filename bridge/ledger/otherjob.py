"""What the ledger tells a job of others: of one of its name in another department, and of those
that fill what it reads."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select

from bridge.ledger.history import History
from bridge.ledger.schema import batch_row, job_row
from bridge.ledger.thisjob import naming, this_job

__all__ = ["fillers", "neighbour"]

_OTHER = job_row.alias("other").c
_BATCH_OF_OTHER = batch_row.alias("of_other").c
_NEIGHBOUR = (
    select(_OTHER.department)
    .where(
        _OTHER.job == bindparam("this_job"),
        _OTHER.department != bindparam("this_department"),
        _OTHER.stamp_zone.is_not(None)
        | exists().where(
            _BATCH_OF_OTHER.department == _OTHER.department, _BATCH_OF_OTHER.job == _OTHER.job
        ),
        ~exists().where(this_job(batch_row)),
    )
    .limit(1)
)
_FILLERS = select(job_row.c.job).where(
    job_row.c.department == bindparam("this_department"),
    job_row.c.job != bindparam("this_job"),
    job_row.c.fills == bindparam("place"),
)


def neighbour(history: History) -> str | None:
    """Another department that has begun a job of this name, while this one has no batches."""
    named = naming(history.department, history.job)
    found = history.connection.execute(_NEIGHBOUR, named).scalar()
    return None if found is None else str(found)


def fillers(history: History, place: str) -> list[History]:
    """The other jobs of the department whose images fill that table, by name."""
    named = naming(history.department, history.job) | {"place": place}
    found = history.connection.execute(_FILLERS, named).scalars()
    return [History(history.connection, history.department, job) for job in sorted(found)]
