"""L2: do ledger and receiver agree on how far a job has come, and on the sums up to there?"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import Fork, Gap, LedgerError
from bridge.ledger.history import History, Sums
from bridge.ledger.receiver import Position, Receiver

__all__ = ["Cut", "check_chain", "check_stream"]

_LINKS_EACH_RUN = 500


@dataclass(frozen=True)
class Cut:
    """Up to where both sides were compared, what was sent and what was measured until there.
    `altered`: receipts at the target that are not what they were when they were answered."""

    epoch: int
    seq: int
    head_hash: str
    sent: Sums
    received: Sums
    altered: int = 0

    @property
    def agrees(self) -> bool:
        return self.sent == self.received and not self.altered


def check_chain(history: History, *, whole: bool = False) -> None:
    """Raises Gap or Fork where the ledger's own chain is broken: a batch is missing, or was changed
    after it was sealed. Unless `whole`, only the newest batches are looked at."""
    first = 1 if whole else _first_looked_at(history.head().seq)
    problems = history.verify_chain(first)
    if problems:
        worst = next((p for p in problems if p.kind == "fork"), problems[0])
        raise _error(history, worst.kind, f"{worst.what}")


def check_stream(history: History, receiver: Receiver, *, whole: bool = False) -> Cut | None:
    """The cut at the receiver's position, or Gap or Fork; None where nothing was delivered yet.

    Gap: the receiver stands behind what it has confirmed, or ahead of the ledger (one of the two
    was restored). Fork: its head is not the batch that the ledger has at that place.
    """
    check_chain(history, whole=whole)
    position = receiver.position()
    confirmed = _last_confirmed(history)
    if position is None or position.seq == 0:
        if confirmed:
            raise _error(
                history, "gap", f"the target has no position, {confirmed[1]} was confirmed"
            )
        return None
    if position.epoch < history.epoch and not confirmed:
        return None
    _check_position(history, position, confirmed)
    return Cut(
        position.epoch,
        position.seq,
        position.head_hash,
        history.sums(position.epoch, position.seq),
        receiver.sums(position.epoch, position.seq),
        _altered(history, receiver, position, 1 if whole else _first_looked_at(position.seq)),
    )


def _check_position(
    history: History, position: Position, confirmed: tuple[int, int] | None
) -> None:
    at = (position.epoch, position.seq)
    if confirmed and at < confirmed:
        raise _error(
            history, "gap", f"the target stands at {at[0]}/{at[1]}, behind {_place(confirmed)}"
        )
    batch = history.batch(*at)
    if batch is None:
        raise _error(history, "gap", f"the target stands at {_place(at)}, ahead of the ledger")
    if batch.batch_hash != position.head_hash:
        raise _error(history, "fork", f"the target has another batch {_place(at)}")


def _altered(history: History, receiver: Receiver, position: Position, first: int) -> int:
    """The sums do not see a digest, nor numbers that were moved from one receipt to another."""
    stored = {r.seq: r for r in receiver.receipts(position.epoch, first)}
    known = history.confirmed(position.epoch, first)
    return sum(
        seq not in stored or (stored[seq].batch_hash, stored[seq].received) != noted
        for seq, noted in known.items()
    )


def _first_looked_at(newest: int) -> int:
    return max(1, newest - _LINKS_EACH_RUN)


def _last_confirmed(history: History) -> tuple[int, int] | None:
    """The newest batch of this epoch whose receipt is in the ledger."""
    newest = history.newest_confirmed()
    return (newest.epoch, newest.seq) if newest else None


def _place(at: tuple[int, int]) -> str:
    return f"{at[0]}/{at[1]}"


def _error(history: History, kind: str, what: str) -> LedgerError:
    error = Fork if kind == "fork" else Gap
    return error(
        f"{history.job}: {what}",
        remedy=f"find out what was restored or changed, then bridgehead resync {history.job} --why",
    )
