"""The pages say what the code does: links, modules, commands, tables, examples."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import typer
import yaml

from bridge.batch import Batch, State, Tally
from bridge.batch import Kind as BatchKind
from bridge.cli.app import COMMANDS, app, main
from bridge.configuration.endpointsettings import EndpointSettings
from bridge.guarantee import guarantee_of
from bridge.job import Job
from bridge.language.speech import chinese
from bridge.ledger.audit import AuditEntry
from bridge.ledger.receiverschema import RECEIVER, health_view
from bridge.ledger.schema import EXCHANGE
from bridge.transform.mask import MASKS, masked
from bridge.transform.refusal import Reason, masked_sample
from connectors.canonical import ABSENT, Digest, canonical_line
from connectors.postgresql.dialect import PostgresqlDialect
from connectors.registry import FAMILIES
from connectors.table import Column, Kind, Type
from tests.language.sources import template_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ZH = ROOT / "docs/zh"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]

_CODE = re.compile(r"```.*?```|`[^`\n]+`|^    .*$", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"\bbridgehead (?:--config DIR )?([a-z]+)\b(.*?)(?=`|\n|$| bridgehead )")
_PROVEN_ZH = {
    "run for real": "已在真实环境运行",
    "against a stand-in": "对替代环境运行过",
    "never met the real server": "从未接触真实服务器",
}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _page(name: str) -> str:
    return _text(ROOT / "docs" / name)


def _rows(text: str, cells: int) -> Iterator[list[str]]:
    """Rows of tables with so many cells, without headings."""
    for line in text.splitlines():
        found = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(found) == cells:
            yield [cell.removesuffix("|").removesuffix(" |").strip() for cell in found]


def _section(text: str, heading: str) -> str:
    _, _, rest = text.partition(f"\n## {heading}\n")
    assert rest, heading
    return rest.partition("\n## ")[0]


# -- what is named exists ------------------------------------------------------------------------


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    text = re.sub(_CODE, "", _text(page))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(_text(place)), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_folders_that_are_named_exist(page: Path) -> None:
    text = "\n".join(_CODE.findall(_text(page)))
    places = ("", "bridge", "connectors", "reconcile")
    for name in set(re.findall(r"(?<![\w/.<{])[\w/]+\.py\b", text)):
        assert any((ROOT / place / name).is_file() for place in places), name
    for name in set(
        re.findall(r"`((?:bridge|connectors|reconcile|tests|docs|config)/[\w/]*)`", text)
    ):
        assert any((ROOT / place / name).exists() for place in places), name


def _calls(text: str) -> Iterator[tuple[str, str]]:
    """Every `bridgehead COMMAND …` in code, with the rest of its line."""
    for code in _CODE.findall(text):
        for found in _CALL.finditer(code):
            yield found[1], found[2]


def _unknown(text: str) -> list[str]:
    """What a text names of the command that the command does not have."""
    found = [f"bridgehead {call[1]}" for call in _CALL.finditer(text) if call[1] not in COMMANDS]
    group = typer.main.get_command(app)
    for call in _CALL.finditer(text):
        command, rest = group.get_command(None, call[1]), call[2]  # type: ignore[attr-defined]
        within = getattr(command, "commands", {})
        word = (rest.split() or [""])[0]
        every = [within[word]] if word in within else [command, *within.values()]
        known = {
            option
            for parameter in [p for each in every for p in getattr(each, "params", ())]
            for option in parameter.opts + parameter.secondary_opts
        }
        known |= {"--config", "--debug", "--help", "--lang", "--log-format"}
        options = re.findall(r"(?<![\w-])--[a-z-]+", rest)
        found += [f"bridgehead {call[1]} … {option}" for option in options if option not in known]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_are_named_exist(page: Path) -> None:
    assert [name for code in _CODE.findall(_text(page)) for name in _unknown(code)] == []


def test_commands_and_options_that_messages_name_exist() -> None:
    """Errors and remedies in both languages, and what is bilingual by itself: events, alarms,
    reports and statements."""
    said = [text for entry in chinese().known.items() for text in entry]
    written = [ROOT / "bridge/eventwording.py", ROOT / "bridge/notice/alarmtext.py"]
    for module in [*written, *sorted((ROOT / "reconcile").glob("*.py"))]:
        nodes = ast.walk(ast.parse(_text(module)))
        texts = [n for n in nodes if isinstance(n, ast.Constant | ast.JoinedStr)]
        said += [template_of(n) for n in texts if not isinstance(getattr(n, "value", ""), bytes)]
    assert len([text for text in said if _CALL.search(text)]) > 100
    assert {text: names for text in said if (names := _unknown(text))} == {}
    assert _unknown("then bridgehead resync {0} --wy TEXT") == ["bridgehead resync … --wy"]
    assert _unknown("bridgehead events ack 1 --limit 2") == ["bridgehead events … --limit"]
    assert _unknown("先 bridgehead rsync {0}") == ["bridgehead rsync"]


def test_the_tables_of_the_ledger_and_the_receiver_are_all_explained() -> None:
    named = set(re.findall(r"^\| `(bh_\w+)` \|", _page("architecture.md"), re.MULTILINE))
    ours = {*EXCHANGE.tables, *RECEIVER.tables, health_view.name}
    assert named - ours == {"bh_copy_JOB", "bh_change_JOB", "bh_version", "bh_receiver_version"}
    assert ours <= named


# -- tables that repeat what the code says -------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "heading"),
    [*zip(READMES, ("Support", "支持情况"), strict=True)],
    ids=("en", "zh"),
)
def test_the_support_table_is_the_registry(page: Path, heading: str) -> None:
    rows = [row for row in _rows(_section(_text(page), heading), 3) if row[0].startswith("`")]
    found = {row[0].strip("`"): row[1] for row in rows}
    proven = {name: family.proven for name, family in FAMILIES.items()}
    chinese = {name: _PROVEN_ZH[word] for name, word in proven.items()}
    assert found == (chinese if page.name.endswith("zh-CN.md") else proven)


@pytest.mark.parametrize("page", [*READMES, ZH / "trouble.md"], ids=lambda page: page.name)
def test_every_exit_code_is_explained(page: Path) -> None:
    codes = [row[0] for row in _rows(_text(page), 3) if row[0].isdigit()]
    assert codes == ["0", "1", "2", "3", "4", "130"]


def test_every_reason_is_explained_and_nothing_else() -> None:
    section = _section(_page("quarantine.md"), "Reasons")
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [*Reason]


def test_masks_do_what_their_examples_show() -> None:
    section = _section(_page("quarantine.md"), "Masks")
    examples = {row[0].strip("`"): row[2] for row in _rows(section, 3) if row[0].startswith("`")}
    assert examples.keys() == MASKS.keys()
    for mask, text in examples.items():
        shown = re.findall(r"`([^`]+)` → `([^`]+)`", text)
        values = pa.array([value for value, _ in shown], pa.string())
        assert masked(values, mask).to_pylist() == [after for _, after in shown]


def test_samples_are_as_shown() -> None:
    shown = re.findall(r"`([^`]+)` → `([^`]+)`", _section(_page("quarantine.md"), "Samples"))
    assert len(shown) == 3
    for value, sample in shown:
        assert masked_sample(value, Kind.TEXT) == sample
    assert masked_sample("00ff", Kind.BINARY) == "(2 bytes)"


CAPTURES = {
    "`compare`": {"method": "compare"},
    "`cursor`, `stamp: database`, sweep on": {"stamp": "database"},
    "`cursor`, `stamp: application`, sweep on": {"stamp": "application"},
    "`files`": {"method": "files"},
    "`cursor`, sweep `off`": {"deletes": {"sweep": "off"}},
}


@pytest.mark.parametrize("page", ["guarantees.md", "zh/guarantees.md"])
def test_the_promises_are_those_of_the_code(page: str) -> None:
    rows = [row for row in _rows(_page(page), 3) if row[1].startswith("**")]
    assert [row[0] for row in rows] == [*CAPTURES]
    for capture, promise, _ in rows:
        wish = {"method": "cursor", "column": "t"} | CAPTURES[capture]
        if wish["method"] != "cursor":
            del wish["column"]
        place = {"endpoint": "e", "table": "t"}
        job = Job.model_validate({"job": "j", "source": place, "capture": wish, "target": place})
        assert guarantee_of(job).promise.value == re.split("[* ]", promise.strip("*"))[0]


@pytest.mark.parametrize("page", ["guarantees.md", "zh/guarantees.md"])
def test_every_invariant_is_explained(page: str) -> None:
    numbers = re.findall(r"^\*\*I(\d+) ", _page(page), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 15)]


# -- worked examples -----------------------------------------------------------------------------


def test_the_worked_hashes_are_right() -> None:
    section = _section(_page("canonical.md"), "The hash of a batch, and of an audit entry")
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    sealed, noted = json.loads(lines[0]), json.loads(lines[2])
    window = [datetime.fromisoformat(at) if at else None for at in sealed.pop("window")]
    batch = Batch(
        state=State.SEALED,
        kind=BatchKind(sealed.pop("kind")),
        tally=Tally(**sealed.pop("counts")),
        **dict(zip(("window_low", "window_high"), window, strict=True)),
        **dict(zip(("key_low", "key_high"), sealed.pop("keys"), strict=True)),
        sealed_at=datetime.now(UTC),
        **sealed,
    )
    entry = AuditEntry(**noted | {"at": datetime.fromisoformat(noted["at"])})
    assert [batch.compute_hash(), entry.compute_hash()] == lines[1::2]
    digests = [hashlib.sha256(line.encode()).hexdigest() for line in lines[::2]]
    assert digests == lines[1::2]


def test_the_worked_digests_are_right() -> None:
    page = _page("canonical.md")
    row = canonical_line(["7", "A\\B", "12.5", None, "2024-02-29 04:00:00+00"])
    gone = f"8\t{ABSENT}"
    assert row.replace("\t", "→") in page
    assert gone.replace("\t", "→") in page
    hashes = [hashlib.sha256(line.encode()).hexdigest() for line in (row, gone)]
    assert re.findall(r"sha256  (\w+)", page) == hashes
    digests = [str(Digest.of_lines(lines)) for lines in ([row], [row, gone])]
    assert re.findall(r"digest  (\w+)", page) == digests


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (Type(Kind.INTEGER), "integer, boolean, date, time, timestamp, uuid"),
        (Type(Kind.TIMESTAMP, zoned=True), "integer, boolean, date, time, timestamp, uuid"),
        (Type(Kind.DECIMAL), "decimal"),
        (Type(Kind.FLOAT), "double precision"),
        (Type(Kind.FLOAT, bits=32), "real"),
        (Type(Kind.BINARY), "bytea"),
        (Type(Kind.TEXT), "text, json"),
    ],
    ids=str,
)
def test_the_auditors_expressions_are_those_of_the_dialect(kind: Type, named: str) -> None:
    section = _section(_page("canonical.md"), "Recomputing it in SQL")
    written = dict(row for row in _rows(section, 2))[named].strip("`")
    line = PostgresqlDialect().line([Column("c", kind)])
    expression = line.removeprefix("concat_ws('\t', coalesce(").removesuffix(", '\\N'))")
    assert written.replace("E'\\t'", "'\t'") == expression


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _text(page), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["stores", "airflow", "alarms", "statement"])
def test_a_page_in_chinese_has_all_of_the_english_one(name: str) -> None:
    english, chinese = (_text(folder / f"{name}.md") for folder in (ROOT / "docs", ZH))
    for part in (r"^#+ ", r"^\| ", r"^- ", r"^    \S"):
        found = [len(re.findall(part, page, re.MULTILINE)) for page in (english, chinese)]
        assert found[0] == found[1], part
    named = [set(re.findall(r"`([^`\n]+)`", page)) for page in (english, chinese)]
    assert named[0] <= named[1]


def test_both_readmes_show_the_same_example() -> None:
    english, chinese = READMES
    for language in ("sql", "yaml"):
        assert _blocks(english, language) == _blocks(chinese, language) != []
    assert [*_calls(_text(english))] == [*_calls(_text(chinese))]


def test_the_example_runs_as_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def bridgehead(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--config", str(tmp_path / "config")])
        printed = capsys.readouterr()
        assert end.value.code == 0, printed.err
        return printed.out

    def business(statements: str) -> None:
        with closing(sqlite3.connect(tmp_path / "business.db")) as connection:
            connection.executescript(statements)

    readme = _text(READMES[0])
    (tables,), (deployment, job, _) = _blocks(READMES[0], "sql"), _blocks(READMES[0], "yaml")
    (tmp_path / "config/jobs").mkdir(parents=True)
    (tmp_path / "config/bridgehead.yaml").write_text(deployment, "utf-8")
    # The margin is what `sleep 3` is for.
    capture = job.replace("stamp: database", "stamp: database, margin: 0")
    (tmp_path / "config/jobs/shop.yaml").write_text(capture, "utf-8")
    business(tables)
    changes = re.findall(r'^    sqlite3 business\.db "(.+)"$', readme, re.MULTILINE)
    assert len(changes) == 2

    assert "lossless" in bridgehead("check")
    assert "2/0/0" in bridgehead("run", "shop")
    business(";".join(changes))
    time.sleep(0.01)
    assert "0/1/1" in bridgehead("run", "shop")
    assert "reconciled" in bridgehead("status")
    assert "missing 0, extra 0, different 0" in bridgehead("reconcile", "shop")


def test_the_postgresql_endpoints_are_understood() -> None:
    endpoints = yaml.safe_load(_blocks(READMES[0], "yaml")[2])["endpoints"]
    assert list(endpoints) == ["business", "exchange", "centre"]
    for settings in endpoints.values():
        assert EndpointSettings.model_validate(settings).family == "postgresql"
