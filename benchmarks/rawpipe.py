"""`python -m benchmarks.rawpipe SELECT STATEMENT …`: MariaDB into PostgreSQL, as plainly as can be.

Rows are the raw bytes that mysqlclient reads, joined and handed to the statement that is a COPY. No
value is looked at: what text format would have to escape must not be in the data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import MySQLdb
import psycopg
from MySQLdb.cursors import SSCursor

__all__ = ["main"]

_ROWS_AT_ONCE = 1000


def main(select: str, *statements: str) -> None:
    """All statements are one transaction of the database that libpq's variables name."""
    source = MySQLdb.connect(
        host=os.environ["MARIADB_HOST"],
        port=int(os.environ["MARIADB_PORT"]),
        user=os.environ["MARIADB_USER"],
        password=os.environ["MYSQL_PWD"],
        database=os.environ["MARIADB_DATABASE"],
        charset="utf8mb4",
        conv={},
        use_unicode=False,
        cursorclass=SSCursor,
    )
    with psycopg.connect() as target, target.cursor() as cursor:
        for statement in statements:
            if not statement.startswith("COPY "):
                cursor.execute(statement.encode())
                continue
            with cursor.copy(statement.encode()) as copy:
                for block in _blocks(source, select):
                    copy.write(block)
    source.close()


def _blocks(source: Any, select: str) -> Iterator[bytes]:
    reader = source.cursor()
    reader.execute(select)
    while rows := reader.fetchmany(_ROWS_AT_ONCE):
        lines = [b"\t".join([b"\\N" if v is None else v for v in row]) for row in rows]
        yield b"\n".join(lines) + b"\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
