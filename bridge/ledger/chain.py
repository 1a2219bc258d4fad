"""Is a chain whole? Batches and audit rows alike name the hash of the one before them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from bridge.batch import Batch
from bridge.ledger.record import Head

__all__ = ["ChainProblem", "Link", "batch_links", "contiguous", "verify"]


@dataclass(frozen=True)
class ChainProblem:
    """A `gap` is a number that is missing, a `fork` a link that is not what was sealed."""

    kind: Literal["gap", "fork"]
    epoch: int
    seq: int
    what: str
    last_seq: int = 0  # of a gap


@dataclass(frozen=True)
class Link:
    """One element: what it says of itself, and what its content says (`computed`; of a batch that
    contradicts itself nothing)."""

    epoch: int
    seq: int
    prev_hash: str
    stored_hash: str
    computed_hash: str


def verify(
    links: Iterable[Link],
    first: int,
    prev_hash: str | None,
    end: Head | None = None,
    *,
    to_end: bool = True,
) -> Iterator[ChainProblem]:
    """Problems of links in ascending order. `first` is the number the chain must begin with,
    `prev_hash` what the first link must name, `end` with what its epoch ended; None when that is
    not known. The links need not go `to_end`."""
    expected, head = first, prev_hash
    for link in links:
        if link.seq != expected:
            last = link.seq - 1
            yield ChainProblem("gap", link.epoch, expected, _missing(expected, last), last)
            head = None
        if head is not None and link.prev_hash != head:
            yield _fork(link, "does not follow the one before it")
        if link.computed_hash != link.stored_hash:
            yield _fork(link, "was changed after it was sealed")
        elif end and link.seq >= end.seq and link.stored_hash != end.head_hash:
            yield _fork(link, "is not what its epoch ended with")
        expected, head = link.seq + 1, link.stored_hash
    if end and to_end and expected <= end.seq:
        yield ChainProblem("gap", end.epoch, expected, _missing(expected, end.seq), end.seq)


def batch_links(batches: Iterable[Batch], *, ended: bool) -> Iterator[Link]:
    """Of one epoch, which has `ended` or goes on."""
    for batch in batches:
        computed = "" if batch.contradicts_itself(ended=ended) else batch.compute_hash()
        yield Link(batch.epoch, batch.seq, batch.prev_hash, batch.batch_hash, computed)


def contiguous(batches: Iterable[Batch]) -> Iterator[Iterator[Batch]]:
    """The batches, in order, as runs of one epoch without a number missing, each of which is to be
    read before the next."""
    number, before = 0, (0, 0)

    def run_of(batch: Batch) -> int:
        nonlocal number, before
        epoch, seq = before
        before = (batch.epoch, batch.seq)
        number += before != (epoch, seq + 1)
        return number

    for _, run in groupby(batches, run_of):
        yield run


def _missing(low: int, high: int) -> str:
    return f"{low} is missing" if low == high else f"{low} to {high} are missing"


def _fork(link: Link, what: str) -> ChainProblem:
    return ChainProblem("fork", link.epoch, link.seq, f"{link.seq} {what}")
