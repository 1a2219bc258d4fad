"""Every statement of the golden files is one of its server's language, as a parser knows it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
LANGUAGES = {
    "dm": "oracle",
    "kingbase": "postgres",
    "mssql": "tsql",
    "mysql": "mysql",
    "odbc-mysql": "mysql",
    "odbc-postgresql": "postgres",
    "opengauss": "postgres",
    "oracle": "oracle",
    "postgresql": "postgres",
    "sqlite": "sqlite",
}
"""DM has no parser of its own: it is read by Oracle's."""

# A named placeholder that every parser knows, for those of the drivers.
_PLACEHOLDER = re.compile(r":v\b|%s|\?")


def statements(family: str) -> list[str]:
    text = (GOLDEN / f"{family}.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    found = (one.strip() for one in re.split(r";\n", "\n".join(lines) + "\n"))
    return [one.replace("<TAB>", "\t") for one in found if one]


def parsed(sql: str, language: str) -> exp.Expression:
    """Raises what the parser raises; a statement that it only carries along counts as unknown."""
    plain = _PLACEHOLDER.sub(":v" if language == "oracle" else "?", sql).replace("%%", "%")
    plain = plain.removesuffix(" ON COMMIT DROP")  # PostgreSQL's own, which the parser lacks
    if language == "mysql":  # our sessions take a backslash for what it is
        plain = plain.replace("\\", "\\\\")
    (tree,) = sqlglot.parse(plain, dialect=language, error_level=sqlglot.ErrorLevel.RAISE)
    assert tree is not None
    assert not isinstance(tree, exp.Command), plain
    return tree


@pytest.mark.parametrize("family", ["oracle", "dm", "mssql"])
def test_every_question_to_a_catalogue_never_met_parses(family: str) -> None:
    module = importlib.import_module(f"connectors.{family}.catalogue")
    found = {n: q for n, q in vars(module).items() if n.isupper() and "SELECT" in str(q)}
    assert found.keys() & {"FILLING", "COLUMNS"}
    for name, sql in found.items():
        if name not in ("TRIGGERED", "CONDITIONS"):
            parsed(sql, LANGUAGES[family])


def test_every_golden_file_has_a_language() -> None:
    assert set(LANGUAGES) == {path.stem for path in GOLDEN.glob("*.sql")}


@pytest.mark.parametrize("family", LANGUAGES)
def test_every_golden_statement_parses(family: str) -> None:
    found = statements(family)
    assert len(found) > 30
    for sql in found:
        if not sql.startswith(("BEGIN EXECUTE IMMEDIATE", "ANALYZE")):
            parsed(sql, LANGUAGES[family])


@pytest.mark.parametrize("family", LANGUAGES)
def test_a_planted_error_is_found(family: str) -> None:
    language = LANGUAGES[family]
    sql = next(s for s in statements(family) if s.startswith("SELECT") and "CASE WHEN" in s)
    parsed(sql, language)
    for good, bad in (("WHERE", "WERE ("), (" END", ""), (")", ""), ("CASE WHEN", "CASE WEN")):
        with pytest.raises((ParseError, TokenError)):
            parsed(sql.replace(good, bad, 1), language)
    with pytest.raises((ParseError, AssertionError)):
        parsed("SELEC 1", language)
