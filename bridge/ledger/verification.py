"""Is one job's chain whole, and does the audit log answer for what stands in it? Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from bridge.batch import GENESIS, Batch
from bridge.ledger.audit import Begun, end_of
from bridge.ledger.chain import ChainProblem, batch_links, contiguous, verify
from bridge.ledger.history import History
from bridge.ledger.record import Head, Standing
from bridge.ledger.waiver import waivers

__all__ = [
    "missing_at_end",
    "verify_batches",
    "verify_begun",
    "verify_chain",
    "verify_ended",
    "verify_waived",
    "verify_waived_besides",
]


def verify_chain(
    history: History, from_seq: int = 1, epoch: int | None = None
) -> list[ChainProblem]:
    """Every gap and fork of an epoch (the current one) from `from_seq` on."""
    current = history.epoch
    if epoch is None or epoch == current:
        return list(_problems(history, current, from_seq, {}, current))
    return list(_problems(history, epoch, from_seq, history.begun(), current))


def verify_ended(history: History) -> list[ChainProblem]:
    """Every gap and fork of the epochs that have ended, and every epoch that nobody began."""
    begun, known, current = history.begun(), history.epochs(), history.epoch
    known |= {one.ended.epoch for one in begun.values() if one.ended}
    ended = sorted(known - {current})
    found = [problem for epoch in ended for problem in _problems(history, epoch, 1, begun, current)]
    return [*found, *verify_begun(history, begun), *verify_waived_besides(history)]


def verify_begun(history: History, begun: Mapping[int, Begun]) -> Iterator[ChainProblem]:
    """A fork for each epoch after the first of whose begin the audit log does not tell."""
    for epoch in sorted(history.epochs() | {history.epoch}):
        if epoch > 1 and epoch not in begun:
            yield ChainProblem("fork", epoch, 1, "its begin is missing in the audit log")


def verify_waived(history: History, epoch: int | None = None) -> Iterator[ChainProblem]:
    """A fork for each batch, of that epoch or of any, that is waived by nobody of whom the
    audit log tells."""
    batches = [batch for batch in history.waived() if epoch in (None, batch.epoch)]
    given = waivers(history.connection, history.department, history.job) if batches else []
    hashes = {waiver.batch_hash for waiver in given}
    for batch in batches:
        contradicts_itself = batch.contradicts_itself(ended=batch.epoch != history.epoch)
        if batch.batch_hash not in hashes and not contradicts_itself:  # else told as that
            what = f"{batch.seq} is waived, and the audit log tells of no waiver"
            yield ChainProblem("fork", batch.epoch, batch.seq, what)


def verify_waived_besides(history: History) -> Iterator[ChainProblem]:
    """The same of what stands in no batch."""
    standing = history.standing()
    if standing is None or not standing.is_waived:
        return
    given = waivers(history.connection, history.department, history.job)
    answered = [(waiver.epoch, waiver.rows) for waiver in given if not waiver.seq]
    if answered != [(standing.epoch, standing.content_deviation or 1)]:
        what = "its deviation is waived, and the audit log tells of no waiver"
        yield ChainProblem("fork", standing.epoch, history.head().seq, what)


def verify_batches(history: History, batches: Iterable[Batch]) -> list[ChainProblem]:
    """Gaps and forks of these, of which the ledger may have others between them: where one is
    not what was sealed, or does not follow the one before it in the ledger; and numbers that
    are missing before one. Each is looked at once, in order, and let go."""
    standing, begun, current = history.standing(), history.begun(), history.epoch
    found: list[ChainProblem] = []
    for run in contiguous(batches):
        begin = next(run)
        epoch = begin.epoch
        below = history.newest_below(epoch, begin.seq)
        first = below.seq + 1 if below else 1
        before = _hash_before(history, epoch, first, standing, begun)
        end = end_of(epoch, begun) if epoch != current else None
        links = batch_links(chain((begin,), run), ended=epoch != current)
        # What follows them may lie in another period.
        found += verify(links, first, before, end, to_end=False)
    return found


def missing_at_end(history: History, end: Head) -> ChainProblem | None:
    """The numbers that an epoch lacks up to that head, which it had when it ended."""
    newest = history.newest_below(end.epoch, end.seq + 1)
    first = newest.seq + 1 if newest else 1
    return next(verify((), first, None, end), None)


def _problems(
    history: History, epoch: int, from_seq: int, begun: Mapping[int, Begun], current: int
) -> Iterator[ChainProblem]:
    before = _hash_before(history, epoch, from_seq, history.standing(), begun)
    links = batch_links(history.in_order(epoch, from_seq), ended=epoch != current)
    yield from verify(links, from_seq, before, end_of(epoch, begun))
    yield from verify_waived(history, epoch)


def _hash_before(
    history: History, epoch: int, seq: int, standing: Standing | None, begun: Mapping[int, Begun]
) -> str | None:
    """What batch `seq` must name; None where nobody knows."""
    if seq > 1:
        before = history.batch(epoch, seq - 1)
        return before.batch_hash if before else None
    if epoch == 1:
        return GENESIS
    if standing and standing.epoch == epoch:
        return standing.anchor_hash
    return begun[epoch].anchor_hash if epoch in begun else None
