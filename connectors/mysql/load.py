"""LOAD DATA LOCAL from a pipe of our own: the only file that the driver is ever told to read.

The server takes what it reads with IGNORE, and warns where it should refuse. So every warning, and
every row that did not arrive, is an error.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from connectors.connector import Chunk
from connectors.csvlines import csv_blocks
from connectors.endpoint import Endpoint
from connectors.errors import BridgeheadError, RowRefused
from connectors.mysql.dialect import MysqlDialect
from connectors.mysql.errors import of_warning
from connectors.mysql.types import reads_as_it_is
from connectors.selection import Format
from connectors.table import Column, Kind, TableName

__all__ = ["blocks_of", "load_statement", "send", "warning_of"]

Block: TypeAlias = bytes | memoryview
_PIPE_BYTES = 1 << 20


def load_statement(
    dialect: MysqlDialect, table: TableName, columns: Sequence[Column], constants: Mapping[str, int]
) -> str:
    """The statement but for the file's name, which is its only `{}`."""
    fields, sets = [], []
    for place, column in enumerate(columns):
        kind, name = column.type, dialect.quote(column.name)
        if reads_as_it_is(kind):
            fields.append(name)
        else:
            fields.append(f"@bh_{place}")
            marked = kind.kind is Kind.BINARY
            text = f"SUBSTR(@bh_{place}, 3)" if marked else f"@bh_{place}"
            sets.append(f"{name} = {dialect.parse(text, kind)}")
    sets += [f"{dialect.quote(name)} = {value}" for name, value in constants.items()]
    names = ", ".join(fields).replace("{", "{{").replace("}", "}}")
    setting = f"\nSET {', '.join(sets)}" if sets else ""
    into = dialect.table(table).replace("{", "{{").replace("}", "}}")
    return (
        f"LOAD DATA LOCAL INFILE '{{}}' INTO TABLE {into} CHARACTER SET utf8mb4\n"
        "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\n'\n"
        f"({names}){setting.replace('{', '{{').replace('}', '}}')}"
    )


def blocks_of(
    chunks: Iterator[Chunk], columns: Sequence[Column], format: Format, endpoint: Endpoint
) -> Iterator[tuple[int, Block]]:
    """Rows and bytes of CSV, none with a NUL in a text."""
    lines = _joined(chunks) if format is Format.CSV else csv_blocks(chunks, columns)
    for rows, block in lines:
        if _holds_nul(block):
            raise RowRefused(
                "a text holds a NUL character",
                endpoint=endpoint.name,
                remedy="look at the row's value",
            )
        yield rows, block


def _holds_nul(block: Block) -> bool:
    return b"\0" in block if isinstance(block, bytes) else b"\0" in bytes(block)


def _joined(chunks: Iterator[Chunk]) -> Iterator[tuple[int, Block]]:
    for lines in chunks:
        yield len(lines), b"".join(lines)


def send(cursor: Any, statement: str, blocks: Iterator[tuple[int, Block]]) -> int:
    """Runs the statement while its blocks are written into the pipe; returns their rows. The
    driver reads the pipe in a thread of its own, and needs no interpreter meanwhile. Whatever
    interrupts this ends the pipe, and so the statement, which would wait for ever."""
    ends = os.pipe()
    reader, writer = os.fdopen(ends[0], "rb", 0), os.fdopen(ends[1], "wb", 0)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    loading = _Loading(cursor, statement.format(f"/dev/fd/{reader.fileno()}"), reader)
    rows = 0
    try:
        with writer:
            loading.start()
            for count, block in blocks:
                rows += count
                _write(writer, block)
    except BrokenPipeError:
        pass  # the statement has ended before its file: it says why
    finally:
        if loading.ident is not None:
            loading.join()
    if loading.error is not None:
        raise loading.error
    return rows


def _write(pipe: Any, block: Block) -> None:
    view = memoryview(block)
    while view:
        view = view[pipe.write(view) :]


class _Loading(threading.Thread):
    def __init__(self, cursor: Any, statement: str, reader: Any) -> None:
        super().__init__(name="load data", daemon=True)
        self._cursor = cursor
        self._statement = statement
        self._reader = reader
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._cursor.execute(self._statement, ())
        except BaseException as error:  # noqa: BLE001 — raised again by the thread that waits
            self.error = error
        finally:
            self._reader.close()


def warning_of(cursor: Any, rows: int, endpoint: Endpoint) -> BridgeheadError | None:
    """What a LOAD DATA has warned of, as the error it is; None if all rows have arrived as sent."""
    loaded = cursor.rowcount
    cursor.execute("SHOW COUNT(*) WARNINGS")
    count = int(cursor.fetchone()[0])
    if not count and loaded == rows:
        return None
    cursor.execute("SHOW WARNINGS LIMIT 1")
    found = cursor.fetchone()
    number, text = (int(found[1]), str(found[2])) if found else (0, "")
    return of_warning(number, text, count or rows - loaded, endpoint)
