"""Which file the rows of a batch came from, and which folder."""

from __future__ import annotations

from bridge.hold import Hold
from bridge.ledger import file
from connectors.errors import MissingObject
from connectors.table import TableName

__all__ = ["note_origin", "refuse_another_folder", "refuse_older_picture"]


def note_origin(
    held: Hold, name: TableName, place: tuple[int, int], unknown_keys: int = 0
) -> str | None:
    """Keeps the file that was read for the batch about to be sealed at `place`, in the same
    transaction, and returns what the batch's own note says; None where no file was read."""
    origin = held.source.file_read(name)
    if origin is None:
        return None
    connection, said = held.exchange.connection, file.describe(origin)
    newest = file.newest_stamp(connection, held.department, held.name, place[0])
    file.note(connection, held.department, held.name, place, origin)
    if newest is not None and origin.modified_ns < newest:
        said += "; it is older than what was taken before it, and counts later"
    if unknown_keys:
        said += f"; no row was taken for deleted: the key of {unknown_keys:,} cannot be read"
    return said


def refuse_older_picture(held: Hold, name: TableName) -> None:
    """Raises MissingObject where the newest file is older than the one that was compared last: that
    is gone, and what it brought would be undone."""
    present, _ = held.source.files(name)
    if not present:
        return
    newest, names = present[-1], {found.name for found in present}
    with held.exchange.transaction() as connection:
        taken = file.taken(connection, held.department, held.name, held.ledger().epoch)
    last = max(taken.values(), key=lambda known: known.seq, default=None)
    if last and last.name not in names and newest.modified_ns < last.modified_ns:
        what = f"{last.name}, which was compared last, is gone, and {newest.name} is older"
        raise MissingObject(
            f"{held.name}: {what}",
            endpoint=held.job.source.endpoint,
            remedy=f"put it back, or touch {newest.name} if that is how things are now",
        )


def refuse_another_folder(held: Hold, name: TableName, *, holds_files: bool) -> None:
    """Raises MissingObject where there is no file, and the folder is another than the one in which
    there were some: that of a share lies empty while it is not mounted."""
    number = str(held.source.folder_number())
    with held.exchange.transaction():
        ledger = held.ledger()
        standing = ledger.standing()
        known = standing.source_schema if standing else None
        if holds_files and known != number:
            ledger.reads_from(number, "")
    if known and known != number and not holds_files:
        raise MissingObject(
            f"{held.name}: there is no file {name}, and the folder is another than the one in "
            "which there were some",
            endpoint=held.job.source.endpoint,
            remedy="see that its share is mounted; if that is how things are now, put a file there:"
            " one with a row of names alone stands for no rows",
        )
