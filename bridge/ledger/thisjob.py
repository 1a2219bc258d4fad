"""The condition that a statement composed once is about one job, named when it is executed.

Not by the columns' own names: an UPDATE sets every column that its values name.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, and_, bindparam

__all__ = ["naming", "this_job"]


def this_job(table: FromClause) -> ColumnElement[bool]:
    """Rows of the job that the values of `naming` name."""
    c = table.c
    return and_(c.department == bindparam("this_department"), c.job == bindparam("this_job"))


def naming(department: str, job: str) -> dict[str, str]:
    return {"this_department": department, "this_job": job}
