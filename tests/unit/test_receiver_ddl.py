"""The receiver's tables in the language of stores that no test server stands for."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from sqlalchemy.dialects import mssql, oracle
from sqlglot import exp

from bridge.ledger.migrations import receiver_ddl
from bridge.ledger.receiver import Receiver
from connectors.dm.sqldialect import DmSqlDialect


def _oracle() -> Any:
    dialect = oracle.dialect()
    dialect.server_version_info = (19, 0)
    dialect.supports_native_boolean = False
    return dialect


@pytest.mark.parametrize(
    ("dialect", "language"),
    [(_oracle(), "oracle"), (DmSqlDialect(), "oracle"), (mssql.dialect(), "tsql")],
    ids=["oracle", "dm", "mssql"],
)
def test_the_dba_gets_statements_that_the_server_knows(dialect: Any, language: str) -> None:
    found = receiver_ddl(dialect)
    for sql in found:
        (tree,) = sqlglot.parse(sql, dialect=language)
        assert isinstance(tree, exp.Create | exp.Insert), sql
    text = "\n".join(found)
    for name in ("bh_position", "bh_receipt", "bh_claim", "bh_receiver_version"):
        assert f"CREATE TABLE {name} (" in text
    assert "CREATE VIEW bh_health" in text
    assert "RETURNING" not in text
    assert "OUTPUT" not in text
    if language == "oracle":
        assert "BIGINT" not in text
        assert "BOOLEAN" not in text
    else:
        for name in ("job", "table_schema", "table_name"):
            assert f"{name} NVARCHAR(128) NOT NULL" in text
            assert f"{name} VARCHAR" not in text


@pytest.mark.parametrize(
    ("dialect", "said"),
    [(_oracle(), "FOR UPDATE"), (DmSqlDialect(), "FOR UPDATE"), (mssql.dialect(), "UPDLOCK")],
    ids=["oracle", "dm", "mssql"],
)
def test_a_position_is_locked_until_the_end_of_its_transaction(dialect: Any, said: str) -> None:
    """Else a run that was taken for dead could commit between two others."""
    asked: list[str] = []

    class Connection:
        def execute(self, query: Any, _values: Any) -> Any:
            asked.append(str(query.compile(dialect=dialect)))
            return self

        def one_or_none(self) -> None:
            return None

    receiver = Receiver(Connection(), "d", "j")  # type: ignore[arg-type]
    assert receiver.position(lock=True) is None
    assert receiver.position() is None
    assert [said in sql for sql in asked] == [True, False]
