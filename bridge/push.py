"""Push, direct: exchange → target. Rows, receipt and position change in one target transaction.

The sender's counts are only compared with what is measured here: which keys were there before,
which are there after, and the digest of what the table then holds. A batch that is delivered twice
is answered with the stored receipt; after a commit whose outcome is unknown the position decides.
"""

from __future__ import annotations

from typing import NoReturn

from bridge.batch import Batch, Counts, Kind, Misfits, State
from bridge.capture.image import key_range
from bridge.errors import Fork, Gap, Held
from bridge.failpoint import failpoint
from bridge.hold import Hold
from bridge.ledger import Ledger
from bridge.ledger.audit import Audit
from bridge.ledger.receiver import Expectation, Stall
from bridge.log import about
from bridge.outcome import Part, working_on
from bridge.plan import Plan
from bridge.rowrefusal import refusals_told
from bridge.stream import check_ended
from connectors import returning
from connectors.canonical import Digest
from connectors.changes import EPOCH, OPERATION, SEQ
from connectors.connector import Connector
from connectors.dialect import Statement
from connectors.effects import AFTER, BEFORE
from connectors.errors import MissingObject
from connectors.selection import Output, Selection
from connectors.table import Column, Table, TableName, Type
from connectors.table import Kind as TypeKind
from reconcile.cause import Misfit, cause_of
from reconcile.tally import Measured

__all__ = ["Push"]

_OPERATION = Column(OPERATION, Type(TypeKind.TEXT, length=1))


