"""Brings the rows of one file into a private table, where they can be sorted and selected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from connectors.sheet.cell import Bad, Cell, read_cell, reader_of
from connectors.sheet.delimited import Delimited
from connectors.sheet.survey import Unfit
from connectors.table import Column, Kind

if TYPE_CHECKING:  # its reader is an extra, which CSV files do without
    from connectors.sheet.workbook import Sheet

__all__ = ["FAULT", "Loaded"]

FAULT = "bh_fault"
"""Which column of a row is at fault; empty for the row as a whole, NULL for a sound row."""

Row: TypeAlias = tuple[Any, ...]


class Loaded:
    """Rows on their way: place, fault, why, then the values of the wanted columns, in order.
    `blank` counts the rows without any value, which are none."""

    def __init__(self, names: Sequence[str], columns: Sequence[Column]) -> None:
        self.blank = 0
        self._columns = list(columns)
        asked = [column.name for column in columns]
        self._places = [_place_of(name, names, asked) for name in asked]
        self._readers = [reader_of(column.type) for column in columns]

    def of_sheet(self, sheet: Sheet) -> Iterator[Row]:
        errors: dict[int, set[int]] = {}
        for row, column in sheet.errors:
            errors.setdefault(row + 1, set()).add(column)
        for number, cells in sheet.cells():
            place = f"{sheet.name}, row {number}"
            bad = errors.get(number, set())
            if not bad and not any(c != "" for c in cells):
                self.blank += 1
                continue
            fault, why, values = self._values(cells, bad, sheet.padding.of_row(number - 1))
            if number in sheet.merged:
                fault, why = "", "merged_cells"
            yield (place, fault, why, *values)

    def of_csv(self, file: Delimited) -> Iterator[Row]:
        readers = self._readers
        nothing = (None,) * len(readers)
        for line in file.lines():
            place = line.place
            if line.fault is not None:
                yield (place, "", line.fault, *nothing)
                continue
            fields = line.fields
            if not any(fields):
                self.blank += 1
                continue
            values = [
                read(fields[at]) if fields[at] else None
                for read, at in zip(readers, self._places, strict=True)
            ]
            yield self._sound(place, values)

    def _sound(self, place: str, values: list[str | None]) -> Row:
        fault = why = None
        for at, value in enumerate(values):
            if value is None or value.isascii():
                continue
            try:
                value.encode()
            except UnicodeEncodeError:
                fault, why = fault or self._columns[at].name, "undecodable"
                values[at] = None
        return (place, fault, why, *map(_bound, values, self._columns))

    def _values(
        self, cells: Sequence[Cell], errors: Iterable[int], padding: Mapping[int, int]
    ) -> tuple[str | None, str | None, list[Any]]:
        fault = why = None
        values: list[Any] = []
        width = len(cells)
        for column, at, read in zip(self._columns, self._places, self._readers, strict=True):
            cell = cells[at] if at < width else ""
            value = None
            try:
                if at in errors:
                    raise Bad("error_value")
                if cell.__class__ is str:  # most are, and this is done for every cell
                    value = read(cell) if cell else None
                else:
                    value = read_cell(cell, column.type, padding.get(at, 0))
            except Bad as bad:
                if fault is None:
                    fault, why = column.name, bad.why
            values.append(_bound(value, column) if column.type.kind is Kind.FLOAT else value)
        return fault, why, values


def _place_of(name: str, names: Sequence[str], asked: Sequence[str]) -> int:
    """Where a column stands. Names that nobody has asked for are not repeated: in a file without a
    row of names they are somebody's values."""
    found = [at for at, known in enumerate(names) if known == name]
    if len(found) == 1:
        return found[0]
    what = f"it has more than one column {name}" if found else f"it has no column {name}"
    known = ", ".join(known for known in names if known in asked) or "–"
    total = sum(1 for known in names if known)
    raise Unfit(f"{what}; of the {total:,} names in its row of names the job asks for {known}")


def _bound(value: str | None, column: Column) -> str | float | None:
    """A double is kept as one, since its text could be read back as another."""
    if value is None or column.type.kind is not Kind.FLOAT:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if isfinite(number) else value
