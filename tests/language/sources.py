"""Every message of the sources that somebody may read, as the catalogue writes it.

What counts: texts of two words or more that are not SQL, docstrings, patterns or styles; what
is handed to `say`; headings of tables; what the help pages say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Message", "messages"]

ROOT = Path(__file__).resolve().parents[2]

# Bilingual by themselves, or read by programs and developers alone.
_APART = (
    "bridge/alarmtext.py",
    "bridge/demo/",
    "bridge/eventwording.py",
    "bridge/ledger/migrations/",
    "bridge/language/",
    "bridge/metric.py",
    "reconcile/",
)
_PROSE = re.compile(r"[A-Za-z]{2}[a-z]*[,;:]? [a-z(]|[a-z'\"`;:,)]+ \{\d|\d\} [a-z]|[;,] [a-z]")
_SQL = re.compile(
    r"^\W*\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|SET|FROM|WHERE|AND|OR|ORDER|GROUP|"
    r"BEGIN|COPY|LOCK|SHOW|JOIN|LEFT|ON|PRAGMA|LOAD|GRANT|MERGE|USING|VALUES|CASE|COMMIT|EXPLAIN|"
    r"TRUNCATE|LIMIT|UNION|EXISTS|CAST|DECLARE|IS|NOT|IN|AS|COLLATE|DEFAULT|NULLS?|ROWS?)\b"
    r"|\b(EXISTS \(|CAST\(|SELECT \w+[,(]|WHERE |pg_catalog)"
)
_HAN = re.compile("[一-鿿]")
_STYLE = re.compile(r"(bold|dim) \w+")
_PLACE_AT_END = re.compile(r"\{\d+\}$")
_HEADINGS = re.compile(r"_?(MORE_)?COLUMNS|columns", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """Where it stands, and its template."""

    place: str
    template: str


def messages() -> Iterator[Message]:
    for root in ("bridge", "connectors", "reconcile"):
        for file in sorted((ROOT / root).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if not name.startswith(_APART):
                found = _File(ast.parse(file.read_text(encoding="utf-8"))).texts()
                for line, text in found:
                    yield Message(f"{name}:{line}", text)


class _File:
    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._parents = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }

    def texts(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef) and _is_command(node):
                yield node.lineno, " ".join((ast.get_docstring(node) or "").split())
            elif isinstance(node, ast.JoinedStr) or _is_text(node):
                text = template_of(node)
                if text and self._is_shown(node, text):
                    yield node.lineno, text  # type: ignore[attr-defined]

    def _is_shown(self, node: ast.AST, text: str) -> bool:
        parent = self._parents[node]
        if isinstance(parent, ast.Expr | ast.Compare | ast.FormattedValue | ast.JoinedStr):
            if not (isinstance(parent, ast.FormattedValue) and parent.value is node):
                return False
        if isinstance(parent, ast.keyword) and parent.arg in ("style", "metavar", "pattern"):
            return False
        if self._is_said(node) or self._is_heading(node):
            return True
        if _HAN.search(text) or _STYLE.fullmatch(text) or _SQL.search(text):
            return False
        return bool(_PROSE.search(text))

    def _is_said(self, node: ast.AST) -> bool:
        parent = self._parents[node]
        if isinstance(parent, ast.IfExp) and node is not parent.test:
            parent = self._parents[parent]
        return isinstance(parent, ast.Call) and _name(parent.func) == "say"

    def _is_heading(self, node: ast.AST) -> bool:
        parent = self._parents[node]
        if not isinstance(parent, ast.List | ast.Tuple):
            return False
        holder = self._parents[parent]
        if isinstance(holder, ast.Assign):
            return any(_HEADINGS.fullmatch(_name(target)) for target in holder.targets)
        return isinstance(holder, ast.Call) and _name(holder.func) == "table"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_command(node: ast.FunctionDef) -> bool:
    made = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(isinstance(d, ast.Attribute) and d.attr in ("command", "callback") for d in made)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def template_of(node: ast.AST) -> str:
    """Places are numbered; those side by side are one. `%s` of a log line is a place too."""
    if isinstance(node, ast.Constant):
        parts = re.split(r"(%[sd])", str(node.value))
    else:
        assert isinstance(node, ast.JoinedStr)
        parts = [
            str(value.value) if isinstance(value, ast.Constant) else "%s" for value in node.values
        ]
    text, places = "", 0
    for part in parts:
        if part not in ("%s", "%d"):
            text += part
        elif not _PLACE_AT_END.search(text):
            text += f"{{{places}}}"
            places += 1
    return text


if __name__ == "__main__":
    import sys

    from bridge.language.speech import chinese

    seen = set(chinese().known)
    for message in messages():
        if message.template not in seen:
            seen.add(message.template)
            sys.stdout.write(f"{message.place}\t{message.template!r}\n")
