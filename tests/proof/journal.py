"""What of a proof has been done, line by line, so that a second call goes on where one ended."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.proof.kind import Block, Result

__all__ = ["Journal", "Line"]


@dataclass(frozen=True)
class Line:
    """A case done, or with an empty `case` the end of its block."""

    kind: str
    block: str
    case: str = ""
    count: int = 0
    findings: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False, separators=(",", ":")) + "\n"


class Journal:
    """A file that belongs to one state of the code and one seed; its first line says of both. What
    a killed process left of a line is forgotten."""

    def __init__(self, path: Path, heading: dict[str, Any]) -> None:
        self.lines: list[Line] = []
        self.heading = heading
        self._done: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._path = path
        if path.exists():
            self._read()
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = [json.dumps(self.heading, ensure_ascii=False) + "\n"]
        whole += [line.text() for line in self.lines]
        path.write_text("".join(whole), "utf-8")
        self._file = path.open("a", encoding="utf-8")

    def note(self, block: Block, result: Result) -> None:
        seconds = {name: [round(s, 3) for s in found] for name, found in result.seconds.items()}
        self._add(
            Line(block.kind, block.name, result.case, result.count, [*result.findings], seconds)
        )

    def note_end(self, block: Block) -> None:
        self._add(Line(block.kind, block.name))

    def is_ended(self, block: Block) -> bool:
        return "" in self._done[block.kind, block.name]

    def done(self, block: Block) -> frozenset[str]:
        """The cases of a block that need not be run again."""
        return frozenset(self._done[block.kind, block.name])

    def close(self) -> None:
        self._file.close()

    def _add(self, line: Line) -> None:
        self._file.write(line.text())
        self._file.flush()
        self._take(line)

    def _take(self, line: Line) -> None:
        self.lines.append(line)
        self._done[line.kind, line.block].add(line.case)

    def _read(self) -> None:
        texts = self._path.read_text("utf-8").splitlines()
        found = list(_whole(texts))
        if not found:
            return
        self.heading = found[0]
        for values in found[1:]:
            self._take(Line(**values))


def _whole(texts: list[str]) -> Iterator[dict[str, Any]]:
    for text in texts:
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            return
