"""Code tables: what the business database holds → the code that is shared (代码表)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bridge.configuration.configfile import Unreadable, read_text
from bridge.configuration.problem import Problem, hint, shown

__all__ = ["CodeTable", "read_code_tables"]

# Source value → code.
CodeTable = Mapping[str, str]

_COLUMNS = ["code", "name", "values"]
_FOLDER = "codes"


def read_code_tables(directory: Path) -> tuple[dict[str, CodeTable], list[Problem]]:
    """Every usable table of `codes/*.csv` by its file's stem, and what is wrong with the others."""
    tables: dict[str, CodeTable] = {}
    problems: list[Problem] = []
    for path in sorted((directory / _FOLDER).glob("*.csv")):
        file = f"{_FOLDER}/{path.name}"
        try:
            table, found = _read(read_text(path, file), file)
        except Unreadable as error:
            found = [error.problem]
        if found:
            problems += found
        else:
            tables[path.stem] = MappingProxyType(table)
    return tables, problems


def _read(text: str, file: str) -> tuple[dict[str, str], list[Problem]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    table: dict[str, str] = {}
    problems: list[Problem] = []
    try:
        header = next(rows, [])
        if header != _COLUMNS:
            return {}, [_header_problem(header, file)]
        for row in rows:
            problems += [Problem(file, "", rows.line_num, m) for m in _add(table, row)]
    except csv.Error as error:
        problems.append(Problem(file, "", rows.line_num, f"is not CSV: {error}"))
    if not table and not problems:
        problems.append(Problem(file, "", 0, "holds no code"))
    return table, problems


def _header_problem(header: list[str], file: str) -> Problem:
    unknown = [name for name in header if name not in _COLUMNS]
    near = hint(unknown[0], _COLUMNS) if unknown else ""
    message = f"the first line must be {','.join(_COLUMNS)}, found {shown(','.join(header))}{near}"
    return Problem(file, "", 1, message)


def _add(table: dict[str, str], row: list[str]) -> list[str]:
    """Enters one line; without `values` the code stands for itself. Returns what is wrong."""
    if not any(row):
        return []
    if len(row) != len(_COLUMNS):
        return [f"has {len(row)} columns, must have {len(_COLUMNS)}"]
    code, _, values = row
    if not code or code != code.strip():
        return [f"code {shown(code)} is empty or has blanks around it"]
    return [fault for value in (values or code).split("|") for fault in _enter(table, value, code)]


def _enter(table: dict[str, str], value: str, code: str) -> list[str]:
    if not value:
        return ["values holds an empty one (|| or | at an end)"]
    other = table.setdefault(value, code)
    return [f"value {shown(value)} already stands for code {shown(other)}"] if other != code else []
