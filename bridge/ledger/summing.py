"""What the batches of an epoch add up to: one question, asked of the ledger and of the receiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, case, func, select

from bridge.batch import Kind
from bridge.ledger.record import Sums
from bridge.ledger.thisjob import this_job

__all__ = ["sum_up", "summing"]

_OPERATIONS = ("inserted", "updated", "deleted")
_IMAGES = [kind.value for kind in Kind if kind.is_image]


def summing(table: Table, rows_of_image: Any, prefix: str = "", counted: Any = None) -> Select[Any]:
    """`Sums` over one job's batches of an epoch, up to and with one. Changes are told apart by
    operation; of an image, `rows_of_image` counts. `counted` is what is not null where a batch is
    to be counted (all are, without)."""
    c = table.c
    image = c.kind.in_(_IMAGES)
    sums: list[Any] = [
        func.count(*(() if counted is None else (counted,))),
        *(func.sum(case((image, 0), else_=c[f"{prefix}{name}"])) for name in _OPERATIONS),
        func.sum(case((image, rows_of_image), else_=0)),
    ]
    to = (c.epoch == bindparam("of_epoch"), c.seq <= bindparam("to_seq"))
    return select(*sums).where(this_job(table), *to)


def sum_up(
    connection: Connection, query: Select[Any], job: Mapping[str, str], epoch: int, seq: int
) -> Sums:
    """Executes what `summing` made for the job that `naming` names."""
    found = connection.execute(query, {**job, "of_epoch": epoch, "to_seq": seq}).one()
    return Sums(*(int(value or 0) for value in found))
