"""Reads one YAML file within bounded time and memory, and knows the line of everything in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bridge.configuration.problem import Location, Problem, path_of, shown

__all__ = ["Document", "Unreadable", "folder_problems", "read_text", "read_yaml"]

# libyaml where the wheel has it: ten times faster, with the same events and marks.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SIZE_LIMIT_BYTES = 1_000_000
_DEPTH_LIMIT = 30
_ALIAS_LIMIT = 100
_VALUE_LIMIT = 50_000
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class Unreadable(Exception):
    """A file of which nothing can be used; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class Document:
    """The content of a file: texts, None, lists and mappings, and the line of each location.

    Scalars stay the text that was written and the models give them a type. So `off`, `no`, `0012`
    and `1:30` are what they look like, whereas YAML 1.1 would read two booleans, 10 and 90.
    """

    file: str
    data: object = None
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, location: Location, message: str) -> Problem:
        """A problem at `location`, or at the line of the nearest part that was written."""
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        return Problem(self.file, path_of(location), self.lines.get(known, 1), message)

    def at(self, *location: str) -> object:
        """The raw value at `location`, None where there is none."""
        value = self.data
        for step in location:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def mapping(self, *location: str) -> Mapping[str, object]:
        """The mapping at `location`, empty where there is none."""
        value = self.at(*location)
        return value if isinstance(value, dict) else {}


def folder_problems(directory: Path, *folders: str) -> Iterator[Problem]:
    """Of folders that may be missing, but not be something else: it would read as an empty one."""
    for folder in folders:
        path = directory / folder
        if os.path.lexists(path) and not path.is_dir():
            yield Problem(folder, "", 0, "is not a folder")
        elif path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            yield Problem(folder, "", 0, "may not be read by the account that runs bridgehead")


def read_text(path: Path, file: str) -> str:
    """The text of a regular UTF-8 file of at most 1 MB. Raises Unreadable."""
    try:
        if not path.is_file():
            found = "is not a file" if path.exists() else "does not exist"
            raise Unreadable(Problem(file, "", 0, found))
        with path.open("rb") as stream:
            content = stream.read(_SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "cannot be opened"
        raise Unreadable(Problem(file, "", 0, f"cannot be read: {reason}")) from None
    if len(content) > _SIZE_LIMIT_BYTES:
        raise Unreadable(Problem(file, "", 0, "is larger than 1 MB, the limit for such a file"))
    return _decoded(content, file)


def read_yaml(path: Path, file: str) -> Document:
    """The document in `path`; problems that leave the rest usable are in it. Raises Unreadable."""
    text = read_text(path, file)
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise Unreadable(_broken(error, text, file)) from None
    document = Document(file)
    if node is not None:
        _Builder(document).build(node)
    return document


def _decoded(content: bytes, file: str) -> str:
    try:
        # Windows editors put a byte order mark before UTF-8.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "is not UTF-8; save it as UTF-8 (in Windows editors: 另存为 → 编码 UTF-8)"
        raise Unreadable(Problem(file, "", line, found)) from None


def _broken(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "it cannot be parsed"
        column = f" at column {mark.column + 1}" if mark else ""
        return Problem(file, "", mark.line + 1 if mark else 0, f"broken YAML{column}: {reason}")
    position = getattr(error, "position", 0)
    line = text.count("\n", 0, position) + 1
    return Problem(file, "", line, "broken YAML: a character that is not allowed in a text file")


def _check_events(text: str, file: str) -> None:
    """Stops before anything is built: nesting, aliases, tags, and one document only."""
    depth = aliases = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > _DEPTH_LIMIT:
            _refuse(event, file, f"is nested deeper than {_DEPTH_LIMIT} levels")
        if aliases > _ALIAS_LIMIT:
            _refuse(event, file, f"has more than {_ALIAS_LIMIT} aliases (*name); write them out")
        if documents > 1:
            _refuse(event, file, "holds a second document (---); one file holds one")
        if getattr(event, "tag", None) not in (None, "!"):
            _refuse(event, file, "has a tag (!…); tags are not allowed, write the plain value")


def _refuse(event: yaml.Event, file: str, message: str) -> None:
    mark = event.start_mark
    raise Unreadable(Problem(file, "", mark.line + 1 if mark else 0, message))


class _Builder:
    """Turns nodes into plain values, counting them: a few aliases can stand for billions."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def build(self, node: yaml.Node) -> None:
        self._document.data = self._value(node, ())

    def _value(self, node: yaml.Node, location: Location) -> object:
        self._count += 1
        if self._count > _VALUE_LIMIT or len(location) > _DEPTH_LIMIT:
            _refuse_node(node, self._document.file)
        self._document.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*location, i)) for i, item in enumerate(node.value)]
        plain = getattr(node, "style", None) in (None, "")
        return None if plain and node.value in _NOTHING else str(node.value)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, location)
            if key is None:
                continue
            here = (*location, key)
            line = key_node.start_mark.line + 1
            if key in result:
                self._duplicate(here, line)
                continue
            self._document.lines[here] = line
            result[key] = self._value(value_node, here)
        return result

    def _key(self, node: yaml.Node, location: Location) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.value:
            return str(node.value)
        line = node.start_mark.line + 1
        path = path_of(location)
        self._document.problems.append(
            Problem(self._document.file, path, line, "a key must be a plain, non-empty text")
        )
        return None

    def _duplicate(self, location: Location, line: int) -> None:
        first = self._document.lines[location]
        message = f"the key {shown(location[-1])} is already set in line {first}; keep one"
        self._document.problems.append(
            Problem(self._document.file, path_of(location), line, message)
        )


def _refuse_node(node: yaml.Node, file: str) -> None:
    message = f"holds more than {_VALUE_LIMIT} values, counting an alias (*name) each time"
    raise Unreadable(Problem(file, "", node.start_mark.line + 1, message))
