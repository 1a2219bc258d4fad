"""The Chinese pages for operators: complete, and with what the command really says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge import errors as of_the_books
from bridge.cli.app import COMMANDS
from bridge.event import EventKind
from bridge.eventwording import name_of
from bridge.language.catalogue import Template
from bridge.language.speech import chinese
from bridge.transform.refusal import Reason
from connectors import errors as of_the_stores
from connectors.errors import BridgeheadError
from reconcile.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs/zh").glob("*.md"))
_ROW = re.compile(r"^\| `([^`|]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_BLOCKS = re.compile(r"^```sql\n[^`]+```|(?:^    .*\n)+", re.MULTILINE)
_PLACE = re.compile(r"\{\d+(?:![tew])?\}")


def _text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _named_rows(text: str) -> list[list[str]]:
    """The names that stand in the first two cells, of rows that begin with nothing else."""
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \| ([^|]+) \|", text, re.MULTILINE)
    return [re.findall("`[^`]+`", first) + re.findall("`[a-z]+`", second) for first, second in rows]


def _first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (?:[^|`]* )?`(\w+)` \|", text, re.MULTILINE)


def test_every_key_of_the_configuration_is_explained_with_its_name_and_default() -> None:
    english = {row[0]: row for row in _ROW.findall(_text("configuration.md"))}
    said = {row[0]: row for row in _ROW.findall(_text("zh/configuration.md"))}
    assert said.keys() == english.keys()
    for key, (_, term, _, default, _) in english.items():
        assert (said[key][1], said[key][3]) == (term, default.replace("required", "必填"))
        choice = re.findall("`[^`]+`", english[key][2])
        assert re.findall("`[^`]+`", said[key][2]) == choice, key


def test_every_kind_of_error_is_explained() -> None:
    names = (*of_the_stores.__all__, *of_the_books.__all__)
    kinds = [vars(of_the_stores).get(n) or vars(of_the_books).get(n) for n in names]
    codes = {
        (kind.code, kind.exit_code)
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, BridgeheadError) and kind.code != "error"
    }
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|", _text("zh/trouble.md"), re.MULTILINE)
    assert sorted(rows) == sorted((code, str(exit_code)) for code, exit_code in codes)


def test_every_verdict_and_every_kind_of_event_is_explained() -> None:
    _, _, page = _text("zh/trouble.md").partition("\n## 结论\n")
    verdicts, _, rest = page.partition("\n## ")
    assert sorted(_first_cells(verdicts)) == sorted(Verdict)
    assert all(f"| {verdict.zh} `{verdict}` |" in verdicts for verdict in Verdict)
    _, _, events = rest.partition("\n## 事件的类型\n")
    assert sorted(_first_cells(events)) == sorted(EventKind)
    assert all(f"| {name_of(kind, 'zh')} `{kind}` |" in events for kind in EventKind)


def test_every_reason_for_quarantine_is_explained() -> None:
    _, _, page = _text("zh/daily.md").partition("\n## 隔离：quarantine\n")
    assert _first_cells(page.partition("\n## ")[0]) == [reason.value for reason in Reason]


@pytest.mark.parametrize("page", ["metrics.md", "sheets.md"])
def test_a_page_that_is_there_twice_has_the_same_tables(page: str) -> None:
    english, said = _text(page), _text(f"zh/{page}")
    assert _named_rows(said) == _named_rows(english) != []


@pytest.mark.parametrize("page", ["canonical.md", "metrics.md", "sheets.md"])
def test_a_page_that_is_there_twice_has_the_same_examples(page: str) -> None:
    said, blocks = _text(f"zh/{page}"), _BLOCKS.findall(_text(page))
    assert [block for block in blocks if block.isascii() and block not in said] == []
    assert len(blocks) > 1


@pytest.mark.parametrize(
    "page", ["backup.md", "canonical.md", "deployment.md", "quarantine.md", "upgrade.md"]
)
def test_a_page_that_is_there_twice_names_the_same_in_every_row_and_step(page: str) -> None:
    english, said = _text(page), _text(f"zh/{page}")
    assert _named_in_lines(said) == _named_in_lines(english) != []
    assert len(re.findall("^## ", said, re.M)) == len(re.findall("^## ", english, re.M))


def _named_in_lines(text: str) -> list[set[str]]:
    """The names in each row of a table, and in each entry of a list."""
    entries = re.findall(r"^(?:\||-|\d\.) .+\n(?:  +.+\n)*", text, re.MULTILINE)
    return [set(re.findall("`[^`]+`", entry.replace("原因", "TEXT"))) for entry in entries]


def test_every_command_that_operators_need_is_shown() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = set(re.findall(r"bridgehead ([a-z]+)\b", text))
    assert shown >= COMMANDS.keys() - {"demo", "metrics", "template"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_pages_show_of_messages_is_what_is_said(page: Path) -> None:
    shown = re.findall(r"^ +(?:情况|处理)：\s+(.+)$", page.read_text(encoding="utf-8"), re.M)
    assert shown or page.name != "trouble.md"
    assert [text for text in shown if not _is_said(text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headings_of_tables_are_those_of_the_command(page: Path) -> None:
    """A line of headings stands above a line of dashes."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^ +(\S.*)\n +─{9,}$", text, re.MULTILINE)
    known = set(chinese().known.values())
    assert [word for line in lines for word in re.split(" {2,}", line) if word not in known] == []


def _is_said(text: str) -> bool:
    """As it stands, or without the name before it and the code after it."""
    bare = re.sub(r"^\w+：|（\w+）$", "", text, flags=re.ASCII)
    return any(_fits(one, text) or _fits(one, bare) for one in chinese().known.values())


def _fits(said: str, text: str) -> bool:
    own = tuple(_PLACE.split(said))
    if len(own) == 1:
        return said == text
    return Template(own, "").values(text) is not None and len("".join(own)) > 2
