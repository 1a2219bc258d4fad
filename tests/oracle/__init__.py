"""A second opinion: does what stands in the stores agree with the source, and do the books add up?

Imports nothing of ours. It is told the three stores (plain driver connections) and what the table
is like, reads everything itself, and computes every sum and hash again.
"""

from tests.oracle.books import batch_hash
from tests.oracle.finding import Finding, Subject
from tests.oracle.judge import Oracle
from tests.oracle.store import Place, quoted

__all__ = ["Finding", "Oracle", "Place", "Subject", "batch_hash", "quoted"]
