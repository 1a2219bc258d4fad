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

from bridge.batch import Kind, State
from bridge.guarantee import Promise
from bridge.inspection.finding import Level
from bridge.structure.structure import Change
from bridge.transform.refusal import Reason
from reconcile.cause import Cause
from reconcile.verdict import Verdict

__all__ = ["Message", "messages"]

ROOT = Path(__file__).resolve().parents[2]

# Bilingual by themselves, or read by programs and developers alone.
_APART = (
    "bridge/notice/alarmtext.py",
    "bridge/demo/deployment.py",
    "bridge/demo/postmaster.py",
    "bridge/demo/register.py",
    "bridge/demo/sample.py",
    "bridge/eventwording.py",
    "bridge/ledger/migrations/receiver/versions/",
    "bridge/ledger/migrations/exchange/versions/",
    "bridge/language/",
    "bridge/metric/metric.py",
    "dags/bridgehead_dag/building.py",
    "dags/bridgehead_dag/care.py",
    "reconcile/",
)
# Read by programs, by developers, or by nobody: names of locks, formats, parts of statements,
# texts of drivers, and what only a bug of ours would raise.
NOT_SHOWN = frozenset(
    {
        "an instant needs a time zone",
        "character varying",
        "only a cursor job is swept",
        "([1-9][0-9]{0,2}) working days?",
        'Field name "schema"',
        "periods have no end",
        'test {0} "$1"',
        "EmbeddedPostgres({0}, port={1})",
        "bridgehead schema",
        "bridgehead status {0}",
        "{0} → bridgehead enable {1}",
        "bridgehead job {0}/{1}",
        "bridgehead open work",
        "bridgehead template",
        "bridgehead {0}",
        "an applied batch has a receipt",
        "a sweep compares cursor values",
        "yyyy-mm-dd hh:mm:ss",
        "sql server",
        "odbc driver",
        "closed connection",
        "cursor's connection has been closed",
        "closed cursor",
        "load data",
        "write lock",
        "bit varying",
        "double precision",
        "with time zone",
        " with time zone",
        " with zone",
        "vxid {0}",
        "{0}, text(LENGTH), decimal(DIGITS,SCALE)",
        "{0}SELECT * FROM ({1}\n) q LIMIT 0",
        "FORMAT binary",
        "FORMAT csv",
        "FORMAT csv, NULL 'NULL'",
        "PROCESS, XA_RECOVER_ADMIN ON *.*, and SELECT ON performance_schema.*",
    }
)
_PROSE = re.compile(
    r"^an? [a-z]{4}|[A-Za-z]{2}[a-z]*[,;:]? [a-z(]|[a-z'\"`;:,)]+ \{\d|\d\} [a-z]|[;,] [a-z]"
)
_SQL = re.compile(
    r"^\W*\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|SET|FROM|WHERE|AND|OR|ORDER|GROUP|"
    r"BEGIN|COPY|LOCK|SHOW|JOIN|LEFT|ON|PRAGMA|LOAD|GRANT|MERGE|USING|VALUES|CASE|COMMIT|EXPLAIN|"
    r"TRUNCATE|LIMIT|UNION|EXISTS|CAST|DECLARE|IS|NOT|IN|AS|COLLATE|DEFAULT|NULLS?|ROWS?)\b"
    r"|\b(EXISTS \(|CAST\(|SELECT \w+[,(]|WHERE |pg_catalog|EXEC sp_|FROM STDIN|PRIMARY KEY \()"
    r"|\b(CHECK|CONCAT|CONCAT_WS|CONVERT|DATEDIFF_BIG|DECODE|LOWER|LPAD|NVL|ROUND) ?\("
    r"|\b(TIMESTAMPDIFF|ST_GeomFromText|SUBSTR|concat_ws|typeof|bh_stamp)\(|COLLATE bh_"
    r"|\b(IN \(VALUES|NOT NULL, )"
    r"| AND \(\{|, 'D', |^\{0\} (AS|IN) "
)
_HAN = re.compile("[一-鿿]")
_STYLE = re.compile(r"(bold|dim) \w+")
_PLACES = re.compile(r"\{\d+\}")
_WORD = re.compile("[A-Za-z]{2}")
_FINDINGS = ("Finding", "refused", "_refused")
_PLACE_AT_END = re.compile(r"\{\d+\}$")
_HEADINGS = re.compile(r"_?(MORE_)?COLUMNS|columns", re.IGNORECASE)


