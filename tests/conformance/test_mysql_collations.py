"""One table, as it grew over the years: every column of another collation, or another charset."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.canonical import canonical_line
from connectors.connector import Format, Output, Selection
from connectors.endpoint import Endpoint
from connectors.mysql.catalogue import LOSSY
from connectors.registry import connect
from connectors.table import TableName
from tests.mariadb import MariaDB

TABLE = """
CREATE TABLE t (
    id varchar(18) COLLATE utf8mb4_bin PRIMARY KEY,
    plain varchar(10) COLLATE utf8mb4_general_ci NOT NULL,
    tidy varchar(10) COLLATE utf8mb4_nopad_bin NOT NULL,
    wide varchar(10) COLLATE utf8mb4_unicode_520_ci,
    old varchar(10) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin,
    western varchar(10) CHARACTER SET latin1,
    chinese varchar(10) CHARACTER SET gbk,
    amount decimal(8, 2),
    seen timestamp(6) NULL,
    born date
)
"""
ROW = ("1", "a", "b", "c", "d", "é", "中", "1.5", "2026-03-01 00:00:00+00", "2026-03-01")


def test_collations_of_all_kinds_stand_in_one_line(
    database: Callable[..., Endpoint], mariadb: MariaDB
) -> None:
    endpoint = database("mysql")
    values = "'1', 'a', 'b', 'c', 'd', 'é', '中', 1.50, '2026-03-01', '2026-03-01'"
    mariadb.sql(TABLE, f"INSERT INTO t VALUES ({values})", database=str(endpoint.database))
    with connect(endpoint) as store:
        table = store.describe(TableName("t"))
        outputs = tuple(Output(column, column.type) for column in table.columns)
        selection = Selection(table, outputs, table.columns[:1])
        with store.snapshot():
            (chunk,) = store.read(selection).part(10)
            assert tuple(column[0].as_py() for column in chunk.columns) == ROW
        with store.snapshot():
            (lines,) = store.read(selection, Format.CSV).part(10)
            assert len(lines) == 1
        line = store.dialect.line(table.columns)
        assert store.value(f"SELECT {line} FROM t") == canonical_line(ROW)


@pytest.mark.parametrize(("charset", "codec"), sorted(LOSSY.items()))
def test_codecs_agree_with_the_server_on_all_that_it_can_read(
    mariadb: MariaDB, charset: str, codec: str
) -> None:
    """And what it would read as a question mark is none of the codec's characters."""
    second = (0x00,) if charset == "ascii" else (*range(0x40, 0x7F), *range(0x80, 0xFF))
    pairs = [bytes([one, other]) for one in range(0x80, 0xFF) for other in second]
    values = ", ".join(f"(x'{pair.hex()}')" for pair in pairs)
    kept = mariadb.sql(
        "CREATE TEMPORARY TABLE pairs (v varbinary(2))",
        f"INSERT INTO pairs VALUES {values}",
        f"SELECT v, HEX(CONVERT(CONVERT(v USING {charset}) USING utf8mb4)) FROM pairs "
        f"WHERE HEX(CONVERT(v USING {charset})) = HEX(v)",
        database="mysql",
    )
    assert len(kept) > 100
    lost = 0
    for raw, found in kept:
        text = bytes.fromhex(found).decode()
        if "?" in text:
            lost += 1
            with pytest.raises(UnicodeDecodeError):
                raw.decode(codec)
        else:
            assert raw.decode(codec) == text
    assert lost > 0
