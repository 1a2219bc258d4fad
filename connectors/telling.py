"""What a store may tell of itself beyond what a run needs: how much it holds, how much room it has,
and who writes a column. Each family tells what it can, and says so where it cannot."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace

__all__ = [
    "Room",
    "Stamping",
    "is_on_this_machine",
    "reads_clock",
    "room_at",
    "room_of_server",
    "stamping_of",
]

_CLOCK = re.compile(
    r"\b(now|current_timestamp|clock_timestamp|statement_timestamp|transaction_timestamp|"
    r"localtimestamp|localtime|sysdate|utc_timestamp|unix_timestamp|current_date|date|datetime|"
    r"strftime|julianday)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Room:
    """Bytes free at `place`, where a store keeps its tables; None where that cannot be seen. `why`
    says what stands in the way, or what it is known on condition of."""

    free_bytes: int | None
    why: str = ""
    place: str = ""


@dataclass(frozen=True)
class Stamping:
    """What the catalogue shows to write a column at an insert and at an update; None where nothing
    is seen there. A default gives way to a value that the statement brings itself."""

    inserted: str | None = None
    updated: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.inserted is not None and self.updated is not None


def stamping_of(
    column: str,
    triggers: Iterable[tuple[str, str, str]],
    default: str | None,
    on_update: str | None = None,
) -> Stamping:
    """From triggers for each row (name, event, what it runs), the column's default, and what an
    update sets by itself. That a trigger's text assigns the column is seen; under which conditions
    it does is not."""
    writing = {
        event: f"trigger {name}"
        for name, event, body in triggers
        if _assigns(body, column)
        for event in re.findall(r"INSERT|UPDATE", event.upper())
    }
    if default is not None and reads_clock(default):
        writing.setdefault("INSERT", f"default {default}")
    if on_update is not None:
        writing.setdefault("UPDATE", on_update)
    return Stamping(writing.get("INSERT"), writing.get("UPDATE"))


def reads_clock(expression: str) -> bool:
    """Whether a default is the time at which it is taken."""
    return _CLOCK.search(expression) is not None


def room_at(path: str | os.PathLike[str]) -> Room:
    """On the disk of this machine that holds `path`."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return Room(None, f"{path} cannot be seen from here: {error.strerror}")
    return Room(usage.free, place=str(path))


def room_of_server(host: str | None, directory: str | None, right: str) -> Room:
    """Of a server whose data are in `directory` (None: this login, which lacks `right`, is not told
    where). SQL has no question for it: only on this machine can it be looked at."""
    if not is_on_this_machine(host):
        return Room(None, "the server is on another machine and does not tell; ask its DBA")
    if directory is None:
        return Room(None, f"without {right} the server does not tell where its data are")
    found = room_at(directory)
    doubt = "if the server is not in a container"
    return found if found.free_bytes is None else replace(found, why=doubt)


def is_on_this_machine(host: str | None) -> bool:
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _assigns(body: str, column: str) -> bool:
    """`NEW.c := …`, `SET c = …`, `NEW."c" = …`, whatever quotes the name."""
    name = re.escape(column)
    quoted = rf"(?:\"{name}\"|`{name}`|\[{name}\]|\b{name}\b)"
    return re.search(rf"{quoted}\s*:?=(?!=)", body, re.IGNORECASE) is not None
