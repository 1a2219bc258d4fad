"""What the receiver knows: how far each job has been applied here, and what was measured.

Works in the caller's transaction on the target, the one that applies the rows (I5); nothing here
commits. `expects` decides what a delivery is, `record` makes it count.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    insert,
    select,
    update,
)

from bridge.batch import GENESIS, Batch, Counts, Kind, Misfits
from bridge.errors import Fork, Gap
from bridge.ledger.receiverschema import RELEASED, position_row, receipt_row
from bridge.ledger.record import Sums
from bridge.ledger.summing import sum_up, summing
from bridge.ledger.thisjob import naming, this_job
from bridge.ledger.word import read_word
from connectors.errors import Busy
from reconcile.tally import Measured, deviation

__all__ = ["Expectation", "Position", "Receipt", "Receiver", "Stall"]


class Expectation(StrEnum):
    """What a delivered batch is to the receiver."""

    NEXT = "next"  # apply it
    DUPLICATE = "duplicate"  # applied before: answer with the stored receipt
    SUPERSEDED = "superseded"  # of an epoch that has ended, and never applied: lay it aside
    GAP = "gap"  # something before it is missing: wait, raise a gap
    FORK = "fork"  # another history: stop and alarm, never overwrite


Stall: TypeAlias = Literal[Expectation.GAP, Expectation.FORK]
"""Why a job cannot go on at the receiver."""


@dataclass(frozen=True)
class Position:
    """How far a job has been applied. Epoch 0, seq 0 before its first batch."""

    epoch: int
    seq: int
    head_hash: str
    token: int
    updated_at: datetime
    stalled: str | None = None
    stalled_at: datetime | None = None


@dataclass(frozen=True)
class Receipt:
    """What was measured when a batch was applied. `verdict` is the receiver's own comparison with
    the manifest: reconciled or deviation."""

    department: str
    job: str
    epoch: int
    seq: int
    batch_hash: str
    kind: Kind
    window_high: datetime
    received: Counts
    misfits: Misfits
    verdict: str
    applied_at: datetime


# What every run asks for many times, composed once.
_POSITION = select(*(position_row.c[name] for name in Position.__dataclass_fields__)).where(
    this_job(position_row)
)
_UNTIL_THE_END = "WITH (UPDLOCK)"  # how SQL Server, which has no FOR UPDATE, is told
_LOCKED = _POSITION.with_for_update().with_hint(position_row, _UNTIL_THE_END, "mssql")
_MOVED = update(position_row).where(this_job(position_row))
_RECEIPTS = select(receipt_row).where(this_job(receipt_row))
_OF_EPOCH = _RECEIPTS.where(receipt_row.c.epoch == bindparam("of_epoch"))
_NUMBERED = _OF_EPOCH.where(receipt_row.c.seq == bindparam("with_seq"))
_RANGE = _OF_EPOCH.where(
    receipt_row.c.seq >= bindparam("from_seq"), receipt_row.c.seq < bindparam("end")
).order_by(receipt_row.c.seq)
_NEWEST = _RECEIPTS.order_by(receipt_row.c.epoch.desc(), receipt_row.c.seq.desc()).limit(1)
_WITH_HASH = _RECEIPTS.where(receipt_row.c.batch_hash == bindparam("with_hash")).limit(1)
_NEW_RECEIPT = insert(receipt_row)
_MEASURED = summing(receipt_row, receipt_row.c.total)

_GOES_ON: dict[str, Any] = {"stalled": None, "stalled_at": None}


class Receiver:
    """The position and receipts of one department's job at the target."""

    def __init__(self, connection: Connection, department: str, job: str) -> None:
        self.connection = connection
        self.department = department
        self.job = job

    # -- position ----------------------------------------------------------------------------

    def position(self, lock: bool = False) -> Position | None:
        """None if the job never came here. `lock` keeps it still until the transaction ends."""
        query = _LOCKED if lock else _POSITION
        found = self.connection.execute(query, self._this_job).one_or_none()
        return Position(*found) if found else None

    def lock_position(self, token: int) -> Position:
        """Lock the position for the run with this token, made if absent (the caller then holds the
        schema lock); `Busy` if a newer run has been here (I10)."""
        position = self.position(lock=True)
        now = datetime.now(UTC)
        if position is None:
            position = Position(0, 0, GENESIS, token, now)
            self.connection.execute(insert(position_row), self._named(vars(position)))
        if position.token > token:
            raise Busy(f"another run has taken over job {self.job} at the target")
        if position.token < token:
            self._set(token=token)
        return replace(position, token=token)

    def confirmed(self, position: Position) -> Position:
        """With a hash that the receiver will know again: one of which it has a receipt, or zeros
        where it has none. Its tables may have been cleared, or changed by hand."""
        newest = self.newest()
        stored = self.receipt(position.epoch, position.seq)
        if stored is None or stored.batch_hash != position.head_hash:
            stored = newest
        return replace(
            position,
            epoch=max(position.epoch, newest.epoch if newest else 0),
            head_hash=stored.batch_hash if stored else GENESIS,
        )

    def stall(self, expectation: Stall) -> None:
        """Show in `bh_health` that the job cannot go on here, until it does."""
        self._set(stalled=expectation.value, stalled_at=datetime.now(UTC))

    def retire(self) -> None:
        """Show there that the job fills nothing here any more: nobody waits for it."""
        self._set(stalled=RELEASED, stalled_at=datetime.now(UTC))

    def go_on(self) -> None:
        """What stalled the job was another machine's, or has been put right."""
        self._set(**_GOES_ON)

    # -- batches -----------------------------------------------------------------------------

    def expects(self, batch: Batch) -> Expectation:
        """What this delivery is (I3, I4). A batch whose hash is not that of its content is a fork.

        A later epoch begins at seq 1 and names a hash that was confirmed here, at any time, since
        receipts may have been lost on their way; or none, if the sender never saw one.
        """
        if batch.compute_hash() != batch.batch_hash:
            return Expectation.FORK
        stored = self.receipt(batch.epoch, batch.seq)
        if stored:
            same = stored.batch_hash == batch.batch_hash
            return Expectation.DUPLICATE if same else Expectation.FORK
        position = self.position() or Position(0, 0, GENESIS, 0, batch.sealed_at)
        if batch.epoch < position.epoch:
            return Expectation.SUPERSEDED
        if batch.epoch == position.epoch:
            return _next_of_epoch(batch, position)
        known = batch.prev_hash == GENESIS or self._has_receipt(batch.prev_hash)
        return Expectation.NEXT if batch.seq == 1 and known else Expectation.GAP

    def record(self, batch: Batch, received: Counts, misfits: Misfits | None = None) -> Receipt:
        """Write the receipt and advance the position. `Gap` or `Fork` unless it is the next one;
        the caller holds the position's lock, so that `expects` still says what it said."""
        expectation = self.expects(batch)
        if expectation is not Expectation.NEXT:
            error = Gap if expectation is Expectation.GAP else Fork
            place = f"{batch.epoch}/{batch.seq}"
            raise error(f"batch {place} of job {self.job} is not the next one: {expectation}")
        receipt = Receipt(
            department=self.department,
            job=self.job,
            epoch=batch.epoch,
            seq=batch.seq,
            batch_hash=batch.batch_hash,
            kind=batch.kind,
            window_high=batch.window_high,
            received=received,
            misfits=misfits or Misfits(),
            verdict=_verdict(batch, received),
            applied_at=datetime.now(UTC),
        )
        self.connection.execute(_NEW_RECEIPT, _values(receipt))
        self._advance(receipt)
        return receipt

    def receipt(self, epoch: int, seq: int) -> Receipt | None:
        return self._one(_NUMBERED, of_epoch=epoch, with_seq=seq)

    def receipts(self, epoch: int, numbers: range) -> list[Receipt]:
        """In order."""
        place = {"of_epoch": epoch, "from_seq": numbers.start, "end": numbers.stop}
        found = self.connection.execute(_RANGE, self._this_job | place)
        return [_receipt(row) for row in found]

    def newest(self) -> Receipt | None:
        return self._one(_NEWEST)

    def sums(self, epoch: int, seq: int) -> Sums:
        """What was measured in that epoch up to and with that batch."""
        return sum_up(self.connection, _MEASURED, self._this_job, epoch, seq)

    # -- pieces ------------------------------------------------------------------------------

    def _advance(self, receipt: Receipt) -> None:
        self._set(
            epoch=receipt.epoch,
            seq=receipt.seq,
            head_hash=receipt.batch_hash,
            updated_at=receipt.applied_at,
            **_GOES_ON,
        )

    def _has_receipt(self, batch_hash: str) -> bool:
        return self._one(_WITH_HASH, with_hash=batch_hash) is not None

    def _set(self, **values: Any) -> None:
        self.connection.execute(_MOVED, self._this_job | values)

    @property
    def _this_job(self) -> dict[str, str]:
        return naming(self.department, self.job)

    def _one(self, query: Select[Any], **values: Any) -> Receipt | None:
        row = self.connection.execute(query, self._this_job | values).one_or_none()
        return _receipt(row) if row else None

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"department": self.department, "job": self.job} | values


