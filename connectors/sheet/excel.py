"""Workbooks in a folder."""

from __future__ import annotations

from contextlib import ExitStack

from connectors.sheet.connector import RowsOf, SheetConnector
from connectors.sheet.workbook import open_sheet

__all__ = ["ExcelConnector"]


class ExcelConnector(SheetConnector):
    """Workbooks: one sheet of each, whose row of names is that of the template, else row 1."""

    endings = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})

    def opened(self, file: str, stack: ExitStack, charset: str) -> tuple[list[str], RowsOf]:
        most_bytes = int(self.options["max_mb"]) << 20
        most_cells = int(self.options["max_cells"])
        sheet = open_sheet(self.folder.path / file, self.options, most_bytes, most_cells)
        return sheet.names, lambda loaded: loaded.of_sheet(sheet)
