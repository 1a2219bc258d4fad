"""The statement that docs/canonical.md gives to auditors, on a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.demo.postgres import EmbeddedPostgres
from connectors.canonical import Digest, canonical_line

PAGE = Path(__file__).resolve().parents[2] / "docs/canonical.md"
ROW = ["7", "A\\B", "12.5", None, "2024-02-29 04:00:00+00"]

CREATE = """
CREATE TABLE audited (id integer PRIMARY KEY, name varchar(20), amount numeric(10,2), note text,
    stamp timestamptz);
INSERT INTO audited VALUES (7, 'A\\B', 12.50, NULL, '2024-02-29 12:00:00+08');
"""
MORE = "INSERT INTO audited SELECT n, E'a\\tb', n, '𠮷', NULL FROM generate_series(100, 199) n"


def test_the_auditors_statement_computes_the_digest(postgres: EmbeddedPostgres) -> None:
    found = re.search(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    statement = found[1]

    def audited() -> str:
        return postgres.sql(statement, "auditor").splitlines()[-1]

    lines = [ROW, *([str(n), "a\tb", str(n), "𠮷", None] for n in range(100, 200))]
    postgres.create_database("auditor")
    try:
        postgres.sql(CREATE, "auditor")
        assert audited() == f"1|{Digest.of_lines([canonical_line(ROW)])}"
        postgres.sql(MORE, "auditor")
        assert audited() == f"101|{Digest.of_lines(map(canonical_line, lines))}"
        postgres.sql("DELETE FROM audited", "auditor")
        assert audited() == f"0|{Digest()}"
    finally:
        postgres.drop_database("auditor")