def _next_of_epoch(batch: Batch, position: Position) -> Expectation:
    if batch.seq > position.seq + 1:
        return Expectation.GAP
    follows = batch.seq == position.seq + 1 and batch.prev_hash == position.head_hash
    return Expectation.NEXT if follows else Expectation.FORK


def _verdict(batch: Batch, received: Counts) -> str:
    sent, measured = Measured(**vars(batch.sent)), Measured(**vars(received))
    agrees = deviation(sent, measured, image=batch.kind.is_image) == 0
    return "reconciled" if agrees else "deviation"


def _values(receipt: Receipt) -> dict[str, Any]:
    values = {name: value for name, value in vars(receipt).items() if name in receipt_row.c}
    values["kind"] = receipt.kind.value
    return values | asdict(receipt.received) | asdict(receipt.misfits)


def _receipt(row: Row[Any]) -> Receipt:
    values = dict(row._mapping)
    received = Counts(*(values.pop(name) for name in Counts.__dataclass_fields__))
    misfits = Misfits(*(values.pop(name) for name in Misfits.__dataclass_fields__))
    place = values["job"], "bh_receipt", values["epoch"], values["seq"]
    kind = read_word(Kind, values.pop("kind"), "kind", *place)
    return Receipt(received=received, misfits=misfits, kind=kind, **values)
