"""A second opinion: does what stands in the stores agree with the source, and do the books add up?

Imports nothing of ours. It is told the three stores (plain driver connections) and what the table
is like, reads everything itself, and computes every sum and hash again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

__all__ = ["Finding", "Oracle", "Place", "Subject"]

ZEROS = "0" * 64
IMAGES = ("first", "resync")
COUNTS = ("deleted", "gone", "inserted", "late", "quarantined", "read", "superseded")
COUNTS += ("unchanged", "updated")


@dataclass(frozen=True)
class Finding:
    """`kind`: lost, twice, differs, extra (rows); falsely_reconciled; gap, fork, books, receipt."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


class Place:
    """One store over a plain driver connection, in autocommit."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        module = type(connection).__module__
        self.is_sqlite = module.startswith("sqlite3")
        self.is_mysql = module.startswith("MySQLdb")

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """`?` stands for a value."""
        return [tuple(row) for row in self._execute(sql, values).fetchall()]

    def records(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        cursor = self._execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _execute(self, sql: str, values: Sequence[object]) -> Any:
        cursor = self.connection.cursor()
        if not values:  # psycopg then leaves every % alone
            cursor.execute(sql)
        else:
            cursor.execute(sql if self.is_sqlite else sql.replace("?", "%s"), tuple(values))
        return cursor

    def texts(self, table: str, columns: Iterable[str]) -> list[tuple[str | None, ...]]:
        """Every row of a table, each value as the store itself writes it as text."""
        names = [quoted(column) for column in columns]
        if self.is_sqlite:
            found = self.query(f"SELECT {', '.join(names)} FROM {quoted(table)}")
            return [tuple(_as_text(value) for value in row) for row in found]
        if self.is_mysql:
            chosen = ", ".join(f"CAST(`{column}` AS CHAR)" for column in columns)
            return self.query(f"SELECT {chosen} FROM `{table}`")
        self.connection.execute("SET bytea_output = hex")
        self.connection.execute("SET timezone = 'UTC'")
        chosen = ", ".join(f"{name}::text" for name in names)
        return self.query(f"SELECT {chosen} FROM {quoted(table)}")


@dataclass(frozen=True)
class Subject:
    """The table a job carries. `columns` maps a column to how its texts are compared: `text`,
    `number`, `moment`, `bytes`, `boolean`. `without` are keys that are rightly not there."""

    department: str
    job: str
    source_table: str
    target_table: str
    key: tuple[str, ...]
    columns: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    without: frozenset[tuple[str, ...]] = frozenset()


class Oracle:
    """Judges one job by what stands in the three stores."""

    def __init__(self, source: Place, exchange: Place, target: Place, subject: Subject) -> None:
        self.source = source
        self.exchange = exchange
        self.target = target
        self.subject = subject

    def findings(self) -> list[Finding]:
        """Everything that is wrong, once the job has come to rest."""
        return [*self.content(), *self.books(), *self.false_reconciliations()]

    # -- content -----------------------------------------------------------------------------

    def content(self) -> list[Finding]:
        """Source against exchange, and source against target."""
        source = self._rows(self.source, self.subject.source_table, at_source=True)
        wanted = [row for row in source if row[0] not in self.subject.without]
        found: list[Finding] = []
        for name, place, table in self._copies():
            found += _compare(name, wanted, self._rows(place, table), list(self.subject.columns))
        return found

    def false_reconciliations(self) -> list[Finding]:
        """The ledger says all is reconciled, and exchange and target do not hold the same."""
        if {batch["state"] for batch in self.batches()} != {"reconciled"}:
            return []
        (_, exchange, copy), (_, target, table) = self._copies()
        sent, received = self._rows(exchange, copy), self._rows(target, table)
        if Counter(map(_hashable, sent)) == Counter(map(_hashable, received)):
            return []
        return [Finding("falsely_reconciled", f"{self.subject.job}: exchange and target differ")]

    def _copies(self) -> list[tuple[str, Place, str]]:
        return [
            ("exchange", self.exchange, f"bh_copy_{self.subject.job}"),
            ("target", self.target, self.subject.target_table),
        ]

    def _rows(
        self, place: Place, table: str, *, at_source: bool = False
    ) -> list[tuple[tuple[str, ...], tuple[str | None, ...]]]:
        subject = self.subject
        names = [c if at_source else subject.names.get(c, c) for c in subject.columns]
        kinds = list(subject.columns.values())
        places = [list(subject.columns).index(column) for column in subject.key]
        rows = []
        for texts in place.texts(table, names):
            values = tuple(_plain(text, kind) for text, kind in zip(texts, kinds, strict=True))
            rows.append((tuple(str(values[i]) for i in places), values))
        return rows

    # -- books -------------------------------------------------------------------------------

    def batches(self) -> list[dict[str, Any]]:
        return self.exchange.records(
            "SELECT * FROM bh_batch WHERE department = ? AND job = ? ORDER BY epoch, seq",
            self._named,
        )

    def receipts(self) -> list[dict[str, Any]]:
        return self.target.records(
            "SELECT * FROM bh_receipt WHERE department = ? AND job = ? ORDER BY epoch, seq",
            self._named,
        )

    @property
    def _named(self) -> tuple[str, str]:
        return self.subject.department, self.subject.job

    def books(self) -> list[Finding]:
        """Every batch for itself, the chain, and both sides' sums."""
        batches, receipts = self.batches(), self.receipts()
        return [
            *self._chain(batches),
            *(finding for batch in batches for finding in _balance(batch)),
            *_sums(batches, receipts),
            *self._position(receipts),
        ]

    def _chain(self, batches: list[dict[str, Any]]) -> Iterator[Finding]:
        sealed = {ZEROS}
        head, epoch, seq = ZEROS, 1, 0
        for batch in batches:
            at = f"{batch['epoch']}/{batch['seq']}"
            if batch["epoch"] != epoch:
                epoch, seq, head = batch["epoch"], 0, batch["prev_hash"]
                if head not in sealed:
                    yield Finding("fork", f"epoch {epoch} hangs on a hash that was never sealed")
            if batch["seq"] != seq + 1:
                yield Finding("gap", f"{at} follows {epoch}/{seq}")
            elif batch["prev_hash"] != head:
                yield Finding("fork", f"{at} does not name the batch before it")
            if batch_hash(batch) != batch["batch_hash"]:
                yield Finding("fork", f"{at} is not what was sealed")
            seq, head = batch["seq"], batch["batch_hash"]
            sealed.add(head)

    def _position(self, receipts: list[dict[str, Any]]) -> Iterator[Finding]:
        found = self.target.records(
            "SELECT epoch, seq, head_hash FROM bh_position WHERE department = ? AND job = ?",
            self._named,
        )
        newest = receipts[-1] if receipts else {"epoch": 0, "seq": 0, "batch_hash": ZEROS}
        wanted = (newest["epoch"], newest["seq"], newest["batch_hash"])
        for position in found:
            at = (position["epoch"], position["seq"], position["head_hash"])
            if at != wanted:
                yield Finding(
                    "gap", f"the target stands at {at[:2]}, its last receipt {wanted[:2]}"
                )


