"""What can go wrong in the books themselves: nothing a retry or another login would mend.

BridgeheadError
├── InternalError           4  a bug of ours: nothing an operator could have done
├── TransientError
│   └── Outdated            3  the ledger, or the receiver's tables, are of an earlier release:
│                              a run brings them up to date
└── LedgerError             1  the books are not in order
    ├── BooksDoNotBalance       a batch accounts for more or fewer rows than it read
    ├── IllegalMove             a batch cannot go from its state to that one
    ├── NotContiguous           a window or part would leave a hole after the one before it
    ├── Gap                     a batch before this one has not arrived
    │   └── Restored            the ledger is an older one: to begin again is safe
    ├── Fork                    two different batches claim the same place
    └── Held                    the job waits for a person's decision
        └── Changed             it is no longer the job whose batches are in the ledger
"""

from __future__ import annotations

from connectors.errors import BridgeheadError, TransientError

__all__ = [
    "BooksDoNotBalance",
    "Changed",
    "Fork",
    "Gap",
    "Held",
    "IllegalMove",
    "InternalError",
    "LedgerError",
    "NotContiguous",
    "Outdated",
    "Restored",
]


class InternalError(BridgeheadError):
    """Its cause may hold values of rows, and is shown where somebody asks for that alone."""

    code = "internal"

    @classmethod
    def because(cls, cause: Exception) -> InternalError:
        made = cls(
            f"internal error ({type(cause).__name__}): this is a bug",
            remedy="run it again with --debug, and report what it shows",
        )
        made.__cause__ = cause
        return made


class Outdated(TransientError):
    code = "outdated"


class LedgerError(BridgeheadError):
    code = "ledger"
    exit_code = 1


class BooksDoNotBalance(LedgerError):
    code = "books_do_not_balance"


class IllegalMove(LedgerError):
    code = "illegal_move"


class NotContiguous(LedgerError):
    code = "not_contiguous"


class Gap(LedgerError):
    code = "gap"


class Restored(Gap):
    """What a run puts right by itself; to whatever cannot, it is a gap."""


class Fork(LedgerError):
    code = "fork"


class Held(LedgerError):
    """`batch`: the epoch/seq of the one that waits, where it is one."""

    code = "held"

    def __init__(
        self, message: str, *, endpoint: str | None = None, remedy: str = "", batch: str = ""
    ) -> None:
        super().__init__(message, endpoint=endpoint, remedy=remedy)
        self.batch = batch


class Changed(Held):
    """For programs it is held like any other; who looks into it looks elsewhere."""
