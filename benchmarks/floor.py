"""The floor: the least that two hops can cost, by two plain pipes that keep no books.

A first load is read in the order of the key into a table whose key is already there. A change set
is loaded into a temporary table and applied in one transaction; the floor does not look for
changes, it is told them.
"""

from __future__ import annotations

from benchmarks.database import CHANGE, FLOOR, Transfer
from benchmarks.measure import Usage
from benchmarks.store import Stores

__all__ = ["apply_changes", "first_load"]


def first_load(stores: Stores) -> list[Usage]:
    """Both hops, one after the other; raises WrongRows."""
    stores.empty_floor()
    used = [
        stores.pipe(stores.business, stores.exchange, Transfer("population", FLOOR)),
        stores.pipe(stores.exchange, stores.buffer, Transfer(FLOOR, FLOOR)),
    ]
    stores.verify_floor()
    return used


def apply_changes(stores: Stores) -> list[Usage]:
    """Both hops, one after the other; raises WrongRows."""
    told = Transfer(CHANGE, FLOOR, operation=True, changes=True)
    used = [
        stores.pipe(stores.business, stores.exchange, told),
        stores.pipe(stores.exchange, stores.buffer, told),
    ]
    stores.verify_floor()
    return used
