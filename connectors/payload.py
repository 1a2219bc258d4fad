"""The change rows of sealed batches, where only their numbers matter: counted, and let go."""

from __future__ import annotations

from connectors.changes import EPOCH, SEQ
from connectors.dialect import Dialect, Statement
from connectors.table import TableName

__all__ = ["count", "delete"]


def count(dialect: Dialect, change: TableName, epoch: int, seq: int) -> Statement:
    return _of_batch("SELECT count(*)", dialect, change, epoch, seq)


def delete(dialect: Dialect, change: TableName, epoch: int, seq: int) -> Statement:
    return _of_batch("DELETE", dialect, change, epoch, seq)


def _of_batch(verb: str, d: Dialect, change: TableName, epoch: int, seq: int) -> Statement:
    place = f"{d.quote(EPOCH)} = {d.placeholder} AND {d.quote(SEQ)} = {d.placeholder}"
    return Statement(f"{verb} FROM {d.table(change)}\nWHERE {place}", (epoch, seq))
