"""The server's slow statements, from its log: where the time of a run goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Statement", "Statements", "read_statements"]

# log_line_prefix is `%m|%d|`; further lines of a statement are indented.
_BEGIN = re.compile(
    r"^[^|]*\|(?P<database>[^|]*)\|LOG:  duration: (?P<ms>[0-9.]+) ms  "
    r"(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): (?P<sql>.*)$"
)
_SHOWN = 160
_KEPT = 12


@dataclass(frozen=True)
class Statement:
    """`sql` is its beginning, on one line."""

    seconds: float
    database: str
    sql: str


class Statements:
    """Follows a server's log. `of` holds the slowest statements of each part collected."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self.of: dict[str, list[Statement]] = {}

    def collect(self, name: str) -> None:
        """Everything that was logged since the last time; the hops of one part go together."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        self._read += len(text)
        found = sorted(read_statements(text.decode("utf-8", "replace")), key=lambda s: -s.seconds)
        self.of[name] = found[:_KEPT]

    def as_document(self) -> dict[str, list[dict[str, object]]]:
        return {name: [asdict(statement) for statement in of] for name, of in self.of.items()}


def read_statements(log: str) -> Iterator[Statement]:
    """The timed statements of a log, in its order."""
    begun: re.Match[str] | None = None
    sql = ""
    for line in [*log.splitlines(), "|"]:
        if begun is not None and line.startswith("\t"):
            sql += " " + line.strip()
            continue
        if begun is not None:
            yield Statement(float(begun["ms"]) / 1000, begun["database"], sql[:_SHOWN])
        begun = _BEGIN.match(line)
        sql = begun["sql"] if begun else ""
