"""A folder of workbooks or CSV files as a source.

The rows of a file are brought into a private SQLite database, which lies unnamed on disk, belongs
to this session alone and is gone with it. There they can be sorted, selected and read as those of
any store: whatever the file's size, memory holds a chunk of it (a workbook is first laid out by its
reader, and is refused above a limit).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TypeAlias
from zoneinfo import ZoneInfo

from connectors.canonical import PLACE, WHY
from connectors.connector import Capabilities, Chunk, RowStream, SourceFile, WaitingFile
from connectors.endpoint import Endpoint
from connectors.errors import (
    ConfigurationError,
    ConnectionLost,
    MissingObject,
    MissingRight,
    StructureMismatch,
    Unreachable,
    nearest,
)
from connectors.selection import Format, Selection, select
from connectors.sheet.folder import Folder
from connectors.sheet.load import FAULT, Loaded, Row
from connectors.sheet.survey import Unfit
from connectors.sqlite import SqliteConnector
from connectors.sqlite.rows import SqliteRows
from connectors.table import Column, Kind, Table, TableName, Type

__all__ = ["RowsOf", "SheetConnector"]

_AT_ONCE = 5_000
_SETTLE_SECONDS = "2"
_MOST_MB = "256"
_MOST_CELLS = "10000000"
_MOST_COLUMNS = 1_000
_NUMBERS = {"settle": float, "max_mb": int, "max_cells": int, "header": int}


RowsOf: TypeAlias = Callable[[Loaded], Iterator[Row]]


class SheetConnector(SqliteConnector):
    """A session with a folder. A table is a file by its name, or the newest complete one that a
    pattern matches. Nothing is ever written into the folder."""

    capabilities = Capabilities(schemas=False, special_floats=False, files=True)
    endings: ClassVar[frozenset[str]]

    def __init__(self, endpoint: Endpoint) -> None:
        self.options: dict[str, str] = {
            "settle": _SETTLE_SECONDS,
            "max_mb": _MOST_MB,
            "max_cells": _MOST_CELLS,
            **endpoint.options,
        }
        self._check_options(endpoint)
        self.folder = Folder(
            Path(endpoint.path or "").absolute(), self.endings, float(self.options["settle"])
        )
        self._read: dict[str, SourceFile] = {}
        self._complete: set[str] = set()
        super().__init__(endpoint)

    def _open(self) -> Any:
        with self._reachable():
            self.folder.names()
        return super()._open()

    def _location(self, mode: str) -> str:
        """No name: on disk, and deleted already."""
        return "file:?mode=rwc"

    def _freeze_snapshot(self) -> None:
        """The files that are taken in are the state, and nobody else sees it."""
        self._read.clear()

    # -- files -------------------------------------------------------------------------------

    def files(self, name: TableName) -> tuple[list[SourceFile], list[WaitingFile]]:
        with self._reachable():
            self._refuse_misnamed(name)
            files, waiting = self.folder.look(name.name)
        self._complete = {f.name for f in files}
        return files, waiting

    def newest_waits(self, name: TableName) -> tuple[str, ...]:
        with self._reachable():
            self._refuse_misnamed(name)
            return tuple(map(str, self.folder.look_for_newest(name.name)[1]))

    def folder_number(self) -> int:
        """Its inode: the number of a device may change whenever a share is mounted."""
        with self._reachable():
            return self.folder.path.stat().st_ino

    def sha256(self, file: str) -> str:
        with self._reachable():
            return self.folder.sha256(file)

    def file_read(self, name: TableName) -> SourceFile | None:
        return self._read.get(name.name)

    def tables(self, schema: str | None = None) -> list[TableName]:
        with self._reachable():
            return [TableName(name) for name in self.folder.names()]

    def exists(self, name: TableName) -> bool:
        with self._reachable():
            return bool(self.folder.names(name.name))

    def identity(self, name: TableName) -> str:
        folder = self.folder.path.stat()
        return f"{folder.st_dev}/{folder.st_ino}/{name.name}"

    def describe(self, name: TableName) -> Table:
        """Every named column of the file, as text: a file says no types."""
        file = self._newest(name, names_only=True)
        with self._fitting(file), ExitStack() as stack:
            names, _ = self.opened(file, stack, "")
            named = [n for n in names if n]
            if len(set(named)) < len(named) or not named:
                raise Unfit("its row of names is empty, or repeats one")
        columns = tuple(Column(n, Type(Kind.TEXT), native="cell") for n in named)
        return Table(name, columns, comment=Path(file).stem)

    def _described_again(self, table: Table) -> Table:
        return table

    def describe_query(self, query: str) -> Table:
        self._refuse("a query cannot be asked of files; name a table: a file or a pattern")

    # -- rows --------------------------------------------------------------------------------

    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        """Takes the file in first, anew each time: a stream is the file as it is now. All rows that
        share a key are unreadable, since the file does not say which of them counts."""
        wanted = tuple(dict.fromkeys([*(o.column for o in selection.outputs), *selection.key]))
        self._take_in(replace(selection.table, columns=wanted))
        self._mark_repeated(selection)
        quote = self.dialect.quote
        outputs = [replace(o, column=replace(o.column, charset="")) for o in selection.outputs]
        cases = [f"WHEN {_text(o.column.name)} THEN {at}" for at, o in enumerate(outputs)]
        cases.append(f"WHEN '' THEN {len(outputs)}")
        expressions = [
            *(self.dialect.output(output) for output in outputs),
            quote(PLACE),
            quote(WHY),
            f"CASE {quote(FAULT)} {' '.join(cases)} END",
        ]
        query = select(self.dialect, selection, expressions, lambda: ZoneInfo("UTC"))
        names = [*(output.name for output in outputs), PLACE, WHY]
        self._stream = SqliteRows(self._cursor(query), names, [""] * len(names), self._translated)
        return self._stream

    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        self._refuse("files are only read")

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        yield self._refuse("files cannot hold the books of a job")

    def open_work(self) -> frozenset[str]:
        """Files that somebody is still writing."""
        return frozenset(str(w) for name in self.tables() for w in self.files(name)[1])

    def missing_rights(self, table: TableName | None) -> list[str]:
        return ["write: files are only read"]

    def settings_problem(self) -> str | None:
        return None

    # -- pieces ------------------------------------------------------------------------------

    def opened(self, file: str, stack: ExitStack, charset: str) -> tuple[list[str], RowsOf]:
        """The names of the columns, and how to read the rows of wanted ones."""
        raise NotImplementedError

    def _take_in(self, table: Table) -> None:
        file = self._newest(table.name)
        with self._reachable(), self._fitting(file), ExitStack() as stack:
            before, digest = self.folder.stat(file), self.folder.sha256(file)
            charset = next((c.charset for c in table.columns if c.charset), "")
            names, rows_of = self.opened(file, stack, charset)
            loaded = Loaded(names, table.columns)
            self._create(table)
            total = self._fill(table, rows_of(loaded), file)
            known = self._read.get(table.name.name) if self._in_snapshot else None
            if self.folder.stat(file) != before or (known and known.sha256 != digest):
                raise ConnectionLost(
                    f"{file} was changed while it was read",
                    endpoint=str(self.endpoint),
                    remedy="nothing was taken of it; the next run reads it when it lies still",
                )
        self._read[table.name.name] = replace(before, sha256=digest, rows=total, blank=loaded.blank)

    def _create(self, table: Table) -> None:
        if len(table.columns) > _MOST_COLUMNS:
            raise Unfit(f"it has {len(table.columns):,} columns; {_MOST_COLUMNS:,} at most")
        folded = Counter(name.lower() for name in (PLACE, FAULT, WHY, *table.names))
        alike = [name for name in table.names if folded[name.lower()] > 1]
        if alike:
            raise Unfit(
                f"column {alike[0]} is called as another is, but for its case, or as ours are"
            )
        d = self.dialect
        # A float has no type there: SQLite would take a text beyond all doubles for infinite.
        columns = [
            f"{d.quote(c.name)} {'' if c.type.kind is Kind.FLOAT else d.ddl(c.type)}"
            for c in table.columns
        ]
        own = [f"{d.quote(name)} TEXT" for name in (PLACE, FAULT, WHY)]
        name = d.table(table.name)
        self.execute(f"DROP TABLE IF EXISTS {name}")
        self.execute(f"CREATE TABLE {name} ({', '.join([*own, *columns])})")

    def _fill(self, table: Table, rows: Iterator[Row], file: str) -> int:
        places = ", ".join(["?"] * (len(table.columns) + 3))
        sql = f"INSERT INTO {self.dialect.table(table.name)}\nVALUES ({places})"
        total = 0
        while chunk := [(f"{file}, {place}", *rest) for place, *rest in islice(rows, _AT_ONCE)]:
            total += len(chunk)
            with self._translated():
                self.driver.executemany(sql, chunk)
        return total

    def _mark_repeated(self, selection: Selection) -> None:
        d, table = self.dialect, self.dialect.table(selection.table.name)
        key = ", ".join(d.render(d.quote(c.name), c.type) for c in selection.key)
        known = " AND ".join(f"{d.quote(c.name)} IS NOT NULL" for c in selection.key)
        repeated = f"SELECT {key}\nFROM {table}\nWHERE {known}\nGROUP BY {key}\nHAVING count(*) > 1"
        self.execute(
            f"UPDATE {table}\nSET {d.quote(FAULT)} = '', {d.quote(WHY)} = 'repeated_key'\n"
            f"WHERE {d.quote(FAULT)} IS NULL AND ({key}) IN ({repeated})"
        )

    def _newest(self, name: TableName, *, names_only: bool = False) -> str:
        """The file that a name stands for: the newest. One before it says the names of the columns,
        but rows are those of the newest alone, which may have to be waited for. A file that was
        found complete in this session is taken at its word."""
        if name.name in self._complete:
            return name.name
        with self._reachable():
            self._refuse_misnamed(name)
            newest, waiting = self.folder.look_for_newest(name.name)
            if waiting and not (names_only and newest):
                raise Unreachable(
                    str(waiting[-1]),
                    endpoint=str(self.endpoint),
                    remedy="it is read once it lies still and is closed",
                )
            if newest is not None:
                return newest.name
            known = self.folder.names()
        endings = ", ".join(sorted(self.endings))
        raise MissingObject(
            f"there is no file {name.name} ({endings})",
            endpoint=str(self.endpoint),
            remedy=nearest(name.name, known) or "put the file there, or correct source.table",
        )

    def _refuse_misnamed(self, name: TableName) -> None:
        for file in self.folder.misnamed(name.name):
            with self._fitting(file):
                raise Unfit("the bytes of its name are no UTF-8; give it another name")

    def _check_options(self, endpoint: Endpoint) -> None:
        for option, number in _NUMBERS.items():
            value = self.options.get(option, "1")
            try:
                sound = number(value) >= (0 if option == "settle" else 1)
            except ValueError:
                sound = False
            if not sound:
                raise ConfigurationError(
                    f"option {option} is {value!r}, and must be a number of 1 or more",
                    endpoint=endpoint.name,
                )

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        path = self.folder.path
        try:
            yield
        except PermissionError as error:
            found = f"{error.filename or path} may not be read by this account"
            raise MissingRight(found, endpoint=str(self.endpoint)) from error
        except OSError as error:
            what = "there is no folder" if not path.is_dir() else f"cannot be read ({error})"
            raise Unreachable(
                f"{path}: {what}",
                endpoint=str(self.endpoint),
                remedy="check the path and that the share is mounted",
            ) from error

    @contextmanager
    def _fitting(self, file: str) -> Iterator[None]:
        try:
            yield
        except Unfit as error:
            raise StructureMismatch(
                f"{file}: {error}",
                endpoint=str(self.endpoint),
                remedy="nothing of the file was taken; mend it and put it there again",
            ) from error

    def _refuse(self, why: str) -> NoReturn:
        raise ConfigurationError(
            f"{why}: family {self.endpoint.family} can only be a source",
            endpoint=self.endpoint.name,
            remedy="name a database as exchange and target",
        )


def _text(name: str) -> str:
    quoted = name.replace("'", "''")
    return f"'{quoted}'"
