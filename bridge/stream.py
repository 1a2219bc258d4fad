"""L2: do ledger and receiver agree on how far a job has come, and on the sums up to there?

Where they do not, one of them was restored or somebody else writes. What it takes to tell these
apart, beside the two, is the guard file's mark: where this machine had left the ledger.

    the target stands                the guard says             it is
    where the ledger says            the ledger is older        restored: begin again
    ahead, on the ledger's own past  nothing, or that too       restored: begin again
    ahead, on the ledger's own past  it is where we left it     a fork: another machine writes
    ahead, past other batches        whatever                   a fork
    behind what it has confirmed     whatever                   a gap: the target was restored
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.batch import GENESIS, Batch
from bridge.errors import Fork, Gap, LedgerError, Restored
from bridge.guard import Mark
from bridge.ledger.chain import ChainProblem
from bridge.ledger.history import History
from bridge.ledger.receiver import Position, Receiver
from bridge.ledger.record import Head, Sums
from bridge.ledger.verification import verify_chain, verify_ended

__all__ = ["Cut", "check_chain", "check_ended", "check_past", "check_stream"]

_LINKS_EACH_RUN = 500
_ANSWERS_AT_ONCE = 5_000
_NOTHING = Head(1, 0, GENESIS)


@dataclass(frozen=True)
class Cut:
    """Up to where both sides were compared, what was sent and what was measured until there.
    `noted` is what the receipts said when they were answered, which is less than was sent where
    somebody has waived a deviation; `altered`: receipts at the target that are not so any more."""

    epoch: int
    seq: int
    head_hash: str
    sent: Sums
    received: Sums
    noted: Sums
    altered: int = 0

    @property
    def agrees(self) -> bool:
        return self.noted == self.received and not self.altered


def check_chain(history: History, *, whole: bool = False) -> None:
    """Raises Gap or Fork where the ledger's own chain is broken: a batch is missing, or was changed
    after it was sealed. Unless `whole`, only the newest batches are looked at."""
    first = 1 if whole else _first_looked_at(history.head().seq)
    problems = verify_chain(history, first)
    if problems:
        worst = _worst(problems)
        what = f"batches of the ledger: {worst.what}"
        raise _error(history, Fork if worst.kind == "fork" else Gap, what)


def check_past(history: History) -> None:
    """The same of all epochs that have ended: no run touches them, and no resync mends them."""
    problems = verify_ended(history)
    if problems:
        worst = _worst(problems)
        raise _error(
            history,
            Fork if worst.kind == "fork" else Gap,
            f"batches of the ledger, epoch {worst.epoch}: {worst.what}",
            "find out who changed the ledger, and compare it with a backup of the exchange; "
            "what is sent now does not depend on it",
        )


def _worst(problems: Sequence[ChainProblem]) -> ChainProblem:
    return next((p for p in problems if p.kind == "fork"), problems[0])


def check_stream(
    history: History, receiver: Receiver, mark: Mark | None = None, *, whole: bool = False
) -> Cut | None:
    """The cut at the receiver's position; None where nothing of this epoch was delivered yet.

    Raises Gap or Fork as the table above says; Restored where it is the ledger alone that is older,
    so that a new epoch loses nothing and overwrites nobody.
    """
    check_chain(history, whole=whole)
    position, confirmed = receiver.position(), _last_confirmed(history)
    if position is None or position.seq == 0:
        if confirmed:
            what = f"the target has no position, {_place(confirmed)} was confirmed"
            raise _error(history, Gap, what)
        if history.head() != _NOTHING:  # else both were lost, and all begins anew
            _check_mark(history, mark)
        return None
    if position.epoch >= history.epoch or confirmed:
        _check_position(history, receiver, position, confirmed, mark)
    _check_mark(history, mark)
    if position.epoch < history.epoch:
        return None
    sent = noted = history.sums(position.epoch, position.seq)
    if any(batch.epoch == position.epoch for batch in history.waived()):
        noted = history.received_sums(position.epoch, position.seq)
    return Cut(
        position.epoch,
        position.seq,
        position.head_hash,
        sent,
        receiver.sums(position.epoch, position.seq),
        noted,
        _altered(history, receiver, position, 1 if whole else _first_looked_at(position.seq)),
    )


def check_ended(batch: Batch, history: History, receiver: Receiver) -> None:
    """Gap, unless the epoch of a batch that came too late has ended here too: somebody else began
    anew at the receiver, and what is sealed here would be laid aside in silence."""
    position = receiver.position()
    if batch.epoch == history.epoch and position is not None:
        at = _place((position.epoch, position.seq))
        this = _place((batch.epoch, batch.seq))
        raise _error(history, Gap, f"the target stands at {at}, in a later epoch than {this}")


def _check_position(
    history: History,
    receiver: Receiver,
    position: Position,
    confirmed: tuple[int, int] | None,
    mark: Mark | None,
) -> None:
    at = (position.epoch, position.seq)
    if confirmed and at < confirmed:
        what = f"the target stands at {_place(at)}, behind {_place(confirmed)}"
        raise _error(history, Gap, what)
    batch = history.batch(*at)
    if batch is None:
        raise _ahead(history, receiver, position, mark)
    if batch.batch_hash != position.head_hash:
        raise _error(history, Fork, f"the target has another batch {_place(at)}")


def _ahead(
    history: History, receiver: Receiver, position: Position, mark: Mark | None
) -> LedgerError:
    """The ledger was restored, or is not the one that the target hears."""
    head, at = history.head(), (position.epoch, position.seq)
    ahead = f"the target stands at {_place(at)}, ahead of the ledger at {_place_of(head)}"
    stored = receiver.receipt(*at)
    if stored is None or stored.batch_hash != position.head_hash:
        return _error(history, Gap, f"{ahead}, without a receipt of that")
    is_of_this_chain = _shares_past(history, receiver)
    if mark is None or mark.elsewhere:
        if mark is None and is_of_this_chain:
            return _error(history, Restored, ahead)
        return _error(history, Gap, f"{ahead}; {_known_elsewhere(mark)}" if mark else ahead)
    if mark.head == head:
        what = f"{ahead}, which is where this machine left it: another one writes for this job"
        remedy = f"stop the other machine, then here bridgehead resync {history.job} --why TEXT"
        return _error(history, Fork, what, remedy)
    is_older = mark.place > (head.epoch, head.seq)
    return _error(history, Restored if is_older or is_of_this_chain else Gap, ahead)


def _shares_past(history: History, receiver: Receiver) -> bool:
    """Whether the receiver has the newest batches of this ledger. Raises Fork if it has others."""
    applied = history.newest_applied()
    newest = [applied] if applied else []
    stored = False
    for batch in [*newest, *history.unsettled(), *history.held()]:
        receipt = receiver.receipt(batch.epoch, batch.seq)
        if receipt is not None and receipt.batch_hash != batch.batch_hash:
            place = _place((batch.epoch, batch.seq))
            raise _error(history, Fork, f"the target has another batch {place}, and more behind it")
        stored |= receipt is not None
    return stored


def _check_mark(history: History, mark: Mark | None) -> None:
    """A ledger that agrees with the target, but is not what it was: both were restored, or what was
    lost had not left yet."""
    if mark is None:
        return
    head = history.head()
    if mark.head.epoch < head.epoch or mark.head.head_hash == _hash_at(history, *mark.place):
        return
    if mark.elsewhere:
        what = f"the ledger at {_place_of(head)} is not what this machine knows"
        raise _error(history, Gap, f"{what}; {_known_elsewhere(mark)}")
    what = f"the ledger at {_place_of(head)} is older than it was: {_place_of(mark.head)}"
    raise _error(history, Restored, what)


def _known_elsewhere(mark: Mark) -> str:
    return f"that of {mark.elsewhere} was at {_place_of(mark.head)}"


def _hash_at(history: History, epoch: int, seq: int) -> str | None:
    if seq == 0:
        standing = history.standing()
        return standing.anchor_hash if standing and standing.epoch == epoch else None
    batch = history.batch(epoch, seq)
    return batch.batch_hash if batch else None


def _altered(history: History, receiver: Receiver, position: Position, first: int) -> int:
    """The sums do not see a digest, nor numbers that were moved from one receipt to another."""
    altered = 0
    for low in range(first, position.seq + 1, _ANSWERS_AT_ONCE):
        numbers = range(low, min(low + _ANSWERS_AT_ONCE, position.seq + 1))
        stored = {r.seq: r for r in receiver.receipts(position.epoch, numbers)}
        known = history.confirmed(position.epoch, numbers)
        altered += sum(
            seq not in stored or (stored[seq].batch_hash, stored[seq].received) != noted
            for seq, noted in known.items()
        )
    return altered


def _first_looked_at(newest: int) -> int:
    return max(1, newest - _LINKS_EACH_RUN)


def _last_confirmed(history: History) -> tuple[int, int] | None:
    """The newest batch of this epoch whose receipt is in the ledger."""
    newest = history.newest_confirmed()
    return (newest.epoch, newest.seq) if newest else None


def _place(at: tuple[int, int]) -> str:
    return f"{at[0]}/{at[1]}"


def _place_of(head: Head) -> str:
    return _place((head.epoch, head.seq))


def _error(
    history: History, kind: type[LedgerError], what: str, remedy: str | None = None
) -> LedgerError:
    usual = (
        f"find out what was restored or changed, then bridgehead resync {history.job} --why TEXT"
    )
    return kind(f"{history.job}: {what}", remedy=remedy or usual)
