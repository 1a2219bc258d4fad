"""Rows on their way into the exchange database: loaded, or set aside with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bridge.hold import Hold
from bridge.ledger.quarantine import SetAside, key_text
from bridge.plan import Plan
from bridge.transform.refusal import Reason
from connectors.changes import CURSOR, STAGE
from connectors.connector import RowStream
from connectors.dialect import EVERYTHING, KeyRange
from connectors.errors import RepeatedKey, StructureMismatch
from connectors.selection import Format, Output, Selection
from connectors.table import TableName

__all__ = [
    "Intake",
    "count_unknown_keys",
    "every_row",
    "forget_refused",
    "refuse_repeated",
    "refuse_staged",
    "staged_keys",
]

_AT_ONCE = 500


class Intake:
    """Loads parts of streams and keeps count: every row that was read is loaded or set aside."""

    def __init__(self, held: Hold, plan: Plan) -> None:
        self._held = held
        self._plan = plan
        self.read = 0
        self.refused: list[SetAside] = []

    @property
    def loaded(self) -> int:
        return self.read - len(self.refused)

    def load(
        self,
        stream: RowStream,
        limit: int,
        table: TableName,
        constants: Mapping[str, int] | None = None,
    ) -> int:
        """Loads the next rows of the stream, at most `limit`; returns how many were read."""
        before = stream.handed_out
        columns = self._plan.changes.staged
        chunks = stream.part(limit)
        if stream.format is Format.ARROW:
            # Only here, since it costs a quarter of a second to load.
            from bridge.transform.sieve import Sieve

            chunks = Sieve(self._plan, self.refused).accepted(chunks)
        with self._key_is_the_sources():
            self._held.exchange.load(table, columns, chunks, stream.format, constants)
        self.read += stream.handed_out - before
        return stream.handed_out - before

    @contextmanager
    def _key_is_the_sources(self) -> Iterator[None]:
        """The exchange refuses two rows of one key; the source, or the key, is what to mend."""
        try:
            yield
        except RepeatedKey as error:
            raise _repeated(self._held, self._plan) from error


def _repeated(held: Hold, plan: Plan) -> StructureMismatch:
    key = ", ".join(column.name for column in plan.key)
    return StructureMismatch(
        f"{held.name}: more than one row of {plan.table.name} bears the same key ({key})",
        endpoint=held.job.source.endpoint,
        remedy="name more columns under key, or clear the duplicates; "
        f"bridgehead check {held.name} counts them",
    )


def refuse_repeated(held: Hold, plan: Plan, key: str) -> None:
    """Raises StructureMismatch if the source has more than one row of the key behind which a load
    or window goes on: the others would be passed over."""
    with held.exchange.transaction():
        held.exchange.execute_all(plan.changes.stage())
        selection = replace(every_row(plan), among=(tuple(json.loads(key)),))
        stream, intake = held.source.read(selection, plan.pull_format), Intake(held, plan)
        while not stream.exhausted:
            intake.load(stream, plan.chunk_rows, TableName(STAGE))


def refuse_staged(held: Hold, plan: Plan, key: str) -> None:
    """The same of a part that begins with the key that the one before it ended with."""
    if staged_keys(held, plan, [key]):
        raise _repeated(held, plan)


def _outputs(plan: Plan) -> tuple[Output, ...]:
    """What is selected of a source row: the shared columns, then the cursor as `bh_cursor`."""
    outputs = [Output(column.source, column.exchange) for column in plan.route.columns]
    if plan.cursor is not None and plan.changes.cursor is not None:
        outputs.append(Output(plan.cursor, plan.changes.cursor, CURSOR))
    return tuple(outputs)


def every_row(plan: Plan, keys: KeyRange = EVERYTHING) -> Selection:
    """The rows of the source in a key range, with all that is shared of them."""
    return Selection(plan.table, _outputs(plan), plan.key, keys)


def count_unknown_keys(held: Hold, plan: Plan) -> int:
    """How many rows of a file may be those of any key. It is read for this alone, before any row is
    taken for deleted: such a row may stand behind the others, or in a part that was read before."""
    from bridge.transform.sieve import Sieve

    by_name = {c.name: c for c in plan.route.columns}
    key = [by_name[name] for name in plan.route.key]
    keys = tuple(Output(c.source, c.exchange) for c in key)
    stream = held.source.read(Selection(plan.table, keys, plan.key), Format.ARROW)
    count = 0
    while not stream.exhausted:
        refused: list[SetAside] = []
        for _ in Sieve(plan, refused).accepted_keys(stream.part(plan.chunk_rows)):
            pass
        count += sum(_may_be_any(entry, plan.route.key) for entry in refused)
    return count


def _may_be_any(entry: SetAside, key: Sequence[str]) -> bool:
    """Whether a part of the row's key is not there, or is not what was meant."""
    misread = entry.column in key and Reason(entry.reason).hides_value
    return entry.place is not None and (None in json.loads(entry.key) or misread)


def staged_keys(held: Hold, plan: Plan, keys: Sequence[str]) -> set[str]:
    """Which of these keys, as the quarantine writes them, bear a row in the stage."""
    changes, exchange = plan.changes, held.exchange
    dialect, key = changes.dialect, changes.key_columns
    texts = ", ".join(dialect.render(dialect.quote(c.name), c.type) for c in key)
    found: set[str] = set()
    for part in _holdable(plan, keys):
        among = dialect.among(key, part)
        query = f"SELECT {texts} FROM {dialect.quote(STAGE)} WHERE {among.sql}"
        rows = exchange.rows(replace(among, sql=query))
        found |= {key_text(row) for row in rows}
    return found


def forget_refused(held: Hold, plan: Plan, table: str, refused: Sequence[SetAside]) -> None:
    """A row that was read and set aside is neither gone nor late."""
    for part in _holdable(plan, [entry.key for entry in refused]):
        held.exchange.execute(plan.changes.forget(table, part))


def _holdable(plan: Plan, keys: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
    """A few hundred at a time. A key that is itself at fault cannot be in any table of ours."""
    for start in range(0, len(keys), _AT_ONCE):
        # Only here, since it costs a quarter of a second to load.
        from bridge.transform.key import holdable

        part = holdable([json.loads(key) for key in keys[start : start + _AT_ONCE]], plan.route)
        if part:
            yield part
