"""The manual, the editor schemas and the example say what the models say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bridge.configuration.catalogue import cycle_seconds
from bridge.configuration.configfile import Document, read_yaml
from bridge.configuration.description import describe_fields
from bridge.configuration.editorschema import json_schema, write
from bridge.job import Job
from bridge.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "config"

_BOUNDS = re.compile(
    r"\b([0-9]+[smhdy]) to ([0-9]+[smhdy])\b|\b([0-9]+[smhdy]) or more"
    r"|[Aa]t most ([0-9]+ ?[smhdy])\b"
)
_ROW = re.compile(r"^\| `([^`|]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _is_mapping(annotation: Any) -> bool:
    return "Mapping" in str(annotation)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        yield prefix + name, info
        inner = _model_in(info.annotation)
        if inner is not None:
            step = ".NAME." if _is_mapping(info.annotation) else "."
            yield from _fields(inner, prefix + name + step)


def _number(path: str) -> list[int]:
    """Its bounds."""
    annotation: Any = Annotated[FIELDS[path].annotation, "as written", *FIELDS[path].metadata]
    schema = TypeAdapter(annotation).json_schema()
    (number,) = (s for s in (schema, *schema.get("anyOf", ())) if s.get("type") == "integer")
    return [number[name] for name in ("minimum", "maximum") if name in number]


describe_fields()
FIELDS = dict([*_fields(Settings), *_fields(Job)])
ROWS = {match[1]: match.groups()[1:] for match in _ROW.finditer(PAGE)}


def test_every_key_is_in_the_manual_and_nothing_else() -> None:
    assert ROWS.keys() == FIELDS.keys()


@pytest.mark.parametrize("path", FIELDS)
def test_the_manual_states_the_default(path: str) -> None:
    info, written = FIELDS[path], ROWS[path][2]
    if info.is_required():
        assert written == "required"
        return
    default = info.get_default(call_default_factory=True)
    if default is None or default == () or isinstance(default, BaseModel | Mapping):
        assert written == "–"
        return
    annotated: Any = Annotated[info.annotation, "as written", *info.metadata]
    checked: TypeAdapter[Any] = TypeAdapter(annotated)
    assert checked.validate_python(written.strip("`")) == default


@pytest.mark.parametrize("path", [path for path in FIELDS if _BOUNDS.search(ROWS[path][3])])
def test_the_manual_states_the_bounds_of_a_duration(path: str) -> None:
    info, found = FIELDS[path], _BOUNDS.search(ROWS[path][3])
    assert found is not None
    annotated: Any = Annotated[info.annotation, "as written", *info.metadata]
    checked: TypeAdapter[int] = TypeAdapter(annotated)
    for written, beyond in (found[1] or found[3], -1), (found[2] or found[4], 1):
        if written:
            bound = checked.validate_python(written.replace(" ", ""))
            with pytest.raises(ValidationError):
                checked.validate_python(bound + beyond)


_NUMBERS = {path: _number(path) for path in FIELDS if ROWS[path][1] == "number"}


@pytest.mark.parametrize("path", [p for p, bounds in _NUMBERS.items() if len(bounds) == 2])
@pytest.mark.parametrize(("page", "words"), [("", "{} to {}"), ("zh/", "{} 至 {}")])
def test_the_manuals_state_the_bounds_of_a_number(path: str, page: str, words: str) -> None:
    text = (ROOT / f"docs/{page}configuration.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{path}` |"))
    assert re.search(rf"\b{words.format(*_NUMBERS[path])}\b", row.replace(",", ""))


@pytest.mark.parametrize("path", FIELDS)
def test_every_key_has_its_chinese_term(path: str) -> None:
    description = FIELDS[path].description
    assert description is not None
    assert description.partition(". ")[0] == ROWS[path][0]


@pytest.mark.parametrize("path", FIELDS)
def test_the_manual_lists_the_words_of_a_choice(path: str) -> None:
    annotation: Any = FIELDS[path].annotation
    schema = TypeAdapter(annotation).json_schema()
    choice: list[str] = next(
        (s["enum"] for s in (schema, *schema.get("anyOf", ())) if "enum" in s), []
    )
    if choice and path != "catalogue.update_cycle":
        assert re.findall("`([^`]+)`", ROWS[path][1])[: len(choice)] == choice


@pytest.mark.parametrize(
    ("cycle", "seconds"),
    [
        ("realtime", 3600),
        ("daily", 24 * 3600),
        ("weekly", 7 * 86400),
        ("monthly", 31 * 86400),
        ("quarterly", 92 * 86400),
        ("half_yearly", 184 * 86400),
        ("yearly", 366 * 86400),
        ("3 working days", 3 * 86400),
        ("irregular", None),
    ],
)
def test_the_manual_lists_the_update_cycles(cycle: str, seconds: int | None) -> None:
    assert f"`{cycle}`" in PAGE
    assert cycle_seconds(cycle) == seconds


def test_the_committed_schemas_are_the_models(tmp_path: Path) -> None:
    write(tmp_path)
    for name in json_schema():
        committed = (ROOT / "docs/schema" / name).read_text(encoding="utf-8")
        assert committed == (tmp_path / name).read_text(encoding="utf-8"), (
            "run `python -m bridge.configuration.editorschema docs/schema`"
        )


def test_the_schemas_know_every_key() -> None:
    for name, model in (("job.schema.json", Job), ("bridgehead.schema.json", Settings)):
        committed = json.loads((ROOT / "docs/schema" / name).read_text(encoding="utf-8"))
        assert list(committed["properties"]) == list(model.model_fields)
        assert committed["additionalProperties"] is False


def test_the_example_loads() -> None:
    deployment = load(EXAMPLE)
    assert deployment.problems == ()
    assert sorted(deployment.jobs) == ["enterprise", "population"]
    assert deployment.exchange in deployment.endpoints


def test_the_example_keeps_its_secrets_elsewhere() -> None:
    passwords = [e.password for e in load(EXAMPLE).endpoints.values() if e.password is not None]
    assert len(passwords) == 3
    assert {p.env is not None for p in passwords} == {True, False}


def test_the_example_shows_every_part_of_a_job() -> None:
    files: list[Document] = [
        read_yaml(path, path.name) for path in sorted((EXAMPLE / "jobs").glob("*.yaml"))
    ]
    shown = {key for document in files for key in document.mapping()}
    assert shown == set(Job.model_fields) - {"chunk_rows"}


def test_nationalities_are_complete() -> None:
    """GB/T 3304: 56 nationalities, and two codes beside them."""
    table = load(EXAMPLE).code_tables["gbt3304"]
    assert {*table.values()} == {*(f"{n:02}" for n in range(1, 57)), "97", "98"}
    assert (table["汉族"], table["汉"], table["1"], table["基诺族"]) == ("01", "01", "01", "56")
    assert (table["其他"], table["外国血统"]) == ("97", "98")


def test_sexes() -> None:
    table = load(EXAMPLE).code_tables["gbt2261_1"]
    assert (table["男"], table["女性"], table["0"], table["9"]) == ("1", "2", "0", "9")
