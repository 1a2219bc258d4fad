"""The only truth about progress: batches, states, counts, digests, receipts, audit.

The ledger stands in the exchange database, the receiver's tables at the target.
"""

from bridge.ledger.candidate import Candidate
from bridge.ledger.record import Event, Head, Standing, Sums
from bridge.ledger.standing import JobStanding
from bridge.ledger.writer import Ledger

__all__ = ["Candidate", "Event", "Head", "JobStanding", "Ledger", "Standing", "Sums"]