def batch_hash(batch: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of everything sealed (DESIGN, I4)."""
    plain = ("department", "job", "epoch", "seq", "prev_hash", "content_hash", "kind", "digest")
    sealed: dict[str, Any] = {name: batch[name] for name in plain}
    sealed["window"] = [_instant(batch["window_low"]), _instant(batch["window_high"])]
    sealed["keys"] = [batch["key_low"], batch["key_high"]]
    sealed["last"] = bool(batch["last"])
    sealed["counts"] = {name: batch[name] for name in COUNTS}
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sent_total(batch: dict[str, Any]) -> int:
    third = "unchanged" if batch["kind"] in IMAGES else "deleted"
    return int(batch["inserted"] + batch["updated"] + batch[third])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _balance(batch: dict[str, Any]) -> Iterator[Finding]:
    at = f"{batch['epoch']}/{batch['seq']}"
    used = ("inserted", "updated", "deleted", "unchanged", "superseded", "quarantined")
    residual = batch["read"] + batch["gone"] - sum(batch[name] for name in used)
    if residual:
        yield Finding("books", f"{at}: {residual} rows are unaccounted for")
    if batch["kind"] == "empty" and sent_total(batch):
        yield Finding("books", f"{at}: an empty batch with changes")
    if batch["state"] == "reconciled" and batch["deviation"] == 0 and not _agrees(batch):
        yield Finding("falsely_reconciled", f"{at}: what was received is not what was sent")


def _agrees(batch: dict[str, Any]) -> bool:
    if (sent_total(batch), batch["digest"]) != (batch["received_total"], batch["received_digest"]):
        return False
    names = () if batch["kind"] in IMAGES else ("inserted", "updated", "deleted")
    return all(batch[name] == batch[f"received_{name}"] for name in names)


def _sums(batches: list[dict[str, Any]], receipts: list[dict[str, Any]]) -> Iterator[Finding]:
    names = ("total", "inserted", "updated", "deleted", "digest")
    by_place = {(receipt["epoch"], receipt["seq"]): receipt for receipt in receipts}
    if len(by_place) != len(receipts):
        yield Finding("receipt", "one batch has two receipts")
    for batch in batches:
        receipt = by_place.pop((batch["epoch"], batch["seq"]), None)
        at = f"{batch['epoch']}/{batch['seq']}"
        if batch["received_total"] is None:
            continue
        if receipt is None:
            yield Finding("receipt", f"{at} is acknowledged, and has no receipt")
        elif receipt["batch_hash"] != batch["batch_hash"]:
            yield Finding("fork", f"{at}: the receipt is of another batch")
        elif any(receipt[name] != batch[f"received_{name}"] for name in names):
            yield Finding("receipt", f"{at}: the receipt is not what the ledger noted")
    for epoch, seq in by_place:
        if (epoch, seq) not in {(batch["epoch"], batch["seq"]) for batch in batches}:
            yield Finding("gap", f"the target has a receipt of {epoch}/{seq}, the ledger no batch")


Row = tuple[tuple[str, ...], tuple[str | None, ...]]


def _compare(
    name: str, wanted: Sequence[Row], found: Sequence[Row], columns: Sequence[str]
) -> Iterator[Finding]:
    expected = dict(wanted)
    counted = Counter(key for key, _ in found)
    for key, times in counted.items():
        if times > 1:
            yield Finding("twice", f"{name}: {key} stands there {times} times")
    yield from (Finding("lost", f"{name}: {key}") for key in expected if key not in counted)
    for key, values in found:
        if key not in expected:
            yield Finding("extra", f"{name}: {key}")
            continue
        for column, one, other in zip(columns, expected[key], values, strict=True):
            if one != other:
                yield Finding("differs", f"{name}: {key}, {column}: {one!r} is {other!r}")


def _hashable(row: Row) -> Row:
    return row


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)


def _plain(text: str | None, kind: str) -> str | None:
    """One spelling for one value, where two families write it differently."""
    if text is None or kind == "text":
        return text
    if kind == "number":
        number = Decimal(text.replace("$", "").replace(",", ""))  # PostgreSQL's money
        return f"{number.normalize():f}" if number.is_finite() and number else str(abs(number))
    if kind == "bytes":
        return text.removeprefix("\\x")
    if kind == "boolean":
        return {"1": "true", "0": "false"}.get(text, text)
    stamp = text.replace("T", " ").removesuffix("+00:00").removesuffix("+00").removesuffix("Z")
    return stamp.rstrip("0").rstrip(".") if "." in stamp else stamp


def _instant(value: Any) -> str | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
