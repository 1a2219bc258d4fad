"""What marks a workbook as a template of ours: its rows are found whatever its titles say."""

from __future__ import annotations

__all__ = ["FIRST_ROW", "MARK", "NAMES_ROW", "SHEET", "VERSION", "VERSION_NOW"]

MARK = "_bridgehead"
"""The hidden sheet that holds pairs of a word and what it says."""

VERSION, VERSION_NOW = "bridgehead template", "1"
SHEET, NAMES_ROW, FIRST_ROW = "sheet", "names", "data"
"""The sheet with the rows, its row of names and its first data row, from 1."""
