"""The floor: the least that two hops can cost, by two plain pipes that keep no books.

A first load is a binary COPY in the order of the key into a table whose key is already there. A
change set is a binary COPY into a temporary table and one transaction that applies it; the floor
does not look for changes, it is told them.
"""

from __future__ import annotations

from benchmarks.measure import Usage
from benchmarks.population import CHANGE, COLUMNS, KEY
from benchmarks.store import BUFFER, BUSINESS, EXCHANGE, FLOOR, Stores

__all__ = ["apply_changes", "first_load"]

_HOPS = ((BUSINESS, "population", EXCHANGE), (EXCHANGE, FLOOR, BUFFER))


def first_load(stores: Stores) -> list[Usage]:
    """Both hops, one after the other; raises WrongRows."""
    stores.empty_floor()
    used = []
    for source, table, target in _HOPS:
        read = f"COPY (SELECT * FROM {table} ORDER BY {KEY}) TO STDOUT (FORMAT binary)"
        used.append(stores.pipe(source, read, target, [f"COPY {FLOOR} FROM STDIN (FORMAT binary)"]))
    stores.verify((EXCHANGE, FLOOR), (BUFFER, FLOOR))
    return used


def apply_changes(stores: Stores) -> list[Usage]:
    """Both hops, one after the other; raises WrongRows."""
    read = f"COPY {CHANGE} TO STDOUT (FORMAT binary)"
    used = [stores.pipe(source, read, target, _apply()) for source, _, target in _HOPS]
    stores.verify((EXCHANGE, FLOOR), (BUFFER, FLOOR))
    return used


def _apply() -> list[str]:
    names = ", ".join(COLUMNS)
    sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name != KEY)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    return [
        f"CREATE TEMPORARY TABLE incoming (operation char(1), {columns}) ON COMMIT DROP",
        "COPY incoming FROM STDIN (FORMAT binary)",
        "ANALYZE incoming",
        f"INSERT INTO {FLOOR}\n"
        f"SELECT {names}\n"
        "FROM incoming\n"
        "WHERE operation <> 'D'\n"
        f"ON CONFLICT ({KEY}) DO UPDATE SET {sets}",
        f"DELETE FROM {FLOOR} t\nUSING incoming i\nWHERE i.operation = 'D' AND i.{KEY} = t.{KEY}",
    ]
