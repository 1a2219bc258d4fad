"""Which tables a view is made of, as far as the login may see: MariaDB has no list of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from connectors.dialect import Statement
from connectors.mysql.catalogue import TABLE

__all__ = ["all_transactional", "first_unseen"]

# Empty without the right SHOW VIEW; every table in it is written as `schema`.`table`.
_DEFINITION = """
SELECT view_definition
FROM information_schema.views
WHERE table_schema = COALESCE(%s, DATABASE()) AND table_name = %s
"""
_PART = r"`((?:[^`]|``)+)`"
_PLACE = re.compile(rf"{_PART}\.{_PART}(?!\.)")

Ask = Callable[[Statement], list[tuple[Any, ...]]]


def all_transactional(ask: Ask, schema: str | None, view: str) -> bool:
    """False if a table under the view, or under a view that it reads, knows no transactions. One
    that the login may not see is taken for one that does."""
    return all(transactions != "NO" for _, transactions in _tables(ask, schema, view))


def first_unseen(ask: Ask, schema: str | None, name: str) -> str:
    """The engine of the first table there, or under a view, whose transactions are not among those
    that the server shows, which are InnoDB's; empty if there is none."""
    engines = (engine for engine, transactions in _tables(ask, schema, name) if transactions)
    return next((engine for engine in engines if engine.upper() != "INNODB"), "")


def _tables(ask: Ask, schema: str | None, name: str) -> Iterator[tuple[str, str]]:
    """Engine, and whether it knows transactions, of the table, or of all under the view."""
    seen, waiting = set(), [(schema, name)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for kind, _, _, engine, transactions in ask(Statement(TABLE, place)):
            if kind == "VIEW":
                waiting += _under(ask, place)
            elif engine is not None:
                yield str(engine), str(transactions)


def _under(ask: Ask, view: tuple[str | None, str]) -> Iterator[tuple[str, str]]:
    for (definition,) in ask(Statement(_DEFINITION, view)):
        for schema, name in _PLACE.findall(definition or ""):
            yield schema.replace("``", "`"), name.replace("``", "`")
