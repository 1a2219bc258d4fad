"""How statements are made: settings of the whole deployment."""

from __future__ import annotations

from bridge.configuration.jobparts import Timezone
from bridge.configuration.validation import Name, Strict

__all__ = ["StatementSettings"]


class StatementSettings(Strict):
    """对账单. How statements are made."""

    timezone: Timezone = "Asia/Shanghai"
    """时区. Where days begin, and how moments are written."""

    font: Name | None = None
    """字体. The font file of PDFs, with Chinese characters. None: one that the system has."""
