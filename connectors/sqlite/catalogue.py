"""What a table of SQLite looks like, from its pragmas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

from connectors.sqlite.types import declared_type, has_text_affinity
from connectors.table import Column, Filling, Index, Kind, Table, TableName

__all__ = ["COLUMNS", "INDEXES", "TABLES", "columns_of", "relation_of"]

TABLES = """
SELECT name, type
FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
AND name NOT LIKE 'bh\\_%' ESCAPE '\\'
ORDER BY name
"""

# name, declared type, not null, place in the primary key, default, whether it is computed
COLUMNS = """
SELECT name, type, `notnull`, pk, dflt_value, hidden IN (2, 3)
FROM pragma_table_xinfo(?)
WHERE hidden <> 1
"""

# index, is unique, is partial, its origin, column (NULL: an expression), collation
INDEXES = """
SELECT i.name, i.`unique`, i.partial, i.origin, c.name, c.coll
FROM pragma_index_list(?) i
JOIN pragma_index_xinfo(i.name) c
WHERE c.key = 1
ORDER BY i.seq, c.seqno
"""

# Their order is not that of the stored values, or not bound to be.
_REORDERED = frozenset({Kind.DECIMAL, Kind.UUID, Kind.DATE, Kind.TIME, Kind.TIMESTAMP})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TEXTS = frozenset({Kind.TEXT, Kind.JSON, Kind.NATIVE})
_NO_DEFAULT = (None, "NULL")


def relation_of(
    name: TableName, columns: Sequence[Any], indexes: Sequence[Any], *, is_view: bool
) -> Table:
    """A table from its rows of COLUMNS and INDEXES."""
    found = [list(rows) for _, rows in groupby(indexes, key=lambda row: row[0])]
    # A primary key without an index is the number of the row itself, which is never NULL.
    is_number = all(rows[0][3] != "pk" for rows in found)
    required = {c for c, _, notnull, pk, *_ in columns if notnull or (pk and is_number)}
    filling = {
        c: Filling.STORE if computed else Filling.NEEDED
        for c, _, notnull, pk, default, computed in columns
        if computed or (notnull and default in _NO_DEFAULT and not (pk and is_number))
    }
    key = tuple(c for _, c in sorted((pk, c) for c, _, _, pk, *_ in columns if pk))
    unique = [tuple(row[4] for row in rows) for rows in found if rows[0][1] and not rows[0][2]]
    leading = {rows[0][4] for rows in found if rows[0][4]}
    collated = {row[4]: row[5] for rows in found for row in rows if row[5] != "BINARY"}
    return Table(
        name,
        columns_of(columns, required, collated, filling),
        key=key,
        unique=tuple(names for names in unique if names != key and required.issuperset(names)),
        indexed=frozenset(leading | set(key[:1])),
        is_view=is_view,
        indexes=tuple(
            Index(rows[0][0], tuple(row[4] for row in rows if row[4]), bool(rows[0][1]))
            for rows in found
        ),
    )


def columns_of(
    rows: Sequence[Any],
    required: Iterable[str] = (),
    collated: Mapping[str, str] = _NOTHING,
    filling: Mapping[str, Filling] = MappingProxyType({}),
) -> tuple[Column, ...]:
    """Columns; of the `collated` ones an index has another order than that of the bytes, and takes
    texts for one that differ in case or trailing blanks."""
    return tuple(
        Column(
            name,
            declared_type(declared),
            nullable=name not in required,
            bytewise=name not in collated and _keeps_order(declared),
            native=declared or "ANY",
            collation=collated.get(name, ""),
            folds=name in collated,
            filling=filling.get(name, Filling.FREE),
        )
        for name, declared, *_ in rows
    )


def _keeps_order(declared: str) -> bool:
    kind = declared_type(declared).kind
    return kind not in _REORDERED and (kind not in _TEXTS or has_text_affinity(declared))
