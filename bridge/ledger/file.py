"""Which files the batches of a job came from, as they were when they were read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select

from bridge.ledger.schema import file_row as row
from connectors.connector import SourceFile

__all__ = ["TakenFile", "describe", "newest_stamp", "note", "taken"]


@dataclass(frozen=True)
class TakenFile:
    """A file with the batch that its rows went into; `rows` are those of the whole file."""

    epoch: int
    seq: int
    name: str
    size_bytes: int
    modified_ns: int
    sha256: str
    rows: int
    blank: int
    taken_at: datetime

    def is_still(self, file: SourceFile) -> bool:
        """Whether nobody has touched it since, as far as its stamp and size tell."""
        found = (file.name, file.size_bytes, file.modified_ns)
        return found == (self.name, self.size_bytes, self.modified_ns)


def note(
    connection: Connection, department: str, job: str, place: tuple[int, int], file: SourceFile
) -> None:
    """In the transaction that seals the batch at `place`, its epoch and seq."""
    named = {"department": department, "job": job, "epoch": place[0], "seq": place[1]}
    values = named | vars(file) | {"taken_at": datetime.now(UTC)}
    connection.execute(insert(row), values)


def taken(connection: Connection, department: str, job: str, epoch: int) -> dict[str, TakenFile]:
    """By its name, how each file of the epoch was when it was taken last."""
    names = TakenFile.__dataclass_fields__
    query = (
        select(*(row.c[name] for name in names))
        .where(_of_epoch(department, job, epoch))
        .order_by(row.c.seq)
    )
    return {found.name: found for found in (TakenFile(*f) for f in connection.execute(query))}


def newest_stamp(connection: Connection, department: str, job: str, epoch: int) -> int | None:
    """The latest last change of the files that were taken in the epoch."""
    query = select(func.max(row.c.modified_ns)).where(_of_epoch(department, job, epoch))
    found: int | None = connection.execute(query).scalar()
    return found


def describe(file: SourceFile) -> str:
    """For the batch's note: what an auditor needs to find the file and to know it again."""
    blank = f", {file.blank:,} blank ones passed over" if file.blank else ""
    return (
        f"file {file.name}: {file.size_bytes:,} bytes, {file.rows:,} rows{blank}, "
        f"sha256 {file.sha256}"
    )


def _of_epoch(department: str, job: str, epoch: int) -> ColumnElement[bool]:
    return and_(row.c.department == department, row.c.job == job, row.c.epoch == epoch)
