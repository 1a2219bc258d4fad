"""Do the counts of a batch agree? Deviation and conservation, as pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Measured", "deviation"]


@dataclass(frozen=True)
class Measured:
    """Counts of one side of a batch, with the digest of the state its keys must be, or are, in."""

    total: int
    inserted: int
    updated: int
    deleted: int
    digest: str


def deviation(sent: Measured, received: Measured, *, image: bool) -> int:
    """|ΔI| + |ΔU| + |ΔD|, at least 1 if only total or digest differ; 0 if the books balance.

    An image replaces its key range, so its operations depend on what the range held before: only
    its total and digest are compared.
    """
    if image:
        difference = abs(sent.total - received.total)
    else:
        difference = (
            abs(sent.inserted - received.inserted)
            + abs(sent.updated - received.updated)
            + abs(sent.deleted - received.deleted)
        )
    same = (sent.total, sent.digest) == (received.total, received.digest)
    return difference if same else max(1, difference)
