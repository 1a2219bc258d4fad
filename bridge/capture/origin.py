"""Says with a batch which file its rows came from."""

from __future__ import annotations

from bridge.hold import Hold
from bridge.ledger import file
from connectors.table import TableName

__all__ = ["note_origin"]


def note_origin(
    held: Hold, name: TableName, place: tuple[int, int], unknown_keys: int = 0
) -> str | None:
    """Keeps the file that was read for the batch about to be sealed at `place`, in the same
    transaction, and returns what the batch's own note says; None where no file was read."""
    origin = held.source.file_read(name)
    if origin is None:
        return None
    file.note(held.exchange.connection, held.department, held.name, place, origin)
    said = file.describe(origin)
    if unknown_keys:
        said += f"; no row was taken for deleted: the key of {unknown_keys:,} cannot be read"
    return said