class Push:
    """Pushes and reconciles sealed batches of a held job, over a session with the exchange that
    may be another than the pull's."""

    def __init__(self, held: Hold, plan: Plan, exchange: Connector) -> None:
        self._held = held
        self._plan = plan
        self._exchange = exchange
        self._is_prepared = not plan.effects.prepare()

    def settle(self, batch: Batch) -> Batch:
        """Pushes a sealed batch, then compares sent with measured. Raises Gap or Fork if the
        receiver cannot take it; then nothing has changed but the receiver's own alarm."""
        with working_on(Part.PUSH), about(batch.job, batch.epoch, batch.seq):
            if batch.state is State.SEALED:
                failpoint("push.begins")
                batch = self._apply(batch)
                failpoint("push.noted")
            if batch.state is State.APPLIED:
                batch = self._compare(batch)
                failpoint("push.compared")
            return batch

    # -- push --------------------------------------------------------------------------------

    def _apply(self, batch: Batch) -> Batch:
        with refusals_told(self._held, self._plan):
            received = self._deliver(batch)
        with self._exchange.transaction():
            ledger = self._ledger()
            if received is None:
                with self._held.target.transaction():
                    check_ended(batch, ledger, self._held.receiver())
                return ledger.move(batch, State.PURGED, note="superseded at the receiver")
            counts, misfits = received
            note = _note_of(misfits)
            moved = ledger.move(batch, State.APPLIED, received=counts, note=note)
            failpoint("push.noting")
            return moved

    def _deliver(self, batch: Batch) -> tuple[Counts, Misfits] | None:
        """The receipt of this batch, stored or just measured; None for one of an ended epoch."""
        target = self._held.target
        self._prepare()
        with target.transaction():
            receiver = self._held.receiver()
            receiver.lock_position(self._held.token)
            failpoint("push.locked")
            expectation = receiver.expects(batch)
            if expectation is Expectation.DUPLICATE:
                receipt = receiver.receipt(batch.epoch, batch.seq)
            elif expectation is Expectation.NEXT:
                receipt = receiver.record(batch, *self._measure(batch))
            else:
                receipt = None
            failpoint("push.applying")
        failpoint("push.applied")
        if expectation is Expectation.GAP or expectation is Expectation.FORK:
            self._raise_stall(batch, expectation)
        return (receipt.received, receipt.misfits) if receipt else None

    def _prepare(self) -> None:
        """Stages that are no temporary tables are made anew by each run that may; else they are
        those that the DBA has made."""
        target, effects = self._held.target, self._plan.effects
        if not self._is_prepared and self._held.job.target.ddl:
            with target.transaction():
                target.execute_all(effects.prepare())
        elif not self._is_prepared and not target.exists(effects.present_table):
            raise MissingObject(
                f"{self._held.name}: there is no stage {effects.present_table}, and ddl is false",
                endpoint=self._held.job.target.endpoint,
                remedy=f"have made what bridgehead check {self._held.name} --ddl prints",
            )
        self._is_prepared = True

    def _raise_stall(self, batch: Batch, expectation: Stall) -> NoReturn:
        with self._held.target.transaction():
            position = self._held.receiver().lock_position(self._held.token)
            self._held.receiver().stall(expectation)
            failpoint("push.stalling")
        failpoint("push.stalled")
        at = f"{position.epoch}/{position.seq}" if position.seq else "nothing"
        error, what = (
            (Fork, "has another history")
            if expectation is Expectation.FORK
            else (Gap, "lacks what came before")
        )
        raise error(
            f"{self._held.name}: batch {batch.epoch}/{batch.seq} does not follow: "
            f"the target, at {at}, {what}",
            endpoint=self._held.job.target.endpoint,
            remedy=f"find out why, then bridgehead resync {self._held.name} --why TEXT",
        )

    # -- measure -----------------------------------------------------------------------------

    def _measure(self, batch: Batch) -> tuple[Counts, Misfits]:
        if batch.kind.is_image:
            return self._replace_range(batch), Misfits()
        if batch.sent.total == 0:
            return Counts(0, 0, 0, 0, str(Digest())), Misfits()
        target, effects = self._held.target, self._plan.effects
        target.prefer_index()
        target.execute_all(effects.stage())
        self._load(batch, effects.incoming_table, with_operation=True)
        target.analyze(effects.incoming_table.name, effects.key)
        if effects.owned and effects.dialect.returns_changes:
            target.execute_all(returning.replace_rows(effects))
        else:
            target.execute(effects.note_present())
            target.execute_all(effects.apply())
        target.run_deferred()
        measured = self._count()
        target.execute_all(effects.clear())
        return measured

    def _count(self) -> tuple[Counts, Misfits]:
        """Effects by operation, and by whether the key was there before and is there after."""
        inserted = updated = deleted = 0
        insert_updated = update_inserted = delete_missing = 0
        digest = Digest()
        groups = [OPERATION, BEFORE, AFTER]
        for found in self._held.target.digest(Statement(self._plan.effects.lines()), groups):
            operation, before, after = found.group[0], bool(found.group[1]), bool(found.group[2])
            digest += found.digest
            inserted += found.rows if not before and after else 0
            updated += found.rows if before and after and operation != "D" else 0
            deleted += found.rows if before and not after else 0
            insert_updated += found.rows if operation == "I" and before else 0
            update_inserted += found.rows if operation == "U" and not before else 0
            delete_missing += found.rows if operation == "D" and not before else 0
        total = inserted + updated + deleted
        counts = Counts(total, inserted, updated, deleted, str(digest))
        return counts, Misfits(insert_updated, update_inserted, delete_missing)

    def _replace_range(self, batch: Batch) -> Counts:
        """An image: its key range becomes what was sent, nothing beyond it survives."""
        if batch.key_high is None and not batch.last:  # nothing but refused rows up to here
            return Counts(0, 0, 0, 0, str(Digest()))
        target, effects = self._held.target, self._plan.effects
        keys = key_range(batch.key_low, batch.key_high)
        target.prefer_index()
        before = int(target.value(effects.count_range(keys)))
        sent = kept = others = 0
        if before == 0:
            self._load(batch, effects.table, with_operation=False)
            target.run_deferred()
        else:
            target.execute_all(effects.stage())
            self._load(batch, effects.incoming_table, with_operation=True)
            target.analyze(effects.incoming_table.name, effects.key)
            target.execute(effects.note_present())
            others = before - int(target.value(effects.count_present()))
            self._refuse_mass_delete(batch, others)
            target.execute(effects.delete_others(keys))
            target.execute_all(effects.apply())
            target.run_deferred()
            sent, kept = map(int, target.rows(effects.count_after())[0])
            target.execute_all(effects.clear())
        rows, digest = target.digest_all(effects.range_lines(keys))
        kept += min(others, rows - sent)  # those that were to go, and are still there
        return Counts(rows, rows - kept, kept, before - kept, str(digest))

    def _refuse_mass_delete(self, batch: Batch, deleted: int) -> None:
        """The fuse of what is sent again without a resync that a person has asked for. Nothing of
        the part is committed."""
        most, job = self._held.job.max_delete, self._held.name
        if most is None or deleted <= most:
            return
        with self._exchange.snapshot():
            audit = Audit(self._exchange.connection, self._held.department)
            begun = audit.details("new_epoch", job)
        if begun.get("epoch") != batch.epoch or not {"by_itself", "rejected"} & begun.keys():
            return
        raise Held(
            f"{job}: after a restore or a rejection everything was sent again, and that would"
            f" delete {deleted} rows at the target, more than max_delete {most}",
            remedy=f"see whether the source is whole, then bridgehead resync {job} --why TEXT",
            batch=batch.place,
        )

    def _load(self, batch: Batch, into: TableName, *, with_operation: bool) -> None:
        """Streams the batch's payload from the exchange into a table of the target."""
        selection = self._payload(batch, with_operation=with_operation)
        columns = self._plan.effects.incoming if with_operation else self._plan.effects.columns
        with self._exchange.snapshot():
            if batch.kind.is_image:
                self._exchange.prefer_index()
            stream = self._exchange.read(selection, self._plan.push_format)
            chunks = stream.part(batch.sent.total)
            self._held.target.load(into, columns, chunks, stream.format)

    def _payload(self, batch: Batch, *, with_operation: bool) -> Selection:
        """The rows of a batch: its change rows, or for an image its key range of the copy."""
        changes = self._plan.changes
        outputs = [Output(c, c.type) for c in changes.columns]
        if batch.kind.is_image:
            table = Table(changes.copy, changes.columns)
            keys = key_range(batch.key_low, batch.key_high)
            if with_operation:
                outputs.insert(0, Output(_OPERATION, _OPERATION.type, literal="I"))
            return Selection(table, tuple(outputs), changes.key_columns, keys)
        outputs.insert(0, Output(_OPERATION, _OPERATION.type))
        d = changes.dialect
        stamp = f"{d.quote(EPOCH)} = {d.placeholder} AND {d.quote(SEQ)} = {d.placeholder}"
        return Selection(
            Table(changes.change, (_OPERATION, *changes.columns)),
            tuple(outputs),
            changes.key_columns,
            where=Statement(stamp, (batch.epoch, batch.seq)),
        )

    # -- reconcile, L1 -----------------------------------------------------------------------

    def _compare(self, batch: Batch) -> Batch:
        """Sent against measured: reconciled, or deviated with its cause."""
        difference = batch.difference
        if batch.received is None or difference is None:
            raise ValueError("an applied batch has a receipt")
        with self._exchange.transaction():
            ledger = self._ledger()
            if difference == 0:
                batch = ledger.move(batch, State.RECONCILED, deviation=0)
                if batch.kind is Kind.RESYNC and batch.last and not self._brings_nothing:
                    ledger.put_right_older()
                failpoint("push.reconciling")
                return batch
            with self._held.target.transaction():
                receipt = self._held.receiver().receipt(batch.epoch, batch.seq)
            misfit = Misfit(**vars(receipt.misfits)) if receipt else Misfit()
            sent, received = (Measured(**vars(c)) for c in (batch.sent, batch.received))
            cause = cause_of(sent, received, misfit)
            batch = ledger.move(batch, State.DEVIATED, deviation=difference, cause=cause.value)
            failpoint("push.deviating")
            return batch

    @property
    def _brings_nothing(self) -> bool:
        """A resync of files begins with an image without rows: the files are still to be taken."""
        return self._held.job.capture.method == "files"

    def _ledger(self) -> Ledger:
        return self._held.ledger(self._exchange)


def _note_of(misfits: Misfits) -> str | None:
    found = [f"{name}: {count}" for name, count in vars(misfits).items() if count]
    return ", ".join(found) or None
