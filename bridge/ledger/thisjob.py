"""The condition that a statement composed once is about one job, named when it is executed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, bindparam

__all__ = ["this_job"]


def this_job(table: Table) -> ColumnElement[bool]:
    """Rows of the job that the values `department` and `job` name."""
    c = table.c
    return and_(c.department == bindparam("department"), c.job == bindparam("job"))
