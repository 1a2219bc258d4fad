"""CSV files in a folder."""

from __future__ import annotations

from contextlib import ExitStack

from connectors.sheet.connector import RowsOf, SheetConnector
from connectors.sheet.delimited import Delimited, charset_of

__all__ = ["CsvConnector"]


class CsvConnector(SheetConnector):
    """CSV files, of any size: memory holds a few rows."""

    endings = frozenset({".csv", ".tsv", ".txt"})

    def opened(self, file: str, stack: ExitStack, charset: str) -> tuple[list[str], RowsOf]:
        path = self.folder.path / file
        charset = charset_of(path, charset or self.options.get("charset", ""))
        delimiter = self.options.get("delimiter", "").replace("tab", "\t")
        header = int(self.options.get("header", "1"))
        rows = stack.enter_context(Delimited(path, charset, delimiter, header))
        return rows.names, lambda loaded: loaded.of_csv(rows)