# Shown alone: words that stand in the ledger, and what is put into other messages.
_WORDS = (
    *Kind,
    *State,
    *Verdict,
    *Level,
    *Promise,
    *(f"{promise}: {{0}}" for promise in Promise),
    *Reason,
    *Cause,
    *(
        "missing",
        "extra",
        "different",
        "likely",
        "possible",
        "nothing",
        "tables",
        "password",
        "exchange",
        "receiver",
        "source → exchange",
        "exchange → target",
        "sent = received?",
    ),
    # a difference of structures writes itself so
    *(f"{change} {{0}}" for change in Change if change.startswith("column ") and change.matters),
    f"{Change.TABLE_KIND}: {{0}}",
)


@dataclass(frozen=True)
class Message:
    """Where it stands, and its template."""

    place: str
    template: str


def messages() -> Iterator[Message]:
    for word in _WORDS:
        yield Message("a word", str(word))
    for root in ("bridge", "connectors", "reconcile", "dags/bridgehead_dag"):
        for file in sorted((ROOT / root).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if not name.startswith(_APART):
                found = _File(name, ast.parse(file.read_text(encoding="utf-8"))).texts()
                for line, text in found:
                    yield Message(f"{name}:{line}", text)


class _File:
    def __init__(self, name: str, tree: ast.Module) -> None:
        self._is_command_line = name.startswith("bridge/cli/")
        self._tree = tree
        self._parents = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }

    def texts(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef) and _is_command(node):
                if told := ast.get_docstring(node):
                    yield node.lineno, " ".join(told.split())
            elif isinstance(node, ast.JoinedStr) or _is_text(node):
                text = template_of(node)
                if text and self._is_shown(node, text):
                    yield node.lineno, text.removeprefix("; ")  # type: ignore[attr-defined]

    def _is_shown(self, node: ast.AST, text: str) -> bool:
        parent = self._parents[node]
        if isinstance(parent, ast.Expr | ast.Compare | ast.JoinedStr):
            return False
        if isinstance(parent, ast.FormattedValue) and parent.value is not node:
            return False
        if isinstance(parent, ast.keyword) and parent.arg in ("style", "metavar", "pattern"):
            return False
        if isinstance(parent, ast.Call) and _name(parent.func) == "compile":
            return False
        if isinstance(parent, ast.Call) and any(map(_is_chinese, parent.args)):
            return False  # both languages are handed over, and one is taken
        if self._is_said(node) or self._is_heading(node) or self._is_subject(node):
            return True
        if text in NOT_SHOWN or self._is_mark(node) or not _WORD.search(_PLACES.sub("", text)):
            return False
        if _HAN.match(text) or _STYLE.fullmatch(text) or _SQL.search(text):
            return False
        return bool(_PROSE.search(text))

    def _is_said(self, node: ast.AST) -> bool:
        """The first argument of `say` is a message; the others are put into it."""
        parent = self._parents[node]
        if isinstance(parent, ast.IfExp) and node is not parent.test:
            node, parent = parent, self._parents[parent]
        is_said = isinstance(parent, ast.Call) and _name(parent.func) == "say"
        return is_said and parent.args[0] is node  # type: ignore[attr-defined]

    def _is_subject(self, node: ast.AST) -> bool:
        """What a finding of `check` is about."""
        parent = self._parents[node]
        is_finding = isinstance(parent, ast.Call) and _name(parent.func) in _FINDINGS
        return is_finding and len(parent.args) > 1 and parent.args[1] is node  # type: ignore[attr-defined]

    def _is_mark(self, node: ast.AST) -> bool:
        """A part of a driver's text, before the class of the error that it stands for."""
        parent = self._parents[node]
        if not isinstance(parent, ast.Tuple) or parent.elts[0] is not node:
            return False
        return len(parent.elts) > 1 and isinstance(parent.elts[1], ast.Name)

    def _is_heading(self, node: ast.AST) -> bool:
        parent = self._parents[node]
        if not self._is_command_line or not isinstance(parent, ast.List | ast.Tuple):
            return False
        holder = self._parents[parent]
        if isinstance(holder, ast.Assign):
            return any(_HEADINGS.fullmatch(_name(target)) for target in holder.targets)
        return isinstance(holder, ast.Call) and _name(holder.func) == "table"


def _is_chinese(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.JoinedStr) or _is_text(node)
    return is_text and _HAN.match(template_of(node)) is not None


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
