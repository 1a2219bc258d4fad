"""What an operator can mend: one sentence, and no traceback."""

from __future__ import annotations

__all__ = ["Trouble"]


class Trouble(Exception):
    """The sentence says what was found and what to do."""
