"""What is collected of a table's structure, and how two states of it differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connectors.table import Table

__all__ = ["Change", "Difference", "differences", "structure_of"]

Structure = Mapping[str, Any]


class Change(StrEnum):
    """What may happen to a table. Of some, a job that reads it may have to stop."""

    TABLE_NEW = "table new"
    TABLE_GONE = "table gone"  # or no longer to be read by this login
    TABLE_KIND = "table or view"
    TABLE_COMMENT = "table comment"
    COLUMN_ADDED = "column added"
    COLUMN_REMOVED = "column removed"
    COLUMN_TYPE = "column type"
    COLUMN_NULLABLE = "column nullable"
    COLUMN_COMMENT = "column comment"
    COLUMN_ORDER = "column order"
    KEY = "key"
    UNIQUE = "unique"
    INDEX_ADDED = "index added"
    INDEX_REMOVED = "index removed"
    INDEX_CHANGED = "index changed"

    @property
    def matters(self) -> bool:
        """Whether rows may be read or written in another way by it."""
        return self in _MATTERS


_MATTERS = frozenset(
    {
        *(Change.TABLE_GONE, Change.TABLE_KIND, Change.KEY),
        *(Change.COLUMN_ADDED, Change.COLUMN_REMOVED, Change.COLUMN_TYPE, Change.COLUMN_NULLABLE),
    }
)


@dataclass(frozen=True)
class Difference:
    """`name` is the column's or index's, or empty for the table itself."""

    change: Change
    name: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        named = f"{self.change} {self.name}".rstrip()
        if self.before and self.after:
            return f"{named}: {self.before} → {self.after}"
        return f"{named}: {self.before or self.after}" if self.before or self.after else named


def structure_of(table: Table) -> dict[str, Any]:
    """Plain values, without what changes from day to day: an estimate is no structure."""
    return {
        "view": table.is_view,
        "comment": table.comment,
        "key": list(table.key),
        "unique": sorted(map(list, table.unique)),
        "indexes": {i.name: [*_marks(i.unique), *i.columns] for i in table.indexes},
        "columns": [
            {
                "name": column.name,
                "type": str(column.type),
                "native": column.native,
                "nullable": column.nullable,
                "comment": column.comment,
            }
            for column in table.columns
        ],
    }


def differences(before: Structure | None, after: Structure | None) -> list[Difference]:
    """From one collected state to a later one; None is a table that was not there."""
    if before is None or after is None:
        if before is after:
            return []
        return [Difference(Change.TABLE_NEW if before is None else Change.TABLE_GONE)]
    return [*_of_table(before, after), *_of_columns(before, after), *_of_indexes(before, after)]


def _of_table(before: Structure, after: Structure) -> Iterator[Difference]:
    kinds = ["view" if structure["view"] else "table" for structure in (before, after)]
    keys = [", ".join(structure["key"]) or "none" for structure in (before, after)]
    unique = [_listed(structure["unique"]) for structure in (before, after)]
    for change, pair in ((Change.TABLE_KIND, kinds), (Change.KEY, keys), (Change.UNIQUE, unique)):
        yield from _changed(change, "", *pair)
    yield from _changed(Change.TABLE_COMMENT, "", before["comment"], after["comment"])


def _of_columns(before: Structure, after: Structure) -> Iterator[Difference]:
    old, new = ({c["name"]: c for c in structure["columns"]} for structure in (before, after))
    for name in [n for n in old if n not in new]:
        yield Difference(Change.COLUMN_REMOVED, name, before=_type(old[name]))
    for name in [n for n in new if n not in old]:
        yield Difference(Change.COLUMN_ADDED, name, after=_type(new[name]))
    both = [name for name in old if name in new]
    for name in both:
        was, now = old[name], new[name]
        yield from _changed(Change.COLUMN_TYPE, name, _type(was), _type(now))
        yield from _changed(Change.COLUMN_NULLABLE, name, *map(_nullable, (was, now)))
        yield from _changed(Change.COLUMN_COMMENT, name, was["comment"], now["comment"])
    reordered = [name for name in new if name in old]
    if both != reordered:
        yield Difference(Change.COLUMN_ORDER, "", ", ".join(both), ", ".join(reordered))


def _of_indexes(before: Structure, after: Structure) -> Iterator[Difference]:
    old, new = before["indexes"], after["indexes"]
    for name in sorted({*old, *new}):
        if name not in new:
            yield Difference(Change.INDEX_REMOVED, name, before=" ".join(old[name]))
        elif name not in old:
            yield Difference(Change.INDEX_ADDED, name, after=" ".join(new[name]))
        else:
            yield from _changed(Change.INDEX_CHANGED, name, *map(" ".join, (old[name], new[name])))


def _changed(change: Change, name: str, before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference(change, name, before or "none", after or "none")


def _type(column: Mapping[str, Any]) -> str:
    spelled = f" ({column['native']})" if column["native"] else ""
    return f"{column['type']}{spelled}"


def _nullable(column: Mapping[str, Any]) -> str:
    return "nullable" if column["nullable"] else "not null"


def _marks(unique: bool) -> list[str]:
    return ["unique:"] if unique else []


def _listed(keys: list[list[str]]) -> str:
    return "; ".join(", ".join(key) for key in keys) or "none"
