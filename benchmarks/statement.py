"""The server's statements, from its log: where the time of a run goes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["APPLICATIONS", "SETTINGS", "Statement", "Statements", "read_statements"]

APPLICATIONS = frozenset({"bridgehead", "floor"})
"""What is measured. Preparation and verification bear other names."""

SETTINGS = {"log_min_duration_statement": "5ms", "log_line_prefix": "%d|%a|"}

_BEGIN = re.compile(
    r"^(?P<database>[^|]*)\|(?P<application>[^|]*)\|LOG:  duration: (?P<ms>[0-9.]+) ms  "
    r"(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): (?P<sql>.*)$"
)
_VALUE = re.compile(r"'[^']*'|\b[0-9]+\b")
_SHOWN = 160
_KEPT = 12


@dataclass(frozen=True)
class Statement:
    """All executions of one statement, whatever its values; `sql` is its beginning. The time of a
    COPY is that of the whole stream, waiting for the other side included."""

    seconds: float
    calls: int
    database: str
    sql: str


class Statements:
    """Follows a server's log; `of` holds the slowest statements of each part collected. Without a
    log there is nothing to follow."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._read = 0
        self.of: dict[str, list[Statement]] = {}

    def collect(self, name: str) -> None:
        """Everything that was logged since the last time."""
        if self._log is None:
            return
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        self._read += len(text)
        times: dict[tuple[str, str], list[float]] = defaultdict(list)
        for statement in read_statements(text.decode("utf-8", "replace")):
            times[statement.database, _VALUE.sub("?", statement.sql)].append(statement.seconds)
        found = [Statement(sum(t), len(t), *place) for place, t in times.items()]
        found.sort(key=lambda statement: -statement.seconds)
        self.of[name] = [_shortened(statement) for statement in found[:_KEPT]]

    def as_document(self) -> dict[str, list[dict[str, object]]]:
        return {name: [asdict(statement) for statement in of] for name, of in self.of.items()}


def read_statements(log: str) -> Iterator[Statement]:
    """The timed statements of what is measured, one by one; further lines are indented."""
    begun: re.Match[str] | None = None
    sql = ""
    for line in [*log.splitlines(), "|"]:
        if begun is not None and line.startswith("\t"):
            sql += " " + line.strip()
            continue
        if begun is not None and begun["application"] in APPLICATIONS:
            yield Statement(float(begun["ms"]) / 1000, 1, begun["database"], sql)
        begun = _BEGIN.match(line)
        sql = begun["sql"] if begun else ""


def _shortened(statement: Statement) -> Statement:
    sql = statement.sql
    if len(sql) > _SHOWN:
        sql = f"{sql[: _SHOWN * 2 // 3]} … {sql[-_SHOWN // 3 :]}"
    return Statement(statement.seconds, statement.calls, statement.database, sql)
