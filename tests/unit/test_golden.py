"""Every statement we build, as a reviewer reads it: tests/golden/<family>.sql.

BRIDGEHEAD_GOLDEN=write in the environment writes the files anew; look at the difference then.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.changes import GONE, Changes
from connectors.connector import Connector
from connectors.dialect import EVERYTHING, Dialect, KeyRange, Statement
from connectors.effects import AFTER, BEFORE, OPERATION, Effects
from connectors.odbc import BEHIND
from connectors.registry import FAMILIES
from connectors.returning import advance, replace_rows
from connectors.selection import Output, Selection, Span, select
from connectors.table import Column, Kind, Table, TableName, Type

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KEYS = KeyRange(("1", "a"), ("2", "b"))

KINDS = {
    "region": Type(Kind.INTEGER, bits=32),
    "id_no": Type(Kind.TEXT, length=18, padded=True),
    "姓名": Type(Kind.TEXT, length=50),
    "100%": Type(Kind.DECIMAL, precision=5, scale=2),
    "ratio": Type(Kind.FLOAT),
    "alive": Type(Kind.BOOLEAN),
    "born": Type(Kind.DATE),
    "photo": Type(Kind.BINARY),
    "tag": Type(Kind.UUID),
    "more": Type(Kind.JSON),
    "seen": Type(Kind.TIMESTAMP, fraction=3, zoned=True),
}


def _connector(family: str) -> type[Connector]:
    if family in _BEHIND:
        return _BEHIND[family]
    module, _, name = FAMILIES[family].connector.partition(":")
    connector: type[Connector] = getattr(importlib.import_module(module), name)
    return connector


_BEHIND = {f"odbc-{name}": session for name, session in BEHIND.items()}
_OWN = [n for n, f in FAMILIES.items() if n != "odbc" and "target" in f.roles]
SPOKEN = [*_OWN, *_BEHIND]
"""Families that are written to, and what may be behind one that carries the SQL of others."""


def _columns(dialect: Dialect) -> tuple[Column, ...]:
    return tuple(
        Column(name, dialect.represent(kind), comment="the person's name" if name == "姓名" else "")
        for name, kind in KINDS.items()
    )


def _sections(family: str) -> Iterator[tuple[str, Any]]:
    connector = _connector(family)
    dialect = connector.dialect
    columns = _columns(dialect)
    key = ("region", "id_no")
    stamp = dialect.represent(Type(Kind.TIMESTAMP))
    schema = "exchange" if connector.capabilities.schemas else None
    copy, change = TableName("population", schema), TableName("population_bh", schema)
    changes = Changes(dialect, copy, change, columns, key, stamp)
    yield "changes.create", changes.create()
    yield "changes.drop", changes.drop()
    yield "changes.stage", changes.stage()
    yield "changes.see", changes.see()
    yield "changes.classify", changes.classify(1, 7)
    yield "changes.count_changes", changes.count_changes(1, 7)
    yield "changes.apply", changes.apply(1, 7)
    yield "changes.refresh_cursor", changes.refresh_cursor()
    yield "changes.sealed_lines", changes.sealed_lines(1, 7)
    yield "changes.image_lines", changes.image_lines(KEYS)
    yield "changes.keyed_lines", changes.keyed_lines(KEYS)
    yield "changes.key_at", changes.key_at(KEYS, 1000)
    yield "changes.highest_key", changes.highest_key(copy)
    yield "changes.settle_differences", changes.settle_differences()
    yield "changes.forget_young", changes.forget_young("2024-01-01 00:00:00", "2024-01-02 00:00:00")
    yield "changes.late_keys", changes.late_keys(1000)
    yield "changes.forget", changes.forget(GONE, [("1", "a"), ("2", "b")])
    yield "changes.missing_in_stage", changes.missing_in_stage(EVERYTHING)
    for owned in (False, True):
        effects = Effects(dialect, TableName("population"), columns, key, owned)
        kind = "owned" if owned else "business"
        yield f"effects.apply ({kind})", effects.apply()
    yield "effects.insert_staged", effects.insert_staged()
    yield "effects.create", effects.create("population's table")
    yield "effects.add_columns", effects.add_columns(columns[-2:])
    yield "effects.empty_columns", effects.empty_columns(["born", "姓名"])
    yield "effects.prepare", effects.prepare() or "-- nothing"
    yield "effects.stage", effects.stage()
    yield "effects.clear", effects.clear() or "-- nothing"
    yield "effects.note_present", effects.note_present()
    yield "effects.lines", effects.lines()
    yield "effects.lines, digested", dialect.digest(effects.lines(), [OPERATION, BEFORE, AFTER])
    yield "effects.count_present", effects.count_present()
    yield "effects.count_after", effects.count_after()
    yield "effects.count_range", effects.count_range(KEYS)
    yield "effects.delete_others", effects.delete_others(KEYS)
    yield "effects.range_lines", effects.range_lines(KEYS)
    yield "effects.keyed_lines", effects.keyed_lines(KEYS)
    yield "effects.key_at", effects.key_at(KEYS, 1000)
    if dialect.returns_changes:
        yield "returning.advance", advance(changes, 1, 7)
        yield "returning.replace_rows", replace_rows(effects)
    yield "selection.select", _select(dialect, columns, key)
    yield "dialect.by_chance", dialect.by_chance(0.015) or "-- nothing"
    yield "dialect.analyze", dialect.analyze("bh_stage", key) or "-- nothing"


def _select(dialect: Dialect, columns: tuple[Column, ...], key: tuple[str, ...]) -> Statement:
    table = Table(TableName("population"), columns, key)
    selection = Selection(
        table,
        tuple(Output(c, c.type) for c in columns),
        columns[:2],
        KEYS,
        Span(table.column("seen"), None, None),
        (("1", "a"),),
        Statement(f"{dialect.quote('alive')} IS NOT NULL"),
    )
    texts = [dialect.render(dialect.quote(c.name), c.type) for c in columns]
    return select(dialect, selection, texts, _no_zone)


def _no_zone() -> Any:
    raise AssertionError("a zoned column needs no zone")


def _shown(sections: Iterator[tuple[str, Any]]) -> str:
    parts = []
    for title, built in sections:
        statements = [built] if isinstance(built, str | Statement) else list(built)
        lines = [f"-- {title}"]
        for statement in statements:
            one = statement if isinstance(statement, Statement) else Statement(statement)
            values = f"\n-- values: {', '.join(map(repr, one.values))}" if one.values else ""
            lines.append(f"{one.sql.replace(chr(9), '<TAB>')};{values}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("family", SPOKEN)
def test_statements_are_those_that_were_reviewed(family: str) -> None:
    path = GOLDEN / f"{family}.sql"
    built = _shown(_sections(family))
    if os.environ.get("BRIDGEHEAD_GOLDEN") == "write":
        path.write_text(built, encoding="utf-8")
    assert built == path.read_text(encoding="utf-8")


def test_every_builder_is_shown() -> None:
    shown = {title.split()[0].rstrip(",") for title, _ in _sections("sqlite")}
    for kind in (Changes, Effects):
        public = {
            f"{kind.__name__.lower()}.{name}"
            for name, member in vars(kind).items()
            if callable(member) and not name.startswith("_")
        }
        assert public <= shown


@pytest.mark.parametrize("family", SPOKEN)
def test_placeholders_and_values_are_as_many(family: str) -> None:
    placeholder = _connector(family).dialect.placeholder
    for title, built in _sections(family):
        for one in [built] if isinstance(built, str | Statement) else built:
            statement = one if isinstance(one, Statement) else Statement(one)
            found = statement.sql.replace("%%", "").count(placeholder)
            assert found == len(statement.values), title


def test_golden_files_have_families() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == set(SPOKEN)
