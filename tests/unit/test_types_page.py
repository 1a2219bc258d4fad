"""docs/types.md says how each type travels between families: its tables are made from the code.

BRIDGEHEAD_GOLDEN=write in the environment writes them anew; look at the difference then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.connector import Capabilities
from connectors.dialect import Dialect
from connectors.registry import FAMILIES
from connectors.table import Fit, Kind, Type
from tests.conformance.natives import LACKS, NATIVES
from tests.conformance.samples import EXTREMES
from tests.unit.test_golden import _connector

PAGE = Path(__file__).resolve().parents[2] / "docs" / "types.md"
SHOWN = ("postgresql", "mysql", "sqlite", "oracle", "mssql", "dm")
CHINESE = {
    Kind.BOOLEAN: "布尔",
    Kind.INTEGER: "整数",
    Kind.DECIMAL: "定点数",
    Kind.FLOAT: "浮点数",
    Kind.TEXT: "文本",
    Kind.BINARY: "二进制",
    Kind.DATE: "日期",
    Kind.TIME: "时间",
    Kind.TIMESTAMP: "时间戳",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
    Kind.NATIVE: "专有类型",
}
LIMITS = {
    "nul_in_text": "NUL in a text",
    "empty_text": "an empty text beside NULL",
    "infinite_times": "`infinity` as a date or timestamp",
    "unreal_dates": "`0000-00-00`, `2024-05-00`",
    "long_times": "times below 0 and above 24 h",
    "special_floats": "NaN and infinite floats",
    "special_decimals": "NaN and infinite decimals",
}


def _dialect(family: str) -> Dialect:
    return _connector(family).dialect


def _spelled(dialect: Dialect, kind: Type) -> str:
    """How a family declares a column for values of a type: that of ours that it really holds."""
    ddl = dialect.ddl(dialect.represent(kind))
    ddl = re.sub(r" CHARACTER SET utf8mb4 COLLATE \w+", "", ddl)  # the page says it once
    return f"`{ddl.replace('|', '/')}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: list[str], rows: Iterator[list[str]]) -> str:
    return "\n".join([_row(*head), "|" + "---|" * len(head), *(_row(*cells) for cells in rows)])


def _pairs(family: str) -> str:
    def rows() -> Iterator[list[str]]:
        for native in NATIVES[family]:
            kind = native.type
            into = [_spelled(_dialect(other), kind) for other in SHOWN]
            yield [f"`{native.declared}`", f"{kind} {CHINESE[kind.kind]}", *into]

    return _table(["declared", "shared type", *SHOWN], rows())


def _shared() -> str:
    def rows() -> Iterator[list[str]]:
        for name, (kind, _) in EXTREMES.items():
            into = [_spelled(_dialect(other), kind) for other in SHOWN]
            yield [f"{name} {CHINESE[kind.kind]}", *into]

    return _table(["shared type", *SHOWN], rows())


def _limits() -> str:
    def holds(capabilities: Capabilities, name: str) -> str:
        return "yes" if getattr(capabilities, name) else "no"

    def rows() -> Iterator[list[str]]:
        found = {family: _connector(family).capabilities for family in SHOWN}
        for name, meaning in LIMITS.items():
            yield [meaning, *(holds(found[family], name) for family in SHOWN)]
        yield ["years", *(f"{c.year_low} to {c.year_high}" for c in found.values())]

    return _table(["can hold", *SHOWN], rows())


FITS = {
    "boolean": Type(Kind.BOOLEAN),
    "integer(32)": Type(Kind.INTEGER, bits=32),
    "integer(64)": Type(Kind.INTEGER),
    "unsigned(64)": Type(Kind.INTEGER, unsigned=True),
    "decimal(20,0)": Type(Kind.DECIMAL, precision=20, scale=0),
    "decimal(10,2)": Type(Kind.DECIMAL, precision=10, scale=2),
    "float": Type(Kind.FLOAT),
    "text": Type(Kind.TEXT),
    "text(50)": Type(Kind.TEXT, length=50),
    "char(50)": Type(Kind.TEXT, length=50, padded=True),
    "binary": Type(Kind.BINARY),
    "date": Type(Kind.DATE),
    "time": Type(Kind.TIME),
    "timestamp": Type(Kind.TIMESTAMP),
    "timestamp zoned": Type(Kind.TIMESTAMP, zoned=True),
    "uuid": Type(Kind.UUID),
    "json": Type(Kind.JSON),
}
WORDS = {Fit.EXACT: "all", Fit.CHECKED: "checked", Fit.NO: "–"}


def _fits() -> str:
    def rows() -> Iterator[list[str]]:
        for name, value in FITS.items():
            yield [name, *(WORDS[store.fit(value)] for store in FITS.values())]

    return _table(["comes ↓ into →", *FITS], rows())


TABLES = {
    **{f"pairs {family}": lambda family=family: _pairs(family) for family in NATIVES},
    "shared": _shared,
    "limits": _limits,
    "fits": _fits,
}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_the_page_are_the_code_s(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    pattern = rf"(?s)(<!-- {re.escape(name)} -->\n).*?(\n<!-- end -->)"
    assert re.search(pattern, page), f"the page has no place for {name}"
    built = TABLES[name]()
    written = re.sub(pattern, lambda match: match[1] + built + match[2], page)
    if os.environ.get("BRIDGEHEAD_GOLDEN") == "write":
        PAGE.write_text(written, encoding="utf-8")
        return
    assert written == page


def test_what_the_tests_expect_of_a_family_is_what_it_says_of_itself() -> None:
    words = {"infinite time": "infinite_times", "unreal date": "unreal_dates"}
    words |= {"long time": "long_times", "float NaN": "special_floats"}
    for family, lacks in LACKS.items():
        capabilities = _connector(family).capabilities
        for word, name in words.items():
            assert (word in lacks) is not getattr(capabilities, name), (family, word)


def test_every_family_that_is_written_to_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for family in FAMILIES:
        assert f"`{family}`" in page or family in SHOWN, family
