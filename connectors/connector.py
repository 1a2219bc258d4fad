"""The contract of a database family: what the bridge may ask of a store.

A connector is one open session: one connection, used by one thread. Everything that changes a
store runs inside `transaction()`; rows, ledger and receipt go through the same connection, so they
commit together or not at all. Every error that leaves a connector is one of `connectors.errors`.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event
from typing import ClassVar

from connectors.canonical import Digest
from connectors.capability import Capabilities
from connectors.dialect import Statement
from connectors.errors import Busy, TransientError
from connectors.selection import Format, Output, Selection, Span
from connectors.session import Session
from connectors.stream import Chunk, RowStream, SourceFile, WaitingFile
from connectors.table import Column, Filling, ForeignKey, Table, TableName
from connectors.telling import Room, Stamping

__all__ = [
    "Capabilities",
    "Chunk",
    "Connector",
    "Format",
    "Grouped",
    "Output",
    "RowStream",
    "Selection",
    "SourceFile",
    "Span",
    "WaitingFile",
    "pause",
    "wait_for",
]


@dataclass(frozen=True)
class Grouped:
    """One group of a digest query."""

    group: tuple[object, ...]
    rows: int
    digest: Digest


class Connector(Session):
    """One session with one store."""

    capabilities: ClassVar[Capabilities]

    # -- what a family must bring ------------------------------------------------------------

    @abstractmethod
    def clock(self) -> datetime:
        """The store's clock, an aware instant in UTC."""

    @abstractmethod
    def open_work(self) -> frozenset[str]:
        """A token for everything that may still commit in the job's database, our own session
        left out. Raises MissingRight if it cannot be known in full, and PermanentError on a
        replica: a horizon is never taken there."""

    def heirs(self, ended: frozenset[str], still_open: frozenset[str]) -> frozenset[str]:
        """Which tokens still open may stand for the work of tokens that are open no more: work may
        change its token before it commits. Some too many only hold back for longer. Of itself:
        all that is prepared, and that begins with `prepared `."""
        return frozenset(token for token in still_open if token.startswith("prepared "))

    def describe_work(self, tokens: frozenset[str]) -> list[str]:
        """What an operator needs to find the holders of these tokens."""
        return sorted(tokens)

    @abstractmethod
    def timezone(self) -> str:
        """The zone the server stamps columns without zone in (an IANA name or `UTC+08:00`)."""

    @abstractmethod
    def tables(self, schema: str | None = None) -> list[TableName]:
        """Tables and views a job may read, without ours."""

    @abstractmethod
    def describe(self, name: TableName) -> Table:
        """Raises MissingObject (naming the nearest table there is) or MissingRight."""

    @abstractmethod
    def describe_query(self, query: str) -> Table:
        """The columns a query yields. Raises MissingObject or ConfigurationError."""

    @abstractmethod
    def exists(self, name: TableName) -> bool: ...

    @abstractmethod
    def identity(self, name: TableName) -> str:
        """Equal for two names, endpoints or logins if they lead to one and the same table; where
        there is none, at least for one and the same name. Not inside a transaction."""

    def run_deferred(self) -> None:
        """Inside a transaction: whatever the store would do at its end to rows that were written,
        it does now, so that they can be measured as they will be."""

    @abstractmethod
    def read(self, selection: Selection, format: Format = Format.ARROW) -> RowStream:
        """Starts reading, inside a transaction or snapshot. No other statement may run on this
        session before the stream is exhausted or the transaction ends."""

    @abstractmethod
    def load(
        self,
        table: TableName,
        columns: Sequence[Column],
        chunks: Iterator[Chunk],
        format: Format = Format.ARROW,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        """Bulk-loads rows into a table, inside a transaction; returns how many were handed over.
        `constants` fill further integer columns. A refused row raises RowRefused, a repeated key
        StructureMismatch; then nothing of the transaction remains."""

    @abstractmethod
    def lock(self, name: str, wait_seconds: float) -> AbstractContextManager[None]:
        """Holds a named lock that dies with this session. Raises Busy after `wait_seconds`."""

    def hindrance(self, other: Connector, *, writes: bool) -> str | None:
        """Why a transaction of this session and one of `other`, of which one or both (`writes`)
        write, cannot be open at once: in one store of such a family each would wait for the
        other."""
        return None

    def estimate_rows(self, table: Table) -> int | None:
        """About how many rows a table, view or query has; None where only a count can tell."""
        return table.row_estimate

    def room(self) -> Room:
        """How much is free where this store keeps its tables."""
        return Room(None, "a store of this family does not tell; ask its DBA")

    def stamping(self, table: Table, column: str) -> Stamping | None:
        """Who writes the column, by the catalogue; None where the family's is not read for it."""
        return None

    def leading_to(self, name: TableName) -> list[ForeignKey]:
        """The foreign keys that lead to a table and hold in this session, as far as the login may
        see them."""
        return []

    def unlogged(self, names: Sequence[TableName]) -> list[TableName]:
        """Those of these tables that a crash of the server leaves empty."""
        return []

    def without_transactions(self, names: Sequence[TableName]) -> list[TableName]:
        """Those of these tables that keep what a transaction has written to them, though all of it
        is taken back."""
        return []

    def without_horizon(self, table: Table) -> str:
        """What in a source table or view brings rows that no open work of its database announces,
        or under stamps of long before; empty where nothing is seen to do that."""
        return ""

    def disowned(self, names: Sequence[TableName]) -> list[TableName]:
        """Those of these tables that are there, and that this login may not make anew, whatever it
        may write to them."""
        return []

    def next_number(self, table: TableName, column: str) -> int | None:
        """What the store gives the next row that brings no number of its own; None where it can
        never give one that is there, or does not tell."""
        return None

    def missing_rights(self, table: TableName | None) -> list[str]:
        """What this login may not do though a bridge needs it: on a table that it writes, or, for
        None, where it makes tables of its own. Empty where the family cannot tell beforehand."""
        return []

    def missing_stage_rights(self) -> list[str]:
        """The same of the temporary tables that rows come into first, whoever makes the others."""
        return []

    @abstractmethod
    def settings_problem(self) -> str | None:
        """What about the server makes bridging unsafe, in one sentence; None if nothing does."""

    # -- where tables are files --------------------------------------------------------------

    def files(self, name: TableName) -> tuple[list[SourceFile], list[WaitingFile]]:
        """The complete files that a table's name stands for, oldest first, and those that have to
        be waited for. Empty for a store of tables."""
        return [], []

    def newest_waits(self, name: TableName) -> tuple[str, ...]:
        """Why the newest file that a name stands for has to be waited for; empty where it has not,
        and for a store of tables."""
        return ()

    def folder_number(self) -> int:
        """By which a folder is told from another that lies at its path, as where a share is not
        mounted; for families with `files`."""
        raise NotImplementedError

    def sha256(self, file: str) -> str:
        """What a file holds now, as a digest; for families with `files`."""
        raise NotImplementedError

    def file_read(self, name: TableName) -> SourceFile | None:
        """The file whose rows the last stream from that table had; None in a store of tables."""
        return None

    # -- snapshots ---------------------------------------------------------------------------

    @contextmanager
    def snapshot_of(self, table: Table) -> Iterator[None]:
        """A snapshot in which that table is read as it was described. Whoever is replacing its
        contents is waited for, where the store would else show none.

        Raises TransientError if it was altered meanwhile: its values would be cut or rounded to
        the types of before, and fit the books."""
        with self.snapshot():
            self._refuse_altered(table)
            yield

    def _refuse_altered(self, table: Table) -> None:
        if _structure(self._described_again(table)) != _structure(table):
            raise TransientError(
                f"{table.name} was altered after this run had looked at it",
                endpoint=str(self.endpoint),
                remedy="nothing was read; the next run takes it as it is then",
            )

    def _described_again(self, table: Table) -> Table:
        """The table as it is in the snapshot, and stays until its end; the same where a family
        cannot tell in there, or has no types."""
        return (
            self.describe(table.name) if table.query is None else self.describe_query(table.query)
        )

    # -- shared ------------------------------------------------------------------------------

    def digest(self, lines: Statement, groups: Sequence[str] = ()) -> list[Grouped]:
        """Rows and digest of a query of canonical lines, by group."""
        query = Statement(self.dialect.digest(lines.sql, groups), lines.values)
        return [
            Grouped(tuple(row[: len(groups)]), int(row[-3]), Digest.of_sums(row[-2], row[-1]))
            for row in self.rows(query)
        ]

    def digest_all(self, lines: Statement) -> tuple[int, Digest]:
        """Rows and digest of a query of canonical lines, as a whole."""
        total = Digest()
        rows = 0
        for part in self.digest(lines):
            rows += part.rows
            total += part.digest
        return rows, total

    def analyze(self, table: str, key: Sequence[str]) -> None:
        """Tells the planner about the key of a table just loaded."""
        statement = self.dialect.analyze(table, key)
        if statement is not None:
            self.execute(statement)

    def prefer_index(self) -> None:
        """For the rest of the transaction, rows are found by their key's index: a planner that does
        not know a table yet may read all of it for each part, and a batch's work must follow its
        own size, not the table's."""
        statement = self.dialect.prefer_index
        if statement is not None:
            self.execute(statement)

    def resolve(self, name: TableName) -> TableName:
        """The name with the endpoint's default schema."""
        if name.schema is None and self.endpoint.schema and self.capabilities.schemas:
            return TableName(name.name, self.endpoint.schema)
        return name


def _structure(table: Table) -> tuple[str, tuple[Column, ...]]:
    """Whose values are read, and as what: an index or a word about the table changes none."""
    columns = (replace(c, charset="", comment="", filling=Filling.FREE) for c in table.columns)
    return table.schema, tuple(columns)


def pause(seconds: float) -> None:
    """`time.sleep` waits for a moment of a clock: it fails in a process whose clock is shifted."""
    Event().wait(seconds)


def wait_for(attempt: Callable[[], bool], wait_seconds: float, busy: Busy) -> None:
    """Calls `attempt` until it holds, at least once; raises `busy` when the time is over."""
    deadline = time.monotonic() + wait_seconds
    while not attempt():
        if time.monotonic() >= deadline:
            raise busy
        pause(0.05)
