"""What happens to rows on their way into the exchange database, on whole columns."""

from bridge.transform.refusal import Reason, Refusal, Refusals
from bridge.transform.rows import Transformed, transform

__all__ = ["Reason", "Refusal", "Refusals", "Transformed", "transform"]
