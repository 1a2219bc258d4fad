"""What is wrong in a configuration file, where it stands, and the nearest name that is known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.errors import ConfigurationError

__all__ = [
    "ConfigurationProblems",
    "Fault",
    "Faults",
    "Location",
    "Problem",
    "hint",
    "printable",
    "shown",
]

Location = tuple[str | int, ...]

# More than this from one file is one mistake repeated, and costs time to explain.
PROBLEMS_PER_FILE = 50
_SHOWN_LENGTH = 40
_LOGIN = re.compile(r"://[^/]*@")


@dataclass(frozen=True)
class Problem:
    """One mistake. `file` is relative to the configuration directory; line 0 is the whole file."""

    file: str
    path: str
    line: int
    message: str

    @property
    def place(self) -> str:
        # A file's name may hold anything that a file system allows.
        file = printable(self.file)
        place = f"{file}:{self.line}" if self.line else file
        return f"{place} {self.path}" if self.path else place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True)
class Fault:
    """A problem that a model finds in itself, before anybody knows the file and the line."""

    location: Location
    message: str


class Faults(ValueError):
    """Several faults at once: a validator reports all it sees, each with its own path."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{path_of(f.location)}: {f.message}" for f in faults))
        self.faults = tuple(faults)


class ConfigurationProblems(ConfigurationError):
    """A configuration that cannot be used, with every problem that was found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def path_of(location: Location) -> str:
    """`('key', 0)` → `key[0]`, `('capture', 'column')` → `capture.column`."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{shortened(step)}" if path else shortened(step)
    return path


def shortened(text: str) -> str:
    """At most 40 printable characters of `text`, without the password of an address in it."""
    text = _LOGIN.sub("://***@", text)
    cut = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
    return printable(cut)


def printable(text: str) -> str:
    """`text` without anything that could break or forge a line of a log."""
    return "".join(c if c.isprintable() else "?" for c in text)


def kind(value: object) -> str:
    """What sort of thing a value is, for places where somebody may have put a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "a text"


def shown(value: object) -> str:
    """A value as a message may quote it: short, on one line, and containers by their kind only."""
    if value is None or isinstance(value, dict | list | tuple):
        return kind(value)
    return f"'{shortened(str(value))}'"


def hint(name: object, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the known names when none is near, or nothing without any."""
    names = sorted(set(known))
    by_lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(str(name)[:80].lower(), by_lower, n=1)
    if near:
        return f"; did you mean {shown(by_lower[near[0]])}?"
    if not names:
        return ""
    listed = ", ".join(map(shortened, names[:12]))
    return f"; known: {listed}{', …' if len(names) > 12 else ''}"


def capped(problems: list[Problem]) -> list[Problem]:
    """The first problems of one file by line, and a word that there are more."""
    problems = sorted(problems, key=lambda problem: problem.line)
    if len(problems) <= PROBLEMS_PER_FILE:
        return problems
    more = Problem(problems[0].file, "", 0, "and more problems; put these right first")
    return [*problems[:PROBLEMS_PER_FILE], more]
